/* What commands that were killed have left behind. */
#ifndef REDOUBT_SWEEP_H
#define REDOUBT_SWEEP_H

struct container;

/*
 * Removes each container below the state root that nobody else will: one in the foreground whose front was killed, one that never
 * got created. Whatever is done for a container of another user is done as that user.
 */
void sweep(void);

/* Kills what is left of a container, removes its control groups, runs its poststop hooks, and removes its folder. */
void container_destroy(struct container *container);

#endif
