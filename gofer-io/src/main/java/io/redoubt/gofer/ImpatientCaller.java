package io.redoubt.gofer;

/**
 * A thread that may want an answer now or not at all: then what only looks something up fails with
 * -EIO, as on a dead connection, before anything has been sent.
 */
public interface ImpatientCaller {
  /**
   * Whether a look-up is refused. Who answers true knows by it that the -EIO is none of a disk's.
   */
  boolean refusesToWait();

  /** A read has failed with -EAGAIN because it would have waited for a disk. */
  void hasNotWaitedForDisk();

  /** Whether a read is to bring what is in memory, and not to wait for a disk. */
  boolean isNotForDisks();
}
