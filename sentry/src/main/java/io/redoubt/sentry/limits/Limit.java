package io.redoubt.sentry.limits;

import java.util.concurrent.atomic.AtomicLong;

/**
 * What a sandbox may make its sentry hold, kind by kind: how much there is, how much there may be,
 * and how often a guest was refused for it. Charged where the thing is made, released where it
 * goes. At the limit a call fails as it does on Linux when the same thing is used up there.
 *
 * <p>The operator sets limits before the guest's first instruction ({@link #set}); the defaults are
 * such that all kinds together fit into the sentry's heap, descriptors and address space.
 */
public enum Limit {
  /** Tasks that the sentry knows, and those that are being made. EAGAIN. */
  TASKS("tasks", 32_768),
  /** Open file descriptions: ENFILE. */
  OPEN_FILES("openFiles", 1 << 20),
  /** Places in descriptor tables past the first 64 of each, free ones too: ENOMEM. */
  DESCRIPTOR_SLOTS("descriptorSlots", 1 << 24),
  /** Names that are cached; the oldest that nobody uses goes for a new one. */
  CACHED_NAMES("cachedNames", 65_536),
  /** Files, directories, links of in-memory file systems: ENOSPC. */
  MEMORY_INODES("memoryInodes", 1 << 19),
  /** Bytes in them, in memfds and System V segments: ENOSPC. Half of the host's memory. */
  MEMORY_BYTES("memoryBytes", Long.MAX_VALUE),
  /** Bytes of buffers of pipes and sockets: ENOBUFS, ENOMEM. */
  BUFFER_BYTES("bufferBytes", 1L << 30),
  /** Bytes of listings and generated files that open files keep: ENOMEM. */
  LISTING_BYTES("listingBytes", 128L << 20),
  /** Bytes of System V and POSIX messages: ENOMEM, EMFILE. */
  MESSAGE_BYTES("messageBytes", 64L << 20),
  /** Items of all epoll instances: ENOSPC. */
  EPOLL_ITEMS("epollItems", 1 << 18),
  /** inotify instances: EMFILE. */
  INOTIFY_INSTANCES("inotifyInstances", 1024),
  /** Watches of all of them: ENOSPC. */
  INOTIFY_WATCHES("inotifyWatches", 1 << 17),
  /** Events that nobody has read: IN_Q_OVERFLOW. */
  INOTIFY_EVENTS("inotifyEvents", 1 << 18),
  /** timerfds: ENOMEM. Interval timers that the sentry looks after: signals come late. */
  TIMERS("timers", 65_536),
  /** AF_UNIX sockets: ENFILE. */
  UNIX_SOCKETS("unixSockets", 1 << 17),
  /** Sockets of the network: ENFILE. */
  NETWORK_SOCKETS("networkSockets", 32_768),
  /** Files on their way through sockets: ETOOMANYREFS. */
  FILES_IN_FLIGHT("filesInFlight", 1 << 16),
  /** Record locks: ENOLCK. */
  FILE_LOCKS("fileLocks", 1 << 18),
  /** Mounts: ENOSPC. */
  MOUNTS("mounts", 16_384),
  /** Bytes of the trace: what comes after them is dropped. */
  TRACE_BYTES("traceBytes", 1L << 32),
  /** Bytes of the audit log: likewise. */
  AUDIT_BYTES("auditBytes", 1L << 30);

  /** Hears of refusals; must not wait. */
  public interface Listener {
    /** A guest was refused something of this kind. */
    void onHit(Limit kind);
  }

  private static volatile Listener listener;

  /** As the operator's configuration and the statistics name it. */
  public final String key;

  private final AtomicLong used = new AtomicLong();
  private final AtomicLong hits = new AtomicLong();
  private volatile long most;
  private volatile boolean isSet;

  Limit(String key, long most) {
    this.key = key;
    this.most = most;
  }

  /** Sets who hears of refusals; null: nobody. */
  public static void listen(Listener newListener) {
    listener = newListener;
  }

  /** The kind that a configuration names, or null. */
  public static Limit of(String key) {
    for (Limit l : values()) {
      if (l.key.equals(key)) {
        return l;
      }
    }
    return null;
  }

  /** How much there may be. */
  public long most() {
    return most;
  }

  /** Whether the operator has said how much there may be. */
  public boolean isSet() {
    return isSet;
  }

  /** How much there is. */
  public long used() {
    return used.get();
  }

  /** How often something was refused. */
  public long hits() {
    return hits.get();
  }

  /** The operator's word. What is there already stays. @param n at least 0 */
  public void set(long n) {
    most = n;
    isSet = true;
  }

  /** Makes the limit smaller. @return false when it is smaller already; then it stays */
  public boolean lower(long n) {
    if (n > most) {
      return false;
    }
    most = n;
    return true;
  }

  /** Takes {@code n}. @return false when that is too much; then nothing was taken */
  public boolean charge(long n) {
    if (used.addAndGet(n) > most) {
      used.addAndGet(-n);
      hit();
      return false;
    }
    return true;
  }

  /** Takes what cannot be refused. */
  public void take(long n) {
    used.addAndGet(n);
  }

  /** Gives back. */
  public void release(long n) {
    used.addAndGet(-n);
  }

  /** Whether there is room for so many more; a refusal is counted. */
  public boolean hasRoom(long n) {
    if (used.get() + n <= most) {
      return true;
    }
    hit();
    return false;
  }

  /** Something was refused. */
  public void hit() {
    hits.incrementAndGet();
    Listener l = listener;
    if (l != null) {
      l.onHit(this);
    }
  }

  /** One line of JSON: an object of all kinds with usage, limit and hits. */
  public static String json() {
    StringBuilder b = new StringBuilder(1024).append('{');
    for (Limit l : values()) {
      if (b.length() > 1) {
        b.append(',');
      }
      b.append('"').append(l.key).append("\":{\"usage\":").append(l.used());
      if (l.most != Long.MAX_VALUE) {
        b.append(",\"limit\":").append(l.most);
      }
      b.append(",\"hits\":").append(l.hits()).append('}');
    }
    return b.append('}').toString();
  }
}
