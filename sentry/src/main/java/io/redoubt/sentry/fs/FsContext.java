package io.redoubt.sentry.fs;

/**
 * Root, working directory and umask, shared by threads (CLONE_FS). Keeps both paths pinned; {@link
 * #release} gives them up when the last user is gone. Lock: its own monitor.
 */
public final class FsContext {
  private Path root;
  private Path cwd;
  private int umask;
  private int users = 1;

  public FsContext(Path root, Path cwd, int umask) {
    root.acquire();
    cwd.acquire();
    this.root = root;
    this.cwd = cwd;
    this.umask = umask;
  }

  /** A context of its own with the same values (fork). */
  public synchronized FsContext copy() {
    return new FsContext(root, cwd, umask);
  }

  /** One more task uses this context (CLONE_FS). @return this */
  public synchronized FsContext share() {
    users++;
    return this;
  }

  /** A task lets go of the context. */
  public synchronized void release() {
    if (--users == 0) {
      root.release();
      cwd.release();
    }
  }

  public synchronized Path root() {
    return root;
  }

  public synchronized Path cwd() {
    return cwd;
  }

  /** The root with a pin of the caller's own. */
  public synchronized Path acquireRoot() {
    root.acquire();
    return root;
  }

  /** The working directory with a pin of the caller's own. */
  public synchronized Path acquireCwd() {
    cwd.acquire();
    return cwd;
  }

  public synchronized void setRoot(Path newRoot) {
    newRoot.acquire();
    root.release();
    root = newRoot;
  }

  public synchronized void setCwd(Path newCwd) {
    newCwd.acquire();
    cwd.release();
    cwd = newCwd;
  }

  public synchronized int umask() {
    return umask;
  }

  /**
   * @return the old mask
   */
  public synchronized int setUmask(int mask) {
    int old = umask;
    umask = mask & 0777;
    return old;
  }
}
