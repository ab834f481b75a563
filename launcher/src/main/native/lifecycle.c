/*
 * A container's record, control groups, hooks and pid file, in the order that the runtime specification wants (runtime.md,
 * "Lifecycle"). These are steps of the front; for a container in the foreground that is what the user started, else the monitor.
 */
#include "lifecycle.h"

#include "cgroup.h"
#include "front.h"
#include "hooks.h"
#include "json.h"
#include "monitor.h"
#include "oci.h"
#include "output.h"
#include "plan.h"
#include "sysctl.h"
#include "systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static char *cgroup_path;
static char **settings;
static size_t setting_count;
static char *oom_score;
static char *scheduler;
static char *io_priority;
static bool shares_uts;

bool lifecycle_is_tolerant(void)
{
    if (oci.rootless && (strcmp(oci.rootless, "true") == 0 || strcmp(oci.rootless, "1") == 0))
        return true;
    if (oci.rootless && strcmp(oci.rootless, "false") == 0)
        return false;
    return oci_is_rootless();
}

void container_begin(struct container *container, const char *bundle)
{
    const char *listen_fds = getenv("LISTEN_FDS");
    if (listen_fds)
        setenv("REDOUBT_LISTEN_FDS", listen_fds, 1);
    char when[64];
    struct timespec now;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &now);
    strftime(when, sizeof when - 12, "\"%Y-%m-%dT%H:%M:%S", gmtime_r(&now.tv_sec, &parts));
    snprintf(when + strlen(when), sizeof when - strlen(when), ".%09ldZ\"", now.tv_nsec);
    char *quoted = json_quote(bundle);
    record_set(&container->record, "phase", "creating");
    record_set(&container->record, "bundle", quoted);
    record_set(&container->record, "created", when);
    record_set_number(&container->record, "owner", getuid());
    free(quoted);
}

static void quoted_entry(const char *key, const char *value)
{
    char *quoted = json_quote(value);
    record_set(&front.container.record, key, quoted);
    free(quoted);
}

bool plan_other(const char *key, const char *value)
{
    if (front.exec_in && strcmp(key, "oom.score") && strcmp(key, "console.size") && strcmp(key, "scheduler") && strcmp(key, "io.priority"))
        return false;
    if (!front.exec_in && !front.container.id)
        return false;
    if (strcmp(key, "ociVersion") == 0 || strcmp(key, "rootfs") == 0) {
        quoted_entry(key, value);
    } else if (strcmp(key, "annotations") == 0) {
        record_set(&front.container.record, key, value);
    } else if (strcmp(key, "cgroup.path") == 0) {
        cgroup_path = strdup(value);
    } else if (strcmp(key, "cgroup.set") == 0) {
        settings = realloc(settings, (setting_count + 1) * sizeof *settings);
        if (!settings)
            abort();
        settings[setting_count++] = strdup(value);
    } else if (strcmp(key, "hook") == 0 || strcmp(key, "hook.arg") == 0 || strcmp(key, "hook.env") == 0) {
        hooks_add(&front.container.record, key, value);
    } else if (strcmp(key, "scheduler") == 0) {
        scheduler = strdup(value);
    } else if (strcmp(key, "io.priority") == 0) {
        io_priority = strdup(value);
    } else if (strcmp(key, "sysctl") == 0) {
        sysctl_add(value);
    } else if (strcmp(key, "oom.score") == 0) {
        oom_score = strdup(value);
    } else if (strcmp(key, "console.size") == 0) {
        sscanf(value, "%hu:%hu", &front.first_size.ws_row, &front.first_size.ws_col);
    } else {
        return strcmp(key, "namespace") == 0 || strncmp(key, "map.", 4) == 0; /* of lifecycle_before_plan */
    }
    return true;
}

