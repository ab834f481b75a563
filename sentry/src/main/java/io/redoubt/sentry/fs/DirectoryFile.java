package io.redoubt.sentry.fs;

import io.redoubt.host.Memory;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.UserBuffer;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * An open directory of any file system: {@link Inode#readdir} turned into the records of
 * getdents64(2).
 *
 * <p>Position 0 is ".", 1 is "..", and from 2 on it is the inode's own position plus 2.
 */
public class DirectoryFile extends OpenFile {
  /** {@code struct linux_dirent64}. */
  private static final int D_INO = 0; // u64

  private static final int D_OFF = 8; // s64
  private static final int D_RECLEN = 16; // unsigned short
  private static final int D_TYPE = 18; // unsigned char
  private static final int D_NAME = 19; // char[]

  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

  /** No reader gains from more at once, and the scratch of a thread has room for it. */
  private static final int MAX_BYTES = 256 * 1024;

  public DirectoryFile(Path path, int flags) {
    super(path, flags);
  }

  @Override
  public boolean isSeekable() {
    return true;
  }

  @Override
  public boolean isPollable() {
    return false;
  }

  @Override
  public long read(Syscall c, UserBuffer dst) {
    return -21;
  }

  @Override
  public long readAt(Syscall c, UserBuffer dst, long offset) {
    return -21;
  }

  @Override
  public long seek(Syscall c, long offset, int whence) {
    synchronized (positionLock) {
      long to = whence == 0 ? offset : whence == 1 ? position + offset : -1;
      if (to < 0) {
        return -22;
      }
      position = to;
      return to;
    }
  }

  @Override
  public long sync(Syscall c, boolean dataOnly) {
    return 0;
  }

  @Override
  public long getdents(Syscall c, UserBuffer dst) {
    return getdents(c, dst, false);
  }

  @Override
  public long getdentsOld(Syscall c, UserBuffer dst) {
    return getdents(c, dst, true);
  }

  private long getdents(Syscall c, UserBuffer dst, boolean old) {
    synchronized (positionLock) {
      if (inode().isRemoved()) {
        return -2; // IS_DEADDIR
      }
      Records r =
          new Records(c.scratch().bulk, (int) Math.min(dst.remaining(), MAX_BYTES), position, old);
      int error = list(c, r);
      if (r.used == 0) {
        return error < 0 ? error : r.full ? -22 : 0; // not even one fits
      }
      long copied = dst.copyOut(c.scratch().bulk, 0, r.used);
      if (copied != r.used) {
        return -14;
      }
      position = r.next;
      return copied;
    }
  }

  private int list(Syscall c, Records r) {
    Dentry self = path().dentry();
    if (r.next == 0 && !r.add(".", ino(c, self), 4, 1)) {
      return 0;
    }
    Dentry parent = self.parent() == null ? self : self.parent();
    if (r.next == 1 && !r.add("..", ino(c, parent), 4, 2)) {
      return 0;
    }
    return children(c, r.next - 2, (name, ino, type, next) -> r.add(name, ino, type, next + 2));
  }

  /** Lists the children, as {@link Inode#readdir}. */
  protected int children(Syscall c, long position, DirSink sink) {
    return inode().readdir(c, position, sink);
  }

  private static long ino(Syscall c, Dentry d) {
    Inode i = d.inode();
    return i == null ? 1 : i.number(c);
  }

  /** The records made so far. */
  private static final class Records {
    private final MemorySegment to;
    private final int room;
    private int used;
    private final boolean old; // type in the last byte of a record, and the name where it would be
    private long next;
    private boolean full;

    Records(MemorySegment to, int room, long next, boolean old) {
      this.to = to;
      this.room = room;
      this.next = next;
      this.old = old;
    }

    boolean add(String name, long ino, int type, long after) {
      int n = name.length();
      int nameAt = old ? D_TYPE : D_NAME;
      int length = (nameAt + n + 1 + (old ? 1 : 0) + 7) & ~7;
      if (length > room - used) {
        full = true;
        return false;
      }
      Memory.setLong(to, used + D_INO, ino);
      Memory.setLong(to, used + D_OFF, after);
      Memory.setShort(to, used + D_RECLEN, (short) length);
      for (int i = 0; i < n; i++) {
        Memory.setByte(to, used + nameAt + i, (byte) name.charAt(i));
      }
      for (int i = nameAt + n; i < length; i++) {
        Memory.setByte(to, used + i, (byte) 0); // nothing of other calls may leak
      }
      Memory.setByte(to, used + (old ? length - 1 : D_TYPE), (byte) type);
      used += length;
      next = after;
      return true;
    }
  }
}
