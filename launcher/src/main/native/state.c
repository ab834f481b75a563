/* state and list: what is known of containers, printed. */
#include "state.h"

#include "json.h"
#include "oci.h"
#include "sweep.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

long long state_now_millis(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static const char *value(const struct container *container, const char *key, const char *otherwise)
{
    const char *found = record_get(&container->record, key);
    return found && *found ? found : otherwise;
}

char *state_text(const struct container *container, enum status status)
{
    char *text = NULL, *id = json_quote(container->id);
    size_t size;
    FILE *to = open_memstream(&text, &size);
    if (!to)
        abort();
    /* Who is told of a created container is a hook that runs in it (runtime-spec, config.md). */
    pid_t pid = status == STATUS_STOPPED ? 0 : status == STATUS_CREATED ? 1 : container_pid(container);
    fprintf(to, "{\"ociVersion\":%s,\"id\":%s,\"status\":\"%s\",\"pid\":%d,\"bundle\":%s", value(container, "ociVersion", "\"1.0.0\""),
            id, status_names[status], pid, value(container, "bundle", "\"\""));
    const char *annotations = record_get(&container->record, "annotations");
    if (annotations)
        fprintf(to, ",\"annotations\":%s", annotations);
    fputs("}", to);
    fclose(to);
    free(id);
    return text;
}

/* As runc prints it, in its order. */
static void print_state(FILE *to, const struct container *container, const char *owner)
{
    enum status status = container_status(container);
    char *id = json_quote(container->id);
    fprintf(to, "{\"ociVersion\":%s,\"id\":%s,\"pid\":%d,\"status\":\"%s\",\"bundle\":%s,\"rootfs\":%s,\"created\":%s",
            value(container, "ociVersion", "\"1.0.0\""), id, status == STATUS_STOPPED ? 0 : container_pid(container),
            status_names[status], value(container, "bundle", "\"\""), value(container, "rootfs", "\"\""),
            value(container, "created", "\"0001-01-01T00:00:00Z\""));
    const char *annotations = record_get(&container->record, "annotations");
    if (annotations)
        fprintf(to, ",\"annotations\":%s", annotations);
    fprintf(to, ",\"owner\":%s}", owner);
    free(id);
}

int command_state(void)
{
    struct container container;
    char *text = NULL;
    size_t size;
    container_require(&container, false);
    FILE *to = open_memstream(&text, &size);
    if (!to)
        abort();
    print_state(to, &container, "\"\"");
    fclose(to);
    json_indent(stdout, text, 0); /* without a newline, as runc */
    return 0;
}

/* ------------------------------------------------------------------------------------------------------------------ list */

struct line {
    char *cell[6];
};

static struct line *lines;
static size_t line_count;
static FILE *json;

static char *plain(const struct container *container, const char *key)
{
    return json_unquote(value(container, key, "\"\""));
}

/* The owner's name, or "#UID" as runc has it. */
static char *owner_of(const struct container *container)
{
    char number[32];
    unsigned long long uid = record_number(&container->record, "owner");
    snprintf(number, sizeof number, "#%llu", uid);
    FILE *users = fopen("/etc/passwd", "re"); /* not getpwuid(3), which a static program cannot have in full */
    struct passwd *user = NULL;
    while (users && (user = fgetpwent(users)) && user->pw_uid != uid)
        ;
    char *name = strdup(user ? user->pw_name : number);
    if (users)
        fclose(users);
    return name;
}

static void add_line(const char *id)
{
    struct container container;
    if (!container_open(&container, id, false) || !container_has_record(&container))
        return;
    container.id = strdup(id);
    enum status status = container_status(&container);
    char pid[16];
    snprintf(pid, sizeof pid, "%d", status == STATUS_STOPPED ? 0 : container_pid(&container));
    lines = realloc(lines, (line_count + 1) * sizeof *lines);
    if (!lines)
        abort();
    char *owner = owner_of(&container);
    lines[line_count++] = (struct line){{strdup(id), strdup(pid), strdup(status_names[status]), plain(&container, "bundle"),
                                         plain(&container, "created"), owner}};
    if (json) {
        if (line_count > 1)
            putc(',', json);
        char *quoted = json_quote(owner);
        print_state(json, &container, quoted);
        free(quoted);
    }
}

int command_list(void)
{
    static const char *const titles[] = {"ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"};
    char *text = NULL;
    size_t size, width[6];
    const char *format = oci.format ? oci.format : "table";
    if (strcmp(format, "json") && strcmp(format, "table"))
        oci_fail("invalid format option");
    sweep();
    json = open_memstream(&text, &size);
    if (!json)
        abort();
    container_each(add_line);
    fclose(json);
    if (oci.quiet) {
        for (size_t i = 0; i < line_count; i++)
            puts(lines[i].cell[0]);
        return 0;
    }
    if (strcmp(format, "json") == 0) {
        if (line_count)
            printf("[%s]\n", text);
        else
            puts("null"); /* as runc */
        return 0;
    }
    for (int k = 0; k < 6; k++) {
        width[k] = strlen(titles[k]) > 9 ? strlen(titles[k]) : 9;
        for (size_t i = 0; i < line_count; i++)
            if (strlen(lines[i].cell[k]) > width[k])
                width[k] = strlen(lines[i].cell[k]);
    }
    for (size_t i = 0; i <= line_count; i++)
        for (int k = 0; k < 6; k++) {
            const char *cell = i ? lines[i - 1].cell[k] : titles[k];
            if (k < 5)
                printf("%-*s", (int)width[k] + 3, cell);
            else
                puts(cell);
        }
    return 0;
}
