/*
 * redoubt-front: the process that the user starts.
 *
 * It keeps the caller's stdio, session and signals, and is the parent of everything else:
 *
 *     redoubt-front
 *      |- sentry JVM     parses the command line, sends the plan, serves the guest
 *      |- gofer JVM      serves files to the sentry
 *      `- stage, pid 1 of the sandbox
 *          `- the guest's first process (with a shim; without one it is pid 1 itself)
 *
 * All three are started at once and none outlives it: each has SIGKILL for a parent-death signal, and the death of any of them
 * ends the sandbox. The front makes no decision of its own about the guest and never waits in anything but poll(2), so that
 * a signal always gets through; the one exception is the end of the program, when signals have their default meaning again.
 */
#include "console.h"
#include "frames.h"
#include "jvm.h"
#include "output.h"
#include "plan.h"
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EXIT_LAUNCHER 1
#define DONE_TIMEOUT_MILLIS 10000
#define KILL_TIMEOUT_MILLIS 5000

enum phase {
    AWAIT_PLAN,     /* the JVM starts; the stage makes its empty root meanwhile */
    AWAIT_READY,    /* the stage has the plan, the guest's process is on its way to the filter */
    AWAIT_LISTENER, /* the filter is being loaded */
    AWAIT_GO,       /* the sentry has the listener */
    RUNNING,
    DRAINING, /* the guest is gone, the sentry has last words */
};

static struct {
    enum phase phase;
    struct jvm sentry, gofer;
    struct stage stage;
    struct console console;
    struct frame_reader control;
    int errors;    /* read end of the pipe that is both JVMs' stderr */
    int signals;   /* signalfd */
    bool closed[3]; /* of 0, 1, 2: the caller had it closed */
    bool wants_tty;
    bool ignored[_NSIG]; /* signals that our caller ignores */
    sigset_t caller_mask;
    pid_t guest;
    int status; /* wait status of the guest's first process */
    long long done_by_millis;
    /* What the sentry has yet to be told. Signals are a set, as the kernel's own pending ones are: a sentry that is slow costs
     * no memory, and never makes us wait. */
    uint64_t pending_signals;
    bool pending_size, pending_exited;
} front;

static long long now_millis(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* --------------------------------------------------------------------------------------------------------------- the end */

static void kill_child(int pidfd)
{
    if (pidfd >= 0)
        syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}

/*
 * Returns the wait status, or 0. A process under SIGKILL goes at once unless a device or a file system holds it (nfs(5)); then
 * we must still end, and leave it to init.
 */
static int reap_child(pid_t pid, int pidfd, int timeout_millis)
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

/* Copies what the JVMs wrote to their stderr; false when both have closed it. */
static bool copy_errors(void)
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
    int sentry = reap_child(front.sentry.pid, front.sentry.pidfd, KILL_TIMEOUT_MILLIS);
    int gofer = reap_child(front.gofer.pid, front.gofer.pidfd, KILL_TIMEOUT_MILLIS);
    reap_child(front.stage.pid, front.stage.pidfd, KILL_TIMEOUT_MILLIS);
    front.sentry.pidfd = front.gofer.pidfd = front.stage.pidfd = -1;
    if (sentry_status)
        *sentry_status = sentry;
    if (gofer_status)
        *gofer_status = gofer;
}

static _Noreturn void finish(int code)
{
    stop_all(NULL, NULL);
    console_close(&front.console);
    if (front.errors >= 0)
        while (copy_errors() && output_waiting(&standard_error) >= OUTPUT_HIGH_WATER)
            output_finish(&standard_error);
    /* Nothing of ours is left but text. A reader that never reads now stops us as it stops any program: ^C ends it. Not so
     * SIGPIPE, which may be pending from an earlier write: the exit code is the guest's. */
    signal(SIGPIPE, SIG_IGN);
    sigprocmask(SIG_SETMASK, &front.caller_mask, NULL);
    output_finish(&standard_output);
    output_finish(&standard_error);
    exit(code);
}

