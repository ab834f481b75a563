package io.redoubt.seccomp;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;

/**
 * The filter that every process of a guest runs under.
 *
 * <p>Native calls are allowed by number and argument ({@link NativeCalls}), what a guest can never
 * have is answered with an error on the spot ({@link DeniedCalls}), everything else, numbers that
 * no kernel has yet included, goes to the sentry. {@code exit}, {@code clone}, {@code execve}, the
 * waits and all of {@code kill}'s family are of this kind: the sentry's books follow them.
 */
public final class GuestProfile {
  /**
   * The call by which the stub asks the sentry what to load: "re" in ASCII, far past the end of
   * every table. The sentry answers it for a task whose exec is pending, and ENOSYS for any other.
   */
  public static final int STUB_CALL = 0x7265;

  /** Written by {@link WriteProgram} when the module is built. */
  static final String RESOURCE = "guest.bpf";

  private GuestProfile() {}

  /** The rules, as data. */
  public static Filter filter() {
    return Holder.FILTER;
  }

  /** The compiled filter; the first call compiles it, which takes tens of milliseconds. */
  public static BpfProgram program() {
    return Program.COMPILED;
  }

  /**
   * The compiled filter as an array of {@code struct sock_filter}: what the build has put beside
   * this class, so that no start of a sandbox waits for the compiler.
   */
  public static byte[] sockFilters() {
    try (InputStream built = GuestProfile.class.getResourceAsStream(RESOURCE)) {
      return built == null ? program().toBytes() : built.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Filter build() {
    var rules = new ArrayList<Rule>(NativeCalls.RULES);
    rules.addAll(DeniedCalls.RULES);
    rules.add(
        new Rule(STUB_CALL, Condition.ALWAYS, Action.NOTIFY, "the stub asks what it shall load"));
    var hot = new ArrayList<Integer>();
    for (String name : NativeCalls.HOT) {
      hot.add(Syscalls.number(name));
    }
    return new Filter("guest", List.copyOf(rules), Action.NOTIFY, hot);
  }

  private static final class Holder {
    static final Filter FILTER = build();
  }

  private static final class Program {
    static final BpfProgram COMPILED = FilterCompiler.compile(filter());
  }
}
