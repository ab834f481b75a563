/* The PLAN frame: turns its keys and values into what execve and the stage want. */
#ifndef REDOUBT_PLAN_H
#define REDOUBT_PLAN_H

#include "stage.h"

/*
 * Fills stage->page->plan (but for the filter) in shared memory, sets rlimits on the stage, tells whether a terminal is
 * wanted. Returns null, or what is wrong with the plan.
 */
const char *plan_read(struct stage *stage, const char *payload, size_t length, bool *wants_tty);

/* Copies a FILTER frame's instructions to where the stage finds them. */
const char *plan_filter(struct stage *stage, const char *payload, size_t length);

#endif
