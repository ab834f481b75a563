package io.redoubt.gofer;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import io.redoubt.host.Socket;
import io.redoubt.host.Unistd;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * Files, asked of a gofer process.
 *
 * <p>Any number of threads may call at once; each call waits for its own answer. Calls return a
 * value or a negative errno and fill in holders that the caller supplies and may use again. Names
 * are single components of raw bytes as Latin-1; nothing is cached here.
 *
 * <p>Files are known by fids of two kinds, both greater than 0: a <em>node</em> (walked to, has no
 * position and cannot do I/O) and an <em>open</em> file. Each holds a descriptor in the gofer until
 * it is closed; when the gofer runs out, calls fail with -EMFILE: close some and try again.
 *
 * <p>The gofer is not believed: what comes back is read once and checked, and an answer that cannot
 * be honest ends the connection. From then on every call returns -EIO.
 */
public final class GoferClient implements AutoCloseable {

  private final Connection connection;

  private final Ids ids;
  private final Closes closes;

  /** Walks. */
  public final NodeClient nodes;

  /** Attributes. */
  public final AttributeClient attributes;

  /** Names in directories. */
  public final DirectoryClient directories;

  /** Open files. */
  public final FileClient files;

  /** Changes of nodes by others. */
  public final WatchClient watches;

  /** How many messages this connection has sent to the gofer: exact while nobody calls. */
  public long requests() {
    return connection.requests();
  }

  private GoferClient(Connection connection, Ids ids) {
    this.ids = ids;
    this.connection = connection;
    Calls calls = new Calls(connection);
    closes = new Closes(calls);
    nodes = new NodeClient(calls);
    attributes = new AttributeClient(calls);
    directories = new DirectoryClient(calls);
    files = new FileClient(calls, closes);
    watches = new WatchClient(calls);
  }

  /**
   * Configures the gofer at the other end of a socket and waits until it serves.
   *
   * @param socket AF_UNIX SOCK_SEQPACKET; now the client's
   * @param roots what to serve; attach by index
   * @param donates whether regular files are opened here as donated descriptors (true), or all data
   *     goes through the region ({@code --data=ring})
   * @param onDeath run once, on some thread, when the connection ends other than by {@link #close}
   * @throws IOException with a line for the user, as "gofer: cannot open root PATH: ..."
   */
  public static GoferClient connect(int socket, List<Root> roots, boolean donates, Runnable onDeath)
      throws IOException {
    return connect(socket, roots, Ids.SAME, false, donates, onDeath);
  }

  /**
   * The same for a guest whose ids are others on the host.
   *
   * @param isMapped whether the gofer sees the guest's ids without that: it is in its user
   *     namespace
   */
  public static GoferClient connect(
      int socket, List<Root> roots, Ids ids, boolean isMapped, boolean donates, Runnable onDeath)
      throws IOException {
    MemorySegment m = Arena.global().allocate(Protocol.MAX_MESSAGE, 8);
    Memory.setInt(m, 0, Protocol.CONFIG);
    Memory.setInt(m, 4, roots.size());
    Memory.setInt(m, 8, RegionLayout.VERSION);
    Memory.setInt(m, 12, donates ? 0 : 1);
    send(socket, m, putIds(m, isMapped ? Ids.SAME : ids), -1);
    for (Root root : roots) {
      byte[] path = root.fd() >= 0 ? new byte[0] : root.path().getBytes(ISO_8859_1);
      if (path.length > Protocol.MAX_MESSAGE - 8) {
        throw new IOException("gofer: cannot open root: " + Errno.message(Errno.ENAMETOOLONG));
      }
      Memory.setInt(m, 0, Protocol.ROOT);
      Memory.setInt(m, 4, root.flags());
      Memory.copy(path, 0, m, 8, path.length);
      send(socket, m, 8 + path.length, root.fd());
    }
    int[] received = new int[1];
    long n;
    do {
      n = Socket.recvFds(socket, m, Protocol.MAX_MESSAGE, 0, received);
    } while (n == -Errno.EINTR);
    int kind = n < 8 ? 0 : Memory.getInt(m, 0);
    if (kind == Protocol.FAILED) {
      byte[] text = new byte[(int) n - 8];
      Memory.copy(m, 8, text, 0, text.length);
      throw new IOException(new String(text, UTF_8));
    }
    if (kind != Protocol.READY || received[0] < 0) {
      throw new IOException("gofer: ended before it was ready");
    }
    try {
      Region region = Region.mapForeign(received[0]);
      return new GoferClient(new Connection(socket, region, onDeath), ids);
    } finally {
      Unistd.close(received[0]);
    }
  }

  /** Appends the maps to a CONFIG message. @return its length */
  private static int putIds(MemorySegment m, Ids ids) throws IOException {
    int[] users = ids.users();
    int[] groups = ids.groups();
    if (users.length + groups.length > Protocol.MAX_ID_WORDS) {
      throw new IOException("gofer: too many id mappings");
    }
    Memory.setInt(m, 16, users.length);
    Memory.setInt(m, 20, groups.length);
    int at = 24;
    for (int[] map : new int[][] {users, groups}) {
      for (int word : map) {
        Memory.setInt(m, at, word);
        at += 4;
      }
    }
    return at;
  }

  /**
   * Says that a thread of this process spins from now on, or no longer does. The caller knows that
   * there are not CPUs enough for it, the guest, and a gofer that spins as well: then gofer and
   * callers take turns on one CPU, each asleep while the other works, which costs less than to be
   * in the way of who spins, or to wake a CPU that is idle.
   *
   * @param goferCpu that CPU, if it is where the thread itself spins; -1: whichever it is. Who
   *     spins there lets the gofer have it while {@link #isBusy}
   */
  public void setCpuTaken(boolean isTaken, int goferCpu) {
    connection.setCpuTaken(isTaken, goferCpu);
  }

  /** Whether a call is being made. */
  public boolean isBusy() {
    return connection.isBusy();
  }

  /** Whom the files belong to on the host. */
  public Ids ids() {
    return ids;
  }

  private static void send(int socket, MemorySegment m, long length, int fd) throws IOException {
    long r =
        fd < 0
            ? Socket.send(socket, m, length, Socket.MSG_NOSIGNAL)
            : Socket.sendFds(socket, m, length, Socket.MSG_NOSIGNAL, fd);
    if (r < 0) {
      throw new IOException("gofer: cannot be reached: " + Errno.message(r));
    }
  }

  /** Why the connection ended, for a message to the user, or null while it lives. */
  public String deathReason() {
    return connection.deathReason();
  }

  /** Ends the connection and with it the gofer. No other call may be under way. */
  @Override
  public void close() {
    watches.close();
    connection.close();
  }

  /** Closes a node or open file at once. Returns 0 or -EIO. */
  public int close(int fid) {
    return closes.many(new int[] {fid}, 1);
  }

  /** Closes several at once; those not known are skipped. Returns 0 or -EIO. */
  public int closeMany(int[] fids, int count) {
    return closes.many(fids, count);
  }

  /**
   * Closes a fid some time later, together with others. Not for the last fid of a file that was
   * removed: its space would stay in use.
   */
  public void closeLater(int fid) {
    closes.later(fid);
  }

  /** Sends what {@link #closeLater} has gathered. */
  public void flushCloses() {
    closes.flush();
  }
}
