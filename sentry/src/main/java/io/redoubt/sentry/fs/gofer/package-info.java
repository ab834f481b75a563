/**
 * Files of the host, asked of the gofer: {@link io.redoubt.sentry.fs.gofer.GoferFs} passes a tree
 * through that others may change too; the overlay of {@code fs.mem} uses the rest of this package
 * for what lies under it.
 *
 * <p>A file's data does not go through the gofer: it donates a descriptor at the open, which is
 * read, written and mapped here. Where it donates none ({@code --data=ring}) data goes through the
 * shared region.
 */
package io.redoubt.sentry.fs.gofer;
