package io.redoubt.sentry;

import io.redoubt.host.Memory;
import io.redoubt.host.Process;
import io.redoubt.host.Seccomp;
import io.redoubt.host.Unistd;
import io.redoubt.sentry.ControlSocket.Frame;
import io.redoubt.sentry.dev.HostFile;
import io.redoubt.sentry.fs.FdTable;
import io.redoubt.sentry.fs.FsContext;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.kernel.FirstExec;
import io.redoubt.sentry.kernel.Kernel;
import io.redoubt.sentry.kernel.KernelThread;
import io.redoubt.sentry.kernel.PollEvents;
import io.redoubt.sentry.kernel.Reactor;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.Task;
import io.redoubt.sentry.limits.Limit;
import io.redoubt.sentry.ring.Ring;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * One more program in a running sandbox: the sentry's end of a connection with the front of an
 * exec. The frames are those between a sandbox's own front and its sentry, after two that only this
 * has: STDIO for each descriptor, EXEC with the request.
 *
 * <p>A connection that ends early ends the session only: what was started goes on, and is told of
 * by nobody.
 */
final class ExecSession {
  private static final int MAX_FILE = 4 << 20; // of the user database

  private final Kernel kernel;
  private final Path root;
  private final byte[] filter;
  private final Container container;
  private final ControlSocket client;
  private final List<Integer> stdioNumbers = new ArrayList<>();
  private final List<Integer> stdioFds = new ArrayList<>();
  private Stdio stdio;
  private Task task;
  private Reactor.Registration registration;

  private ExecSession(Kernel kernel, Path root, byte[] filter, Container container, int client) {
    this.kernel = kernel;
    this.root = root;
    this.filter = filter;
    this.container = container;
    this.client = new ControlSocket(client);
  }

  /** Serves a connection; it belongs to the session from now on. */
  static void start(Kernel kernel, Path root, byte[] filter, Container container, int client) {
    ExecSession s = new ExecSession(kernel, root, filter, container, client);
    new KernelThread(s::begin, "exec").start();
  }

  private void begin() {
    boolean started = false;
    try {
      Frame f = client.receive();
      while (f != null && f.type() == ControlSocket.STDIO && f.fd() >= 0) {
        stdioNumbers.add(f.intAt(0));
        stdioFds.add(f.fd());
        f = client.receive();
      }
      if (f != null && f.type() == ControlSocket.UPDATE) {
        update(f.payload());
      }
      if (f != null && f.type() == ControlSocket.STATS) {
        client.text(1, statistics());
      }
      started = f != null && f.type() == ControlSocket.EXEC && run(f.payload());
    } catch (StartFailure e) {
      client.fail(e.code, e.getMessage());
    } finally {
      if (!started) {
        for (int fd : stdioFds) {
          Unistd.close(fd);
        }
        Unistd.close(client.fd());
      }
      KernelThread.drain();
    }
  }

  /** What only the sentry knows of the sandbox: members of an object, as JSON. */
  private String statistics() {
    Ring ring = kernel.ring;
    return "\"limits\":" + Limit.json() + (ring == null ? "" : ",\"ring\":" + ring.json());
  }

  private void update(byte[] resources) {
    Plan p = new Plan();
    for (String s :
        container.requests().update(new String(resources, StandardCharsets.ISO_8859_1))) {
      p.entry("cgroup.set", s);
    }
    client.send(ControlSocket.PLAN, p.bytes());
  }

