package io.redoubt.gofer;

/**
 * Takes what a scan has brought ({@link DirectoryClient#scan}). {@code parent} is the number of a
 * listing that came before, or -1 for the names of the request, and {@code entry} an index in it;
 * -1 of -1 is the directory of the request itself.
 */
public interface ScanSink {
  /** The names of a directory, all of them. @return who gets them, {@code count} at most */
  DirSink listing(int block, int parent, int entry, int count);

  /** Attributes; the sink's to keep. */
  void attributes(int parent, int entry, NodeAttr attr);

  /** All bytes of a regular file. */
  void content(int parent, int entry, byte[] bytes);
}
