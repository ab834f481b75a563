/* What all OCI commands share: how they fail, and small things of the command line. */
#include "oci.h"

#include "json.h"

#include "systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int log_fd = -1;

void oci_log_open(void)
{
    static bool is_trying;
    if (log_fd >= 0 || is_trying || !oci.log || strcmp(oci.log, "/dev/stderr") == 0)
        return;
    is_trying = true;
    log_fd = open(oci.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOCTTY, 0644);
    int error = errno;
    if (log_fd < 0)
        oci_fail("cannot open the log file %s: %s", oci.log, strerror(error));
    /* Out of the way of what has a fixed number. */
    int high = fcntl(log_fd, F_DUPFD_CLOEXEC, 10);
    if (high >= 0) {
        close(log_fd);
        log_fd = high;
    }
}

void oci_log_close(void)
{
    if (log_fd >= 0)
        close(log_fd);
    log_fd = -1;
    oci.log = NULL;
}

void oci_log(const char *level, const char *message)
{
    char when[32];
    time_t now = time(NULL);
    struct tm parts;
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &parts));
    oci_log_open();
    if (log_fd < 0)
        return;
    char *quoted = json_quote(message);
    bool is_json = oci.log_format && strcmp(oci.log_format, "json") == 0;
    dprintf(log_fd, is_json ? "{\"level\":\"%s\",\"msg\":%s,\"time\":\"%s\"}\n" : "level=%s msg=%s time=\"%s\"\n", level, quoted,
            when);
    free(quoted);
}

static _Noreturn void fail(int code, const char *format, va_list arguments)
{
    char message[4096];
    vsnprintf(message, sizeof message, format, arguments);
    for (char *at = message; *at; at++)
        if ((unsigned char)*at < ' ')
            *at = '?'; /* names come from outside: one message is one line */
    oci_log("error", message);
    fprintf(stderr, "redoubt: %s\n", message);
    exit(code);
}

void oci_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fail(oci.failed ? oci.failed : 1, format, arguments);
}

void oci_fail_with(int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fail(code, format, arguments);
}

const char *oci_id(void)
{
    if (oci.word_count == 0)
        oci_fail("%s: no container id given; try: redoubt %s --help", oci.command, oci.command);
    const char *id = oci.words[0];
    size_t good = strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-.");
    if (!*id || id[good] || good > 255 || strcmp(id, ".") == 0 || strcmp(id, "..") == 0)
        oci_fail("invalid container ID format: %s (only letters, digits and _ + - . are allowed)", id);
    return id;
}

/* Ids 0 and up mapped to themselves: only the first user namespace is like that (user_namespaces(7)). */
static bool is_first_user_namespace(void)
{
    unsigned inside = 1, outside = 1, length = 0;
    FILE *map = fopen("/proc/self/uid_map", "re");
    bool is_read = map && fscanf(map, "%u %u %u", &inside, &outside, &length) == 3;
    if (map)
        fclose(map);
    return !is_read || (inside == 0 && outside == 0 && length == ~0u);
}

bool oci_is_rootless(void)
{
    return geteuid() != 0 || !is_first_user_namespace();
}

/* An ordinary user's folder; and, as runc has it, that of the root of a user namespace, which Podman is to such a user. */
const char *oci_root(void)
{
    static char path[PATH_MAX];
    if (oci.root)
        return oci.root;
    const char *run = getenv("XDG_RUNTIME_DIR");
    const char *user = getenv("USER");
    if (!run || !*run || !oci_is_rootless() || (geteuid() == 0 && user && strcmp(user, "root") == 0))
        snprintf(path, sizeof path, "/run/redoubt");
    else
        snprintf(path, sizeof path, "%s/redoubt", run);
    return path;
}

void oci_check_globals(void)
{
    if (oci.systemd_cgroup && !systemd_is_running())
        oci_fail("systemd not running on this host, cannot use systemd cgroups manager");
}

char *oci_absolute(const char *path)
{
    char *resolved = realpath(path, NULL);
    if (resolved)
        return resolved;
    char here[PATH_MAX], *joined = NULL;
    if (*path == '/' || !getcwd(here, sizeof here))
        return strdup(path);
    if (asprintf(&joined, "%s/%s", here, path) < 0)
        abort();
    return joined;
}

void oci_operator(void)
{
    static const char unix_prefix[] = "unix:";
    if (oci.config)
        oci.config = oci_absolute(oci.config);
    if (oci.audit_log && strncmp(oci.audit_log, unix_prefix, sizeof unix_prefix - 1))
        oci.audit_log = oci_absolute(oci.audit_log);
    else if (oci.audit_log && oci.audit_log[sizeof unix_prefix - 1] != '/')
        oci_fail("option --audit-log: %s: the path of a socket must be absolute", oci.audit_log);
}

void oci_write_pid_file(const char *path, int pid)
{
    char temporary[PATH_MAX];
    snprintf(temporary, sizeof temporary, "%s.redoubt-%d", path, getpid());
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    bool written = fd >= 0 && dprintf(fd, "%d", pid) > 0;
    int error = errno;
    if (fd >= 0)
        close(fd);
    if (!written || rename(temporary, path)) {
        error = written ? errno : error;
        unlink(temporary);
        oci_fail("cannot write the pid file %s: %s", path, strerror(error));
    }
}
