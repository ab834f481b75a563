/* How a command starts a process that stays, and hears from it. The steps of the monitor itself are in front.h. */
#ifndef REDOUBT_MONITOR_H
#define REDOUBT_MONITOR_H

#include <stdbool.h>
#include <sys/types.h>

struct container;

/* In the child: a session of its own, no working directory, messages to errors; the front's state says so. */
void monitor_become(const char *name, int report, int errors);

/* Waits for the pid that the monitor reports; 0: it has failed. */
pid_t monitor_await(int report);

/* Ends the program with what the monitor had to say, or else with this. */
_Noreturn void monitor_failed(pid_t monitor, int errors, const char *otherwise);

/* Starts the process that kills init should we or the sentry die: front.guard. False with errno. */
bool guard_start(void);

/* It holds this listener until init, or all that have its filter, are dead. */
bool guard_keep(int listener);

/* The same for the guard of a container that is somebody else's. */
void guard_keep_in(const struct container *container, int listener);

/* When init is dead. */
void guard_stop(void);

#endif
