package io.redoubt.sentry.trace;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import io.redoubt.host.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;

/**
 * Appends Latin-1 text to a host file that was opened at start. An error ends the writing, not the
 * sandbox. For one thread.
 */
public final class TextFile implements Consumer<String> {
  private final int fd;
  private final MemorySegment buffer = Arena.ofAuto().allocate(64 * 1024);
  private boolean failed;

  public TextFile(int fd) {
    this.fd = fd;
  }

  @Override
  public void accept(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
    int at = 0;
    while (at < bytes.length && !failed) {
      int n = (int) Math.min(buffer.byteSize(), bytes.length - at);
      Memory.copy(bytes, at, buffer, 0, n);
      long written = Unistd.write(fd, buffer, n);
      if (written != -Errno.EINTR) {
        failed = written <= 0;
        at += (int) Math.max(0, written);
      }
    }
  }
}
