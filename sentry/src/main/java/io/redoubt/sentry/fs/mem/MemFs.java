package io.redoubt.sentry.fs.mem;

import io.redoubt.gofer.GoferClient;
import io.redoubt.gofer.NodeAttr;
import io.redoubt.gofer.Walk;
import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import io.redoubt.host.Process;
import io.redoubt.host.Process.Sysinfo;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.fs.StatFs;
import io.redoubt.sentry.fs.gofer.Devices;
import io.redoubt.sentry.kernel.KernelThread;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.limits.Limit;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/** One instance of the in-memory file system. */
public final class MemFs {
  /**
   * What a node costs in the sentry besides its content; charged so that empty files are bounded
   * too.
   */
  static final int NODE_BYTES = 512;

  private static final long TMPFS_MAGIC = 0x01021994;
  private static final long OVERLAYFS_MAGIC = 0x794c7630;
  private static final AtomicInteger DEVICES = new AtomicInteger(40);

  /**
   * Inode numbers of new nodes start here: above those of lower file systems, below 2^53 so that a
   * double holds them.
   */
  private static final long FIRST_INO = 1L << 48;

  final long dev = newDevice();

  /** The lower tree's server, or null. */
  final GoferClient client;

  private final Devices devices;
  final LowerFiles lowerFiles;
  final LowerAhead ahead;
  final MemBudget budget;
  private final AtomicLong lastIno;
  private final MemDir root;

  static {
    // As much as a tmpfs has, tmpfs(5), unless the operator has said something else.
    if (!Limit.MEMORY_BYTES.isSet()) {
      Limit.MEMORY_BYTES.lower(hostMemory() / 2);
    }
  }

  /** Takes a node, its bytes and its place. @return false when there is no room for it */
  boolean chargeNode() {
    if (!Limit.MEMORY_INODES.charge(1)) {
      return false;
    }
    if (!budget.charge(NODE_BYTES)) {
      Limit.MEMORY_INODES.release(1);
      return false;
    }
    return true;
  }

  /** Takes {@link #chargeNode} back. */
  void releaseNode() {
    budget.release(NODE_BYTES);
    Limit.MEMORY_INODES.release(1);
  }

  private MemFs(long limit, int mode) {
    budget = new MemBudget(limit);
    lastIno = new AtomicLong();
    client = null;
    devices = null;
    lowerFiles = null;
    ahead = null;
    root = new MemDir(this, Stat.S_IFDIR | (mode & 07777), 0, 0);
  }

  private MemFs(GoferClient client, int fid, NodeAttr attr) {
    budget = new MemBudget(Long.MAX_VALUE);
    lastIno = new AtomicLong(FIRST_INO);
    this.client = client;
    devices = new Devices(attr.dev, dev);
    lowerFiles = new LowerFiles(client);
    ahead = new LowerAhead(this);
    root = new MemDir(this, null, "/", fid, attr);
    root.anchored = true;
  }

  /**
   * An overlay: the tree below a node of the gofer, which is never written, and in memory what is
   * changed in it. The sandbox must be the only one that changes the tree, or see changes late.
   *
   * @param fid node of the lower root, from now on the file system's
   * @param attr of the lower root
   * @return the root directory
   */
  public static Inode overlay(GoferClient client, int fid, NodeAttr attr) {
    return new MemFs(client, fid, attr).root;
  }

  /**
   * Walks to a node that is known from listings only, and to the directories above it that are.
   *
   * @return its fid or a negative errno
   */
  int walkTo(Syscall c, MemInode node) {
    ArrayList<MemInode> path = new ArrayList<>(); // upwards
    MemInode from = node;
    for (; from.lowerFid == MemInode.LAZY; from = from.lowerParent()) {
      path.add(from);
    }
    String[] names = new String[path.size()];
    for (int i = 0; i < names.length; i++) {
      names[i] = path.get(names.length - 1 - i).lowerName();
    }
    int fid = from.lowerFid;
    for (int done = 0; done < names.length; done++) {
      Walk w = c.scratch().goferWalk;
      int n = fid == 0 ? 0 : walk(c, fid, names, done, names.length - done, false, w);
      if (n <= 0) {
        return n < 0 ? n : w.error != 0 ? -w.error : -Errno.ENOENT;
      }
      boolean isSame = true;
      for (int i = 0; i < n; i++) {
        isSame &= path.get(names.length - 1 - done - i).walked(w.fids[i], w.attrs[i]);
      }
      if (!isSame) {
        return -Errno.ENOENT; // others have put something else there
      }
      done += n - 1;
      fid = path.get(names.length - 1 - done).lowerFid;
    }
    return fid;
  }

  /** As the client's walks, with another try after descriptors have been given back. */
  int walk(Syscall c, int dir, String[] names, int from, int count, boolean opens, Walk w) {
    for (boolean isAgain = false; ; isAgain = true) {
      int n =
          opens
              ? client.nodes.walkToOpen(dir, names, from, count, w)
              : client.nodes.walk(dir, names, from, count, false, w);
      if (isAgain || n != 0 || w.error != Errno.EMFILE) {
        return n;
      }
      c.task.kernel.vfs.shrinkCache();
      client.flushCloses();
    }
  }

  /** A node for what was found in the lower tree; takes over the fid, or {@link MemInode#LAZY}. */
  MemInode lowerNode(MemDir parent, String name, int fid, NodeAttr attr) {
    return switch (attr.type()) {
      case Stat.S_IFDIR -> new MemDir(this, parent, name, fid, attr);
      case Stat.S_IFREG -> new MemFile(this, parent, name, fid, attr);
      case Stat.S_IFLNK -> new MemSymlink(this, parent, name, fid, attr);
      default -> {
        if (fid > 0) {
          client.closeLater(fid); // nothing of it is ever asked for
        }
        yield new MemSpecial(this, parent, name, 0, attr);
      }
    };
  }

  long device(long hostDev) {
    return devices.guest(hostDev);
  }

  /**
   * An empty tmpfs.
   *
   * @param limit bytes, 0 for no limit of its own
   * @param mode permission bits of its root, such as 01777
   * @return its root directory
   */
  public static Inode tmpfs(long limit, int mode) {
    return new MemFs(limit <= 0 ? Long.MAX_VALUE : limit, mode).root;
  }

  /** One that is not mounted anywhere. */
  static MemFs hidden() {
    return new MemFs(Long.MAX_VALUE, 0700);
  }

  /** Bytes of memory that the host has. */
  static long hostMemory() {
    MemorySegment s = KernelThread.scratch().small;
    return Process.sysinfo(s) < 0
        ? Long.MAX_VALUE / 4
        : Memory.getLong(s, Sysinfo.TOTALRAM) * Memory.getInt(s, Sysinfo.MEM_UNIT);
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
    out.type = client == null ? TMPFS_MAGIC : OVERLAYFS_MAGIC;
    out.blockSize = out.fragmentSize = page;
    long free = budget.free();
    out.blocks = (free + budget.used()) / page;
    out.blocksFree = out.blocksAvailable = free / page;
    long nodes = Math.max(0, Limit.MEMORY_INODES.most() - Limit.MEMORY_INODES.used());
    out.files = Math.min((free + budget.used()) / NODE_BYTES, Limit.MEMORY_INODES.most());
    out.filesFree = Math.min(free / NODE_BYTES, nodes);
    out.fsid = dev;
    return 0;
  }
}
