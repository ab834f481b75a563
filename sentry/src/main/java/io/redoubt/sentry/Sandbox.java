package io.redoubt.sentry;

import io.redoubt.host.Confinement;
import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import io.redoubt.host.Mman;
import io.redoubt.host.Process;
import io.redoubt.host.Seccomp;
import io.redoubt.host.Unistd;
import io.redoubt.seccomp.ContainerProfile;
import io.redoubt.seccomp.GuestProfile;
import io.redoubt.seccomp.SentryProfile;
import io.redoubt.sentry.ControlSocket.Frame;
import io.redoubt.sentry.fs.FdTable;
import io.redoubt.sentry.fs.FsContext;
import io.redoubt.sentry.kernel.Fatal;
import io.redoubt.sentry.kernel.FirstExec;
import io.redoubt.sentry.kernel.Kernel;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Stub;
import io.redoubt.sentry.kernel.SyscallTable;
import io.redoubt.sentry.ring.Ring;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.zip.Inflater;

/**
 * One sandbox from its configuration to its end.
 *
 * <p>The order matters for start-up: the front gets the filter and the plan first, so that it makes
 * namespaces and the guest's first process while this JVM attaches the gofer's trees and builds its
 * own.
 */
public final class Sandbox {
  private static final int GOFER_FD = 4;
  private static final int FIRST_STDIO_FD = 5;
  private static final int SOCKET_MAKER_FD = 8;

  private final SandboxConfig config;
  private final ControlSocket control;
  private final Container container; // null: not an OCI container
  private final byte[] filter = filter();
  private final Kernel kernel;
  private final MountTree mounts;

  private Sandbox(SandboxConfig config, ControlSocket control, Container container) {
    this.config = config;
    this.container = container;
    this.control = control;
    control.send(ControlSocket.FILTER, filter);
    sendProfile(control, container);
    control.send(ControlSocket.PLAN, plan());
    kernel = new Kernel();
    mounts = new MountTree(kernel, config, control, container);
  }

  /**
   * Runs a sandbox. Does not return: the front ends this process when all is over.
   *
   * @param container null for a sandbox that is not an OCI container
   */
  public static void run(SandboxConfig config, ControlSocket control, Container container) {
    try {
      new Sandbox(config, control, container).start();
    } catch (StartFailure e) {
      control.fail(e.code, e.getMessage());
    }
    for (; ; ) {
      java.util.concurrent.locks.LockSupport.park();
    }
  }

  /** Of the container's own profile what the host kernel enforces. */
  static void sendProfile(ControlSocket control, Container container) {
    ContainerProfile profile = container == null ? null : container.profile();
    byte[] filters = profile == null ? new byte[0] : profile.sockFilters();
    if (filters.length > 0) {
      byte[] frame = new byte[4 + filters.length];
      frame[0] = (byte) profile.flags();
      System.arraycopy(filters, 0, frame, 4, filters.length);
      control.send(ControlSocket.PROFILE, frame);
    }
  }

  private byte[] plan() {
    Plan p = new Plan();
    if (container != null) {
      p.entries(container.plan());
    }
    if (config.network() == SandboxConfig.Network.OWN_RAW) {
      p.entry("network.raw", "1"); // the socket maker gets a capability for it
    }
    return p.process(config)
        .entry("hostname", config.hostname())
        .entry("shim", config.hasShim() ? "1" : "0")
        .bytes();
  }

