package io.redoubt.sentry;

import io.redoubt.host.Mman;
import io.redoubt.host.Process;
import io.redoubt.host.Seccomp;
import io.redoubt.host.Unistd;
import io.redoubt.seccomp.GuestProfile;
import io.redoubt.sentry.ControlSocket.Frame;
import io.redoubt.sentry.fs.FdTable;
import io.redoubt.sentry.fs.FsContext;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.FirstExec;
import io.redoubt.sentry.kernel.Kernel;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.ResourceLimits;
import io.redoubt.sentry.kernel.SyscallTable;
import io.redoubt.sentry.syscalls.LimitCalls;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.function.IntConsumer;

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
  private final IntConsumer onProcess;
  private final Kernel kernel;
  private final MountTree mounts;

  private Sandbox(SandboxConfig config, ControlSocket control, IntConsumer onProcess) {
    this.config = config;
    this.onProcess = onProcess;
    this.control = control;
    kernel = new Kernel();
    mounts = new MountTree(kernel, config, control);
  }

  /**
   * Runs a sandbox. Does not return: the front ends this process when all is over.
   *
   * @param onProcess told the host pid of the guest's first process before that runs anything
   */
  public static void run(SandboxConfig config, ControlSocket control, IntConsumer onProcess) {
    control.send(ControlSocket.FILTER, filter());
    control.send(ControlSocket.PLAN, plan(config));
    try {
      new Sandbox(config, control, onProcess).start();
    } catch (StartFailure e) {
      control.fail(e.code, e.getMessage());
    }
    for (; ; ) {
      java.util.concurrent.locks.LockSupport.park();
    }
  }

  private static byte[] plan(SandboxConfig c) {
    ByteArrayOutputStream b = new ByteArrayOutputStream();
    for (String a : c.args()) {
      entry(b, "arg", a);
    }
    entry(b, "env.inherit", c.inheritEnv() ? "1" : "0");
    for (String e : c.env()) {
      entry(b, "env", e);
    }
    long[] r = c.rlimits();
    for (int i = 0; i + 2 < r.length; i += 3) {
      if (LimitCalls.isHostEnforced((int) r[i])) {
        entry(
            b,
            "rlimit",
            r[i] + ":" + Long.toUnsignedString(r[i + 1]) + ":" + Long.toUnsignedString(r[i + 2]));
      }
    }
    entry(b, "hostname", c.hostname());
    entry(b, "shim", c.hasShim() ? "1" : "0");
    entry(b, "tty", c.tty() ? "1" : "0");
    return b.toByteArray();
  }

  private static void entry(ByteArrayOutputStream b, String key, String value) {
    b.writeBytes(key.getBytes(StandardCharsets.ISO_8859_1));
    b.write(0);
    b.writeBytes(value.getBytes(StandardCharsets.ISO_8859_1));
    b.write(0);
  }

  private void start() {
    Process.raiseSoftLimit(7); // RLIMIT_NOFILE: files of the guest are files of the sentry
    kernel.hostname = config.hostname();
    kernel.domainname = config.domainname();
    SyscallTable table = CallTable.create();
    kernel.observe(Observation.of(config, control, table));
    kernel.configure(
        table,
        stub(),
        config.hasShim(),
        new FirstExec(config.searchPath(), (code, message) -> control.fail(code, message)));
    mounts.build(GOFER_FD);
    if (mounts.cwd() == null) {
      throw new StartFailure(
          1,
          "working directory "
              + config.cwd()
              + " does not exist in the sandbox: create it or give --workdir");
    }
    FdTable files = new FdTable();
    Stdio stdio = new Stdio(kernel, config.uid());
    if (!config.tty()) {
      stdio.importHostFds(files, FIRST_STDIO_FD);
    }
    kernel.reactor.start();
    kernel.signals.start();

    Frame f = control.receive();
    while (f != null && f.type() != ControlSocket.LISTENER) {
      if (f.type() == ControlSocket.CONSOLE) {
        stdio.console(f.fd());
      } else if (f.type() == ControlSocket.WINSIZE) {
        stdio.resize(f);
      }
      f = control.receive();
    }
    if (f == null) {
      return; // the front has said why
    }
    if (config.tty()) {
      stdio.openTerminal(files, mounts.root());
    }
    onProcess.accept(f.intAt(0));
    int listener = f.fd();
    if (config.network() == SandboxConfig.Network.HOST) {
      kernel.configureNetwork(-1, Process.getpid());
    } else {
      kernel.configureNetwork(SOCKET_MAKER_FD, f.intAt(4));
    }
    // Without it every call costs a wake-up across CPUs: 52 us in place of 7.7 (Linux 6.6 and
    // later).
    Seccomp.setFlags(listener, Seccomp.SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
    ResourceLimits limits = new ResourceLimits();
    long[] r = config.rlimits();
    for (int i = 0; i + 2 < r.length; i += 3) {
      limits.set((int) r[i], r[i + 1], r[i + 2]);
    }
    var first =
        kernel.tasks.addFirst(
            f.intAt(0),
            files,
            new FsContext(mounts.root(), mounts.cwd(), config.umask()),
            credentials(),
            limits);
    stdio.controlling(first.process);
    kernel.serve(listener, Process.availableCpus());
    kernel.reactor.add(control.fd(), PollEvents.IN, e -> onControl(stdio));
    control.send(ControlSocket.GO, new byte[0]);
  }

  private Credentials credentials() {
    Credentials c = Credentials.of(config.uid(), config.gid(), config.groups());
    SandboxConfig.Capabilities caps = config.capabilities();
    if (caps != null) {
      c =
          c.withCapabilities(
              caps.permitted(),
              caps.effective(),
              caps.inheritable(),
              caps.bounding(),
              caps.ambient());
    }
    return config.noNewPrivs() ? c.withNoNewPrivs() : c;
  }

  private void onControl(Stdio stdio) {
    Frame f = control.receive();
    if (f == null) {
      // The front is gone; so is everything that it started, this process next.
      Runtime.getRuntime().halt(0);
      return;
    }
    switch (f.type()) {
      case ControlSocket.SIGNAL -> kernel.signals.fromOutside(f.intAt(0));
      case ControlSocket.WINSIZE -> stdio.resize(f);
      case ControlSocket.EXITED -> stdio.drain(this::finish);
      default -> {}
    }
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
      MemorySegment s = arena.allocateFrom(java.lang.foreign.ValueLayout.JAVA_BYTE, image);
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
