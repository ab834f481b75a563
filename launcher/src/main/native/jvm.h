/* Finds the Java runtime and what belongs to this installation, and starts the two JVMs. */
#ifndef REDOUBT_JVM_H
#define REDOUBT_JVM_H

#include <stdbool.h>
#include <sys/types.h>

/* A descriptor that the JVM is to have at a number of its own; from < 0: that number is closed. */
struct jvm_fd {
    int to, from;
};

struct jvm {
    pid_t pid;
    int pidfd;
};

/*
 * Whether sentry and gofer give up what they do not need: capabilities before they start, most system calls once they have. Off for
 * debugging alone: --no-confinement.
 */
extern bool jvm_is_confined;

/* Takes out of the environment what only this program may tell the JVMs; before it does. */
void jvm_forget_told(void);

/* Whether it is a program of the caller's that is started in place of the JVM: REDOUBT_JAVA, in a build tree alone. */
bool jvm_is_replaced(void);

/* Looks for the runtime and builds the command line shared by all. Complains and returns false if there is none. */
bool jvm_find(void);

/* Replaces this process by the command line of redoubt, with the caller's stdio: commands without a sandbox. Returns only on
 * failure, after it has complained. */
void jvm_exec_command(char **arguments);

/*
 * Starts a JVM below this process: its own session, killed when we die, /dev/null for 0 and 1, error_pipe for 2, then fds; all
 * else closed. user_namespace: a descriptor of one that it enters first, as its root; -1: none. name is "sentry" or "gofer". Complains and returns false on failure.
 */
bool jvm_start(struct jvm *jvm, const char *name, char **arguments, int error_pipe, const struct jvm_fd *fds, int fd_count,
               int user_namespace);

/* The installation: what holds bin, lib, etc, aot and runtime. */
const char *jvm_home(void);

/* The command line of a JVM that ends at once, and that fails where its ahead-of-time cache cannot be used. Null without a cache. */
char **jvm_cache_check(const char *name);

#endif
