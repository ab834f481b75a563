package io.redoubt.sentry.proc;

import io.redoubt.host.Errno;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.fs.pseudo.PseudoFile;
import io.redoubt.sentry.fs.pseudo.PseudoFs;
import io.redoubt.sentry.fs.pseudo.PseudoInode;
import io.redoubt.sentry.kernel.Syscall;
import java.util.HashMap;

/**
 * What is in the directory of a process and of a thread: one table for both, in Linux's order
 * (fs/proc/base.c).
 */
final class TaskEntries {
  /** Makes the inode of an entry that is not a plain file. */
  @FunctionalInterface
  interface Maker {
    PseudoInode make(TaskDir dir, long ino);
  }

  /** Takes a write. */
  @FunctionalInterface
  interface TaskStore {
    int write(Syscall c, Target target, String value);
  }

  /**
   * One name.
   *
   * @param mode type and permissions
   * @param maker for links and directories, else null
   * @param inspects whether opening it needs the right to look into the process
   */
  record Entry(
      int n,
      String name,
      int mode,
      TaskContent content,
      TaskStore store,
      Maker maker,
      boolean inspects,
      boolean inThreads) {
    long ino(Target t) {
      return ProcIno.task(t.id(), t.isThread(), n);
    }

    /** What can still be asked about a zombie. */
    boolean survivesDeath() {
      return content != null;
    }

    PseudoInode make(TaskDir dir) {
      Target t = dir.target;
      return maker != null
          ? maker.make(dir, ino(t))
          : new TaskFile(dir.fileSystem(), ino(t), this, t);
    }
  }

  /** A file about a task. */
  private static final class TaskFile extends PseudoFile {
    private final Entry entry;
    private final Target target;

    TaskFile(PseudoFs fs, long ino, Entry e, Target t) {
      super(
          fs,
          ino,
          e.mode & 07777,
          (c, out) -> {
            int r =
                e.inspects
                    ? t.mayInspect(c)
                    : 0; // again at each read: the fd may have been handed on, the task changed
            return r < 0 ? r : e.content.write(c, t, out);
          },
          e.store == null ? null : (c, value) -> e.store.write(c, t, value));
      entry = e;
      target = t;
    }

    @Override
    protected int mayOpen(Syscall c) {
      return entry.inspects ? target.mayInspect(c) : 0;
    }
  }

  private static final Entry[] ALL;
  private static final HashMap<String, Entry> BY_NAME = new HashMap<>();

