package io.redoubt.sentry.fs;

import io.redoubt.host.Fcntl;
import io.redoubt.host.Unistd;
import io.redoubt.sentry.kernel.MapCalls;
import io.redoubt.sentry.kernel.Syscall;
import java.lang.foreign.MemorySegment;

/**
 * Large reads of an open regular file, made by the host kernel in the guest's own thread: one copy,
 * from the page cache to where the bytes belong, where the sentry needs two and reaches for each
 * page of the guest.
 *
 * <p>For that the guest is lent a description of the host file, as for mmap(2) ({@link
 * MapCalls#plant}): read-only, this open file's own, and of no use but for a call that the sentry
 * lets through. All arguments are in registers, and what is read is what the guest may read: who
 * changes the descriptor meanwhile, from another thread, reads another of its files.
 *
 * <p>read(2) moves the description's own position, and when it is done nobody tells. So from the
 * first one on that is the file's position, and the sentry's own reads and lseek(2) go by it: the
 * host kernel puts all of them in an order. That is done for files that were opened for reading
 * only; writes would need the position, too.
 *
 * <p>Guarded by the file's positionLock.
 */
final class LentFile {
  /** Below, two copies cost less than a trap with a descriptor planted. */
  static final long MIN_BYTES = 128 * 1024;

  /**
   * The same where the descriptor has to be planted each time, which takes two changes of process.
   */
  private static final long MIN_BYTES_SHARED = 512 * 1024;

  private static final int NONE = -1;

  private int source = NONE; // what the description was made from
  private int fd = NONE; // -errno: it could not be
  private Object owner; // stands for the description where it is planted
  private boolean hasPosition;

  /** Whether a read of {@code length} bytes may be worth it. */
  static boolean isWorthWhile(Syscall c, long length) {
    return length >= MIN_BYTES && (length >= MIN_BYTES_SHARED || MapCalls.isAlone(c));
  }

  /** Whether the position is the description's. */
  boolean hasPosition() {
    return hasPosition;
  }

  /**
   * Lends it for the read that {@code c} is, a trap.
   *
   * @param from a descriptor of the sentry with what the file has now
   * @param position where to read; for read(2) where the file is, unless {@link #hasPosition}
   * @return whether the host kernel can make the read
   */
  boolean lend(Syscall c, int from, long position, boolean isByPosition) {
    if (from != source) {
      forget();
      source = from;
      fd = c.task.kernel.hostProc.reopen(from, Fcntl.O_RDONLY);
      owner = new Object();
    }
    if (fd < 0) {
      return false; // files that this process may not open again (id maps, permissions): for good
    }
    if (isByPosition && !hasPosition) {
      if (Unistd.lseek(fd, position, Fcntl.SEEK_SET) != position) {
        return false;
      }
      hasPosition = true;
    }
    return MapCalls.plant(c, fd, (int) c.arg0, owner) == 0;
  }

  /** Whether the description still is one of the file that {@code now} is. */
  boolean isOf(int now) {
    return now == source;
  }

  /** lseek(2) of the position, which is here. */
  long seek(long offset, int whence) {
    return Unistd.lseek(fd, offset, whence);
  }

  /** read(2) at the position, which is here. @return bytes or a negative errno */
  long read(MemorySegment to, long length) {
    return Unistd.read(fd, to, length);
  }

  /** Gives the position back. */
  long takePosition() {
    hasPosition = false;
    return Unistd.lseek(fd, 0, Fcntl.SEEK_CUR);
  }

  /** Closes the description. */
  void forget() {
    if (fd >= 0) {
      Unistd.close(fd);
    }
    fd = NONE;
    source = NONE;
    owner = null;
  }
}
