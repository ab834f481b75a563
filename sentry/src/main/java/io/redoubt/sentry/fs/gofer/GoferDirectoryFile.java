package io.redoubt.sentry.fs.gofer;

import io.redoubt.sentry.fs.DirSink;
import io.redoubt.sentry.fs.DirectoryFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.kernel.Syscall;

/** An open directory of the host; listed anew each time it is read from its beginning. */
final class GoferDirectoryFile extends DirectoryFile {
  private final GoferInode inode;
  private DirSnapshot snapshot; // guarded by positionLock

  GoferDirectoryFile(GoferInode inode, Path path, int flags) {
    super(path, flags);
    this.inode = inode;
  }

  @Override
  protected int children(Syscall c, long position, DirSink sink) {
    if (position == 0 || snapshot == null) {
      int[] error = new int[1];
      release();
      snapshot = inode.list(c, error);
      if (snapshot == null) {
        return error[0];
      }
    }
    DirSnapshot s = snapshot;
    for (int i = (int) Math.min(position, s.count()); i < s.count(); i++) {
      if (!sink.add(s.name(i), s.ino(i), s.type(i), i + 1)) {
        break;
      }
    }
    return 0;
  }

  @Override
  public long sync(Syscall c, boolean dataOnly) {
    return inode.syncDirectory();
  }

  @Override
  protected void release() {
    synchronized (positionLock) {
      if (snapshot != null) {
        snapshot.close();
        snapshot = null;
      }
    }
  }
}
