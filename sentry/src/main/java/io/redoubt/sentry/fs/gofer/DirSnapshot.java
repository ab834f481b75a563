package io.redoubt.sentry.fs.gofer;

import io.redoubt.gofer.DirSink;
import io.redoubt.gofer.GoferClient;
import io.redoubt.host.Errno;
import io.redoubt.sentry.limits.Limit;
import java.util.Arrays;

/**
 * The names of a host directory as they were at one moment. Read whole because the host's own
 * positions need all 63 bits, and because what is removed and made between two reads must neither
 * be lost nor come twice.
 */
public final class DirSnapshot implements DirSink, AutoCloseable {
  /** Names of one directory; 30 bytes each and more. */
  private static final int MAX_NAMES = 1 << 22;

  private static final int ENTRY_BYTES = 48;
  private static final int FIRST_BYTES = 2048;

  private String[] names;
  private long[] inos;
  private byte[] types;
  private int count;
  private long lastCursor;
  private long bytes; // about
  private long charged; // at least that, of Limit.LISTING_BYTES
  private boolean isRefused;
  private boolean isAccounted; // by somebody else

  private DirSnapshot(int room) {
    names = new String[room];
    inos = new long[room];
    types = new byte[room];
  }

  /** An empty one, with room for {@code count} names, which somebody else accounts for. */
  public static DirSnapshot ofUpTo(int count) {
    DirSnapshot s = new DirSnapshot(Math.max(count, 1));
    s.isAccounted = true;
    return s;
  }

  /**
   * The same names for a reader that may keep them for long, who accounts for them. @return null
   * when there is no room for that
   */
  public DirSnapshot forReader() {
    if (!Limit.LISTING_BYTES.charge(bytes)) {
      return null;
    }
    DirSnapshot s = new DirSnapshot(0);
    s.names = names;
    s.inos = inos;
    s.types = types;
    s.count = count;
    s.bytes = s.charged = bytes;
    return s;
  }

  /** Lists the directory of a node fid. @return null with the negative errno in {@code error[0]} */
  public static DirSnapshot read(GoferClient client, int node, int[] error) {
    DirSnapshot s = new DirSnapshot(32);
    long[] cursor = new long[1];
    int open = client.directories.list(node, s, cursor);
    if (open == -Errno.EMFILE) {
      client.flushCloses();
      open = client.directories.list(node, s, cursor);
    }
    int r = open;
    if (open > 0) {
      do {
        s.lastCursor = cursor[0];
        r = client.directories.readdir(open, cursor[0], s);
        cursor[0] = s.lastCursor;
      } while (r > 0 && s.count < MAX_NAMES);
      client.closeLater(open);
    }
    if (s.isRefused) {
      r = -Errno.ENOMEM;
    }
    error[0] = Math.min(r, 0);
    if (r < 0) {
      s.close();
      return null;
    }
    return s;
  }

  @Override
  public boolean entry(long ino, int type, String name, long next) {
    lastCursor = next;
    return add(ino, type, name);
  }

  private boolean add(long ino, int type, String name) {
    bytes += ENTRY_BYTES + name.length();
    if (bytes > charged && !isAccounted && !charge()) {
      return false;
    }
    if (count == names.length) {
      names = Arrays.copyOf(names, 2 * count);
      inos = Arrays.copyOf(inos, 2 * count);
      types = Arrays.copyOf(types, 2 * count);
    }
    names[count] = name;
    inos[count] = ino;
    types[count++] = (byte) type;
    return count < MAX_NAMES;
  }

  private boolean charge() {
    long more = Math.max(FIRST_BYTES, charged / 2);
    isRefused = !Limit.LISTING_BYTES.charge(more);
    charged += isRefused ? 0 : more;
    return !isRefused;
  }

  /** Gives back what it holds; nobody may use it any more. */
  @Override
  public void close() {
    Limit.LISTING_BYTES.release(charged);
    charged = 0;
  }

  /** Hands entries on, from a position, until the sink has enough. */
  void list(long position, io.redoubt.sentry.fs.DirSink sink) {
    for (long i = position; i < count; i++) {
      if (!sink.add(names[(int) i], inos[(int) i], types[(int) i], i + 1)) {
        break;
      }
    }
  }

  public int count() {
    return count;
  }

  public String name(int i) {
    return names[i];
  }

  public long ino(int i) {
    return inos[i];
  }

  /** DT_* value, 0 where the host's file system does not say. */
  public int type(int i) {
    return types[i];
  }
}
