package io.redoubt.sentry.fs.pseudo;

import io.redoubt.sentry.fs.DirSink;
import io.redoubt.sentry.fs.DirectoryFile;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.kernel.Syscall;
import java.util.ArrayList;
import java.util.HashMap;

/**
 * A directory with a fixed set of children, in the order in which they were added. All are added
 * before the guest starts.
 *
 * <p>Directories whose children come and go extend this with {@link #lookup} and {@link #readdir}
 * of their own, and call {@code super} for the fixed ones.
 */
public class PseudoDir extends PseudoInode {
  private final ArrayList<String> names = new ArrayList<>();
  private final HashMap<String, PseudoInode> children = new HashMap<>();
  private int directories;

  /**
   * @param permissions such as 0555
   */
  public PseudoDir(PseudoFs fs, long ino, int permissions) {
    super(fs, ino, Stat.S_IFDIR | permissions);
  }

  public PseudoDir(PseudoFs fs, int permissions) {
    this(fs, fs.nextIno(), permissions);
  }

  /** Adds a child. @return this */
  public final PseudoDir add(String name, PseudoInode child) {
    if (children.put(name, child) == null) {
      names.add(name);
    }
    if (child.type() == Stat.S_IFDIR) {
      directories++;
    }
    return this;
  }

  /** Adds a read-only file. @return this */
  public final PseudoDir file(String name, Content content) {
    return add(name, new PseudoFile(fs, fs.nextIno(), 0444, content, null));
  }

  /** Adds a read-only file that never changes. @return this */
  public final PseudoDir text(String name, String text) {
    return file(name, Content.of(text));
  }

  /** Adds a file that can be written. @return this */
  public final PseudoDir file(
      String name, int permissions, Content content, PseudoFile.Store store) {
    return add(name, new PseudoFile(fs, fs.nextIno(), permissions, content, store));
  }

  /** Adds a symbolic link. @return this */
  public final PseudoDir link(String name, String target) {
    return add(name, new PseudoLink(fs, fs.nextIno(), 0777, target));
  }

  /** Adds a directory. @return the new one */
  public final PseudoDir dir(String name) {
    PseudoDir d = new PseudoDir(fs, fs.nextIno(), 0555);
    add(name, d);
    return d;
  }

  /** The directory of that name, which is made if there is none. */
  public final PseudoDir at(String name) {
    return children.get(name) instanceof PseudoDir d ? d : dir(name);
  }

  @Override
  protected final long nlink() {
    return 2L + directories;
  }

  /** Fixed children may be kept; a directory with others must say no. */
  @Override
  public boolean isCacheable() {
    return true;
  }

  @Override
  public Inode lookup(Syscall c, String name) {
    PseudoInode child = children.get(name);
    return child == null ? c.fail(-2) : child;
  }

  @Override
  public int readdir(Syscall c, long position, DirSink sink) {
    for (int i = (int) Math.min(position, names.size()); i < names.size(); i++) {
      String name = names.get(i);
      PseudoInode child = children.get(name);
      if (!sink.add(name, child.ino, child.type() >> 12, i + 1)) {
        return 0;
      }
    }
    return 0;
  }

  /** How many fixed children there are: positions up to this one are theirs. */
  protected final int fixedCount() {
    return names.size();
  }

  @Override
  public OpenFile open(Syscall c, Path path, int flags) {
    return new DirectoryFile(path, flags);
  }
}
