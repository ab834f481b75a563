package io.redoubt.sentry.audit;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.time.Instant;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Lines of the audit log. */
final class AuditLineTest {
  @Test
  void textOfGuestsStaysOneString() {
    StringBuilder b = new StringBuilder();
    AuditLine.quote(b, "a\"b\\c\n\u0000\u00e9\u007f");
    assertEquals("\"a\\\"b\\\\c\\u000a\\u0000\\u00e9\\u007f\"", b.toString());
  }

  @Test
  void timesAreThoseOfTheCalendar() {
    Random random = new Random(1);
    for (int i = 0; i < 10_000; i++) {
      long millis = random.nextLong(253_402_300_800_000L); // until 9999
      StringBuilder b = new StringBuilder();
      AuditLine.time(b, millis);
      assertEquals(
          Instant.ofEpochMilli(millis), Instant.parse(b.toString()), () -> b + " is " + millis);
    }
  }

  @Test
  void everyKindIsAnObject() {
    AuditEvent e = new AuditEvent();
    e.kind = AuditKind.SET_ID_EXEC;
    e.pid = e.tid = 7;
    e.uid = -2;
    e.text = "/bin/su";
    e.mode = 04755;
    e.suppressed = 3;
    StringBuilder b = new StringBuilder();
    new AuditLine("box").append(b, e);
    assertEquals(
        "{\"v\":1,\"time\":\"1970-01-01T00:00:00.000Z\",\"sandbox\":\"box\",\"event\":\"set-id-exec\",\"pid\":7,\"tid\":7,"
            + "\"uid\":4294967294,\"path\":\"/bin/su\",\"mode\":\"4755\",\"honoured\":false,\"suppressed\":3}\n",
        b.toString());
  }
}
