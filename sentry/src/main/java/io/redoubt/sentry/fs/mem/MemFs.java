package io.redoubt.sentry.fs.mem;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.redoubt.host.Process;
import io.redoubt.host.Process.Sysinfo;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.fs.StatFs;
import io.redoubt.sentry.kernel.KernelThread;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** One instance of the in-memory file system. */
public final class MemFs {
  /** What a node costs in the sentry besides its content; charged so that empty files are bounded too. */
  static final int NODE_BYTES = 512;

  private static final long TMPFS_MAGIC = 0x01021994;
  private static final AtomicInteger DEVICES = new AtomicInteger(40);

  /** Inode numbers of new nodes start here: above those of lower file systems, below 2^53 so that a double holds them. */
  private static final long FIRST_INO = 1L << 48;

  /** All memory that the file systems of this sandbox may hold. */
  private static final MemBudget SANDBOX = new MemBudget(null, Long.MAX_VALUE);

  final long dev = newDevice();
  final MemBudget budget;
  private final AtomicLong lastIno;
  private final MemDir root;

  private MemFs(long limit, int mode, boolean isOverlay) {
    budget = new MemBudget(SANDBOX, limit);
    lastIno = new AtomicLong(isOverlay ? FIRST_INO : 0);
    root = new MemDir(this, null, Stat.S_IFDIR | (mode & 07777), 0, 0);
    root.anchored = true;
  }

  /**
   * An empty tmpfs.
   *
   * @param limit bytes, 0 for no limit of its own
   * @param mode permission bits of its root, such as 01777
   * @return its root directory
   */
  public static Inode tmpfs(long limit, int mode) {
    return new MemFs(limit <= 0 ? Long.MAX_VALUE : limit, mode, false).root;
  }

  /** One that is not mounted anywhere. */
  static MemFs hidden() {
    return new MemFs(Long.MAX_VALUE, 0700, false);
  }

  /** Bytes of memory that the host has. */
  static long hostMemory() {
    MemorySegment s = KernelThread.scratch().small;
    return Process.sysinfo(s) < 0
        ? Long.MAX_VALUE / 4
        : s.get(JAVA_LONG, Sysinfo.TOTALRAM) * s.get(JAVA_INT, Sysinfo.MEM_UNIT);
  }

  /** Limits what all in-memory files of the sandbox hold together. @param limit bytes */
  public static void limitSandbox(long limit) {
    SANDBOX.setLimit(limit);
  }

  /** A number for an anonymous device (major 0), one per file system. */
  public static long newDevice() {
    return Stat.makedev(0, DEVICES.incrementAndGet());
  }

  MemDir root() {
    return root;
  }

  long newIno() {
    return lastIno.incrementAndGet();
  }

  int statfs(StatFs out) {
    long page = 4096;
    out.type = TMPFS_MAGIC;
    out.blockSize = out.fragmentSize = page;
    long free = budget.free();
    boolean unlimited = free > 1L << 50;
    out.blocks = unlimited ? 0 : (free + budget.used()) / page;
    out.blocksFree = out.blocksAvailable = unlimited ? 0 : free / page;
    out.files = unlimited ? 0 : (free + budget.used()) / NODE_BYTES;
    out.filesFree = unlimited ? 0 : free / NODE_BYTES;
    out.fsid = dev;
    return 0;
  }
}
