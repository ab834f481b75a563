package io.redoubt.launcher;

import io.redoubt.sentry.ControlSocket;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * Who started the command, and how to talk to it. Below a front every word goes over the control
 * socket, because the caller's own descriptors belong to the guest. Texts are raw bytes as Latin-1,
 * since they may hold names.
 */
final class Caller {
  /** Exit code of a command that Redoubt itself could not do. */
  static final int FAILED = 1;

  private static final int CONTROL_FD = 3;

  private final ControlSocket front; // null: the caller's own stdout and stderr

  private Caller(ControlSocket front) {
    this.front = front;
  }

  /** The caller of this process: {@code -Dredoubt.front=1} says that a front is between. */
  static Caller get() {
    return new Caller(
        "1".equals(System.getProperty("redoubt.front")) ? new ControlSocket(CONTROL_FD) : null);
  }

  /** The front's socket, or null. */
  ControlSocket front() {
    return front;
  }

  /** Prints on the caller's standard output. */
  void print(String text) {
    write(1, text);
  }

  /** Prints a line on the caller's standard error. */
  void warn(String message) {
    write(2, "redoubt: " + oneLine(message) + "\n");
  }

  /** Ends the command with one line that says what failed, why, and what to do. Does not return. */
  void fail(int code, String message) {
    if (front == null) {
      warn(message);
    } else {
      front.fail(code, oneLine(message));
    }
    end(code);
  }

  /** Ends the command after {@link #print}. Does not return. */
  void done() {
    if (front != null) {
      front.fail(0, "");
    }
    end(0);
  }

  private void end(int code) {
    if (front == null) {
      Runtime.getRuntime().halt(code); // nothing is buffered, no hook is there
    }
    for (; ; ) {
      java.util.concurrent.locks.LockSupport.park(); // the front kills this process
    }
  }

  private void write(int stream, String text) {
    if (front != null) {
      front.text(stream, text);
      return;
    }
    try {
      @SuppressWarnings("resource") // the caller's, not ours to close
      FileOutputStream out =
          new FileOutputStream(stream == 1 ? FileDescriptor.out : FileDescriptor.err);
      out.write(text.getBytes(StandardCharsets.ISO_8859_1));
    } catch (IOException e) {
      Runtime.getRuntime().halt(FAILED); // a closed pipe: nobody is left to tell
    }
  }

  /**
   * Names from outside may hold anything: control characters would make more lines of it, or drive
   * the terminal.
   */
  static String oneLine(String message) {
    StringBuilder b = new StringBuilder(message.length());
    for (int i = 0; i < message.length(); i++) {
      char c = message.charAt(i);
      b.append(c < ' ' || c == 0x7f ? '?' : c);
    }
    return b.toString();
  }
}
