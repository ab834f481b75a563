package io.redoubt.sentry.fs.mem;

import io.redoubt.gofer.NodeAttr;
import io.redoubt.sentry.kernel.Syscall;
import java.nio.charset.StandardCharsets;

/** A symbolic link. */
final class MemSymlink extends MemInode {
  private static final int TARGET_MAX = 4096;

  private final long size;
  private volatile String target; // null: still to be asked for

  MemSymlink(MemFs fs, int mode, int uid, int gid, String target) {
    super(fs, mode, uid, gid);
    this.target = target;
    this.size = target.length();
  }

  MemSymlink(MemFs fs, MemDir parent, String name, int fid, NodeAttr attr) {
    super(fs, parent, name, fid, attr);
    this.size = attr.size;
  }

  @Override
  long size() {
    return size;
  }

  @Override
  public String readlink(Syscall c) {
    String t = target;
    if (t == null) {
      byte[] to = new byte[TARGET_MAX];
      int fid = lower(c);
      int n = fid < 0 ? fid : fs.client.attributes.readlink(fid, to);
      if (n < 0) {
        return c.fail(n);
      }
      target = t = new String(to, 0, n, StandardCharsets.ISO_8859_1);
    }
    return t;
  }
}
