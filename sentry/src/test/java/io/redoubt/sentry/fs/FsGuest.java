package io.redoubt.sentry.fs;

import io.redoubt.gofer.NodeAttr;
import io.redoubt.gofer.TestGofer;
import io.redoubt.sentry.fs.gofer.GoferFs;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.FakeGuest;
import io.redoubt.sentry.kernel.SyscallTable;
import io.redoubt.sentry.syscalls.FileCalls;
import io.redoubt.sentry.syscalls.PathCalls;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * File calls by name, for tests. Paths are relative to the root of a file system made for the test.
 */
public final class FsGuest {
  static final int AT_FDCWD = -100;
  private static final SyscallTable TABLE = table();

  public final FakeGuest guest;

  public FsGuest(Inode root) {
    guest = new FakeGuest(root, TABLE);
  }

  /** Of the first tree of a gofer, passed through. */
  static FsGuest of(TestGofer gofer) {
    NodeAttr attr = new NodeAttr();
    int fid = gofer.client.nodes.attach(0, attr);
    return new FsGuest(GoferFs.create(gofer.client, fid, attr, false));
  }

  private FsGuest(FakeGuest guest) {
    this.guest = guest;
  }

  private static SyscallTable table() {
    SyscallTable t = new SyscallTable();
    FileCalls.register(t);
    PathCalls.register(t);
    return t;
  }

  /** The same sandbox seen by another user. */
  public FsGuest as(int uid, int gid) {
    return new FsGuest(new FakeGuest(guest, Credentials.of(uid, gid)));
  }

  private long str(String s) {
    return guest.str(s);
  }

  private long call(int nr, long... args) {
    long r = guest.call(nr, args);
    return r;
  }

  /** Runs a call with fresh memory, so that a test of many calls does not run out. */
  private void fresh() {
    guest.memory.reset();
  }

  public int open(String path, int flags, int mode) {
    fresh();
    return (int) call(257, AT_FDCWD, str(path), flags, mode);
  }

  public int openat(int dir, String path, int flags, int mode) {
    fresh();
    return (int) call(257, dir, str(path), flags, mode);
  }

  public int openat2(int dir, String path, long flags, long resolve) {
    fresh();
    long how = guest.memory.allocate(24);
    guest.memory.putLong(how, flags);
    guest.memory.putLong(how + 16, resolve);
    return (int) call(437, dir, str(path), how, 24);
  }

  public long close(int fd) {
    return call(3, fd);
  }

  public long mkdir(String path, int mode) {
    fresh();
    return call(83, str(path), mode);
  }

  public long rmdir(String path) {
    fresh();
    return call(84, str(path));
  }

  public long unlink(String path) {
    fresh();
    return call(87, str(path));
  }

  public long rename(String from, String to) {
    return rename(from, to, 0);
  }

  public long rename(String from, String to, int flags) {
    fresh();
    return call(316, AT_FDCWD, str(from), AT_FDCWD, str(to), flags);
  }

  public long link(String from, String to) {
    fresh();
    return call(86, str(from), str(to));
  }

  public long symlink(String target, String path) {
    fresh();
    return call(88, str(target), str(path));
  }

  public long mknod(String path, int mode, long dev) {
    fresh();
    return call(133, str(path), mode, dev);
  }

  public long chmod(String path, int mode) {
    fresh();
    return call(90, str(path), mode);
  }

  public long chown(String path, int uid, int gid) {
    fresh();
    return call(92, str(path), uid, gid);
  }

  public long truncate(String path, long size) {
    fresh();
    return call(76, str(path), size);
  }

  public long ftruncate(int fd, long size) {
    return call(77, fd, size);
  }

  public long fallocate(int fd, int mode, long offset, long length) {
    return call(285, fd, mode, offset, length);
  }

  public long lseek(int fd, long offset, int whence) {
    return call(8, fd, offset, whence);
  }

  public long chdir(String path) {
    fresh();
    return call(80, str(path));
  }

  public long access(String path, int mode) {
    fresh();
    return call(21, str(path), mode);
  }

  public String getcwd() {
    fresh();
    long to = guest.memory.allocate(4096);
    long n = call(79, to, 4096);
    return n < 0
        ? "errno " + -n
        : new String(guest.memory.read(to, (int) n - 1), StandardCharsets.ISO_8859_1);
  }

