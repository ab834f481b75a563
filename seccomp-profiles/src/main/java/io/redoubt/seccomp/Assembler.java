package io.redoubt.seccomp;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Writes a decision graph as instructions.
 *
 * <p>All jumps of BPF go forward, so nodes are laid out in an order in which every node comes
 * before its successors, and written from the last to the first: when a jump is written its target
 * has its place already. A conditional jump reaches 255 instructions far; for more it jumps to a
 * BPF_JA just behind it, or, where the target is a return, to a copy of that.
 */
final class Assembler {
  /** What the accumulator holds: no particular word. */
  private static final WordTest NOTHING = WordTest.equal(0, 0, 0);

  /** The program, backwards: places are counted from the end. */
  private long[] code = new long[64];

  private int length;

  /** The place of a node's first instruction, or of a copy or a jump that stands in for it. */
  private final Map<Integer, Integer> nearest = new HashMap<>();

  /** The place of a node's first instruction itself. */
  private final Map<Integer, Integer> places = new HashMap<>();

  private Assembler() {}

  /**
   * @throws IllegalArgumentException if the program has more instructions than the kernel takes
   */
  static BpfProgram assemble(Decision root) {
    List<Decision> order = Decision.inOrder(root);
    Map<Integer, WordTest> held = held(order);
    var assembler = new Assembler();
    for (Decision node : order.reversed()) {
      switch (node) {
        case Decision.Return(_, int value) -> assembler.emit(Bpf.instruction(Bpf.RETURN, value));
        case Decision.Branch branch -> assembler.emit(branch, held.get(branch.id()));
      }
      assembler.places.put(node.id(), assembler.length - 1);
      assembler.nearest.put(node.id(), assembler.length - 1);
    }
    var forward = new long[assembler.length];
    for (int i = 0; i < forward.length; i++) {
      forward[i] = assembler.code[forward.length - 1 - i];
    }
    return new BpfProgram(forward);
  }

  /** For each branch the word, with its mask, that is in the accumulator whoever jumps to it. */
  private static Map<Integer, WordTest> held(List<Decision> order) {
    var held = new HashMap<Integer, WordTest>();
    held.put(order.getFirst().id(), NOTHING);
    for (Decision node : order) {
      if (node instanceof Decision.Branch branch) {
        held.merge(branch.yes().id(), branch.test(), Assembler::common);
        held.merge(branch.no().id(), branch.test(), Assembler::common);
      }
    }
    return held;
  }

  private static WordTest common(WordTest one, WordTest other) {
    return holds(one, other.offset(), other.mask()) ? one : NOTHING;
  }

  private static boolean holds(WordTest held, int offset, int mask) {
    return held.offset() == offset && held.mask() == mask;
  }

  private void emit(Decision.Branch branch, WordTest held) {
    WordTest test = branch.test();
    // a helper instruction written for one way pushes the other target one further away
    reach(branch.yes(), 1);
    reach(branch.no(), 0);
    int jump = Bpf.JMP | test.operator().jump | Bpf.K;
    emit(Bpf.branch(jump, distance(branch.yes()), distance(branch.no()), test.k()));
    if (holds(held, test.offset(), test.mask())) {
      return;
    }
    if (test.mask() != -1) {
      emit(Bpf.instruction(Bpf.AND_K, test.mask()));
    }
    if (!holds(held, test.offset(), -1)) {
      emit(Bpf.instruction(Bpf.LOAD_WORD, test.offset()));
    }
  }

  /** How many instructions a jump written now would skip. */
  private int distance(Decision target) {
    return length - nearest.get(target.id()) - 1;
  }

  /** Makes sure that a jump, written so many instructions from now, reaches its target. */
  private void reach(Decision target, int later) {
    if (distance(target) + later <= Bpf.MAX_BRANCH) {
      return;
    }
    long instead =
        target instanceof Decision.Return(_, int value)
            ? Bpf.instruction(Bpf.RETURN, value)
            : Bpf.instruction(Bpf.JUMP, length - places.get(target.id()) - 1);
    emit(instead);
    nearest.put(target.id(), length - 1);
  }

  private void emit(long instruction) {
    if (length == Bpf.MAX_INSTRUCTIONS) {
      throw new IllegalArgumentException(
          "filter too long: instructions>" + length + ", limit=" + Bpf.MAX_INSTRUCTIONS);
    }
    if (length == code.length) {
      code = Arrays.copyOf(code, 2 * length);
    }
    code[length++] = instruction;
  }
}
