/* A terminal for a container that was detached: its master goes to whoever listens at --console-socket. */
#ifndef REDOUBT_TERMINAL_H
#define REDOUBT_TERMINAL_H

#include <sys/ioctl.h>

/*
 * Makes a pty, sends its master, and makes the slave our controlling terminal and descriptors 0 and 1: from there on the monitor
 * is a front like any other. size may be null. Returns null or what is wrong.
 */
const char *terminal_make(const char *console_socket, const struct winsize *size);

#endif
