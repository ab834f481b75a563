/* The systemd driver for control groups (--systemd-cgroup): a transient scope unit, asked for with busctl(1). */
#ifndef REDOUBT_SYSTEMD_H
#define REDOUBT_SYSTEMD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct record;

/* Whether systemd runs this machine. */
bool systemd_is_running(void);

/*
 * Starts the unit that linux.cgroupsPath names, "SLICE:PREFIX:NAME", with these processes in it and these limits (as for
 * cgroup_set), and writes its name down in the record. *path gets where its group is in every hierarchy. Returns null or what is
 * wrong.
 */
const char *systemd_start(struct record *record, const char *cgroups_path, const char *id, const pid_t *pids, size_t pid_count,
                          char *const *settings, size_t setting_count, char **path);

/* Tells systemd of other limits for the unit of the record, if there is one. Returns null or what is wrong. */
const char *systemd_update(const struct record *record, char *const *settings, size_t count);

/* Stops the unit of the record, if there is one. */
void systemd_stop(const struct record *record);

#endif
