package io.redoubt.sentry;

import io.redoubt.host.Fcntl;
import io.redoubt.host.Memory;
import io.redoubt.host.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Where Redoubt is installed: the folder that holds bin, lib and etc. */
public final class Installation {
  private static final int MAX_FILE = 16 * 1024;

  private Installation() {}

  /**
   * The path of a file of the installation. Every jar is in lib, so the class path tells where that
   * is.
   */
  public static String file(String name) {
    String jars = System.getProperty("java.class.path");
    int colon = jars.indexOf(':');
    String first = colon < 0 ? jars : jars.substring(0, colon);
    int lib = first.lastIndexOf("/lib/");
    if (lib < 0) {
      throw new StartFailure(
          1,
          "cannot tell where Redoubt is installed: class path is "
              + first
              + "; start it with ./redoubt");
    }
    return first.substring(0, lib + 1) + name;
  }

  /**
   * The content of a small file of the installation, null when it is not there. java.nio would cost
   * a start some milliseconds.
   */
  static byte[] read(String name) {
    int fd = Fcntl.open(file(name), Fcntl.O_RDONLY | Fcntl.O_CLOEXEC, 0);
    if (fd < 0) {
      return null;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(MAX_FILE);
      long n = Unistd.read(fd, buffer, MAX_FILE);
      return n <= 0 ? null : Memory.bytes(buffer, (int) n);
    } finally {
      Unistd.close(fd);
    }
  }
}
