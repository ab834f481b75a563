/* How it ends: everything is killed together, then reaped, then what is left to say is said. */
#include "front.h"
#include "monitor.h"
#include "oci.h"
#include "output.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define KILL_TIMEOUT_MILLIS 5000


static void kill_child(int pidfd)
{
    if (pidfd >= 0)
        syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}

/*
 * Returns the wait status, or 0. A process under SIGKILL goes at once unless a device or a file system holds it (nfs(5)); then
 * we must still end, and leave it to init.
 */
int reap_child(pid_t pid, int pidfd, int timeout_millis)
{
    int status = 0;
    struct pollfd poll_fd = {.fd = pidfd, .events = POLLIN};
    long long until = now_millis() + timeout_millis;
    while (pidfd >= 0 && !poll_fd.revents && now_millis() <= until)
        poll(&poll_fd, 1, timeout_millis);
    if (poll_fd.revents)
        while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
            ;
    return status;
}

bool copy_errors(void)
{
    char bytes[4096];
    for (;;) {
        ssize_t n = read(front.errors, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 && errno == EAGAIN;
        output_put(&standard_error, bytes, (size_t)n);
        if (output_waiting(&standard_error) >= OUTPUT_HIGH_WATER)
            return true;
    }
}

/*
 * Kills and reaps all. The three together and only then the waiting: the pid namespace ends when its last zombie is reaped,
 * and one that the sentry traces is reaped by the sentry's own end (pid_namespaces(7), ptrace(2)). *sentry_status and
 * *gofer_status may be null.
 */
static void stop_all(int *sentry_status, int *gofer_status)
{
    kill_child(front.stage.pidfd);
    kill_child(front.sentry.pidfd);
    kill_child(front.gofer.pidfd);
    kill_child(front.network.pidfd);
    int sentry = reap_child(front.sentry.pid, front.sentry.pidfd, KILL_TIMEOUT_MILLIS);
    int gofer = reap_child(front.gofer.pid, front.gofer.pidfd, KILL_TIMEOUT_MILLIS);
    reap_child(front.network.pid, front.network.pidfd, KILL_TIMEOUT_MILLIS);
    reap_child(front.stage.pid, front.stage.pidfd, KILL_TIMEOUT_MILLIS);
    front.sentry.pidfd = front.gofer.pidfd = front.network.pidfd = front.stage.pidfd = -1;
    guard_stop();
    if (sentry_status)
        *sentry_status = sentry;
    if (gofer_status)
        *gofer_status = gofer;
}

/* Which call it was its handler has printed (trap.c). Where another one has died of that, it is told as well. */
static void explain_filter(const char *name, int status)
{
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        complain("the %s was killed by its own seccomp filter (SIGSYS): a bug of redoubt, or somebody has taken the %s over; "
                 "--no-confinement before the command leaves the filters out, for debugging",
                 name, name);
}

/* For all that ends badly: kills, reaps, and prints what the JVMs had to say. */
static void stop_badly(int *sentry_status, int *gofer_status)
{
    int sentry, gofer;
    stop_all(&sentry, &gofer);
    console_close(&front.console);
    copy_errors();
    explain_filter("sentry", sentry);
    explain_filter("gofer", gofer);
    if (sentry_status)
        *sentry_status = sentry;
    if (gofer_status)
        *gofer_status = gofer;
}

_Noreturn void finish(int code)
{
    stop_all(NULL, NULL);
    lifecycle_over();
    console_close(&front.console);
    if (front.errors >= 0)
        while (copy_errors() && output_waiting(&standard_error) >= OUTPUT_HIGH_WATER)
            output_finish(&standard_error);
    /* Nothing of ours is left but text. A reader that never reads now stops us as it stops any program: ^C ends it. Not so
     * SIGPIPE, which may be pending from an earlier write: the exit code is the guest's. */
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_SETMASK, &front.caller_mask, NULL);
    /* A monitor has nobody who could press ^C: what its terminal does not take at once is lost with the terminal. */
    if (front.is_monitor)
        standard_output.fd = -1;
    output_finish(&standard_output);
    output_finish(&standard_error);
    exit(code);
}

/* Who waits for a monitor logs what it says; otherwise it is for us. The text ends with a zero. */
static void log_failure(const char *text)
{
    if (!front.is_monitor)
        oci_log("error", text);
}

/* The one message that matters comes after what the JVMs had to say. */
_Noreturn void give_up(const char *message)
{
    log_failure(message);
    stop_badly(NULL, NULL);
    complain("%s; the sandbox was killed", message);
    finish(EXIT_LAUNCHER);
}

_Noreturn void give_up_with(int code, const char *text, size_t length)
{
    stop_badly(NULL, NULL);
    if (length) {
        log_failure(text);
        output_put(&standard_error, "redoubt: ", 9);
        output_put(&standard_error, text, length);
        output_put(&standard_error, "\n", 1);
    }
    finish(code);
}

_Noreturn void refuse(const char *message)
{
    give_up_with(front.exec_in ? oci.failed : EXIT_LAUNCHER, message, strlen(message));
}

int exit_code(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

_Noreturn void helper_died(const char *name, bool is_sentry)
{
    int sentry_status, gofer_status;
    /* If the other one is ending too, this is the one that did it first, or close to it. */
    stop_badly(&sentry_status, &gofer_status);
    int status = is_sentry ? sentry_status : gofer_status;
    complain("the %s died (%s %d); the sandbox was killed", name, WIFSIGNALED(status) ? "signal" : "exit code",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    finish(front.phase == DRAINING ? exit_code(front.status) : EXIT_LAUNCHER);
}
