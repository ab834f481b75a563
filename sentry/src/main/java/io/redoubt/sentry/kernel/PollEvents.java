package io.redoubt.sentry.kernel;

/** Readiness bits, those of poll(2) and epoll(7), which share their values on x86-64. */
public final class PollEvents {
  public static final int IN = 0x001;
  public static final int PRI = 0x002;
  public static final int OUT = 0x004;
  public static final int ERR = 0x008;
  public static final int HUP = 0x010;
  public static final int NVAL = 0x020;
  public static final int RDNORM = 0x040;
  public static final int RDBAND = 0x080;
  public static final int WRNORM = 0x100;
  public static final int WRBAND = 0x200;
  public static final int MSG = 0x400;
  public static final int RDHUP = 0x2000;

  /** What a waiter hears of without asking. */
  public static final int ALWAYS = ERR | HUP;

  /** Readable, in both words. */
  public static final int READABLE = IN | RDNORM;

  /** Writable, in both words. */
  public static final int WRITABLE = OUT | WRNORM;

  private PollEvents() {}
}
