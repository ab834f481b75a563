package io.redoubt.seccomp;

/** From a {@link Filter} to a program that the kernel takes. */
public final class FilterCompiler {
  private FilterCompiler() {}

  /**
   * Compiles a filter.
   *
   * @throws IllegalArgumentException if the filter needs more instructions than the kernel takes
   */
  public static BpfProgram compile(Filter filter) {
    var pool = new DecisionPool();
    Decision plain = new DecisionBuilder(pool).build(filter);
    BpfProgram program = Assembler.assemble(Passes.toFixpoint(plain, pool));
    String fault = BpfChecker.fault(program);
    if (fault != null) {
      throw new IllegalStateException("compiler made a bad program: " + fault);
    }
    return program;
  }
}
