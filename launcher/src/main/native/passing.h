/* Messages with a file descriptor, over AF_UNIX sockets: SCM_RIGHTS of unix(7). */
#ifndef REDOUBT_PASSING_H
#define REDOUBT_PASSING_H

#include <stdbool.h>
#include <stddef.h>

/* Sends `length` bytes, at least one, and a descriptor unless that is -1. Never SIGPIPE; false, with errno, if not all were taken. */
bool pass(int socket, const void *bytes, size_t length, int fd, int flags);

/*
 * Receives exactly `length` bytes; *fd is the descriptor that came with them, close-on-exec, or -1. False, with errno:
 * the other end is gone, or has sent something else.
 */
bool receive_passed(int socket, void *bytes, size_t length, int *fd, int flags);

#endif
