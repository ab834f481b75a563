package io.redoubt.gofer;

import io.redoubt.host.Memory;
import java.lang.foreign.MemorySegment;

/**
 * The answer to a scan: blocks, one behind the other, without padding.
 *
 * <pre>
 *  block     0 int kind   4 int parent   8 int entry   12 int bytes of the body   16 body
 *
 *  parent    number of the block, a LISTING before this one, to whose entry this belongs; -1: to the names
 *            of the request
 *  entry     index of that entry or name; -1: the directory of the request itself
 *
 *  ATTRIBUTES   {@link NodeAttr}
 *  LISTING      int count, and as many struct linux_dirent64, all that there are; "." and ".." may come, too, and
 *               are not counted
 *  CONTENT      all bytes of a regular file
 * </pre>
 */
final class ScanReply {
  static final int HEADER = 16;
  static final int COUNT = 4;

  static final int ATTRIBUTES = 1;
  static final int LISTING = 2;
  static final int CONTENT = 3;

  static final int REQUEST = -1;
  static final int ITSELF = -1;

  /** Longest file whose bytes come with a scan. */
  static final int MAX_CONTENT = 16 * 1024;

  private ScanReply() {}

  /**
   * Takes an answer apart where it is, in memory that a gofer shares that may lie about everything
   * and change it meanwhile: each field is read once.
   *
   * @param names how many the request had; 0: it was about the directory itself
   * @return false when it cannot be an honest answer; what the sink has got by then is to be thrown
   *     away
   */
  static boolean parse(MemorySegment reply, long from, int bytes, int names, ScanSink sink) {
    int[] counts = new int[64]; // entries of each block that is a listing, -1 of others
    int block = 0;
    long end = from + bytes;
    for (long at = from; at < end; block++) {
      if (end - at < HEADER) {
        return false;
      }
      int kind = Memory.getInt(reply, at);
      int parent = Memory.getInt(reply, at + 4);
      int entry = Memory.getInt(reply, at + 8);
      int length = Memory.getInt(reply, at + 12);
      at += HEADER;
      if (length < 0 || length > end - at || parent < REQUEST || parent >= block) {
        return false;
      }
      int entries = parent == REQUEST ? names : counts[parent];
      boolean isItself = parent == REQUEST && names == 0 && entry == ITSELF && kind == LISTING;
      if (!isItself && (entry < 0 || entry >= entries)) {
        return false;
      }
      if (block == counts.length) {
        counts = java.util.Arrays.copyOf(counts, 2 * block);
      }
      counts[block] = -1;
      switch (kind) {
        case ATTRIBUTES -> {
          NodeAttr attr = new NodeAttr();
          if (length != NodeAttr.SIZE || !attr.load(reply, at)) {
            return false;
          }
          sink.attributes(parent, entry, attr);
        }
        case LISTING -> {
          int count = length < COUNT ? -1 : Memory.getInt(reply, at);
          if (count < 0 || count > length / DirEntries.SMALLEST) {
            return false;
          }
          counts[block] = count;
          byte[] list = new byte[length - COUNT];
          Memory.copy(reply, at + COUNT, list, 0, list.length);
          int taken = DirEntries.parse(list, sink.listing(block, parent, entry, count));
          if (taken != count && (count > 0 || taken != DirEntries.ONLY_DOTS)) {
            return false;
          }
        }
        case CONTENT -> {
          if (length > MAX_CONTENT) {
            return false;
          }
          byte[] content = new byte[length];
          Memory.copy(reply, at, content, 0, length);
          sink.content(parent, entry, content);
        }
        default -> {
          return false;
        }
      }
      at += length;
    }
    return true;
  }
}