/* "namespace" entries are "TYPE TAB PATH". The stage has its own by now, in the hope that none is shared: it is made again. */
void lifecycle_before_plan(const char *payload, size_t length)
{
    const char *entry = NULL, *problem;
    bool shares = false;
    while (front.container.id && (entry = plan_next(payload, length, "namespace", entry))) {
        char type[32];
        const char *tab = strchr(entry, '\t');
        snprintf(type, sizeof type, "%.*s", tab ? (int)(tab - entry) : 0, entry);
        if ((problem = stage_share(type, tab ? tab + 1 : "")))
            refuse(problem);
        shares_uts |= strcmp(type, "uts") == 0;
        shares = true;
    }
    const char *uids = front.container.id ? plan_next(payload, length, "map.uid", NULL) : NULL;
    const char *gids = front.container.id ? plan_next(payload, length, "map.gid", NULL) : NULL;
    stage_map(uids, gids);
    if ((shares || uids || gids) && !stage_again(&front.stage))
        finish(EXIT_LAUNCHER);
    if (stage_maps_ranges() && !start_mapped_gofer())
        finish(EXIT_LAUNCHER);
}

static int write_score(pid_t pid, const char *score)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/oom_score_adj", pid);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int result = fd >= 0 && write(fd, score, strlen(score)) > 0 ? 0 : -errno;
    if (fd >= 0)
        close(fd);
    return result;
}

static void join_groups(void)
{
    const struct record *record = &front.container.record;
    const char *problem = NULL;
    /* Only the guest is frozen, where that is a hierarchy of its own: who serves it has to answer to commands. */
    pid_t pids[] = {front.stage.pid, front.sentry.pid, front.gofer.pid, getpid()};
    for (int i = 0; i < (front.is_monitor ? 4 : 3) && !problem; i++)
        problem = cgroup_join(record, pids[i], i > 0);
    if (problem && !lifecycle_is_tolerant())
        refuse(problem);
}

static void write_record(const char *phase)
{
    record_set(&front.container.record, "phase", phase);
    int error = container_write(&front.container);
    if (error) {
        complain("cannot write the state of the container: %s", strerror(-error));
        give_up("the state folder cannot be written");
    }
}

static void run_hooks(const char *name, enum status status, pid_t init)
{
    const char *problem = hooks_run(&front.container, name, status, init, -1);
    if (problem)
        refuse(problem);
}

/*
 * A guest that uses up its memory is to be killed before the sentry that has to report it. Only who has CAP_SYS_RESOURCE may
 * lower a score; without it the guest's is raised, where there is a limit that it could reach.
 */
static int protect_servers(void)
{
    bool is_limited = false;
    for (size_t i = 0; i < setting_count; i++)
        is_limited |= strncmp(settings[i], "memory\t", 7) == 0;
    bool is_protected = write_score(front.sentry.pid, "-1000") == 0 && write_score(front.gofer.pid, "-1000") == 0;
    if (is_protected || !is_limited || (oom_score && atoi(oom_score) > 800))
        return oom_score ? write_score(front.stage.pid, oom_score) : 0;
    return write_score(front.stage.pid, "800");
}

/* Of the first process; what it starts inherits it. */
static const char *schedule(void)
{
    static char problem[128];
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attributes = {.size = sizeof attributes}; /* struct sched_attr, first version: sched_setattr(2) */
    if (scheduler) {
        sscanf(scheduler, "%u %lu %d %u %lu %lu %lu", &attributes.policy, &attributes.flags, &attributes.nice, &attributes.priority,
               &attributes.runtime, &attributes.deadline, &attributes.period);
        if (syscall(SYS_sched_setattr, front.stage.pid, &attributes, 0)) {
            snprintf(problem, sizeof problem, "error setting scheduler: %s", strerror(errno));
            return problem;
        }
    }
    if (io_priority && syscall(SYS_ioprio_set, 1, front.stage.pid, atoi(io_priority))) { /* IOPRIO_WHO_PROCESS */
        snprintf(problem, sizeof problem, "error setting I/O priority: %s", strerror(errno));
        return problem;
    }
    return NULL;
}

/* What its first process has: the container's, or what protect_servers has made of it. */
static char *init_score(void)
{
    static char text[16];
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/oom_score_adj", container_pid(front.exec_in));
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    return n > 0 ? text : NULL;
}

static void plan_exec(void)
{
    const char *problem = cgroup_join(&front.exec_in->record, front.stage.pid, false);
    if (problem && !lifecycle_is_tolerant())
        refuse(problem);
    if (oci.cgroup && (problem = cgroup_join_below(&front.exec_in->record, front.stage.pid, oci.cgroup)))
        refuse(problem);
    if (oom_score || (oom_score = init_score()))
        write_score(front.stage.pid, oom_score);
    if ((problem = schedule()))
        refuse(problem);
}

