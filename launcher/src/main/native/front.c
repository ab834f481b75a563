/*
 * redoubt-front: the process that the user starts.
 *
 * It keeps the caller's stdio, session and signals, and is the parent of everything else:
 *
 *     redoubt-front
 *      |- sentry JVM     parses the command line, sends the plan, serves the guest
 *      |- gofer JVM      serves files to the sentry
 *      |- socket maker   in the sandbox's network namespace, once the guest has made a socket (network.h)
 *      `- stage, pid 1 of the sandbox
 *          `- the guest's first process (with a shim; without one it is pid 1 itself)
 *
 * All three are started at once and none outlives it: each has SIGKILL for a parent-death signal, and the death of any of them
 * ends the sandbox. The front makes no decision of its own about the guest and never waits in anything but poll(2), so that
 * a signal always gets through; the one exception is the end of the program, when signals have their default meaning again.
 */
#include "front.h"
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct front front;

long long now_millis(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}


/*
 * Descriptors 0 to 9 are taken for good: those that the caller had closed by /dev/null, so that nothing of ours ever answers to
 * "stdout"; 3 to 9 because they are the numbers that the JVMs' descriptors are copied to. What else the caller left open is not
 * for the sandbox.
 */
static bool reserve_descriptors(void)
{
    for (int fd = 0; fd < 3; fd++)
        front.closed[fd] = fcntl(fd, F_GETFD) < 0;
    syscall(SYS_close_range, 3u, ~0u, 0);
    int fd;
    do
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd < 9);
    return fd >= 0;
}

/*
 * As many files as the system allows: the sentry and the guest's mappings use numbers freely. Only root can raise the hard one.
 * What the caller had, which is what the guest is to see, the sentry finds in its environment.
 */
static void raise_file_limit(void)
{
    struct rlimit files;
    char text[64];
    if (getrlimit(RLIMIT_NOFILE, &files))
        return;
    snprintf(text, sizeof text, "%llu:%llu", (unsigned long long)files.rlim_cur, (unsigned long long)files.rlim_max);
    setenv("REDOUBT_NOFILE", text, 1);
    struct rlimit more = {1u << 20, 1u << 20};
    if (files.rlim_max >= more.rlim_max || setrlimit(RLIMIT_NOFILE, &more)) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static bool start_all(char **arguments)
{
    int control[2], files[2], errors[2], network;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control) ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, files) || pipe2(errors, O_CLOEXEC) ||
        fcntl(errors[0], F_SETFL, O_NONBLOCK) || frame_reader_open(&front.control, control[0])) {
        complain("cannot make sockets: %s", strerror(errno));
        return false;
    }
    if (!network_open(&front.network, &network))
        return false;
    front.errors = errors[0];

    /* The sentry first: its start is what the user waits for. The stage's mounts happen meanwhile, on another processor. */
    struct jvm_fd sentry_fds[] = {{3, control[1]},
                                  {4, files[0]},
                                  {5, front.closed[0] ? -1 : 0},
                                  {6, front.closed[1] ? -1 : 1},
                                  {7, front.closed[2] ? -1 : 2},
                                  {8, network}};
    struct jvm_fd gofer_fds[] = {{4, files[1]}};
    char socket_number[] = "4", *gofer_arguments[] = {socket_number, NULL};
    bool started = jvm_start(&front.sentry, "sentry", arguments, errors[1], sentry_fds, 6) && stage_start(&front.stage) &&
                   jvm_start(&front.gofer, "gofer", gofer_arguments, errors[1], gofer_fds, 1);
    unsetenv("REDOUBT_NOFILE"); /* the guest may inherit this environment */
    close(control[1]);
    close(files[0]);
    close(files[1]);
    close(errors[1]);
    close(network);
    return started;
}

int main(int argc, char **argv)
{
    front.errors = front.signals = -1;
    front.control.socket = front.stage.socket = front.network.socket = -1;
    front.network.user_namespace = front.network.network_namespace = -1;
    front.sentry.pidfd = front.gofer.pidfd = front.stage.pidfd = front.network.pidfd = -1;
    console_none(&front.console);

    bool needs_sandbox = argc > 1 && (strcmp(argv[1], "do") == 0 || strcmp(argv[1], "run") == 0);
    if (!needs_sandbox) {
        output_open(false, false);
        if (jvm_find())
            jvm_exec_command(argv + 1);
        return EXIT_LAUNCHER;
    }
    if (!reserve_descriptors())
        return EXIT_LAUNCHER;
    output_open(front.closed[1], front.closed[2]);
    if (!stage_kernel_is_new_enough() || !jvm_find())
        return EXIT_LAUNCHER;
    if (!open_signals()) {
        complain("cannot make a signalfd: %s", strerror(errno));
        return EXIT_LAUNCHER;
    }
    raise_file_limit();
    if (!start_all(argv + 1))
        finish(EXIT_LAUNCHER);
    loop();
}
