package io.redoubt.sentry.fs.pseudo;

import io.redoubt.sentry.kernel.Syscall;

/** Makes the content of a pseudo file. */
@FunctionalInterface
public interface Content {
  /**
   * Appends the whole content to {@code out}, one char (0 to 255) a byte.
   *
   * @return 0, or a negative errno for the reader
   */
  int write(Syscall c, StringBuilder out);

  /** The same text at all times. */
  static Content of(String text) {
    return (c, out) -> {
      out.append(text);
      return 0;
    };
  }
}
