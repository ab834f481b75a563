package io.redoubt.sentry.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/** Guest memory for tests: one range from {@link #BASE} on; all else faults. */
public final class ArrayMemory extends GuestMemory {
  public static final long BASE = 0x10000;

  private final MemorySegment bytes;
  private long next;

  public ArrayMemory(int size) {
    bytes = Arena.ofAuto().allocate(size, 16);
  }

  @Override
  public long copyIn(long address, MemorySegment local, long offset, long length) {
    long n = room(address, length);
    if (n > 0) {
      MemorySegment.copy(bytes, address - BASE, local, offset, n);
    }
    return n;
  }

  @Override
  public long copyOut(long address, MemorySegment local, long offset, long length) {
    long n = room(address, length);
    if (n > 0) {
      MemorySegment.copy(local, offset, bytes, address - BASE, n);
    }
    return n;
  }

  private long room(long address, long length) {
    long at = address - BASE;
    if (length == 0) {
      return 0;
    }
    return at < 0 || at >= bytes.byteSize() ? -14 : Math.min(length, bytes.byteSize() - at);
  }

  /** Room for {@code size} bytes, zeroed. @return its guest address */
  public long allocate(long size) {
    long at = next;
    next += (size + 15) & ~15L;
    bytes.asSlice(at, size).fill((byte) 0);
    return BASE + at;
  }

  /** Gives all that was allocated back. */
  public void reset() {
    next = 0;
  }

  /** A C string. @return its guest address */
  public long string(String s) {
    return bytes((s + '\0').getBytes(StandardCharsets.ISO_8859_1));
  }

  /** Bytes. @return their guest address */
  public long bytes(byte[] b) {
    long at = allocate(Math.max(1, b.length));
    MemorySegment.copy(b, 0, bytes, ValueLayout.JAVA_BYTE, at - BASE, b.length);
    return at;
  }

  public byte[] read(long address, int length) {
    byte[] b = new byte[length];
    MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, address - BASE, b, 0, length);
    return b;
  }

  public int intAt(long address) {
    return bytes.get(ValueLayout.JAVA_INT_UNALIGNED, address - BASE);
  }

  public long longAt(long address) {
    return bytes.get(ValueLayout.JAVA_LONG_UNALIGNED, address - BASE);
  }

  public void putLong(long address, long value) {
    bytes.set(ValueLayout.JAVA_LONG_UNALIGNED, address - BASE, value);
  }

  public void putInt(long address, int value) {
    bytes.set(ValueLayout.JAVA_INT_UNALIGNED, address - BASE, value);
  }
}
