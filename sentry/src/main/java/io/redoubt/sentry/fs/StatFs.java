package io.redoubt.sentry.fs;

/** What statfs(2) tells of a file system; a reusable holder. Mount flags are added by the call. */
public final class StatFs {
  public long type; // magic number
  public long blockSize = 4096;
  public long blocks;
  public long blocksFree;
  public long blocksAvailable;
  public long files;
  public long filesFree;
  public long fsid;
  public long nameLength = 255;
  public long fragmentSize = 4096;
}
