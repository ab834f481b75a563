package io.redoubt.seccomp;

/**
 * One argument of a call as a condition looks at it: the 64-bit register, masked.
 *
 * <p>Whether the kernel reads 32 or 64 bits of a register follows from the type in the call's
 * prototype. A filter that tests fewer bits than the kernel reads can be fooled; one that tests
 * more takes the garbage in the upper half of an {@code int} for a value. So every argument says
 * which it is.
 *
 * @param index 0 to 5
 * @param name as in the manual page, for people
 * @param mask the bits that count
 */
public record Argument(int index, String name, long mask) {
  /** The bits of an {@code int} or {@code unsigned int} argument. */
  private static final long INT_BITS = 0xffff_ffffL;

  public Argument {
    if (index < 0 || index > 5) {
      throw new IllegalArgumentException("no such argument: index=" + index);
    }
  }

  /** An argument of type {@code int} or {@code unsigned int}: the upper half is ignored. */
  public static Argument intArg(int index, String name) {
    return new Argument(index, name, INT_BITS);
  }

  /** An argument of type {@code long}, {@code size_t} or a pointer: all bits count. */
  public static Argument longArg(int index, String name) {
    return new Argument(index, name, -1L);
  }

  /** The same argument, but only these bits of it. */
  public Argument bits(long bits) {
    return new Argument(index, name, mask & bits);
  }

  /** The same argument without these bits. */
  public Argument without(long bits) {
    return bits(~bits);
  }

  long of(SeccompData data) {
    return data.argument(index) & mask;
  }

  /** The text form: the name, with the mask where it is not just that of an int or a long. */
  public String describe() {
    if (mask == -1L || mask == INT_BITS) {
      return name;
    }
    long all = (mask & ~INT_BITS) == 0 ? INT_BITS : -1L;
    boolean isComplement = Long.bitCount(mask) > Long.bitCount(all) / 2;
    return name
        + (isComplement ? " & ~0x" : " & 0x")
        + Long.toHexString(isComplement ? ~mask & all : mask);
  }

  /** A value as people write it: small numbers in decimal, others in hexadecimal. */
  static String describe(long value) {
    return value >= 0 && value < 1000 ? Long.toString(value) : "0x" + Long.toHexString(value);
  }
}
