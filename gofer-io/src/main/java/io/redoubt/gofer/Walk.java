package io.redoubt.gofer;

/** What a walk found, in the order of its names; one caller's, used again and again. */
public final class Walk {
  /** Fids of the nodes found; 0 for one that was only looked at. */
  public final int[] fids = new int[Protocol.WALK_MAX];

  /** For {@link NodeClient#walkAgain}: what the names led to before; 0 where that is not known. */
  public final int[] known = new int[Protocol.WALK_MAX];

  /** Room of the caller's for {@link NodeWatch#stamp} of those that are known. */
  public final long[] stamps = new long[Protocol.WALK_MAX];

  /** Attributes of the nodes found; entries are made as they are needed. */
  public final NodeAttr[] attrs = new NodeAttr[Protocol.WALK_MAX];

  /**
   * The last one, open for reading, if that was asked for and it is a regular file: the caller's;
   * or -1.
   */
  public int fd = -1;

  /** How many were found. */
  public int found;

  /**
   * Positive errno of the name after the last that was found; 0 if all were found or the last found
   * is no directory.
   */
  public int error;
}
