/* The guest's processes as the host sees them. */
#ifndef REDOUBT_PROCESSES_H
#define REDOUBT_PROCESSES_H

#include "container.h"

/* Calls for every process in the container's pid namespace: that, unlike a control group, every container has. */
void processes_each(const struct container *container, int argument, void (*visit)(pid_t pid, int argument));

#endif
