package io.redoubt.sentry.dev;

import io.redoubt.sentry.fs.pseudo.PseudoDir;
import io.redoubt.sentry.fs.pseudo.PseudoFs;

/** What is in /dev. The directories are places for mounts: devpts at {@code pts}, tmpfs at {@code shm}, mqueue. */
public final class DevFs {
  /** Group of terminals by convention (Debian, Fedora: 5). */
  public static final int GROUP_TTY = 5;

  private DevFs() {}

  /** The root directory of a new instance. */
  public static PseudoDir create() {
    PseudoFs fs = new PseudoFs(6);
    PseudoDir root = new PseudoDir(fs, 0755);
    node(fs, root, "null", 0666, Devices.NULL);
    node(fs, root, "zero", 0666, Devices.ZERO);
    node(fs, root, "full", 0666, Devices.FULL);
    node(fs, root, "random", 0666, Devices.RANDOM);
    node(fs, root, "urandom", 0666, Devices.URANDOM);
    node(fs, root, "tty", 0666, Devices.TTY);
    node(fs, root, "console", 0620, Devices.CONSOLE);
    root.link("ptmx", "pts/ptmx");
    root.link("fd", "/proc/self/fd");
    root.link("stdin", "/proc/self/fd/0");
    root.link("stdout", "/proc/self/fd/1");
    root.link("stderr", "/proc/self/fd/2");
    root.dir("pts");
    root.dir("shm");
    root.dir("mqueue");
    return root;
  }

  private static void node(PseudoFs fs, PseudoDir root, String name, int permissions, long rdev) {
    root.add(name, new DeviceNode(fs, fs.nextIno(), permissions, rdev));
  }
}
