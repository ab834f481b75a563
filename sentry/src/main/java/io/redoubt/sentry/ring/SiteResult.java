package io.redoubt.sentry.ring;

/** What became of a system call's site, under the name that --stats prints. */
public enum SiteResult {
  /** The {@code mov $nr,%eax} before the call is a jump now. */
  MOV("mov"),
  /** Another instruction before the call is. */
  MOVED("moved"),
  /** The call itself is, to a jump in dead bytes near it. */
  CAVE("cave"),
  /** It was one of these before; this call was made by its thunk, or because a ring was asleep. */
  ALREADY("already"),

  /** The process or the call is gone. */
  GONE("gone"),
  /** There is no {@code syscall} instruction where the call was made. */
  NO_CALL("no syscall instruction"),
  /** Not in private read-only code of a file: made at run time, or open to changes by others. */
  NOT_TEXT("not a file's code"),
  /** Headers of the file are not mapped near the code. */
  NO_HEADERS("no headers"),
  /** What is mapped there are no ELF headers of this machine. */
  NOT_ELF("not ELF"),
  /** No loaded segment of code has the site. */
  NO_SEGMENT("no segment"),
  /** No free slot behind the segment. */
  NO_ROOM("no room"),
  /** It can neither be jumped away from before, nor is there a cave. */
  NO_FORM("no form"),
  /** The host does not let the sentry write to code. */
  READ_ONLY("cannot write");

  /** For --stats. */
  public final String label;

  SiteResult(String label) {
    this.label = label;
  }

  /** Whether later calls of the site go to the trampoline. */
  public boolean isRewritten() {
    return this == MOV || this == MOVED || this == CAVE;
  }
}
