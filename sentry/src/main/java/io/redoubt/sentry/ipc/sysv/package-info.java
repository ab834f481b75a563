/**
 * System V semaphores, message queues and shared memory, sysvipc(7): one name space for each
 * sandbox.
 *
 * <p>Lock order, outermost first: {@link io.redoubt.sentry.ipc.sysv.IpcTable}, then one {@link
 * io.redoubt.sentry.ipc.sysv.IpcObject}. No guest memory is touched under either.
 */
package io.redoubt.sentry.ipc.sysv;
