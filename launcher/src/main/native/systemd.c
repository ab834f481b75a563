/*
 * There is no D-Bus library in a static program, and wherever systemd is there is its busctl. What is set here is only what
 * systemd would otherwise reset when it looks at its units again; cgroup.c writes all the files itself.
 */
#include "systemd.h"

#include "cgroup.h"
#include "container.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_WORDS 128
#define MANAGER "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"

static char problem[1024];

bool systemd_is_running(void)
{
    struct stat status;
    return lstat("/run/systemd/system", &status) == 0 && S_ISDIR(status.st_mode);
}

struct words {
    const char *word[MAX_WORDS + 1];
    size_t count;
};

static void add(struct words *words, const char *format, ...)
{
    char *text;
    va_list list;
    va_start(list, format);
    if (vasprintf(&text, format, list) < 0)
        abort();
    va_end(list);
    if (words->count < MAX_WORDS)
        words->word[words->count++] = text;
}

/* Runs busctl; what it says on standard error goes to said. Returns its exit code. */
static int run_busctl(const struct words *words, char *said, size_t size)
{
    int output[2], status = 0;
    size_t length = 0;
    *said = 0;
    if (pipe2(output, O_CLOEXEC))
        return 1;
    pid_t pid = fork();
    if (pid == 0) {
        dup2(output[1], 2);
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        dup2(null, 0);
        dup2(null, 1);
        execvp("busctl", (char *const *)(uintptr_t)words->word);
        dprintf(2, "busctl: %s", strerror(errno));
        _exit(127);
    }
    close(output[1]);
    ssize_t n;
    while (pid > 0 && length < size - 1 && (n = read(output[0], said + length, size - 1 - length)) != 0)
        if (n > 0)
            length += (size_t)n;
        else if (errno != EINTR)
            break;
    said[length] = 0;
    close(output[0]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static struct words call(const char *method)
{
    struct words words = {.count = 0};
    const char *start[] = {"busctl", geteuid() == 0 ? "--system" : "--user", "--quiet", "call", MANAGER, method};
    for (size_t i = 0; i < sizeof start / sizeof *start; i++)
        add(&words, "%s", start[i]);
    return words;
}

/* "a-b.slice" is below "a.slice" (systemd.slice(5)). Returns null for what is no slice. */
static char *expand_slice(const char *slice)
{
    size_t length = strlen(slice);
    char *path = calloc(1, length * length + 2);
    if (!path)
        abort();
    if (strcmp(slice, "-.slice") == 0)
        return path;
    if (length <= 6 || strcmp(slice + length - 6, ".slice") || strchr(slice, '/') || *slice == '-' || slice[length - 7] == '-' ||
        strstr(slice, "--"))
        return NULL;
    for (const char *dash = slice; dash;) {
        dash = strchr(dash + 1, '-');
        char *end = path + strlen(path);
        sprintf(end, "/%.*s.slice", (int)(dash ? dash - slice : (ptrdiff_t)length - 6), slice);
    }
    return path;
}

/* The value of "CONTROLLER TAB FILE TAB VALUE" for a file, or null. */
static const char *value_of(char *const *settings, size_t count, const char *file)
{
    size_t length = strlen(file);
    for (size_t i = 0; i < count; i++) {
        const char *at = strchr(settings[i], '\t');
        if (at && strncmp(at + 1, file, length) == 0 && at[1 + length] == '\t')
            return at + 2 + length;
    }
    return NULL;
}

#define NO_LIMIT "18446744073709551615"

static unsigned add_number(struct words *words, const char *property, const char *value)
{
    bool is_lifted = value && (strcmp(value, "max") == 0 || strcmp(value, "-1") == 0);
    if (!value || (!isdigit((unsigned char)*value) && !is_lifted))
        return 0;
    add(words, "%s", property);
    add(words, "t");
    add(words, "%s", is_lifted ? NO_LIMIT : value);
    return 1;
}

/* What an update leaves as it is. */
static long long current(const struct record *record, const char *file)
{
    char text[64];
    return record && cgroup_read(record, "cpu", file, text, sizeof text) ? atoll(text) : 0;
}

/*
 * systemd keeps whole percents of a processor (systemd.resource-control(5), CPUQuota): rounded up, so that the group below gets all
 * that it was given. record: of a container that is there, null for a new one.
 */
static unsigned add_quota(struct words *words, const struct record *record, char *const *settings, size_t count)
{
    const char *quota = value_of(settings, count, "cpu.cfs_quota_us"), *period = value_of(settings, count, "cpu.cfs_period_us");
    const char *both = value_of(settings, count, "cpu.max"), *blank = both ? strchr(both, ' ') : NULL;
    if (!quota && !period && !both)
        return 0;
    long long q = quota ? atoll(quota) : both ? atoll(both) : current(record, "cpu.cfs_quota_us");
    long long p = period ? atoll(period) : blank ? atoll(blank) : current(record, "cpu.cfs_period_us");
    if (p <= 0)
        p = 100000;
    add(words, "CPUQuotaPerSecUSec");
    add(words, "t");
    if (q > 0 && q < INT64_MAX / 1000000)
        add(words, "%lld", (q * 1000000 / p + 9999) / 10000 * 10000);
    else
        add(words, NO_LIMIT);
    return 1;
}

/* What systemd would otherwise reset when it looks at the unit again. Returns how many. */
static unsigned add_limits(struct words *words, const struct record *record, char *const *settings, size_t count)
{
    return add_number(words, "MemoryLimit", value_of(settings, count, "memory.limit_in_bytes")) +
           add_number(words, "MemoryMax", value_of(settings, count, "memory.max")) +
           add_number(words, "CPUShares", value_of(settings, count, "cpu.shares")) +
           add_number(words, "CPUWeight", value_of(settings, count, "cpu.weight")) +
           add_number(words, "TasksMax", value_of(settings, count, "pids.max")) + add_quota(words, record, settings, count);
}

/* The answer to the call is that a job is queued; it is done when the kernel says where the process is. */
static bool is_moved(pid_t pid, const char *unit)
{
    char path[64], text[8192];
    snprintf(path, sizeof path, "/proc/%d/cgroup", pid);
    for (int tries = 0; tries < 3000; tries++) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
        if (fd >= 0)
            close(fd);
        if (n < 0)
            return false;
        text[n] = 0;
        if (strstr(text, unit))
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return false;
}

const char *systemd_start(struct record *record, const char *cgroups_path, const char *id, const pid_t *pids, size_t pid_count,
                          char *const *settings, size_t setting_count, char **path)
{
    char *copy = strdup(cgroups_path), *rest = copy, *slice = NULL, *prefix = NULL, *name = NULL, *unit, said[512];
    if (*copy) {
        slice = strsep(&rest, ":");
        prefix = strsep(&rest, ":");
        name = rest;
        if (!name || strchr(name, ':')) {
            snprintf(problem, sizeof problem,
                     "expected cgroupsPath to be of format \"slice:prefix:name\" for systemd cgroups, got \"%s\" instead", cgroups_path);
            return problem;
        }
    }
    if (!slice || !*slice)
        slice = geteuid() == 0 ? (char[]){"system.slice"} : (char[]){"user.slice"};
    if (!name)
        name = (char *)(uintptr_t)id;
    if (!prefix)
        prefix = (char[]){"redoubt"};
    if (asprintf(&unit, "%s%s%s.scope", prefix, *prefix ? "-" : "", name) < 0)
        abort();
    char *parent = expand_slice(slice);
    if (!parent || strchr(unit, '/')) {
        snprintf(problem, sizeof problem, "invalid slice name: %s", slice);
        return problem;
    }
    if (asprintf(path, "%s/%s", parent, unit) < 0)
        abort();

    struct words properties = {.count = 0};
    unsigned count = 4; /* and those below */
    const char *flags[] = {"Delegate", "MemoryAccounting", "CPUAccounting", "TasksAccounting"};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++, count++) {
        add(&properties, "%s", flags[i]);
        add(&properties, "b");
        add(&properties, "true");
    }
    count += add_limits(&properties, NULL, settings, setting_count);

    struct words words = call("StartTransientUnit");
    add(&words, "ssa(sv)a(sa(sv))");
    add(&words, "%s", unit);
    add(&words, "replace");
    add(&words, "%u", count);
    const char *texts[] = {"Description", "s", NULL, "Slice", "s", slice, "DefaultDependencies", "b", "false"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        add(&words, "%s%s", texts[i] ? texts[i] : "redoubt container ", texts[i] ? "" : id);
    add(&words, "PIDs");
    add(&words, "au");
    add(&words, "%zu", pid_count);
    for (size_t i = 0; i < pid_count; i++)
        add(&words, "%d", pids[i]);
    for (size_t i = 0; i < properties.count; i++)
        add(&words, "%s", properties.word[i]);
    add(&words, "0");
    if (run_busctl(&words, said, sizeof said) != 0) {
        said[strcspn(said, "\n")] = 0;
        snprintf(problem, sizeof problem, "unable to start unit \"%s\": %s", unit, said);
        return problem;
    }
    record_set(record, "cgroup.unit", unit);
    if (is_moved(pids[0], unit))
        return NULL;
    snprintf(problem, sizeof problem, "unable to start unit \"%s\": systemd has not moved the processes within 30 s", unit);
    return problem;
}

const char *systemd_update(const struct record *record, char *const *settings, size_t count)
{
    const char *unit = record_get(record, "cgroup.unit");
    struct words properties = {.count = 0};
    char said[512];
    unsigned limits = unit ? add_limits(&properties, record, settings, count) : 0;
    if (!limits)
        return NULL;
    struct words words = call("SetUnitProperties");
    add(&words, "sba(sv)");
    add(&words, "%s", unit);
    add(&words, "true"); /* until it ends, not over a boot */
    add(&words, "%u", limits);
    for (size_t i = 0; i < properties.count; i++)
        add(&words, "%s", properties.word[i]);
    if (run_busctl(&words, said, sizeof said) == 0)
        return NULL;
    said[strcspn(said, "\n")] = 0;
    snprintf(problem, sizeof problem, "unable to set properties of unit \"%s\": %s", unit, said);
    return problem;
}

void systemd_stop(const struct record *record)
{
    const char *unit = record_get(record, "cgroup.unit");
    char said[512];
    if (!unit)
        return;
    struct words words = call("StopUnit");
    add(&words, "ss");
    add(&words, "%s", unit);
    add(&words, "replace");
    run_busctl(&words, said, sizeof said); /* a scope goes by itself when it is empty: it may have gone */
}
