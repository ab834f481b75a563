package io.redoubt.gofer;

import io.redoubt.host.Errno;
import io.redoubt.host.Inotify;
import io.redoubt.host.Memory;
import io.redoubt.host.Stat;
import io.redoubt.host.Unistd;

/**
 * Watches of inotify(7) on nodes, for a sentry that wants to know whether what it has been told
 * still holds. A part of {@link FileOps}.
 *
 * <p>The host kernel queues an event before the call that changes something returns. So whoever has
 * read the queue, and found nothing, knows as much as by asking again. The queue is the sentry's to
 * read; it cannot add to it, as that takes a path.
 */
final class Watches {
  /** Most at once; a user of the host has some ten thousands in all. */
  static final int LIMIT = 4096;

  /** What changes a directory, or what its names lead to. */
  private static final int OF_DIRECTORY =
      Inotify.IN_CREATE
          | Inotify.IN_DELETE
          | Inotify.IN_MOVED_FROM
          | Inotify.IN_MOVED_TO
          | Inotify.IN_ATTRIB
          | Inotify.IN_DELETE_SELF
          | Inotify.IN_MOVE_SELF;

  /** A move changes the time of change, by whichever of its names. */
  private static final int OF_FILE =
      Inotify.IN_MODIFY | Inotify.IN_ATTRIB | Inotify.IN_DELETE_SELF | Inotify.IN_MOVE_SELF;

  /**
   * f_type of file systems that nobody changes but by way of this kernel: a change that comes from
   * another machine, or is made below, is no event. ext2 to 4, tmpfs, XFS, Btrfs, overlay, F2FS,
   * ZFS, bcachefs.
   */
  private static final long[] LOCAL = {
    0xEF53L,
    0x0102_1994L,
    0x5846_5342L,
    0x9123_683EL,
    0x794C_7630L,
    0xF2F5_2010L,
    0x2FC1_2FC1L,
    0xCA45_1A4EL
  };

  /**
   * Queues that must be left for others: a user has fs.inotify.max_user_instances of them, 128
   * where nobody has said otherwise, for all programs and sandboxes together.
   */
  private static final int SPARE = 32;

  private final FileOps ops;
  private int fd = -1;
  private int count;

  Watches(FileOps ops) {
    this.ops = ops;
  }

  /** Op.WATCHES: donates the queue, which is made when first asked for. */
  int open() {
    if (fd < 0) {
      int r = create();
      if (r < 0) {
        return r;
      }
      fd = r;
    }
    ops.donated = fd;
    ops.keepsDonated = true;
    return 0;
  }

  /** A queue, or -EMFILE if it would be one of the last. */
  private static int create() {
    int[] fds = new int[1 + SPARE];
    int n = 0;
    int r;
    do {
      r = Inotify.init1(Inotify.IN_NONBLOCK | Inotify.IN_CLOEXEC);
      fds[n] = r;
    } while (r >= 0 && ++n < fds.length);
    for (int i = r < 0 ? 0 : 1; i < n; i++) {
      Unistd.close(fds[i]);
    }
    return r < 0 ? r : fds[0];
  }

  /** Op.WATCH: returns a watch descriptor, always above 0, or -errno. */
  int watch() {
    int i = ops.fids.node(ops.request.fid);
    if (i < 0) {
      return i;
    }
    int type = ops.fids.mode(i) & Stat.S_IFMT;
    if (fd < 0 || (type != Stat.S_IFDIR && type != Stat.S_IFREG)) {
      return -Errno.EINVAL;
    }
    boolean isNew = ops.fids.watch(i) == 0;
    if (isNew && count >= LIMIT) {
      return -Errno.ENOSPC;
    }
    int node = ops.fids.fd(i);
    int r = Stat.fstatfs(node, ops.privatePayload);
    if (r < 0) {
      return r;
    }
    if (!isLocal(Memory.getLong(ops.privatePayload, Stat.StatfsBuf.F_TYPE))) {
      return -Errno.EOPNOTSUPP;
    }
    int mask = type == Stat.S_IFDIR ? OF_DIRECTORY : OF_FILE;
    // Also where there was one: it may have ended with another node of the inode. If it has not,
    // this is the same.
    int wd = Inotify.addWatch(fd, ops.links + node, mask);
    if (wd > 0) {
      ops.fids.setWatch(i, wd);
      count += isNew ? 1 : 0;
    }
    return wd;
  }

  private static boolean isLocal(long type) {
    for (long local : LOCAL) {
      if (local == (type & 0xffff_ffffL)) {
        return true;
      }
    }
    return false;
  }

  /**
   * A node is closed. Where another node is of the same inode this was its watch as well: the
   * sentry is told, by IN_IGNORED.
   */
  void end(int wd) {
    Inotify.rmWatch(fd, wd);
    count--;
  }

  void close() {
    if (fd >= 0) {
      Unistd.close(fd);
    }
  }
}