/* The one message that matters comes after what the JVMs had to say. */
static _Noreturn void give_up(const char *message)
{
    stop_all(NULL, NULL);
    console_close(&front.console);
    copy_errors();
    complain("%s; the sandbox was killed", message);
    finish(EXIT_LAUNCHER);
}

static int exit_code(int status)
{
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static _Noreturn void helper_died(const char *name, bool is_sentry)
{
    int sentry_status, gofer_status;
    /* If the other one is ending too, this is the one that did it first, or close to it. */
    stop_all(&sentry_status, &gofer_status);
    console_close(&front.console);
    copy_errors();
    int status = is_sentry ? sentry_status : gofer_status;
    complain("the %s died (%s %d); the sandbox was killed", name, WIFSIGNALED(status) ? "signal" : "exit code",
             WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    finish(front.phase == DRAINING ? exit_code(front.status) : EXIT_LAUNCHER);
}

/* ------------------------------------------------------------------------------------------------------ towards the sentry */

/* Sends what is pending, as far as the socket takes it. An error but EAGAIN is the sentry's death, which its pidfd reports. */
static void tell_sentry(void)
{
    int socket = front.control.socket;
    if (socket < 0 || front.phase < AWAIT_GO)
        return;
    for (int number = 1; number < _NSIG && number <= 64; number++) {
        uint64_t bit = 1ull << (number - 1);
        if (!(front.pending_signals & bit))
            continue;
        int32_t payload = number;
        if (frame_send(socket, FRAME_SIGNAL, &payload, sizeof payload, -1) == -EAGAIN)
            return;
        front.pending_signals &= ~bit;
    }
    if (front.pending_size) {
        struct winsize size = console_size(&front.console);
        if (frame_send(socket, FRAME_WINSIZE, &size, sizeof size, -1) == -EAGAIN)
            return;
        front.pending_size = false;
    }
    if (front.pending_exited) {
        int32_t status = front.status;
        if (frame_send(socket, FRAME_EXITED, &status, sizeof status, -1) == -EAGAIN)
            return;
        front.pending_exited = false;
    }
}

static bool has_pending(void)
{
    return front.phase >= AWAIT_GO && (front.pending_signals || front.pending_size || front.pending_exited);
}

/* ------------------------------------------------------------------------------------------------------------- the guest */

static void take_guest(void)
{
    pid_t guest = stage_read_ready(&front.stage);
    if (guest > 0) {
        front.guest = guest;
        front.phase = AWAIT_LISTENER;
    }
    /* -1: the stage is dying; its pidfd tells. Do not look at the socket again. */
    if (guest != 0) {
        close(front.stage.socket);
        front.stage.socket = -1;
    }
}

/* The filter is a matter of microseconds once the guest's process has called; poll(2) cannot wait for a futex. */
static void take_listener(void)
{
    int listener = stage_take_listener(&front.stage, front.guest, 10);
    if (listener == -EAGAIN)
        return;
    if (listener < 0) {
        complain("cannot take the seccomp listener: %s", strerror(-listener));
        finish(EXIT_LAUNCHER);
    }
    int32_t pids[2] = {front.guest, front.stage.pid};
    if (frame_send(front.control.socket, FRAME_LISTENER, pids, sizeof pids, listener))
        give_up("the sentry does not take its listener");
    close(listener);
    front.phase = AWAIT_GO;
}

/* The stage's process has ended. */
static void stage_ended(void)
{
    int status = reap_child(front.stage.pid, front.stage.pidfd, 0);
    close(front.stage.pidfd);
    front.stage.pidfd = -1;
    if (front.phase < RUNNING) {
        stage_explain(&front.stage);
        finish(EXIT_LAUNCHER);
    }
    /* With a shim the status is in the page, unless somebody killed the shim: then that is what happened to the guest. */
    int told = front.stage.page->status;
    front.status = front.stage.page->plan.has_shim && told != STAGE_NO_STATUS ? told : status;
    front.phase = DRAINING;
    front.pending_signals = 0;
    front.pending_exited = true;
    front.done_by_millis = now_millis() + DONE_TIMEOUT_MILLIS;
}

/* ------------------------------------------------------------------------------------------------------ from the sentry */

static void open_console(void)
{
    console_none(&front.console);
    int theirs = console_open(&front.console, front.closed[0]);
    if (theirs < 0)
        finish(EXIT_LAUNCHER);
    struct winsize size = console_size(&front.console);
    if (frame_send(front.control.socket, FRAME_CONSOLE, NULL, 0, theirs) ||
        frame_send(front.control.socket, FRAME_WINSIZE, &size, sizeof size, -1))
        give_up("the sentry does not take its terminal");
    close(theirs);
}

static void fail_frame(const char *payload, uint32_t length)
{
    int32_t code = EXIT_LAUNCHER;
    if (length >= sizeof code)
        memcpy(&code, payload, sizeof code);
    stop_all(NULL, NULL);
    console_close(&front.console);
    copy_errors();
    if (length > sizeof code) {
        output_put(&standard_error, "redoubt: ", 9);
        output_put(&standard_error, payload + sizeof code, length - sizeof code);
        output_put(&standard_error, "\n", 1);
    }
    finish(code & 0xff);
}

static void text_frame(const char *payload, uint32_t length)
{
    if (length == 0)
        return;
    if (front.phase == DRAINING) /* the guest's own last output comes first, and the text wants a cooked terminal */
        console_close(&front.console);
    output_put(*payload == 1 ? &standard_output : &standard_error, payload + 1, length - 1);
}

static void plan_frame(const char *payload, uint32_t length)
{
    const char *problem = plan_read(&front.stage, payload, length, &front.wants_tty);
    if (problem)
        give_up(problem);
    if (front.wants_tty)
        open_console();
    front.phase = AWAIT_READY;
    stage_release(&front.stage);
}

static void handle_frame(void)
{
    const char *payload = front.control.payload, *problem = NULL;
    uint32_t length = front.control.length;
    bool has_filter = front.stage.page->plan.filter.len > 0;
    switch (front.control.type) {
    case FRAME_FILTER:
        problem = front.phase == AWAIT_PLAN ? plan_filter(&front.stage, payload, length) : "a filter out of turn";
        break;
    case FRAME_PLAN:
        if (front.phase == AWAIT_PLAN && has_filter)
            plan_frame(payload, length);
        else
            problem = "the sentry sent a plan out of turn";
        break;
    case FRAME_GO:
        if (front.phase == AWAIT_GO) {
            front.phase = RUNNING;
            stage_go(&front.stage);
        } else {
            problem = "the sentry sent a go out of turn";
        }
        break;
    case FRAME_FAIL:
        fail_frame(payload, length);
        break;
    case FRAME_TEXT:
        text_frame(payload, length);
        break;
    case FRAME_DONE:
        if (front.phase == DRAINING)
            finish(exit_code(front.status));
        problem = "the sentry said done before the program ended";
        break;
    default:
        problem = "the sentry sent a frame that this front does not know";
    }
    if (problem)
        give_up(problem);
}

static void read_control(void)
{
    /* As long as text that was printed for it waits in memory, the sentry waits too. */
    while (front.control.socket >= 0 && output_waiting(&standard_error) < OUTPUT_HIGH_WATER &&
           output_waiting(&standard_output) < OUTPUT_HIGH_WATER) {
        enum frame_result result = frame_read(&front.control);
        if (result == FRAME_AGAIN)
            return;
        if (result == FRAME_TOO_LONG)
            give_up("the sentry sent a frame that is too long");
        if (result == FRAME_END) {
            /* Most likely it is dying: its pidfd says how, in a moment. Otherwise there is no working with it either. */
            close(front.control.socket);
            front.control.socket = -1;
            struct pollfd death = {.fd = front.sentry.pidfd, .events = POLLIN};
            if (poll(&death, 1, 1000) <= 0)
                give_up("the sentry closed its control socket");
            return;
        }
        handle_frame();
    }
}

/*
 * The gofer also ends by itself when the sentry dies: it sees end of file on its socket, and may be gone before the sentry is,
 * because a process closes its descriptors before its end is reported. So the sentry gets a moment to show that it is dead.
 */
static void gofer_ended(void)
{
    struct pollfd death = {.fd = front.sentry.pidfd, .events = POLLIN};
    bool sentry_died = poll(&death, 1, 200) > 0;
    read_control();
    if (front.phase != DRAINING)
        helper_died(sentry_died ? "sentry" : "gofer", sentry_died);
    reap_child(front.gofer.pid, front.gofer.pidfd, 0); /* the sentry may let it go before its own last words */
    close(front.gofer.pidfd);
    front.gofer.pidfd = -1;
}

/* --------------------------------------------------------------------------------------------------------------- signals */

/* ^Z without a terminal of the guest's own: guest and front both stop; SIGCONT comes back through the signalfd. */
static void stop_self(void)
{
    bool was_raw = front.console.is_raw;
    console_restore(&front.console);
    kill(getpid(), SIGSTOP);
    if (was_raw)
        console_raw(&front.console);
    front.pending_size = front.wants_tty;
}

static void handle_signal(int number)
{
    switch (number) {
    case SIGCHLD: /* the pidfds tell */
    case SIGPIPE: /* the write told */
    case SIGTTIN:
    case SIGTTOU:
        return;
    case SIGWINCH:
        if (front.wants_tty) {
            front.pending_size = true;
            return;
        }
        break;
    case SIGHUP:
    case SIGINT:
    case SIGQUIT:
    case SIGTERM:
        /* No guest yet, or no guest any more: whatever the sentry is doing, it is not worth waiting for. */
        if (front.phase < RUNNING && !front.ignored[number])
            finish(128 + number);
        if (front.phase == DRAINING)
            finish(exit_code(front.status));
        break;
    }
    if (front.phase == RUNNING)
        front.pending_signals |= 1ull << (number - 1);
    if (number == SIGTSTP && !front.ignored[number]) {
        tell_sentry();
        stop_self();
    }
}

static void read_signals(void)
{
    struct signalfd_siginfo info[8];
    ssize_t n = read(front.signals, info, sizeof info);
    for (ssize_t i = 0; i < n / (ssize_t)sizeof *info; i++)
        if (info[i].ssi_signo >= 1 && info[i].ssi_signo <= 64)
            handle_signal((int)info[i].ssi_signo);
}

/* Blocks everything that can be read from a signalfd, remembers what the caller ignores. */
static bool open_signals(void)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
    sigset_t all;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&all, faults[i]);
    sigprocmask(SIG_BLOCK, &all, &front.caller_mask);
    for (int number = 1; number < _NSIG; number++) {
        struct sigaction action;
        front.ignored[number] = sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
    }
    signal(SIGCHLD, SIG_DFL); /* ignored, children would vanish without a status */
    front.signals = signalfd(-1, &all, SFD_NONBLOCK | SFD_CLOEXEC);
    return front.signals >= 0;
}

