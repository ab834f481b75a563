/* The loop: one poll(2) over everything, and the caller's signals. */
#include "front.h"
#include "output.h"

#include <errno.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

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
    /* Nobody has a terminal or a shell to speak to a monitor with, but for the terminal that it keeps for the guest. */
    if (front.is_monitor && !(front.wants_tty && (number == SIGWINCH || number == SIGHUP)))
        return;
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
bool open_signals(void)
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

_Noreturn void loop(void)
{
    enum { SIGNALS, CONTROL, ERRORS, SENTRY, GOFER, STAGE, CALL, NETWORK, OUT, ERR, CONSOLE, INPUT, GUARD, REPORT, LISTENER, SEAL, CLIENTS };
    enum { CLIENT_MAX = sizeof front.clients / sizeof *front.clients, COUNT = CLIENTS + CLIENT_MAX };
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
        on[NETWORK] = (struct pollfd){.fd = front.network.socket, .events = POLLIN};
        on[OUT] = (struct pollfd){.fd = output_waiting(&standard_output) ? standard_output.fd : -1, .events = POLLOUT};
        on[ERR] = (struct pollfd){.fd = output_waiting(&standard_error) ? standard_error.fd : -1, .events = POLLOUT};
        console_poll(&front.console, &on[CONSOLE], &on[INPUT]);
        on[GUARD] = (struct pollfd){.fd = front.guard, .events = POLLIN};
        on[REPORT] = (struct pollfd){.fd = front.report, .events = POLLIN};
        on[LISTENER] = (struct pollfd){.fd = front.phase >= CREATED ? front.listener : -1, .events = POLLIN};
        on[SEAL] = (struct pollfd){.fd = front.seal, .events = POLLIN};
        for (int i = 0; i < CLIENT_MAX; i++)
            on[CLIENTS + i] = (struct pollfd){.fd = front.clients[i], .events = POLLIN};

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
        if (on[NETWORK].revents)
            network_asked(&front.network, on[NETWORK].revents);
        if (on[SEAL].revents && front.seal >= 0)
            gofer_asked();
        if (on[CALL].revents && front.stage.socket >= 0)
            take_guest();
        if (front.phase == AWAIT_LISTENER)
            take_listener();
        if (on[REPORT].revents && front.report >= 0)
            monitor_report_ready();
        for (int i = 0; i < CLIENT_MAX; i++)
            if (on[CLIENTS + i].revents)
                monitor_request(&front.clients[i]);
        if (on[LISTENER].revents)
            monitor_accept();
        if (on[SENTRY].revents && front.sentry.pidfd >= 0) {
            read_control();
            helper_died("sentry", true);
        }
        if (on[GOFER].revents && front.gofer.pidfd >= 0)
            gofer_ended();
        if (on[GUARD].revents) /* after the sentry: of its death the guard ends too */
            give_up("the guard of the sandbox was killed");
        if (on[STAGE].revents && front.stage.pidfd >= 0)
            stage_ended();
        tell_sentry();
    }
}
