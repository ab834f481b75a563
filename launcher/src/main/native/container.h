/*
 * The state of a container: the folder ROOT/ID with these files, all of them only ours.
 *
 *     state      the record: lines of "key value"; texts are JSON strings, so that printing them is copying them
 *     control    the monitor's socket
 *     kept       empty: the command that made the container has said so, and it is there until somebody deletes it
 *     config.json  a copy, because what its owner changes after create has no effect
 *
 * A command that changes something holds the folder's lock (flock(2) on the folder itself: nothing to clean up when a command
 * dies). Whether a container runs is never written down: that is asked of its processes.
 */
#ifndef REDOUBT_CONTAINER_H
#define REDOUBT_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct record {
    char **keys, **values;
    size_t count;
};

const char *record_get(const struct record *record, const char *key); /* null if it is not there */
void record_set(struct record *record, const char *key, const char *value);
void record_add(struct record *record, const char *key, const char *value);
void record_set_number(struct record *record, const char *key, unsigned long long value);
unsigned long long record_number(const struct record *record, const char *key);

struct container {
    const char *id;
    int dir;  /* O_PATH-like: names below it are opened with it */
    int lock; /* the same folder, locked; -1 without */
    struct record record;
};

enum status { STATUS_CREATING, STATUS_CREATED, STATUS_RUNNING, STATUS_PAUSED, STATUS_STOPPED };

extern const char *const status_names[];

/* Makes the folder and locks it; fails if there is one of that id. */
void container_make(struct container *container, const char *id);

/* Opens it, locked or not. Returns false if there is none. A folder without a record is one that was never finished. */
bool container_open(struct container *container, const char *id, bool locked);

/* The same, locked, if nobody has it locked now. */
bool container_open_idle(struct container *container, const char *id);

void container_close(struct container *container);

/* The same, failing with runc's words when there is no such container. */
void container_require(struct container *container, bool locked);

/* Before anything is done because of what a record says. */
void container_become_owner(const struct container *container);

bool container_has_record(const struct container *container);

/* Whether we have made the folder: other runtimes may have the same root. */
bool container_is_ours(const struct container *container);

/* Replaces the record on disk. Returns 0 or -errno. */
int container_write(struct container *container);

/* It stays when its processes end. Returns 0 or -errno. */
int container_keep(const struct container *container);
bool container_is_kept(const struct container *container);

enum status container_status(const struct container *container);

/* The container's first process if it is alive; 0 otherwise. */
pid_t container_pid(const struct container *container);

/* The pid written under this key, if that process is still the one that was meant. */
pid_t container_process(const struct container *container, const char *key);

unsigned long long own_pid_namespace(void);

/* Writes down who has a pid: pids are used again, a pid and its start time are not. */
void record_set_process(struct record *record, const char *key, pid_t pid);

/* Removes the folder with all that is in it. */
void container_remove(struct container *container);

/* Connects to the monitor; -errno if there is none. */
int container_connect(const struct container *container);

/* A socket for container_connect; -errno. */
int container_listen(const struct container *container);

/* Calls for each id below the state root, in the order of their names. */
void container_each(void (*visit)(const char *id));

#endif
