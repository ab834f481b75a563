package io.redoubt.sentry.fs.mem;

import io.redoubt.sentry.fs.DirSink;
import io.redoubt.sentry.fs.DirectoryFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.kernel.Syscall;

/** An open directory of an in-memory file system. */
final class MemDirectoryFile extends DirectoryFile {
  private final MemListing listing; // guarded by positionLock

  MemDirectoryFile(MemDir dir, Path path, int flags) {
    super(path, flags);
    listing = new MemListing(dir);
  }

  @Override
  protected int children(Syscall c, long position, DirSink sink) {
    return listing.list(c, position, sink);
  }

  @Override
  protected void release() {
    synchronized (positionLock) {
      listing.close();
    }
  }
}
