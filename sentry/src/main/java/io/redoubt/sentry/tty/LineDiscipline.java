package io.redoubt.sentry.tty;

import static io.redoubt.sentry.tty.Termios.*;

/**
 * The N_TTY line discipline (drivers/tty/n_tty.c): what is typed becomes lines for the reader, echo
 * and signals; what is written becomes what the screen gets.
 *
 * <p>Pure state: no locks, no guest, no kernel. Its terminal guards it, and asks for {@link
 * #takeSignals} after each input.
 *
 * <pre>
 *   input buffer:   tail ......... canonHead ......... head
 *                   whole lines    the line being typed
 *                   (each ends at a mark)
 * </pre>
 */
final class LineDiscipline {
  static final int BUFFER = 4096; // N_TTY_BUF_SIZE; a power of two
  private static final int MASK = BUFFER - 1;

  /** What an EOF character leaves in the buffer; with its mark it ends a line and is not read. */
  private static final int END_OF_FILE = 0;

  static final int SIGINT = 2;
  static final int SIGQUIT = 3;
  static final int SIGTSTP = 20;

  final Termios modes = new Termios();
  final ByteQueue output;
  private final ByteQueue held = new ByteQueue(BUFFER); // echo while the screen is stopped

  private final byte[] buffer = new byte[BUFFER];
  private final boolean[] mark = new boolean[BUFFER]; // the character ends a line
  private int tail; // all three only ever grow; their low bits index the buffer
  private int canonHead;
  private int head;

  private boolean literalNext;
  private boolean stopped; // by STOP or TCOOFF
  private int column; // of the cursor, as far as the output tells
  private int canonColumn; // where the line being typed began
  private long signals; // bit n-1: signal n
  private int flushed; // what a signal character flushed since takeFlushed: 1 input, 2 output

  LineDiscipline(int outputLimit) {
    output = new ByteQueue(outputLimit);
  }

  // ---- state ----

  boolean isStopped() {
    return stopped;
  }

  /** Stops or starts the screen; echo that came meanwhile follows at the start. */
  void setStopped(boolean stop) {
    stopped = stop;
    byte[] b = new byte[stop ? 0 : held.size()];
    held.take(b, 0, b.length);
    for (byte one : b) {
      output.add(one);
    }
  }

  /**
   * Signals for the foreground group that characters have asked for since the last time, bit n-1
   * for signal n.
   */
  long takeSignals() {
    long s = signals;
    signals = 0;
    return s;
  }

  int takeFlushed() {
    int f = flushed;
    flushed = 0;
    return f;
  }

  boolean isCanonical() {
    return modes.local(ICANON);
  }

  /**
   * Bytes that can be read now (FIONREAD): in canonical mode whole lines without the marks of EOF.
   */
  int readable() {
    if (!isCanonical()) {
      return head - tail;
    }
    int n = canonHead - tail;
    for (int i = tail; i != canonHead; i++) {
      if (mark[i & MASK] && buffer[i & MASK] == END_OF_FILE) {
        n--;
      }
    }
    return n;
  }

  /** Whether a read has something: in canonical mode a line, which may be empty (EOF). */
  boolean hasInput(int atLeast) {
    return isCanonical() ? canonHead != tail : head - tail >= atLeast;
  }

  /**
   * How many characters more can be taken now; a full buffer without a line in it takes and drops,
   * so that a newline gets through.
   */
  int room() {
    if (isCanonical() && canonHead == tail) {
      return BUFFER;
    }
    return BUFFER - 1 - (head - tail);
  }

  void flushInput() {
    tail = canonHead = head = 0;
    literalNext = false;
    java.util.Arrays.fill(mark, false);
  }

  /**
   * The modes have changed from {@code oldLocal} and {@code oldInput} flags to those that are set
   * now: n_tty_set_termios().
   */
  void modesChanged(int oldLocal, int oldInput) {
    if (((oldLocal ^ modes.lflag) & (ICANON | EXTPROC)) != 0) {
      java.util.Arrays.fill(mark, false);
      if (isCanonical() && head != tail) {
        mark[(head - 1) & MASK] = true; // what was there becomes a line
        canonHead = head;
      } else {
        canonHead = tail;
      }
      literalNext = false;
    }
    if ((oldInput & IXON) != 0 && !modes.input(IXON)) {
      setStopped(false);
    }
  }

  // ---- reading ----

  /**
   * Takes what a read of {@code length} bytes gets: in canonical mode at most one line.
   *
   * @return bytes; 0 for an end of file
   */
  int read(byte[] to, int length) {
    int n = 0;
    if (!isCanonical()) {
      while (n < length && tail != head) {
        to[n++] = buffer[tail++ & MASK];
      }
      return n;
    }
    while (tail != canonHead) {
      int i = tail & MASK;
      boolean last = mark[i];
      if (last && buffer[i] == END_OF_FILE) {
        // Read up to the EOF character: it goes too, so that the next read does not take it for an
        // end of file.
        mark[i] = false;
        tail++;
        break;
      }
      if (n == length) {
        break;
      }
      to[n++] = buffer[i];
      mark[i] = false;
      tail++;
      if (last) {
        break;
      }
    }
    return n;
  }

