/**
 * The virtual file system: mounts, dentries, the walk, inodes, open file descriptions.
 *
 * <p>A call reads its path from the guest, has {@link io.redoubt.sentry.fs.Walk} find what it
 * names, and works on the inode. Walks take no lock: they go from one pinned dentry to the next
 * through the {@link io.redoubt.sentry.fs.DentryCache}, and only a name that is not known there
 * asks the file system, under the monitor of the directory's dentry. Changes of names ({@link
 * io.redoubt.sentry.fs.Names}, {@link io.redoubt.sentry.fs.Rename}) come one at a time, look up
 * again what the walk found, and keep the cache right.
 *
 * <p>File systems are subclasses of {@link io.redoubt.sentry.fs.Inode}: {@code mem} (tmpfs and the
 * overlay), {@code gofer} (trees of the host passed through), {@code pseudo} (proc, sys, dev).
 *
 * <p>What is kept across calls is pinned: an open file, a working directory, a root, a program or a
 * mount keeps its dentry, which keeps its inode and its parent. The last pin of a name that is gone
 * gives everything back, down to the gofer's fid.
 *
 * <p>Locks, outermost first (those of the whole kernel are in {@link
 * io.redoubt.sentry.kernel.Kernel}):
 *
 * <pre>
 *   Vfs.tree                        names and mounts change
 *     OpenFile.positionLock         position of one file, or of a listing
 *       Dentry                      a directory is looked into or changed; two: ancestor first
 *         Inode                     one directory's entries or one file's content and attributes; a directory before what is in it
 *           mem.LowerFile           a host file shared by those who have it open
 *             mem.LowerFiles        which of them are idle
 *           gofer.GoferFs.inodes    which host inodes are in use
 *             gofer.GoferInode      the attributes and life of one
 *         DentryCache               the ring of the clock
 * </pre>
 *
 * Requests to the gofer are made under the monitors of dentries and of inodes that copy their
 * content up, and of a lower file that is being opened, never under the others below. Guest memory
 * is only touched with {@code positionLock} held.
 */
package io.redoubt.sentry.fs;
