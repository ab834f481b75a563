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
#include "check.h"
#include "lifecycle.h"
#include "monitor.h"
#include "oci.h"
#include "output.h"
#include "sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct front front;

long long now_millis(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Which of those there were: the numbers of the others are free, and soon those of files of our own. */
static bool is_preserved[MAX_PRESERVED + 1];

int preserved_fd(int i)
{
    return is_preserved[i] ? front.preserved_from + i : -1;
}

/*
 * Descriptors 0 to 9 are taken for good: those that the caller had closed by /dev/null, so that nothing of ours ever answers to
 * "stdout"; 3 to 9 because they are the numbers that the JVMs' descriptors are copied to. What else the caller left open is not
 * for the sandbox.
 */
bool reserve_descriptors(int keep, int *first)
{
    if (keep > (int)sizeof is_preserved)
        return false;
    for (int fd = 0; fd < 3; fd++)
        front.closed[fd] = fcntl(fd, F_GETFD) < 0;
    /* Those that are kept go above all numbers that a JVM is given. */
    *first = keep + 16;
    for (int i = 0; i < keep; i++) {
        is_preserved[i] = fcntl(3 + i, F_GETFD) >= 0 && dup3(3 + i, *first + i, O_CLOEXEC) >= 0;
        if (!is_preserved[i])
            close(*first + i);
    }
    syscall(SYS_close_range, 3u, keep > 0 ? (unsigned)*first - 1 : ~0u, 0);
    if (keep > 0)
        syscall(SYS_close_range, (unsigned)(*first + keep), ~0u, 0);
    int fd;
    do
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd < 9 + keep);
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

    /* The JVMs first, at the same time: their start is what the user waits for. The stage is there long before them. */
    bool has_stdio = !oci.console_socket; /* who will be sent a terminal waits for the end of our stdout */
    struct jvm_fd sentry_fds[9 + MAX_PRESERVED] = {{3, control[1]},
                                                   {4, files[0]},
                                                   {5, front.closed[0] || !has_stdio ? -1 : 0},
                                                   {6, front.closed[1] || !has_stdio ? -1 : 1},
                                                   {7, front.closed[2] || !has_stdio ? -1 : 2},
                                                   {8, network}};
    for (int i = 0; i < oci.preserved; i++)
        sentry_fds[6 + i] = (struct jvm_fd){9 + i, preserved_fd(i)};
    /*
     * Which of them the sentry has: at the other numbers there will be files of its own, since a process gets the lowest that is free.
     */
    char given[3 + MAX_PRESERVED + 1] = "";
    for (int i = 0; i < 3; i++)
        given[i] = sentry_fds[2 + i].from < 0 ? '0' : '1';
    for (int i = 0; i < oci.preserved; i++)
        given[3 + i] = sentry_fds[6 + i].from < 0 ? '0' : '1';
    setenv("REDOUBT_FDS", given, 1);
    int seal[2] = {-1, -1};
    bool is_sealed = jvm_is_confined && geteuid() == 0 && !jvm_is_replaced();
    if (is_sealed && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, seal)) {
        complain("cannot make sockets: %s", strerror(errno));
        return false;
    }
    front.seal = seal[0];
    struct jvm_fd gofer_fds[] = {{4, files[1]}, {5, seal[1]}};
    char socket_number[] = "4", seal_number[] = "5", *gofer_arguments[] = {socket_number, is_sealed ? seal_number : NULL, NULL};
    bool started = jvm_start(&front.sentry, "sentry", arguments, errors[1], sentry_fds, 6 + oci.preserved, -1) &&
                   jvm_start(&front.gofer, "gofer", gofer_arguments, errors[1], gofer_fds, is_sealed ? 2 : 1, -1) && stage_start(&front.stage);
    jvm_forget_told(); /* the guest may inherit this environment */
    close(control[1]);
    close(files[0]);
    close(files[1]);
    close(errors[1]);
    close(network);
    if (is_sealed)
        close(seal[1]);
    return started;
}

bool start_mapped_gofer(void)
{
    int files[2];
    char path[64], socket_number[] = "4", *arguments[] = {socket_number, NULL};
    snprintf(path, sizeof path, "/proc/%d/ns/user", front.stage.pid);
    int user = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/fd/%d", front.errors); /* of a pipe: its other end */
    int errors = open(path, O_WRONLY | O_CLOEXEC);
    if (user < 0 || errors < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, files)) {
        complain("cannot start a gofer in the container's user namespace: %s", strerror(errno));
        return false;
    }
    syscall(SYS_pidfd_send_signal, front.gofer.pidfd, SIGKILL, NULL, 0);
    while (waitpid(front.gofer.pid, NULL, __WALL) < 0 && errno == EINTR)
        ;
    close(front.gofer.pidfd);
    front.gofer.pidfd = -1;
    if (front.seal >= 0)
        close(front.seal);
    front.seal = -1;
    struct jvm_fd fds[] = {{4, files[1]}};
    bool started = jvm_start(&front.gofer, "gofer", arguments, errors, fds, 1, user) &&
                   frame_send(front.control.socket, FRAME_GOFER, NULL, 0, files[0]) == 0;
    close(user);
    close(errors);
    close(files[0]);
    close(files[1]);
    return started;
}

