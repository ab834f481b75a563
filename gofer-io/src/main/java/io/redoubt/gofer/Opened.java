package io.redoubt.gofer;

/** What an open brought; one caller's, used again and again. */
public final class Opened {
  /**
   * A donated host descriptor, close-on-exec, now the caller's; or -1 for a directory and where the
   * connection donates none.
   */
  public int fd = -1;

  /** Fid of the open file for reads, writes and readdir by the gofer; 0 if there is {@link #fd}. */
  public int open;

  /** Fid of the node that a create has made, else 0. */
  public int node;

  /** Attributes after the open. */
  public final NodeAttr attr = new NodeAttr();
}
