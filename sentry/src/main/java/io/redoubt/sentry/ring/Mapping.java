package io.redoubt.sentry.ring;

/** One mapping of a guest process, as {@link ProcessMaps} finds it. */
final class Mapping {
  long start;
  long end;
  long offset; // of its first byte in the file
  long device; // major << 32 | minor
  long inode; // 0: of no file
  boolean isReadable;
  boolean isWritable;
  boolean isExecutable;
  boolean isShared;

  /** Whether it is code of a file, in private memory: what can be rewritten. */
  boolean isProgramText() {
    return inode != 0 && isReadable && isExecutable && !isWritable && !isShared;
  }

  /** Whether it begins with the first byte of the file of which {@code other} is a part. */
  boolean isHeadOf(Mapping other) {
    return inode == other.inode && device == other.device && offset == 0 && isReadable;
  }
}
