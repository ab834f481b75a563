package io.redoubt.sentry.kernel;

import io.redoubt.host.Memory;
import io.redoubt.host.Poll;
import io.redoubt.host.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;

/**
 * Waits for host fds and for timers: the ends of guest processes (pidfds), the sandbox's own stdin
 * and stdout, the control socket, the gofer's. Sleeps without end when there is no timer, so an
 * idle sandbox uses no CPU.
 */
public final class Reactor {
  /**
   * Called on the reactor thread with EPOLL* bits. May wake calls and schedule timers; must not
   * wait.
   */
  @FunctionalInterface
  public interface Handler {
    void ready(int events);
  }

  /** One host fd in the set. */
  public final class Registration {
    private final int fd;
    private final int slot;

    /** What epoll gives back: the slot, and above it a number that no registration had before. */
    private final long key;

    private final Handler handler;
    private boolean removed; // guarded by Reactor.this

    Registration(int fd, int slot, Handler handler) {
      this.fd = fd;
      this.slot = slot;
      this.key = ++count << 32 | slot;
      this.handler = handler;
    }

    /** Changes the events that are waited for; 0 leaves only ERR and HUP. */
    public void modify(int events) {
      synchronized (Reactor.this) {
        if (!removed) {
          Poll.epollCtl(epoll, EPOLL_CTL_MOD, fd, events, key);
        }
      }
    }

    /**
     * Takes the fd out; to be called before it is closed. A handler that runs just now is not
     * waited for.
     */
    public void remove() {
      synchronized (Reactor.this) {
        if (!removed) {
          removed = true;
          Poll.epollCtl(epoll, EPOLL_CTL_DEL, fd, 0, 0);
          registrations.set(slot, null);
          freeSlots.add(slot);
        }
      }
    }
  }

  private static final int EPOLL_CTL_ADD = 1;
  private static final int EPOLL_CTL_DEL = 2;
  private static final int EPOLL_CTL_MOD = 3;
  private static final int MAX_EVENTS = 64;
  private static final int EVENT_BYTES = Poll.EpollEvent.SIZEOF;

  private final Timers timers;
  private final int epoll;
  private final int wakeFd;
  private final ArrayList<Registration> registrations = new ArrayList<>();
  private final ArrayList<Integer> freeSlots = new ArrayList<>();
  private long count; // of registrations so far
  private KernelThread thread;

  public Reactor(Timers timers) {
    this.timers = timers;
    epoll = Poll.epollCreate1(02000000);
    wakeFd = Poll.eventfd(0, 02004000); // EFD_CLOEXEC | EFD_NONBLOCK
    if (epoll < 0 || wakeFd < 0) {
      throw new IllegalStateException("no epoll: epoll=" + epoll + ", eventfd=" + wakeFd);
    }
    add(wakeFd, PollEvents.IN, e -> Poll.eventfdRead(wakeFd));
    timers.onEarlier(this::wake);
  }

  public void start() {
    thread = new KernelThread(this::loop, "reactor");
    thread.start();
  }

  /** Adds a host fd, level-triggered. @return null when epoll does not take it (a regular file) */
  public Registration add(int fd, int events, Handler handler) {
    synchronized (this) {
      int slot;
      if (freeSlots.isEmpty()) {
        slot = registrations.size();
        registrations.add(null);
      } else {
        slot = freeSlots.removeLast();
      }
      Registration r = new Registration(fd, slot, handler);
      if (Poll.epollCtl(epoll, EPOLL_CTL_ADD, fd, events, r.key) < 0) {
        freeSlots.add(slot);
        return null;
      }
      registrations.set(slot, r);
      return r;
    }
  }

  /** Makes the reactor look at its timers again. */
  public void wake() {
    if (Thread.currentThread() != thread) {
      Poll.eventfdWrite(wakeFd, 1);
    }
  }

  private void loop() {
    MemorySegment events = Arena.global().allocate((long) EVENT_BYTES * MAX_EVENTS, 8);
    for (; ; ) {
      try {
        long nanos = timers.runDue();
        KernelThread.drain();
        // Rounded up: waking early would only mean going round once more.
        long millis = nanos < 0 ? -1 : Math.min((nanos + 999_999) / 1_000_000, Integer.MAX_VALUE);
        int n = Poll.epollWait(epoll, events, MAX_EVENTS, (int) millis);
        for (int i = 0; i < n; i++) {
          long at = (long) i * EVENT_BYTES;
          int mask = Memory.getInt(events, at);
          long key = Memory.getLong(events, at + 4);
          int slot = (int) key;
          Registration r;
          synchronized (this) {
            r = slot < registrations.size() ? registrations.get(slot) : null;
          }
          // An event may be of a registration that has been removed since it was received, and its
          // slot be another's: that process would be taken for dead.
          if (r != null && r.key == key) {
            r.handler.ready(mask);
          }
        }
        KernelThread.drain();
      } catch (Throwable t) {
        Fatal.die("reactor", t);
      }
    }
  }

  /** Closes the reactor's own fds (tests). */
  public void close() {
    Unistd.close(epoll);
    Unistd.close(wakeFd);
  }
}
