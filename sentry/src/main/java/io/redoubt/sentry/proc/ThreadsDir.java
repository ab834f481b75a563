package io.redoubt.sentry.proc;

import io.redoubt.host.Errno;
import io.redoubt.sentry.fs.DirSink;
import io.redoubt.sentry.fs.DirectoryFile;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.fs.pseudo.PseudoInode;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.Task;
import java.util.Arrays;

/** {@code /proc/PID/task}: the threads of a process by tid. */
final class ThreadsDir extends PseudoInode {
  private final Target target;

  ThreadsDir(TaskDir dir, long ino) {
    super(dir.fileSystem(), ino, Stat.S_IFDIR | 0555);
    target = dir.target;
  }

  @Override
  protected long nlink() {
    return 2L + target.process().tasks().size();
  }

  @Override
  public Inode lookup(Syscall c, String name) {
    int tid = Numbers.parse(name);
    for (Task t : target.process().tasks()) {
      if (t.tid == tid) {
        return new TaskDir(fs, new Target(target.process(), t));
      }
    }
    return c.fail(-Errno.ENOENT);
  }

  /**
   * In the order of tids, the position being the last one given: threads that come and go meanwhile
   * move no other.
   */
  @Override
  public int readdir(Syscall c, long position, DirSink sink) {
    int[] tids = target.process().tasks().stream().mapToInt(t -> t.tid).toArray();
    Arrays.sort(tids);
    for (int tid : tids) {
      if (tid >= position
          && !sink.add(
              Integer.toString(tid), ProcIno.task(tid, true, 0), Stat.S_IFDIR >> 12, tid + 1L)) {
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
