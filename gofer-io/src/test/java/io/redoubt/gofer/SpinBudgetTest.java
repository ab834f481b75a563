package io.redoubt.gofer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

/** When it is worth to spin: the rules that {@link SpinBudget} states. */
class SpinBudgetTest {
  private static final int MAX = 50_000;

  @Test
  void neverSpinsOnOneCpu() {
    SpinBudget budget = new SpinBudget(1, MAX);
    assertEquals(0, budget.next());
    for (int i = 0; i < 1_000; i++) {
      budget.slept(1_000);
      assertEquals(0, budget.next());
    }
  }

  @Test
  void spinsTheWholeTimeOrNotAtAll() {
    SpinBudget budget = new SpinBudget(2, MAX);
    int spins = 0;
    while (budget.next() != 0) {
      assertEquals(MAX, budget.next());
      budget.miss();
      assertTrue(++spins < 10, "spins on in vain");
    }
  }

  @Test
  void oneLongCallAmongManyChangesNothing() {
    SpinBudget budget = new SpinBudget(2, MAX);
    for (int i = 0; i < 1_000; i++) {
      if (i % 8 == 7) {
        budget.miss();
      } else {
        budget.hit();
      }
      assertEquals(MAX, budget.next());
    }
  }

  @Test
  void shortSleepsLeadToATrialWhichDecides() {
    SpinBudget budget = exhausted();
    sleepUntilTrial(budget, 20_000, 10);
    budget.hit();
    assertEquals(MAX, budget.next());

    SpinBudget inVain = exhausted();
    sleepUntilTrial(inVain, 20_000, 10);
    inVain.miss();
    assertEquals(0, inVain.next());
  }

  @Test
  void longSleepsDoNot() {
    SpinBudget budget = exhausted();
    for (int i = 0; i < 1_000; i++) {
      budget.slept(1_000_000);
      assertEquals(0, budget.next());
    }
  }

  @Test
  void trialsThatFailBecomeRare() {
    SpinBudget budget = exhausted();
    int trials = 0;
    for (int i = 0; i < 10_000; i++) {
      budget.slept(20_000);
      if (budget.next() != 0) {
        budget.miss();
        trials++;
      }
    }
    assertTrue(trials >= 10_000 / 256, "gave up: trials=" + trials);
    assertTrue(trials <= 10_000 / 256 + 8, "never learns: trials=" + trials);
  }

  private static SpinBudget exhausted() {
    SpinBudget budget = new SpinBudget(2, MAX);
    while (budget.next() != 0) {
      budget.miss();
    }
    return budget;
  }

  private static void sleepUntilTrial(SpinBudget budget, long nanos, int atMost) {
    for (int i = 0; budget.next() == 0; i++) {
      assertTrue(i < atMost, "no trial after short sleeps: n=" + i);
      budget.slept(nanos);
    }
  }
}
