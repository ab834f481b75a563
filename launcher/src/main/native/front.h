/* What the parts of the front share: the state of the one sandbox, and who may do what to it. */
#ifndef REDOUBT_FRONT_H
#define REDOUBT_FRONT_H

#include "console.h"
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
} front;

/* front.c */
long long now_millis(void);

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

/* The same after the death of "sentry" or "gofer". */
_Noreturn void helper_died(const char *name, bool is_sentry);

/* 128+n for a signal, as a shell has it. */
int exit_code(int status);

#endif
