package io.redoubt.sentry.ring;

import java.util.Set;

/**
 * Who uses the ring tier, and how.
 *
 * @param without programs that do not, by their absolute paths in the sandbox; of a script it is
 *     its interpreter that counts
 */
public record RingUse(Ring.Mode mode, Set<String> without) {
  /** All programs alike. */
  public static RingUse of(Ring.Mode mode) {
    return new RingUse(mode, Set.of());
  }
}
