package io.redoubt.sentry.kernel;

/** Signals that the sentry sends, and the search for those that it did not. The kernel (lead) owns this class. */
public final class Signals {
  /** To one thread. */
  public void toTask(Task task, int signal) {
    throw new UnsupportedOperationException("signal " + signal);
  }

  /** To a process. */
  public void toProcess(Process process, int signal) {
    throw new UnsupportedOperationException("signal " + signal);
  }

  /** To every process of a process group (terminal signals). @return how many there were */
  public int toGroup(int pgid, int signal) {
    throw new UnsupportedOperationException("signal " + signal);
  }
}
