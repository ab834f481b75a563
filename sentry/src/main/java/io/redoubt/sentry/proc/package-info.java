/**
 * procfs and sysfs: what a guest may know of itself, its neighbours in the sandbox and the machine.
 *
 * <p>Names and identities come from the sentry's own books. Numbers that only the host kernel knows (memory, times, faults) come from
 * the host's /proc through {@link io.redoubt.sentry.proc.HostProc}, and are copied field by field: no host file is passed through.
 */
package io.redoubt.sentry.proc;
