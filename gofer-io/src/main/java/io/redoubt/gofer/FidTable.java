package io.redoubt.gofer;

import io.redoubt.host.Errno;
import java.util.Arrays;

/**
 * The files that a connection holds, nodes and opens alike, looked up by fid.
 *
 * <p>A fid is an int: bit 30 says open (else node), bits 29 to 20 are a generation from 1 to 1023,
 * the rest is an index into the arrays here. The generation changes each time an index is used
 * again, so a fid that the sentry has closed is not soon mistaken for a newer one. 0 is never a
 * fid.
 */
final class FidTable {
  private static final int OPEN_BIT = 1 << 30;
  private static final int GENERATION_SHIFT = 20;
  private static final int GENERATION_MAX = 1023;
  private static final int INDEX_MASK = (1 << GENERATION_SHIFT) - 1;

  private final int limit;
  private int[] fids = new int[256]; // the live fid of an index, or 0
  private int[] fds = new int[256];
  private int[] modes = new int[256];
  private short[] roots = new short[256];
  private long[] positions = new long[256];
  private long[] devs = new long[256]; // which inode a node is
  private long[] inos = new long[256];
  private int[] watches = new int[256]; // watch descriptor of a node, or 0
  private int[] nextFree = new int[256];
  private short[] generations = new short[256];
  private int freeHead = -1;
  private int used;
  private int live;

  /**
   * @param limit most fids at once
   */
  FidTable(int limit) {
    this.limit = Math.min(limit, INDEX_MASK + 1);
  }

  /** Whether {@code fid} has the form of an open one; it need not exist. */
  static boolean isOpenForm(int fid) {
    return (fid & OPEN_BIT) != 0;
  }

  /**
   * Enters a descriptor, which now belongs to the table.
   *
   * @param mode st_mode for a node, open flags for an open file
   * @return a fid or -EMFILE; then the descriptor is still the caller's
   */
  int add(boolean isOpen, int fd, int mode, int root) {
    int index = freeHead;
    if (index >= 0) {
      freeHead = nextFree[index];
    } else if (used < limit) {
      index = used++;
      if (index == fds.length) {
        grow();
      }
    } else {
      return -Errno.EMFILE;
    }
    int generation = generations[index] % GENERATION_MAX + 1;
    generations[index] = (short) generation;
    fds[index] = fd;
    modes[index] = mode;
    roots[index] = (short) root;
    positions[index] = 0;
    devs[index] = 0;
    inos[index] = 0;
    watches[index] = 0;
    live++;
    return fids[index] = (isOpen ? OPEN_BIT : 0) | generation << GENERATION_SHIFT | index;
  }

  private void grow() {
    int n = Math.min(fds.length * 2, INDEX_MASK + 1);
    fids = Arrays.copyOf(fids, n);
    fds = Arrays.copyOf(fds, n);
    modes = Arrays.copyOf(modes, n);
    roots = Arrays.copyOf(roots, n);
    positions = Arrays.copyOf(positions, n);
    devs = Arrays.copyOf(devs, n);
    inos = Arrays.copyOf(inos, n);
    watches = Arrays.copyOf(watches, n);
    nextFree = Arrays.copyOf(nextFree, n);
    generations = Arrays.copyOf(generations, n);
  }

  /** The index of a live fid, or -EBADF. Good until the fid is removed. */
  int index(int fid) {
    int index = fid & INDEX_MASK;
    return fid > 0 && index < used && fids[index] == fid ? index : -Errno.EBADF;
  }

  /** The index of a live node, or -EBADF. */
  int node(int fid) {
    return isOpenForm(fid) ? -Errno.EBADF : index(fid);
  }

  /** The index of a live open file, or -EBADF. */
  int open(int fid) {
    return isOpenForm(fid) ? index(fid) : -Errno.EBADF;
  }

  int fd(int index) {
    return fds[index];
  }

  int mode(int index) {
    return modes[index];
  }

  int root(int index) {
    return roots[index];
  }

  /**
   * Says which inode a node is; as long as its descriptor is held no other can have that number.
   */
  void identify(int index, long dev, long ino) {
    devs[index] = dev;
    inos[index] = ino;
  }

  boolean isInode(int index, long dev, long ino) {
    return inos[index] == ino && devs[index] == dev;
  }

  /** The watch descriptor of a node, or 0. */
  int watch(int index) {
    return watches[index];
  }

  void setWatch(int index, int wd) {
    watches[index] = wd;
  }

  /** Where the next getdents64 of an open directory starts. */
  long position(int index) {
    return positions[index];
  }

  void setPosition(int index, long position) {
    positions[index] = position;
  }

  /** Removes a fid. Returns its descriptor, which is the caller's again, or -EBADF. */
  int remove(int fid) {
    int index = index(fid);
    if (index < 0) {
      return index;
    }
    fids[index] = 0;
    nextFree[index] = freeHead;
    freeHead = index;
    live--;
    return fds[index];
  }

  /** How many fids are live. */
  int size() {
    return live;
  }

  /** The descriptors of all fids, to be closed at the end of a connection. */
  int[] allFds() {
    int[] all = new int[live];
    int n = 0;
    for (int i = 0; i < used; i++) {
      if (fids[i] != 0) {
        all[n++] = fds[i];
      }
    }
    return all;
  }
}
