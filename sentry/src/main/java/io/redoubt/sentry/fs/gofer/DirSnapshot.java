package io.redoubt.sentry.fs.gofer;

import io.redoubt.gofer.GoferClient;
import io.redoubt.gofer.Opened;
import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import java.util.Arrays;

/**
 * The names of a host directory as they were at one moment. Read whole because the host's own positions need all 63 bits, and because
 * what is removed and made between two reads must neither be lost nor come twice.
 */
public final class DirSnapshot {
  /** Names of one directory; 30 bytes each and more. */
  private static final int MAX_NAMES = 1 << 22;

  private String[] names = new String[32];
  private long[] inos = new long[32];
  private byte[] types = new byte[32];
  private int count;

  private DirSnapshot() {}

  /** Lists the directory of a node fid. @return null with the negative errno in {@code error[0]} */
  public static DirSnapshot read(GoferClient client, int node, Opened holder, int[] error) {
    int r = client.open(node, Fcntl.O_RDONLY | Fcntl.O_DIRECTORY, holder);
    if (r == -Errno.EMFILE) {
      client.flushCloses();
      r = client.open(node, Fcntl.O_RDONLY | Fcntl.O_DIRECTORY, holder);
    }
    if (r < 0) {
      error[0] = r;
      return null;
    }
    int open = holder.open;
    DirSnapshot s = new DirSnapshot();
    long[] cursor = new long[1];
    do {
      r =
          client.readdir(
              open,
              cursor[0],
              (ino, type, name, next) -> {
                cursor[0] = next;
                return s.add(ino, type, name);
              });
    } while (r > 0 && s.count < MAX_NAMES);
    client.closeLater(open);
    error[0] = r;
    return r < 0 ? null : s;
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
