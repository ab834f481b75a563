package io.redoubt.launcher;

import io.redoubt.host.Process;
import io.redoubt.host.Unistd;
import io.redoubt.launcher.OptionSet.Given;
import io.redoubt.launcher.OptionSet.Option;
import io.redoubt.sentry.SandboxConfig;
import io.redoubt.sentry.SandboxConfig.MountSpec;
import io.redoubt.sentry.SandboxConfig.Root;
import io.redoubt.sentry.SandboxConfig.RootMode;
import io.redoubt.sentry.StartFailure;
import java.util.ArrayList;
import java.util.List;

/** {@code redoubt do}: a program of this machine, or of another root, in a sandbox. */
final class DoCommand {
  static final String USAGE = "redoubt do [OPTION ...] [--] COMMAND [ARGUMENT ...]";

  private static final OptionSet OPTIONS =
      new OptionSet(
          "do",
          List.of(
              new Option("--root", null, "DIR", "the sandbox's root directory (default /)"),
              new Option(
                  "--writable",
                  null,
                  null,
                  "write to the root on disk; without it writes stay in memory"),
              new Option(
                  "--bind",
                  null,
                  "SRC[:DST][:ro]",
                  "show SRC of the host at DST, or at SRC; may be repeated"),
              new Option("--workdir", "-w", "DIR", "start in DIR (default: here, with --root: /)"),
              new Option("--env", "-e", "K=V", "set an environment variable, may be repeated"),
              new Option(
                  "--user", "-u", "UID[:GID]", "run as this user of the root, number or name"),
              new Option(
                  "--hostname", null, "NAME", "the sandbox's host name (default: this host's)"),
              new Option(
                  "--network",
                  null,
                  "none|host",
                  "none (default): loopback only; host: everything this host can reach"),
              new Option(
                  "--net-raw",
                  null,
                  null,
                  "raw and packet sockets for root (CAP_NET_RAW); not with --network host"),
              new Option("-i", null, null, "for habit: standard input is always connected"),
              new Option("-t", null, null, "give the command a terminal of its own"),
              new Option(
                  "--trace",
                  null,
                  "=FILE",
                  "print every system call, to standard error or to FILE"),
              new Option("--stats", null, null, "print a table of system calls at the end"),
              new Option(
                  "--ring",
                  null,
                  "auto|off|always[,off=PROGRAM]",
                  "serve hot calls through shared memory: while it pays (default), never, always; for all but PROGRAM"),
              new Option(
                  "--config",
                  null,
                  "FILE",
                  "the operator's configuration (default /etc/redoubt/redoubt.json)"),
              new Option(
                  "--audit-log",
                  null,
                  "FILE|unix:SOCKET",
                  "write what was denied as lines of JSON there"),
              new Option("--help", "-h", null, "print this")));

  private static final int HOSTNAME_MAX = 64;

  private DoCommand() {}

  /** The text of {@code redoubt do --help}. */
  static String help() {
    return "Usage: "
        + USAGE
        + "\nRuns COMMAND in a sandbox that sees the root directory, but writes to memory only.\n"
        + "The exit code is the command's, 128+n after signal n, 127 if it is not found, 126 if it cannot be run.\n\n"
        + OPTIONS.help();
  }

  /** Whether the words ask for help only. */
  static Given parse(List<String> words) {
    return OPTIONS.parse(words);
  }

  /** Makes a sandbox of the command line. */
  static SandboxConfig config(Given given) {
    if (given.rest.isEmpty()) {
      throw new StartFailure(Caller.FAILED, "do: no command given; try: redoubt do -- /bin/sh");
    }
    String here = HostFiles.workingDirectory();
    OperatorConfig operator = operator(given, here);
    String root = root(given, here);
    List<String> env = env(given);
    int uid = Unistd.geteuid();
    int gid = Unistd.getegid();
    int[] groups = null;
    if (given.has("--user")) {
      UserDatabase.User user = UserDatabase.of(root).find(given.value("--user"));
      uid = user.uid();
      gid = user.gid();
      groups = user.groups();
      if (user.home() != null) {
        env.add(0, "HOME=" + user.home());
      }
    }
    return new SandboxConfig(
        given.rest,
        env,
        true,
        searchPath(env),
        workdir(given, here, root),
        uid,
        gid,
        groups == null ? CallerFacts.groups() : groups,
        null,
        false,
        hostname(given),
        CallerFacts.domainname(),
        Process.umask(),
        new Root(root, given.has("--writable") ? RootMode.WRITABLE : RootMode.OVERLAY),
        mounts(given, here),
        true,
        given.has("-t"),
        CallerFacts.limits(),
        network(given, operator),
        trace(given, here),
        given.has("--stats"),
        given.has("--ring") ? RingOption.parse(given.value("--ring"), "--ring") : operator.ring());
  }

