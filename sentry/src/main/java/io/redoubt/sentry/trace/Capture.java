package io.redoubt.sentry.trace;

import io.redoubt.host.Memory;
import io.redoubt.host.Nr;
import io.redoubt.seccomp.GuestProfile;
import io.redoubt.sentry.kernel.CallObserver;
import io.redoubt.sentry.kernel.GuestMemory;
import io.redoubt.sentry.kernel.Syscall;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * Copies a call into an event, with the strings that its arguments point at. Runs on the path of
 * the call.
 */
final class Capture {
  private static final int EXIT = 60;

  /** Bytes kept of one string or buffer; of a path, and of the strings of one argv. */
  private static final int BUFFER_BYTES = 48;

  private static final int PATH_BYTES = 256;
  private static final int ARGV_STRING_BYTES = 64;
  private static final int ARGV_COUNT = 12;
  private static final int SOCKADDR_BYTES = 112;

  private static final ThreadLocal<MemorySegment> SCRATCH =
      ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(PATH_BYTES, 8));

  private final Signatures signatures;

  Capture(Signatures signatures) {
    this.signatures = signatures;
  }

  /** Whether a call is made by the stub that loads a program. */
  static boolean isLoading(Syscall c, long result) {
    return c.nr == GuestProfile.STUB_CALL
        || (c.task.isExecing() && result != CallObserver.REWRITTEN);
  }

  void fill(CallEvent e, Syscall c, int kind, long result) {
    e.clear(kind);
    e.tid = c.task.tid;
    e.nr = c.nr;
    e.result = result;
    e.isRing = c.listener() < 0;
    e.arguments[0] = c.arg0;
    e.arguments[1] = c.arg1;
    e.arguments[2] = c.arg2;
    e.arguments[3] = c.arg3;
    e.arguments[4] = c.arg4;
    e.arguments[5] = c.arg5;
    if (c.nr == EXIT || c.nr == Nr.EXIT_GROUP) {
      return;
    }
    String signature = signatures.of(c.nr);
    GuestMemory memory = c.memory();
    for (int i = 0; i < signature.length(); i++) {
      long address = e.arguments[i];
      long next = i + 1 < CallEvent.ARGUMENTS ? e.arguments[i + 1] : 0;
      switch (signature.charAt(i)) {
        case 'p' -> string(e, i, memory, address, PATH_BYTES);
        case 'v' -> strings(e, i, memory, address);
        case 'w' -> bytes(e, i, memory, address, next, BUFFER_BYTES);
        case 'a' -> bytes(e, i, memory, address, next & 0xffffffffL, SOCKADDR_BYTES);
        case 'b' -> {
          if (kind == CallEvent.ANSWERED && result >= 0) {
            bytes(e, i, memory, address, result, BUFFER_BYTES);
          }
        }
        default -> {}
      }
    }
  }

  private static void bytes(
      CallEvent e, int i, GuestMemory memory, long address, long length, int limit) {
    MemorySegment s = SCRATCH.get();
    int room = Math.min(limit, CallEvent.TEXT_BYTES - e.textUsed);
    int want = (int) Math.min(length < 0 ? room : length, room);
    long n = address == 0 ? -1 : want == 0 ? 0 : memory.copyIn(address, s, 0, want);
    if (n >= 0) {
      keep(e, i, s, (int) n, n < length);
    }
  }

  private static void string(CallEvent e, int i, GuestMemory memory, long address, int limit) {
    MemorySegment s = SCRATCH.get();
    int room = Math.min(limit, CallEvent.TEXT_BYTES - e.textUsed);
    long n = address == 0 || room == 0 ? -1 : memory.copyIn(address, s, 0, room);
    if (n > 0) {
      int end = terminator(s, (int) n);
      keep(e, i, s, end, end == n);
    }
  }

  /** As strings with their NULs; cut when there are more than fit. */
  private static void strings(CallEvent e, int i, GuestMemory memory, long array) {
    MemorySegment s = SCRATCH.get();
    long[] pointers = new long[ARGV_COUNT + 1];
    long n = array == 0 ? 0 : memory.copyIn(array, s, 0, pointers.length * 8L) / 8;
    MemorySegment.copy(s, ValueLayout.JAVA_LONG, 0, pointers, 0, (int) Math.max(0, n));
    e.start[i] = e.textUsed;
    e.cut[i] = false;
    for (int k = 0; k < n && pointers[k] != 0; k++) {
      int room = Math.min(ARGV_STRING_BYTES, CallEvent.TEXT_BYTES - e.textUsed - 1);
      long got = room <= 0 || k == ARGV_COUNT ? -1 : memory.copyIn(pointers[k], s, 0, room);
      if (got <= 0) {
        e.cut[i] = true;
        break;
      }
      int end = terminator(s, (int) got);
      MemorySegment.copy(s, ValueLayout.JAVA_BYTE, 0, e.text, e.textUsed, end);
      e.textUsed += end;
      e.text[e.textUsed++] = 0;
    }
    e.length[i] = e.textUsed - e.start[i];
  }

  private static int terminator(MemorySegment s, int length) {
    int end = 0;
    while (end < length && Memory.getByte(s, end) != 0) {
      end++;
    }
    return end;
  }

  private static void keep(CallEvent e, int i, MemorySegment s, int length, boolean cut) {
    MemorySegment.copy(s, ValueLayout.JAVA_BYTE, 0, e.text, e.textUsed, length);
    e.start[i] = e.textUsed;
    e.length[i] = length;
    e.cut[i] = cut;
    e.textUsed += length;
  }
}
