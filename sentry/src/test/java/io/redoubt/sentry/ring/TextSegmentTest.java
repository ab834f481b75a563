package io.redoubt.sentry.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Headers as linkers write them, and as a hostile guest may. */
class TextSegmentTest {
  private static final int PHDRS = 64;
  private static final long BASE = 0x7f1234560000L;

  // Debian 12's libc: headers and text.
  private static final long TEXT = 0x26000;
  private static final long TEXT_BYTES = 0x1550fc;

  private final byte[] head = new byte[4096];
  private final ByteBuffer b = ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN);
  private final Mapping text = new Mapping();
  private final TextSegment segment = new TextSegment();
  private int count;

  @BeforeEach
  void makeLibc() {
    b.putInt(0, 0x464c457f);
    b.put(4, (byte) 2);
    b.put(5, (byte) 1);
    b.putShort(18, (short) 62);
    b.putLong(32, PHDRS);
    b.putShort(54, (short) 56);
    load(4, 0, 0, 0x25388, 0x25388);
    load(5, TEXT, TEXT, TEXT_BYTES, TEXT_BYTES);
    load(4, 0x17c000, 0x17c000, 0x52c31, 0x52c31);
    load(6, 0x1cf8d0, 0x1cf8d0, 0x4f98, 0x12680);
    text.start = BASE + TEXT;
    text.end = BASE + 0x17c000;
    text.offset = TEXT;
  }

  private void load(int flags, long offset, long address, long fileSize, long memorySize) {
    int at = PHDRS + 56 * count++;
    b.putInt(at, 1);
    b.putInt(at + 4, flags);
    b.putLong(at + 8, offset);
    b.putLong(at + 16, address);
    b.putLong(at + 32, fileSize);
    b.putLong(at + 40, memorySize);
    b.putShort(56, (short) count);
  }

  private SiteResult find(long place) {
    return segment.find(head, head.length, text, BASE + place);
  }

  @Test
  void theTailIsBetweenTheEndOfTheTextAndThatOfItsPage() {
    assertNull(find(0x100000));
    assertEquals(BASE + TEXT, segment.start);
    assertEquals(BASE + 0x17b0fc, segment.end);
    assertEquals(BASE + 0x17b100, segment.tailStart);
    assertEquals(BASE + 0x17c000, segment.tailEnd);
    assertNull(find(TEXT));
    assertNull(find(0x17b0fb));
    assertNull(find(0x17b105)); // in the tail
  }

  /** Only that part of it is mapped at one piece; the text begins before. */
  @Test
  void aMappingMayBeAPartOfTheSegment() {
    text.start += 0x4000;
    text.offset += 0x4000;
    assertNull(find(0x100000));
    assertEquals(BASE + TEXT + 0x4000, segment.start);
    assertEquals(BASE + 0x17b100, segment.tailStart);
    // Its end belongs to another one.
    text.end -= 4096;
    assertEquals(SiteResult.NO_ROOM, find(0x100000));
  }

  /** The old layout: headers, text and constants in one segment at the start of the file. */
  @Test
  void headersMayBeInTheSegment() {
    count = 0;
    load(5, 0, 0x400000, 0x12345, 0x12345);
    load(6, 0x12e10, 0x613e10, 0x300, 0x500);
    text.start = 0x400000;
    text.end = 0x413000;
    text.offset = 0;
    assertNull(segment.find(head, head.length, text, 0x401000));
    assertEquals(0x400000, segment.start);
    assertEquals(0x412360, segment.tailStart);
    assertEquals(0x413000, segment.tailEnd);
  }

  @Test
  void aSegmentThatFillsItsLastPageHasNoTail() {
    int at = PHDRS + 56;
    for (long bytes = 0x155fc0; bytes <= 0x156000; bytes++) {
      b.putLong(at + 32, bytes);
      b.putLong(at + 40, bytes);
      SiteResult expected = bytes <= 0x155fe0 ? null : SiteResult.NO_ROOM;
      assertEquals(expected, find(0x100000), "bytes=" + bytes);
    }
  }

  @Test
  void whatTheProgramUsesIsNoTail() {
    b.putLong(PHDRS + 56 + 40, TEXT_BYTES + 0x100); // a .bss in the text
    assertEquals(SiteResult.NO_ROOM, find(0x100000));
    b.putLong(PHDRS + 56 + 40, TEXT_BYTES);
    b.putLong(PHDRS + 2 * 56 + 16, 0x17bf00); // the next segment begins in the same page
    assertEquals(SiteResult.NO_ROOM, find(0x100000));
  }

  @Test
  void codeOutsideOfItIsInNoSegment() {
    text.start = BASE;
    text.offset = 0;
    assertEquals(SiteResult.NO_SEGMENT, find(0x1000)); // not executable
    assertEquals(SiteResult.NO_SEGMENT, find(TEXT - 1));
    text.offset = Long.MAX_VALUE - 4095;
    assertEquals(SiteResult.NO_SEGMENT, find(0x1000));
    text.offset = -4096;
    assertEquals(SiteResult.NO_SEGMENT, find(0x1000));
  }

  @Test
  void otherFilesAreNotElf() {
    for (int at : new int[] {0, 3, 4, 5, 18, 19, 54, 55}) {
      head[at] ^= 4;
      assertEquals(SiteResult.NOT_ELF, find(0x100000), "at=" + at);
      head[at] ^= 4;
    }
    for (int length = 0; length < PHDRS + 56 * count; length++) {
      assertEquals(SiteResult.NOT_ELF, segment.find(head, length, text, BASE + 0x100000));
    }
    for (long table : new long[] {-1, Long.MIN_VALUE, Long.MAX_VALUE, 4096, 4097, 4096 - 223}) {
      b.putLong(32, table);
      assertEquals(SiteResult.NOT_ELF, find(0x100000), "table=" + table);
    }
    b.putLong(32, PHDRS);
    b.putShort(56, (short) 0xffff);
    assertEquals(SiteResult.NOT_ELF, find(0x100000));
    b.putShort(56, (short) 0);
    assertEquals(SiteResult.NO_SEGMENT, find(0x100000));
  }

  /** Whatever the numbers are: a tail is in the mapping, behind the place, and in one page. */
  @Test
  void noLieLeadsOutOfTheMapping() {
    long[] odd = {
      0,
      1,
      -1,
      31,
      4095,
      4096,
      TEXT,
      TEXT_BYTES,
      1L << 46,
      (1L << 46) + 1,
      1L << 47,
      1L << 62,
      Long.MAX_VALUE,
      Long.MIN_VALUE,
      Long.MAX_VALUE - TEXT,
      -TEXT,
      0x100000
    };
    Random random = new Random(1);
    byte[] good = head.clone();
    int found = 0;
    for (int i = 0; i < 200_000; i++) {
      System.arraycopy(good, 0, head, 0, head.length);
      for (int n = random.nextInt(4); n >= 0; n--) {
        int at = PHDRS + 56 * random.nextInt(count) + 8 + 8 * random.nextInt(5);
        b.putLong(at, odd[random.nextInt(odd.length)] + random.nextInt(3) * 16);
      }
      long place = random.nextBoolean() ? 0x100000 : TEXT + random.nextInt(0x156000);
      if (find(place) == null) {
        found++;
        assertTrue(segment.start >= text.start && segment.start <= BASE + place);
        assertTrue(segment.tailStart >= segment.end && segment.tailStart % 32 == 0);
        assertTrue(segment.tailEnd <= text.end && segment.tailEnd % 4096 == 0);
        assertTrue(segment.tailEnd - segment.tailStart >= 32);
        assertTrue(segment.tailEnd - segment.tailStart < 4096);
        assertTrue(BASE + place < segment.tailEnd);
      }
    }
    assertTrue(found > 10_000, "found=" + found);
  }
}
