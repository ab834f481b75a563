/* events: what a container uses, from the files of its control groups, and when it ran out of memory. */
#include "cgroup.h"
#include "container.h"
#include "frames.h"
#include "json.h"
#include "oci.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SENTRY_TIMEOUT_MILLIS 2000

static struct container container;

/* A file with one number; "max" is 0. */
static unsigned long long one(const char *controller, const char *file)
{
    char text[256];
    return cgroup_read(&container.record, controller, file, text, sizeof text) ? strtoull(text, NULL, 10) : 0;
}

/* The number behind a word at the start of a line. */
static unsigned long long field(const char *controller, const char *file, const char *word)
{
    char text[16384];
    size_t length = strlen(word);
    if (!cgroup_read(&container.record, controller, file, text, sizeof text))
        return 0;
    for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
        if (strncmp(line, word, length) == 0 && line[length] == ' ')
            return strtoull(line + length, NULL, 10);
    return 0;
}

/* A file of "word number" lines as an object. */
static void print_object(const char *controller, const char *file)
{
    char text[16384];
    const char *comma = "";
    putchar('{');
    if (cgroup_read(&container.record, controller, file, text, sizeof text))
        for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
            char word[128];
            unsigned long long value;
            if (sscanf(line, "%127s %llu", word, &value) == 2) {
                printf("%s\"%s\":%llu", comma, word, value);
                comma = ",";
            }
        }
    putchar('}');
}

static void print_cpu(void)
{
    unsigned long long total, user, kernel, periods, throttled, time;
    if (cgroup_is_unified()) {
        total = field("cpu", "cpu.stat", "usage_usec") * 1000;
        user = field("cpu", "cpu.stat", "user_usec") * 1000;
        kernel = field("cpu", "cpu.stat", "system_usec") * 1000;
        time = field("cpu", "cpu.stat", "throttled_usec") * 1000;
    } else {
        total = one("cpuacct", "cpuacct.usage");
        user = one("cpuacct", "cpuacct.usage_user");
        kernel = one("cpuacct", "cpuacct.usage_sys");
        time = field("cpu", "cpu.stat", "throttled_time");
    }
    periods = field("cpu", "cpu.stat", "nr_periods");
    throttled = field("cpu", "cpu.stat", "nr_throttled");
    printf("\"cpu\":{\"usage\":{\"total\":%llu,\"kernel\":%llu,\"user\":%llu},\"throttling\":{\"periods\":%llu,"
           "\"throttledPeriods\":%llu,\"throttledTime\":%llu}}",
           total, kernel, user, periods, throttled, time);
}

static void print_memory(void)
{
    bool unified = cgroup_is_unified();
    printf(",\"memory\":{\"usage\":{\"limit\":%llu,\"usage\":%llu,\"max\":%llu,\"failcnt\":%llu},\"swap\":{\"limit\":%llu,\"usage\":%llu,"
           "\"failcnt\":%llu},\"raw\":",
           one("memory", unified ? "memory.max" : "memory.limit_in_bytes"),
           one("memory", unified ? "memory.current" : "memory.usage_in_bytes"),
           one("memory", unified ? "memory.peak" : "memory.max_usage_in_bytes"),
           unified ? field("memory", "memory.events", "max") : one("memory", "memory.failcnt"),
           one("memory", unified ? "memory.swap.max" : "memory.memsw.limit_in_bytes"),
           one("memory", unified ? "memory.swap.current" : "memory.memsw.usage_in_bytes"),
           unified ? 0 : one("memory", "memory.memsw.failcnt"));
    print_object("memory", "memory.stat");
    putchar('}');
}

/*
 * What only the sentry knows: its limits, and the ring tier. A sentry that does not answer in time (its container is paused, or
 * busy) leaves its part out: the figures of the control groups are still worth printing.
 */
static void print_sentry(void)
{
    static struct frame_reader reader;
    enum status status = container_status(&container);
    int fd = status == STATUS_RUNNING || status == STATUS_CREATED ? container_connect(&container) : -1;
    if (fd < 0)
        return;
    if (frame_reader_open(&reader, fd) == 0 && frame_send(fd, FRAME_CLIENT, NULL, 0, -1) == 0 &&
        frame_send(fd, FRAME_STATS, NULL, 0, -1) == 0) {
        enum frame_result result;
        struct pollfd on = {.fd = fd, .events = POLLIN};
        while ((result = frame_read(&reader)) == FRAME_AGAIN && poll(&on, 1, SENTRY_TIMEOUT_MILLIS) > 0)
            ;
        if (result == FRAME_READY && reader.type == FRAME_TEXT && reader.length > 1)
            printf(",\"redoubt\":{%.*s}", (int)reader.length - 1, reader.payload + 1);
    }
    if (reader.payload)
        munmap(reader.payload, FRAME_MAX_PAYLOAD + 4096);
    close(fd);
}

static void print_stats(void)
{
    char *id = json_quote(container.id);
    printf("{\"type\":\"stats\",\"id\":%s,\"data\":{", id);
    print_cpu();
    print_memory();
    printf(",\"pids\":{\"current\":%llu,\"limit\":%llu},\"blkio\":{},\"hugetlb\":{},\"intel_rdt\":{},\"network_interfaces\":null",
           one("pids", "pids.current"), one("pids", "pids.max"));
    print_sentry();
    puts("}}");
    fflush(stdout);
    free(id);
}

static unsigned long long oom_kills(void)
{
    return field("memory", cgroup_is_unified() ? "memory.events" : "memory.oom_control", "oom_kill");
}

/* "5s", "500ms", "1m"; a bare number is none for runc either. */
static int interval_millis(void)
{
    double value;
    char unit[8] = "";
    const char *text = oci.interval ? oci.interval : "5s";
    if (sscanf(text, "%lf%7s", &value, unit) == 2 && value > 0 && value < 1e6) {
        double scale = strcmp(unit, "ms") == 0 ? 1 : strcmp(unit, "s") == 0 ? 1000 : strcmp(unit, "m") == 0 ? 60000 : 0;
        if (scale > 0)
            return (int)(value * scale);
    }
    oci_fail("option --interval: %s is not a duration above 0, like 5s", text);
}

int command_events(void)
{
    container_require(&container, false);
    int interval = interval_millis();
    enum status status = container_status(&container);
    if (status == STATUS_STOPPED)
        oci_fail("container with id %s is not running", container.id);
    if (oci.stats) {
        print_stats();
        return 0;
    }
    /* The counter of kills is looked at each second: its kernel says so by other means in version 1 and in 2. */
    struct pollfd on = {.fd = (int)syscall(SYS_pidfd_open, container_pid(&container), 0), .events = POLLIN};
    unsigned long long known = oom_kills();
    for (int left = 0; on.fd >= 0;) {
        unsigned long long now = oom_kills();
        for (; known < now; known++) {
            printf("{\"type\":\"oom\",\"id\":\"%s\"}\n", container.id);
            fflush(stdout);
        }
        if (left <= 0) {
            print_stats();
            left = interval;
        }
        int step = left < 1000 ? left : 1000;
        if (poll(&on, 1, step) > 0)
            break;
        left -= step;
    }
    for (unsigned long long now = oom_kills(); known < now; known++)
        printf("{\"type\":\"oom\",\"id\":\"%s\"}\n", container.id);
    return 0;
}
