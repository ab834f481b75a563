package io.redoubt.sentry.fs;

/** Takes directory entries one by one. */
@FunctionalInterface
public interface DirSink {
  /**
   * Takes an entry.
   *
   * @param type DT_* value (the S_IF type shifted right by 12), 0 if not known
   * @param next position from which reading goes on after this entry
   * @return false when the entry did not fit: it was not taken and reading stops
   */
  boolean add(String name, long ino, int type, long next);
}
