#include "cgroup.h"

#include "container.h"
#include "systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#define GROUPS "/sys/fs/cgroup"

static char problem[PATH_MAX + 256];

static bool is_version_2(const char *dir)
{
    struct statfs status;
    return statfs(dir, &status) == 0 && status.f_type == CGROUP2_SUPER_MAGIC;
}

bool cgroup_is_unified(void)
{
    return is_version_2(GROUPS);
}

static int write_text(const char *dir, const char *file, const char *value)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", dir, file);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int result = write(fd, value, strlen(value)) < 0 ? -errno : 0;
    close(fd);
    return result;
}

static ssize_t read_text(const char *dir, const char *file, char *text, size_t size)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", dir, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    size_t got = 0;
    ssize_t n;
    while (got < size - 1 && (n = read(fd, text + got, size - 1 - got)) > 0)
        got += (size_t)n;
    close(fd);
    text[got] = 0;
    return (ssize_t)got;
}

static bool exists(const char *dir, const char *file)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", dir, file);
    return access(path, F_OK) == 0;
}

/* Whether a group is of version 2 where version 1 has the controllers: it limits nothing. */
static bool is_beside(const char *dir)
{
    char top[256];
    const char *name = dir + strlen(GROUPS) + 1;
    snprintf(top, sizeof top, "%.*s", (int)(name + strcspn(name, "/") - dir), dir);
    return !cgroup_is_unified() && is_version_2(top);
}

/* ---------------------------------------------------------------------------------------------------------------- making */

/* A new cpuset has neither processors nor memory, and takes no process before it has both (cpuset(7)). */
static void fill_cpuset(const char *dir)
{
    char parent[PATH_MAX], value[4096];
    for (int i = 0; i < 2; i++) {
        const char *file = i ? "cpuset.mems" : "cpuset.cpus";
        if (read_text(dir, file, value, sizeof value) < 0 || value[strspn(value, "\n")])
            continue;
        snprintf(parent, sizeof parent, "%s", dir);
        *strrchr(parent, '/') = 0;
        if (read_text(parent, file, value, sizeof value) > 0)
            write_text(dir, file, value);
    }
}

/* Version 2: a group has the controllers that its parent hands down. */
static void hand_down(const char *dir)
{
    char available[512], one[80], *rest = available, *name;
    if (read_text(dir, "cgroup.controllers", available, sizeof available) <= 0)
        return;
    while ((name = strsep(&rest, " \n")))
        if (*name) {
            snprintf(one, sizeof one, "+%.70s", name);
            write_text(dir, "cgroup.subtree_control", one);
        }
}

static int make_path(char *dir, size_t top, bool unified, bool *is_new)
{
    for (size_t at = top + 1;; at++) {
        if (dir[at] && dir[at] != '/')
            continue;
        char was = dir[at];
        dir[at] = 0;
        *is_new = mkdir(dir, 0755) == 0;
        int result = !*is_new && errno != EEXIST ? -errno : 0;
        if (!result && unified && was)
            hand_down(dir);
        if (!result && strstr(dir, "/cpuset/"))
            fill_cpuset(dir);
        dir[at] = was;
        if (result || !was)
            return result;
    }
}

