/*
 * The socket maker: a small process in the sandbox's network namespace that makes sockets there for the sentry.
 *
 * The sentry cannot do it itself. It has threads, and a process with threads cannot enter a user namespace (setns(2)), which an
 * ordinary user has to do before the network namespace in it.
 */
#ifndef REDOUBT_NETWORK_H
#define REDOUBT_NETWORK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What the sentry asks for, one SOCK_SEQPACKET message each: socket(domain, type, protocol). */
struct network_request {
    int32_t domain;
    int32_t type;
    int32_t protocol;
};

/* The answer is an int32_t: 0 and the socket by SCM_RIGHTS, or -errno. */

/* In the network namespace of the caller, as its root. Returns 0, or -1 with errno. */
int network_set_up_loopback(void);

struct network {
    pid_t pid;
    int pidfd;
    int user_namespace, network_namespace; /* of the sandbox, once they are known */
    bool is_raw; /* whether raw and packet sockets may be made: by whom is the sentry's business */
    uid_t root_uid; /* of the sandbox's root, as it is out here; for is_raw */
    gid_t root_gid;
    int socket; /* the maker's end, as long as nobody has asked for anything; then -1 */
};

/* Makes the connection. *theirs is the sentry's end. Returns false after it has complained. */
bool network_open(struct network *network, int *theirs);

/*
 * Takes hold of the namespaces that guest is in. Later would be too late for an ordinary user: pid 1 makes itself undumpable.
 * What fails here shows when a socket is asked for.
 */
void network_enter_of(struct network *network, pid_t guest);

/* The sentry has asked for the first time, or is gone: starts the maker. */
void network_asked(struct network *network, short revents);

#endif
