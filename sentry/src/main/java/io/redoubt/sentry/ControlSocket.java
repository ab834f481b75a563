package io.redoubt.sentry;

import io.redoubt.host.Errno;
import io.redoubt.host.Memory;
import io.redoubt.host.Mman;
import io.redoubt.host.Socket;
import io.redoubt.host.Unistd;
import java.io.ByteArrayOutputStream;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;

/**
 * The stream to the front: frames of u32 type, u32 length, payload, with at most one fd on the
 * header ({@code frames.h} of the native front has the same numbers). Sending is synchronised;
 * receiving is the reactor's alone once the sandbox runs.
 */
public final class ControlSocket {
  public static final int PLAN = 1;
  public static final int FILTER = 2;
  public static final int LISTENER = 3;
  public static final int GO = 4;
  public static final int FAIL = 5;
  public static final int SIGNAL = 6;
  public static final int WINSIZE = 7;
  public static final int CONSOLE = 8;
  public static final int EXITED = 9;
  public static final int DONE = 10;
  public static final int TEXT = 11;
  public static final int KILL = 12;
  public static final int CLIENT = 13;
  public static final int EXEC = 14;
  public static final int STDIO = 15;
  public static final int UPDATE = 16;
  public static final int PROFILE = 17;
  public static final int GOFER = 18;
  public static final int STATS = 19;
  public static final int ORPHANS = 23;

  private static final int HEADER_BYTES = 8;
  private static final int MAX_PAYLOAD = 4 << 20;
  private static final int MSG_NOSIGNAL = 0x4000;

  /** A received frame. @param fd -1 when there was none */
  public record Frame(int type, byte[] payload, int fd) {
    /** An int of the payload, 0 past its end. */
    public int intAt(int offset) {
      if (offset + 4 > payload.length) {
        return 0;
      }
      return (payload[offset] & 0xff)
          | (payload[offset + 1] & 0xff) << 8
          | (payload[offset + 2] & 0xff) << 16
          | payload[offset + 3] << 24;
    }

    /** An unsigned short of the payload, 0 past its end. */
    public int shortAt(int offset) {
      return offset + 2 > payload.length
          ? 0
          : (payload[offset] & 0xff) | (payload[offset + 1] & 0xff) << 8;
    }
  }

  private final int fd;
  private final MemorySegment out = Mman.anonymous(64 * 1024);
  private final MemorySegment in = Mman.anonymous(64 * 1024);

  public ControlSocket(int fd) {
    this.fd = fd;
  }

  public int fd() {
    return fd;
  }

  /** Sends a frame. A front that is gone is not an error here: its death ends this process too. */
  public synchronized void send(int type, byte[] payload) {
    Memory.setInt(out, 0, type);
    Memory.setInt(out, 4, payload.length);
    int have = HEADER_BYTES;
    int at = 0;
    do {
      int n = (int) Math.min(payload.length - at, out.byteSize() - have);
      Memory.copy(payload, at, out, have, n);
      if (!sendAll(have + n)) {
        return;
      }
      at += n;
      have = 0;
    } while (at < payload.length);
  }

  private boolean sendAll(int length) {
    int done = 0;
    while (done < length) {
      long n = Socket.send(fd, out.asSlice(done), length - done, MSG_NOSIGNAL);
      if (n == -Errno.EINTR) {
        continue;
      }
      if (n <= 0) {
        return false;
      }
      done += (int) n;
    }
    return true;
  }

  /**
   * Tells the front to print {@code message}, kill the sandbox and exit with {@code code}.
   *
   * @param message raw bytes as Latin-1, because it may hold names; empty to print nothing
   */
  public void fail(int code, String message) {
    byte[] text = message.getBytes(StandardCharsets.ISO_8859_1);
    byte[] b = new byte[4 + text.length];
    b[0] = (byte) code;
    System.arraycopy(text, 0, b, 4, text.length);
    send(FAIL, b);
  }

  /** Has the front print text, raw bytes as Latin-1, on its stdout (1) or stderr (2). */
  public void text(int stream, String text) {
    ByteArrayOutputStream b = new ByteArrayOutputStream();
    b.write(stream);
    b.writeBytes(text.getBytes(StandardCharsets.ISO_8859_1));
    send(TEXT, b.toByteArray());
  }

  /** Waits for a frame. @return null when the front is gone or talks nonsense */
  public Frame receive() {
    int[] fds = new int[1];
    fds[0] = -1;
    long n;
    do {
      n = Socket.recvFds(fd, in, HEADER_BYTES, 0, fds);
    } while (n == -Errno.EINTR);
    int passed = n > 0 ? fds[0] : -1;
    if (n <= 0 || !receiveRest((int) n, HEADER_BYTES)) {
      return null;
    }
    int type = Memory.getInt(in, 0);
    int length = Memory.getInt(in, 4);
    if (length < 0 || length > MAX_PAYLOAD) {
      return null;
    }
    byte[] payload = new byte[length];
    int at = 0;
    while (at < length) {
      int want = (int) Math.min(length - at, in.byteSize());
      if (!receiveRest(0, want)) {
        return null;
      }
      Memory.copy(in, 0, payload, at, want);
      at += want;
    }
    return new Frame(type, payload, passed);
  }

  private boolean receiveRest(int have, int want) {
    int at = have;
    while (at < want) {
      long n = Unistd.read(fd, in.address() + at, want - at);
      if (n == -Errno.EINTR) {
        continue;
      }
      if (n <= 0) {
        return false;
      }
      at += (int) n;
    }
    return true;
  }
}
