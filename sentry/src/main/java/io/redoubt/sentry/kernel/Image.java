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
  private static final int HEAD_BYTES = 4096;

  Path path;
  OpenFile file;
  int fd; // the file's host fd
  Elf elf;
  OpenFile interpreterFile;
  int interpreterFd = -1;
  Elf interpreter;

  /** AT_EXECFN: the name that exec was given, or the interpreter of a script. */
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
    execfn = name;
    fd = file.mapFd(c, false);
    if (fd < 0) {
      return fd == -Errno.ENODEV ? -Errno.EACCES : fd;
    }
    MemorySegment head = c.scratch().bulk.asSlice(0, HEAD_BYTES);
    long n = Unistd.pread(fd, head, HEAD_BYTES, 0);
    if (n < 0) {
      return (int) n;
    }
    if (n >= 2 && Memory.getByte(head, 0) == '#' && Memory.getByte(head, 1) == '!') {
      return script(c, head, (int) Math.min(n, SCRIPT_LINE), name, depth);
    }
    elf = new Elf();
    int r = elf.parse(fd, head, n);
    if (r != 0) {
      return r;
    }
    return elf.interpreter == null ? 0 : loadInterpreter(c);
  }

  private int loadInterpreter(Syscall c) {
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
    MemorySegment head = c.scratch().bulk.asSlice(0, HEAD_BYTES);
    long n = Unistd.pread(interpreterFd, head, HEAD_BYTES, 0);
    interpreter = new Elf();
    int r = n < 0 ? (int) n : interpreter.parse(interpreterFd, head, n);
    return r == -Errno.ENOEXEC ? -80 : r; // ELIBBAD
  }

  private int script(Syscall c, MemorySegment head, int length, String name, int depth) {
    byte[] b = new byte[length];
    Memory.copy(head, 0, b, 0, length);
    int end = 2;
    while (end < length && b[end] != '\n' && b[end] != 0) {
      end++;
    }
    boolean cut = end == length && length == SCRIPT_LINE;
    if (cut) {
      end = SCRIPT_LINE - 1; // the last byte of the buffer stands for the end of the line
    }
    int from = 2;
    while (from < end && isBlank(b[from])) {
      from++;
    }
    int to = from;
    while (to < end && !isBlank(b[to])) {
      to++;
    }
    if (from == to && !cut && (end == length || b[end] == 0)) {
      return -Errno.EACCES; // the empty path, which is a directory
    }
    if (from == to || (cut && to == end)) {
      return -Errno.ENOEXEC; // no interpreter, or its name does not end within the line
    }
    String interp = new String(b, from, to - from, StandardCharsets.ISO_8859_1);
    int argFrom = to;
    while (argFrom < end && isBlank(b[argFrom])) {
      argFrom++;
    }
    int argTo = end;
    while (argTo > argFrom && isBlank(b[argTo - 1])) {
      argTo--;
    }
    // argv becomes: interpreter, its one argument if there is one, the script, the caller's
    // argv[1..] (or what an inner script
    // had already put in front).
    int extra = argTo > argFrom ? 1 : 0;
    String[] rest = drop == 1 ? prefix : new String[] {name};
    String[] p = new String[1 + extra + rest.length];
    p[0] = interp;
    if (extra == 1) {
      p[1] = new String(b, argFrom, argTo - argFrom, StandardCharsets.ISO_8859_1);
    }
    System.arraycopy(rest, 0, p, 1 + extra, rest.length);
    if (drop == 1) {
      p[1 + extra] = name; // the inner script's own name stands where its argv[0] was
    }
    prefix = p;
    drop = 1;
    Path next = c.task.kernel.vfs.lookup(c, c.task.fs.cwd(), interp, true);
    if (next == null) {
      return (int) c.error();
    }
    return load(c, next, interp, depth + 1);
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
    String s = drop == 1 ? prefix[prefix.length - 1] : execfn;
    s = s.substring(s.lastIndexOf('/') + 1);
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
