package io.redoubt.seccomp;

/**
 * A test that one conditional jump can make: a word of {@link SeccompData}, masked, against a
 * constant. Comparisons are unsigned.
 *
 * @param offset of the word in {@code struct seccomp_data}
 * @param mask -1 costs nothing, anything else an instruction
 */
record WordTest(int offset, int mask, Operator operator, int k) {
  enum Operator {
    EQUAL(Bpf.JEQ),
    GREATER_OR_EQUAL(Bpf.JGE),
    ANY_BIT(Bpf.JSET);

    final int jump;

    Operator(int jump) {
      this.jump = jump;
    }
  }

  static WordTest equal(int offset, int mask, int k) {
    return new WordTest(offset, mask, Operator.EQUAL, k);
  }

  static WordTest atLeast(int offset, int mask, int k) {
    return new WordTest(offset, mask, Operator.GREATER_OR_EQUAL, k);
  }

  static WordTest anyBit(int offset, int bits) {
    return new WordTest(offset, -1, Operator.ANY_BIT, bits);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof WordTest test
        && offset == test.offset
        && mask == test.mask
        && operator == test.operator
        && k == test.k;
  }

  @Override
  public int hashCode() {
    return ((offset * 31 + mask) * 31 + operator.jump) * 31 + k;
  }

  /** The bit of this test's word in {@link Decision#words}. */
  int word() {
    return 1 << offset / Integer.BYTES;
  }
}
