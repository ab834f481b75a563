package io.redoubt.gofer;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Memory;
import io.redoubt.host.Process;
import io.redoubt.host.Socket;
import io.redoubt.host.Unistd;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The gofer's side of the start of a connection: takes the configuration, opens the roots, makes
 * the region and hands it over.
 */
final class Handshake {
  /** Most roots of one gofer. */
  private static final int MAX_ROOTS = 1024;

  /**
   * Descriptors kept free of fids: sockets of slots, files on their way to the sentry, the JVM's.
   */
  private static final int RESERVED_FDS = 192;

  private final int control;
  private final int front;
  private final MemorySegment message = Arena.global().allocate(Protocol.MAX_MESSAGE, 8);
  private final int[] received = new int[1];
  private int version;
  private boolean donates;
  private Ids ids;

  private Handshake(int control, int front) {
    this.control = control;
    this.front = front;
  }

  /**
   * Answers the sentry at the other end of {@code control}.
   *
   * @param front socket to the front, which gives this process a root of its own, or -1
   * @return a server that is ready to serve
   * @throws IOException with a line for the user, which the sentry has been sent as well; an
   *     MalformedException is thrown if it is the sentry that is wrong
   */
  static GoferServer accept(int control, int front) throws IOException {
    return new Handshake(control, front).accept();
  }

  /** As {@link #accept(int, int)}, without a front. */
  static GoferServer accept(int control) throws IOException {
    return accept(control, -1);
  }

  private GoferServer accept() throws IOException {
    try {
      ServedRoot[] roots = receiveRoots();
      // First, while there is a /proc to find all threads in.
      OwnRoot.restrict(roots);
      int procFd = front < 0 ? -1 : OwnRoot.take(front, roots);
      if (procFd < 0) {
        procFd = Fcntl.open("/proc/self/fd", Fcntl.O_PATH | Fcntl.O_CLOEXEC, 0);
      }
      check(procFd, "cannot open /proc/self/fd");
      int fd = Region.create();
      check(fd, "cannot make the shared region");
      Region region = Region.mapOwn(fd);
      FidTable fids = new FidTable(fidLimit());
      FileOps files = new FileOps(roots, ids, donates, region.memory, procFd, fids);
      GoferServer server = new GoferServer(control, region, files);
      send(Protocol.READY, 8, fd);
      Unistd.close(fd);
      return server;
    } catch (IOException e) {
      byte[] text = e.getMessage().getBytes(ISO_8859_1);
      int n = Math.min(text.length, Protocol.MAX_MESSAGE - 8);
      Memory.copy(text, 0, message, 8, n);
      send(Protocol.FAILED, 8 + n, -1);
      throw e;
    }
  }

  private static void check(int result, String what) throws IOException {
    if (result < 0) {
      // The number alone: a class that no start needs may not be there to be read any more.
      throw new IOException("gofer: " + what + ": errno " + -result);
    }
  }

  private void send(int kind, int length, int fd) {
    Memory.setInt(message, 0, kind);
    Memory.setInt(message, 4, 0);
    if (fd < 0) {
      Socket.send(control, message, length, Socket.MSG_NOSIGNAL);
    } else {
      Socket.sendFds(control, message, length, Socket.MSG_NOSIGNAL, fd);
    }
  }

  private int receive(int kind) throws IOException {
    long n;
    do {
      n = Socket.recvFds(control, message, Protocol.MAX_MESSAGE, 0, received);
    } while (n == -Errno.EINTR);
    if (n == 0) {
      throw new IOException("gofer: the sentry has gone"); // it has told why
    }
    if (n < 8 || Memory.getInt(message, 0) != kind) {
      throw new MalformedException("configuration ended early: bytes=" + n);
    }
    return (int) n;
  }

  private ServedRoot[] receiveRoots() throws IOException {
    if (Socket.getsockopt(control, Socket.SOL_SOCKET, Socket.SO_TYPE) != Socket.SOCK_SEQPACKET) {
      throw new MalformedException("not a SOCK_SEQPACKET socket: fd=" + control);
    }
    int n = receive(Protocol.CONFIG);
    int count = Memory.getInt(message, 4);
    if (n < 16 || count < 0 || count > MAX_ROOTS) {
      throw new MalformedException("bad configuration: bytes=" + n + ", roots=" + count);
    }
    version = Memory.getInt(message, 8);
    if (version != RegionLayout.VERSION) {
      throw new MalformedException("sentry and gofer differ: version=" + version);
    }
    donates = Memory.getInt(message, 12) == 0;
    ids = receiveIds(n);
    ServedRoot[] roots = new ServedRoot[count];
    IOException first = null;
    for (int i = 0; i < count; i++) {
      try {
        roots[i] = openRoot(receive(Protocol.ROOT));
      } catch (IOException e) {
        first = first == null ? e : first; // take the other messages all the same
      }
    }
    if (first != null) {
      throw first;
    }
    return roots;
  }

  private Ids receiveIds(int bytes) {
    int users = bytes < 24 ? 0 : Memory.getInt(message, 16);
    int groups = bytes < 24 ? 0 : Memory.getInt(message, 20);
    if (users < 0
        || groups < 0
        || users > Protocol.MAX_ID_WORDS
        || groups > Protocol.MAX_ID_WORDS - users
        || users % 3 != 0
        || groups % 3 != 0
        || bytes < 24 + 4 * (users + groups) && bytes != 16) {
      throw new MalformedException("bad id maps: users=" + users + ", groups=" + groups);
    }
    return new Ids(words(24, users), words(24 + 4 * users, groups));
  }

  private int[] words(int at, int count) {
    int[] out = new int[count];
    for (int i = 0; i < count; i++) {
      out[i] = Memory.getInt(message, at + 4 * i);
    }
    return out;
  }

  private ServedRoot openRoot(int bytes) throws IOException {
    int flags = Memory.getInt(message, 4);
    if ((flags & ~Root.ALL_FLAGS) != 0) {
      throw new MalformedException("unknown root flags: flags=" + flags);
    }
    byte[] raw = new byte[bytes - 8];
    Memory.copy(message, 8, raw, 0, raw.length);
    String path = new String(raw, ISO_8859_1);
    int fd = received[0];
    if (fd < 0) {
      fd = Fcntl.open(path, Fcntl.O_PATH | Fcntl.O_CLOEXEC, 0);
    }
    if (fd < 0) {
      throw new IOException("gofer: cannot open root " + path + ": " + Errno.message(fd));
    }
    return new ServedRoot(fd, flags);
  }

  private int fidLimit() {
    MemorySegment limit = message;
    int r = Process.prlimit64(0, Process.RLIMIT_NOFILE, null, limit);
    long files = r < 0 ? 1024 : Memory.getLong(limit, Process.Rlimit.RLIM_CUR);
    long most = files < 0 ? Integer.MAX_VALUE : files - RESERVED_FDS;
    return Math.clamp(most, 16, Integer.MAX_VALUE);
  }
}
