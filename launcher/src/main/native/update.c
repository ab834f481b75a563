/* update: other limits for a container. The sentry reads the JSON, as it does at create, and says which files that means. */
#include "cgroup.h"
#include "container.h"
#include "frames.h"
#include "oci.h"
#include "plan.h"
#include "systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Bytes with k, m, g or t behind them; anything else as it is. */
static long long number(const char *name, const char *text)
{
    static const char units[] = "kmgt";
    char *end;
    long long value = strtoll(text, &end, 10);
    const char *unit = *end ? strchr(units, *end | 32) : NULL;
    if (unit)
        value <<= 10 * (unit - units + 1);
    if (end == text || (*end && !unit) || (unit && end[1] && strcasecmp(end + 1, "b")))
        oci_fail("option --%s: %s is not a number", name, text);
    return value;
}

/* The options as the JSON that they stand for; in the order of update_names. */
static void print_options(FILE *to)
{
    static const char *const places[][2] = {
        {"blockIO", "weight"},      {"cpu", "period"}, {"cpu", "quota"},    {"cpu", "shares"},
        {"cpu", "realtimePeriod"},  {"cpu", "realtimeRuntime"}, {"cpu", "cpus"}, {"cpu", "mems"},
        {"memory", "limit"},        {"memory", "swap"}, {"memory", "reservation"}, {"pids", "limit"},
    };
    const char *object = "", *comma = "";
    putc('{', to);
    for (int i = 0; update_names[i]; i++) {
        const char *value = oci.update[i];
        if (!value)
            continue;
        if (strcmp(object, places[i][0])) {
            fprintf(to, "%s%s\"%s\":{", *object ? "}" : "", *object ? "," : "", places[i][0]);
            object = places[i][0];
            comma = "";
        }
        if (strncmp(update_names[i], "cpuset", 6) == 0 && !value[strspn(value, "0123456789,-")])
            fprintf(to, "%s\"%s\":\"%s\"", comma, places[i][1], value);
        else
            fprintf(to, "%s\"%s\":%lld", comma, places[i][1], number(update_names[i], value));
        comma = ",";
    }
    fputs(*object ? "}}" : "}", to);
}

static char *read_resources(void)
{
    char *text = NULL;
    size_t size;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        abort();
    if (!oci.resources) {
        print_options(to);
    } else {
        char bytes[4096];
        bool is_stdin = strcmp(oci.resources, "-") == 0;
        int fd = is_stdin ? 0 : open(oci.resources, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            oci_fail("cannot open %s: %s", oci.resources, strerror(errno));
        ssize_t n;
        while ((n = read(fd, bytes, sizeof bytes)) > 0 && ftell(to) < 1 << 20)
            fwrite(bytes, 1, (size_t)n, to);
    }
    fclose(to);
    return text;
}

int command_update(void)
{
    struct container container;
    static struct frame_reader reader;
    container_require(&container, true);
    enum status status = container_status(&container);
    if (status == STATUS_STOPPED)
        oci_fail("container not running");
    char *json = read_resources();
    int fd = container_connect(&container);
    if (fd < 0 || frame_reader_open(&reader, fd) || frame_send(fd, FRAME_CLIENT, NULL, 0, -1) ||
        frame_send_all(fd, FRAME_UPDATE, json, strlen(json)))
        oci_fail("the monitor of the container does not answer");
    enum frame_result result;
    struct pollfd on = {.fd = fd, .events = POLLIN};
    while ((result = frame_read(&reader)) == FRAME_AGAIN)
        if (poll(&on, 1, 30000) == 0)
            oci_fail("the sentry of the container did not answer within 30 s%s", status == STATUS_PAUSED ? ": it is paused" : "");
    if (result == FRAME_READY && reader.type == FRAME_FAIL && reader.length > 4)
        oci_fail("%s", reader.payload + 4);
    if (result != FRAME_READY || reader.type != FRAME_PLAN)
        oci_fail("the sentry of the container does not answer");
    char **settings = calloc(reader.length + 1, sizeof *settings);
    size_t count = 0;
    const char *entry = NULL;
    while (settings && (entry = plan_next(reader.payload, reader.length, "cgroup.set", entry)))
        settings[count++] = (char *)(uintptr_t)entry;
    const char *problem = systemd_update(&container.record, settings, count);
    if (!problem)
        problem = cgroup_set(&container.record, settings, count, false);
    if (problem)
        oci_fail("%s", problem);
    return 0;
}
