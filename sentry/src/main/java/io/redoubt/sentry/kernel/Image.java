package io.redoubt.sentry.kernel;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import io.redoubt.host.Unistd;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.mm.Elf;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * A program that is going to run: its file, its interpreter, and what a {@code #!} line made of its
 * arguments. Follows fs/exec.c, fs/binfmt_elf.c and fs/binfmt_script.c.
 */
final class Image {
  private static final int MAX_SCRIPT_DEPTH = 5;
  private static final int SCRIPT_LINE = 256; // BINPRM_BUF_SIZE
  private static final int FIRST_BYTES = 4096; // mostly all headers
  private static final int ELF_HEADER = 64;

  Path path;
  OpenFile file;
  int fd; // the file's host fd
  Elf elf;
  OpenFile interpreterFile;
  int interpreterFd = -1;
  Elf interpreter;

  /** AT_EXECFN: the name that exec was given, of a script as well. */
  String execfn;

  /** Arguments in front of the caller's, and how many of the caller's they replace. */
  String[] prefix = {};

  int drop;

  /** Mode and owner, for set-id bits. */
  final Stat stat = new Stat();

  private Image() {}

  /**
   * Opens and checks the program at {@code path}.
   *
   * @param path pinned by the caller
   * @param name as the caller gave it
   * @return null with an errno
   */
  static Image open(Syscall c, Path path, String name) {
    Image image = new Image();
    int r = image.load(c, path, name, 0);
    if (r != 0) {
      image.release();
      return c.fail(r);
    }
    return image;
  }

  private int load(Syscall c, Path at, String name, int depth) {
    if (depth > MAX_SCRIPT_DEPTH) {
      return -Errno.ELOOP;
    }
    release();
    path = at.acquire() ? at : null; // the caller's pin goes with the call, which this outlives
    if (path == null) {
      return -Errno.ENOENT;
    }
    file = openExecutable(c, at, stat);
    if (file == null) {
      return (int) c.error();
    }
    execfn = depth == 0 ? name : execfn;
    fd = file.mapFd(c, false);
    if (fd < 0) {
      return fd == -Errno.ENODEV ? -Errno.EACCES : fd;
    }
    MemorySegment head = c.scratch().bulk.asSlice(0, Elf.HEAD_BYTES);
    long n = Unistd.pread(fd, head, FIRST_BYTES, 0);
    if (n < 0) {
      return (int) n;
    }
    if (n >= 2 && Memory.getByte(head, 0) == '#' && Memory.getByte(head, 1) == '!') {
      return script(c, head, (int) Math.min(n, SCRIPT_LINE), name, depth);
    }
    elf = new Elf();
    int r = elf.parse(fd, head, n);
    if (r == 0 && elf.interpreter != null) {
      r = loadInterpreter(c);
    }
    return r == 0 && !elf.isLoadable ? -Errno.ENOEXEC : r;
  }

  private int loadInterpreter(Syscall c) {
    if (elf.interpreter.isEmpty()) {
      return -Errno.EACCES; // not ENOENT: to open_exec() no name is the working directory
    }
    Path p = c.task.kernel.vfs.lookup(c, c.task.fs.cwd(), elf.interpreter, true);
    if (p == null) {
      return (int) c.error();
    }
    interpreterFile = openExecutable(c, p, new Stat());
    if (interpreterFile == null) {
      return (int) c.error();
    }
    interpreterFd = interpreterFile.mapFd(c, false);
    if (interpreterFd < 0) {
      return interpreterFd;
    }
    MemorySegment head = c.scratch().bulk.asSlice(0, Elf.HEAD_BYTES);
    long n = Unistd.pread(interpreterFd, head, FIRST_BYTES, 0);
    if (n < ELF_HEADER) {
      return n < 0 ? (int) n : -Errno.EIO;
    }
    interpreter = new Elf();
    int r = interpreter.parse(interpreterFd, head, n);
    return r == 0 && interpreter.isLoadable ? 0 : -Errno.ELIBBAD;
  }

  /** A {@code #!} line, cut into its parts as load_script() in fs/binfmt_script.c does it. */
  private int script(Syscall c, MemorySegment head, int length, String name, int depth) {
    byte[] b = new byte[SCRIPT_LINE]; // zeroes behind the end of the file, as there
    Memory.copy(head, 0, b, 0, length);
    int end = 2;
    while (end < SCRIPT_LINE && b[end] != '\n' && b[end] != 0) {
      end++;
    }
    boolean isLine = end < SCRIPT_LINE && b[end] == '\n';
    if (!isLine) {
      end = SCRIPT_LINE - 1;
      int from = nonBlank(b, 2, end);
      if (from < 0 || terminator(b, from, end) < 0) {
        return -Errno.ENOEXEC; // no interpreter, or its name does not end within the line
      }
    }
    while (isBlank(b[end - 1])) {
      end--;
    }
    int from = nonBlank(b, 2, end);
    if (from < 0 || from == end) {
      return -Errno.ENOEXEC;
    }
    int to = terminator(b, from, end);
    int argFrom = to >= 0 && b[to] != 0 ? nonBlank(b, to, end) : -1;
    // argv becomes: interpreter, its one argument if there is one, the script, the caller's
    // argv[1..] (or what an inner script
    // had already put in front).
    int extra = argFrom >= 0 ? 1 : 0;
    String[] rest = drop == 1 ? prefix : new String[] {name};
    String[] p = new String[1 + extra + rest.length];
    String interp = text(b, from, to < 0 ? end : to);
    p[0] = interp;
    if (extra == 1) {
      p[1] = text(b, argFrom, end);
    }
    System.arraycopy(rest, 0, p, 1 + extra, rest.length);
    if (drop == 1) {
      p[1 + extra] = name; // the inner script's own name stands where its argv[0] was
    }
    prefix = p;
    drop = 1;
    if (interp.isEmpty()) {
      return -Errno.EACCES; // the empty path, which is a directory
    }
    Path next = c.task.kernel.vfs.lookup(c, c.task.fs.cwd(), interp, true);
    if (next == null) {
      return (int) c.error();
    }
    return load(c, next, interp, depth + 1);
  }

  /** The bytes up to a NUL, or to {@code to}. */
  private static String text(byte[] b, int from, int to) {
    int end = from;
    while (end < to && b[end] != 0) {
      end++;
    }
    return new String(b, from, end - from, StandardCharsets.ISO_8859_1);
  }

  /** The first that is no blank, {@code last} included; or -1. */
  private static int nonBlank(byte[] b, int from, int last) {
    for (int i = from; i <= last; i++) {
      if (!isBlank(b[i])) {
        return i;
      }
    }
    return -1;
  }

  /** The first blank or NUL, {@code last} included; or -1. */
  private static int terminator(byte[] b, int from, int last) {
    for (int i = from; i <= last; i++) {
      if (isBlank(b[i]) || b[i] == 0) {
        return i;
      }
    }
    return -1;
  }

  private static boolean isBlank(byte b) {
    return b == ' ' || b == '\t';
  }

  /** Nobody can write the file from here on until {@link #close}. */
  private static OpenFile openExecutable(Syscall c, Path p, Stat st) {
    Inode inode = p.inode();
    int r = inode.getattr(c, st);
    if (r != 0) {
      return c.fail(r);
    }
    if (st.type() != Stat.S_IFREG || p.mount().isNoexec()) {
      return c.fail(-Errno.EACCES);
    }
    r = c.task.credentials.access(st.mode, st.uid, st.gid, 1);
    if (r != 0) {
      return c.fail(r);
    }
    if (!inode.denyWriteAccess()) {
      return c.fail(-Errno.ETXTBSY);
    }
    OpenFile f = inode.open(c, p, OpenFile.O_RDONLY);
    if (f == null) {
      inode.allowWriteAccess();
    }
    return f;
  }

  /** The last component of the name, at most 15 bytes: what PR_GET_NAME gives. */
  String comm() {
    String s = execfn.substring(execfn.lastIndexOf('/') + 1);
    return s.length() > 15 ? s.substring(0, 15) : s;
  }

  /** Gives up the files and the path; harmless when done twice. */
  void release() {
    if (path != null) {
      path.release();
      path = null;
    }
    if (file != null) {
      close(file);
      file = null;
    }
    if (interpreterFile != null) {
      close(interpreterFile);
      interpreterFile = null;
    }
  }

  private static void close(OpenFile f) {
    f.inode().allowWriteAccess();
    f.close();
  }
}