  // ---- input ----

  /** A character comes from the keyboard (the master). */
  void receive(int typed) {
    int c = typed & 0xff;
    if (modes.input(ISTRIP)) {
      c &= 0x7f;
    }
    if (modes.input(IUCLC) && modes.local(IEXTEN) && isUpper(c)) {
      c += 'a' - 'A';
    }
    if (literalNext) {
      literalNext = false;
      if (modes.local(ECHO)) {
        echoTyped(c); // even a newline as ^J
      }
      put(c);
      return;
    }
    if (modes.local(EXTPROC)) {
      put(c);
      return;
    }
    if (modes.input(IXON)) {
      if (modes.is(c, VSTART)) {
        setStopped(modes.is(c, VSTOP) && !stopped);
        return;
      }
      if (modes.is(c, VSTOP)) {
        setStopped(true);
        return;
      }
    }
    if (modes.local(ISIG)) {
      int signal =
          modes.is(c, VINTR)
              ? SIGINT
              : modes.is(c, VQUIT) ? SIGQUIT : modes.is(c, VSUSP) ? SIGTSTP : 0;
      if (signal != 0) {
        signalCharacter(c, signal);
        return;
      }
    }
    if (stopped && modes.input(IXON) && modes.input(IXANY)) {
      setStopped(false);
    }
    if (c == '\r') {
      if (modes.input(IGNCR)) {
        return;
      }
      if (modes.input(ICRNL)) {
        c = '\n';
      }
    } else if (c == '\n' && modes.input(INLCR)) {
      c = '\r';
    }
    if (isCanonical() && edit(c)) {
      return;
    }
    store(c, typed & 0x7f);
  }

  private void signalCharacter(int c, int signal) {
    signals |= 1L << (signal - 1);
    if (!modes.local(NOFLSH)) {
      flushInput();
      output.clear();
      held.clear();
      flushed = 3;
    }
    if (modes.input(IXON)) {
      setStopped(false);
    }
    if (modes.local(ECHO)) {
      echo(c);
    }
  }

  /** The characters that mean something in a line. @return whether {@code c} was one */
  private boolean edit(int c) {
    boolean extended = modes.local(IEXTEN);
    if (modes.is(c, VERASE) || modes.is(c, VKILL) || extended && modes.is(c, VWERASE)) {
      erase(c);
      return true;
    }
    if (extended && modes.is(c, VLNEXT)) {
      literalNext = true;
      if (modes.local(ECHO) && modes.local(ECHOCTL)) {
        emit('^');
        emit('\b');
      }
      return true;
    }
    if (extended && modes.local(ECHO) && modes.is(c, VREPRINT)) {
      echo(c);
      emit('\n');
      for (int i = canonHead; i != head; i++) {
        echo(buffer[i & MASK] & 0xff);
      }
      return true;
    }
    if (c == '\n') {
      if (modes.local(ECHO | ECHONL)) {
        emit('\n');
      }
      endLine('\n');
      return true;
    }
    if (modes.is(c, VEOF)) {
      endLine(END_OF_FILE);
      return true;
    }
    if (modes.is(c, VEOL) || extended && modes.is(c, VEOL2)) {
      if (modes.local(ECHO)) {
        echoTyped(c);
      }
      endLine(c);
      return true;
    }
    return false;
  }

  /**
   * @param typed what the key sent: outside of lines a newline that was one is echoed as ^J, one
   *     that was a return is not
   */
  private void store(int c, int typed) {
    if (modes.local(ECHO)) {
      if (c == '\n' && typed != '\n') {
        emit('\n');
      } else {
        echoTyped(c);
      }
    }
    put(c);
  }

  private void put(int c) {
    // One place stays free for the newline of a line that is too long.
    if (head - tail < BUFFER - 1) {
      buffer[head & MASK] = (byte) c;
      mark[head & MASK] = false;
      head++;
    }
  }

  private void endLine(int c) {
    if (head - tail < BUFFER) {
      buffer[head & MASK] = (byte) c;
      mark[head & MASK] = true;
      head++;
      canonHead = head;
    }
  }

  // ---- erasing ----

