package io.redoubt.sentry.kernel;

import java.util.HashMap;
import java.util.Map;

/**
 * Kernel parameters of the sandbox that are not Linux's defaults: {@code linux.sysctl} of a
 * container. Set before the sandbox starts.
 */
public final class Sysctls {
  private volatile Map<String, String> values = Map.of();

  /** Sets them all. @param pairs names, "kernel.msgmax", and values in turn */
  public void set(Iterable<String> pairs) {
    Map<String, String> next = new HashMap<>();
    String name = null;
    for (String s : pairs) {
      if (name == null) {
        name = s;
      } else {
        next.put(name, s);
        name = null;
      }
    }
    values = next;
  }

  /** A value as it was given, or null. */
  public String text(String name) {
    return values.get(name);
  }

  /** Names that were given. */
  public Iterable<String> names() {
    return values.keySet();
  }

  /** A number that may not be above {@code limit}. */
  public long of(String name, long otherwise, long limit) {
    return of(name, 0, otherwise, limit);
  }

  /** One of several numbers in a value, counted from 0. */
  public long of(String name, int index, long otherwise, long limit) {
    String text = values.get(name);
    if (text == null) {
      return otherwise;
    }
    String[] words = text.trim().split("[ \t]+");
    try {
      long n = index < words.length ? Long.parseUnsignedLong(words[index]) : otherwise;
      return n < 0 || n > limit ? limit : n;
    } catch (NumberFormatException e) {
      return otherwise;
    }
  }
}
