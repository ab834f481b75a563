/*
 * The stage: pid 1 of the sandbox. It is cloned from the front before the sentry has even started, waits in an empty root for
 * the plan, and becomes (or starts) the guest's first process.
 */
#ifndef REDOUBT_STAGE_H
#define REDOUBT_STAGE_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What the guest's first process is made from. Everything it points to lies in the shared area, at one address in both. */
struct stage_plan {
    const char *path; /* given to execve: the sentry resolves it */
    char **argv;
    char **envp;
    const char *hostname; /* may be null or empty: what the UTS namespace has is left */
    bool has_shim;        /* pid 1 only reaps, the guest is pid 2; otherwise the guest is pid 1 */
    struct sock_fprog filter;
    struct sock_fprog profile; /* linux.seccomp, on top of the filter; length 0: none */
    uint32_t profile_flags;
};

#define STAGE_NO_STATUS (-1)
#define STAGE_NOT_JOINED (~0u)

/*
 * One MAP_SHARED page and an arena behind it, made before the clone, so at the same address in front, pid 1 and the guest's
 * process until its execve. Trusted code on both sides; the guest's program never sees it, its exec unmaps it.
 */
struct stage_page {
    uint32_t listener;  /* futex: 0, or the guest's fd number of the listener plus 1 */
    uint32_t go;        /* futex: set by the front when the sentry is receiving */
    int status;         /* wait status of pid 2, or STAGE_NO_STATUS */
    const char *failed; /* step that failed, with */
    int failed_errno;
    bool is_detached; /* outlives the process that made it; its parent is that one's parent */
    uint32_t joined;  /* futex, of an exec: pid of the stage, or STAGE_NOT_JOINED */
    char hostname[65], domainname[65]; /* of the UTS namespace, before the plan sets one */
    struct stage_plan plan;
    size_t arena_used;
};

struct stage {
    pid_t pid;
    int pidfd;
    bool is_detached; /* set before stage_start */
    int socket; /* ours: the stage reads "maps written", then "plan is there"; the guest's process writes "filter next" */
    struct stage_page *page;
};

/* Zeroed memory that the stage sees too, or null when the area is full. */
void *stage_alloc(struct stage *stage, size_t length);

/* Clones the stage and writes its id maps. Returns false after it has complained. */
bool stage_start(struct stage *stage);

/*
 * The same in a container's existing namespaces: those of the process init. complains. What the stage then becomes is a child of
 * the same parent as one that stage_start makes.
 */
bool stage_join(struct stage *stage, pid_t init);

/* Namespaces that stage_start is to join instead of making them: type as in config.json. Returns null or what is wrong. */
const char *stage_share(const char *type, const char *path);

/* Maps for stage_again: lines of /proc/PID/uid_map and gid_map; null: the usual ones. */
void stage_map(const char *uids, const char *gids);

/* Whether those are more than our own ids, and not ours to map. */
bool stage_maps_ranges(void);

/* Kills the stage that waits for its plan, and starts another with what stage_share was told. */
bool stage_again(struct stage *stage);

/* The plan is in place: go on. */
void stage_release(struct stage *stage);

/* Reads the byte that announces the filter; returns the sender's pid as this namespace sees it, 0 for not yet, -1 for gone. */
pid_t stage_read_ready(struct stage *stage);

/* Waits at most so long for the listener; returns an fd, or -EAGAIN, or another -errno. */
int stage_take_listener(struct stage *stage, pid_t guest, int timeout_millis);

void stage_go(struct stage *stage);

/* Says why the stage died before the guest was started. */
void stage_explain(const struct stage *stage);

/* What an operator has to change where making a user namespace fails with this errno. */
const char *namespace_advice(int error);

/* Complains and returns false where the kernel cannot do what everything here rests on. */
bool stage_kernel_is_new_enough(void);

#endif
