package io.redoubt.gofer;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import io.redoubt.host.Xattr;
import java.lang.foreign.MemorySegment;

/**
 * Extended attributes of nodes, through /proc/self/fd since the calls on descriptors refuse O_PATH.
 *
 * <p>Only the {@code user.} namespace exists for a guest: the others carry the host's own security
 * (file capabilities, labels, access lists).
 */
final class ExtendedAttributes {
  private static final String PREFIX = "user.";

  private ExtendedAttributes() {}

  /**
   * One of the four operations.
   *
   * @param links what leads to the descriptors: {@link FileOps#links}
   * @param bytes private copy of the payload; receives the answer
   * @param room bytes asked for, 0 for the size only
   * @return bytes, 0 or -errno
   */
  static int handle(
      Request request, String links, int fd, boolean isReadOnly, MemorySegment bytes, int room) {
    String path = links + fd;
    if (request.op == Op.LISTXATTR) {
      return list(path, bytes, room);
    }
    boolean isSet = request.op == Op.SETXATTR;
    int length = isSet ? request.name1 : request.payload;
    if (length > Xattr.XATTR_NAME_MAX) {
      return -Errno.ERANGE;
    }
    byte[] raw = new byte[length];
    Memory.copy(bytes, 0, raw, 0, length);
    String name = new String(raw, ISO_8859_1);
    boolean isRead = request.op == Op.GETXATTR;
    if (isReadOnly && !isRead) {
      return -Errno.EROFS;
    }
    if (!name.startsWith(PREFIX)) {
      return isRead ? -Errno.ENODATA : -Errno.EOPNOTSUPP;
    }
    if (isRead) {
      return (int) Xattr.getxattr(path, name, bytes, room);
    }
    if (isSet) {
      int size = request.payload - length;
      return Xattr.setxattr(path, name, bytes.asSlice(length, size), size, request.flags);
    }
    return Xattr.removexattr(path, name);
  }

  private static int list(String path, MemorySegment bytes, int room) {
    int n = (int) Xattr.listxattr(path, bytes, RegionLayout.PAYLOAD_SIZE);
    int kept = 0;
    for (int at = 0; at < n; ) {
      int end = at;
      while (end < n && Memory.getByte(bytes, end) != 0) {
        end++;
      }
      int size = Math.min(end + 1, n) - at;
      if (startsWithPrefix(bytes, at, size)) {
        MemorySegment.copy(bytes, at, bytes, kept, size);
        kept += size;
      }
      at += size;
    }
    if (n < 0) {
      return n;
    }
    return room > 0 && kept > room ? -Errno.ERANGE : kept;
  }

  private static boolean startsWithPrefix(MemorySegment bytes, int at, int size) {
    if (size < PREFIX.length()) {
      return false;
    }
    for (int i = 0; i < PREFIX.length(); i++) {
      if (Memory.getByte(bytes, at + i) != PREFIX.charAt(i)) {
        return false;
      }
    }
    return true;
  }
}
