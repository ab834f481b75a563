package io.redoubt.launcher;

import io.redoubt.seccomp.Filter;
import io.redoubt.seccomp.FilterCompiler;
import io.redoubt.seccomp.GoferProfile;
import io.redoubt.seccomp.GuestProfile;
import io.redoubt.seccomp.ProfilePrinter;
import io.redoubt.seccomp.SentryProfile;
import io.redoubt.seccomp.SocketMakerProfile;
import io.redoubt.sentry.StartFailure;
import java.io.IOException;
import java.util.List;

/**
 * {@code redoubt profile [guest|sentry|gofer|--report]}: what a seccomp filter does with every
 * system call, and why; or how many each lets through.
 */
final class ProfileCommand {
  private ProfileCommand() {}

  static String text(List<String> words) {
    if (words.size() > 1) {
      throw new StartFailure(
          Caller.FAILED, "profile takes one argument at most, but also got " + words.get(1));
    }
    StringBuilder out = new StringBuilder();
    try {
      print(words.isEmpty() ? "guest" : words.get(0), out);
    } catch (IOException e) {
      throw new AssertionError(e); // a StringBuilder has none
    }
    return out.toString();
  }

  private static void print(String which, StringBuilder out) throws IOException {
    switch (which) {
      case "guest" -> print(GuestProfile.filter(), out);
      case "sentry" -> print(SentryProfile.filter(SentryProfile.Sockets.OWN), out);
      case "sentry-net-raw" -> print(SentryProfile.filter(SentryProfile.Sockets.RAW), out);
      case "sentry-host-network" -> print(SentryProfile.filter(SentryProfile.Sockets.HOST), out);
      case "gofer" -> print(GoferProfile.filter(), out);
      case "socket-maker" -> print(SocketMakerProfile.filter(), out);
      case "--report" -> {
        ProfilePrinter.printCount(GuestProfile.filter(), out);
        for (SentryProfile.Sockets sockets : SentryProfile.Sockets.values()) {
          ProfilePrinter.printCount(SentryProfile.filter(sockets), out);
        }
        ProfilePrinter.printCount(GoferProfile.filter(), out);
        ProfilePrinter.printCount(SocketMakerProfile.filter(), out);
      }
      default ->
          throw new StartFailure(
              Caller.FAILED,
              "profile: no such filter: "
                  + which
                  + "; there are guest, sentry, sentry-net-raw, sentry-host-network, gofer and"
                  + " socket-maker, and --report");
    }
  }

  private static void print(Filter filter, StringBuilder out) throws IOException {
    ProfilePrinter.print(filter, FilterCompiler.compile(filter), out);
  }
}
