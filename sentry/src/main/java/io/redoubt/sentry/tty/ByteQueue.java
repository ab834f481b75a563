package io.redoubt.sentry.tty;

/**
 * A bounded first-in first-out queue of bytes that takes memory only as it is filled. Guarded by
 * its owner.
 */
final class ByteQueue {
  private static final int FIRST = 256;

  private final int limit;
  private byte[] bytes = new byte[FIRST];
  private int head; // where the oldest byte is
  private int size;

  ByteQueue(int limit) {
    this.limit = limit;
  }

  int size() {
    return size;
  }

  int room() {
    return limit - size;
  }

  /** Appends a byte; the caller has looked at {@link #room}, what is too much is dropped. */
  void add(int b) {
    if (size == limit) {
      return;
    }
    if (size == bytes.length) {
      byte[] larger = new byte[Math.min(limit, 2 * size)];
      copyOut(larger, 0, size);
      bytes = larger;
      head = 0;
    }
    int at = head + size;
    bytes[at < bytes.length ? at : at - bytes.length] = (byte) b;
    size++;
  }

  /** Takes up to {@code length} of the oldest bytes. @return how many */
  int take(byte[] to, int offset, int length) {
    int n = Math.min(length, size);
    copyOut(to, offset, n);
    head = (head + n) % bytes.length;
    size -= n;
    return n;
  }

  void clear() {
    head = 0;
    size = 0;
  }

  private void copyOut(byte[] to, int offset, int n) {
    int first = Math.min(n, bytes.length - head);
    System.arraycopy(bytes, head, to, offset, first);
    System.arraycopy(bytes, 0, to, offset + first, n - first);
  }
}
