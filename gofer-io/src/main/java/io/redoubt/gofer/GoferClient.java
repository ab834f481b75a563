package io.redoubt.gofer;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.redoubt.host.Dir;
import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Memory;
import io.redoubt.host.Socket;
import io.redoubt.host.Stat;
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
  /** Most bytes that one message carries; longer reads and writes take several. */
  private static final int CHUNK = RegionLayout.PAYLOAD_SIZE;

  /** Bytes of entries asked for at once: what C libraries ask for. */
  private static final int READDIR_BYTES = 32 * 1024;

  /** Closes gathered before they are sent together. */
  private static final int CLOSE_BATCH = 64;

  private static final int NAME_MAX = 255;

  private final Connection connection;
  private final MemorySegment memory;

  /** Fids to be closed; guarded by itself. */
  private final int[] closing = new int[CLOSE_BATCH];

  private int closingCount;

  private final Ids ids;

  private GoferClient(Connection connection, Ids ids) {
    this.ids = ids;
    this.connection = connection;
    this.memory = connection.memory;
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
    connection.close();
  }

  // How a call is made: claim a slot, fill in what differs from 0, transact, read the reply,
  // release.

  private Connection.Slot begin(int op, int fid) {
    if (Op.isLookUp(op)
        && Thread.currentThread() instanceof ImpatientCaller caller
        && caller.refusesToWait()) {
      return null;
    }
    Connection.Slot slot = connection.claim();
    if (slot != null) {
      Memory.setInt(memory, slot.request + Protocol.OP, op);
      Memory.setInt(memory, slot.request + Protocol.FID, fid);
    }
    return slot;
  }

  private void setInt(Connection.Slot slot, long field, int value) {
    Memory.setInt(memory, slot.request + field, value);
  }

  private void setLong(Connection.Slot slot, long field, long value) {
    Memory.setLong(memory, slot.request + field, value);
  }

  /** Appends a string to the payload. Returns its bytes, or -ENAMETOOLONG. */
  private int put(Connection.Slot slot, int at, String s, int max) {
    int n = s.length();
    if (n > max || at + n > CHUNK) {
      return -Errno.ENAMETOOLONG;
    }
    long to = slot.payload + at;
    for (int i = 0; i < n; i++) {
      Memory.setByte(memory, to + i, (byte) s.charAt(i));
    }
    return n;
  }

  /** Puts the only name of a request. Returns 0 or -ENAMETOOLONG. */
  private int putName(Connection.Slot slot, String name) {
    int n = put(slot, 0, name, NAME_MAX);
    setInt(slot, Protocol.PAYLOAD, Math.max(n, 0));
    return Math.min(n, 0);
  }

  /** Puts two strings. Returns 0 or -ENAMETOOLONG. */
  private int putTwo(Connection.Slot slot, String first, String second, int secondMax) {
    int n = put(slot, 0, first, NAME_MAX);
    int k = n < 0 ? n : put(slot, n, second, secondMax);
    if (k < 0) {
      return k;
    }
    setInt(slot, Protocol.NAME1, n);
    setInt(slot, Protocol.PAYLOAD, n + k);
    return 0;
  }

  /** Sends and waits. Returns the result, which is at most {@code max}, or -errno. */
  private int finish(Connection.Slot slot, int max) {
    if (!connection.transact(slot)) {
      return -Errno.EIO;
    }
    int result = Memory.getInt(memory, slot.reply + Protocol.RESULT);
    if (result > max || result < -Errno.EHWPOISON) {
      return malformed("result=" + result + ", max=" + max);
    }
    return result;
  }

  private int malformed(String what) {
    connection.die("gofer: malformed reply: " + what);
    return -Errno.EIO;
  }

  /** Finishes a call that answers with attributes. */
  private int finish(Connection.Slot slot, NodeAttr attr) {
    int r = finish(slot, 0);
    if (r == 0 && !attr.load(memory, slot.reply + Protocol.ATTR)) {
      return malformed("mode=" + attr.mode + ", size=" + attr.size);
    }
    return r;
  }

  /** Finishes a call that answers with a node. Returns its fid or -errno. */
  private int finishNode(Connection.Slot slot, NodeAttr attr) {
    int r = finish(slot, attr);
    if (r < 0) {
      return r;
    }
    int fid = Memory.getInt(memory, slot.reply + Protocol.NODE);
    return fid > 0 ? fid : malformed("node=" + fid);
  }

  // Nodes.

  /** The node of a root. Returns a fid or -errno (-ENOENT: no such root). */
  public int attach(int root, NodeAttr attr) {
    Connection.Slot slot = begin(Op.ATTACH, 0);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      setLong(slot, Protocol.OFFSET, root);
      return finishNode(slot, attr);
    } finally {
      connection.release(slot);
    }
  }

  /**
   * Walks down from a directory node, one component after the other, at most 256. Symlinks are not
   * followed: the walk ends with the node of one, as with any that is no directory.
   *
   * @param statsLast only look at the last of the names: it gets attributes but no fid
   * @param to what was found; each fid in it is the caller's to close, whatever the result
   * @return how many nodes were found, or -errno if {@code dir} cannot be walked at all
   */
  public int walk(int dir, String[] names, int from, int count, boolean statsLast, Walk to) {
    int flags = statsLast ? Protocol.WALK_STAT_LAST : 0;
    return walk(dir, names, from, count, flags, to);
  }

  /**
   * As {@link #walk}, in order to open the last of the names: if it is a regular file that can be
   * opened for reading, {@link Walk#fd} is its descriptor.
   */
  public int walkToOpen(int dir, String[] names, int from, int count, Walk to) {
    return walk(dir, names, from, count, Protocol.WALK_OPEN_LAST, to);
  }

  /**
   * As {@link #walk} or {@link #walkToOpen}, of names that have been walked before. Those whose
   * {@link Walk#known} fid is still theirs are answered with it: nothing new to close.
   */
  public int walkAgain(int dir, String[] names, int from, int count, boolean opens, Walk to) {
    int flags = Protocol.WALK_KNOWN | (opens ? Protocol.WALK_OPEN_LAST : 0);
    return walk(dir, names, from, count, flags, to);
  }

  private int walk(int dir, String[] names, int from, int count, int flags, Walk to) {
    to.found = 0;
    to.error = 0;
    to.fd = -1;
    int n = Math.min(count, Protocol.WALK_MAX);
    Connection.Slot slot = begin(Op.WALK, dir);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      boolean isAgain = (flags & Protocol.WALK_KNOWN) != 0;
      int at = isAgain ? 4 * n : 0;
      for (int i = 0; i < n; i++) {
        int length = put(slot, at + 1, names[from + i], NAME_MAX);
        if (length < 0) {
          if (i == 0) {
            to.error = -length;
            return 0;
          }
          return walk(
              dir, names, from, i, 0, to); // the caller meets the long name in its next walk
        }
        Memory.setByte(memory, slot.payload + at, (byte) length);
        at += 1 + length;
      }
      if (isAgain) {
        setInts(to.known, 0, memory, slot.payload, n);
      }
      int last = n == count ? flags : flags & Protocol.WALK_KNOWN;
      setInt(slot, Protocol.FLAGS, last);
      setLong(slot, Protocol.LENGTH, n);
      setInt(slot, Protocol.PAYLOAD, at);
      int found = finish(slot, n);
      boolean statsLast = last == Protocol.WALK_STAT_LAST;
      int r = found < 0 ? found : readWalk(slot, found, n, statsLast, to);
      if (r == n && (last & Protocol.WALK_OPEN_LAST) != 0) {
        to.fd = Math.max(slot.fd, -1);
        slot.fd = -1;
      }
      return r;
    } finally {
      connection.release(slot);
    }
  }

  private int readWalk(Connection.Slot slot, int found, int n, boolean statsLast, Walk to) {
    int error = Memory.getInt(memory, slot.reply + Protocol.ERROR);
    if (error < 0 || error > Errno.EHWPOISON || (error != 0 && found == n)) {
      return malformed("walk error=" + error + ", found=" + found);
    }
    for (int i = 0; i < found; i++) {
      long record = slot.payload + (long) i * Protocol.WALK_ENTRY_SIZE;
      int fid = Memory.getInt(memory, record);
      if (to.attrs[i] == null) {
        to.attrs[i] = new NodeAttr();
      }
      boolean isOnlyLookedAt = statsLast && i == n - 1;
      if (!to.attrs[i].load(memory, record + 8) || (isOnlyLookedAt ? fid != 0 : fid <= 0)) {
        return malformed("walked fid=" + fid + ", mode=" + to.attrs[i].mode);
      }
      to.fids[i] = fid;
    }
    to.found = found;
    to.error = error;
    return found;
  }

  /** Walks one component. Returns the node's fid or -errno. */
  public int lookup(int dir, String name, NodeAttr attr) {
    return walkOne(dir, name, 0, attr);
  }

  /** Attributes of what a directory has under a name, without a fid. Returns 0 or -errno. */
  public int lstat(int dir, String name, NodeAttr attr) {
    return walkOne(dir, name, Protocol.WALK_STAT_LAST, attr);
  }

  private int walkOne(int dir, String name, int flags, NodeAttr attr) {
    Connection.Slot slot = begin(Op.WALK, dir);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      int length = put(slot, 1, name, NAME_MAX);
      if (length < 0) {
        return length;
      }
      Memory.setByte(memory, slot.payload, (byte) length);
      setInt(slot, Protocol.FLAGS, flags);
      setLong(slot, Protocol.LENGTH, 1);
      setInt(slot, Protocol.PAYLOAD, 1 + length);
      int found = finish(slot, 1);
      if (found < 0) {
        return found;
      }
      if (found == 0) {
        int error = Memory.getInt(memory, slot.reply + Protocol.ERROR);
        boolean isErrno = error > 0 && error <= Errno.EHWPOISON;
        return isErrno ? -error : malformed("walk error=" + error);
      }
      int fid = Memory.getInt(memory, slot.payload);
      if (!attr.load(memory, slot.payload + 8) || (flags == 0 ? fid <= 0 : fid != 0)) {
        return malformed("walked fid=" + fid + ", mode=" + attr.mode);
      }
      return fid;
    } finally {
      connection.release(slot);
    }
  }

  /** Attributes of a node or open file. Returns 0 or -errno. */
  public int getattr(int fid, NodeAttr attr) {
    Connection.Slot slot = begin(Op.GETATTR, fid);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      return finish(slot, attr);
    } finally {
      connection.release(slot);
    }
  }

  /** Changes attributes of a node or open file; {@code attr} gets what they are then. */
  public int setattr(int fid, SetAttr change, NodeAttr attr) {
    Connection.Slot slot = begin(Op.SETATTR, fid);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      setInt(slot, Protocol.FLAGS, change.mask);
      setInt(slot, Protocol.MODE, change.mode);
      setInt(slot, Protocol.UID, change.uid);
      setInt(slot, Protocol.GID, change.gid);
      setLong(slot, Protocol.LENGTH, change.size);
      if ((change.mask & Protocol.SET_TIMES) != 0) {
        Memory.setLong(memory, slot.payload, change.atimeSeconds);
        Memory.setLong(memory, slot.payload + 8, change.atimeNanos);
        Memory.setLong(memory, slot.payload + 16, change.mtimeSeconds);
        Memory.setLong(memory, slot.payload + 24, change.mtimeNanos);
        setInt(slot, Protocol.PAYLOAD, Protocol.TIMES_SIZE);
      }
      return finish(slot, attr);
    } finally {
      connection.release(slot);
    }
  }

  // Open files.

  /**
   * Opens a node.
   *
   * @param flags O_* as the guest gave them; O_CREAT and O_EXCL are ignored
   * @return 0 or -errno: -EROFS, -ELOOP for a symlink, -ENXIO for FIFOs and sockets, -EACCES for
   *     devices
   */
  public int open(int node, int flags, Opened to) {
    Connection.Slot slot = begin(Op.OPEN, node);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      setInt(slot, Protocol.FLAGS, flags);
      return finishOpen(slot, false, to);
    } finally {
      connection.release(slot);
    }
  }

  /**
   * Makes and opens a regular file.
   *
   * @param mode permissions, with the guest's umask applied
   * @param uid owner, or -1; an ordinary user's gofer ignores it
   * @return 0 or -errno; -EEXIST whether or not O_EXCL was asked for: without it, walk and open
   */
  public int create(int dir, String name, int flags, int mode, int uid, int gid, Opened to) {
    Connection.Slot slot = begin(Op.CREATE, dir);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      setInt(slot, Protocol.FLAGS, flags);
      setInt(slot, Protocol.MODE, mode);
      setInt(slot, Protocol.UID, uid);
      setInt(slot, Protocol.GID, gid);
      int r = putName(slot, name);
      return r < 0 ? r : finishOpen(slot, true, to);
    } finally {
      connection.release(slot);
    }
  }

  /**
   * Makes and opens a regular file without a name (O_TMPFILE).
   *
   * @param isLinkable whether {@link #link} may give it a name
   * @return 0 or -errno; -EOPNOTSUPP where the file system has no such files
   */
  public int createUnnamed(int dir, int mode, int uid, int gid, boolean isLinkable, Opened to) {
    Connection.Slot slot = begin(Op.CREATE, dir);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      int flags = Fcntl.O_TMPFILE | Fcntl.O_RDWR | (isLinkable ? 0 : Fcntl.O_EXCL);
      setInt(slot, Protocol.FLAGS, flags);
      setInt(slot, Protocol.MODE, mode);
      setInt(slot, Protocol.UID, uid);
      setInt(slot, Protocol.GID, gid);
      return finishOpen(slot, true, to);
    } finally {
      connection.release(slot);
    }
  }

  private int finishOpen(Connection.Slot slot, boolean isCreate, Opened to) {
    to.fd = -1;
    to.open = 0;
    to.node = 0;
    int r = finish(slot, to.attr);
    if (r < 0) {
      return r;
    }
    int node = Memory.getInt(memory, slot.reply + Protocol.NODE);
    int open = Memory.getInt(memory, slot.reply + Protocol.OPEN);
    boolean hasOne = slot.fd != -1 ? open == 0 : open > 0;
    if (!hasOne || (isCreate ? node <= 0 : node != 0)) {
      return malformed("opened fid=" + open + ", node=" + node);
    }
    if (slot.fd == -Errno.EMFILE) {
      if (node != 0) {
        closeLater(node);
      }
      return -Errno.ENFILE;
    }
    to.fd = slot.fd;
    slot.fd = -1;
    to.open = open;
    to.node = node;
    return 0;
  }

  /**
   * Reads from an open file through the region.
   *
   * @return bytes, fewer than asked only at the end of the file, or -errno
   */
  public long read(int open, long offset, MemorySegment to, long at, long length) {
    long done = 0;
    while (done < length) {
      int chunk = (int) Math.min(length - done, CHUNK);
      int n = readChunk(open, offset + done, to, at + done, chunk);
      if (n < 0) {
        return done > 0 ? done : n;
      }
      done += n;
      if (n < chunk) {
        break;
      }
    }
    return done;
  }

  private int readChunk(int open, long offset, MemorySegment to, long at, int length) {
    Connection.Slot slot = begin(Op.READ, open);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      setLong(slot, Protocol.OFFSET, offset);
      setLong(slot, Protocol.LENGTH, length);
      int n = finish(slot, length);
      if (n > 0) {
        MemorySegment.copy(memory, slot.payload, to, at, n);
      }
      return n;
    } finally {
      connection.release(slot);
    }
  }

  /** Writes to an open file through the region. Returns bytes or -errno. */
  public long write(int open, long offset, MemorySegment from, long at, long length) {
    long done = 0;
    while (done < length) {
      int chunk = (int) Math.min(length - done, CHUNK);
      int n = writeChunk(open, offset + done, from, at + done, chunk);
      if (n < 0) {
        return done > 0 ? done : n;
      }
      done += n;
      if (n < chunk) {
        break;
      }
    }
    return done;
  }

  private int writeChunk(int open, long offset, MemorySegment from, long at, int length) {
    Connection.Slot slot = begin(Op.WRITE, open);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      MemorySegment.copy(from, at, memory, slot.payload, length);
      setLong(slot, Protocol.OFFSET, offset);
      setInt(slot, Protocol.PAYLOAD, length);
      return finish(slot, length);
    } finally {
      connection.release(slot);
    }
  }

  /**
   * Entries of an open directory from a cursor on: some of them, as getdents64 does.
   *
   * @param cursor 0 for the start, or what an entry said is next
   * @return how many entries were taken, 0 at the end, or -errno
   */
  public int readdir(int open, long cursor, DirSink sink) {
    for (long from = cursor; ; ) {
      byte[] entries;
      Connection.Slot slot = begin(Op.READDIR, open);
      if (slot == null) {
        return -Errno.EIO;
      }
      try {
        setLong(slot, Protocol.OFFSET, from);
        setLong(slot, Protocol.LENGTH, READDIR_BYTES);
        int n = finish(slot, READDIR_BYTES);
        if (n <= 0) {
          return n;
        }
        // Out of the slot, since the sink may call here again.
        entries = new byte[n];
        Memory.copy(memory, slot.payload, entries, 0, n);
      } finally {
        connection.release(slot);
      }
      int taken = DirEntries.parse(entries, sink);
      if (taken == DirEntries.MALFORMED) {
        return malformed("directory entries");
      }
      if (taken != DirEntries.ONLY_DOTS) {
        return taken;
      }
      from = DirEntries.lastCursor(entries); // the end may be further on
    }
  }

  /**
   * All entries of a directory node, or as many as one message holds.
   *
   * @param more gets the cursor at which {@link #readdir} of the returned fid goes on
   * @return 0 when that was all; the fid of an open directory, to be closed, when it was not; or
   *     -errno
   */
  public int list(int node, DirSink sink, long[] more) {
    byte[] entries;
    int open;
    Connection.Slot slot = begin(Op.LIST, node);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      setLong(slot, Protocol.LENGTH, CHUNK);
      int n = finish(slot, CHUNK);
      if (n < 0) {
        return n;
      }
      open = Memory.getInt(memory, slot.reply + Protocol.OPEN);
      if (open < 0) {
        return malformed("listed fid=" + open);
      }
      entries = new byte[n];
      Memory.copy(memory, slot.payload, entries, 0, n);
    } finally {
      connection.release(slot);
    }
    if (DirEntries.parse(entries, sink) == DirEntries.MALFORMED) {
      return malformed("directory entries");
    }
    more[0] = DirEntries.lastCursor(entries);
    return open;
  }

  /** Flushes an open file; fdatasync(2) if {@code isDataOnly}. Returns 0 or -errno. */
  public int fsync(int open, boolean isDataOnly) {
    return simple(Op.FSYNC, open, isDataOnly ? 1 : 0, 0, 0);
  }

  /** ftruncate(2) of an open file. Returns 0 or -errno. */
  public int truncate(int open, long size) {
    return simple(Op.TRUNCATE, open, 0, 0, size);
  }

  /** fallocate(2) of an open file. Returns 0 or -errno. */
  public int fallocate(int open, int mode, long offset, long length) {
    return simple(Op.FALLOCATE, open, mode, offset, length);
  }

  private int simple(int op, int fid, int flags, long offset, long length) {
    Connection.Slot slot = begin(op, fid);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      setInt(slot, Protocol.FLAGS, flags);
      setLong(slot, Protocol.OFFSET, offset);
      setLong(slot, Protocol.LENGTH, length);
      return finish(slot, 0);
    } finally {
      connection.release(slot);
    }
  }

  /** Closes a node or open file at once. Returns 0 or -EIO. */
  public int close(int fid) {
    return closeMany(new int[] {fid}, 1);
  }

  /** Closes several at once; those not known are skipped. Returns 0 or -EIO. */
  public int closeMany(int[] fids, int count) {
    for (int from = 0; from < count; from += CHUNK / 4) {
      int n = Math.min(count - from, CHUNK / 4);
      Connection.Slot slot = begin(Op.CLOSE, 0);
      if (slot == null) {
        return -Errno.EIO;
      }
      try {
        setInts(fids, from, memory, slot.payload, n);
        setLong(slot, Protocol.LENGTH, n);
        setInt(slot, Protocol.PAYLOAD, 4 * n);
        int r = finish(slot, n);
        if (r < 0) {
          return r;
        }
      } finally {
        connection.release(slot);
      }
    }
    return 0;
  }

  /**
   * Closes a fid some time later, together with others. Not for the last fid of a file that was
   * removed: its space would stay in use.
   */
  public void closeLater(int fid) {
    int[] full = null;
    synchronized (closing) {
      closing[closingCount++] = fid;
      if (closingCount == CLOSE_BATCH) {
        full = closing.clone();
        closingCount = 0;
      }
    }
    if (full != null) {
      closeMany(full, full.length);
    }
  }

  /** Sends what {@link #closeLater} has gathered. */
  public void flushCloses() {
    int[] some;
    int n;
    synchronized (closing) {
      some = closing.clone();
      n = closingCount;
      closingCount = 0;
    }
    closeMany(some, n);
  }

  // Names.

  /** Target of a symlink node, at most 4096 bytes. Returns its length or -errno. */
  public int readlink(int node, byte[] to) {
    Connection.Slot slot = begin(Op.READLINK, node);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      int n = finish(slot, 4096);
      if (n > to.length) {
        return -Errno.ERANGE;
      }
      if (n > 0) {
        Memory.copy(memory, slot.payload, to, 0, n);
      }
      return n;
    } finally {
      connection.release(slot);
    }
  }

  /** Makes a directory. Returns its node's fid or -errno. */
  public int mkdir(int dir, String name, int mode, int uid, int gid, NodeAttr attr) {
    return make(Op.MKDIR, dir, name, null, mode, uid, gid, attr);
  }

  /** Makes a FIFO, socket or regular file (S_IF* in {@code mode}). Returns a fid or -errno. */
  public int mknod(int dir, String name, int mode, int uid, int gid, NodeAttr attr) {
    return make(Op.MKNOD, dir, name, null, mode, uid, gid, attr);
  }

  /** Makes a symlink. Returns its node's fid or -errno. */
  public int symlink(int dir, String name, String target, int uid, int gid, NodeAttr attr) {
    return make(Op.SYMLINK, dir, name, target, 0, uid, gid, attr);
  }

  private int make(
      int op, int dir, String name, String target, int mode, int uid, int gid, NodeAttr attr) {
    Connection.Slot slot = begin(op, dir);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      setInt(slot, Protocol.MODE, mode);
      setInt(slot, Protocol.UID, uid);
      setInt(slot, Protocol.GID, gid);
      int r = target == null ? putName(slot, name) : putTwo(slot, name, target, 4095);
      return r < 0 ? r : finishNode(slot, attr);
    } finally {
      connection.release(slot);
    }
  }

  /** Gives a node another name. Returns 0 or -errno; {@code attr} has the new link count. */
  public int link(int node, int dir, String name, NodeAttr attr) {
    Connection.Slot slot = begin(Op.LINK, node);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      setInt(slot, Protocol.FID2, dir);
      int r = putName(slot, name);
      return r < 0 ? r : finish(slot, attr);
    } finally {
      connection.release(slot);
    }
  }

  /** Removes a name that is no directory's. Returns 0 or -errno. */
  public int unlink(int dir, String name) {
    return remove(dir, name, 0);
  }

  /**
   * As {@link #unlink} of a name that was not looked up.
   *
   * @param attr gets the attributes of what had the name, from before
   */
  public int unlink(int dir, String name, NodeAttr attr) {
    Connection.Slot slot = begin(Op.UNLINK, dir);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      setInt(slot, Protocol.FLAGS, Protocol.UNLINK_STAT);
      int r = putName(slot, name);
      return r < 0 ? r : finish(slot, attr);
    } finally {
      connection.release(slot);
    }
  }

  /** Removes an empty directory. Returns 0 or -errno. */
  public int rmdir(int dir, String name) {
    return remove(dir, name, Fcntl.AT_REMOVEDIR);
  }

  private int remove(int dir, String name, int flags) {
    Connection.Slot slot = begin(Op.UNLINK, dir);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      setInt(slot, Protocol.FLAGS, flags);
      int r = putName(slot, name);
      return r < 0 ? r : finish(slot, 0);
    } finally {
      connection.release(slot);
    }
  }

  /**
   * Renames within one root.
   *
   * @param flags {@link Dir#RENAME_NOREPLACE} or {@link Dir#RENAME_EXCHANGE}
   */
  public int rename(int oldDir, String oldName, int newDir, String newName, int flags) {
    Connection.Slot slot = begin(Op.RENAME, oldDir);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      setInt(slot, Protocol.FID2, newDir);
      setInt(slot, Protocol.FLAGS, flags);
      int r = putTwo(slot, oldName, newName, NAME_MAX);
      return r < 0 ? r : finish(slot, 0);
    } finally {
      connection.release(slot);
    }
  }

  // File systems and extended attributes.

  /** Fills a {@link Stat.StatfsBuf} for the file system of a fid. Returns 0 or -errno. */
  public int statfs(int fid, MemorySegment to) {
    Connection.Slot slot = begin(Op.STATFS, fid);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      int r = finish(slot, 0);
      if (r == 0) {
        MemorySegment.copy(memory, slot.payload, to, 0, Stat.StatfsBuf.SIZEOF);
      }
      return r;
    } finally {
      connection.release(slot);
    }
  }

  /**
   * getxattr(2) of a node, {@code user.} names only; an empty array asks for the size.
   *
   * @return bytes or -errno
   */
  public int getxattr(int node, String name, byte[] to) {
    return readXattr(Op.GETXATTR, node, name, to);
  }

  /** listxattr(2) of a node: names, each with its NUL. Returns bytes or -errno. */
  public int listxattr(int node, byte[] to) {
    return readXattr(Op.LISTXATTR, node, "", to);
  }

  private int readXattr(int op, int node, String name, byte[] to) {
    Connection.Slot slot = begin(op, node);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      int room = Math.min(to.length, CHUNK);
      setLong(slot, Protocol.LENGTH, room);
      int r = putName(slot, name);
      int n = r < 0 ? r : finish(slot, room == 0 ? CHUNK : room);
      if (n > 0 && room > 0) {
        Memory.copy(memory, slot.payload, to, 0, n);
      }
      return n;
    } finally {
      connection.release(slot);
    }
  }

  /** setxattr(2) of a node. Returns 0 or -errno. */
  public int setxattr(int node, String name, byte[] value, int flags) {
    Connection.Slot slot = begin(Op.SETXATTR, node);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      int n = put(slot, 0, name, NAME_MAX);
      if (n < 0 || n + value.length > CHUNK) {
        return n < 0 ? -Errno.ERANGE : -Errno.E2BIG;
      }
      Memory.copy(value, 0, memory, slot.payload + n, value.length);
      setInt(slot, Protocol.NAME1, n);
      setInt(slot, Protocol.PAYLOAD, n + value.length);
      setInt(slot, Protocol.FLAGS, flags);
      return finish(slot, 0);
    } finally {
      connection.release(slot);
    }
  }

  /** removexattr(2) of a node. Returns 0 or -errno. */
  public int removexattr(int node, String name) {
    Connection.Slot slot = begin(Op.REMOVEXATTR, node);
    if (slot == null) {
      return -Errno.EIO;
    }
    try {
      int r = putName(slot, name);
      return r < 0 ? r : finish(slot, 0);
    } finally {
      connection.release(slot);
    }
  }

  /** As MemorySegment.copy, which a JVM that starts has to link first. */
  private static void setInts(int[] from, int index, MemorySegment to, long at, int count) {
    for (int i = 0; i < count; i++) {
      Memory.setInt(to, at + 4L * i, from[index + i]);
    }
  }
}
