/* The PLAN frame: turns its keys and values into what execve and the stage want. */
#ifndef REDOUBT_PLAN_H
#define REDOUBT_PLAN_H

#include "stage.h"

/*
 * Fills stage->page->plan (but for the filter) in shared memory, sets rlimits on the stage, tells whether a terminal is
 * wanted. Returns null, or what is wrong with the plan.
 */
const char *plan_read(struct stage *stage, const char *payload, size_t length, bool *wants_tty);

/* The next value of a key after the one that was returned last, null for the first. */
const char *plan_next(const char *payload, size_t length, const char *key, const char *last);

/* lifecycle.c: an entry that is for neither stage nor guest. Returns false for a key that is not known. */
bool plan_other(const char *key, const char *value);

/* Copies a FILTER frame's instructions to where the stage finds them. */
const char *plan_filter(struct stage *stage, const char *payload, size_t length);

/* The same for a PROFILE frame. */
const char *plan_profile(struct stage *stage, const char *payload, size_t length);

#endif
