/* The steps of a sandbox's life, as the sentry's frames and the stage's events bring them about. */
#include "front.h"
#include "monitor.h"
#include "oci.h"
#include "output.h"
#include "seal.h"
#include "plan.h"
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ------------------------------------------------------------------------------------------------------ towards the sentry */

/* Sends what is pending, as far as the socket takes it. An error but EAGAIN is the sentry's death, which its pidfd reports. */
void tell_sentry(void)
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

bool has_pending(void)
{
    return front.phase >= AWAIT_GO && (front.pending_signals || front.pending_size || front.pending_exited);
}

/* ------------------------------------------------------------------------------------------------------------- the guest */

void take_guest(void)
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

/*
 * Orphans of the sandbox become the children of the runtime's own pid 1. That is not for the sentry to trace, so root's does not see it
 * in /proc (seal.c) and gets this one file of it. Where there is none the sentry has no other way either.
 */
static bool tell_of_orphans(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", front.stage.pid, front.stage.pid);
    int children = open(path, O_RDONLY | O_CLOEXEC);
    if (children < 0)
        return true;
    bool is_sent = frame_send(front.control.socket, FRAME_ORPHANS, NULL, 0, children) == 0;
    close(children);
    return is_sent;
}

/* The filter is a matter of microseconds once the guest's process has called; poll(2) cannot wait for a futex. */
void take_listener(void)
{
    int listener = stage_take_listener(&front.stage, front.guest, 10);
    if (listener == -EAGAIN)
        return;
    if (listener < 0) {
        complain("cannot take the seccomp listener: %s", strerror(-listener));
        finish(EXIT_LAUNCHER);
    }
    network_enter_of(&front.network, front.guest);
    if (front.exec_in)
        guard_keep_in(front.exec_in, listener);
    else if ((front.guard < 0 && !guard_start()) || !guard_keep(listener))
        give_up("cannot start the guard of the sandbox");
    if (front.stage.page->plan.has_shim && !tell_of_orphans())
        give_up("the sentry does not take what tells of orphans");
    struct {
        int32_t guest;
        char names[sizeof front.stage.page->hostname + sizeof front.stage.page->domainname];
    } told = {.guest = front.guest};
    snprintf(told.names, sizeof told.names, "%s\n%s", front.stage.page->hostname, front.stage.page->domainname);
    if (frame_send(front.control.socket, FRAME_LISTENER, &told, (uint32_t)(offsetof(typeof(told), names) + strlen(told.names)), listener))
        give_up("the sentry does not take its listener");
    close(listener);
    front.phase = AWAIT_GO;
}

/* The stage's process has ended. */
void stage_ended(void)
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

/*
 * The gofer also ends by itself when the sentry dies: it sees end of file on its socket, and may be gone before the sentry is,
 * because a process closes its descriptors before its end is reported. So the sentry gets a moment to show that it is dead.
 */
void gofer_ended(void)
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

/* Before it serves anything. End of file: it is dying, or the sentry never told it of a tree; there is a pidfd for that. */
void gofer_asked(void)
{
    char byte;
    bool is_asked = recv(front.seal, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
    bool is_sealed = !is_asked || seal_gofer(front.gofer.pid, front.gofer.pidfd, front.seal);
    close(front.seal);
    front.seal = -1;
    if (!is_sealed)
        give_up("the gofer still sees the files of the host");
}

/* ------------------------------------------------------------------------------------------------------ from the sentry */

/* The terminal of a container that was detached is one that somebody else gets the other end of. */
static void make_terminal(void)
{
    if (front.wants_tty && !oci.console_socket)
        refuse("cannot allocate tty if runc will detach without setting console socket");
    if (!front.wants_tty && oci.console_socket)
        refuse("cannot use console socket if runc will not detach or allocate tty");
    const char *problem = front.wants_tty ? terminal_make(oci.console_socket, &front.first_size) : NULL;
    if (problem)
        refuse(problem);
    if (front.wants_tty)
        output_open(false, true);
}

static void open_console(void)
{
    console_none(&front.console);
    front.console.is_ours = front.is_monitor;
    int theirs = console_open(&front.console, front.closed[0] && !front.is_monitor, front.container.id || front.exec_in);
    if (theirs < 0)
        finish(EXIT_LAUNCHER);
    struct winsize size = console_size(&front.console);
    if (!size.ws_row && !size.ws_col) /* we have no terminal ourselves, whose size would count */
        size = front.first_size;
    if (frame_send(front.control.socket, FRAME_CONSOLE, NULL, 0, theirs) ||
        frame_send(front.control.socket, FRAME_WINSIZE, &size, sizeof size, -1))
        give_up("the sentry does not take its terminal");
    close(theirs);
}

static _Noreturn void fail_frame(const char *payload, uint32_t length)
{
    int32_t code = EXIT_LAUNCHER;
    if (length < sizeof code)
        give_up("the sentry sent a frame that is too short");
    memcpy(&code, payload, sizeof code);
    give_up_with(code & 0xff, payload + sizeof code, length - sizeof code);
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
    lifecycle_before_plan(payload, length);
    front.network.is_raw = plan_next(payload, length, "network.raw", NULL) != NULL;
    const char *problem = plan_read(&front.stage, payload, length, &front.wants_tty);
    if (problem)
        give_up(problem);
    if (front.is_monitor)
        make_terminal();
    if (front.wants_tty)
        open_console();
    lifecycle_plan();
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
    case FRAME_PROFILE:
        problem = front.phase == AWAIT_PLAN ? plan_profile(&front.stage, payload, length) : "a filter out of turn";
        break;
    case FRAME_PLAN:
        if (front.phase == AWAIT_PLAN && has_filter)
            plan_frame(payload, length);
        else
            problem = "the sentry sent a plan out of turn";
        break;
    case FRAME_GO:
        if (front.phase == AWAIT_GO) {
            if (!front.exec_in && jvm_is_confined && !seal_root(front.sentry.pid, front.sentry.pidfd))
                give_up("the sentry still sees the files of the host");
            lifecycle_go();
        } else {
            problem = "the sentry sent a go out of turn";
        }
        break;
    case FRAME_FAIL:
        fail_frame(payload, length);
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

/* The container ends, and what was started in it ends with it. */
static void exec_disconnected(void)
{
    if (front.phase == DRAINING)
        finish(exit_code(front.status));
    struct pollfd death = {.fd = front.stage.pidfd, .events = POLLIN};
    if (front.stage.pidfd < 0 || poll(&death, 1, 5000) <= 0)
        give_up("the container is gone");
    finish(exit_code(reap_child(front.stage.pid, front.stage.pidfd, 0)));
}

void read_control(void)
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
            if (front.exec_in) {
                exec_disconnected();
                return;
            }
            struct pollfd death = {.fd = front.sentry.pidfd, .events = POLLIN};
            if (poll(&death, 1, 1000) <= 0)
                give_up("the sentry closed its control socket");
            return;
        }
        handle_frame();
    }
}
