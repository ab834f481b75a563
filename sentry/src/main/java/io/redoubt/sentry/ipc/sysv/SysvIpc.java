package io.redoubt.sentry.ipc.sysv;

import io.redoubt.sentry.kernel.Kernel;
import io.redoubt.sentry.kernel.Process;

/** The System V objects of one sandbox: what an ipc namespace is on Linux. */
public final class SysvIpc {
  final IpcTable<SemaphoreSet> semaphores = new IpcTable<>("kernel.sem", 3);
  final IpcTable<MessageQueue> queues = new IpcTable<>("kernel.msgmni", 0);
  final SharedSegments segments;

  public SysvIpc(Kernel kernel) {
    segments = new SharedSegments(kernel);
  }

  /** A process has ended: its SEM_UNDO adjustments are made, its attachments are gone. */
  public void onExit(Process p) {
    for (int i = semaphores.count() == 0 ? -1 : semaphores.highestIndex(); i >= 0; i--) {
      SemaphoreSet set = semaphores.byIndex(i);
      if (set != null) {
        set.undo(p);
      }
    }
    segments.collectSoon();
  }
}
