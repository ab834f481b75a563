package io.redoubt.sentry.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * The protocol of a slot, every interleaving of it: one thread of the guest that makes a call
 * ({@code trampoline.S}) and the poller that wakes and sleeps when it likes ({@link RingRegion},
 * {@link RingPoller}), one memory access a step. The guest's stores go through a store buffer, as
 * on x86: a load of its own may come before an earlier store is seen by others.
 *
 * <p>What must hold: the thread ends, whatever the poller does; its call is served or made by a
 * trap, never both, never neither; it does not sleep with nobody to wake it.
 */
class RingProtocolTest {
  /** Who is where; an immutable state of the model. */
  private record State(
      Guest guest,
      boolean storeIsBuffered, // the guest's CALLED
      int state,
      int awake,
      Poller poller,
      int served,
      int trapped,
      boolean isAsleep) {}

  private enum Guest {
    LOOK_AWAKE,
    PUBLISH,
    LOOK_STATE,
    LOOK_AWAKE_AGAIN,
    TAKE_BACK,
    SAY_WAITED,
    SLEEP,
    ASLEEP,
    FINISH,
    TRAP,
    END
  }

  private enum Poller {
    ASLEEP,
    SCAN,
    TAKE,
    SERVE,
    ANSWER,
    ANSWER_SLEEPER,
    WAKE,
    LAST_SCAN,
    LAST_TAKE,
    LAST_SERVE,
    LAST_ANSWER,
    LAST_ANSWER_SLEEPER,
    LAST_WAKE
  }

  /** Weaker protocols, to show that the test can fail. */
  private enum Flaw {
    NONE,
    /** The poller goes to sleep without a last look, and the guest does not look at the word. */
    NO_LAST_LOOK,
    /** The guest takes a call back by a plain store. */
    STORE_IN_PLACE_OF_CAS,
    /** The poller answers by a plain store and wakes nobody. */
    NO_WAKE
  }

  private final Map<State, Set<State>> next = new HashMap<>();

  private void explore(Flaw flaw) {
    next.clear();
    ArrayDeque<State> open = new ArrayDeque<>();
    open.add(new State(Guest.LOOK_AWAKE, false, RingLayout.FREE, 0, Poller.ASLEEP, 0, 0, false));
    while (!open.isEmpty()) {
      State s = open.poll();
      if (next.containsKey(s)) {
        continue;
      }
      Set<State> after = new HashSet<>();
      guest(s, flaw, after);
      poller(s, flaw, after);
      if (s.storeIsBuffered) {
        after.add(with(s, s.guest, false, RingLayout.CALLED)); // the store is seen
      }
      next.put(s, after);
      open.addAll(after);
    }
  }

  private static State with(State s, Guest g, boolean buffered, int state) {
    return new State(g, buffered, state, s.awake, s.poller, s.served, s.trapped, s.isAsleep);
  }

  private static State guestAt(State s, Guest g) {
    return with(s, g, s.storeIsBuffered, s.state);
  }

  private static void guest(State s, Flaw flaw, Set<State> after) {
    // What the guest itself reads of the slot: its own store, also while it is buffered.
    int seen = s.storeIsBuffered ? RingLayout.CALLED : s.state;
    switch (s.guest) {
      case LOOK_AWAKE -> after.add(guestAt(s, s.awake == 1 ? Guest.PUBLISH : Guest.TRAP));
      case PUBLISH -> after.add(with(s, Guest.LOOK_STATE, true, s.state));
      case LOOK_STATE ->
          after.add(guestAt(s, seen >= RingLayout.DONE ? Guest.FINISH : Guest.LOOK_AWAKE_AGAIN));
      case LOOK_AWAKE_AGAIN -> {
        boolean looks = flaw != Flaw.NO_LAST_LOOK;
        after.add(guestAt(s, looks && s.awake == 0 ? Guest.TAKE_BACK : Guest.LOOK_STATE));
        if (looks) {
          after.add(guestAt(s, Guest.TAKE_BACK)); // it has looked often enough
        }
      }
      case TAKE_BACK -> {
        if (s.storeIsBuffered) {
          return; // a locked instruction waits for the buffer
        }
        if (flaw == Flaw.STORE_IN_PLACE_OF_CAS || s.state == RingLayout.CALLED) {
          after.add(with(s, Guest.TRAP, false, RingLayout.FREE));
        } else {
          after.add(guestAt(s, s.state >= RingLayout.DONE ? Guest.FINISH : Guest.SAY_WAITED));
        }
      }
      case SAY_WAITED ->
          after.add(
              s.state == RingLayout.SERVING
                  ? with(s, Guest.SLEEP, false, RingLayout.WAITED)
                  : guestAt(s, Guest.FINISH));
      // futex(2): the comparison and the going to sleep are one step.
      case SLEEP ->
          after.add(
              s.state == RingLayout.WAITED
                  ? new State(
                      Guest.ASLEEP, false, s.state, s.awake, s.poller, s.served, s.trapped, true)
                  : guestAt(s, Guest.FINISH));
      case ASLEEP -> {
        if (!s.isAsleep) {
          after.add(guestAt(s, s.state >= RingLayout.DONE ? Guest.FINISH : Guest.SLEEP));
        }
      }
      case FINISH ->
          after.add(
              with(s, s.state == RingLayout.TRAP ? Guest.TRAP : Guest.END, false, RingLayout.FREE));
      case TRAP ->
          after.add(
              new State(
                  Guest.END, false, s.state, s.awake, s.poller, s.served, s.trapped + 1, false));
      case END -> {}
    }
  }