/* ------------------------------------------------------------------------------------------------------------------ loop */

static _Noreturn void loop(void)
{
    enum { SIGNALS, CONTROL, ERRORS, SENTRY, GOFER, STAGE, CALL, OUT, ERR, CONSOLE, INPUT, COUNT };
    for (;;) {
        struct pollfd on[COUNT];
        bool out_full = output_waiting(&standard_output) >= OUTPUT_HIGH_WATER;
        bool err_full = output_waiting(&standard_error) >= OUTPUT_HIGH_WATER;
        short control = (out_full || err_full ? 0 : POLLIN) | (has_pending() ? POLLOUT : 0);
        on[SIGNALS] = (struct pollfd){.fd = front.signals, .events = POLLIN};
        on[CONTROL] = (struct pollfd){.fd = control ? front.control.socket : -1, .events = control};
        on[ERRORS] = (struct pollfd){.fd = err_full ? -1 : front.errors, .events = POLLIN};
        on[SENTRY] = (struct pollfd){.fd = front.sentry.pidfd, .events = POLLIN};
        on[GOFER] = (struct pollfd){.fd = front.gofer.pidfd, .events = POLLIN};
        on[STAGE] = (struct pollfd){.fd = front.stage.pidfd, .events = POLLIN};
        on[CALL] = (struct pollfd){.fd = front.phase == AWAIT_READY ? front.stage.socket : -1, .events = POLLIN};
        on[OUT] = (struct pollfd){.fd = output_waiting(&standard_output) ? standard_output.fd : -1, .events = POLLOUT};
        on[ERR] = (struct pollfd){.fd = output_waiting(&standard_error) ? standard_error.fd : -1, .events = POLLOUT};
        console_poll(&front.console, &on[CONSOLE], &on[INPUT]);

        int timeout = front.phase == AWAIT_LISTENER ? 0 : -1;
        if (front.phase == DRAINING) {
            long long left = front.done_by_millis - now_millis();
            if (left <= 0) {
                complain("the sentry did not finish within %d s after the program's end", DONE_TIMEOUT_MILLIS / 1000);
                finish(exit_code(front.status));
            }
            timeout = (int)left;
        }
        if (poll(on, COUNT, timeout) < 0 && errno != EINTR)
            give_up("poll failed");

        /* Signals first: they must get through whatever else goes on. Frames before deaths: a sentry that says why it fails, and
         * then ends, is believed. */
        if (on[SIGNALS].revents)
            read_signals();
        if (on[CONTROL].revents)
            read_control();
        if (on[ERRORS].revents && !copy_errors()) {
            close(front.errors);
            front.errors = -1;
        }
        console_pump(&front.console, &on[CONSOLE], &on[INPUT]);
        output_flush(&standard_output);
        output_flush(&standard_error);
        if (on[CALL].revents && front.stage.socket >= 0)
            take_guest();
        if (front.phase == AWAIT_LISTENER)
            take_listener();
        if (on[SENTRY].revents) {
            read_control();
            helper_died("sentry", true);
        }
        if (on[GOFER].revents && front.gofer.pidfd >= 0)
            gofer_ended();
        if (on[STAGE].revents && front.stage.pidfd >= 0)
            stage_ended();
        tell_sentry();
    }
}

