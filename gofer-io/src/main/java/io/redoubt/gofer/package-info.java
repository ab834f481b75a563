/**
 * Files from another process: the protocol between the sentry and its gofer, and both of its ends.
 *
 * <p>The sentry holds a {@link io.redoubt.gofer.GoferClient}; {@link io.redoubt.gofer.GoferMain} is
 * the gofer process. Between them lie one region of shared memory ({@code RegionLayout}), messages
 * in its slots ({@code Protocol}), and sockets for sleepers and for descriptors.
 *
 * <p>Neither end trusts the other. What is read from the region is read once, copied, checked and
 * only then used; what cannot be honest ends the connection with one line. The gofer further never
 * resolves a path for the sentry, never follows a symlink, and refuses changes of read-only roots
 * itself ({@code FileOps}).
 *
 * <p>Round trips of one caller on a machine where getppid(2) takes 1.1 us, both sides awake on two
 * CPUs: 0.4 us for the bare ring, 1.9 for attributes of a fid, 2.4 for those of a name, 5.9 to walk
 * to a node and close it, 16 to open a file that is donated. On one CPU, each side put to sleep and
 * woken every time, 12 us more.
 *
 * <p>Locks: the monitor of {@code Connection} (the end of the connection, first use of a slot) and
 * that of the list of fids to close; neither is held during a call or while taking the other.
 */
package io.redoubt.gofer;
