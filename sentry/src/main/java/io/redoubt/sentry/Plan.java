package io.redoubt.sentry;

import io.redoubt.sentry.syscalls.LimitCalls;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Keys and values as they go over the control socket: what the front is to start. */
final class Plan {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  /** Command, environment and limits of a process. */
  Plan process(SandboxConfig c) {
    for (String a : c.args()) {
      entry("arg", a);
    }
    entry("env.inherit", c.inheritEnv() ? "1" : "0");
    for (String e : c.env()) {
      entry("env", e);
    }
    long[] r = c.rlimits();
    for (int i = 0; i + 2 < r.length; i += 3) {
      if (LimitCalls.isHostEnforced((int) r[i])) {
        entry(
            "rlimit",
            r[i] + ":" + Long.toUnsignedString(r[i + 1]) + ":" + Long.toUnsignedString(r[i + 2]));
      }
    }
    entry("tty", c.tty() ? "1" : "0");
    return this;
  }

  Plan entry(String key, String value) {
    bytes.writeBytes(key.getBytes(StandardCharsets.ISO_8859_1));
    bytes.write(0);
    bytes.writeBytes(value.getBytes(StandardCharsets.ISO_8859_1));
    bytes.write(0);
    return this;
  }

  Plan entries(List<String> keysAndValues) {
    for (int i = 0; i + 1 < keysAndValues.size(); i += 2) {
      entry(keysAndValues.get(i), keysAndValues.get(i + 1));
    }
    return this;
  }

  byte[] bytes() {
    return bytes.toByteArray();
  }

  /** The other way: keys and values in turn. */
  static List<String> read(byte[] payload) {
    List<String> out = new ArrayList<>();
    int from = 0;
    for (int i = 0; i < payload.length; i++) {
      if (payload[i] == 0) {
        out.add(new String(payload, from, i - from, StandardCharsets.ISO_8859_1));
        from = i + 1;
      }
    }
    return out;
  }
}
