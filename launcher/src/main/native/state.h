/* The state of a container as text. */
#ifndef REDOUBT_STATE_H
#define REDOUBT_STATE_H

#include "container.h"

/* The state of the runtime specification as compact JSON, malloced: what hooks are given. */
char *state_text(const struct container *container, enum status status);

long long state_now_millis(void);

#endif