  private void start() {
    Process.raiseSoftLimit(7); // RLIMIT_NOFILE: files of the guest are files of the sentry
    kernel.hostname = config.hostname();
    kernel.domainname = config.domainname();
    SyscallTable table = CallTable.create();
    kernel.observe(Observation.of(config, control, table, kernel));
    kernel.profile = container == null ? null : container.profile();
    if (config.ring().mode() != Ring.Mode.OFF) {
      kernel.ring = new Ring(config.ring(), Process.availableCpus(), kernel.hostProc.ofGuests());
    }
    if (container != null) {
      kernel.sysctls.set(container.linux().sysctls());
      kernel.machine = container.linux().machine();
    }
    kernel.configure(table, new Stub(stub(), stub()), config.hasShim());
    mounts.build(goferSocket());
    if (kernel.ring != null) {
      kernel.ring.shareCpus(mounts.gofer());
    }
    if (mounts.cwd() == null) {
      throw new StartFailure(
          1,
          "working directory "
              + config.cwd()
              + " does not exist in the sandbox: create it or give --workdir");
    }
    FdTable files = new FdTable();
    String given = givenFds();
    Stdio stdio = new Stdio(kernel, config.uid(), true);
    if (!config.tty()) {
      stdio.importHostFds(files, given, 0, 3, FIRST_STDIO_FD);
    }
    if (container != null) {
      stdio.importHostFds(files, given, 3, given.length() - 3, SOCKET_MAKER_FD + 1);
    }
    kernel.reactor.start();
    kernel.signals.start();

    int orphans = -1;
    Frame f = control.receive();
    while (f != null && f.type() != ControlSocket.LISTENER) {
      if (f.type() == ControlSocket.CONSOLE) {
        stdio.console(f.fd());
      } else if (f.type() == ControlSocket.WINSIZE) {
        stdio.resize(f);
      } else if (f.type() == ControlSocket.ORPHANS) {
        orphans = f.fd();
      }
      f = control.receive();
    }
    if (f == null) {
      return; // the front has said why
    }
    if (config.tty()) {
      stdio.openTerminal(files, mounts.root());
    }
    takeNames(f);
    int listener = f.fd();
    if (config.network() == SandboxConfig.Network.HOST) {
      kernel.configureNetwork(-1, true, false);
    } else {
      boolean hasRaw = config.network() == SandboxConfig.Network.OWN_RAW;
      kernel.configureNetwork(SOCKET_MAKER_FD, false, hasRaw);
    }
    // Without it every call costs a wake-up across CPUs: 52 us in place of 7.7 (Linux 6.6 and
    // later).
    Seccomp.setFlags(listener, Seccomp.SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
    var first =
        kernel.tasks.addFirst(
            f.intAt(0),
            orphans,
            files,
            new FsContext(mounts.root(), mounts.cwd(), config.umask()),
            ProcessConfig.credentials(config),
            ProcessConfig.limits(config));
    FirstExec exec =
        new FirstExec(config.searchPath(), (code, message) -> control.fail(code, message));
    if (container != null && container.isCreated()) {
      String problem = exec.check(first.call, config.args().get(0));
      if (problem != null) {
        throw new StartFailure(1, problem);
      }
    }
    first.process.firstExec = exec;
    stdio.controlling(first.process);
    kernel.serve(listener, Process.availableCpus());
    kernel.reactor.add(control.fd(), PollEvents.IN, e -> onControl(stdio));
    confine();
    control.send(ControlSocket.GO, new byte[0]);
  }

  /** Nothing of the guest has run yet; from here on this process can do what the filter allows. */
  private void confine() {
    if (!Confinement.isWanted()) {
      return;
    }
    // Links libzip: the class of a call that no start makes comes from a jar.
    new Inflater().end();
    String name =
        switch (config.network()) {
          case OWN -> "sentry";
          case OWN_RAW -> "sentry-net-raw";
          case HOST -> "sentry-host-network";
        };
    byte[] filter = Confinement.builtFilter(name);
    int r = Confinement.enter(filter != null ? filter : compiled(), -1, Fatal.class);
    if (r < 0) {
      throw new StartFailure(1, "cannot load the sentry's seccomp filter: " + Errno.message(r));
    }
  }

  /** The filter, where the build left none. */
  private byte[] compiled() {
    var sockets =
        switch (config.network()) {
          case OWN -> SentryProfile.Sockets.OWN;
          case OWN_RAW -> SentryProfile.Sockets.RAW;
          case HOST -> SentryProfile.Sockets.HOST;
        };
    return SentryProfile.program(sockets).toBytes();
  }

  /** The front starts another gofer where the first is in the wrong user namespace. */
  private int goferSocket() {
    if (container == null || !container.linux().hasMappedGofer()) {
      return GOFER_FD;
    }
    Frame f = control.receive();
    if (f == null || f.type() != ControlSocket.GOFER) {
      throw new StartFailure(1, "no gofer in the container's user namespace");
    }
    return f.fd();
  }

  /** Where the configuration has no names, they are those of the UTS namespace. */
  private void takeNames(Frame listener) {
    byte[] payload = listener.payload();
    String names = new String(payload, 4, payload.length - 4, StandardCharsets.ISO_8859_1);
    int end = names.indexOf('\n');
    if (config.hostname().isEmpty()) {
      kernel.hostname = names.substring(0, end);
    }
    if (config.domainname().isEmpty()) {
      kernel.domainname = names.substring(end + 1);
    }
  }

  private void onControl(Stdio stdio) {
    Frame f = control.receive();
    if (f == null) {
      // The front is gone; so is everything that it started, this process next.
      Runtime.getRuntime().halt(0);
      return;
    }
    switch (f.type()) {
      case ControlSocket.SIGNAL -> kernel.signals.fromOutside(kernel.first, f.intAt(0));
      case ControlSocket.KILL -> kernel.signals.toProcess(kernel.first, f.intAt(0));
      case ControlSocket.CLIENT ->
          ExecSession.start(kernel, mounts.root(), filter, container, f.fd());
      case ControlSocket.WINSIZE -> stdio.resize(f);
      case ControlSocket.EXITED -> stdio.drain(this::finish);
      default -> {}
    }
  }

  /**
   * A '1' for each descriptor of the guest, stdio first, that the front has handed on; a '0' for
   * one that its caller had closed, at whose number there may be a file of this process by now.
   */
  private static String givenFds() {
    String given = System.getenv("REDOUBT_FDS");
    return given == null || given.length() < 3 ? "000" : given;
  }

  private void finish() {
    kernel.end();
    kernel.closeObserver();
    control.send(ControlSocket.DONE, new byte[0]);
  }

  /**
   * The guest's filter, compiled by the build: in a cold JVM the compiler takes 100 ms, and a
   * resource of a jar 15.
   */
  private static byte[] filter() {
    byte[] built = Installation.read("aot/guest.bpf");
    return built == null ? GuestProfile.sockFilters() : built;
  }

  /** The stub as a sealed memfd that a guest may only execute. */
  private static int stub() {
    byte[] image = Installation.read("bin/stub");
    if (image == null) {
      throw new StartFailure(
          1,
          "cannot read the stub "
              + Installation.file("bin/stub")
              + ": the installation is not complete, build it again with ./redoubt");
    }
    int fd = Mman.memfdCreate("redoubt-stub", 0x3); // MFD_CLOEXEC | MFD_ALLOW_SEALING
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment s = arena.allocate(image.length);
      Memory.copy(image, 0, s, 0, image.length);
      if (fd < 0 || Unistd.write(fd, s, image.length) != image.length) {
        throw new StartFailure(1, "cannot make the stub's memfd: errno " + -fd);
      }
    }
    io.redoubt.host.Fcntl.fcntl(fd, 1033, 0xf); // F_ADD_SEALS: seal, shrink, grow, write
    int readOnly = io.redoubt.host.Fcntl.open("/proc/self/fd/" + fd, 02000000, 0);
    if (readOnly < 0) {
      throw new StartFailure(1, "cannot reopen the stub's memfd: errno " + -readOnly);
    }
    Unistd.close(fd);
    return readOnly;
  }
}
