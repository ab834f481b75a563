package io.redoubt.seccomp;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

/**
 * A filter between its rules and its instructions: a graph without cycles whose inner nodes test a
 * 32-bit word of the call and whose ends are actions.
 *
 * <p>Nodes are made by a {@link DecisionPool}, which never makes two that are equal. So sharing is
 * found by itself, and two nodes of a pool mean the same to the compiler only if they are the same
 * object.
 */
sealed interface Decision {
  /**
   * The nodes that can be reached, each before its successors: a depth-first walk, so that what a
   * branch leads to is not far from it, with the "no" side next to the branch.
   */
  static List<Decision> inOrder(Decision root) {
    var entered = new BitSet();
    var finished = new BitSet();
    var order = new ArrayDeque<Decision>();
    var open = new ArrayDeque<Decision>(List.of(root));
    while (!open.isEmpty()) {
      Decision node = open.getLast();
      if (node instanceof Branch branch && !entered.get(node.id())) {
        entered.set(node.id());
        open.addLast(branch.no());
        open.addLast(branch.yes());
        continue;
      }
      open.removeLast();
      if (!finished.get(node.id())) {
        finished.set(node.id());
        order.addFirst(node);
      }
    }
    return new ArrayList<>(order);
  }

  /** A dense number, unique in the pool. */
  int id();

  /** The words that the tests from here on look at: bit {@code offset / 4} for each. */
  int words();

  /** The end of a way through the graph, with the value that the filter returns. */
  record Return(int id, int value) implements Decision {
    @Override
    public int words() {
      return 0;
    }
  }

  /** A test and where to go on. */
  final class Branch implements Decision {
    private final int id;
    private final int words;
    private final WordTest test;
    private final Decision yes;
    private final Decision no;

    Branch(int id, WordTest test, Decision yes, Decision no) {
      this.id = id;
      this.test = test;
      this.yes = yes;
      this.no = no;
      this.words = yes.words() | no.words() | test.word();
    }

    @Override
    public int id() {
      return id;
    }

    @Override
    public int words() {
      return words;
    }

    WordTest test() {
      return test;
    }

    Decision yes() {
      return yes;
    }

    Decision no() {
      return no;
    }
  }
}
