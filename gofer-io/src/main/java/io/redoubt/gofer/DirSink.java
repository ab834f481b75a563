package io.redoubt.gofer;

/** Takes the entries of a directory, "." and ".." left out. */
@FunctionalInterface
public interface DirSink {
  /**
   * One entry.
   *
   * @param ino inode number, as the host's getdents64 has it
   * @param type DT_*, DT_UNKNOWN where the file system does not say
   * @param name raw bytes as Latin-1
   * @param next cursor of the entry after this one
   * @return whether to go on; an entry that is refused was not taken, so go on later from the
   *     cursor of the one before
   */
  boolean entry(long ino, int type, String name, long next);
}
