package io.redoubt.gofer;

import io.redoubt.host.Confinement;
import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Memory;
import io.redoubt.host.Mman;
import io.redoubt.host.Stat;
import io.redoubt.host.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The operations of {@link Protocol}, done on the host's files.
 *
 * <p>No path is ever resolved for the sentry: a name is one component, opened O_PATH | O_NOFOLLOW
 * below a descriptor that the sentry already holds as a fid, and "..", magic links and symlinks are
 * refused by openat2(2) once more. A node is turned into an open file through /proc/self/fd, which
 * leads to exactly the inode that was walked to and whose type was looked at, whatever has been
 * renamed since. Directories are never donated: a descriptor of one would be a way to "..".
 *
 * <p>One thread. The fields below {@code request} are the reply in the making; {@link GoferServer}
 * publishes them.
 */
final class FileOps {
  static final int OPEN_ALWAYS = Fcntl.O_CLOEXEC | Fcntl.O_NOCTTY | Fcntl.O_NONBLOCK;

  private static final int NODE = Fcntl.O_PATH | Fcntl.O_NOFOLLOW | Fcntl.O_CLOEXEC;

  final Request request = new Request();

  /** Reply: fid of a node, or 0. */
  int node;

  /** Reply: fid of an open file, or 0. */
  int open;

  /** Reply: descriptor to donate and then close, or -1. */
  int donated;

  /** Reply: whether it stays open here. */
  boolean keepsDonated;

  /** Reply: positive errno that ended a walk. */
  int walkError;

  /** Reply: bytes of the payload that belong to it. */
  int replyPayload;

  /** Reply: whether {@link #stat} holds attributes for it. */
  boolean hasAttributes;

  /** struct stat of the file last looked at. */
  final MemorySegment stat;

  final FidTable fids;

  final ServedRoot[] roots;
  final Ids ids;
  final boolean donates;
  final MemorySegment region;
  final int procFd;

  /**
   * What the number of a descriptor is put behind for the calls that take no directory. Where there
   * is no /proc to see, the working directory is that of the descriptors.
   */
  final String links = Confinement.isWanted() ? "" : "/proc/self/fd/";

  final int euid = Unistd.geteuid();
  final Names names;
  private final MemorySegment how;
  private final MemorySegment statx;
  final MemorySegment privatePayload;
  final Attributes attributes;

  private final NodeOps nodes = new NodeOps(this);
  private final ContentOps contents = new ContentOps(this);
  private final DirectoryOps directories = new DirectoryOps(this);
  private final ScanOps scans = new ScanOps(this);
  private final Watches watches = new Watches(this);

  /** Offset of the current request's payload in the region. */
  long payload;

  /**
   * @param donates whether regular files are answered with a descriptor
   * @param procFd descriptor of /proc/self/fd
   */
  FileOps(
      ServedRoot[] roots,
      Ids ids,
      boolean donates,
      MemorySegment region,
      int procFd,
      FidTable fids) {
    this.ids = ids;
    this.roots = roots;
    this.donates = donates;
    this.region = region;
    this.procFd = procFd;
    this.fids = fids;
    Arena arena = Arena.global();
    names = new Names(arena);
    stat = arena.allocate(Stat.StatBuf.SIZEOF, 8);
    statx = arena.allocate(Stat.Statx.SIZEOF, 8);
    how = arena.allocate(Fcntl.OpenHow.SIZEOF, 8);
    privatePayload = Mman.anonymous(RegionLayout.PAYLOAD_SIZE);
    attributes = new Attributes(names, procFd);
  }

  /** Closes every descriptor that is held for the connection. */
  void closeAll() {
    for (int fd : fids.allFds()) {
      Unistd.close(fd);
    }
    for (ServedRoot root : roots) {
      Unistd.close(root.fd());
    }
    watches.close();
    Unistd.close(procFd);
  }

  /** Does the request that was loaded. Returns its result or -errno, and fills the reply in. */
  int handle(long payloadOffset) {
    payload = payloadOffset;
    node = 0;
    open = 0;
    donated = -1;
    keepsDonated = false;
    walkError = 0;
    replyPayload = 0;
    hasAttributes = false;
    return switch (request.op) {
      case Op.ATTACH -> nodes.attach();
      case Op.WALK -> nodes.walk();
      case Op.GETATTR -> nodes.getattr();
      case Op.SETATTR -> ids.toHost(request) ? nodes.setattr() : -Errno.EINVAL;
      case Op.OPEN -> contents.open();
      case Op.CREATE -> ids.toHost(request) ? contents.create() : -Errno.EOVERFLOW;
      case Op.READ -> contents.read();
      case Op.WRITE -> contents.write();
      case Op.READDIR -> directories.readdir();
      case Op.LIST -> directories.list();
      case Op.SCAN -> scans.scan();
      case Op.READLINK -> directories.readlink();
      case Op.MKDIR -> ids.toHost(request) ? directories.make(Stat.S_IFDIR) : -Errno.EOVERFLOW;
      case Op.MKNOD ->
          ids.toHost(request) ? directories.make(request.mode & Stat.S_IFMT) : -Errno.EOVERFLOW;
      case Op.SYMLINK -> ids.toHost(request) ? directories.make(Stat.S_IFLNK) : -Errno.EOVERFLOW;
      case Op.LINK -> directories.link();
      case Op.UNLINK -> directories.unlink();
      case Op.RENAME -> directories.rename();
      case Op.FSYNC -> contents.fsync();
      case Op.STATFS -> nodes.statfs();
      case Op.GETXATTR, Op.LISTXATTR, Op.SETXATTR, Op.REMOVEXATTR -> nodes.xattr();
      case Op.TRUNCATE -> contents.truncate();
      case Op.FALLOCATE -> contents.fallocate();
      case Op.WATCHES -> watches.open();
      case Op.WATCH -> watches.watch();
      case Op.CLOSE -> close();
      default -> throw new MalformedException("unknown operation: op=" + request.op);
    };
  }

