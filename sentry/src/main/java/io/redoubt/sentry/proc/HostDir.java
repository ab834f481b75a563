package io.redoubt.sentry.proc;

import io.redoubt.host.Errno;
import io.redoubt.sentry.fs.DirSink;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.pseudo.PseudoDir;
import io.redoubt.sentry.fs.pseudo.PseudoFile;
import io.redoubt.sentry.fs.pseudo.PseudoFs;
import io.redoubt.sentry.kernel.Syscall;

/**
 * A directory with chosen files of a directory of the host, as far as they exist there; other
 * children can be added.
 */
class HostDir extends PseudoDir {
  private final HostTree host;
  private final String path;

  HostDir(PseudoFs fs, HostTree host, String path, String... names) {
    super(fs, 0555);
    this.host = host;
    this.path = path;
    for (String name : names) {
      file(name, (c, out) -> read(name, out));
    }
  }

  private int read(String name, StringBuilder out) {
    String s = host.read(path + "/" + name);
    if (s == null) {
      return -Errno.EIO;
    }
    out.append(s);
    return 0;
  }

  private boolean isMissing(Inode child, String name) {
    return child instanceof PseudoFile && host.read(path + "/" + name) == null;
  }

  @Override
  public Inode lookup(Syscall c, String name) {
    Inode i = super.lookup(c, name);
    return i != null && isMissing(i, name) ? c.fail(-Errno.ENOENT) : i;
  }

  @Override
  public int readdir(Syscall c, long position, DirSink sink) {
    return super.readdir(
        c,
        position,
        (name, ino, type, next) ->
            isMissing(super.lookup(c, name), name) || sink.add(name, ino, type, next));
  }
}
