package io.redoubt.sentry.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The guest's side has its own copy of the layout, in C. */
class RingLayoutTest {
  private static final Path HEADER = Path.of("../launcher/src/main/native/ring.h");
  private static final Pattern DEFINE =
      Pattern.compile("#define (\\w+) \\(?([^/]*?)\\)?\\s*(/\\*.*)?");

  private final Map<String, Long> values = new HashMap<>();

  private void read() throws IOException {
    for (String line : Files.readAllLines(HEADER)) {
      var m = DEFINE.matcher(line);
      if (m.matches() && !m.group(2).isBlank()) {
        long sum = 0;
        for (String term : m.group(2).split("\\+")) {
          String word = term.strip();
          sum += values.containsKey(word) ? values.get(word) : Long.decode(word);
        }
        values.put(m.group(1), sum);
      }
    }
  }

  @Test
  void bothSidesHaveTheSameNumbers() throws IOException {
    read();
    Map<String, Long> here = new HashMap<>();
    here.put("RING_TEXT", RingLayout.TEXT);
    here.put("RING_DATA", RingLayout.DATA);
    here.put("RING_THUNKS", RingLayout.THUNKS);
    here.put("RING_ENTER", (long) RingLayout.ENTER);
    here.put("RING_REGION", RingLayout.REGION);
    here.put("RING_REGION_BYTES", (long) RingLayout.REGION_BYTES);
    here.put("RING_AWAKE", RingLayout.REGION + RingLayout.AWAKE_OFFSET);
    here.put("RING_SPINS", RingLayout.REGION + RingLayout.SPINS_OFFSET);
    here.put("RING_SERVED", RingLayout.REGION + RingLayout.SERVED_OFFSET);
    here.put("RING_NUMBERS", (long) RingLayout.NUMBERS);
    here.put("RING_USED", RingLayout.REGION + RingLayout.USED_OFFSET);
    here.put("RING_SLOTS", RingLayout.REGION + RingLayout.SLOTS_OFFSET);
    here.put("RING_SLOT_COUNT", (long) RingLayout.SLOT_COUNT);
    here.put("RING_RANGES", RingLayout.REGION + RingLayout.RANGES_OFFSET);
    here.put("RING_RANGE", RingLayout.REGION + RingLayout.RANGE_OFFSET);
    here.put("RING_RANGE_WRITABLE", RingLayout.RANGE_WRITABLE);
    here.put("RING_PAYLOADS", RingLayout.REGION + RingLayout.PAYLOADS_OFFSET);
    here.put(
        "RING_PAYLOAD_BYTES", (long) RingLayout.payloadOffset(1) - RingLayout.payloadOffset(0));
    here.put("PAYLOAD_IN", (long) RingLayout.PAYLOAD_IN);
    here.put("PAYLOAD_ROOM", (long) RingLayout.PAYLOAD_ROOM);
    here.put("PAYLOAD_OUT", (long) RingLayout.PAYLOAD_OUT);
    here.put("PAYLOAD_BYTES", (long) RingLayout.PAYLOAD_BYTES);
    here.put("PAYLOAD_MAX", (long) RingLayout.PAYLOAD_MAX);
    here.put("SLOT_HAS_PAYLOAD", (long) RingLayout.HAS_PAYLOAD);
    here.put("SLOT_DONE_OUT", (long) RingLayout.DONE_OUT);
    here.put("KIND_PATH_DI", (long) RingPayload.PATH_DI);
    here.put("KIND_PATH_SI", (long) RingPayload.PATH_SI);
    here.put("KIND_OUT_SI", (long) RingPayload.OUT_SI);
    here.put("KIND_STAT_SI", (long) RingPayload.STAT_SI);
    here.put("KIND_STAT_DX", (long) RingPayload.STAT_DX);
    here.put("KIND_IN_SI", (long) RingPayload.IN_SI);
    here.put("KIND_POLL", (long) RingPayload.POLL);
    here.put("KIND_EVENTS", (long) RingPayload.EVENTS);
    here.put("KIND_GETCWD", (long) RingPayload.GETCWD);
    here.put("KIND_STATX", (long) RingPayload.STATX);
    here.put("SLOT_STATE", (long) RingLayout.STATE_OFFSET);
    here.put("SLOT_NR", (long) RingLayout.NUMBER_OFFSET);
    here.put("SLOT_ARGS", (long) RingLayout.ARGUMENTS_OFFSET);
    here.put("SLOT_RESULT", (long) RingLayout.RESULT_OFFSET);
    here.put("SLOT_FREE", (long) RingLayout.FREE);
    here.put("SLOT_CALLED", (long) RingLayout.CALLED);
    here.put("SLOT_SERVING", (long) RingLayout.SERVING);
    here.put("SLOT_WAITED", (long) RingLayout.WAITED);
    here.put("SLOT_DONE", (long) RingLayout.DONE);
    here.put("SLOT_TRAP", (long) RingLayout.TRAP);
    here.forEach((name, value) -> assertEquals(value, values.get(name), name));
    assertEquals(RingLayout.SLOT_BYTES, 1L << values.get("RING_SLOT_SHIFT"));
  }

  /** The number of a slot is taken from its address. */
  @Test
  void slotsAreAlignedTogether() {
    long slots = RingLayout.REGION + RingLayout.SLOTS_OFFSET;
    assertEquals(0, slots % (RingLayout.SLOT_COUNT * RingLayout.SLOT_BYTES));
    assertTrue(RingLayout.slotOffset(RingLayout.SLOT_COUNT) <= RingLayout.PAYLOADS_OFFSET, "fits");
    assertTrue(
        RingLayout.payloadOffset(RingLayout.SLOT_COUNT) <= RingLayout.REGION_BYTES,
        "fits the region");
    assertTrue(RingLayout.REGION + RingLayout.REGION_BYTES <= 0x200000, "where lld puts programs");
  }
}
