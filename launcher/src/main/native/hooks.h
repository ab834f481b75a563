/* Hooks of the configuration: programs of the operator's that are told the container's state on standard input. */
#ifndef REDOUBT_HOOKS_H
#define REDOUBT_HOOKS_H

#include "container.h"

/*
 * Runs the hooks of that name in their order. init: a process whose network, ipc and uts namespaces they run in, 0 for our own.
 * sentry: its control socket, for hooks that are programs of the container's own; -1 for all others.
 * Returns null, or which one failed and how.
 */
const char *hooks_run(const struct container *container, const char *name, enum status status, pid_t init, int sentry);

bool hooks_have(const struct record *record, const char *name);

/* From the plan: "NAME TAB TIMEOUT TAB PATH", then the arguments and variables of that hook. */
void hooks_add(struct record *record, const char *key, const char *value);

#endif
