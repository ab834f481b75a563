package io.redoubt.sentry.kernel;

import io.redoubt.host.Memory;
import io.redoubt.seccomp.ContainerProfile;
import io.redoubt.sentry.dev.Devices;
import io.redoubt.sentry.fs.FdTable;
import io.redoubt.sentry.fs.FsContext;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Vfs;
import io.redoubt.sentry.ipc.mq.QueueTable;
import io.redoubt.sentry.ipc.sysv.SysvIpc;
import io.redoubt.sentry.net.Network;
import io.redoubt.sentry.net.SocketFamily;
import io.redoubt.sentry.net.UnixFamily;
import io.redoubt.sentry.proc.HostProc;
import io.redoubt.sentry.ring.Ring;
import io.redoubt.sentry.tty.Terminals;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

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
 *                   Timers, Reactor
 * </pre>
 */
public final class Kernel {
  public final Timers timers = new Timers();
  public final Reactor reactor = new Reactor(timers);
  public final Dispatcher dispatcher = new Dispatcher(this);
  public final TaskTable tasks = new TaskTable(this);
  public final Signals signals = new Signals(this);
  public final PendingSignals pendingSignals = new PendingSignals();
  public final Vfs vfs = new Vfs();
  public final Devices devices = new Devices();
  public final HostProc hostProc = HostProc.open();
  public final MappingNames mappingNames = new MappingNames();

  private static final int AF_UNIX = 1;
  private static final int AF_PACKET = 17;

  private final SocketFamily unixFamily = new UnixFamily();

  public volatile String hostname = "redoubt";
  public volatile String domainname = "(none)";

  /** Boot time of the sandbox, System.nanoTime() scale. */
  public final long startNanos = System.nanoTime();

  private final List<Consumer<Process>> exitListeners = new ArrayList<>();
  private volatile boolean over;
  private volatile SysvIpc sysv;
  private volatile QueueTable messageQueues;
  private volatile Network network;
  private boolean hasNetwork;
  private boolean hasRawSockets;
  private int networkMaker = -1;
  private boolean isHostsNetwork;

  /** The ptys; made last, because it registers with the devices and with the ends of processes. */
  public final Terminals terminals = new Terminals(this);

  /** The sandbox's first process, once there is one. */
  public volatile Process first;

  /** Whether pid 1 is the runtime's own reaper, which no guest may touch. */
  volatile boolean hasShim;

  /** What exec starts programs with. */
  Stub stub;

  /**
   * Sets what the sandbox runs with; before {@link #serve}.
   *
   * @param stub what exec starts programs with
   * @param hasShim whether pid 1 is the runtime's own
   */
  public void configure(SyscallTable table, Stub stub, boolean hasShim) {
    this.stub = stub;
    this.hasShim = hasShim;
    dispatcher.install(table, StubCall.NUMBER, StubCall::call);
  }

  /** What uname(2) calls the machine; null: what the host does. */
  public volatile String machine;

  /** Kernel parameters that were given. */
  public final Sysctls sysctls = new Sysctls();

  /** The host's /proc, O_PATH. */
  public static int hostProcFd() {
    return HostStatus.procFd();
  }

  /** The ring tier; null: it is off. Set before the sandbox starts. */
  public volatile Ring ring;

  /**
   * Whether programs get the trampoline: not where the container's own profile refuses one of the
   * calls that it needs.
   */
  boolean usesRing() {
    ContainerProfile p = profile;
    return ring != null && (p == null || Ring.isPossible(p));
  }

  /** The container's own profile; null: none. Set before the sandbox starts. */
  public volatile ContainerProfile profile;

  /**
   * A call of nobody, with the credentials of the guest's root, for what the sentry does at start.
   */
  public Syscall bootCall(FsContext fs) {
    Process p = new Process(this, 0, 0, new ResourceLimits());
    return new Task(p, 0, 0, new HostGuestMemory(-1), new FdTable(), fs, Credentials.of(0, 0)).call;
  }

  /** Sets who hears of every call; null: nobody. */
  public void observe(CallObserver observer) {
    dispatcher.observer = observer;
  }

