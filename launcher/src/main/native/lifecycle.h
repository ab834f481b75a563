/* What a container has beyond a sandbox. The steps that the front takes are in front.h. */
#ifndef REDOUBT_LIFECYCLE_H
#define REDOUBT_LIFECYCLE_H

#include "container.h"

/* The first record: who made it, of what, and when. bundle is absolute. */
void container_begin(struct container *container, const char *bundle);

/* Whether control groups that may not be changed are done without. */
bool lifecycle_is_tolerant(void);

#endif
