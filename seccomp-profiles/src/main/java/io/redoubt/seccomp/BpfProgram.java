package io.redoubt.seccomp;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A classic BPF program, in the packing of {@link Bpf}. */
public final class BpfProgram {
  private final long[] instructions;

  BpfProgram(long[] instructions) {
    this.instructions = instructions;
  }

  /**
   * A program that came from outside.
   *
   * @param sockFilters an array of {@code struct sock_filter}, as {@link #toBytes} writes it
   * @throws IllegalArgumentException if the kernel would not take the program, and why
   */
  public static BpfProgram parse(byte[] sockFilters) {
    if (sockFilters.length % Long.BYTES != 0) {
      throw new IllegalArgumentException("torn instruction: bytes=" + sockFilters.length);
    }
    var instructions = new long[sockFilters.length / Long.BYTES];
    ByteBuffer.wrap(sockFilters).order(ByteOrder.LITTLE_ENDIAN).asLongBuffer().get(instructions);
    var program = new BpfProgram(instructions);
    String fault = BpfChecker.fault(program);
    if (fault != null) {
      throw new IllegalArgumentException(fault);
    }
    return program;
  }

  /** The number of instructions. */
  public int length() {
    return instructions.length;
  }

  long at(int index) {
    return instructions[index];
  }

  /** The instructions as longs whose little-endian bytes are {@code struct sock_filter}. */
  public long[] toLongs() {
    return instructions.clone();
  }

  /** The array of {@code struct sock_filter} that {@code struct sock_fprog} points to. */
  public byte[] toBytes() {
    var buffer = ByteBuffer.allocate(instructions.length * Long.BYTES);
    buffer.order(ByteOrder.LITTLE_ENDIAN).asLongBuffer().put(instructions);
    return buffer.array();
  }

  /** The program as text, one instruction a line. */
  @Override
  public String toString() {
    var text = new StringBuilder();
    for (int pc = 0; pc < instructions.length; pc++) {
      text.append(pc).append(": ");
      disassemble(pc, text);
      text.append('\n');
    }
    return text.toString();
  }

  private void disassemble(int pc, StringBuilder text) {
    long instruction = instructions[pc];
    int code = Bpf.code(instruction);
    String k = "0x" + Integer.toHexString(Bpf.k(instruction));
    switch (code) {
      case Bpf.LOAD_WORD -> text.append("ld [").append(Bpf.k(instruction)).append(']');
      case Bpf.AND_K -> text.append("and ").append(k);
      case Bpf.RETURN -> text.append("ret ").append(k);
      case Bpf.JUMP -> text.append("ja ").append(pc + 1 + Bpf.k(instruction));
      default -> {
        if ((code & Bpf.CLASS_MASK) != Bpf.JMP) {
          text.append("code 0x").append(Integer.toHexString(code)).append(", k ").append(k);
          return;
        }
        String operator =
            switch (code & 0xf0) {
              case Bpf.JEQ -> "jeq ";
              case Bpf.JGT -> "jgt ";
              case Bpf.JGE -> "jge ";
              default -> "jset ";
            };
        text.append(operator)
            .append((code & Bpf.X) != 0 ? "x" : k)
            .append(" ? ")
            .append(pc + 1 + Bpf.jumpTrue(instruction))
            .append(" : ")
            .append(pc + 1 + Bpf.jumpFalse(instruction));
      }
    }
  }
}