/* With --systemd-cgroup the group is the unit's, and we come to one that is there. */
static const char *start_unit(void)
{
    pid_t pids[] = {front.stage.pid, front.sentry.pid, front.gofer.pid, getpid()};
    char *path = NULL;
    const char *problem = systemd_start(&front.container.record, cgroup_path ? cgroup_path : "", front.container.id, pids,
                                        front.is_monitor ? 4 : 3, settings, setting_count, &path);
    cgroup_path = path;
    return problem;
}

void lifecycle_plan(void)
{
    if (front.exec_in)
        plan_exec();
    if (!front.container.id)
        return;
    struct record *record = &front.container.record;
    bool tolerant = lifecycle_is_tolerant();
    if (shares_uts)
        front.stage.page->plan.hostname = NULL;
    const char *problem = oci.systemd_cgroup ? start_unit() : NULL;
    if (!problem)
        problem = cgroup_plan(record, cgroup_path ? cgroup_path : "", front.container.id);
    write_record("creating"); /* whoever comes after us, should we be killed, finds the groups by it */
    if (!problem)
        problem = cgroup_make(record, tolerant);
    if (!problem && !oci.systemd_cgroup && cgroup_has_others(record))
        complain("container's cgroup is not empty: others are counted against its limits, and frozen with it");
    write_record("creating"); /* now with those that are new, and only ours */
    if (!problem && cgroup_is_frozen(record))
        problem = "container's cgroup unexpectedly frozen"; /* what is moved there never gets to the program */
    if (!problem)
        problem = cgroup_set(record, settings, setting_count, tolerant);
    if (problem)
        refuse(problem);
    record_set_process(record, "pid", front.stage.pid);
    join_groups();
    if (front.is_monitor && !guard_start())
        give_up("cannot start the guard of the container");
    int error = protect_servers();
    if (error && !tolerant)
        refuse("process.oomScoreAdj cannot be set: only who has CAP_SYS_RESOURCE may lower it");
    if ((problem = schedule()))
        refuse(problem);
    write_record("creating");
    run_hooks("prestart", STATUS_CREATING, 0);
    run_hooks("createRuntime", STATUS_CREATING, 0);
    run_hooks("createContainer", STATUS_CREATING, front.stage.pid);
    /* After the hooks, which may have made the devices that they are about. */
    if ((problem = sysctl_write(front.stage.pid)))
        refuse(problem);
}

void lifecycle_go(void)
{
    if (front.container.id)
        write_record("created");
    if (front.must_wait) {
        front.phase = CREATED;
        monitor_created();
        return;
    }
    const char *problem = lifecycle_before_start();
    if (problem)
        refuse(problem);
    lifecycle_start();
    if (front.is_monitor)
        monitor_created();
    else if ((front.container.id || front.exec_in) && oci.pid_file)
        oci_write_pid_file(oci.pid_file, front.stage.pid);
}

const char *lifecycle_before_start(void)
{
    if (!front.container.id || !hooks_have(&front.container.record, "startContainer"))
        return NULL;
    return hooks_run(&front.container, "startContainer", STATUS_CREATED, 0, front.control.socket);
}

void lifecycle_start(void)
{
    if (front.container.id)
        write_record("running");
    if (front.container.id && !front.is_monitor && oci.keep && container_keep(&front.container))
        complain("the container cannot be kept: %s", strerror(errno));
    front.phase = RUNNING;
    stage_go(&front.stage);
    if (front.container.id && !front.is_monitor)
        run_hooks("poststart", STATUS_RUNNING, 0);
}

/*
 * In the foreground, and when a container was never finished, it is also deleted; a container that was detached stays for
 * `delete`.
 */
void lifecycle_over(void)
{
    static bool is_over;
    if (!front.container.id || is_over || (oci.keep && front.phase >= RUNNING))
        return;
    is_over = true;
    if (front.is_monitor && monitor_is_kept())
        return;
    if (front.is_monitor)
        cgroup_leave(&front.container.record, getpid());
    cgroup_remove(&front.container.record);
    const char *problem = hooks_run(&front.container, "poststop", STATUS_STOPPED, 0, -1);
    if (problem)
        complain("%s", problem);
    container_remove(&front.container);
}
