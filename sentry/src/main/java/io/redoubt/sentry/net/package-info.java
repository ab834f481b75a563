/**
 * Sockets: AF_UNIX, which is all here, and those of the network, which are the host's: {@link
 * io.redoubt.sentry.net.Network}.
 *
 * <p>Locks, outermost first:
 *
 * <pre>
 *   two sockets, in the order of their numbers (connect)
 *     one socket: its state and its receive queue; of a host socket, whether the reactor watches it
 *       UnixNames
 *       wait queues
 * </pre>
 *
 * Files that were in flight are closed with no lock held, because a close may release a socket with
 * files in flight of its own.
 */
package io.redoubt.sentry.net;
