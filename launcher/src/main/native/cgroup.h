/*
 * The control groups of a container, by the file system (cgroups(7)): version 1, 2, or the hybrid of both, in which version 1 has
 * the controllers. The record names each directory: "cgroup DIR" lines, one for each hierarchy.
 */
#ifndef REDOUBT_CGROUP_H
#define REDOUBT_CGROUP_H

#include <stdbool.h>
#include <sys/types.h>

struct record;

/*
 * Writes down which directories there will be, before there are any: whoever comes after us, should we be killed, finds them. path is
 * linux.cgroupsPath: absolute, below our own group, or empty for a group named id below our own. Returns null or what is wrong.
 */
const char *cgroup_plan(struct record *record, const char *path, const char *id);

/* Makes them. tolerant: who may not change control groups goes without. Returns null or what is wrong. */
const char *cgroup_make(struct record *record, bool tolerant);

/*
 * Sets "CONTROLLER TAB FILE TAB VALUE" lines, count of them; the controller is ignored in version 2. What fails is tried again when
 * the others are set, because memory and swap limits depend on each other's order. Returns null or what is wrong.
 */
const char *cgroup_set(const struct record *record, char *const *settings, size_t count, bool tolerant);

/* Moves a process. serves: it is not the guest's, and stays where it is in a hierarchy that is for guests. Returns null or what is wrong. */
const char *cgroup_join(const struct record *record, pid_t pid, bool serves);

/* Moves a process to a group below the container's that is there: "[CONTROLLER[,...]:]PATH". Returns null or what is wrong. */
const char *cgroup_join_below(const struct record *record, pid_t pid, const char *where);

/* Moves a process out, to the parent or the root, so that the groups can be removed. */
void cgroup_leave(const struct record *record, pid_t pid);

/* Whether there are processes in groups that were there before us. */
bool cgroup_has_others(const struct record *record);

bool cgroup_is_frozen(const struct record *record);

/* Returns null or what is wrong. */
const char *cgroup_freeze(const struct record *record, bool frozen);

/* SIGKILL to everything in it, and removes it when all is gone. Returns whether it is gone. */
void cgroup_kill(const struct record *record);
bool cgroup_remove(const struct record *record);

/* Reads a file of the hierarchy that has it; the first line or all; false if there is none. */
bool cgroup_read(const struct record *record, const char *controller, const char *file, char *text, size_t size);

/* Whether the host has only version 2. */
bool cgroup_is_unified(void);

#endif
