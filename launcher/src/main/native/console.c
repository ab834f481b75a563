#include "console.h"

#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

void console_none(struct console *console)
{
    memset(console, 0, sizeof *console);
    console->socket = console->input = console->terminal = console->guard_pipe = -1;
}

/*
 * A second process that only waits for our end of a pipe to close. If that happens without a byte having come, we were killed
 * in raw mode, and it gives the terminal back. All signals are blocked in it, as they are in us; it holds nothing else open.
 */
static void start_guard(struct console *console)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return;
    console->guard = fork();
    if (console->guard == 0) {
        char byte;
        prctl(PR_SET_NAME, "redoubt-tty", 0, 0, 0);
        dup2(console->terminal, 0);
        dup2(ends[0], 1);
        syscall(SYS_close_range, 2u, ~0u, 0);
        ssize_t n;
        do
            n = read(1, &byte, 1);
        while (n < 0 && errno == EINTR);
        if (n == 0)
            tcsetattr(0, TCSADRAIN, &console->saved);
        _exit(0);
    }
    close(ends[0]);
    if (console->guard > 0)
        console->guard_pipe = ends[1];
    else
        close(ends[1]);
}

static void stop_guard(struct console *console)
{
    if (console->guard_pipe < 0)
        return;
    if (write(console->guard_pipe, "", 1) != 1)
        kill(console->guard, SIGKILL);
    close(console->guard_pipe);
    console->guard_pipe = -1;
    while (waitpid(console->guard, NULL, 0) < 0 && errno == EINTR)
        ;
}

void console_raw(struct console *console)
{
    if (console->terminal < 0 || console->is_raw || !isatty(0) || tcgetattr(console->terminal, &console->saved))
        return;
    struct termios raw = console->saved;
    cfmakeraw(&raw);
    /*
     * A job in the background that changes the terminal is stopped until it is in front (tty_ioctl(4), SIGTTOU): that must hold
     * for us as well, or `redoubt do -t ... &` would take the shell's terminal away. Once we have it, SIGTTOU is blocked again,
     * and giving it back works from anywhere.
     */
    sigset_t stop;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTTOU);
    sigprocmask(SIG_UNBLOCK, &stop, NULL);
    while (tcsetattr(console->terminal, TCSADRAIN, &raw) && errno == EINTR)
        ;
    sigprocmask(SIG_BLOCK, &stop, NULL);
    console->is_raw = true;
    if (!console->is_ours)
        start_guard(console);
}

void console_restore(struct console *console)
{
    if (!console->is_raw || console->is_ours)
        return;
    while (tcsetattr(console->terminal, TCSADRAIN, &console->saved) && errno == EINTR)
        ;
    console->is_raw = false;
    stop_guard(console);
}

int console_open(struct console *console, bool stdin_closed, bool outlives_input)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
        complain("cannot make a socket for the terminal: %s", strerror(errno));
        return -1;
    }
    console->socket = pair[0];
    console->terminal = isatty(0) ? 0 : isatty(1) ? 1 : -1;
    console->input = stdin_closed ? -1 : 0;
    console->outlives_input = outlives_input && !isatty(0);
    if (console->input < 0)
        console->must_shut_down = !console->outlives_input;
    else if (isatty(0)) {
        /* As in output.c: a description of our own can be made non-blocking, the shared one must not. */
        int own = open("/proc/self/fd/0", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (own >= 0)
            console->input = own;
    }
    console_raw(console);
    return pair[1];
}

struct winsize console_size(const struct console *console)
{
    struct winsize size = {0};
    if (console->terminal >= 0)
        ioctl(console->terminal, TIOCGWINSZ, &size);
    return size;
}

void console_poll(const struct console *console, struct pollfd *socket, struct pollfd *input)
{
    bool has_bytes = console->start < console->end;
    bool has_room = output_waiting(&standard_output) < OUTPUT_HIGH_WATER;
    *socket = (struct pollfd){.fd = console->socket};
    if (has_room)
        socket->events |= POLLIN;
    if (has_bytes)
        socket->events |= POLLOUT;
    if (!socket->events)
        socket->fd = -1; /* or a hang-up that we cannot handle yet would make poll return at once, again and again */
    *input = (struct pollfd){.fd = has_bytes || console->socket < 0 ? -1 : console->input, .events = POLLIN};
}

static void read_input(struct console *console)
{
    ssize_t n = read(console->input, console->bytes, sizeof console->bytes);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) { /* end of file, or EIO: the terminal hung up, or is not ours to read in the background */
        console->input = -1;
        console->must_shut_down = !console->outlives_input;
        return;
    }
    console->start = 0;
    console->end = (size_t)n;
}

static void send_input(struct console *console)
{
    while (console->start < console->end) {
        ssize_t n = send(console->socket, console->bytes + console->start, console->end - console->start,
                         MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0) {
            console->start = console->end = 0; /* nobody wants it */
            console->input = -1;
            return;
        }
        console->start += (size_t)n;
    }
    if (console->must_shut_down)
        shutdown(console->socket, SHUT_WR);
    console->must_shut_down = false;
}

/* Returns whether there may be more. */
static bool receive_output(struct console *console)
{
    char bytes[16384];
    ssize_t n = recv(console->socket, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n < 0 && errno == EINTR)
        return true;
    if (n < 0 && errno == EAGAIN)
        return false;
    if (n <= 0) {
        close(console->socket);
        console->socket = -1;
        return false;
    }
    output_put(&standard_output, bytes, (size_t)n);
    return true;
}

void console_pump(struct console *console, const struct pollfd *socket, const struct pollfd *input)
{
    if (console->socket < 0)
        return;
    if (input->fd >= 0 && input->revents)
        read_input(console);
    if (console->start < console->end || console->must_shut_down)
        send_input(console);
    if (socket->fd >= 0 && (socket->events & POLLIN) && socket->revents)
        receive_output(console);
}

void console_close(struct console *console)
{
    while (console->socket >= 0 && receive_output(console))
        ;
    if (console->socket >= 0)
        close(console->socket);
    console->socket = -1;
    /* The terminal takes what it can before its mode changes; TCSADRAIN waits only for what was written. */
    output_flush(&standard_output);
    console_restore(console);
}