  /**
   * @return whether the program runs, and the session with it
   */
  private boolean run(byte[] bytes) {
    List<String> request = Plan.read(bytes);
    Container.Exec exec = container.requests().exec(request, this::file);
    SandboxConfig config = exec.process();
    // A hook has a path, and arguments of which the first may be something else.
    boolean isHook = request.size() > 1 && request.get(0).equals("hook");
    String program = isHook ? request.get(1) : config.args().get(0);
    client.send(ControlSocket.FILTER, filter);
    Sandbox.sendProfile(client, container);
    Plan plan = new Plan().process(config).entry("exec", program).entries(exec.plan());
    client.send(ControlSocket.PLAN, plan.bytes());
    stdio = new Stdio(kernel, config.uid(), false);
    Frame f = client.receive();
    while (f != null && f.type() != ControlSocket.LISTENER) {
      if (f.type() == ControlSocket.CONSOLE) {
        stdio.console(f.fd());
      } else if (f.type() == ControlSocket.WINSIZE) {
        stdio.resize(f);
      }
      f = client.receive();
    }
    if (f == null) {
      stdio.close();
      return false;
    }
    int listener = f.fd();
    try {
      attach(config, program, f.intAt(0));
    } catch (StartFailure e) {
      Unistd.close(listener);
      stdio.close();
      throw e;
    }
    Seccomp.setFlags(listener, Seccomp.SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
    kernel.serve(listener, Process.availableCpus());
    registration = kernel.reactor.add(client.fd(), PollEvents.IN, e -> onFrame());
    client.send(ControlSocket.GO, new byte[0]);
    return true;
  }

  /** A file of the container as its programs see it. @return its bytes as Latin-1, or null */
  private String file(String name) {
    Syscall c = kernel.bootCall(new FsContext(root, root, 0));
    Path p = kernel.vfs.lookup(c, root, name, true);
    if (p == null || p.inode().type() != Stat.S_IFREG) {
      return null;
    }
    OpenFile f = p.inode().open(c, p, OpenFile.O_RDONLY);
    if (f == null) {
      return null;
    }
    try {
      int fd = f.mapFd(c, false);
      MemorySegment buffer = c.scratch().bulk;
      StringBuilder text = new StringBuilder();
      for (long n; fd >= 0 && text.length() < MAX_FILE; ) {
        n = Unistd.pread(fd, buffer, buffer.byteSize(), text.length());
        if (n <= 0) {
          break;
        }
        text.append(new String(Memory.bytes(buffer, (int) n), StandardCharsets.ISO_8859_1));
      }
      return text.toString();
    } finally {
      f.close();
    }
  }

  /** Enters the process in the books, and looks its command up. */
  private void attach(SandboxConfig config, String program, int hostPid) {
    Path cwd = cwd(config);
    FdTable files = new FdTable();
    if (config.tty()) {
      stdio.openTerminal(files, root);
    }
    for (int i = 0; i < stdioFds.size(); i++) {
      int number = stdioNumbers.get(i);
      HostFile file = number < 3 && config.tty() ? null : HostFile.adopt(kernel, stdioFds.get(i));
      if (file != null) {
        files.replace(number, file, false);
      } else {
        Unistd.close(stdioFds.get(i));
      }
    }
    stdioFds.clear();
    task =
        kernel.tasks.addStarted(
            hostPid,
            files,
            new FsContext(root, cwd, config.umask()),
            ProcessConfig.credentials(config),
            ProcessConfig.limits(config));
    if (task == null) {
      throw new StartFailure(255, "exec: the process was killed before it could run");
    }
    FirstExec first = new FirstExec(config.searchPath(), (code, message) -> {});
    String problem = first.check(task.call, program);
    if (problem != null) {
      throw new StartFailure(255, problem);
    }
    task.process.firstExec = first;
    stdio.controlling(task.process);
  }

  private Path cwd(SandboxConfig config) {
    Path p =
        kernel.vfs.lookup(kernel.bootCall(new FsContext(root, root, 0)), root, config.cwd(), true);
    if (p == null || p.inode().type() != Stat.S_IFDIR) {
      throw new StartFailure(
          255,
          "chdir to cwd (\""
              + config.cwd()
              + "\") set in config.json failed: no such file or directory");
    }
    return p;
  }

  private void onFrame() {
    Frame f = client.receive();
    if (f == null) {
      registration.remove();
      Unistd.close(client.fd());
      return;
    }
    switch (f.type()) {
      case ControlSocket.SIGNAL -> kernel.signals.fromOutside(task.process, f.intAt(0));
      case ControlSocket.WINSIZE -> stdio.resize(f);
      case ControlSocket.EXITED ->
          stdio.drain(() -> {
            client.send(ControlSocket.DONE, new byte[0]);
            stdio.close();
          });
      default -> {}
    }
  }
}