_Noreturn void front_main(char **arguments)
{
    if (!stage_kernel_is_new_enough() || !jvm_find())
        finish(EXIT_LAUNCHER);
    if (!open_signals()) {
        complain("cannot make a signalfd: %s", strerror(errno));
        finish(EXIT_LAUNCHER);
    }
    raise_file_limit();
    if (!start_all(arguments))
        finish(EXIT_LAUNCHER);
    if (front.is_monitor) {
        /* stdio is the guest's now, who reads it waits for its end, and descriptor 3 is /dev/null. */
        for (int fd = 0; fd < 3; fd++)
            dup2(3, fd);
        for (int i = 0; i < oci.preserved; i++)
            close(preserved_fd(i)); /* -1: there was none */
    }
    loop();
}

/* A container in the foreground: as do, with a state folder. */
static _Noreturn void run_container(void)
{
    const char *bundle = oci_absolute(oci.bundle ? oci.bundle : "."), *id = oci_id();
    if (oci.word_count > 1)
        oci_fail("run: unexpected argument %s after the container id; the command is in config.json", oci.words[1]);
    if (oci.console_socket)
        oci_fail("cannot use console socket if runc will not detach or allocate tty: give --detach");
    oci_check_globals();
    oci_operator();
    sweep();
    container_make(&front.container, id);
    container_begin(&front.container, bundle);
    if (!oci.keep)
        record_set(&front.container.record, "foreground", "1"); /* we remove it, or sweep.c does */
    output_open(front.closed[1], front.closed[2]);
    monitor_listen();
    close(front.container.lock); /* a container that runs in the foreground is not in anybody's way */
    char command[] = "run", option[] = "--bundle";
    char *arguments[] = {command, option, (char *)(uintptr_t)bundle, (char *)(uintptr_t)id,
                         (char *)(uintptr_t)(oci.config ? oci.config : ""), (char *)(uintptr_t)(oci.audit_log ? oci.audit_log : ""), NULL};
    front_main(arguments);
}

int main(int argc, char **argv)
{
    front.errors = front.signals = front.report = front.listener = front.guard = front.seal = -1;
    front.control.socket = front.stage.socket = front.network.socket = -1;
    front.network.user_namespace = front.network.network_namespace = -1;
    front.sentry.pidfd = front.gofer.pidfd = front.stage.pidfd = front.network.pidfd = -1;
    for (size_t i = 0; i < sizeof front.clients / sizeof *front.clients; i++)
        front.clients[i] = -1;
    console_none(&front.console);
    jvm_forget_told();

    /* Hidden, before the command; nothing that a container's configuration or an environment can say. */
    if (argc > 1 && strcmp(argv[1], "--no-confinement") == 0) {
        jvm_is_confined = false;
        dprintf(2, "redoubt: --no-confinement: sentry and gofer keep all rights of the caller. This is for debugging alone\n");
        argv[1] = argv[0];
        argv++;
        argc--;
    }
    if (argc > 1 && strcmp(argv[1], "do") == 0) {
        int none;
        if (!reserve_descriptors(0, &none))
            return EXIT_LAUNCHER;
        output_open(front.closed[1], front.closed[2]);
        front_main(argv + 1);
    }
    if (argc > 1 && strcmp(argv[1], "check") == 0)
        return check_main(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "uninstall") == 0)
        uninstall_main(argv + 1);
    if (oci_parse(argc, argv)) {
        /* The log is open by now, above all that is closed here. */
        if (oci.process)
            exec_read_process();
        const char *hook = strcmp(oci.command, "exec") ? NULL : getenv("REDOUBT_HOOK"); /* hooks.c: 3 is the connection with the sentry */
        if (!reserve_descriptors(oci.preserved + (hook ? 1 : 0), &front.preserved_from))
            return EXIT_LAUNCHER;
        if (hook)
            front.control.socket = preserved_fd(oci.preserved);
        oci_log_open();
        int code = oci_command();
        if (code >= 0)
            return code;
        run_container();
    }
    output_open(false, false);
    if (jvm_find())
        jvm_exec_command(argv + 1);
    return EXIT_LAUNCHER;
}
