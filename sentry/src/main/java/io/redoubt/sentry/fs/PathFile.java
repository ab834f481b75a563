package io.redoubt.sentry.fs;

/**
 * A file opened with O_PATH: a place in the tree, good for the calls that take a dirfd, and for
 * fstat, fchdir and exec.
 */
public final class PathFile extends OpenFile {
  public PathFile(Path path, int flags) {
    super(path, flags);
  }

  @Override
  public boolean isPollable() {
    return false;
  }
}
