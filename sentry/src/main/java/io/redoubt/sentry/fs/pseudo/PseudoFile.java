package io.redoubt.sentry.fs.pseudo;

import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.kernel.Syscall;

/** A regular file whose content is made when it is read. */
public class PseudoFile extends PseudoInode {
  /** Takes what a guest writes. */
  @FunctionalInterface
  public interface Store {
    /**
     * Takes the bytes of one write(2), as Latin-1, from the file's offset 0 or wherever the writer
     * is: values are single words.
     *
     * @return 0 or a negative errno
     */
    int write(Syscall c, String value);
  }

  final Content content;
  final Store store;

  /**
   * @param store null for a read-only file
   */
  public PseudoFile(PseudoFs fs, long ino, int permissions, Content content, Store store) {
    super(fs, ino, Stat.S_IFREG | permissions);
    this.content = content;
    this.store = store;
  }

  /**
   * Whether {@code c} may open the file beyond what its mode says (ptrace_may_access). @return 0 or
   * a negative errno
   */
  protected int mayOpen(Syscall c) {
    return 0;
  }

  @Override
  public OpenFile open(Syscall c, Path path, int flags) {
    if ((flags & OpenFile.O_ACCMODE) != OpenFile.O_RDONLY && store == null) {
      return c.fail(-13); // root passes the mode check; there is nothing to write to
    }
    int r = mayOpen(c);
    return r < 0 ? c.fail(r) : new GeneratedFile(path, flags, content, store);
  }
}
