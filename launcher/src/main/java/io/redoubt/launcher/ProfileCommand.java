package io.redoubt.launcher;

import io.redoubt.seccomp.GuestProfile;
import io.redoubt.seccomp.ProfilePrinter;
import io.redoubt.sentry.StartFailure;
import java.io.IOException;
import java.util.List;

/** {@code redoubt profile}: what the guest's filter does with every system call, and why. */
final class ProfileCommand {
  private ProfileCommand() {}

  static String text(List<String> words) {
    if (!words.isEmpty()) {
      throw new StartFailure(Caller.FAILED, "profile takes no argument, but got " + words.get(0));
    }
    StringBuilder out = new StringBuilder();
    try {
      ProfilePrinter.print(GuestProfile.filter(), GuestProfile.program(), out);
    } catch (IOException e) {
      throw new AssertionError(e); // a StringBuilder has none
    }
    return out.toString();
  }
}