  private static OperatorConfig operator(Given given, String here) {
    String file = given.value("--config");
    String log = given.value("--audit-log");
    OperatorConfig operator =
        OperatorConfig.read(file == null ? null : HostFiles.absolute(here, file));
    operator.apply(
        log == null || log.startsWith("unix:") ? log : HostFiles.absolute(here, log),
        "do-" + Process.getpid());
    return operator;
  }

  private static String root(Given given, String here) {
    if (!given.has("--root")) {
      return "/";
    }
    String root = HostFiles.absolute(here, given.value("--root"));
    String problem = HostFiles.notDirectory(root);
    if (problem != null) {
      throw new StartFailure(Caller.FAILED, "--root: " + given.value("--root") + ": " + problem);
    }
    return root;
  }

  private static String workdir(Given given, String here, String root) {
    if (!given.has("--workdir")) {
      return root.equals("/") ? here : "/";
    }
    String dir = given.value("--workdir");
    if (!dir.startsWith("/")) {
      throw new StartFailure(
          Caller.FAILED, "--workdir: " + dir + ": not an absolute path of the sandbox");
    }
    return dir;
  }

  private static List<String> env(Given given) {
    List<String> env = given.all("--env");
    for (String e : env) {
      if (e.indexOf('=') <= 0) {
        throw new StartFailure(Caller.FAILED, "--env: " + e + ": not of the form NAME=VALUE");
      }
    }
    return env;
  }

  /** PATH as the command will have it. */
  static String searchPath(List<String> env) {
    for (int i = env.size() - 1; i >= 0; i--) {
      if (env.get(i).startsWith("PATH=")) {
        return env.get(i).substring(5);
      }
    }
    String path = System.getenv("PATH");
    return path == null ? "/usr/local/bin:/usr/bin:/bin" : RawArguments.raw(path);
  }

  private static String hostname(Given given) {
    String name = given.value("--hostname");
    if (name == null) {
      return CallerFacts.hostname();
    }
    if (name.isEmpty() || name.length() > HOSTNAME_MAX) {
      throw new StartFailure(
          Caller.FAILED,
          "--hostname: a name has 1 to " + HOSTNAME_MAX + " bytes, not " + name.length());
    }
    return name;
  }

  private static SandboxConfig.Network network(Given given, OperatorConfig operator) {
    String network = given.value("--network");
    if (network == null || network.equals("none")) {
      return given.has("--net-raw") || operator.netRaw()
          ? SandboxConfig.Network.OWN_RAW
          : SandboxConfig.Network.OWN;
    }
    if (network.equals("host") && given.has("--net-raw")) {
      throw new StartFailure(
          Caller.FAILED,
          "--net-raw: not with --network host, where raw sockets would see and forge what other"
              + " processes of this host send; leave out one of the two");
    }
    if (network.equals("host")) {
      return SandboxConfig.Network.HOST;
    }
    throw new StartFailure(Caller.FAILED, "--network: " + network + ": neither none nor host");
  }

  private static String trace(Given given, String here) {
    String file = given.value("--trace");
    return file == null || file.isEmpty() ? file : HostFiles.absolute(here, file);
  }

  private static List<MountSpec> mounts(Given given, String here) {
    List<MountSpec> mounts = new ArrayList<>(StandardMounts.ALL);
    for (String spec : given.all("--bind")) {
      mounts.add(bind(spec, here));
    }
    return mounts;
  }

  private static MountSpec bind(String spec, String here) {
    boolean readOnly = spec.endsWith(":ro");
    String paths =
        readOnly
            ? spec.substring(0, spec.length() - 3)
            : spec.endsWith(":rw") ? spec.substring(0, spec.length() - 3) : spec;
    int colon = paths.indexOf(':');
    if (colon < 0 && !paths.isEmpty()) {
      paths = HostFiles.absolute(here, paths);
      colon = paths.length();
      paths = paths + ":" + paths;
    }
    if (colon <= 0 || colon != paths.lastIndexOf(':') || !paths.startsWith("/", colon + 1)) {
      throw new StartFailure(
          Caller.FAILED, "--bind: " + spec + ": not of the form SRC, SRC:/DST or SRC:/DST:ro");
    }
    String source = HostFiles.absolute(here, paths.substring(0, colon));
    if (HostFiles.type(source) < 0) {
      throw new StartFailure(
          Caller.FAILED,
          "--bind: "
              + paths.substring(0, colon)
              + ": "
              + HostFiles.problem(HostFiles.type(source)));
    }
    return new MountSpec(
        "bind", source, paths.substring(colon + 1), readOnly ? List.of("ro") : List.of());
  }
}