  private void erase(int c) {
    if (head == canonHead) {
      return;
    }
    boolean word = false;
    boolean line = false;
    if (modes.is(c, VKILL)) {
      if (!modes.local(ECHO)) {
        head = canonHead;
        return;
      }
      if (!modes.local(ECHOK) || !modes.local(ECHOKE) || !modes.local(ECHOE)) {
        head = canonHead;
        echo(c);
        if (modes.local(ECHOK)) {
          emit('\n');
        }
        return;
      }
      line = true;
    } else if (!modes.is(c, VERASE)) {
      word = true;
    }
    boolean seenWord = false;
    while (head != canonHead) {
      int at = head;
      int erased;
      do {
        erased = buffer[--at & MASK] & 0xff;
      } while (isContinuation(erased) && at != canonHead);
      if (isContinuation(erased)) {
        return; // half a character: leave it
      }
      if (word) {
        if (isWord(erased)) {
          seenWord = true;
        } else if (seenWord) {
          return;
        }
      }
      head = at;
      if (modes.local(ECHO)) {
        echoErased(erased, word || line ? 0 : c);
      }
      if (!word && !line) {
        return;
      }
    }
  }

  /**
   * @param eraseCharacter what was typed for a single erase, else 0
   */
  private void echoErased(int erased, int eraseCharacter) {
    if (eraseCharacter != 0 && !modes.local(ECHOE)) {
      echo(eraseCharacter);
    } else if (erased == '\t') {
      eraseTab();
    } else {
      if (isControl(erased) && modes.local(ECHOCTL)) {
        rubOut();
      }
      if (!isControl(erased) || modes.local(ECHOCTL)) {
        rubOut();
      }
    }
  }

  private void rubOut() {
    emit('\b');
    emit(' ');
    emit('\b');
  }

  /** Goes back as far as the tab went: to the column that what is before it on the line ends at. */
  private void eraseTab() {
    int columns = 0;
    boolean afterTab = false;
    for (int i = head; i != canonHead && !afterTab; ) {
      int c = buffer[--i & MASK] & 0xff;
      if (c == '\t') {
        afterTab = true;
      } else if (isControl(c)) {
        columns += modes.local(ECHOCTL) ? 2 : 0;
      } else if (!isContinuation(c)) {
        columns++;
      }
    }
    if (!afterTab) {
      columns += canonColumn;
    }
    for (int i = 8 - (columns & 7); i > 0; i--) {
      screen('\b');
      column = Math.max(0, column - 1);
    }
  }

  private static boolean isControl(int c) {
    return c < 32 || c == 127;
  }

  // The kernel's ctype is Latin-1.

  private static boolean isWord(int c) {
    return c == '_' || c >= '0' && c <= '9' || isUpper(c) || isLower(c);
  }

  private static boolean isUpper(int c) {
    return c >= 'A' && c <= 'Z' || c >= 0xc0 && c <= 0xde && c != 0xd7;
  }

  private static boolean isLower(int c) {
    return c >= 'a' && c <= 'z' || c >= 0xdf && c != 0xf7;
  }

  private boolean isContinuation(int c) {
    return modes.input(IUTF8) && (c & 0xc0) == 0x80;
  }

  // ---- output ----

  private void echoTyped(int c) {
    if (head == canonHead) {
      canonColumn = column;
    }
    echo(c);
  }

  private void echo(int c) {
    if (modes.local(ECHOCTL) && isControl(c) && c != '\t') {
      screen('^');
      screen(c ^ 0100);
      column += 2;
    } else {
      emit(c);
    }
  }

  private void emit(int c) {
    if (modes.output(OPOST)) {
      process(c);
    } else {
      screen(c);
    }
  }

  /**
   * Writes to the screen, as far as there is room.
   *
   * @return how many bytes were taken
   */
  int write(byte[] from, int offset, int length) {
    boolean post = modes.output(OPOST);
    for (int i = 0; i < length; i++) {
      // A tab may become eight blanks, a newline two characters; a write takes a character whole or
      // not at all.
      if (stopped || output.room() < (post ? 8 : 1)) {
        return i;
      }
      emit(from[offset + i] & 0xff);
    }
    return length;
  }

  private void screen(int b) {
    (stopped ? held : output).add(b);
  }

  /** do_output_char(). */
  private void process(int typed) {
    int c = typed;
    switch (c) {
      case '\n' -> {
        if (modes.output(ONLRET)) {
          column = 0;
        }
        if (modes.output(ONLCR)) {
          screen('\r');
          column = 0;
        }
        canonColumn = column;
      }
      case '\r' -> {
        if (modes.output(ONOCR) && column == 0) {
          return;
        }
        if (modes.output(OCRNL)) {
          c = '\n';
          if (modes.output(ONLRET)) {
            column = 0;
          }
        } else {
          column = 0;
        }
        canonColumn = column;
      }
      case '\t' -> {
        int spaces = 8 - (column & 7);
        column += spaces;
        if ((modes.oflag & XTABS) == XTABS) {
          for (int i = 0; i < spaces; i++) {
            screen(' ');
          }
          return;
        }
      }
      case '\b' -> column = Math.max(0, column - 1);
      default -> {
        if (!isControl(c)) {
          if (modes.output(OLCUC) && isLower(c)) {
            c -= 'a' - 'A';
          }
          if (!isContinuation(c)) {
            column++;
          }
        }
      }
    }
    screen(c);
  }
}