  /** Looks at an O_PATH descriptor and enters it as the reply's node; closes it on failure. */
  int replyNode(int fd, int root) {
    int fid = enter(fd, root);
    if (fid < 0) {
      return fid;
    }
    node = fid;
    hasAttributes = true;
    return 0;
  }

  int enter(int fd, int root) {
    int r = Stat.fstat(fd, stat);
    if (r == 0) {
      r = fids.add(false, fd, statMode(), root);
    }
    if (r < 0) {
      Unistd.close(fd);
    } else {
      fids.identify(fids.index(r), statDev(), statIno());
    }
    return r;
  }

  int statMode() {
    return Memory.getInt(stat, Stat.StatBuf.ST_MODE);
  }

  long statDev() {
    return Memory.getLong(stat, Stat.StatBuf.ST_DEV);
  }

  long statIno() {
    return Memory.getLong(stat, Stat.StatBuf.ST_INO);
  }

  static boolean isDirectory(int mode) {
    return (mode & Stat.S_IFMT) == Stat.S_IFDIR;
  }

  /** The index of a fid that must be a directory node, or -EBADF, -ENOTDIR. */
  int directory(int fid) {
    int i = fids.node(fid);
    return i < 0 || isDirectory(fids.mode(i)) ? i : -Errno.ENOTDIR;
  }

  /** As {@link #directory}, and its root may be changed: else -EROFS. */
  int writableDirectory(int fid) {
    int i = directory(fid);
    return i >= 0 && rootOf(i).isReadOnly() ? -Errno.EROFS : i;
  }

  ServedRoot rootOf(int index) {
    return roots[fids.root(index)];
  }

  /** Opens one component below a directory. Returns an O_PATH descriptor or -errno. */
  int openNode(int dirFd, long name, ServedRoot root) {
    return openBelow(dirFd, name, NODE, root.staysOnDevice() ? Fcntl.RESOLVE_NO_XDEV : 0);
  }

  /** The same with other flags of open, and RESOLVE_* flags besides those that always hold. */
  int openBelow(int dirFd, long name, int flags, int resolve) {
    Memory.setLong(how, Fcntl.OpenHow.FLAGS, flags);
    Memory.setLong(
        how,
        Fcntl.OpenHow.RESOLVE,
        Fcntl.RESOLVE_BENEATH | Fcntl.RESOLVE_NO_SYMLINKS | Fcntl.RESOLVE_NO_MAGICLINKS | resolve);
    return Fcntl.openat2(dirFd, name, how);
  }

  /**
   * Looks at one name in a directory, into {@link #stat}. A mount point is -EXDEV in a root that
   * stays on its device: neither device nor path tell one mount from another (a mount may have
   * several devices, and a device several mounts), statx(2) does.
   */
  int statAt(int dirFd, long name, ServedRoot root) {
    int flags = Fcntl.AT_SYMLINK_NOFOLLOW | Fcntl.AT_NO_AUTOMOUNT;
    int r = Stat.statx(dirFd, name, flags, Stat.STATX_BASIC_STATS, statx);
    if (r < 0) {
      return r;
    }
    boolean isMount =
        (Memory.getLong(statx, Stat.Statx.STX_ATTRIBUTES) & Stat.STATX_ATTR_MOUNT_ROOT) != 0;
    if (isMount && root.staysOnDevice()) {
      return -Errno.EXDEV;
    }
    Stat.toStat(statx, stat);
    return 0;
  }

  int replyAttributes(int fd) {
    int r = Stat.fstat(fd, stat);
    hasAttributes = r == 0;
    return r;
  }

  private int close() {
    int count = request.boundedLength(request.payload / 4);
    Memory.copy(region, payload, privatePayload, 0, 4 * count);
    int known = 0;
    for (int k = 0; k < count; k++) {
      known += close(Memory.getInt(privatePayload, 4L * k)) ? 1 : 0;
    }
    return known;
  }

  /** Closes a fid. Returns whether there was one. */
  boolean close(int fid) {
    int i = fids.index(fid);
    int wd = i < 0 ? 0 : fids.watch(i);
    int fd = fids.remove(fid);
    if (wd != 0) {
      watches.end(wd);
    }
    if (fd >= 0) {
      Unistd.close(fd);
    }
    return fd >= 0;
  }
}