  public String readlink(String path) {
    fresh();
    long to = guest.memory.allocate(4096);
    long n = call(89, str(path), to, 4096);
    return n < 0
        ? "errno " + -n
        : new String(guest.memory.read(to, (int) n), StandardCharsets.ISO_8859_1);
  }

  public long write(int fd, byte[] data) {
    fresh();
    return call(1, fd, guest.memory.bytes(data), data.length);
  }

  public long write(int fd, String data) {
    return write(fd, data.getBytes(StandardCharsets.ISO_8859_1));
  }

  public long pwrite(int fd, byte[] data, long offset) {
    fresh();
    return call(18, fd, guest.memory.bytes(data), data.length, offset);
  }

  private static final int PIECE = 64 * 1024;

  /** Bytes at an offset; null on an error. */
  public byte[] pread(int fd, int length, long offset) {
    fresh();
    long to = guest.memory.allocate(length);
    int done = 0;
    long n;
    do { // a call of more would be let through to the host, which knows nothing of this guest
      n = call(17, fd, to + done, Math.min(length - done, PIECE), offset + done);
      done += (int) Math.max(n, 0);
    } while (n > 0 && done < length);
    return n < 0 ? null : guest.memory.read(to, done);
  }

  /** The whole of a small file, or "errno N". */
  public String cat(String path) {
    int fd = open(path, 0, 0);
    if (fd < 0) {
      return "errno " + -fd;
    }
    String s = new String(pread(fd, 1 << 20, 0), StandardCharsets.ISO_8859_1);
    close(fd);
    return s;
  }

  /** Makes a file. @return 0 or a negative errno */
  public long put(String path, String content) {
    int fd = open(path, Opening.O_CREAT | Opening.O_TRUNC | 1, 0644);
    if (fd < 0) {
      return fd;
    }
    long n = write(fd, content);
    close(fd);
    return n < 0 ? n : 0;
  }

  /** struct stat: null on an error. */
  public Stat stat(String path) {
    return stat(path, 4);
  }

  public Stat lstat(String path) {
    return stat(path, 6);
  }

  private Stat stat(String path, int nr) {
    fresh();
    long to = guest.memory.allocate(144);
    return call(nr, str(path), to) < 0 ? null : parse(to);
  }

  public long statError(String path) {
    fresh();
    return call(4, str(path), guest.memory.allocate(144));
  }

  public Stat fstat(int fd) {
    fresh();
    long to = guest.memory.allocate(144);
    return call(5, fd, to) < 0 ? null : parse(to);
  }

  private Stat parse(long at) {
    Stat st = new Stat();
    st.dev = guest.memory.longAt(at);
    st.ino = guest.memory.longAt(at + 8);
    st.nlink = guest.memory.longAt(at + 16);
    st.mode = guest.memory.intAt(at + 24);
    st.uid = guest.memory.intAt(at + 28);
    st.gid = guest.memory.intAt(at + 32);
    st.rdev = guest.memory.longAt(at + 40);
    st.size = guest.memory.longAt(at + 48);
    st.blocks = guest.memory.longAt(at + 64);
    st.atimeSec = guest.memory.longAt(at + 72);
    st.atimeNsec = (int) guest.memory.longAt(at + 80);
    st.mtimeSec = guest.memory.longAt(at + 88);
    st.mtimeNsec = (int) guest.memory.longAt(at + 96);
    st.ctimeSec = guest.memory.longAt(at + 104);
    st.ctimeNsec = (int) guest.memory.longAt(at + 112);
    return st;
  }

  /** Names of a directory, without "." and "..", in the order given. */
  public List<String> list(String path) {
    int fd = open(path, Opening.O_DIRECTORY, 0);
    List<String> names = new ArrayList<>();
    while (next(fd, 32_768, names)) {}
    close(fd);
    names.remove(".");
    names.remove("..");
    return names;
  }

  /** One getdents64. @return false at the end */
  public boolean next(int fd, int room, List<String> names) {
    fresh();
    long to = guest.memory.allocate(room);
    long n = call(217, fd, to, room);
    for (long at = 0; at < n; ) {
      int length = guest.memory.intAt(to + at + 16) & 0xffff;
      byte[] record = guest.memory.read(to + at + 19, length - 19);
      int end = 0;
      while (record[end] != 0) {
        end++;
      }
      names.add(new String(record, 0, end, StandardCharsets.ISO_8859_1));
      at += length;
    }
    return n > 0;
  }
}
