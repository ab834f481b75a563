/*
 * The caller's terminal, when the guest is to have one (-t): the front puts it into raw mode and copies bytes between it and a
 * socket whose other end is the sentry's; the line discipline that the guest sees is the sentry's own.
 */
#ifndef REDOUBT_CONSOLE_H
#define REDOUBT_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <termios.h>

struct pollfd;

struct console {
    int socket;   /* our end; -1: no console, or the sentry closed it */
    int input;    /* where terminal input comes from; -1: end of file was passed on */
    int terminal; /* to ask for the size and to set raw mode; -1: neither stdin nor stdout is one */
    bool is_raw;
    bool is_ours;         /* nobody had it before us: nothing to give back */
    bool outlives_input; /* the end of an input that is no terminal is not told to anybody */
    bool must_shut_down; /* input ended: tell the sentry when the last byte is through */
    struct termios saved;
    int guard; /* pid of the process that restores the terminal should we be killed */
    int guard_pipe;
    char bytes[4096]; /* read from the terminal, not yet taken by the socket */
    size_t start, end;
};

/* Before console_open: no console. */
void console_none(struct console *console);

/*
 * Returns the sentry's end of the socket, or -1 after it has complained. stdin_closed: there is no input. outlives_input: what runs
 * on the terminal goes on when there is no more, as with runc, whose users have /dev/null there.
 */
int console_open(struct console *console, bool stdin_closed, bool outlives_input);

/* Fills in what to wait for; a negative fd is one that poll(2) skips. */
void console_poll(const struct console *console, struct pollfd *socket, struct pollfd *input);

/* Moves what can be moved without blocking. */
void console_pump(struct console *console, const struct pollfd *socket, const struct pollfd *input);

/* The size, or zeroes. */
struct winsize console_size(const struct console *console);

void console_raw(struct console *console);
void console_restore(struct console *console);

/* Everything that the sentry wrote up to now goes to stdout's queue; the terminal is restored; no console any more. */
void console_close(struct console *console);

#endif
