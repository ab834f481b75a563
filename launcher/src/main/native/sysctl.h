/* Kernel parameters of the sandbox's network namespace: linux.sysctl. */
#ifndef REDOUBT_SYSCTL_H
#define REDOUBT_SYSCTL_H

#include <sys/types.h>

/* "NAME TAB VALUE", NAME with dots. */
void sysctl_add(const char *setting);

/* Writes all of them in the network namespace of a process. Returns null or what is wrong. */
const char *sysctl_write(pid_t of);

#endif
