package io.redoubt.sentry.fs.gofer;

import io.redoubt.gofer.DirSink;
import io.redoubt.gofer.GoferClient;
import io.redoubt.host.Errno;
import java.util.Arrays;

/**
 * The names of a host directory as they were at one moment. Read whole because the host's own
 * positions need all 63 bits, and because what is removed and made between two reads must neither
 * be lost nor come twice.
 */
public final class DirSnapshot implements DirSink {
  /** Names of one directory; 30 bytes each and more. */
  private static final int MAX_NAMES = 1 << 22;

  private String[] names;
  private long[] inos;
  private byte[] types;
  private int count;
  private long lastCursor;

  private DirSnapshot(int room) {
    names = new String[room];
    inos = new long[room];
    types = new byte[room];
  }

  /** An empty one, with room for {@code count} names. */
  public static DirSnapshot ofUpTo(int count) {
    return new DirSnapshot(Math.max(count, 1));
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
    error[0] = Math.min(r, 0);
    return r < 0 ? null : s;
  }

  @Override
  public boolean entry(long ino, int type, String name, long next) {
    lastCursor = next;
    return add(ino, type, name);
  }

  private boolean add(long ino, int type, String name) {
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
