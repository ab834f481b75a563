package io.redoubt.launcher;

import io.redoubt.launcher.OptionSet.Given;
import io.redoubt.sentry.Container;
import io.redoubt.sentry.Sandbox;
import io.redoubt.sentry.SandboxConfig;
import io.redoubt.sentry.StartFailure;
import java.util.List;

/** The command line of {@code redoubt}: what the native front does not do itself. */
public final class Main {
  /** As in {@code oci.h}. */
  static final String VERSION = "0.1.0";

  /** The runtime specification that {@code run} follows. */
  private static final String OCI_VERSION = "1.2.0";

  private static final String USAGE =
      """
      Usage: redoubt COMMAND [OPTION ...]

        do        run a program of this machine in a sandbox: redoubt do -- make test
        profile   print what a seccomp filter does with every call: profile [guest|sentry|gofer|--report]
        syscalls  print which system calls the sandbox serves, and how far
        help      print this, or the options of a command: redoubt help do

      """;

  private Main() {}

  public static void main(String[] args) {
    Caller caller = Caller.get();
    try {
      run(caller, args);
    } catch (StartFailure e) {
      caller.fail(e.code, e.getMessage());
    }
  }

  private static void run(Caller caller, String[] args) {
    if (args.length == 0) {
      throw new StartFailure(
          Caller.FAILED, "no command given; try: redoubt do -- /bin/sh, or redoubt --help");
    }
    List<String> words = RawArguments.of(args);
    String command = words.get(0);
    words = words.subList(1, words.size());
    switch (command) {
      case "do" -> {
        Given given = DoCommand.parse(words);
        if (given.has("--help")) {
          caller.print(DoCommand.help());
        } else {
          Training.rehearse();
          start(caller, command, DoCommand.config(given), null);
        }
      }
      case "run", "create" -> runBundle(caller, command, RunCommand.bundle(words));
      case "profile" -> caller.print(ProfileCommand.text(words));
      case "syscalls" -> caller.print(SyscallsCommand.text(words));
      case "help", "--help", "-h" -> help(caller, words);
      case "--version", "-v", "version" ->
          caller.print("redoubt version " + VERSION + "\nspec: " + OCI_VERSION + "\n");
      default -> throw unknown(command);
    }
    caller.done();
  }

  private static StartFailure unknown(String command) {
    return new StartFailure(
        Caller.FAILED,
        "unknown "
            + (command.startsWith("-") ? "option " : "command ")
            + command
            + "; redoubt --help lists the commands");
  }

  private static void help(Caller caller, List<String> words) {
    String topic = words.isEmpty() ? "" : words.get(0);
    switch (topic) {
      case "do" -> caller.print(DoCommand.help());
      case "" -> caller.print(USAGE);
      default -> throw unknown(topic);
    }
  }

  private static void runBundle(Caller caller, String command, Bundle bundle) {
    for (String warning : bundle.warnings()) {
      caller.warn(warning);
    }
    start(
        caller,
        command,
        bundle.config(),
        new Container(
            bundle.plan(),
            bundle.linux(),
            bundle.profile(),
            command.equals("create"),
            new ContainerRequests(bundle.config(), bundle.plan(), Resources.isUnified())));
  }

  private static void start(
      Caller caller, String command, SandboxConfig config, Container container) {
    if (caller.front() == null) {
      throw new StartFailure(
          Caller.FAILED,
          command
              + " needs the native front, which makes the sandbox: start it as redoubt "
              + command);
    }
    Sandbox.run(config, caller.front(), container);
  }
}
