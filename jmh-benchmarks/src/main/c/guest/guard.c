/*
 * Runs a command on the host so that nothing of it survives: not what it put in the background, not if it is killed, and not if
 * the harness is killed with -9, which this notices by the end of file on its standard input.
 *
 * It is the child subreaper of all that the command starts. What has lost its parent becomes its child and is killed.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

static void kill_children(void)
{
    char path[64], text[65536];
    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    text[length > 0 ? length : 0] = 0;
    for (char *at = text, *end; *at; at = end) {
        long pid = strtol(at, &end, 10);
        if (end == at)
            break;
        kill((pid_t)pid, SIGKILL);
    }
}

/* Until there is no child: each death may hand over more of them. */
static void end_all(void)
{
    for (;;) {
        kill_children();
        pid_t pid = waitpid(-1, NULL, WNOHANG);
        if (pid < 0 && errno == ECHILD)
            return;
        if (pid == 0)
            usleep(1000);
    }
}

int guard_main(int argc, char **argv)
{
    sigset_t set, old;
    (void)argc;
    setsid();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, &old);
    int signals = signalfd(-1, &set, SFD_CLOEXEC);
    pid_t child = fork();
    if (child == 0) {
        int null = open("/dev/null", O_RDONLY);
        dup2(null, 0);
        close(null);
        sigprocmask(SIG_SETMASK, &old, NULL);
        execvp(argv[0], argv);
        fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
        _exit(127);
    }
    int code = child < 0 || signals < 0 ? 1 : -1;
    while (code < 0) {
        struct pollfd fds[] = {{.fd = 0, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
        struct signalfd_siginfo info;
        char ignored[64];
        int status;
        pid_t pid;
        if (poll(fds, 2, -1) < 0 && errno != EINTR)
            code = 1;
        if (fds[0].revents && read(0, ignored, sizeof ignored) <= 0)
            code = 143;
        if (fds[1].revents & POLLIN && read(signals, &info, sizeof info) == sizeof info && info.ssi_signo != SIGCHLD)
            code = 128 + (int)info.ssi_signo;
        while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
            if (pid == child && code < 0)
                code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    end_all();
    return code;
}
