package io.redoubt.sentry.audit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.host.Fcntl;
import io.redoubt.host.Mman;
import io.redoubt.host.Unistd;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of lines that do not fit. */
@Timeout(30)
final class AuditSinkTest {
  @TempDir static Path directory;

  private static String read(int fd, MemorySegment buffer) {
    StringBuilder all = new StringBuilder();
    for (long n; (n = Unistd.read(fd, buffer, buffer.byteSize())) > 0; ) {
      for (int i = 0; i < n; i++) {
        all.append((char) buffer.get(java.lang.foreign.ValueLayout.JAVA_BYTE, i));
      }
    }
    return all.toString();
  }

  /** pipe(7): of more than PIPE_BUF bytes a part may be written. */
  @Test
  void aTornLineTearsNoOther() throws IOException, InterruptedException {
    Path fifo = directory.resolve("fifo");
    assertEquals(0, new ProcessBuilder("mkfifo", fifo.toString()).start().waitFor());
    int reader = Fcntl.open(fifo.toString(), 04000 | Fcntl.O_CLOEXEC, 0); // O_NONBLOCK
    assertTrue(reader >= 0);
    AuditSink sink = AuditSink.open(fifo.toString(), new int[1]);
    String line = "x".repeat(8999) + "\n";
    int written = 0;
    while (sink.write(line)) {
      written++;
    }
    assertFalse(sink.write(line), "there is room again");
    MemorySegment buffer = Mman.anonymous(1 << 17);
    String all = read(reader, buffer);
    assertTrue(all.length() > written * 9000, "nothing was torn: " + all.length());
    assertEquals(line.repeat(written), all.substring(0, written * 9000));
    assertTrue(sink.write("next\n"));
    assertTrue(sink.write("last\n"));
    assertEquals("\nnext\nlast\n", read(reader, buffer));
    Unistd.close(reader);
  }
}
