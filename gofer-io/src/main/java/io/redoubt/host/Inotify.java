package io.redoubt.host;

/** sys/inotify.h: what happens to files, as a queue of events. See inotify(7). */
public final class Inotify {
  public static final int IN_NONBLOCK = 0x800;
  public static final int IN_CLOEXEC = 0x80000;

  public static final int IN_MODIFY = 0x2;
  public static final int IN_ATTRIB = 0x4;
  public static final int IN_MOVED_FROM = 0x40;
  public static final int IN_MOVED_TO = 0x80;
  public static final int IN_CREATE = 0x100;
  public static final int IN_DELETE = 0x200;
  public static final int IN_DELETE_SELF = 0x400;
  public static final int IN_MOVE_SELF = 0x800;
  public static final int IN_UNMOUNT = 0x2000;
  public static final int IN_Q_OVERFLOW = 0x4000;
  public static final int IN_IGNORED = 0x8000;

  /** struct inotify_event; then LEN bytes of name, padded with NULs. */
  public static final class InotifyEvent {
    public static final String C_NAME = "struct inotify_event";
    public static final long WD = 0; // int
    public static final long MASK = 4; // uint32_t
    public static final long COOKIE = 8; // uint32_t
    public static final long LEN = 12; // uint32_t
    public static final long SIZEOF = 16;

    private InotifyEvent() {}
  }

  private Inotify() {}

  /** inotify_init1(2). Returns a descriptor or -errno. */
  public static int init1(int flags) {
    return (int) Syscall.call(Nr.INOTIFY_INIT1, flags);
  }

  /** inotify_add_watch(2). Returns a watch descriptor or -errno. */
  public static int addWatch(int fd, String path, int mask) {
    long p = CallState.cString(path);
    return p < 0 ? (int) p : (int) Syscall.call(Nr.INOTIFY_ADD_WATCH, fd, p, mask);
  }

  /** inotify_rm_watch(2). Returns 0 or -errno. */
  public static int rmWatch(int fd, int wd) {
    return (int) Syscall.call(Nr.INOTIFY_RM_WATCH, fd, wd);
  }
}
