package io.redoubt.sentry.proc;

import io.redoubt.host.Errno;
import io.redoubt.sentry.fs.DirSink;
import io.redoubt.sentry.fs.DirectoryFile;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.fs.pseudo.PseudoFs;
import io.redoubt.sentry.fs.pseudo.PseudoInode;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.Syscall;

/**
 * {@code /proc/PID} and {@code /proc/PID/task/TID}: the entries of {@link TaskEntries}, made when
 * they are looked up.
 */
final class TaskDir extends PseudoInode {
  final Target target;

  TaskDir(PseudoFs fs, Target target) {
    super(fs, ProcIno.task(target.id(), target.isThread(), 0), Stat.S_IFDIR | 0555);
    this.target = target;
    ownBy(this, target);
  }

  /**
   * Gives a file the owner that task_dump_owner() of Linux gives it: the task's effective ids, but
   * root where the process is not dumpable (it has changed its ids) and the file is not a directory
   * for all.
   */
  static void ownBy(PseudoInode inode, Target target) {
    Credentials who = target.credentials();
    boolean forAll = inode.mode() == (Stat.S_IFDIR | 0555);
    if (who != null && (forAll || target.process().dumpable == 1)) {
      inode.ownedBy(who.euid(), who.egid());
    }
  }

  PseudoFs fileSystem() {
    return fs;
  }

  @Override
  protected long nlink() {
    return target.isThread() ? 7 : 9;
  }

  @Override
  public Inode lookup(Syscall c, String name) {
    TaskEntries.Entry e = TaskEntries.find(name, target.isThread());
    if (e == null || target.thread() == null && !e.survivesDeath()) {
      return c.fail(-Errno.ENOENT);
    }
    PseudoInode i = e.make(this);
    ownBy(i, target);
    return i;
  }

  @Override
  public int readdir(Syscall c, long position, DirSink sink) {
    TaskEntries.Entry[] all = TaskEntries.all();
    for (int i = (int) Math.min(position, all.length); i < all.length; i++) {
      TaskEntries.Entry e = all[i];
      if (target.isThread() && !e.inThreads()) {
        continue;
      }
      if (!sink.add(e.name(), e.ino(target), e.mode() >> 12, i + 1)) {
        return 0;
      }
    }
    return 0;
  }

  @Override
  public OpenFile open(Syscall c, Path path, int flags) {
    return new DirectoryFile(path, flags);
  }
}
