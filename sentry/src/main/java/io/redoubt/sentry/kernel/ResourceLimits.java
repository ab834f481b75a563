package io.redoubt.sentry.kernel;

/**
 * Resource limits of a process (getrlimit(2)), soft and hard by number; kept by the sentry. Lock:
 * its own monitor.
 */
public final class ResourceLimits {
  public static final int FSIZE = 1;
  public static final int CORE = 4;
  public static final int NPROC = 6;
  public static final int NOFILE = 7;
  public static final int MSGQUEUE = 12;
  public static final int COUNT = 16;
  public static final long INFINITY = -1L;

  private final long[] soft = new long[COUNT];
  private final long[] hard = new long[COUNT];

  /** All without limit, but for NOFILE. */
  public ResourceLimits() {
    for (int i = 0; i < COUNT; i++) {
      soft[i] = hard[i] = INFINITY;
    }
    soft[NOFILE] = 1024;
    hard[NOFILE] = 1 << 20;
  }

  public synchronized ResourceLimits copy() {
    ResourceLimits r = new ResourceLimits();
    System.arraycopy(soft, 0, r.soft, 0, COUNT);
    System.arraycopy(hard, 0, r.hard, 0, COUNT);
    return r;
  }

  /** Unsigned; {@link #INFINITY} is the largest. */
  public synchronized long soft(int resource) {
    return soft[resource];
  }

  public synchronized long hard(int resource) {
    return hard[resource];
  }

  public synchronized void set(int resource, long newSoft, long newHard) {
    soft[resource] = newSoft;
    hard[resource] = newHard;
  }

  /** RLIMIT_NOFILE as an int-sized bound. */
  public long files() {
    long n = soft(NOFILE);
    return n < 0 ? Integer.MAX_VALUE : n;
  }
}
