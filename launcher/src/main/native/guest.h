/* What runs in the clone: pid 1 of the sandbox and the guest's first process up to its execve. */
#ifndef REDOUBT_GUEST_H
#define REDOUBT_GUEST_H

#include "stage.h"

#include <linux/seccomp.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5) /* Linux 5.19 */
#endif

/*
 * WAIT_KILLABLE_RECV: a call that the sentry has received is not done twice. SPEC_ALLOW: without it some kernels slow plain
 * compute down by half in the name of seccomp.
 */
#define GUEST_FILTER_FLAGS \
    (SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV | SECCOMP_FILTER_FLAG_SPEC_ALLOW)

extern const char guest_step_filter[];

_Noreturn void guest_main(struct stage_page *page, int socket);

/* The same for one more process of a container: joins the namespaces of init (a pidfd) and ends; its child goes on. */
_Noreturn void guest_join(struct stage_page *page, int socket, int init);

#endif
