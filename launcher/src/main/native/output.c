#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct output standard_output = {.fd = -1}, standard_error = {.fd = -1};

/*
 * O_NONBLOCK belongs to the open file description, which is shared with the shell and everything else it started: setting it
 * there breaks them. A terminal or a pipe can be opened a second time through /proc, which makes a description of our own. A
 * file must not be: it would start at offset 0 again; it does not block anyway. Where it fails (another user's terminal) we
 * rely on poll and small writes.
 */
static void attach(struct output *output, int fd)
{
    struct stat status;
    char path[32];
    output->fd = fd;
    if (fstat(fd, &status))
        return;
    output->is_socket = S_ISSOCK(status.st_mode);
    if (S_ISFIFO(status.st_mode) || isatty(fd)) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
        int own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (own >= 0)
            output->fd = own;
    }
}

void output_open(bool stdout_closed, bool stderr_closed)
{
    if (!stdout_closed)
        attach(&standard_output, 1);
    if (!stderr_closed)
        attach(&standard_error, 2);
}

void output_put(struct output *output, const void *bytes, size_t length)
{
    if (output->fd < 0)
        return;
    if (output->start == output->end)
        output->start = output->end = 0;
    if (output->end + length > output->capacity) {
        size_t capacity = (output->end + length) * 2;
        char *grown = realloc(output->bytes, capacity);
        if (!grown)
            return; /* out of memory: losing text is the smaller harm */
        output->bytes = grown;
        output->capacity = capacity;
    }
    memcpy(output->bytes + output->end, bytes, length);
    output->end += length;
}

/* One write of at most a page: after POLLOUT a pipe takes that much without blocking (pipe(7), PIPE_BUF). */
static bool write_some(struct output *output)
{
    size_t length = output->end - output->start;
    if (length > 4096)
        length = 4096;
    const char *from = output->bytes + output->start;
    ssize_t n = output->is_socket ? send(output->fd, from, length, MSG_DONTWAIT | MSG_NOSIGNAL)
                                  : write(output->fd, from, length);
    if (n < 0 && errno == EINTR)
        return true;
    if (n < 0 && errno == EAGAIN)
        return false;
    if (n < 0) {
        output->fd = -1; /* EPIPE, EIO of a terminal that hung up: nobody reads any more */
        return false;
    }
    output->start += (size_t)n;
    return true;
}

static bool poll_writable(struct output *output, int timeout)
{
    struct pollfd poll_fd = {.fd = output->fd, .events = POLLOUT};
    return poll(&poll_fd, 1, timeout) > 0;
}

void output_flush(struct output *output)
{
    while (output_waiting(output) > 0 && poll_writable(output, 0) && write_some(output))
        ;
}

void output_finish(struct output *output)
{
    while (output_waiting(output) > 0) {
        poll_writable(output, -1);
        write_some(output);
    }
}

void complain(const char *format, ...)
{
    char line[2048];
    int length = snprintf(line, sizeof line, "redoubt: ");
    va_list arguments;
    va_start(arguments, format);
    int more = vsnprintf(line + length, sizeof line - 1 - (size_t)length, format, arguments);
    va_end(arguments);
    if (more < 0)
        return;
    size_t total = strlen(line);
    line[total++] = '\n';
    output_put(&standard_error, line, total);
    output_flush(&standard_error);
}
