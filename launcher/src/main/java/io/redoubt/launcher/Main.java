package io.redoubt.launcher;

import io.redoubt.sentry.ControlSocket;
import io.redoubt.sentry.Sandbox;
import io.redoubt.sentry.SandboxConfig;
import io.redoubt.sentry.SandboxConfig.MountSpec;
import io.redoubt.sentry.SandboxConfig.Root;
import io.redoubt.sentry.SandboxConfig.RootMode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** The Java half of the command line: what the front does not do itself. */
public final class Main {
  private static final int CONTROL_FD = 3;

  private Main() {}

  public static void main(String[] args) throws IOException {
    if (args.length > 0 && args[0].equals("profile")) {
      return;
    }
    List<String> command = new ArrayList<>();
    boolean tty = false;
    int i = 1;
    for (; i < args.length && args[i].startsWith("-"); i++) {
      if (args[i].equals("--")) {
        i++;
        break;
      }
      tty |= args[i].equals("-t") || args[i].equals("-it");
    }
    for (; i < args.length; i++) {
      command.add(new String(args[i].getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1));
    }
    SandboxConfig config =
        new SandboxConfig(
            command,
            List.of(),
            true,
            System.getenv("PATH"),
            System.getProperty("user.dir"),
            0,
            0,
            new int[] {0},
            "redoubt",
            "(none)",
            022,
            new Root("/", RootMode.OVERLAY),
            List.of(
                new MountSpec("proc", "proc", "/proc", List.of("nosuid", "nodev", "noexec")),
                new MountSpec("sysfs", "sysfs", "/sys", List.of("ro", "nosuid", "nodev", "noexec")),
                new MountSpec("devtmpfs", "devtmpfs", "/dev", List.of("nosuid")),
                new MountSpec("devpts", "devpts", "/dev/pts", List.of("nosuid", "noexec")),
                new MountSpec("tmpfs", "tmpfs", "/dev/shm", List.of("nosuid", "nodev"))),
            true,
            tty,
            new long[0],
            null,
            false);
    Sandbox.run(config, new ControlSocket(CONTROL_FD));
  }
}
