package io.redoubt.sentry.kernel;

import io.redoubt.sentry.fs.FdTable;
import io.redoubt.sentry.fs.FsContext;

/** A guest thread: a real host thread whose calls the sentry serves. */
public final class Task {
  public final Kernel kernel;
  public final Process process;
  public final int hostTid;
  public final int tid; // guest
  public final GuestMemory memory;
  public final Syscall call = new Syscall(this);

  /** May be replaced by unshare(2) and exec; read once per call. */
  public volatile FdTable files;

  public volatile FsContext fs;
  public volatile Credentials credentials;

  public Task(Process process, int tid, int hostTid, GuestMemory memory, FdTable files, FsContext fs, Credentials credentials) {
    this.kernel = process.kernel;
    this.process = process;
    this.tid = tid;
    this.hostTid = hostTid;
    this.memory = memory;
    this.files = files;
    this.fs = fs;
    this.credentials = credentials;
  }

  /**
   * Sends a signal from the sentry to this thread (SIGPIPE, SIGXFSZ): it is pending when the current call returns.
   *
   * @param signal 1 to 64
   */
  public void sendSignal(int signal) {
    kernel.signals.toTask(this, signal);
  }
}
