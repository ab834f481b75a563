package io.redoubt.gofer;

import io.redoubt.host.Dir;
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
  private static final int OPEN_PASSED =
      Fcntl.O_ACCMODE
          | Fcntl.O_APPEND
          | Fcntl.O_TRUNC
          | Fcntl.O_NOATIME
          | Fcntl.O_DIRECT
          | Fcntl.O_SYNC;
  private static final int OPEN_IGNORED =
      Fcntl.O_CREAT
          | Fcntl.O_EXCL
          | Fcntl.O_NOFOLLOW
          | Fcntl.O_NONBLOCK
          | Fcntl.O_CLOEXEC
          | Fcntl.O_NOCTTY
          | Fcntl.KERNEL_O_LARGEFILE;
  private static final int OPEN_ALWAYS = Fcntl.O_CLOEXEC | Fcntl.O_NOCTTY | Fcntl.O_NONBLOCK;

  private static final int NODE = Fcntl.O_PATH | Fcntl.O_NOFOLLOW | Fcntl.O_CLOEXEC;

  final Request request = new Request();

  /** Reply: fid of a node, or 0. */
  int node;

  /** Reply: fid of an open file, or 0. */
  int open;

  /** Reply: descriptor to donate and then close, or -1. */
  int donated;

  /** Reply: positive errno that ended a walk. */
  int walkError;

  /** Reply: bytes of the payload that belong to it. */
  int replyPayload;

  /** Reply: whether {@link #stat} holds attributes for it. */
  boolean hasAttributes;

  /** struct stat of the file last looked at. */
  final MemorySegment stat;

  final FidTable fids;

  private final ServedRoot[] roots;
  final Ids ids;
  private final boolean donates;
  private final MemorySegment region;
  private final int procFd;
  private final int euid = Unistd.geteuid();
  private final Names names;
  private final MemorySegment how;
  private final MemorySegment privatePayload;
  private final Attributes attributes;

  /** Offset of the current request's payload in the region. */
  private long payload;

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
    Unistd.close(procFd);
  }

  /** Does the request that was loaded. Returns its result or -errno, and fills the reply in. */
  int handle(long payloadOffset) {
    payload = payloadOffset;
    node = 0;
    open = 0;
    donated = -1;
    walkError = 0;
    replyPayload = 0;
    hasAttributes = false;
    return switch (request.op) {
      case Op.ATTACH -> attach();
      case Op.WALK -> walk();
      case Op.GETATTR -> getattr();
      case Op.SETATTR -> ids.toHost(request) ? setattr() : -Errno.EINVAL;
      case Op.OPEN -> open();
      case Op.CREATE -> ids.toHost(request) ? create() : -Errno.EOVERFLOW;
      case Op.READ -> read();
      case Op.WRITE -> write();
      case Op.READDIR -> readdir();
      case Op.LIST -> list();
      case Op.READLINK -> readlink();
      case Op.MKDIR -> ids.toHost(request) ? make(Stat.S_IFDIR) : -Errno.EOVERFLOW;
      case Op.MKNOD -> ids.toHost(request) ? make(request.mode & Stat.S_IFMT) : -Errno.EOVERFLOW;
      case Op.SYMLINK -> ids.toHost(request) ? make(Stat.S_IFLNK) : -Errno.EOVERFLOW;
      case Op.LINK -> link();
      case Op.UNLINK -> unlink();
      case Op.RENAME -> rename();
      case Op.FSYNC -> fsync();
      case Op.STATFS -> statfs();
      case Op.GETXATTR, Op.LISTXATTR, Op.SETXATTR, Op.REMOVEXATTR -> xattr();
      case Op.TRUNCATE -> truncate();
      case Op.FALLOCATE -> fallocate();
      case Op.CLOSE -> close();
      default -> throw new MalformedException("unknown operation: op=" + request.op);
    };
  }

  // Nodes.

  private int attach() {
    if (request.offset < 0 || request.offset >= roots.length) {
      return -Errno.ENOENT;
    }
    int root = (int) request.offset;
    int fd = Fcntl.fcntl(roots[root].fd(), Fcntl.F_DUPFD_CLOEXEC, 3);
    return fd < 0 ? fd : replyNode(fd, root);
  }

  /** Looks at an O_PATH descriptor and enters it as the reply's node; closes it on failure. */
  private int replyNode(int fd, int root) {
    int fid = enter(fd, root);
    if (fid < 0) {
      return fid;
    }
    node = fid;
    hasAttributes = true;
    return 0;
  }

  private int enter(int fd, int root) {
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

  private int statMode() {
    return Memory.getInt(stat, Stat.StatBuf.ST_MODE);
  }

  private long statDev() {
    return Memory.getLong(stat, Stat.StatBuf.ST_DEV);
  }

  private long statIno() {
    return Memory.getLong(stat, Stat.StatBuf.ST_INO);
  }

  private static boolean isDirectory(int mode) {
    return (mode & Stat.S_IFMT) == Stat.S_IFDIR;
  }

  /** The index of a fid that must be a directory node, or -EBADF, -ENOTDIR. */
  private int directory(int fid) {
    int i = fids.node(fid);
    return i < 0 || isDirectory(fids.mode(i)) ? i : -Errno.ENOTDIR;
  }

  /** As {@link #directory}, and its root may be changed: else -EROFS. */
  private int writableDirectory(int fid) {
    int i = directory(fid);
    return i >= 0 && rootOf(i).isReadOnly() ? -Errno.EROFS : i;
  }

  private ServedRoot rootOf(int index) {
    return roots[fids.root(index)];
  }

  /** Opens one component below a directory. Returns an O_PATH descriptor or -errno. */
  private int openNode(int dirFd, long name, ServedRoot root) {
    Memory.setLong(how, Fcntl.OpenHow.FLAGS, NODE);
    Memory.setLong(
        how,
        Fcntl.OpenHow.RESOLVE,
        Fcntl.RESOLVE_BENEATH
            | Fcntl.RESOLVE_NO_SYMLINKS
            | Fcntl.RESOLVE_NO_MAGICLINKS
            | (root.staysOnDevice() ? Fcntl.RESOLVE_NO_XDEV : 0));
    return Fcntl.openat2(dirFd, name, how);
  }

  private int walk() {
    int count = request.boundedLength(Protocol.WALK_MAX);
    int dir = directory(request.fid);
    if (dir < 0) {
      return dir;
    }
    int root = fids.root(dir);
    int dirFd = fids.fd(dir);
    boolean statsLast = (request.flags & Protocol.WALK_STAT_LAST) != 0;
    boolean isAgain = (request.flags & Protocol.WALK_KNOWN) != 0;
    // The records of the reply overwrite the names, so those are copied out first.
    Memory.copy(region, payload, privatePayload, 0, request.payload);
    int at = isAgain ? 4 * count : 0;
    int found = 0;
    while (found < count && walkError == 0) {
      int length = at < request.payload ? Memory.getByte(privatePayload, at++) & 0xff : -1;
      if (length < 0 || length > request.payload - at) {
        throw new MalformedException("names end early: count=" + count + ", payload=" + at);
      }
      long name = names.component(privatePayload, at, length);
      at += length;
      int fid;
      if (name < 0) {
        fid = (int) name;
      } else if (statsLast && found == count - 1) {
        fid = statNode(dirFd, name, roots[root]);
      } else {
        fid = isAgain ? stillThere(dirFd, name, found, root) : 0;
        if (fid == 0) {
          int fd = openNode(dirFd, name, roots[root]);
          fid = fd < 0 ? fd : enter(fd, root);
          dirFd = fd;
        } else {
          dirFd = fids.fd(fids.index(fid));
        }
      }
      if (fid < 0) {
        walkError = -fid;
        break;
      }
      long record = payload + (long) found * Protocol.WALK_ENTRY_SIZE;
      Memory.setInt(region, record, fid);
      ids.toGuest(stat);
      NodeAttr.store(stat, region, record + 8);
      found++;
      if (!isDirectory(statMode())) {
        break;
      }
    }
    replyPayload = found * Protocol.WALK_ENTRY_SIZE;
    boolean opensLast = (request.flags & Protocol.WALK_OPEN_LAST) != 0 && donates && !statsLast;
    if (opensLast && found == count && found > 0 && (statMode() & Stat.S_IFMT) == Stat.S_IFREG) {
      donated = Math.max(Fcntl.openat(procFd, names.number(dirFd), OPEN_ALWAYS, 0), -1);
    }
    return found;
  }

  /**
   * The fid that the sentry knows for the n-th name if the name still leads there, with its
   * attributes in {@link #stat}; else 0. Of the same root only: that of another may be writable
   * where this one is not.
   */
  private int stillThere(int dirFd, long name, int n, int root) {
    int fid = Memory.getInt(privatePayload, 4L * n);
    int i = fid == 0 ? -1 : fids.node(fid);
    boolean isSame =
        i >= 0
            && fids.root(i) == root
            && statNode(dirFd, name, roots[root]) == 0
            && fids.isInode(i, statDev(), statIno());
    return isSame ? fid : 0;
  }

  private int statNode(int dirFd, long name, ServedRoot root) {
    if (!root.staysOnDevice()) {
      int flags = Fcntl.AT_SYMLINK_NOFOLLOW | Fcntl.AT_NO_AUTOMOUNT;
      return Stat.newfstatat(dirFd, name, stat, flags);
    }
    // Only an open tells one mount from another: a mount may have several devices, and a device
    // several mounts.
    int fd = openNode(dirFd, name, root);
    int r = fd < 0 ? fd : Stat.fstat(fd, stat);
    if (fd >= 0) {
      Unistd.close(fd);
    }
    return r;
  }

  private int getattr() {
    int i = fids.index(request.fid);
    return i < 0 ? i : replyAttributes(fids.fd(i));
  }

  private int replyAttributes(int fd) {
    int r = Stat.fstat(fd, stat);
    hasAttributes = r == 0;
    return r;
  }

  private int setattr() {
    int i = fids.index(request.fid);
    if (i < 0) {
      return i;
    }
    if (rootOf(i).isReadOnly()) {
      return -Errno.EROFS;
    }
    if (request.payload != 0 && request.payload != Protocol.TIMES_SIZE) {
      throw new MalformedException("bad times: payload=" + request.payload);
    }
    boolean isOpen = FidTable.isOpenForm(request.fid);
    if (!isOpen) {
      int type = fids.mode(i) & Stat.S_IFMT;
      // Opening anything else for writing would do more than truncate it.
      if ((request.flags & Protocol.SET_SIZE) != 0 && type != Stat.S_IFREG) {
        return type == Stat.S_IFDIR ? -Errno.EISDIR : -Errno.EINVAL;
      }
      if ((request.flags & Protocol.SET_MODE) != 0 && type == Stat.S_IFLNK) {
        return -Errno.EOPNOTSUPP;
      }
    }
    Memory.copy(region, payload, privatePayload, 0, request.payload);
    int fd = fids.fd(i);
    int r = attributes.set(fd, isOpen, request, privatePayload);
    return r < 0 ? r : replyAttributes(fd);
  }

  // Open files.

  private int checkOpenFlags(boolean isReadOnly) {
    int flags = request.flags;
    if ((flags & ~(OPEN_PASSED | OPEN_IGNORED | Fcntl.O_DIRECTORY)) != 0
        || (flags & Fcntl.O_ACCMODE) == Fcntl.O_ACCMODE) {
      return -Errno.EINVAL;
    }
    return isReadOnly && changes(flags) ? -Errno.EROFS : 0;
  }

  private static boolean changes(int openFlags) {
    return (openFlags & (Fcntl.O_ACCMODE | Fcntl.O_TRUNC)) != 0;
  }

  private int open() {
    int i = fids.node(request.fid);
    if (i < 0) {
      return i;
    }
    ServedRoot root = rootOf(i);
    int r = checkOpenFlags(root.isReadOnly());
    if (r < 0) {
      return r;
    }
    int flags = request.flags;
    int type = fids.mode(i) & Stat.S_IFMT;
    boolean isDirectory = type == Stat.S_IFDIR;
    if (!isDirectory && (flags & Fcntl.O_DIRECTORY) != 0) {
      return -Errno.ENOTDIR;
    }
    switch (type) {
      case Stat.S_IFDIR:
        if (changes(flags)) {
          return -Errno.EISDIR;
        }
        break;
      case Stat.S_IFREG:
        break;
      case Stat.S_IFLNK:
        return -Errno.ELOOP;
      case Stat.S_IFCHR:
        if (!root.allowsDevices()) {
          return -Errno.EACCES;
        }
        break;
      case Stat.S_IFBLK:
        return -Errno.EACCES;
      default: // FIFOs and sockets are the sentry's own
        return -Errno.ENXIO;
    }
    int fd =
        Fcntl.openat(
            procFd,
            names.number(fids.fd(i)),
            flags & OPEN_PASSED | OPEN_ALWAYS | (isDirectory ? Fcntl.O_DIRECTORY : 0),
            0);
    return fd < 0 ? fd : replyOpen(fd, isDirectory, fids.root(i));
  }

  private int replyOpen(int fd, boolean isDirectory, int root) {
    int r = replyAttributes(fd);
    if (r == 0 && (isDirectory || !donates)) {
      r = fids.add(true, fd, request.flags, root);
      open = Math.max(r, 0);
    } else if (r == 0) {
      donated = fd;
    }
    if (r < 0) {
      Unistd.close(fd);
      return r;
    }
    return 0;
  }

  private int create() {
    int dir = directory(request.fid);
    if (dir < 0) {
      return dir;
    }
    boolean isUnnamed = (request.flags & Fcntl.O_TMPFILE) == Fcntl.O_TMPFILE;
    long name = isUnnamed ? 0 : names.component(region, payload, request.payload);
    if (name < 0) {
      return (int) name;
    }
    int root = fids.root(dir);
    if (roots[root].isReadOnly()) {
      return -Errno.EROFS;
    }
    if (isUnnamed) {
      request.flags &= ~Fcntl.O_TMPFILE;
    }
    int r = checkOpenFlags(false);
    if (r < 0) {
      return r;
    }
    int flags = request.flags & OPEN_PASSED & ~Fcntl.O_TRUNC | OPEN_ALWAYS;
    int fd =
        isUnnamed
            ? openUnnamed(fids.fd(dir), flags)
            : Fcntl.openat(
                fids.fd(dir),
                name,
                flags | Fcntl.O_CREAT | Fcntl.O_EXCL | Fcntl.O_NOFOLLOW,
                request.mode & 07777);
    if (fd < 0) {
      return fd;
    }
    attributes.own(fd, request.uid, request.gid, euid);
    if ((request.mode & (Stat.S_ISUID | Stat.S_ISGID)) != 0) {
      Dir.fchmod(fd, request.mode & 07777); // chown has cleared them
    }
    int pathFd = Fcntl.openat(procFd, names.number(fd), Fcntl.O_PATH | Fcntl.O_CLOEXEC, 0);
    r = pathFd < 0 ? pathFd : replyNode(pathFd, root);
    if (r < 0) {
      Unistd.close(fd);
      return r;
    }
    r = replyOpen(fd, false, root);
    if (r < 0) {
      Unistd.close(fids.remove(node));
    }
    return r;
  }

  /** O_TMPFILE; with O_EXCL the host lets nobody link it. */
  private int openUnnamed(int dirFd, int flags) {
    int fd =
        Fcntl.openat(
            procFd,
            names.number(dirFd),
            flags | Fcntl.O_TMPFILE | (request.flags & Fcntl.O_EXCL),
            request.mode & 07777);
    return fd == -Errno.EISDIR ? -Errno.EOPNOTSUPP : fd; // a file system that does not know it
  }

  private int read() {
    int length = request.boundedLength(RegionLayout.PAYLOAD_SIZE);
    int i = fids.open(request.fid);
    if (i < 0) {
      return i;
    }
    int n = (int) Unistd.pread(fids.fd(i), region.address() + payload, length, request.offset);
    replyPayload = Math.max(n, 0);
    return n;
  }

  private int write() {
    int i = fids.open(request.fid);
    return i < 0
        ? i
        : (int)
            Unistd.pwrite(fids.fd(i), region.address() + payload, request.payload, request.offset);
  }

  private int readdir() {
    int length = request.boundedLength(RegionLayout.PAYLOAD_SIZE);
    int i = fids.open(request.fid);
    if (i < 0) {
      return i;
    }
    int fd = fids.fd(i);
    if (request.offset != fids.position(i)) {
      long r = Unistd.lseek(fd, request.offset, Fcntl.SEEK_SET);
      if (r < 0) {
        return (int) r;
      }
    }
    int n = (int) Dir.getdents64(fd, privatePayload, length);
    if (n > 0) {
      fids.setPosition(i, lastCursor(n));
      Memory.copy(privatePayload, 0, region, payload, n);
      replyPayload = n;
    } else {
      fids.setPosition(i, request.offset);
    }
    return n;
  }

  /** Opens and lists at once: most directories fit, and cost one request in place of four. */
  private int list() {
    int length = request.boundedLength(RegionLayout.PAYLOAD_SIZE);
    int i = directory(request.fid);
    if (i < 0) {
      return i;
    }
    int fd = Fcntl.openat(procFd, names.number(fids.fd(i)), OPEN_ALWAYS | Fcntl.O_DIRECTORY, 0);
    if (fd < 0) {
      return fd;
    }
    int n = 0;
    int r;
    do {
      r = (int) Dir.getdents64(fd, privatePayload.asSlice(n), length - n);
      n += Math.max(r, 0);
    } while (r > 0);
    boolean isMore = r == -Errno.EINVAL && n > 0; // the next entry does not fit
    if (isMore) {
      int fid = fids.add(true, fd, 0, fids.root(i));
      open = Math.max(fid, 0);
      r = Math.min(fid, 0);
      if (fid > 0) {
        fids.setPosition(fids.index(fid), lastCursor(n));
      }
    }
    if (!isMore || r < 0) {
      Unistd.close(fd);
    }
    if (r < 0) {
      return r;
    }
    Memory.copy(privatePayload, 0, region, payload, n);
    replyPayload = n;
    return n;
  }

  /** d_off of the last of the entries that the kernel has just filled in. */
  private long lastCursor(int bytes) {
    long last = 0;
    for (int at = 0; at < bytes; ) {
      last = Memory.getLong(privatePayload, at + Dir.LinuxDirent64.D_OFF);
      at += Memory.getShort(privatePayload, at + Dir.LinuxDirent64.D_RECLEN) & 0xffff;
    }
    return last;
  }

  private int fsync() {
    int i = fids.open(request.fid);
    if (i < 0) {
      return i;
    }
    int fd = fids.fd(i);
    return request.flags == 1 ? Unistd.fdatasync(fd) : Unistd.fsync(fd);
  }

  private int truncate() {
    int i = fids.open(request.fid);
    return i < 0 ? i : Unistd.ftruncate(fids.fd(i), request.length);
  }

  private int fallocate() {
    int i = fids.open(request.fid);
    return i < 0 ? i : Fcntl.fallocate(fids.fd(i), request.flags, request.offset, request.length);
  }

  private int close() {
    int count = request.boundedLength(request.payload / 4);
    Memory.copy(region, payload, privatePayload, 0, 4 * count);
    int known = 0;
    for (int k = 0; k < count; k++) {
      int fd = fids.remove(Memory.getInt(privatePayload, 4L * k));
      if (fd >= 0) {
        Unistd.close(fd);
        known++;
      }
    }
    return known;
  }

  // Names.

  private int readlink() {
    int i = fids.node(request.fid);
    if (i < 0) {
      return i;
    }
    if ((fids.mode(i) & Stat.S_IFMT) != Stat.S_IFLNK) {
      return -Errno.EINVAL;
    }
    int n = Dir.readlinkat(fids.fd(i), "", region.asSlice(payload, 4096), 4096);
    replyPayload = Math.max(n, 0);
    return n;
  }

  /**
   * Makes a directory, symlink, FIFO, socket or empty file, and gives it to whom it shall belong.
   */
  private int make(int type) {
    int dir = writableDirectory(request.fid);
    if (dir < 0) {
      return dir;
    }
    boolean isSymlink = type == Stat.S_IFLNK && request.op == Op.SYMLINK;
    int nameLength = isSymlink ? request.name1 : request.payload;
    long name = names.component(region, payload, nameLength);
    if (name < 0) {
      return (int) name;
    }
    int dirFd = fids.fd(dir);
    int permissions = request.mode & 07777;
    int r;
    if (isSymlink) {
      long target = names.target(region, payload + nameLength, request.payload - nameLength);
      r = target < 0 ? (int) target : Dir.symlinkat(target, dirFd, name);
    } else if (type == Stat.S_IFDIR && request.op == Op.MKDIR) {
      r = Dir.mkdirat(dirFd, name, permissions);
    } else if (type == Stat.S_IFIFO || type == Stat.S_IFSOCK || type == Stat.S_IFREG) {
      r = Dir.mknodat(dirFd, name, type | permissions, 0);
    } else {
      r = -Errno.EPERM; // devices
    }
    if (r < 0) {
      return r;
    }
    int fd = openNode(dirFd, name, rootOf(dir));
    if (fd < 0) {
      return fd;
    }
    attributes.ownNew(fd, type, request.uid, request.gid, euid, stat);
    return replyNode(fd, fids.root(dir));
  }

  private int link() {
    int i = fids.node(request.fid);
    if (i < 0) {
      return i;
    }
    int dir = writableDirectory(request.fid2);
    if (dir < 0) {
      return dir;
    }
    // Across roots a link could make a file of a read-only root writable.
    if (fids.root(i) != fids.root(dir)) {
      return -Errno.EXDEV;
    }
    if (isDirectory(fids.mode(i))) {
      return -Errno.EPERM;
    }
    long name = names.component(region, payload, request.payload);
    if (name < 0) {
      return (int) name;
    }
    // Through /proc, since AT_EMPTY_PATH needs CAP_DAC_READ_SEARCH; linkat(2) recommends it.
    long old = names.number(fids.fd(i));
    int r = Dir.linkat(procFd, old, fids.fd(dir), name, Fcntl.AT_SYMLINK_FOLLOW);
    return r < 0 ? r : replyAttributes(fids.fd(i));
  }

  private int unlink() {
    int dir = writableDirectory(request.fid);
    if (dir < 0) {
      return dir;
    }
    boolean isStat = request.flags == Protocol.UNLINK_STAT;
    if (!isStat && (request.flags & ~Fcntl.AT_REMOVEDIR) != 0) {
      return -Errno.EINVAL;
    }
    long name = names.component(region, payload, request.payload);
    if (name < 0) {
      return (int) name;
    }
    if (!isStat) {
      return Dir.unlinkat(fids.fd(dir), name, request.flags);
    }
    int r = Stat.newfstatat(fids.fd(dir), name, stat, Fcntl.AT_SYMLINK_NOFOLLOW);
    r = r < 0 ? r : Dir.unlinkat(fids.fd(dir), name, 0);
    hasAttributes = r == 0;
    return r;
  }

  private int rename() {
    int from = writableDirectory(request.fid);
    int to = writableDirectory(request.fid2);
    if (from < 0 || to < 0) {
      return from < 0 ? from : to;
    }
    if (fids.root(from) != fids.root(to)) {
      return -Errno.EXDEV;
    }
    if ((request.flags & ~(Dir.RENAME_NOREPLACE | Dir.RENAME_EXCHANGE)) != 0) {
      return -Errno.EINVAL;
    }
    int length = request.name1;
    long old = names.component(region, payload, length);
    long fresh = names.secondComponent(region, payload + length, request.payload - length);
    if (old < 0 || fresh < 0) {
      return (int) Math.min(old, fresh);
    }
    return Dir.renameat2(fids.fd(from), old, fids.fd(to), fresh, request.flags);
  }

  // File systems and extended attributes.

  private int statfs() {
    int i = fids.index(request.fid);
    if (i < 0) {
      return i;
    }
    int r = Stat.fstatfs(fids.fd(i), privatePayload);
    if (r == 0) {
      replyPayload = Stat.StatfsBuf.SIZEOF;
      Memory.copy(privatePayload, 0, region, payload, replyPayload);
    }
    return r;
  }

  private int xattr() {
    int room = 0;
    if (request.op == Op.GETXATTR || request.op == Op.LISTXATTR) {
      room = request.boundedLength(RegionLayout.PAYLOAD_SIZE);
    }
    int i = fids.node(request.fid);
    if (i < 0) {
      return i;
    }
    Memory.copy(region, payload, privatePayload, 0, request.payload);
    int n =
        ExtendedAttributes.handle(
            request, fids.fd(i), rootOf(i).isReadOnly(), privatePayload, room);
    if (n > 0 && room > 0) {
      Memory.copy(privatePayload, 0, region, payload, n);
      replyPayload = n;
    }
    return n;
  }
}
