package io.redoubt.sentry.fs.pseudo;

import io.redoubt.sentry.fs.Stat;
import java.util.concurrent.atomic.AtomicLong;

/** One instance of a pseudo file system: its device number and its inode numbers. */
public final class PseudoFs {
  /**
   * Inode numbers below this are given out one after the other; those above are computed by the
   * file system.
   */
  public static final long COMPUTED = 1L << 32;

  public final long dev;

  /** What making a new name gives, a negative errno. */
  final int refusal;

  private final AtomicLong last = new AtomicLong(1);

  /** When it was made, seconds since 1970: the times of its files. */
  final long bootSec = System.currentTimeMillis() / 1000;

  /**
   * @param minor of the anonymous device (major 0)
   */
  public PseudoFs(int minor) {
    this(minor, -1);
  }

  /**
   * @param refusal what making a new name gives, a negative errno: procfs says ENOENT where others
   *     say EPERM
   */
  public PseudoFs(int minor, int refusal) {
    this.refusal = refusal;
    dev = Stat.makedev(0, minor);
  }

  /** An inode number for a file that stays. */
  public long nextIno() {
    return last.incrementAndGet();
  }
}
