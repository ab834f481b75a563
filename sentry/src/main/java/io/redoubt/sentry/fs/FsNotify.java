package io.redoubt.sentry.fs;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Tells those who watch an inode what happens to it: fs/notify of Linux. Every change that the
 * sandbox makes to a file system comes through here; changes that others make to a shared host
 * directory are not seen.
 *
 * <p>While nobody watches, each place that tells costs one load of a field. Lock: the map's
 * monitor, which is not held while a watcher is told.
 */
public final class FsNotify {
  public static final int ACCESS = 0x1;
  public static final int MODIFY = 0x2;
  public static final int ATTRIB = 0x4;
  public static final int CLOSE_WRITE = 0x8;
  public static final int CLOSE_NOWRITE = 0x10;
  public static final int OPEN = 0x20;
  public static final int MOVED_FROM = 0x40;
  public static final int MOVED_TO = 0x80;
  public static final int CREATE = 0x100;
  public static final int DELETE = 0x200;
  public static final int DELETE_SELF = 0x400;
  public static final int MOVE_SELF = 0x800;
  public static final int ISDIR = 0x40000000;

  /** Somebody who watches inodes. */
  public interface Watcher {
    /**
     * Something has happened. Must not wait, and may be called under locks of the file system.
     *
     * @param inode the watched one
     * @param mask what, with {@link #ISDIR} when that is a directory
     * @param name of the child that it happened to, or null when it was the inode itself
     * @param cookie connects the two halves of a rename
     */
    void onChange(Inode inode, int mask, String name, int cookie);
  }

  private static final IdentityHashMap<Inode, ArrayList<Watcher>> WATCHED = new IdentityHashMap<>();
  private static final AtomicInteger COOKIES = new AtomicInteger();
  private static volatile boolean active;

  private FsNotify() {}

  /** Whether anybody watches anything. */
  public static boolean isActive() {
    return active;
  }

  /** Starts to tell {@code watcher} about {@code inode}, which the watcher keeps alive. */
  public static void add(Inode inode, Watcher watcher) {
    synchronized (WATCHED) {
      WATCHED.computeIfAbsent(inode, i -> new ArrayList<>(1)).add(watcher);
      active = true;
    }
  }

  /** Ends it. */
  public static void remove(Inode inode, Watcher watcher) {
    synchronized (WATCHED) {
      ArrayList<Watcher> list = WATCHED.get(inode);
      if (list != null) {
        list.remove(watcher);
        if (list.isEmpty()) {
          WATCHED.remove(inode);
        }
      }
      active = !WATCHED.isEmpty();
    }
  }

  private static void tell(Inode inode, int mask, String name, int cookie) {
    if (inode == null) {
      return;
    }
    List<Watcher> list;
    synchronized (WATCHED) {
      list = WATCHED.get(inode);
      if (list == null) {
        return;
      }
      list = new ArrayList<>(list);
    }
    for (int i = 0; i < list.size(); i++) {
      list.get(i).onChange(inode, mask, name, cookie);
    }
  }

  private static int typed(Inode inode, int mask) {
    return inode.type() == Stat.S_IFDIR ? mask | ISDIR : mask;
  }

  /** Something happened to the object at {@code path}: told to its directory and to itself. */
  public static void changed(Path path, int mask) {
    if (active) {
      changed(path.dentry(), path.inode(), mask);
    }
  }

  /** As above, where the name may be gone. */
  static void changed(Dentry dentry, Inode inode, int mask) {
    if (!active || inode == null) {
      return;
    }
    int m = typed(inode, mask);
    Dentry dir = dentry.parent();
    if (dir != null && dentry.isHashed()) {
      tell(dir.inode(), m, dentry.name(), 0);
    }
    tell(inode, m, null, 0);
  }

  /** An open file was read, written, opened or closed. */
  public static void used(OpenFile file, int mask) {
    if (active) {
      changed(file.path().dentry(), file.inode(), mask);
    }
  }

  /** A name has come into being in {@code dir}. */
  static void created(Inode dir, String name, Inode child) {
    if (active) {
      tell(dir, typed(child, CREATE), name, 0);
    }
  }

  /** A further name for {@code child}. */
  static void linked(Inode dir, String name, Inode child) {
    if (active) {
      tell(child, typed(child, ATTRIB), null, 0);
      tell(dir, typed(child, CREATE), name, 0);
    }
  }

  /** A name is gone. @param last whether the object has none left */
  static void deleted(Inode dir, String name, Inode child, boolean last) {
    if (!active) {
      return;
    }
    if (child.type() != Stat.S_IFDIR) {
      tell(child, ATTRIB, null, 0);
    }
    tell(dir, typed(child, DELETE), name, 0);
    if (last) {
      tell(child, DELETE_SELF, null, 0);
    }
  }

  /**
   * A name has moved.
   *
   * @param replaced what was there, or null
   * @param lastName whether that has no name left
   */
  static void moved(
      Inode from,
      String oldName,
      Inode to,
      String newName,
      Inode child,
      Inode replaced,
      boolean lastName) {
    if (!active) {
      return;
    }
    int cookie = COOKIES.incrementAndGet();
    tell(from, typed(child, MOVED_FROM), oldName, cookie);
    tell(to, typed(child, MOVED_TO), newName, cookie);
    if (replaced != null) {
      tell(replaced, typed(replaced, ATTRIB), null, 0);
    }
    tell(child, MOVE_SELF, null, 0);
    if (replaced != null && lastName) {
      tell(replaced, DELETE_SELF, null, 0);
    }
  }
}
