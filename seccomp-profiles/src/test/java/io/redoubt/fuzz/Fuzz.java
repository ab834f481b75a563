package io.redoubt.fuzz;

import java.util.Random;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Runs rounds of a fuzzer, each from a seed of its own that a failure prints.
 *
 * <p>A short run, as in ./test, always takes the seeds 1, 2, 3 and so on, as far as it gets in its
 * time, so that what fails once fails again. A long one begins anywhere.
 *
 * <pre>
 *   -Dredoubt.fuzz.seed=N       only the round of that seed: what a failure has printed
 *   -Dredoubt.fuzz.seconds=N    other times for all of them
 * </pre>
 */
public final class Fuzz {
  private static final Long SEED = Long.getLong("redoubt.fuzz.seed");
  private static final Integer SECONDS = Integer.getInteger("redoubt.fuzz.seconds");

  /** One round: everything that it chooses it takes from {@code random}. */
  @FunctionalInterface
  public interface Round {
    void run(Random random) throws Exception;
  }

  private Fuzz() {}

  /** For ./test: about so many seconds, seeds from 1. Returns how many rounds there were. */
  public static int briefly(int seconds, Round round) {
    return run(1, seconds, round);
  }

  /**
   * For ./test --slow: so many seconds, seeds from anywhere. Returns how many rounds there were.
   */
  public static int atLength(int seconds, Round round) {
    return run(ThreadLocalRandom.current().nextLong(1L << 48), seconds, round);
  }

  /** The round of one seed: what has been found before. */
  public static void again(long seed, Round round) {
    once(seed, round);
  }

  private static int run(long from, int seconds, Round round) {
    if (SEED != null) {
      once(SEED, round);
      return 1;
    }
    long time = 1_000_000_000L * (SECONDS == null ? seconds : SECONDS);
    long start = System.nanoTime();
    int rounds = 0;
    do {
      once(from + rounds++, round);
    } while (System.nanoTime() - start < time);
    return rounds;
  }

  private static void once(long seed, Round round) {
    try {
      // Neighbouring seeds give neighbouring first numbers; so they are spread.
      round.run(new Random(seed * 0x9e3779b97f4a7c15L));
    } catch (Throwable e) {
      throw new AssertionError("again with -Dredoubt.fuzz.seed=" + seed + ": " + e, e);
    }
  }
}
