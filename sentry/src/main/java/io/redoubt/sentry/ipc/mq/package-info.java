/**
 * POSIX message queues (mq_overview(7)): {@link io.redoubt.sentry.ipc.mq.QueueTable} has their
 * names, {@link io.redoubt.sentry.ipc.mq.PosixQueue} is one, {@link
 * io.redoubt.sentry.ipc.mq.QueueFile} one that is open.
 *
 * <p>Locks: the table's monitor, then that of a queue; wait queues below both.
 */
package io.redoubt.sentry.ipc.mq;
