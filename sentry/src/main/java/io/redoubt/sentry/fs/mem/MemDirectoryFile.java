package io.redoubt.sentry.fs.mem;

import io.redoubt.sentry.fs.DirSink;
import io.redoubt.sentry.fs.DirectoryFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.kernel.Syscall;

/**
 * An open directory of an in-memory file system. A listing ends with the youngest entry that was there when it began: a program that
 * renames what it reads would never come to an end otherwise (so does tmpfs since Linux 6.11).
 */
final class MemDirectoryFile extends DirectoryFile {
  private final MemDir dir;

  /** Guarded by {@link #positionLock}. */
  private long last = -1;

  MemDirectoryFile(MemDir dir, Path path, int flags) {
    super(path, flags);
    this.dir = dir;
  }

  @Override
  protected int children(Syscall c, long position, DirSink sink) {
    if (position == 0 || last < 0) {
      last = dir.lastCookie();
    }
    dir.list(position, last, sink);
    return 0;
  }
}