/* Our own group in the hierarchy whose controllers are these ("" for version 2), without the last slash. */
static bool own_group(const char *controllers, char *group, size_t size)
{
    char line[PATH_MAX + 128];
    FILE *file = fopen("/proc/self/cgroup", "re");
    bool found = false;
    while (file && !found && fgets(line, sizeof line, file)) {
        char *names = strchr(line, ':'), *path = names ? strchr(names + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = 0;
        path[strcspn(path, "\n")] = 0;
        found = strcmp(names + 1, controllers) == 0;
        if (found)
            snprintf(group, size, "%s", strcmp(path, "/") == 0 ? "" : path);
    }
    if (file)
        fclose(file);
    return found;
}

/* No ".." and no newline: the path goes below the mount point, and into a line of the record. */
static bool is_plain(const char *path)
{
    for (const char *at = path; *at; at++)
        if ((unsigned char)*at < ' ' || (at[0] == '.' && at[1] == '.' && (at == path || at[-1] == '/') && (!at[2] || at[2] == '/')))
            return false;
    return true;
}

/* Where the group will be below a mount point; nothing is added where that is the root group, for no process of ours goes there. */
static const char *plan_in(struct record *record, const char *mount_point, const char *controllers, const char *path, const char *id)
{
    char dir[PATH_MAX], own[PATH_MAX];
    if (*path == '/') {
        if (strlen(mount_point) + strlen(path) >= sizeof dir)
            return "linux.cgroupsPath is too long";
        stpcpy(stpcpy(dir, mount_point), path);
    } else {
        if (!own_group(controllers, own, sizeof own))
            return NULL;
        if (strlen(mount_point) + strlen(own) + strlen(path) + strlen(id) + 3 > sizeof dir)
            return "linux.cgroupsPath is too long";
        stpcpy(stpcpy(stpcpy(stpcpy(dir, mount_point), own), "/"), *path ? path : id);
    }
    size_t length = strlen(dir);
    while (length > strlen(mount_point) && dir[length - 1] == '/')
        dir[--length] = 0;
    if (length > strlen(mount_point))
        record_add(record, "cgroup", dir);
    return NULL;
}

const char *cgroup_plan(struct record *record, const char *path, const char *id)
{
    if (!is_plain(path))
        return "linux.cgroupsPath must hold neither .. nor control characters";
    if (cgroup_is_unified())
        return plan_in(record, GROUPS, "", path, id);

    /* mountinfo(5) of proc(5): the mount point is field 5, the file system type follows " - ", then source, options. */
    char line[PATH_MAX], controllers[256];
    FILE *file = fopen("/proc/self/mountinfo", "re");
    const char *result = NULL;
    while (file && !result && fgets(line, sizeof line, file)) {
        char mount_point[512], options[1024], *type = strstr(line, " - cgroup");
        if (!type || sscanf(line, "%*s %*s %*s %*s %511s", mount_point) != 1 ||
            strncmp(mount_point, GROUPS "/", sizeof GROUPS)) /* a view of somebody's own, which has no place in the record */
            continue;
        controllers[0] = 0; /* version 2 beside version 1: without controllers, and in /proc/self/cgroup without a name */
        bool is_version_1 = strncmp(type, " - cgroup ", 10) == 0 && sscanf(type, " - cgroup %*s %1023s", options) == 1;
        if (!is_version_1 && strncmp(type, " - cgroup2 ", 11))
            continue;
        /* The controllers are super block options, among a few that are not; the order is that of /proc/self/cgroup. */
        for (char *rest = options, *word; is_version_1 && (word = strsep(&rest, ","));)
            if (strcmp(word, "rw") && strcmp(word, "ro") && strcmp(word, "xattr") && strcmp(word, "noprefix") &&
                strncmp(word, "clone_children", 14) && strncmp(word, "release_agent", 13))
                snprintf(controllers + strlen(controllers), sizeof controllers - strlen(controllers), "%s%s",
                         controllers[0] ? "," : "", word);
        result = plan_in(record, mount_point, controllers, path, id);
    }
    if (file)
        fclose(file);
    return result;
}

const char *cgroup_make(struct record *record, bool tolerant)
{
    bool unified = cgroup_is_unified();
    if (unified && record_get(record, "cgroup"))
        hand_down(GROUPS);
    /* Those that are made are added behind the end. */
    for (size_t i = 0, count = record->count; i < count; i++) {
        if (strcmp(record->keys[i], "cgroup"))
            continue;
        bool is_new, is_refused;
        int error = make_path(record->values[i], strlen(GROUPS), unified, &is_new);
        is_refused = error == -EACCES || error == -EPERM || error == -EROFS || error == -ENOENT;
        if (is_refused && (tolerant || is_beside(record->values[i]))) {
            strcpy(record->keys[i], "none"); /* shorter than "cgroup" */
        } else if (error) {
            snprintf(problem, sizeof problem, "cannot make the control group %s: %s", record->values[i], strerror(-error));
            return problem;
        } else if (is_new) {
            record_add(record, "cgroup.made", record->values[i]);
        }
    }
    return NULL;
}

/* -------------------------------------------------------------------------------------------------------------- settings */

/* Whether a directory of the record is of this controller: its mount point is named after what it has, "cpu,cpuacct". */
static bool is_of(const char *dir, const char *controller)
{
    if (cgroup_is_unified() || !*controller)
        return true;
    const char *name = dir + strlen(GROUPS) + 1, *end = strchr(name, '/');
    size_t length = strlen(controller);
    for (const char *at = name; end && at < end; at += strcspn(at, ",/") + 1)
        if (strncmp(at, controller, length) == 0 && (at[length] == ',' || at[length] == '/'))
            return true;
    return false;
}

static const char *dir_of(const struct record *record, const char *controller)
{
    for (size_t i = 0; i < record->count; i++)
        if (strcmp(record->keys[i], "cgroup") == 0 && is_of(record->values[i], controller))
            return record->values[i];
    return NULL;
}

static int set_one(const struct record *record, const char *setting, char *shown, size_t size)
{
    char controller[64], file[128];
    const char *first = strchr(setting, '\t'), *second = first ? strchr(first + 1, '\t') : NULL;
    if (!second)
        return -EINVAL;
    snprintf(controller, sizeof controller, "%.*s", (int)(first - setting), setting);
    snprintf(file, sizeof file, "%.*s", (int)(second - first - 1), first + 1);
    snprintf(shown, size, "%s to %s", file, second + 1);
    if (strchr(file, '/'))
        return -EINVAL;
    const char *dir = dir_of(record, controller);
    return dir ? write_text(dir, file, second + 1) : -ENOENT;
}

/* A limit that this kernel does not have need not be lifted. */
static bool lifts(const char *setting)
{
    const char *value = strrchr(setting, '\t');
    return value && (strcmp(value, "\t-1") == 0 || strcmp(value, "\tmax") == 0);
}

const char *cgroup_set(const struct record *record, char *const *settings, size_t count, bool tolerant)
{
    char shown[256];
    bool *is_set = calloc(count + 1, sizeof *is_set);
    if (!is_set)
        abort();
    for (int round = 0; round < 2; round++)
        for (size_t i = 0; i < count; i++) {
            int error = is_set[i] ? 0 : set_one(record, settings[i], shown, sizeof shown);
            if (!error || (error == -ENOENT && lifts(settings[i]))) {
                is_set[i] = true;
            } else if (round == 1 && !(tolerant && (error == -EACCES || error == -EPERM || error == -EROFS || error == -ENOENT))) {
                snprintf(problem, sizeof problem, "cannot set %s: %s%s", shown, strerror(-error),
                         error == -ENOENT ? " (this machine does not have that controller)" : "");
                free(is_set);
                return problem;
            }
        }
    free(is_set);
    return NULL;
}

/* In version 1 a guest alone is frozen, or who serves it could not answer commands; and alone counted against its limit of processes. */
static bool is_for_guests(const char *dir)
{
    return exists(dir, "freezer.state") || (!cgroup_is_unified() && exists(dir, "pids.max"));
}

const char *cgroup_join(const struct record *record, pid_t pid, bool serves)
{
    char number[16];
    snprintf(number, sizeof number, "%d", pid);
    for (size_t i = 0; i < record->count; i++) {
        const char *dir = record->values[i];
        if (strcmp(record->keys[i], "cgroup") || (serves && is_for_guests(dir)))
            continue;
        int error = write_text(dir, "cgroup.procs", number);
        if (error) {
            snprintf(problem, sizeof problem, "cannot move a process to the control group %s: %s", dir, strerror(-error));
            return problem;
        }
    }
    return NULL;
}

static bool is_listed(const char *dir, const char *controllers, size_t length)
{
    char name[64];
    for (const char *at = controllers; at < controllers + length; at += strcspn(at, ",:") + 1) {
        snprintf(name, sizeof name, "%.*s", (int)strcspn(at, ",:"), at);
        if (*name && is_of(dir, name))
            return true;
    }
    return false;
}

const char *cgroup_join_below(const struct record *record, pid_t pid, const char *where)
{
    char number[16], dir[PATH_MAX];
    const char *colon = strchr(where, ':'), *path = colon ? colon + 1 : where;
    bool joined = false;
    snprintf(number, sizeof number, "%d", pid);
    path += strspn(path, "/");
    if (!is_plain(path))
        return "exec --cgroup: the path must hold neither .. nor control characters";
    for (size_t i = 0; i < record->count; i++) {
        if (strcmp(record->keys[i], "cgroup") || (colon && !is_listed(record->values[i], where, (size_t)(colon - where))))
            continue;
        joined = true;
        snprintf(dir, sizeof dir, "%s/%s", record->values[i], path);
        int error = write_text(dir, "cgroup.procs", number);
        if (error && (error != -ENOENT || !is_beside(dir))) {
            snprintf(problem, sizeof problem, "exec --cgroup: cannot join %s: %s", dir,
                     error == -ENOENT ? "no such file or directory" : strerror(-error));
            return problem;
        }
    }
    return joined ? NULL : "exec --cgroup: unknown controller, or the container has no control groups";
}

void cgroup_leave(const struct record *record, pid_t pid)
{
    char number[16], parent[PATH_MAX];
    snprintf(number, sizeof number, "%d", pid);
    for (size_t i = 0; i < record->count; i++) {
        if (strcmp(record->keys[i], "cgroup"))
            continue;
        snprintf(parent, sizeof parent, "%s", record->values[i]);
        *strrchr(parent, '/') = 0;
        /* Version 2: a group that hands controllers down holds no processes, but for the root. */
        if (write_text(parent, "cgroup.procs", number) && cgroup_is_unified())
            write_text(GROUPS, "cgroup.procs", number);
    }
}

static bool is_made(const struct record *record, const char *dir)
{
    for (size_t i = 0; i < record->count; i++)
        if (strcmp(record->keys[i], "cgroup.made") == 0 && strcmp(record->values[i], dir) == 0)
            return true;
    return false;
}

static bool is_empty(const char *dir)
{
    char text[64];
    return read_text(dir, "cgroup.procs", text, sizeof text) <= 0;
}

bool cgroup_has_others(const struct record *record)
{
    for (size_t i = 0; i < record->count; i++) {
        const char *dir = record->values[i];
        if (strcmp(record->keys[i], "cgroup") == 0 && !is_made(record, dir) && !is_empty(dir))
            return true;
    }
    return false;
}

/* --------------------------------------------------------------------------------------------------------------- freezer */

bool cgroup_is_frozen(const struct record *record)
{
    char text[64];
    const char *dir = dir_of(record, "freezer");
    if (!dir)
        return false;
    if (cgroup_is_unified())
        return read_text(dir, "cgroup.freeze", text, sizeof text) > 0 && *text == '1';
    return read_text(dir, "freezer.state", text, sizeof text) > 0 && *text == 'F';
}

const char *cgroup_freeze(const struct record *record, bool frozen)
{
    const char *dir = dir_of(record, "freezer");
    if (!dir)
        return "the container has no control group that can be frozen";
    int error = cgroup_is_unified() ? write_text(dir, "cgroup.freeze", frozen ? "1" : "0")
                                    : write_text(dir, "freezer.state", frozen ? "FROZEN" : "THAWED");
    if (!error)
        return NULL;
    snprintf(problem, sizeof problem, "cannot freeze %s: %s", dir, strerror(-error));
    return problem;
}

/* ---------------------------------------------------------------------------------------------------------------- ending */

void cgroup_kill(const struct record *record)
{
    for (size_t i = 0; i < record->count; i++) {
        char text[65536], *rest = text, *line;
        const char *dir = record->values[i];
        /* Not in a group that was there before us: who knows what else lives in it. */
        if (strcmp(record->keys[i], "cgroup.made") || write_text(dir, "cgroup.kill", "1") == 0 ||
            read_text(dir, "cgroup.procs", text, sizeof text) <= 0)
            continue;
        while ((line = strsep(&rest, "\n")))
            if (*line && atoi(line) > 1 && atoi(line) != getpid())
                kill(atoi(line), SIGKILL);
    }
}

static bool is_frozen(const char *dir)
{
    char text[64];
    return (read_text(dir, "freezer.state", text, sizeof text) > 0 && *text == 'F') ||
           (read_text(dir, "cgroup.freeze", text, sizeof text) > 0 && *text == '1');
}

bool cgroup_remove(const struct record *record)
{
    bool gone = true;
    systemd_stop(record);
    for (size_t i = 0; i < record->count; i++) {
        const char *dir = record->values[i];
        if (strcmp(record->keys[i], "cgroup") || (!is_made(record, dir) && is_frozen(dir))) /* somebody else froze it */
            continue;
        /*
         * A process leaves its group a moment after it has been reaped, and one that is killed a moment after the kill: a group
         * that we made holds nobody but ours, who are all ending. One that was there may hold others, who stay.
         */
        for (int tries = 0; rmdir(dir) && errno == EBUSY && (is_made(record, dir) || is_empty(dir)) && tries < 200; tries++)
            nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        gone &= access(dir, F_OK) != 0;
    }
    return gone;
}

bool cgroup_read(const struct record *record, const char *controller, const char *file, char *text, size_t size)
{
    const char *dir = dir_of(record, controller);
    return dir && read_text(dir, file, text, size) >= 0;
}
