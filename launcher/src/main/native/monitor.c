/*
 * The process that stays with a container that was detached, and the socket by which commands reach a container.
 *
 *     create (or run -d), a child of the shim
 *      |- monitor            the front, in a session of its own: everything that front.c says
 *      |   |- sentry JVM
 *      |   |- gofer JVM
 *      |   `- guard          kills init should the monitor or the sentry die
 *      `- init               pid 1 of the sandbox; cloned by the monitor with CLONE_PARENT
 *
 * When create ends, monitor and init get the shim for a parent, which learns of init's end by wait4(2). init can have no
 * parent-death signal, because its parent does end. So: if sentry or gofer die, the monitor kills init; if the monitor dies, the
 * kernel kills sentry and gofer, and the guard kills init; if the guard dies, the monitor kills all.
 *
 * With no listener the kernel would answer the calls of guests with ENOSYS, and they would go on. So the guard, which every sandbox has,
 * holds the listener too, until init and with it all of them are dead: between a death and the kill a call just waits. So it does with the
 * listeners of exec, until nobody has their filters any more.
 */
#include "front.h"
#include "monitor.h"
#include "oci.h"
#include "output.h"
#include "passing.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ----------------------------------------------------------------------------------------------------------------- guard */

#define MAX_KEPT 200 /* first processes of a container's execs, at a time; others may see ENOSYS in the moment before they are killed */

/* What the guard looks at: the monitor, the sentry, and listeners, which hang up when the last process with their filter has died. */
struct watched {
    struct pollfd on[2 + MAX_KEPT];
    nfds_t count;
};

/* A message, and a listener if one came with it. False: the other end is gone. */
static bool guard_hears(struct watched *watched)
{
    char byte;
    int fd;
    if (!receive_passed(0, &byte, 1, &fd, 0))
        return false;
    if (fd >= 0 && watched->count < 2 + MAX_KEPT)
        watched->on[watched->count++] = (struct pollfd){.fd = fd};
    else if (fd >= 0)
        close(fd);
    return true;
}

static void guard_drops_those_of_the_dead(struct watched *watched)
{
    for (nfds_t i = watched->count; i-- > 2;)
        if (watched->on[i].revents) {
            close(watched->on[i].fd);
            watched->on[i] = watched->on[--watched->count];
        }
}

static _Noreturn void guard_main(void)
{
    struct watched watched = {.on = {{.fd = 0, .events = POLLIN}, {.fd = 2, .events = POLLIN}}, .count = 2};
    struct pollfd init = {.fd = 1, .events = POLLIN};
    for (;;) {
        if (poll(watched.on, watched.count, -1) < 0)
            continue;
        if (watched.on[1].revents)
            break;
        guard_drops_those_of_the_dead(&watched);
        if (watched.on[0].revents && !guard_hears(&watched))
            break;
    }
    syscall(SYS_pidfd_send_signal, 1, SIGKILL, NULL, 0);
    poll(&init, 1, 5000);
    _exit(0);
}

static int guard_socket = -1;

bool guard_start(void)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
        return false;
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_NAME, "redoubt-guard", 0, 0, 0);
        prctl(PR_SET_PDEATHSIG, 0, 0, 0, 0);
        setsid();
        dup2(ends[0], 0);
        dup2(front.stage.pidfd, 1);
        dup2(front.sentry.pidfd, 2);
        syscall(SYS_close_range, 3u, ~0u, 0);
        guard_main();
    }
    close(ends[0]);
    guard_socket = ends[1]; /* it stays open as long as we live; nobody else has it */
    front.guard_pid = pid;
    front.guard = pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
    return front.guard >= 0;
}

bool guard_keep(int listener)
{
    return pass(guard_socket, "", 1, listener, MSG_DONTWAIT);
}

void guard_keep_in(const struct container *container, int listener)
{
    uint32_t header[2] = {FRAME_KEEP, 0};
    int fd = container_connect(container);
    if (fd < 0)
        return; /* it is ending */
    pass(fd, header, sizeof header, listener, MSG_DONTWAIT);
    close(fd);
}

void guard_stop(void)
{
    if (front.guard < 0)
        return;
    syscall(SYS_pidfd_send_signal, front.guard, SIGKILL, NULL, 0);
    reap_child(front.guard_pid, front.guard, 1000);
    close(front.guard);
    front.guard = -1;
}

