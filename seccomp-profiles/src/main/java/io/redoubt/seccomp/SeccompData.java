package io.redoubt.seccomp;

import java.util.Arrays;

/**
 * What a filter sees of a call: {@code struct seccomp_data} of {@code linux/seccomp.h}.
 *
 * <pre>
 *    0        4        8                   16         24              56         64
 *   +--------+--------+-------------------+----------+-- - - - - - --+----------+
 *   | nr     | arch   | instruction       | args[0]  |               | args[5]  |
 *   |        |        | pointer           |          |               |          |
 *   +--------+--------+-------------------+----------+-- - - - - - --+----------+
 * </pre>
 *
 * @param number the call, signed in the kernel
 * @param architecture {@code AUDIT_ARCH_*}
 * @param arguments six of them
 */
public record SeccompData(int number, int architecture, long instructionPointer, long[] arguments) {
  /** {@code AUDIT_ARCH_X86_64}. */
  public static final int ARCH_X86_64 = 0xc000003e;

  /** {@code AUDIT_ARCH_I386}, which is what {@code int $0x80} is, from 64-bit code too. */
  public static final int ARCH_I386 = 0x40000003;

  /** The bit that makes a number one of the x32 table, which has 64-bit registers as well. */
  public static final int X32_BIT = 0x40000000;

  static final int NUMBER_OFFSET = 0;
  static final int ARCHITECTURE_OFFSET = 4;
  static final int INSTRUCTION_POINTER_OFFSET = 8;
  static final int ARGUMENTS_OFFSET = 16;
  static final int SIZE = 64;

  public SeccompData {
    if (arguments.length != 6) {
      throw new IllegalArgumentException("not six arguments: count=" + arguments.length);
    }
  }

  /** A call on x86-64; arguments that are not given are zero. */
  public static SeccompData call(int number, long... arguments) {
    return new SeccompData(number, ARCH_X86_64, 0, Arrays.copyOf(arguments, 6));
  }

  long argument(int index) {
    return arguments[index];
  }

  /** The offset of the lower half of an argument; the upper half follows it. */
  static int lowOffset(int argument) {
    return ARGUMENTS_OFFSET + Long.BYTES * argument;
  }

  static int highOffset(int argument) {
    return lowOffset(argument) + Integer.BYTES;
  }

  /** The 32-bit word at an offset, which must be a multiple of four below {@link #SIZE}. */
  int word(int offset) {
    return switch (offset) {
      case NUMBER_OFFSET -> number;
      case ARCHITECTURE_OFFSET -> architecture;
      default -> {
        long value =
            offset < ARGUMENTS_OFFSET
                ? instructionPointer
                : arguments[(offset - ARGUMENTS_OFFSET) / Long.BYTES];
        yield (int) (offset % Long.BYTES == 0 ? value : value >>> 32);
      }
    };
  }
}
