package io.redoubt.sentry.kernel;

import io.redoubt.host.Errno;
import io.redoubt.host.Nr;
import io.redoubt.host.Seccomp;
import io.redoubt.sentry.audit.Audit;
import io.redoubt.sentry.fs.PathText;
import io.redoubt.sentry.mm.Elf;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * One exec on its way, from the trapped execve to the first instruction of the new program.
 *
 * <pre>
 *   guest: execve(path, argv, envp)          sentry: resolves and opens everything (Image); injects the stub's fd N; seizes and
 *                                            interrupts the thread; answers ENOSYS; the thread stops on its way out; its registers are
 *                                            made those of execveat(N, "", argv, envp, AT_EMPTY_PATH) at the same instruction; detach
 *   guest: execveat(N, ...)     REWRITTEN    continue: the host kernel runs it, with all that exec does to threads, signals, vfork
 *   stub:  LOAD                 EXECING      now it is certain: close-on-exec, identity, books; the plan is written
 *   stub:  mmap(fd), close(fd)  LOADING      continue, for exactly the fds of the plan
 *   stub:  SEGMENTS             LOADING      those that the plan had no room for
 *   stub:  DONE                              the task is an ordinary one again
 * </pre>
 *
 * A native exec that fails (E2BIG, EFAULT in argv, ENOMEM) returns its errno to the guest, whose
 * next call finds this object in EXECING and drops it: with something else than LOAD, or with a
 * LOAD that is a lie ({@link #thatHappened}).
 */
final class Exec {
  private static final int REWRITTEN = 1;
  private static final int EXECING = 2;
  private static final int LOADING = 3;

  private static final int AT_EMPTY_PATH = 0x1000;
  private static final long AT_EXECFN = 31;
  private static final int O_CLOEXEC = 02000000;

  static final int LOAD = 1;
  static final int DONE = 2;

  /** Not of an exec: the trampoline of a running program asks for its region. */
  static final int ATTACH = 3;

  static final int SEGMENTS = 4;

  /** Of the trampoline as well: it was told to map a file, and asks for it. */
  static final int MAP = 5;

  private static final int PLAN_LIMIT = 16 * 1024;

  private final Task task;
  private final Image image;

  /** Whether the program gets the trampoline. */
  private boolean usesRing;

  private final int stubFd; // its number in the guest
  private final int stub; // number of the one that it runs
  private volatile int phase = REWRITTEN;
  private boolean dropped; // guarded by this
  private int programFd = -1; // numbers in the guest
  private int interpreterFd = -1;

  private Exec(Task task, Image image, int stub, int stubFd) {
    this.task = task;
    this.stub = stub;
    this.image = image;
    this.stubFd = stubFd;
  }

  /**
   * Makes the calling thread run the stub in place of {@code image}.
   *
   * @param emptyString address in the guest of a NUL byte
   * @return {@link Syscall#NO_REPLY}, or a negative errno
   */
  static long start(Syscall c, Image image, long emptyString, long argv, long envp) {
    Task task = c.task;
    int stub = 1 - task.process.stub;
    int fd = Seccomp.addFd(c.listener, c.id, 0, task.kernel.stub.fd(stub), 0, O_CLOEXEC);
    if (fd < 0) {
      image.release();
      return fd == -Errno.EMFILE ? -Errno.EMFILE : -Errno.EAGAIN;
    }
    Exec abandoned = task.exec; // a signal handler came before its rewritten call, and left
    if (abandoned != null) {
      abandoned.drop();
    }
    task.exec = new Exec(task, image, stub, fd);
    long r = Rewrite.call(c, Nr.EXECVEAT, fd, emptyString, argv, envp, AT_EMPTY_PATH, 0);
    if (r != Syscall.NO_REPLY) {
      task.exec = null;
      image.release();
    }
    return r;
  }

  /**
   * The process is about to exit. @return false if the host kernel runs this exec already: then
   * whichever is first there wins
   */
  synchronized boolean prevent() {
    dropped |= phase == REWRITTEN;
    return phase != EXECING;
  }

  /** The task is gone: killed on its way, perhaps while a worker serves it. */
  synchronized void drop() {
    dropped = true;
    image.release();
  }

  /** A call of the task while this exec is on its way. */
  synchronized long onCall(Syscall c, SyscallHandler handler) {
    if (dropped) {
      return -Errno.ESRCH; // nobody hears it
    }
    if (c.nr == StubCall.NUMBER && c.arg0 == LOAD && phase != LOADING) {
      Exec happened = thatHappened(c); // two threads may exec at once
      if (happened != null) {
        return happened.load(c);
      }
    }
    switch (phase) {
      case REWRITTEN -> {
        if (c.nr == Nr.EXECVEAT && c.arg0 == stubFd && c.arg4 == AT_EMPTY_PATH) {
          if (task.process.isExiting) {
            return -Errno.ESRCH; // prevent() has not seen this exec, and need not
          }
          phase = EXECING;
          return Syscall.CONTINUE;
        }
        // A signal handler runs before the rewritten call: an ordinary call.
        return handler == null ? -Errno.ENOSYS : handler.call(c);
      }
      case EXECING -> {
        task.exec = null;
        image.release();
        return handler == null ? -Errno.ENOSYS : handler.call(c);
      }
      default -> {
        if (c.nr == Nr.MMAP && isPlanned((int) c.arg4) && (c.arg3 & 3) == 2) { // MAP_PRIVATE
          return Syscall.CONTINUE;
        }
        if (c.nr == Nr.CLOSE && isPlanned((int) c.arg0)) {
          return Syscall.CONTINUE;
        }
        if (c.nr == StubCall.NUMBER && c.arg0 == DONE) {
          c.task.exec = null;
          image.release();
          if (c.arg1 == 1 && usesRing) {
            c.task.process.ring = task.kernel.ring.of(c.task.process);
          }
          return 0;
        }
        if (c.nr == StubCall.NUMBER && c.arg0 == SEGMENTS) {
          return segments(c);
        }
        if (c.nr == Nr.EXIT_GROUP && handler != null) {
          c.task.exec = null;
          image.release();
          return handler.call(c);
        }
        return -Errno.ENOSYS;
      }
    }
  }

  private boolean isPlanned(int fd) {
    return fd >= 0 && (fd == programFd || fd == interpreterFd);
  }

  /** Whether the stub runs, and no program. */
  boolean isLoading() {
    return phase == LOADING;
  }

  /** Whether the host kernel runs this exec. */
  boolean isExecing() {
    return phase == EXECING;
  }

  /**
   * The exec whose stub calls now, under the id of the leader, whoever made it; null when none has
   * happened: the host kernel may have refused it, and a program may make the stub's call itself to
   * be taken for the new one.
   */
  static Exec thatHappened(Syscall c) {
    Process p = c.task.process;
    Exec found = null;
    boolean isOne = true;
    for (Task t : p.tasks()) {
      Exec e = t.exec;
      if (e != null && e.phase == EXECING) {
        isOne &= found == null;
        found = e;
      }
    }
    if (found == null
        || c.task.hostTid != p.hostPid
        || !c.task.kernel.stub.isRunBy(p.hostPid, found.stub)) {
      return null;
    }
    return isOne ? found : byExecutedName(c);
  }

  /**
   * Of several execs of one process, the one that the host kernel has named its new image after.
   */
  private static Exec byExecutedName(Syscall c) {
    Process p = c.task.process;
    ByteBuffer auxv =
        ByteBuffer.wrap(HostStatus.readFile(p.hostPid + "/auxv", 4096))
            .order(ByteOrder.nativeOrder());
    String name = null;
    while (auxv.remaining() >= 16) {
      long type = auxv.getLong();
      long value = auxv.getLong();
      if (type == AT_EXECFN) {
        name = c.memory().readPath(c, value);
      }
    }
    for (Task t : p.tasks()) {
      Exec e = t.exec;
      if (e != null && e.phase == EXECING && ("/dev/fd/" + e.stubFd).equals(name)) {
        return e;
      }
    }
    return null;
  }

  /** The stub asks what to load: the old image is gone for good. */
  synchronized long load(Syscall c) {
    if (dropped) {
      return -Errno.ESRCH;
    }
    Task t = task.kernel.tasks.execed(task);
    t.exec = this;
    Process p = t.process;
    if (t.files.isShared()) {
      var own = t.files.copy();
      t.files.release();
      t.files = own;
    }
    t.files.closeForExec();
    Credentials old = t.credentials;
    Credentials now = old.afterExec(image.stat, image.path.mount().isNosuid());
    if ((image.stat.mode & 04000) != 0 || (image.stat.mode & 02010) == 02010) {
      tellSetId(old);
    }
    t.credentials = now;
    t.noteIdentity();
    int secure = now.euid() != old.uid() || now.egid() != old.gid() ? 1 : 0;
    p.stub = stub;
    p.isExiting = false; // it was another thread, and it was late
    p.endRing();
    p.newImage(image.path, image.prefix, image.drop);
    p.signalActions = new SignalActions(c.arg3, c.arg4);
    programFd = Seccomp.addFd(c.listener, c.id, 0, image.fd, 0, O_CLOEXEC);
    if (image.interpreter != null) {
      interpreterFd = Seccomp.addFd(c.listener, c.id, 0, image.interpreterFd, 0, O_CLOEXEC);
    }
    phase = LOADING;
    if (programFd < 0 || (image.interpreter != null && interpreterFd < 0)) {
      return -Errno.ENOMEM;
    }
    t.kernel.noteMapping(image.fd, image.file);
    if (image.interpreterFile != null) {
      t.kernel.noteMapping(image.interpreterFd, image.interpreterFile);
    }
    usesRing = usesRing();
    MemorySegment out = c.scratch().bulk.asSlice(0, PLAN_LIMIT);
    int limit = (int) Math.min(PLAN_LIMIT, Math.max(LoadPlan.STRINGS, c.arg2));
    int n =
        LoadPlan.write(
            out,
            limit,
            image.elf,
            programFd,
            image.interpreter,
            interpreterFd,
            now,
            secure,
            image.execfn,
            image.prefix,
            image.drop,
            image.comm(),
            usesRing ? LoadPlan.RING : 0);
    if (n < 0) {
      return n;
    }
    return c.memory().write(c.arg1, out, n) == 0 ? n : -Errno.EFAULT;
  }

  /** arg1: of which object, arg2: from which number, arg3: where to; a plan's window of them. */
  private long segments(Syscall c) {
    Elf elf = c.arg1 == 0 ? image.elf : c.arg1 == 1 ? image.interpreter : null;
    if (elf == null || c.arg2 != (int) c.arg2) {
      return -Errno.EINVAL;
    }
    MemorySegment out = c.scratch().bulk.asSlice(0, LoadPlan.WINDOW * LoadPlan.SEGMENT_BYTES);
    int n = LoadPlan.segments(out, 0, elf, (int) c.arg2);
    return n == 0 ? -Errno.EINVAL : c.memory().write(c.arg3, out, n) == 0 ? n : -Errno.EFAULT;
  }

  private boolean usesRing() {
    var kernel = task.kernel;
    return kernel.usesRing()
        && (!kernel.ring.hasExceptions()
            || kernel.ring.isFor(PathText.of(kernel.vfs, image.path, kernel.vfs.root())));
  }

  /** Latin-1 bytes of a string. */
  static byte[] bytes(String s) {
    return s.getBytes(StandardCharsets.ISO_8859_1);
  }

  private void tellSetId(Credentials before) {
    boolean isHonoured = !image.path.mount().isNosuid() && !before.noNewPrivs();
    String path = PathText.of(task.kernel.vfs, image.path, task.kernel.vfs.root());
    Audit.setIdExec(task, path, image.stat.mode & 07777, isHonoured);
  }
}