  private static State pollerAt(State s, Poller p, int state, int awake, int served) {
    return new State(s.guest, s.storeIsBuffered, state, awake, p, served, s.trapped, s.isAsleep);
  }

  private static void poller(State s, Flaw flaw, Set<State> after) {
    switch (s.poller) {
      case ASLEEP -> after.add(pollerAt(s, Poller.SCAN, s.state, 1, s.served));
      case SCAN -> {
        if (s.state == RingLayout.CALLED) {
          after.add(pollerAt(s, Poller.TAKE, s.state, s.awake, s.served));
        }
        // It may go to sleep whenever it likes.
        Poller then = flaw == Flaw.NO_LAST_LOOK ? Poller.ASLEEP : Poller.LAST_SCAN;
        after.add(pollerAt(s, then, s.state, 0, s.served));
      }
      case TAKE -> take(s, Poller.SERVE, Poller.SCAN, after);
      case SERVE -> after.add(pollerAt(s, Poller.ANSWER, s.state, s.awake, s.served + 1));
      case ANSWER -> answer(s, flaw, Poller.SCAN, Poller.ANSWER_SLEEPER, after);
      case ANSWER_SLEEPER ->
          after.add(pollerAt(s, Poller.WAKE, RingLayout.DONE, s.awake, s.served));
      case WAKE -> after.add(woken(s, Poller.SCAN));
      case LAST_SCAN ->
          after.add(
              pollerAt(
                  s,
                  s.state == RingLayout.CALLED ? Poller.LAST_TAKE : Poller.ASLEEP,
                  s.state,
                  s.awake,
                  s.served));
      case LAST_TAKE -> take(s, Poller.LAST_SERVE, Poller.ASLEEP, after);
      case LAST_SERVE -> after.add(pollerAt(s, Poller.LAST_ANSWER, s.state, s.awake, s.served + 1));
      case LAST_ANSWER -> answer(s, flaw, Poller.ASLEEP, Poller.LAST_ANSWER_SLEEPER, after);
      case LAST_ANSWER_SLEEPER ->
          after.add(pollerAt(s, Poller.LAST_WAKE, RingLayout.DONE, s.awake, s.served));
      case LAST_WAKE -> after.add(woken(s, Poller.ASLEEP));
    }
  }

  private static void take(State s, Poller taken, Poller lost, Set<State> after) {
    boolean isMine = s.state == RingLayout.CALLED;
    after.add(
        pollerAt(
            s, isMine ? taken : lost, isMine ? RingLayout.SERVING : s.state, s.awake, s.served));
  }

  private static void answer(State s, Flaw flaw, Poller then, Poller sleeper, Set<State> after) {
    if (s.state == RingLayout.SERVING || flaw == Flaw.NO_WAKE) {
      after.add(pollerAt(s, then, RingLayout.DONE, s.awake, s.served));
    } else {
      after.add(pollerAt(s, sleeper, s.state, s.awake, s.served));
    }
  }

  private static State woken(State s, Poller then) {
    return new State(
        s.guest, s.storeIsBuffered, s.state, s.awake, then, s.served, s.trapped, false);
  }

  /** States from which the thread cannot come to its end any more. */
  private int stuck() {
    Map<State, Set<State>> before = new HashMap<>();
    next.forEach(
        (s, all) -> all.forEach(t -> before.computeIfAbsent(t, k -> new HashSet<>()).add(s)));
    Set<State> good = new HashSet<>();
    ArrayDeque<State> open = new ArrayDeque<>();
    for (State s : next.keySet()) {
      if (s.guest == Guest.END) {
        open.add(s);
      }
    }
    while (!open.isEmpty()) {
      State s = open.poll();
      if (good.add(s)) {
        open.addAll(before.getOrDefault(s, Set.of()));
      }
    }
    return next.size() - good.size();
  }

  /**
   * States in which the poller sleeps and the thread goes round for ever: nothing that the thread
   * does alone brings it to an end.
   */
  private int hanging() {
    int hanging = 0;
    for (State s : next.keySet()) {
      if (s.poller == Poller.ASLEEP && s.guest != Guest.END && !endsAlone(s, new HashSet<>())) {
        hanging++;
      }
    }
    return hanging;
  }

  private boolean endsAlone(State s, Set<State> seen) {
    if (s.guest == Guest.END) {
      return true;
    }
    if (!seen.add(s)) {
      return false;
    }
    for (State t : next.get(s)) {
      if (t.poller == s.poller && endsAlone(t, seen)) {
        return true;
      }
    }
    return false;
  }

  private long wrong() {
    return next.keySet().stream()
        .filter(s -> s.guest == Guest.END && s.served + s.trapped != 1)
        .count();
  }

  @Test
  void everyCallEndsOnce() {
    explore(Flaw.NONE);
    assertTrue(next.size() > 50, () -> "states: " + next.size());
    assertEquals(0, stuck());
    assertEquals(0, hanging());
    assertEquals(0, wrong());
  }

  @Test
  void withoutTheLastLookACallHangs() {
    explore(Flaw.NO_LAST_LOOK);
    assertFalse(hanging() == 0);
  }

  @Test
  void takenBackByAStoreACallIsMadeTwice() {
    explore(Flaw.STORE_IN_PLACE_OF_CAS);
    assertFalse(wrong() == 0);
  }

  @Test
  void withoutAWakeUpASleeperStays() {
    explore(Flaw.NO_WAKE);
    assertFalse(stuck() == 0);
  }
}
