package io.redoubt.seccomp;

import static io.redoubt.seccomp.Action.ALLOW;
import static io.redoubt.seccomp.Argument.intArg;
import static io.redoubt.seccomp.Condition.is;

import java.util.List;

/**
 * The filter of the socket maker ({@code network.c}), the small process in a sandbox's network
 * namespace. It is written down there as instructions, because that process has no JVM and is
 * started by who has none; here it is for people to read and for the test that holds the two
 * together.
 */
public final class SocketMakerProfile {
  /** Its connection with the sentry, the one descriptor that it has. */
  private static final int MAKER_FD = 3;

  private static final Filter FILTER =
      new Filter(
          "socket-maker",
          List.of(
              Rule.on(
                  "recvfrom", is(intArg(0, "sockfd"), MAKER_FD), ALLOW, "serve: the next request"),
              Rule.on("socket", ALLOW, "make: of a family that the request may ask for"),
              Rule.on(
                  "sendmsg",
                  is(intArg(0, "sockfd"), MAKER_FD),
                  ALLOW,
                  "answer: the socket, or an error"),
              Rule.on("close", ALLOW, "answer: the socket is the sentry's now"),
              Rule.on("exit_group", ALLOW, "serve: the sentry is gone")),
          Action.KILL_PROCESS,
          List.of());

  private SocketMakerProfile() {}

  /** The rules, as data. */
  public static Filter filter() {
    return FILTER;
  }
}
