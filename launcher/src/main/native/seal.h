/* The root directory that the sentry ends up with. */
#ifndef REDOUBT_SEAL_H
#define REDOUBT_SEAL_H

#include <stdbool.h>
#include <sys/types.h>

/* In the process that becomes root's sentry: a mount namespace of its own. False with errno. */
bool seal_begin(void);

/* In the front: an empty root for that process, and the installation. Complains and returns false on failure. */
bool seal_root(pid_t pid, int pidfd);

#endif
