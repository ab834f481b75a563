package io.redoubt.sentry.kernel;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;

/** All tasks and thread groups by guest id. Lock: its own monitor ("Kernel.tasks" in the lock order). */
public final class TaskTable {
  private final HashMap<Integer, Process> groups = new HashMap<>();

  /** The thread group with this guest pid, or null. */
  public synchronized Process group(int pid) {
    return groups.get(pid);
  }

  /** All thread groups, a copy, by no particular order. */
  public synchronized List<Process> groups() {
    return new ArrayList<>(groups.values());
  }
}
