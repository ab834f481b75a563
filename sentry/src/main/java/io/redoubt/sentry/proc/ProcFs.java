package io.redoubt.sentry.proc;

import io.redoubt.host.Errno;
import io.redoubt.sentry.fs.DirSink;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.pseudo.PseudoDir;
import io.redoubt.sentry.fs.pseudo.PseudoFs;
import io.redoubt.sentry.fs.pseudo.PseudoLink;
import io.redoubt.sentry.kernel.Kernel;
import io.redoubt.sentry.kernel.Process;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.Task;
import java.util.List;

/** The root of /proc: files about the machine, and a directory for each process. */
public final class ProcFs extends PseudoDir {
  private static final int MINOR = 21;

  private final Kernel kernel;

  private ProcFs(PseudoFs fs, Kernel kernel) {
    super(fs, 1, 0555);
    this.kernel = kernel;
  }

  /** The root directory of a new instance. */
  public static PseudoDir create(Kernel kernel) {
    PseudoFs fs = new PseudoFs(MINOR, -Errno.ENOENT);
    ProcFs root = new ProcFs(fs, kernel);
    root.add("self", new SelfLink(fs, false));
    root.add("thread-self", new SelfLink(fs, true));
    Machine.addTo(root, kernel);
    Sysctl.addTo(root.dir("sys"), kernel);
    root.link("mounts", "self/mounts");
    root.link("net", "self/net");
    return root;
  }

  /** Processes come and go: the names of this directory are never kept. */
  @Override
  public boolean isCacheable() {
    return false;
  }

  @Override
  public Inode lookup(Syscall c, String name) {
    int id = Numbers.parse(name);
    if (id < 0) {
      return super.lookup(c, name);
    }
    Process p = kernel.tasks.process(id);
    if (p == null) {
      // As on Linux every thread can be looked up here, though only processes are listed.
      Task t = kernel.tasks.task(id);
      p = t == null ? null : t.process;
    }
    p = p == null ? zombie(id) : p;
    return p == null ? c.fail(-2) : new TaskDir(fs, new Target(p, null));
  }

  private Process zombie(int pid) {
    for (Process p : kernel.tasks.zombies()) {
      if (p.pid == pid) {
        return p;
      }
    }
    return null;
  }

  /**
   * First the fixed names, then the processes by pid; the position among those is the next pid to
   * show.
   */
  @Override
  public int readdir(Syscall c, long position, DirSink sink) {
    int fixed = fixedCount();
    if (position < fixed) {
      boolean[] full = new boolean[1];
      super.readdir(
          c,
          position,
          (name, ino, type, next) -> {
            full[0] = !sink.add(name, ino, type, next);
            return !full[0];
          });
      if (full[0]) {
        return 0;
      }
    }
    List<Process> all = kernel.tasks.processes();
    all.addAll(kernel.tasks.zombies());
    all.sort((a, b) -> Integer.compare(a.pid, b.pid));
    for (Process p : all) {
      long at = (long) fixed + p.pid;
      if (at >= position
          && !sink.add(Integer.toString(p.pid), ProcIno.task(p.pid, false, 0), 4, at + 1)) {
        return 0;
      }
    }
    return 0;
  }

  /** {@code self} and {@code thread-self}: what they say depends on who asks. */
  private static final class SelfLink extends PseudoLink {
    private final boolean thread;

    SelfLink(PseudoFs fs, boolean thread) {
      super(fs, fs.nextIno(), 0777, null);
      this.thread = thread;
    }

    @Override
    public String readlink(Syscall c) {
      String pid = Integer.toString(c.task.process.pid);
      return thread ? pid + "/task/" + c.task.tid : pid;
    }
  }
}
