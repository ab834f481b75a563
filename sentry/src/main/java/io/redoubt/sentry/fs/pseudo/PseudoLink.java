package io.redoubt.sentry.fs.pseudo;

import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.kernel.Syscall;

/** A symbolic link; a magic one overrides {@link #followMagic}. */
public class PseudoLink extends PseudoInode {
  private final String target;

  /**
   * @param target null when {@link #readlink} is overridden
   */
  public PseudoLink(PseudoFs fs, long ino, int permissions, String target) {
    super(fs, ino, Stat.S_IFLNK | permissions);
    this.target = target;
  }

  @Override
  public String readlink(Syscall c) {
    return target;
  }

  @Override
  protected long size() {
    return target == null ? 0 : target.length();
  }
}
