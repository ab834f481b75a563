package io.redoubt.sentry.audit;

import io.redoubt.sentry.kernel.SyscallTable;
import io.redoubt.sentry.trace.CallNames;

/** Events as JSON, one line each. For one thread. */
final class AuditLine {
  private static final int MAX_TEXT = 1024;
  private static final long DAY_MILLIS = 86_400_000;

  private final String sandbox;
  private volatile SyscallTable table; // null until the sandbox has one

  AuditLine(String sandbox) {
    this.sandbox = sandbox;
  }

  void setTable(SyscallTable newTable) {
    table = newTable;
  }

  void append(StringBuilder b, AuditEvent e) {
    b.append("{\"v\":1,\"time\":\"");
    time(b, e.millis);
    b.append("\",\"sandbox\":");
    quote(b, sandbox);
    b.append(",\"event\":\"").append(e.kind.label).append('"');
    if (e.pid != 0) {
      b.append(",\"pid\":").append(e.pid).append(",\"tid\":").append(e.tid);
      b.append(",\"uid\":").append(Integer.toUnsignedString(e.uid));
    }
    switch (e.kind) {
      case DENIED_CALL, REFUSED_FLAGS -> call(b, e);
      case LIMIT -> {
        b.append(",\"limit\":\"").append(e.text).append("\",\"usage\":").append(e.usage);
        b.append(",\"most\":").append(e.most);
      }
      case SET_ID_EXEC -> {
        b.append(",\"path\":");
        quote(b, e.text);
        b.append(",\"mode\":\"").append(Integer.toOctalString(e.mode));
        b.append("\",\"honoured\":").append(e.isHonoured);
      }
      default -> {
        b.append(",\"detail\":");
        quote(b, e.text);
      }
    }
    if (e.suppressed > 0) {
      b.append(",\"suppressed\":").append(e.suppressed);
    }
    b.append("}\n");
  }

  private void call(StringBuilder b, AuditEvent e) {
    SyscallTable t = table;
    b.append(",\"call\":\"").append(t == null ? "syscall_" + e.nr : CallNames.of(t, e.nr));
    b.append("\",\"nr\":").append(e.nr).append(",\"errno\":\"");
    b.append(e.errno == 38 ? "ENOSYS" : "EPERM").append("\",\"args\":[");
    for (int i = 0; i < e.arguments.length; i++) {
      b.append(i > 0 ? ",\"0x" : "\"0x").append(Long.toHexString(e.arguments[i])).append('"');
    }
    b.append(']');
  }

  /** Text of a guest: any byte may be in it. What is not ASCII comes as the byte's number. */
  static void quote(StringBuilder b, String text) {
    b.append('"');
    int n = Math.min(text.length(), MAX_TEXT);
    for (int i = 0; i < n; i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        b.append('\\').append(c);
      } else if (c < ' ' || c > '~') {
        b.append("\\u");
        for (int shift = 12; shift >= 0; shift -= 4) {
          b.append(Character.forDigit(c >> shift & 0xf, 16));
        }
      } else {
        b.append(c);
      }
    }
    b.append('"');
  }

  /** RFC 3339 in UTC. java.time would be some hundred classes for it. */
  static void time(StringBuilder b, long millis) {
    long days = Math.floorDiv(millis, DAY_MILLIS);
    long rest = Math.floorMod(millis, DAY_MILLIS);
    // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days
    long z = days + 719_468;
    long era = Math.floorDiv(z, 146_097);
    long dayOfEra = z - era * 146_097;
    long year = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365;
    long dayOfYear = dayOfEra - (365 * year + year / 4 - year / 100);
    long shifted = (5 * dayOfYear + 2) / 153;
    long day = dayOfYear - (153 * shifted + 2) / 5 + 1;
    long month = shifted < 10 ? shifted + 3 : shifted - 9;
    number(b, year + era * 400 + (month <= 2 ? 1 : 0), 4).append('-');
    number(b, month, 2).append('-');
    number(b, day, 2).append('T');
    number(b, rest / 3_600_000, 2).append(':');
    number(b, rest / 60_000 % 60, 2).append(':');
    number(b, rest / 1000 % 60, 2).append('.');
    number(b, rest % 1000, 3).append('Z');
  }

  private static StringBuilder number(StringBuilder b, long n, int digits) {
    String s = Long.toString(n);
    for (int i = s.length(); i < digits; i++) {
      b.append('0');
    }
    return b.append(s);
  }
}
