/* create, and run --detach: starts the monitor, waits until the container is there, and says so. */
#include "cgroup.h"
#include "front.h"
#include "hooks.h"
#include "lifecycle.h"
#include "monitor.h"
#include "oci.h"
#include "output.h"
#include "sweep.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a background process of ours keeps of the caller: nothing but what it hands to the guest. */
void monitor_become(const char *name, int report, int errors)
{
    prctl(PR_SET_NAME, name, 0, 0, 0);
    setsid();
    if (chdir("/"))
        _exit(1);
    front.is_monitor = true;
    front.report = report;
    fcntl(errors, F_SETFL, O_NONBLOCK);
    standard_error = (struct output){.fd = errors};
    standard_output.fd = -1;
}

/* Reads what the monitor has to say until it ends, or closes it, or has said all so far where errors does not block. */
static char *read_errors(int fd)
{
    char *text = NULL;
    size_t length = 0;
    for (;;) {
        text = realloc(text, length + 4096);
        if (!text)
            abort();
        ssize_t n = read(fd, text + length, 4095);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        length += (size_t)n;
    }
    text[length] = 0;
    return text;
}

/* The last line is the one that matters; those before it are warnings or what a JVM printed. */
_Noreturn void monitor_failed(pid_t monitor, int errors, const char *otherwise)
{
    int status;
    char *text = read_errors(errors), *rest = text, *line, *last = NULL;
    while (waitpid(monitor, &status, 0) < 0 && errno == EINTR)
        ;
    while ((line = strsep(&rest, "\n")))
        if (*line) {
            if (last)
                fprintf(stderr, "%s\n", last);
            last = line;
        }
    if (last && strncmp(last, "redoubt: ", 9) == 0)
        last += 9;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    oci_fail_with(oci.failed ? oci.failed : code == 0 || code > 125 ? 1 : code, "%s", last ? last : otherwise);
}

/*
 * Warnings, for somebody who looks on, or who asked for them (--debug): standard error may be the container's own unless that has a
 * terminal, and Podman reads a log as one object.
 */
static void tell_warnings(int errors)
{
    fcntl(errors, F_SETFL, O_NONBLOCK);
    char *text = read_errors(errors), *rest = text, *line;
    bool has_log = oci.log;
    while ((line = strsep(&rest, "\n"))) {
        if (!*line)
            continue;
        if (!has_log && (oci.debug || oci.console_socket || isatty(2)))
            fprintf(stderr, "%s\n", line);
        else if (oci.debug)
            oci_log("warning", strncmp(line, "redoubt: ", 9) == 0 ? line + 9 : line);
    }
    free(text);
}

pid_t monitor_await(int report)
{
    int32_t pid;
    ssize_t n;
    do
        n = recv(report, &pid, sizeof pid, MSG_WAITALL);
    while (n < 0 && errno == EINTR);
    return n == sizeof pid ? pid : 0;
}

static _Noreturn void be_monitor(const char *bundle, int report, int errors)
{
    front.must_wait = strcmp(oci.command, "create") == 0;
    monitor_become("redoubt-monitor", report, errors);
    front.stage.is_detached = true;
    monitor_listen();
    close(front.container.lock); /* the command holds it, until it ends */
    char command[] = "create", option[] = "--bundle";
    char *arguments[] = {command, option, (char *)(uintptr_t)bundle, (char *)(uintptr_t)front.container.id,
                         (char *)(uintptr_t)(oci.config ? oci.config : ""), (char *)(uintptr_t)(oci.audit_log ? oci.audit_log : ""), NULL};
    front_main(arguments);
}

/* The monitor removes what it has made; should it have been killed, this does. */
static void clean_up(const char *id)
{
    struct container left;
    if (!container_open(&left, id, false))
        return;
    pid_t pid = container_pid(&left);
    if (pid)
        kill(pid, SIGKILL);
    cgroup_kill(&left.record);
    cgroup_remove(&left.record);
    container_remove(&left);
}

int command_create(void)
{
    const char *id = oci_id(), *bundle = oci_absolute(oci.bundle ? oci.bundle : ".");
    if (oci.word_count > 1)
        oci_fail("%s: unexpected argument %s after the container id; the command is in config.json", oci.command, oci.words[1]);
    oci_check_globals();
    if (oci.console_socket)
        oci.console_socket = oci_absolute(oci.console_socket);
    oci_operator();
    int report[2], errors[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, report) || pipe2(errors, O_CLOEXEC))
        oci_fail("cannot make a socket: %s", strerror(errno));
    sweep();
    container_make(&front.container, id);
    container_begin(&front.container, bundle);
    fflush(NULL);
    pid_t monitor = fork();
    if (monitor == 0) {
        close(report[0]);
        close(errors[0]);
        be_monitor(bundle, report[1], errors[1]);
    }
    close(report[1]);
    close(errors[1]);
    pid_t pid = monitor > 0 ? monitor_await(report[0]) : 0;
    if (!pid) {
        clean_up(id);
        monitor_failed(monitor, errors[0], "the sandbox could not be started");
    }
    if (oci.pid_file)
        oci_write_pid_file(oci.pid_file, pid); /* if that fails we end without the byte below, and the monitor ends it all */
    struct container made;
    const char *problem = NULL;
    if (strcmp(oci.command, "create") && container_open(&made, id, false))
        problem = hooks_run(&made, "poststart", STATUS_RUNNING, 0, -1);
    if (problem)
        oci_fail("%s", problem);
    int error = container_keep(&front.container);
    if (error)
        oci_fail("cannot write below %s: %s", oci_root(), strerror(-error));
    /* A program that has ended by now is no failure: its container is there, stopped. */
    send(report[0], "", 1, MSG_NOSIGNAL);
    tell_warnings(errors[0]);
    return 0;
}
