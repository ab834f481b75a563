package io.redoubt.sentry.net;

import static io.redoubt.host.Errno.EFAULT;

import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.ipc.RingBuffer;
import io.redoubt.sentry.kernel.UserBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;

/**
 * What has arrived at a socket: bytes in one ring, and a record for each message or run of bytes
 * that belong together. Guarded by the socket's monitor.
 */
final class ReceiveQueue {
  /** More than any sender's buffer may be; several senders of datagrams share it. */
  private static final int MAX_BYTES = 8 << 20;

  /**
   * A message, or, for streams, bytes of one sender that came with the same credentials and no
   * files.
   */
  static final class Record {
    final UnixSocket sender;
    final Ucred credentials; // null: sent without
    final byte[] from; // the sender's name, or null
    OpenFile[] files; // null: none, or already received
    int length; // bytes still there
    int charge; // of the sender's buffer

    Record(UnixSocket sender, Ucred credentials, byte[] from, OpenFile[] files) {
      this.sender = sender;
      this.credentials = credentials;
      this.from = from;
      this.files = files;
    }
  }

  final RingBuffer ring = new RingBuffer(MAX_BYTES);
  private final ArrayDeque<Record> records = new ArrayDeque<>(2);

  boolean isEmpty() {
    return records.isEmpty();
  }

  /** Messages. */
  int count() {
    return records.size();
  }

  int bytes() {
    return ring.size();
  }

  Record first() {
    return records.peek();
  }

  Iterable<Record> all() {
    return records;
  }

  /**
   * Appends {@code n} bytes as a record of its own.
   *
   * @return 0, -EAGAIN when there is no room, -ENOBUFS, -EFAULT
   */
  int append(UserBuffer src, int n, int charge, Record record) {
    int room = n == 0 ? 0 : ring.reserve(n);
    if (room != 0) {
      return room;
    }
    long got = n == 0 ? 0 : ring.fill(src, n);
    if (got != n) {
      ring.retract(Math.max(0, got));
      return -EFAULT;
    }
    record.length = n;
    record.charge = charge;
    records.add(record);
    return 0;
  }

  /**
   * Appends bytes of a stream, to the last record where they belong to it.
   *
   * @return 0, -EAGAIN, -EFAULT
   */
  int appendBytes(UserBuffer src, int n, UnixSocket sender, Ucred credentials) {
    Record last = records.peekLast();
    boolean merges =
        last != null
            && last.files == null
            && (credentials == null
                ? last.credentials == null
                : credentials.equals(last.credentials));
    if (!merges) {
      return append(src, n, n, new Record(sender, credentials, null, null));
    }
    int room = n == 0 ? 0 : ring.reserve(n);
    if (room != 0) {
      return room;
    }
    long got = ring.fill(src, n);
    if (got != n) {
      ring.retract(Math.max(0, got));
      return -EFAULT;
    }
    last.length += n;
    last.charge += n;
    return 0;
  }

  /** Removes the first record, whose bytes have been consumed. */
  void removeFirst() {
    records.poll();
  }

  /** Empties the queue and gives its memory back. @return the files that were in it, or null */
  OpenFile[] clear() {
    ArrayList<OpenFile> files = null;
    for (Record r : records) {
      r.sender.uncharge(r.charge);
      if (r.files != null) {
        files = files == null ? new ArrayList<>() : files;
        for (OpenFile f : r.files) {
          files.add(f);
        }
      }
    }
    records.clear();
    ring.release();
    return files == null ? null : files.toArray(new OpenFile[0]);
  }
}
