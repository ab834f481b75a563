package io.redoubt.sentry.fs.mem;

import io.redoubt.host.Errno;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.Syscall;
import java.nio.charset.StandardCharsets;
import java.util.TreeMap;

/** Extended attributes of one node; guarded by the node's monitor. See xattr(7). */
final class MemXattrs {
  /** Names and values together; XATTR_LIST_MAX for the names alone follows from it. */
  private static final int MAX_BYTES = 64 * 1024;

  private static final int CREATE = 1;
  private static final int REPLACE = 2;

  private final TreeMap<String, byte[]> values = new TreeMap<>();
  private int bytes;

  /**
   * Whether the caller may touch {@code name} of {@code node}; permission bits for user.* have been
   * checked.
   */
  static int check(Syscall c, MemInode node, String name, boolean write) {
    if (name.startsWith("user.")) {
      boolean has = node.type() == Stat.S_IFREG || node.type() == Stat.S_IFDIR;
      return has ? 0 : write ? -Errno.EPERM : -Errno.ENODATA;
    }
    if (name.startsWith("trusted.")) {
      return c.task.credentials.has(Credentials.CAP_SYS_ADMIN)
          ? 0
          : write ? -Errno.EPERM : -Errno.ENODATA;
    }
    if (name.startsWith("security.")) {
      return !write || c.task.credentials.has(Credentials.CAP_SYS_ADMIN) ? 0 : -Errno.EPERM;
    }
    return -Errno.EOPNOTSUPP;
  }

  byte[] get(String name) {
    return values.get(name);
  }

  int set(MemFs fs, String name, byte[] value, int flags) {
    byte[] old = values.get(name);
    if (old != null && (flags & CREATE) != 0) {
      return -Errno.EEXIST;
    }
    if (old == null && (flags & REPLACE) != 0) {
      return -Errno.ENODATA;
    }
    int change = value.length - (old == null ? -name.length() : old.length);
    if (bytes + change > MAX_BYTES || !fs.budget.charge(change)) {
      return -Errno.ENOSPC;
    }
    bytes += change;
    values.put(name, value);
    return 0;
  }

  boolean remove(MemFs fs, String name) {
    byte[] old = values.remove(name);
    if (old == null) {
      return false;
    }
    int size = old.length + name.length();
    bytes -= size;
    fs.budget.release(size);
    return true;
  }

  byte[] list(boolean withTrusted) {
    StringBuilder s = new StringBuilder();
    for (String name : values.keySet()) {
      if (withTrusted || !name.startsWith("trusted.")) {
        s.append(name).append('\0');
      }
    }
    return s.toString().getBytes(StandardCharsets.ISO_8859_1);
  }
}
