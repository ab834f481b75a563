package io.redoubt.sentry.trace;

import io.redoubt.host.Errno;
import io.redoubt.host.Nr;
import io.redoubt.sentry.kernel.CallObserver;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;

/** Makes a line of an event, as strace does: {@code [pid] name(arguments) = result}. */
final class CallFormatter {
  private static final int SHMAT = 30;
  private static final int EXECVE = 59;
  private static final int EXIT = 60;
  private static final int AT_FDCWD = -100;
  private static final int MAX_ERRNO = 4095;
  private static final int AF_UNIX = 1;
  private static final int AF_INET = 2;

  private final SyscallTable table;
  private final Signatures signatures;

  CallFormatter(SyscallTable table, Signatures signatures) {
    this.table = table;
    this.signatures = signatures;
  }

  void append(StringBuilder b, CallEvent e) {
    String name = CallNames.of(table, e.nr);
    if (e.kind == CallEvent.MISSING) {
      b.append("redoubt: system call ")
          .append(e.nr)
          .append(" (")
          .append(name)
          .append(") is not served: ENOSYS\n");
      return;
    }
    b.append('[').append(e.tid).append("] ").append(name).append('(');
    String signature = signatures.of(e.nr);
    int count = signature.length();
    if (e.nr == Nr.OPEN && (e.arguments[1] & 0100) == 0
        || e.nr == Nr.OPENAT && (e.arguments[2] & 0100) == 0) {
      count--; // a mode only with O_CREAT
    }
    for (int i = 0; i < count; i++) {
      if (e.kind == CallEvent.BLOCKED && signature.charAt(i) == 'b') {
        break; // not filled yet
      }
      b.append(i == 0 ? "" : ", ");
      argument(b, e, i, signature.charAt(i));
    }
    if (e.kind == CallEvent.BLOCKED) {
      b.append(" <unfinished ...>\n");
      return;
    }
    b.append(") = ");
    result(b, e);
    b.append('\n');
  }

  private static void argument(StringBuilder b, CallEvent e, int i, char letter) {
    long value = e.arguments[i];
    switch (letter) {
      case 'd' -> b.append((int) value);
      case 'l' -> b.append(value);
      case 'u' -> b.append(Long.toUnsignedString(value));
      case 'h' -> b.append(value == 0 ? "0" : "0x" + Long.toHexString(value));
      case 'o' -> b.append('0').append(Long.toOctalString(value & 0xffff));
      case 'D' -> {
        if ((int) value == AT_FDCWD) {
          b.append("AT_FDCWD");
        } else {
          b.append((int) value);
        }
      }
      case 'p', 'w', 'b' -> {
        if (e.start[i] < 0) {
          address(b, value);
        } else {
          quoted(b, e.text, e.start[i], e.start[i] + e.length[i]);
          b.append(e.cut[i] ? "..." : "");
        }
      }
      case 'v' -> strings(b, e, i);
      case 'a' -> socketAddress(b, e, i);
      default -> {
        if (!FlagNames.append(b, letter, value)) {
          address(b, value);
        }
      }
    }
  }

  private static void address(StringBuilder b, long value) {
    if (value == 0) {
      b.append("NULL");
    } else {
      b.append("0x").append(Long.toHexString(value));
    }
  }

  private static void strings(StringBuilder b, CallEvent e, int i) {
    b.append('[');
    int end = e.start[i] + e.length[i];
    for (int at = e.start[i]; at < end; ) {
      int stop = at;
      while (e.text[stop] != 0) {
        stop++;
      }
      b.append(at == e.start[i] ? "" : ", ");
      quoted(b, e.text, at, stop);
      at = stop + 1;
    }
    b.append(e.cut[i] ? ", ...]" : "]");
  }

  private static void socketAddress(StringBuilder b, CallEvent e, int i) {
    int at = e.start[i];
    int n = at < 0 ? 0 : e.length[i];
    int family = n < 2 ? -1 : e.text[at] & 0xff | (e.text[at + 1] & 0xff) << 8;
    if (family == AF_UNIX) {
      boolean isAbstract = n > 2 && e.text[at + 2] == 0;
      int end = at + 2 + (isAbstract ? 1 : 0);
      while (end < at + n && (isAbstract || e.text[end] != 0)) {
        end++;
      }
      b.append("{sa_family=AF_UNIX, sun_path=").append(isAbstract ? "@" : "");
      quoted(b, e.text, at + 2 + (isAbstract ? 1 : 0), end);
      b.append('}');
    } else if (family == AF_INET && n >= 8) {
      b.append("{sa_family=AF_INET, sin_port=")
          .append((e.text[at + 2] & 0xff) << 8 | e.text[at + 3] & 0xff)
          .append(", sin_addr=");
      for (int k = 4; k < 8; k++) {
        b.append(k == 4 ? "" : ".").append(e.text[at + k] & 0xff);
      }
      b.append('}');
    } else {
      address(b, e.arguments[i]);
    }
  }

  /** In double quotes, with what is not printable ASCII as C does it. */
  static void quoted(StringBuilder b, byte[] text, int from, int to) {
    b.append('"');
    for (int i = from; i < to; i++) {
      int c = text[i] & 0xff;
      switch (c) {
        case '\n' -> b.append("\\n");
        case '\t' -> b.append("\\t");
        case '\r' -> b.append("\\r");
        case '"', '\\' -> b.append('\\').append((char) c);
        default -> {
          if (c >= ' ' && c < 0x7f) {
            b.append((char) c);
          } else {
            boolean digitFollows = i + 1 < to && text[i + 1] >= '0' && text[i + 1] <= '7';
            String octal = Integer.toOctalString(c);
            b.append('\\')
                .append(digitFollows ? "000".substring(octal.length()) : "")
                .append(octal);
          }
        }
      }
    }
    b.append('"');
  }

  private static void result(StringBuilder b, CallEvent e) {
    long r = e.result;
    if (r == Syscall.CONTINUE) {
      b.append(e.nr == EXIT || e.nr == Nr.EXIT_GROUP ? "?" : "? (host)");
    } else if (r == CallObserver.REWRITTEN) {
      b.append(e.nr == EXECVE || e.nr == Nr.EXECVEAT ? "0" : "? (goes on as another call)");
    } else if (r < 0 && r >= -MAX_ERRNO) {
      restartOrErrno(b, (int) -r);
    } else if (e.nr == Nr.MMAP || e.nr == SHMAT) {
      b.append("0x").append(Long.toHexString(r));
    } else {
      b.append(r);
    }
    if (e.isRing) {
      b.append(" (ring)");
    }
  }

  private static void restartOrErrno(StringBuilder b, int errno) {
    switch (errno) {
      case Errno.ERESTARTSYS -> b.append("? ERESTARTSYS (restarted if SA_RESTART is set)");
      case Errno.ERESTARTNOHAND -> b.append("? ERESTARTNOHAND (restarted if no handler runs)");
      default ->
          b.append("-1 ")
              .append(Errno.name(errno))
              .append(" (")
              .append(Errno.message(errno))
              .append(')');
    }
  }
}
