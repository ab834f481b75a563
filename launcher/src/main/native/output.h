/*
 * What the front prints, to a stdout and stderr that belong to somebody else: they may be closed, full, stopped by ^S, or a
 * pipe without a reader. While a sandbox runs nothing here ever blocks; what does not fit waits in memory.
 */
#ifndef REDOUBT_OUTPUT_H
#define REDOUBT_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

struct output {
    int fd; /* negative: closed or broken, everything is dropped */
    bool is_socket;
    char *bytes;
    size_t start, end, capacity;
};

/* Above this much waiting, the caller stops reading whatever feeds it. */
#define OUTPUT_HIGH_WATER (256u << 10)

extern struct output standard_output, standard_error;

/* Takes over fds 1 and 2, except those that the caller of the program had closed. */
void output_open(bool stdout_closed, bool stderr_closed);

void output_put(struct output *output, const void *bytes, size_t length);

/* Writes what can be written now. */
void output_flush(struct output *output);

/* Writes everything and may block as any program's write does: only with signals back at their defaults, at the end. */
void output_finish(struct output *output);

static inline size_t output_waiting(const struct output *output)
{
    return output->fd < 0 ? 0 : output->end - output->start;
}

/* Prints "redoubt: " and the message, and a newline, on stderr. */
__attribute__((format(printf, 1, 2))) void complain(const char *format, ...);

#endif
