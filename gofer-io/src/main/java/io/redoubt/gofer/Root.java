package io.redoubt.gofer;

/**
 * A tree, or a single file, that a gofer serves. Its index in the list given to {@link
 * GoferClient#connect} is its name in {@link NodeClient#attach}.
 *
 * @param path host path, opened by the gofer following symlinks; ignored if there is a descriptor
 * @param fd descriptor to serve instead of a path (O_PATH is enough), or -1; the caller keeps it
 * @param flags of {@link #READ_ONLY}, {@link #NO_XDEV}, {@link #ALLOW_DEVICES}
 */
public record Root(String path, int fd, int flags) {
  /** Refuse every change with EROFS, in the gofer. */
  public static final int READ_ONLY = 1;

  /** Do not cross into other mounts: EXDEV. */
  public static final int NO_XDEV = 2;

  /** Let character devices be opened; else they are refused with EACCES. */
  public static final int ALLOW_DEVICES = 4;

  static final int ALL_FLAGS = 7;

  /** A writable tree. */
  public static Root of(String path) {
    return new Root(path, -1, 0);
  }

  /** A read-only tree. */
  public static Root readOnly(String path) {
    return new Root(path, -1, READ_ONLY);
  }
}
