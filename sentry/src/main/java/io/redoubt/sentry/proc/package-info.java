/**
 * procfs and sysfs: what a guest may know of itself, its neighbours in the sandbox and the machine.
 *
 * <p>Names and identities come from the sentry's own books. Numbers that only the host kernel knows
 * (memory, times, faults) come from the host's /proc through {@link
 * io.redoubt.sentry.proc.HostProc}: of a task field by field, of the machine by the file.
 */
package io.redoubt.sentry.proc;
