package io.redoubt.host;

import java.lang.foreign.MemorySegment;
import org.agrona.UnsafeApi;

/**
 * Fields of native memory, by Agrona's raw access in place of {@link MemorySegment#get}.
 *
 * <p>Compiled by the second compiler both are one instruction. But a sandbox lives its first
 * second, and often all of its life, in the interpreter and in code of the first compiler, where a
 * get of a segment is a chain of some twenty calls: with segments an interpreted {@code stat} took
 * the sentry 140 us, of which 100 were such accesses. Bounds are checked as a segment checks them;
 * whether the memory is still there is not, so use it for what lives as long as its thread or the
 * process.
 *
 * <p>Addresses need not be aligned. Byte order is the machine's.
 */
public final class Memory {
  private static final long ARRAY = findArray();

  private Memory() {}

  /**
   * Where the bytes of an array begin, seen from the array: behind a header whose size is the
   * JVM's. UnsafeApi.arrayBaseOffset knows, but is a dynamic call, which takes each start 10 ms to
   * link.
   */
  private static long findArray() {
    byte[] probe = {-91, 90, -60, 59, -106, 105, -16, 15};
    long wanted = 0;
    for (int i = 7; i >= 0; i--) {
      wanted = wanted << 8 | (probe[i] & 0xff);
    }
    for (long offset = 8; offset <= 24; offset += 4) {
      if (UnsafeApi.getLong(probe, offset) == wanted) {
        return offset;
      }
    }
    throw new IllegalStateException("no array found behind its header");
  }

  private static long at(MemorySegment s, long offset, int size) {
    if (offset < 0 || offset > s.byteSize() - size || !s.isNative()) {
      throw new IndexOutOfBoundsException(
          "offset=" + offset + ", size=" + size + ", segment=" + s.byteSize());
    }
    return s.address() + offset;
  }

  public static byte getByte(MemorySegment s, long offset) {
    return UnsafeApi.getByte(at(s, offset, 1));
  }

  public static void setByte(MemorySegment s, long offset, byte value) {
    UnsafeApi.putByte(at(s, offset, 1), value);
  }

  public static short getShort(MemorySegment s, long offset) {
    return UnsafeApi.getShort(at(s, offset, 2));
  }

  public static void setShort(MemorySegment s, long offset, short value) {
    UnsafeApi.putShort(at(s, offset, 2), value);
  }

  public static int getInt(MemorySegment s, long offset) {
    return UnsafeApi.getInt(at(s, offset, 4));
  }

  public static void setInt(MemorySegment s, long offset, int value) {
    UnsafeApi.putInt(at(s, offset, 4), value);
  }

  public static long getLong(MemorySegment s, long offset) {
    return UnsafeApi.getLong(at(s, offset, 8));
  }

  public static long getLong(byte[] array, int index) {
    if (index < 0 || index > array.length - 8) {
      throw new IndexOutOfBoundsException("index=" + index + ", array=" + array.length);
    }
    return UnsafeApi.getLong(array, ARRAY + index);
  }

  public static void setLong(MemorySegment s, long offset, long value) {
    UnsafeApi.putLong(at(s, offset, 8), value);
  }

  /** A read that later reads and writes stay behind. */
  public static int getIntAcquire(MemorySegment s, long offset) {
    return UnsafeApi.getIntAcquire(null, at(s, offset, 4));
  }

  /** A write that earlier reads and writes stay before. */
  public static void setIntRelease(MemorySegment s, long offset, int value) {
    UnsafeApi.putIntRelease(null, at(s, offset, 4), value);
  }

  public static int getIntVolatile(MemorySegment s, long offset) {
    return UnsafeApi.getIntVolatile(null, at(s, offset, 4));
  }

  public static void setIntVolatile(MemorySegment s, long offset, int value) {
    UnsafeApi.putIntVolatile(null, at(s, offset, 4), value);
  }

  public static boolean compareAndSetInt(MemorySegment s, long offset, int expected, int value) {
    return UnsafeApi.compareAndSetInt(null, at(s, offset, 4), expected, value);
  }

  /** Zeroes {@code length} bytes from {@code offset} on. */
  public static void zero(MemorySegment s, long offset, int length) {
    UnsafeApi.setMemory(at(s, offset, length), length, (byte) 0);
  }

  /** Copies {@code length} bytes out to an array. */
  public static void copy(MemorySegment from, long at, byte[] to, int index, int length) {
    if (index < 0 || length < 0 || index > to.length - length) {
      throw new IndexOutOfBoundsException(
          "index=" + index + ", length=" + length + ", array=" + to.length);
    }
    UnsafeApi.copyMemory(null, at(from, at, length), to, ARRAY + index, length);
  }

  /** The first {@code length} bytes as an array. */
  public static byte[] bytes(MemorySegment from, int length) {
    byte[] all = new byte[length];
    copy(from, 0, all, 0, length);
    return all;
  }

  /** Copies {@code length} bytes of an array in. */
  public static void copy(byte[] from, int index, MemorySegment to, long at, int length) {
    if (index < 0 || length < 0 || index > from.length - length) {
      throw new IndexOutOfBoundsException(
          "index=" + index + ", length=" + length + ", array=" + from.length);
    }
    UnsafeApi.copyMemory(from, ARRAY + index, null, at(to, at, length), length);
  }

  /** Copies between two places of native memory. */
  public static void copy(MemorySegment from, long at, MemorySegment to, long index, int length) {
    UnsafeApi.copyMemory(at(from, at, length), at(to, index, length), length);
  }
}