  /**
   * Registers what must happen when a process ends (locks, terminals). Before the sandbox starts.
   */
  public void onExit(Consumer<Process> listener) {
    exitListeners.add(listener);
  }

  /** Ends what {@link #observe} began. */
  public void closeObserver() {
    CallObserver o = dispatcher.observer;
    dispatcher.observer = null;
    if (o != null) {
      o.close();
    }
  }

  /** System V IPC; made when it is first used. */
  public SysvIpc sysv() {
    SysvIpc s = sysv;
    if (s == null) {
      synchronized (this) {
        s = sysv;
        if (s == null) {
          s = new SysvIpc(this);
          sysv = s;
        }
      }
    }
    return s;
  }

  /** POSIX message queues; made when they are first used. */
  public QueueTable messageQueues() {
    QueueTable t = messageQueues;
    if (t == null) {
      synchronized (this) {
        t = messageQueues;
        if (t == null) {
          t = new QueueTable();
          messageQueues = t;
        }
      }
    }
    return t;
  }

  /**
   * Gives the sandbox a network; before {@link #serve}.
   *
   * @param maker the connection to the socket maker, or negative for the host's own network
   * @param isHosts whether it is the one that the sentry itself is in
   * @param hasRaw whether raw and packet sockets can be made, with CAP_NET_RAW
   */
  public void configureNetwork(int maker, boolean isHosts, boolean hasRaw) {
    hasNetwork = true;
    hasRawSockets = hasRaw;
    networkMaker = maker;
    isHostsNetwork = isHosts;
  }

  /** An address family by its AF_* number; null: EAFNOSUPPORT. */
  public SocketFamily socketFamily(int domain) {
    if (domain == AF_UNIX) {
      return unixFamily;
    }
    // Numbers first: a sandbox without sockets of the network loads none of their classes.
    boolean isOfNetwork = domain == 2 || domain == 10 || domain == 16 || domain == AF_PACKET;
    Network n = isOfNetwork ? network() : null;
    return n == null ? null : n.family(domain);
  }

  /**
   * Whether the caller may make raw and packet sockets: the sandbox has them, and its books give
   * the caller CAP_NET_RAW.
   */
  public boolean mayUseRawSockets(Credentials credentials) {
    return hasRawSockets && credentials.has(Credentials.CAP_NET_RAW);
  }

  /** The network; made when it is first used. Null when the sandbox has none (tests). */
  public Network network() {
    Network n = network;
    if (n == null && hasNetwork) {
      synchronized (this) {
        n = network;
        if (n == null) {
          n = new Network(this, networkMaker);
          network = n;
        }
      }
    }
    return n;
  }

  /**
   * A file below /proc/net of the sandbox's network namespace, as Latin-1, or null.
   *
   * @param caller a thread in that namespace; one that calls is there for as long as it takes
   * @param name a constant
   */
  public String readNetworkFile(Task caller, String name) {
    String thread = isHostsNetwork ? "self" : Integer.toString(caller.hostTid);
    return hasNetwork ? hostProc.read(thread + "/net/" + name) : null;
  }

  void onProcessExit(Process p) {
    TimerCalls.forget(p);
    SysvIpc s = sysv;
    if (s != null) {
      s.onExit(p);
    }
    for (Consumer<Process> l : exitListeners) {
      l.accept(p);
    }
    Process parent = p.parent;
    if (parent != null && !parent.exited) {
      signals.childEnded(parent);
    }
  }

  /** Whether the sandbox has ended. */
  public boolean isOver() {
    return over;
  }

  /** The sandbox has ended: the workers stop. */
  public void end() {
    over = true;
  }

  /** Notes for /proc/PID/maps that the guest may map {@code file} as host object {@code hostFd}. */
  public void noteMapping(int hostFd, OpenFile file) {
    MemorySegment st = KernelThread.scratch().small;
    if (io.redoubt.host.Stat.fstat(hostFd, st) == 0) {
      long dev = Memory.getLong(st, 0);
      long ino = Memory.getLong(st, 8);
      mappingNames.put(dev, ino, file.path());
    }
  }

  /** Starts serving a listener with up to {@code workers} threads, at least two. */
  public void serve(int listener, int workers) {
    Receivers.start(this, listener, workers);
  }
}
