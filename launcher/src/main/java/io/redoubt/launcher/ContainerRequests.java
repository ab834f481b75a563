package io.redoubt.launcher;

import io.redoubt.sentry.Container;
import io.redoubt.sentry.SandboxConfig;
import io.redoubt.sentry.SandboxConfig.Capabilities;
import io.redoubt.sentry.StartFailure;
import io.redoubt.sentry.ring.Ring;
import io.redoubt.sentry.ring.RingUse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * What commands ask of a running container: {@code exec} a process as JSON, or a command with
 * options on top of the container's own process; {@code update} other limits.
 *
 * @param container what the container runs
 * @param plan the container's own, as of {@link OciPlan}
 * @param unified whether the host's control groups are of version 2: asked at the start, while the
 *     sentry sees the host
 */
record ContainerRequests(SandboxConfig container, List<String> plan, boolean unified)
    implements Container.Requests {
  /** What a process has of the container's own, as with runc, where it says nothing itself. */
  private static final List<String> INHERITED = List.of("scheduler", "io.priority");

  /** As runc: a code that the program itself is unlikely to have. */
  private static final int FAILED = 255;

  @Override
  public Container.Exec exec(List<String> request, Container.GuestFiles files) {
    for (int i = 0; i + 1 < request.size(); i += 2) {
      if (request.get(i).equals("process")) {
        try {
          return fromJson(request.get(i + 1), files);
        } catch (StartFailure e) {
          throw new StartFailure(FAILED, e.getMessage());
        }
      }
    }
    return new Container.Exec(fromOptions(request), inherited(List.of()));
  }

  private List<String> inherited(List<String> own) {
    List<String> all = new ArrayList<>(own);
    for (int i = 0; i + 1 < plan.size(); i += 2) {
      String key = plan.get(i);
      if (INHERITED.contains(key) && !own.contains(key)) { // no value looks like one of these
        all.add(key);
        all.add(plan.get(i + 1));
      }
    }
    return all;
  }

  @Override
  public List<String> update(String resources) {
    return Resources.settings(fields(resources), unified);
  }

  private static JsonFields fields(String raw) {
    String text = new String(raw.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
    return new JsonFields(Bundle.parse(text), "", new ArrayList<>());
  }

  private Container.Exec fromJson(String raw, Container.GuestFiles files) {
    JsonFields fields = fields(raw);
    OciProcess p = OciProcess.read(fields, files);
    SandboxConfig process =
        process(
            p.args(),
            p.env(),
            p.cwd(),
            p.uid(),
            p.gid(),
            p.groups(),
            p.capabilities(),
            p.noNewPrivs(),
            p.umask(),
            p.terminal(),
            p.rlimits());
    return new Container.Exec(process, inherited(OciPlan.ofProcess(fields)));
  }

  private SandboxConfig fromOptions(List<String> request) {
    List<String> args = new ArrayList<>();
    List<String> env = new ArrayList<>(container.env());
    List<Integer> groups = new ArrayList<>();
    String cwd = container.cwd();
    int uid = container.uid();
    int gid = container.gid();
    long capabilities = 0;
    boolean tty = false;
    boolean noNewPrivs = container.noNewPrivs();
    for (int i = 0; i + 1 < request.size(); i += 2) {
      String value = request.get(i + 1);
      switch (request.get(i)) {
        case "hook" -> env.clear(); // all that comes is the hook's own
        case "arg" -> args.add(value);
        case "env" -> put(env, value);
        case "gid" -> groups.add(id("--additional-gids", value));
        case "cwd" -> cwd = value;
        case "user" -> {
          int colon = value.indexOf(':');
          uid = id("--user", colon < 0 ? value : value.substring(0, colon));
          gid = colon < 0 ? gid : id("--user", value.substring(colon + 1));
        }
        case "cap" -> capabilities |= capability(value);
        case "tty" -> tty = true;
        case "noNewPrivileges" -> noNewPrivs = true;
        default ->
            throw new StartFailure(
                FAILED, "exec: unknown request: front and sentry are of different builds");
      }
    }
    if (!cwd.startsWith("/")) {
      throw new StartFailure(FAILED, "exec: --cwd: " + cwd + ": not an absolute path");
    }
    Capabilities c = container.capabilities();
    if (capabilities != 0) {
      c =
          new Capabilities(
              c.permitted() | capabilities,
              c.effective() | capabilities,
              c.inheritable(),
              c.bounding() | capabilities,
              c.ambient());
    }
    int[] all = new int[groups.size()];
    for (int i = 0; i < all.length; i++) {
      all[i] = groups.get(i);
    }
    return process(
        args,
        env,
        cwd,
        uid,
        gid,
        all.length == 0 ? container.groups() : all,
        c,
        noNewPrivs,
        container.umask(),
        tty,
        container.rlimits());
  }

  private static void put(List<String> env, String entry) {
    int equals = entry.indexOf('=');
    String prefix = (equals < 0 ? entry : entry.substring(0, equals)) + "=";
    env.removeIf(e -> e.startsWith(prefix));
    env.add(equals < 0 ? prefix : entry);
  }

  private static int id(String option, String text) {
    try {
      long n = Long.parseLong(text);
      if (n >= 0 && n < 0xffffffffL) {
        return (int) n;
      }
    } catch (NumberFormatException notANumber) {
      // said below
    }
    throw new StartFailure(
        FAILED, "exec: " + option + ": " + text + " is not a number of a user or group");
  }

  private static long capability(String name) {
    int n = name.startsWith("CAP_") ? OciProcess.CAPABILITIES.indexOf(name.substring(4)) : -1;
    if (n < 0) {
      throw new StartFailure(FAILED, "exec: --cap: " + name + ": unknown capability");
    }
    return 1L << n;
  }

  private SandboxConfig process(
      List<String> args,
      List<String> env,
      String cwd,
      int uid,
      int gid,
      int[] groups,
      Capabilities capabilities,
      boolean noNewPrivs,
      int umask,
      boolean tty,
      long[] rlimits) {
    return new SandboxConfig(
        args,
        env,
        false,
        DoCommand.searchPath(env),
        cwd,
        uid,
        gid,
        groups,
        capabilities,
        noNewPrivs,
        container.hostname(),
        container.domainname(),
        umask,
        container.root(),
        List.of(),
        false,
        tty,
        rlimits,
        SandboxConfig.Network.OWN,
        null,
        false,
        RingUse.of(Ring.Mode.AUTO)); // it is the container's that counts
  }
}
