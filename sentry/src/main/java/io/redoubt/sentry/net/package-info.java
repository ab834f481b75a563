/**
 * Sockets: AF_UNIX, with room for other families.
 *
 * <p>Locks, outermost first:
 *
 * <pre>
 *   two sockets, in the order of their numbers (connect)
 *     one socket: its state and its receive queue
 *       UnixNames
 *       wait queues
 * </pre>
 *
 * Files that were in flight are closed with no lock held, because a close may release a socket with
 * files in flight of its own.
 */
package io.redoubt.sentry.net;
