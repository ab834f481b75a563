package io.redoubt.launcher;

import io.redoubt.sentry.SandboxConfig.MountSpec;
import java.util.List;

/**
 * The file systems of the sandbox itself that every program expects: as on an ordinary Linux
 * machine.
 */
final class StandardMounts {
  static final MountSpec DEV = new MountSpec("devtmpfs", "devtmpfs", "/dev", List.of("nosuid"));

  static final List<MountSpec> ALL =
      List.of(
          new MountSpec("proc", "proc", "/proc", List.of("nosuid", "nodev", "noexec")),
          new MountSpec("sysfs", "sysfs", "/sys", List.of("ro", "nosuid", "nodev", "noexec")),
          DEV,
          new MountSpec("devpts", "devpts", "/dev/pts", List.of("nosuid", "noexec")),
          new MountSpec("tmpfs", "tmpfs", "/dev/shm", List.of("nosuid", "nodev")),
          new MountSpec("mqueue", "mqueue", "/dev/mqueue", List.of("nosuid", "nodev", "noexec")));

  private StandardMounts() {}
}