/* ---------------------------------------------------------------------------------------------------- the waiting command */

void monitor_created(void)
{
    int32_t pid = front.stage.pid;
    if (send(front.report, &pid, sizeof pid, MSG_NOSIGNAL) != sizeof pid)
        give_up("the command that creates the container was killed");
}

bool monitor_is_kept(void)
{
    struct pollfd on = {.fd = front.report, .events = POLLIN};
    char byte;
    return front.report < 0 || (front.phase >= CREATED && poll(&on, 1, 10000) > 0 && recv(front.report, &byte, 1, MSG_DONTWAIT) == 1);
}

/* A byte: the container stays. End of file: the command died before it could say so, and nobody would ever delete what is here. */
void monitor_report_ready(void)
{
    char byte;
    ssize_t n = recv(front.report, &byte, 1, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n != 1)
        give_up("the command that creates the container was killed");
    close(front.report);
    front.report = -1;
    oci_log_close();
    if (front.exec_in && !front.wants_tty)
        _exit(0); /* nothing to do for what it started: the sentry serves it, and who called us waits for it */
    /* From now on there is nobody to hear us; last words are for who looks for them in the state folder. */
    close(standard_error.fd);
    standard_error.fd = front.exec_in ? -1 : openat(front.container.dir, "log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* --------------------------------------------------------------------------------------------------------------- commands */

void monitor_listen(void)
{
    front.listener = container_listen(&front.container);
    if (front.listener < 0)
        give_up("cannot make the control socket in the state folder");
    /* From now on others see who makes this container; should we be killed, they see that nobody does. */
    record_set_process(&front.container.record, "monitor", getpid());
    record_set_number(&front.container.record, "monitor.namespace", own_pid_namespace());
    if (container_write(&front.container))
        give_up("cannot write the state of the container");
}

void monitor_accept(void)
{
    int fd = accept4(front.listener, NULL, NULL, SOCK_CLOEXEC);
    for (size_t i = 0; fd >= 0 && i < sizeof front.clients / sizeof *front.clients; i++)
        if (front.clients[i] < 0) {
            front.clients[i] = fd;
            return;
        }
    if (fd >= 0)
        close(fd); /* so many at once are no commands of ours, which hold the container's lock */
}

static void answer(int client, const char *problem)
{
    frame_send(client, problem ? FRAME_FAIL : FRAME_DONE_OK, problem, problem ? (uint32_t)strlen(problem) : 0, -1);
}

static void start(int client)
{
    if (front.phase != CREATED) {
        answer(client, front.phase == RUNNING ? "cannot start an already running container" : "cannot start a container that has stopped");
        return;
    }
    const char *problem = lifecycle_before_start();
    if (!problem)
        lifecycle_start();
    answer(client, problem);
    if (problem)
        refuse(problem);
}

/* Requests are a header and at most a number, which their senders write at once. */
void monitor_request(int *client)
{
    struct {
        uint32_t type, length;
    } request = {0};
    int32_t number = 0;
    int listener;
    /* No more than the header: what follows a FRAME_CLIENT is for the sentry. */
    bool is_whole = receive_passed(*client, &request, sizeof request, &listener, MSG_DONTWAIT);
    if (!is_whole && errno == EAGAIN)
        return;
    if (is_whole) {
        if (request.length == sizeof number)
            recv(*client, &number, sizeof number, MSG_DONTWAIT);
        switch (request.type) {
        case FRAME_START:
            start(*client);
            break;
        case FRAME_KILL:
            if (front.phase == RUNNING &&
                frame_send(front.control.socket, request.type, &number, sizeof number, -1) == 0)
                answer(*client, NULL);
            else
                answer(*client, "container not running");
            break;
        case FRAME_CLIENT:
            if (front.phase != RUNNING && front.phase != CREATED)
                answer(*client, "cannot exec in a stopped container");
            else if (frame_send(front.control.socket, FRAME_CLIENT, NULL, 0, *client))
                answer(*client, "the sentry does not answer");
            break;
        case FRAME_KEEP:
            if (listener >= 0 && front.guard >= 0)
                guard_keep(listener);
            break;
        }
        if (listener >= 0)
            close(listener);
    }
    close(*client);
    *client = -1;
}
