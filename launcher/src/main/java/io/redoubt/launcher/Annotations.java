package io.redoubt.launcher;

import io.redoubt.sentry.limits.Limit;
import io.redoubt.sentry.ring.Ring;
import io.redoubt.sentry.ring.RingUse;
import java.util.HashSet;
import java.util.Set;

/**
 * The annotations {@code dev.redoubt.*} of a container. Who describes a container is not who
 * operates the machine: an annotation may make the wall higher, and lower only where the operator
 * has said so ({@link OperatorConfig}).
 */
final class Annotations {
  /** Whose network a container without a network namespace has: host, which lowers the wall. */
  static final String NETWORK = "dev.redoubt.network";

  /** "true": raw and packet sockets for who has CAP_NET_RAW, which lowers the wall. */
  static final String NET_RAW = "dev.redoubt.net-raw";

  /** How the ring tier is used. */
  static final String RING = "dev.redoubt.ring";

  /** "true": the root is read-only, whatever the configuration says. */
  static final String READ_ONLY = "dev.redoubt.readonly";

  /** And the name of a {@link Limit}: a smaller one. */
  static final String LIMIT = "dev.redoubt.limit.";

  private static final String PREFIX = "dev.redoubt.";

  private final JsonFields fields; // null: there are none
  private final OperatorConfig operator;

  private Annotations(JsonFields fields, OperatorConfig operator) {
    this.fields = fields;
    this.operator = operator;
  }

  /** Reads those of a configuration, and lowers the limits that they name. */
  static Annotations read(JsonFields top, OperatorConfig operator) {
    Annotations a = new Annotations(top.object("annotations"), operator);
    if (a.fields != null) {
      for (String name : a.fields.names()) {
        if (name.startsWith(PREFIX)) {
          a.check(name);
        }
      }
    }
    return a;
  }

  /** A word that nobody knows is one that was meant to do something, and does not. */
  private void check(String name) {
    if (name.startsWith(LIMIT)) {
      limit(name);
    } else if (!name.equals(NETWORK)
        && !name.equals(NET_RAW)
        && !name.equals(RING)
        && !name.equals(READ_ONLY)) {
      throw fields.failure(
          RawArguments.raw(name),
          "unknown annotation; there are: "
              + String.join(", ", NETWORK, NET_RAW, RING, READ_ONLY, LIMIT + "KIND"));
    }
  }

  private void limit(String name) {
    Limit kind = Limit.of(name.substring(LIMIT.length()));
    if (kind == null) {
      throw fields.failure(
          RawArguments.raw(name), "no such limit; there are: " + OperatorConfig.limitNames());
    }
    long n;
    try {
      n = Long.parseLong(fields.string(name));
    } catch (NumberFormatException notANumber) {
      n = -1;
    }
    if (n < 0) {
      throw fields.failure(name, "must be a whole number, not negative, in quotes");
    }
    if (!kind.lower(n)) {
      fields.warn(name, n + " is more than the operator allows, which is " + kind.most());
    }
  }

  private String value(String name) {
    return fields == null ? null : fields.string(name);
  }

  boolean isReadOnly() {
    return isTrue(READ_ONLY);
  }

  private boolean isTrue(String name) {
    String asked = value(name);
    if (asked != null && !asked.equals("true")) {
      throw fields.failure(name, asked + ": must be true, or left out");
    }
    return asked != null;
  }

  /**
   * Whether the container has raw and packet sockets.
   *
   * @param isHost whether it has the host's network, where there are none
   */
  boolean hasRawSockets(boolean isHost) {
    boolean asks = isTrue(NET_RAW);
    if (asks && !operator.netRaw()) {
      require(NET_RAW, "true");
    }
    if (asks && isHost) {
      throw fields.failure(
          NET_RAW,
          "true: not in the host's network, where raw sockets would see and forge what its other processes send; leave out one of this and "
              + NETWORK);
    }
    return !isHost && (asks || operator.netRaw());
  }

  boolean wantsHostNetwork() {
    return "host".equals(value(NETWORK));
  }

  /**
   * @param isShortOfCpus whether the container has too few for the ring tier, unless it asks for it
   */
  RingUse ring(boolean isShortOfCpus) {
    String asked = value(RING);
    if (asked == null) {
      return isShortOfCpus ? RingUse.of(Ring.Mode.OFF) : operator.ring();
    }
    RingUse use = RingOption.parse(asked, "annotation " + RING);
    if (rank(use.mode()) > rank(operator.ring().mode())) {
      require(RING, asked);
    }
    Set<String> without = new HashSet<>(operator.ring().without());
    without.addAll(use.without());
    return new RingUse(use.mode(), without);
  }

  /** How much CPU time of the machine it may take. */
  private static int rank(Ring.Mode mode) {
    return Math.min(mode.ordinal(), Ring.Mode.ALWAYS.ordinal());
  }

  /** Refuses what lowers the wall, unless the operator allows it. */
  void require(String name, String value) {
    String entry = name + "=" + value;
    if (!operator.allows(entry)) {
      throw fields.failure(
          name,
          value
              + " would weaken the sandbox, which the operator has not allowed: put {\"allow\": {\"annotations\": [\""
              + entry
              + "\"]}} into "
              + operator.path());
    }
  }
}