  static {
    Table t = new Table();
    t.dir("task", ThreadsDir::new, false);
    t.dir("fd", FdDir::files, true);
    t.dir("fdinfo", FdDir::infos, true);
    t.dir("ns", NamespaceDir::new, true);
    t.dir("net", NetDir::new, true);
    t.secret("environ", TaskMemory::environ);
    t.secret("auxv", TaskMemory::auxv);
    t.file("status", TaskStatus::status);
    t.secret("personality", TaskFiles::personality);
    t.file("limits", TaskFiles::limits);
    t.file("sched", TaskFiles::sched);
    t.store("comm", TaskFiles::comm, TaskFiles::setComm);
    t.secret("syscall", TaskFiles::syscall);
    t.file("cmdline", TaskMemory::cmdline);
    t.file("stat", TaskStatus::stat);
    t.file("statm", TaskStatus::statm);
    t.open("maps", TaskMemory::maps);
    t.open("smaps", TaskMemory::smaps);
    t.open("smaps_rollup", TaskMemory::smapsRollup);
    t.special("mem", Stat.S_IFREG | 0600, MemoryFile::new);
    t.link("cwd", TaskLinks::cwd);
    t.link("root", TaskLinks::root);
    t.link("exe", TaskLinks::exe);
    t.file("mounts", MountFiles::mounts);
    t.file("mountinfo", MountFiles::mountinfo);
    t.processOnly("mountstats", 0400, MountFiles::mountstats);
    t.dir("attr", TaskLinks::attr, true);
    t.file("wchan", TaskFiles::wchan);
    t.secret("stack", (c, target, out) -> -Errno.EACCES); // kernel addresses
    t.file("schedstat", TaskFiles::schedstat);
    t.file("cgroup", (c, target, out) -> TaskFiles.line(out, "0::/"));
    t.file("cpuset", (c, target, out) -> TaskFiles.line(out, "/"));
    t.file("oom_score", (c, target, out) -> TaskFiles.line(out, "666"));
    t.store("oom_adj", (c, target, out) -> TaskFiles.line(out, "0"), (c, target, value) -> 0);
    t.store("oom_score_adj", TaskFiles::oomScoreAdj, TaskFiles::setOomScoreAdj);
    t.store(
        "loginuid",
        (c, target, out) -> append(out, "4294967295"),
        (c, target, value) -> -Errno.EPERM);
    t.file("sessionid", (c, target, out) -> append(out, "4294967295"));
    t.processOnly("coredump_filter", 0644, (c, target, out) -> TaskFiles.line(out, "00000033"));
    t.secret("io", TaskFiles::io);
    t.store("uid_map", TaskFiles::idMap, (c, target, value) -> -Errno.EPERM);
    t.store("gid_map", TaskFiles::idMap, (c, target, value) -> -Errno.EPERM);
    t.store("projid_map", TaskFiles::idMap, (c, target, value) -> -Errno.EPERM);
    t.store(
        "setgroups",
        (c, target, out) -> TaskFiles.line(out, "allow"),
        (c, target, value) -> -Errno.EPERM);
    t.processOnly("timers", 0444, (c, target, out) -> 0);
    t.processOnly("timerslack_ns", 0666, (c, target, out) -> TaskFiles.line(out, "50000"));
    t.file("children", TaskFiles::children);
    ALL = t.entries.toArray(new Entry[0]);
    for (Entry e : ALL) {
      BY_NAME.put(e.name, e);
    }
  }

  private TaskEntries() {}

  static Entry[] all() {
    return ALL;
  }

  static Entry find(String name, boolean thread) {
    Entry e = BY_NAME.get(name);
    return e != null && thread && !e.inThreads ? null : e;
  }

  private static int append(StringBuilder out, String s) {
    out.append(s);
    return 0;
  }

  /** Collects the table, one line an entry. */
  private static final class Table {
    final java.util.ArrayList<Entry> entries = new java.util.ArrayList<>();

    /** Readable by all. */
    void file(String name, TaskContent content) {
      add(name, Stat.S_IFREG | 0444, content, null, null, false, true);
    }

    /** Readable by its owner, if that may inspect the process. */
    void secret(String name, TaskContent content) {
      add(name, Stat.S_IFREG | 0400, content, null, null, true, true);
    }

    /** Mode for all, but only for those who may inspect. */
    void open(String name, TaskContent content) {
      add(name, Stat.S_IFREG | 0444, content, null, null, true, true);
    }

    void store(String name, TaskContent content, TaskStore store) {
      add(name, Stat.S_IFREG | 0644, content, store, null, false, true);
    }

    void processOnly(String name, int permissions, TaskContent content) {
      add(name, Stat.S_IFREG | permissions, content, null, null, false, false);
    }

    void link(String name, Maker maker) {
      add(name, Stat.S_IFLNK | 0777, null, null, maker, false, true);
    }

    void special(String name, int mode, Maker maker) {
      add(name, mode, null, null, maker, false, true);
    }

    void dir(String name, Maker maker, boolean inThreads) {
      add(name, Stat.S_IFDIR | 0555, null, null, maker, false, inThreads);
    }

    private void add(
        String name,
        int mode,
        TaskContent content,
        TaskStore store,
        Maker maker,
        boolean inspects,
        boolean inThreads) {
      entries.add(
          new Entry(entries.size() + 1, name, mode, content, store, maker, inspects, inThreads));
    }
  }
}
