package io.redoubt.seccomp;

import static io.redoubt.seccomp.Action.ALLOW;
import static io.redoubt.seccomp.Argument.intArg;
import static io.redoubt.seccomp.Argument.longArg;
import static io.redoubt.seccomp.Condition.allOf;
import static io.redoubt.seccomp.Condition.is;
import static io.redoubt.seccomp.Condition.oneOf;
import static io.redoubt.seccomp.Condition.only;

import java.util.ArrayList;
import java.util.List;

/**
 * The filter of the gofer, from the end of its handshake on: {@code io.redoubt.gofer.FileOps} and
 * what its JVM needs, whose threads are all there by then ({@code etc/gofer.jvmopts}). It opens
 * files and changes them, and that is all: no program, no process, no socket, no mount, no device
 * number.
 *
 * <p>A call that is not here is a bug of ours or somebody's who has taken the gofer over: it gets
 * SIGSYS, whose handler prints the number and dies ({@code trap.c}), and the sandbox with it.
 */
public final class GoferProfile {
  private static final int AT_FDCWD = -100;
  private static final int AT_SYMLINK_FOLLOW = 0x400;
  private static final int AT_EMPTY_PATH = 0x1000;
  private static final int AT_REMOVEDIR = 0x200;

  /** RENAME_NOREPLACE, RENAME_EXCHANGE: no whiteouts, which are device nodes. */
  private static final long RENAME_FLAGS = 0x3;

  private static final long S_IFMT = 0170000;

  /** S_IFIFO, S_IFREG, S_IFSOCK: no devices. */
  private static final long[] NODES = {0010000, 0100000, 0140000};

  /** FALLOC_FL_KEEP_SIZE, PUNCH_HOLE, COLLAPSE_RANGE, ZERO_RANGE, INSERT_RANGE, UNSHARE_RANGE. */
  private static final long FALLOCATE_MODES = 0x1 | 0x2 | 0x8 | 0x10 | 0x20 | 0x40;

  private static final int IN_NONBLOCK_CLOEXEC = 0x80800;

  /** IN_MODIFY, ATTRIB, MOVED_FROM, MOVED_TO, CREATE, DELETE, DELETE_SELF, MOVE_SELF. */
  private static final long WATCHED = 0x2 | 0x4 | 0x40 | 0x80 | 0x100 | 0x200 | 0x400 | 0x800;

  private static final Argument DIR = intArg(0, "dirfd");

  private static final List<Rule> FILES =
      List.of(
          Rule.on(
              "openat",
              Condition.not(is(DIR, AT_FDCWD & 0xffff_ffffL)),
              ALLOW,
              "FileOps.attach, open, create, list: below a directory it holds, or a number in /proc/self/fd"),
          Rule.on(
              "openat",
              new Action.Errno(13),
              "the JVM's own files, which it has all open: it copes with no /proc/meminfo"),
          Rule.on("openat2", ALLOW, "FileOps.openNode: one component, never \"..\" or a link"),
          Rule.on("fstat", ALLOW, "attributes"),
          Rule.on("statx", ALLOW, "attributes by name, and whether it is a mount point"),
          Rule.on("fstatfs", ALLOW, "Op.STATFS"),
          Rule.on("pread64", ALLOW, "Op.READ"),
          Rule.on("pwrite64", ALLOW, "Op.WRITE"),
          Rule.on("lseek", ALLOW, "Op.READDIR"),
          Rule.on("getdents64", ALLOW, "Op.READDIR, Op.LIST"),
          Rule.on("readlinkat", ALLOW, "Op.READLINK"),
          Rule.on("fsync", ALLOW, "Op.FSYNC"),
          Rule.on("fdatasync", ALLOW, "Op.FSYNC"),
          Rule.on("ftruncate", ALLOW, "Op.TRUNCATE, Op.SETATTR"),
          Rule.on("fallocate", only(intArg(1, "mode"), FALLOCATE_MODES), ALLOW, "Op.FALLOCATE"),
          Rule.on("mkdirat", ALLOW, "Op.MKDIR"),
          Rule.on("symlinkat", ALLOW, "Op.SYMLINK"),
          Rule.on(
              "mknodat",
              oneOf(intArg(2, "mode").bits(S_IFMT), NODES),
              ALLOW,
              "Op.MKNOD: FIFOs, sockets, files, but no device"),
          Rule.on(
              "linkat",
              is(intArg(4, "flags"), AT_SYMLINK_FOLLOW),
              ALLOW,
              "Op.LINK, by /proc/self/fd"),
          Rule.on("unlinkat", only(intArg(2, "flags"), AT_REMOVEDIR), ALLOW, "Op.UNLINK"),
          Rule.on("renameat2", only(intArg(4, "flags"), RENAME_FLAGS), ALLOW, "Op.RENAME"),
          Rule.on("fchmodat", ALLOW, "Op.SETATTR; Op.CREATE: set-id bits, which chown clears"),
          Rule.on(
              "fchownat", is(intArg(4, "flags"), AT_EMPTY_PATH), ALLOW, "Op.SETATTR, new files"),
          Rule.on("utimensat", is(intArg(3, "flags"), AT_EMPTY_PATH), ALLOW, "Op.SETATTR"),
          Rule.on("getxattr", ALLOW, "Op.GETXATTR, by /proc/self/fd"),
          Rule.on("listxattr", ALLOW, "Op.LISTXATTR"),
          Rule.on("setxattr", ALLOW, "Op.SETXATTR"),
          Rule.on("removexattr", ALLOW, "Op.REMOVEXATTR"),
          Rule.on(
              "inotify_init1", is(intArg(0, "flags"), IN_NONBLOCK_CLOEXEC), ALLOW, "Op.WATCHES"),
          Rule.on(
              "inotify_add_watch",
              only(intArg(2, "mask"), WATCHED),
              ALLOW,
              "Op.WATCH, by /proc/self/fd: tells of changes, changes nothing"),
          Rule.on("inotify_rm_watch", ALLOW, "Op.CLOSE"),
          Rule.on("recvmsg", ALLOW, "doorbells and slots of the sentry"),
          Rule.on("sendmsg", ALLOW, "a reply with a descriptor"),
          Rule.on(
              "sendto",
              allOf(is(longArg(4, "addr"), 0), is(intArg(5, "addrlen"), 0)),
              ALLOW,
              "wakes a caller; to nobody but the other end"),
          Rule.on(
              "sched_setaffinity",
              is(intArg(0, "pid"), 0),
              ALLOW,
              "GoferServer: runs where its caller does"));

  private GoferProfile() {}

  /** The rules, as data. */
  public static Filter filter() {
    return Holder.FILTER;
  }

  /** The compiled filter; the first call compiles it, which takes tens of milliseconds. */
  public static BpfProgram program() {
    return Program.COMPILED;
  }

  private static Filter build() {
    var rules = new ArrayList<Rule>(FILES);
    rules.addAll(JvmCalls.RULES);
    rules.add(JvmCalls.ABORT);
    rules.addAll(JvmCalls.refused());
    return new Filter(
        "gofer",
        rules,
        Action.TRAP,
        List.of(Syscalls.number("futex"), Syscalls.number("openat"), Syscalls.number("sendto")));
  }

  private static final class Holder {
    static final Filter FILTER = build();
  }

  private static final class Program {
    static final BpfProgram COMPILED = FilterCompiler.compile(filter());
  }
}
