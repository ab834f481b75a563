package io.redoubt.seccomp;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The optimiser: small pure functions from graph to graph, run in turn until none changes anything.
 * Each keeps the meaning of the graph for every call.
 */
final class Passes {
  /** One optimisation. */
  interface Pass {
    Decision apply(Decision root, DecisionPool pool);
  }

  /** One optimisation that looks at a single branch whose successors are done. */
  private interface Local {
    Decision apply(Decision.Branch branch, DecisionPool pool);
  }

  private static final List<Pass> ALL =
      List.of(
          (root, pool) -> bottomUp(root, pool, Passes::withoutConstantTest),
          (root, pool) -> bottomUp(root, pool, Passes::withoutMask),
          Passes::withoutKnownTests,
          (root, pool) -> bottomUp(root, pool, Passes::withoutChoice));

  /**
   * How many pairs of a node and what is known at it {@link #withoutKnownTests} looks at before it
   * gives up. Rules that test several arguments again and again can have very many.
   */
  private static final int MAX_STATES = 20_000;

  /** How many tests one behind the other it looks at: each is a frame on the stack. */
  private static final int MAX_DEPTH = 1_000;

  private Passes() {}

  static Decision toFixpoint(Decision root, DecisionPool pool) {
    for (Decision before = null; before != root; ) {
      before = root;
      for (Pass pass : ALL) {
        root = pass.apply(root, pool);
      }
    }
    return root;
  }

  /** A branch whose ways lead to the same place is no branch. */
  private static Decision withoutChoice(Decision.Branch branch, DecisionPool pool) {
    return branch.yes() == branch.no() ? branch.yes() : branch;
  }

  /** Of an {@code int} argument's upper half no bit counts, so a test of it knows its outcome. */
  private static Decision withoutConstantTest(Decision.Branch branch, DecisionPool pool) {
    if (Facts.NONE.implies(branch.test())) {
      return branch.yes();
    }
    return Facts.NONE.excludes(branch.test()) ? branch.no() : branch;
  }

  /** BPF_JSET masks by itself: a comparison of masked bits with zero needs no AND before it. */
  private static Decision withoutMask(Decision.Branch branch, DecisionPool pool) {
    WordTest test = branch.test();
    if (test.mask() == -1 || test.operator() != WordTest.Operator.EQUAL) {
      return branch;
    }
    var anyBit = WordTest.anyBit(test.offset(), test.mask());
    if (test.k() == 0) {
      return pool.branch(anyBit, branch.no(), branch.yes());
    }
    boolean isOneBit = Integer.bitCount(test.mask()) == 1 && test.k() == test.mask();
    return isOneBit ? pool.branch(anyBit, branch.yes(), branch.no()) : branch;
  }

  private static Decision bottomUp(Decision root, DecisionPool pool, Local local) {
    var done = new HashMap<Integer, Decision>();
    for (Decision node : Decision.inOrder(root).reversed()) {
      if (node instanceof Decision.Branch branch) {
        Decision yes = done.get(branch.yes().id());
        Decision no = done.get(branch.no().id());
        Decision rebuilt = pool.branch(branch.test(), yes, no);
        done.put(node.id(), local.apply((Decision.Branch) rebuilt, pool));
      } else {
        done.put(node.id(), node);
      }
    }
    return done.get(root.id());
  }

  /**
   * A test whose outcome follows from those on the way to it is left out. Where ways that shared a
   * tail know different things, the tail is split: if that costs more than it saves, nothing is
   * done.
   */
  private static Decision withoutKnownTests(Decision root, DecisionPool pool) {
    var states = new HashMap<State, Decision>();
    Decision result = withoutKnownTests(root, Facts.NONE, pool, states, 0);
    boolean isBetter =
        result != null && Decision.inOrder(result).size() <= Decision.inOrder(root).size();
    return isBetter ? result : root;
  }

  private record State(int node, Facts facts) {
    @Override
    public boolean equals(Object other) {
      return other instanceof State state && node == state.node && facts.equals(state.facts);
    }

    @Override
    public int hashCode() {
      return node * 31 + facts.hashCode();
    }
  }

  /** The node under what is known, or null if that is too much to find out. */
  private static Decision withoutKnownTests(
      Decision node, Facts facts, DecisionPool pool, Map<State, Decision> states, int depth) {
    while (node instanceof Decision.Branch branch) {
      if (facts.implies(branch.test())) {
        node = branch.yes();
      } else if (facts.excludes(branch.test())) {
        node = branch.no();
      } else {
        break;
      }
    }
    if (!(node instanceof Decision.Branch branch)) {
      return node;
    }
    Facts relevant = facts.about(node.words());
    var state = new State(node.id(), relevant);
    Decision known = states.get(state);
    if (known != null) {
      return known;
    }
    if (states.size() > MAX_STATES || depth > MAX_DEPTH) {
      return null;
    }
    WordTest test = branch.test();
    Facts afterYes = relevant.after(test, true);
    Decision yes = withoutKnownTests(branch.yes(), afterYes, pool, states, depth + 1);
    if (yes == null) {
      return null;
    }
    Facts afterNo = relevant.after(test, false);
    Decision no = withoutKnownTests(branch.no(), afterNo, pool, states, depth + 1);
    if (no == null) {
      return null;
    }
    known = pool.branch(test, yes, no);
    states.put(state, known);
    return known;
  }
}
