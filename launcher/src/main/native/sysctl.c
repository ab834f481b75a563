#include "sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char **settings;
static size_t count;

void sysctl_add(const char *setting)
{
    settings = realloc(settings, (count + 1) * sizeof *settings);
    if (!settings || !(settings[count++] = strdup(setting)))
        abort();
}

/*
 * /proc/sys/net is that of who opens it. The namespace belongs to the sandbox's user namespace, in which an ordinary user has to
 * be first; one that was joined by path belongs to one further out, which only root can act in.
 */
static int enter(pid_t of)
{
    int pidfd = (int)syscall(SYS_pidfd_open, of, 0);
    return pidfd < 0 || (setns(pidfd, CLONE_NEWNET) && setns(pidfd, CLONE_NEWUSER | CLONE_NEWNET)) ? -1 : 0;
}

static int write_one(const char *setting)
{
    char path[PATH_MAX];
    const char *value = strchr(setting, '\t') + 1;
    int length = snprintf(path, sizeof path, "/proc/sys/%.*s", (int)(value - setting - 1), setting);
    if (length >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    for (char *at = path; *at; at++)
        if (*at == '.')
            *at = '/';
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = write(fd, value, strlen(value));
    close(fd);
    return n < 0 ? -1 : 0;
}

const char *sysctl_write(pid_t of)
{
    static char problem[512];
    if (!count)
        return NULL;
    int told[2], failure[2] = {-1, 0}; /* which, errno */
    if (pipe2(told, O_CLOEXEC))
        return "cannot make a pipe";
    pid_t pid = fork();
    if (pid == 0) {
        int result[2] = {0, 0};
        bool entered = enter(of) == 0;
        while (entered && result[0] < (int)count && write_one(settings[result[0]]) == 0)
            result[0]++;
        result[1] = entered && result[0] == (int)count ? 0 : errno;
        _exit(write(told[1], result, sizeof result) < 0);
    }
    close(told[1]);
    ssize_t n = pid > 0 ? read(told[0], failure, sizeof failure) : -1;
    close(told[0]);
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    if (n != sizeof failure)
        return "cannot write linux.sysctl";
    if (failure[1] == 0)
        return NULL;
    const char *name = settings[failure[0]];
    snprintf(problem, sizeof problem, "linux.sysctl: write %.*s: %s", (int)strcspn(name, "\t"), name, strerror(failure[1]));
    return problem;
}
