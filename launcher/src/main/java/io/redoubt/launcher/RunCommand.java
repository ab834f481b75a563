package io.redoubt.launcher;

import io.redoubt.launcher.OptionSet.Given;
import io.redoubt.launcher.OptionSet.Option;
import io.redoubt.sentry.StartFailure;
import java.util.List;

/** {@code redoubt run}: an OCI bundle in the foreground. */
final class RunCommand {
  static final String USAGE = "redoubt run [OPTION ...] ID";

  private static final OptionSet OPTIONS =
      new OptionSet(
          "run",
          List.of(
              new Option(
                  "--bundle",
                  "-b",
                  "DIR",
                  "the bundle: a directory with config.json (default: here)"),
              new Option("--pid-file", null, "FILE", "write the process id of the container there"),
              new Option("--help", "-h", null, "print this")));

  private static final int ID_MAX = 1024;

  /**
   * What to run.
   *
   * @param pidFile absolute, or null
   */
  record Request(Bundle bundle, String pidFile) {}

  private RunCommand() {}

  /** The text of {@code redoubt run --help}. */
  static String help() {
    return "Usage: "
        + USAGE
        + "\nRuns the container ID of an OCI bundle and waits for its end.\n"
        + "The exit code is the command's, 128+n after signal n, 127 if it is not found, 126 if it cannot be run.\n\n"
        + OPTIONS.help();
  }

  static Given parse(List<String> words) {
    return OPTIONS.parse(words);
  }

  static Request request(Given given) {
    if (given.rest.size() != 1) {
      throw new StartFailure(
          Caller.FAILED,
          given.rest.isEmpty()
              ? "run: no container id given; try: redoubt run --bundle DIR ID"
              : "run: unexpected argument "
                  + given.rest.get(1)
                  + " after the container id; the command is in config.json");
    }
    checkId(given.rest.get(0));
    String here = HostFiles.workingDirectory();
    String bundle =
        given.has("--bundle") ? HostFiles.absolute(here, given.value("--bundle")) : here;
    String pidFile = given.value("--pid-file");
    return new Request(
        Bundle.read(bundle), pidFile == null ? null : HostFiles.absolute(here, pidFile));
  }

  /** As runc: it may become the name of a directory. */
  private static void checkId(String id) {
    boolean good = !id.isEmpty() && id.length() <= ID_MAX && !id.equals(".") && !id.equals("..");
    for (int i = 0; i < id.length(); i++) {
      char c = id.charAt(i);
      good &=
          c >= 'a' && c <= 'z'
              || c >= 'A' && c <= 'Z'
              || c >= '0' && c <= '9'
              || "_+-.".indexOf(c) >= 0;
    }
    if (!good) {
      throw new StartFailure(
          Caller.FAILED,
          "run: container id " + id + ": only letters, digits and _ + - . are allowed");
    }
  }
}
