package io.redoubt.sentry.kernel;

import java.util.function.IntToLongFunction;

/**
 * A file of the sandbox's own that a process may have mapped, so that its reads and writes are
 * copies within the process: windows of the ring tier (docs/ring-tier.md, "Windows").
 */
public interface WindowedFile {
  /**
   * Bytes from the start that may be mapped now: for writing, those of which there are pages, in
   * whole pages.
   */
  long windowBytes(boolean isForWriting);

  /**
   * Has {@code giver} give a process a descriptor of the content, by which it can be written or
   * only be read.
   *
   * @param giver gets a host fd that stays open until it returns
   * @return what that answers, or a negative errno
   */
  long lend(Syscall c, boolean isForWriting, IntToLongFunction giver);

  /** From now on the file is not made shorter while {@code viewer} copies. */
  void addViewer(Viewer viewer);

  void removeViewer(Viewer viewer);

  /** One mapping of it. */
  interface Viewer {
    /** Whether a thread may be copying from it, or to it. Takes no lock. */
    boolean isCopying();

    /** The file has been made shorter: pages that come anew have not been touched yet. */
    void noteCut();
  }
}
