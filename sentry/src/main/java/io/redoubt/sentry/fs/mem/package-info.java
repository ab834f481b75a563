/**
 * The in-memory file system: tmpfs, memfd files, and the overlay that keeps a sandbox's writes over
 * a read-only tree of the gofer.
 *
 * <p>An overlay is a tmpfs whose directories may have a <em>lower</em> directory. A name that is
 * not in {@link io.redoubt.sentry.fs.mem.MemDir}'s own entries is looked up there; what is found
 * becomes a node that is forgotten again with its dentry, until it is changed for the first time:
 * then it is entered in its directory, and that in its own, up to the root (it is
 * <em>anchored</em>). A removed lower name leaves a whiteout.
 *
 * <p>Locks: the monitor of a node guards its attributes, its entries or its content; a directory's
 * is taken before that of a node in it, never two directories' at once but by {@link
 * io.redoubt.sentry.fs.mem.MemDir#rename}, which runs under {@code Vfs.tree}.
 */
package io.redoubt.sentry.fs.mem;
