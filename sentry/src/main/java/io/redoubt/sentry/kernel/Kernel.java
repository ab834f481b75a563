package io.redoubt.sentry.kernel;

import io.redoubt.sentry.dev.Devices;
import io.redoubt.sentry.proc.HostProc;
import io.redoubt.sentry.fs.Vfs;

/**
 * The kernel that one sandbox sees: everything that is not per task hangs here.
 *
 * <p>Lock order, outermost first (a thread that holds one may only take those below it):
 *
 * <pre>
 *   Vfs.tree                 names: create, unlink, rename, mount
 *     OpenFile.positionLock  one file position
 *       Inode content        one file's data or one directory (two: ancestor first)
 *         Kernel.tasks       task tree, process groups, sessions
 *           pipe, socket, epoll, tty ... one object (two sockets: by creation number)
 *             FdTable, FsContext
 *               WaitQueue
 *                 Syscall    the parking hand-over
 *                   Timers
 * </pre>
 */
public final class Kernel {
  public final Timers timers = new Timers();
  public final Dispatcher dispatcher = new Dispatcher();
  public final TaskTable tasks = new TaskTable();
  public final Signals signals = new Signals();
  public final Vfs vfs = new Vfs();
  public volatile String hostname = "redoubt";
  public volatile String domainname = "(none)";
  public final Devices devices = new Devices();
  public final HostProc hostProc = HostProc.open();

  /** Boot time of the sandbox, System.nanoTime() scale. */
  public final long startNanos = System.nanoTime();
}
