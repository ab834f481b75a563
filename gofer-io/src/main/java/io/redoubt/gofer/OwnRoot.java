package io.redoubt.gofer;

import io.redoubt.host.Confinement;
import io.redoubt.host.Errno;
import io.redoubt.host.Landlock;
import io.redoubt.host.Memory;
import io.redoubt.host.Socket;
import io.redoubt.host.Stat;
import io.redoubt.host.Unistd;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * How the gofer comes to see its trees and nothing else, before it serves the first request.
 *
 * <p>Root's has the front make a mount of each tree and give the process an empty root ({@code
 * seal.c}). Whoever started it, a landlock ruleset then says of each tree what may be done in it,
 * where the kernel has that.
 */
final class OwnRoot {
  /** After the last tree. */
  private static final int END = -1;

  private OwnRoot() {}

  /**
   * Exchanges the descriptors of all roots for ones of mounts that begin there, under the same
   * numbers.
   *
   * @param front socket to the front; closed
   * @return descriptor of the directory of this process's own descriptors; -1: everything is as it
   *     was, since the caller of the front may not make mounts
   */
  static int take(int front, ServedRoot[] roots) throws IOException {
    MemorySegment word = Arena.global().allocate(8, 8);
    for (ServedRoot root : roots) {
      Memory.setInt(word, 0, root.flags());
      check(Socket.sendFds(front, word, 4, Socket.MSG_NOSIGNAL, root.fd()));
    }
    Memory.setInt(word, 0, END);
    check(Socket.send(front, word, 4, Socket.MSG_NOSIGNAL));
    int links = receive(front, word);
    for (int i = 0; links >= 0 && i < roots.length; i++) {
      int tree = receive(front, word);
      Unistd.close(roots[i].fd());
      roots[i] = new ServedRoot(tree, roots[i].flags());
    }
    Unistd.close(front);
    return links;
  }

  private static void check(long sent) throws IOException {
    if (sent != 4) {
      throw new IOException("gofer: the front does not give it a root of its own");
    }
  }

  /** A descriptor, or -1 when the front says that there is none to come. */
  private static int receive(int front, MemorySegment word) throws IOException {
    int[] fds = new int[1];
    long n;
    do {
      n = Socket.recvFds(front, word, 4, 0, fds);
    } while (n == -Errno.EINTR);
    check(n);
    boolean isSealed = Memory.getInt(word, 0) != 0;
    if (isSealed != fds[0] >= 0) {
      throw new IOException("gofer: cannot take its trees: errno " + -fds[0]);
    }
    return fds[0];
  }

  /**
   * Every thread of this process opens, makes and removes files in its trees alone from here on,
   * and in those that are read-only it only reads. Does nothing where the kernel has no landlock:
   * {@code redoubt check} tells that.
   */
  static void restrict(ServedRoot[] roots) throws IOException {
    if (!Confinement.isWanted()) {
      return;
    }
    int version = Landlock.version();
    // Version 1 has no way to allow that a file is moved from one directory to another.
    if (version < 2) {
      return;
    }
    int ruleset = Landlock.create(version);
    int r = Math.min(ruleset, 0);
    MemorySegment stat = Arena.global().allocate(Stat.StatBuf.SIZEOF, 8);
    for (int i = 0; r == 0 && i < roots.length; i++) {
      r = Stat.fstat(roots[i].fd(), stat);
      r = r < 0 ? r : Landlock.allow(ruleset, roots[i].fd(), rights(version, roots[i], stat));
    }
    r = r < 0 || Confinement.isTraining() ? r : Landlock.restrictAll(ruleset);
    if (r < 0) {
      throw new IOException("gofer: cannot restrict itself to its trees: errno " + -r);
    }
    Unistd.close(ruleset);
  }

  /**
   * Devices are among what may be made in a writable tree: to move one that is there is to make it
   * (landlock(7)). That none is made at all is up to the filter.
   */
  private static long rights(int version, ServedRoot root, MemorySegment stat) {
    long rights =
        root.isReadOnly()
            ? Landlock.ACCESS_FS_READ_FILE | Landlock.ACCESS_FS_READ_DIR
            : Landlock.fileRights(version) & ~Landlock.ACCESS_FS_EXECUTE;
    boolean isDirectory = FileOps.isDirectory(Memory.getInt(stat, Stat.StatBuf.ST_MODE));
    return isDirectory ? rights : Landlock.rightsOfFile(rights);
  }
}
