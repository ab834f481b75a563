package io.redoubt.sentry.fs;

/** Root, working directory and umask, shared by threads (CLONE_FS). Lock: its own monitor. */
public final class FsContext {
  private Path root;
  private Path cwd;
  private int umask;

  public FsContext(Path root, Path cwd, int umask) {
    this.root = root;
    this.cwd = cwd;
    this.umask = umask;
  }

  public synchronized FsContext copy() {
    return new FsContext(root, cwd, umask);
  }

  public synchronized Path root() {
    return root;
  }

  public synchronized Path cwd() {
    return cwd;
  }

  public synchronized void setRoot(Path root) {
    this.root = root;
  }

  public synchronized void setCwd(Path cwd) {
    this.cwd = cwd;
  }

  public synchronized int umask() {
    return umask;
  }

  /** @return the old mask */
  public synchronized int setUmask(int mask) {
    int old = umask;
    umask = mask & 0777;
    return old;
  }
}
