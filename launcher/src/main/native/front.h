/* What the parts of the front share: the state of the one sandbox, and who may do what to it. */
#ifndef REDOUBT_FRONT_H
#define REDOUBT_FRONT_H

#include "console.h"
#include "container.h"
#include "frames.h"
#include "jvm.h"
#include "network.h"
#include "stage.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#define EXIT_LAUNCHER 1
#define DONE_TIMEOUT_MILLIS 10000

enum phase {
    AWAIT_PLAN,     /* the JVM starts; the stage makes its empty root meanwhile */
    AWAIT_READY,    /* the stage has the plan, the guest's process is on its way to the filter */
    AWAIT_LISTENER, /* the filter is being loaded */
    AWAIT_GO,       /* the sentry has the listener */
    CREATED,        /* all is there, and start has not been called */
    RUNNING,
    DRAINING, /* the guest is gone, the sentry has last words */
};

extern struct front {
    enum phase phase;
    struct jvm sentry, gofer;
    struct stage stage;
    struct network network;
    struct console console;
    struct frame_reader control;
    int seal;      /* to the gofer, which asks for its root; -1 when that has been, or is not to be */
    int errors;    /* read end of the pipe that is both JVMs' stderr */
    int signals;   /* signalfd */
    bool closed[3]; /* of 0, 1, 2: the caller had it closed */
    bool wants_tty;
    bool ignored[_NSIG]; /* signals that our caller ignores */
    sigset_t caller_mask;
    pid_t guest;
    int status; /* wait status of the guest's first process */
    long long done_by_millis;
    /* What the sentry has yet to be told. Signals are a set, as the kernel's own pending ones are: a sentry that is slow costs
     * no memory, and never makes us wait. */
    uint64_t pending_signals;
    bool pending_size, pending_exited;
    /* Of a container, from here on. */
    struct container container; /* id is null for `do` */
    bool is_monitor;            /* we are not what the caller started, but the process that stays: monitor.c */
    struct container *exec_in;  /* we are an exec into this one; null otherwise */
    struct winsize first_size;  /* process.consoleSize, or zeroes */
    bool must_wait;             /* for start */
    int guard;                  /* pidfd of the guard (monitor.c); -1 without */
    pid_t guard_pid;
    int report;                 /* monitor: to the command that waits for us; -1 once it has gone */
    int preserved_from;         /* the first of oci.preserved descriptors, in a row */
    int listener;               /* control socket of the container; -1 without */
    int clients[16];            /* connections to it; -1: free */
} front;

/* front.c */
long long now_millis(void);

/* Takes descriptors 0 to 9, closes what else the caller left open but the next keep ones, which move up; *first is where to. */
bool reserve_descriptors(int keep, int *first);

/* Where number i of them is; -1 where the caller had none there. */
int preserved_fd(int i);

/* Starts sentry, stage and gofer, and enters the loop. */
_Noreturn void front_main(char **arguments);

/* In place of the gofer that runs, one in the stage's user namespace: only there can files be given to ids of /etc/subuid. */
bool start_mapped_gofer(void);

/* loop.c: waits for everything until finish. */
bool open_signals(void);
_Noreturn void loop(void);

/* control.c: what passes between front, sentry and stage. None of these blocks. */
void read_control(void);
void tell_sentry(void);
bool has_pending(void);
void take_guest(void);
void take_listener(void);
void stage_ended(void);
void gofer_ended(void);
void gofer_asked(void); /* for its root */

/* lifecycle.c: what a container has beyond a sandbox: record, control groups, hooks, pid file. */
void lifecycle_before_plan(const char *payload, size_t length); /* namespaces that are joined */
void lifecycle_plan(void);                                      /* the plan is read, nothing has acted on it */
void lifecycle_go(void);                                        /* the sentry is receiving */
const char *lifecycle_before_start(void); /* hooks in the container; null or what is wrong */
void lifecycle_start(void);                                     /* the guest may exec */
void lifecycle_over(void);                                      /* everything has been killed */

/* monitor.c: the control socket, and the command that waits for us. */
void monitor_listen(void);
void monitor_accept(void);
void monitor_request(int *client);
void monitor_created(void);
bool monitor_is_kept(void); /* all is over: whether the command wants the container all the same; waits for its answer */
void monitor_report_ready(void); /* the command has answered, or died */

/* ending.c */

/* Copies what the JVMs wrote to their stderr; false when both have closed it. */
bool copy_errors(void);

/* Waits for the end of a child and reaps it; returns its wait status, or 0. */
int reap_child(pid_t pid, int pidfd, int timeout_millis);

/* Kills and reaps all that is left, gives the terminal back, prints what is still to be printed, and exits. */
_Noreturn void finish(int code);

/* The same after a message, which gets "; the sandbox was killed" appended. */
_Noreturn void give_up(const char *message);

/* The same after a FAIL frame's text, as it is. */
_Noreturn void give_up_with(int code, const char *text, size_t length);

/* The same for what cannot be done: exit code 1, and the message as it is. */
_Noreturn void refuse(const char *message);

/* The same after the death of "sentry" or "gofer". */
_Noreturn void helper_died(const char *name, bool is_sentry);

/* 128+n for a signal, as a shell has it. */
int exit_code(int status);

#endif
