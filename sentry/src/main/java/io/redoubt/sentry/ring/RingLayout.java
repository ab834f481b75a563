package io.redoubt.sentry.ring;

/** Addresses of the ring tier that are the same in every guest process. */
public final class RingLayout {
  /** Where a process has the pointer to its trampoline: thunks jump through it. */
  public static final int ENTER = 0x180008;

  private RingLayout() {}
}
