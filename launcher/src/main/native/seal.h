/* The root directories that sentry and gofer end up with. */
#ifndef REDOUBT_SEAL_H
#define REDOUBT_SEAL_H

#include <stdbool.h>
#include <sys/types.h>

/* What the gofer asks of the front with each of its trees: io.redoubt.gofer.OwnRoot. */
enum { GOFER_TREES_MAX = 1024, GOFER_TREES_END = -1, GOFER_TREE_READ_ONLY = 1, GOFER_TREE_DEVICES = 4 };

/* In the process that becomes root's sentry or gofer: a mount namespace of its own. *proc: a descriptor of a /proc by which the
 * sentry writes the memory of its guests, or -1. False with errno. */
bool seal_begin(bool is_gofer, int *proc);

/* In the front: an empty root for the sentry, and the installation. Complains and returns false on failure. */
bool seal_root(pid_t pid, int pidfd);

/*
 * In the front: an empty root for the gofer, which asks for it on this socket: one message for each tree (flags, and the descriptor)
 * and GOFER_TREES_END; the answer is 1, with a directory of its own descriptors, and then for each a descriptor of a mount of its own.
 * Or just 0: it has no mount namespace. Complains and returns false on failure.
 */
bool seal_gofer(pid_t pid, int pidfd, int socket);

#endif