/* ----------------------------------------------------------------------------------------------------------------- start */

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

/* As many files as the system allows: the sentry and the guest's mappings use numbers freely. Only root can raise the hard one. */
static void raise_file_limit(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files))
        return;
    struct rlimit more = {1u << 20, 1u << 20};
    if (files.rlim_max >= more.rlim_max || setrlimit(RLIMIT_NOFILE, &more)) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

static bool start_all(char **arguments)
{
    int control[2], files[2], errors[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control) ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, files) || pipe2(errors, O_CLOEXEC) ||
        fcntl(errors[0], F_SETFL, O_NONBLOCK) || frame_reader_open(&front.control, control[0])) {
        complain("cannot make sockets: %s", strerror(errno));
        return false;
    }
    front.errors = errors[0];

    /* The sentry first: its start is what the user waits for. The stage's mounts happen meanwhile, on another processor. */
    struct jvm_fd sentry_fds[] = {{3, control[1]},
                                  {4, files[0]},
                                  {5, front.closed[0] ? -1 : 0},
                                  {6, front.closed[1] ? -1 : 1},
                                  {7, front.closed[2] ? -1 : 2}};
    struct jvm_fd gofer_fds[] = {{4, files[1]}};
    char socket_number[] = "4", *gofer_arguments[] = {socket_number, NULL};
    bool started = jvm_start(&front.sentry, "sentry", arguments, errors[1], sentry_fds, 5) && stage_start(&front.stage) &&
                   jvm_start(&front.gofer, "gofer", gofer_arguments, errors[1], gofer_fds, 1);
    close(control[1]);
    close(files[0]);
    close(files[1]);
    close(errors[1]);
    return started;
}

int main(int argc, char **argv)
{
    front.errors = front.signals = -1;
    front.control.socket = front.stage.socket = -1;
    front.sentry.pidfd = front.gofer.pidfd = front.stage.pidfd = -1;
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
