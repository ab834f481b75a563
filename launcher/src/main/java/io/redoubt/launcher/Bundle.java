package io.redoubt.launcher;

import com.google.gson.JsonElement;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import io.redoubt.seccomp.ContainerProfile;
import io.redoubt.sentry.LinuxSettings;
import io.redoubt.sentry.SandboxConfig;
import io.redoubt.sentry.SandboxConfig.Root;
import io.redoubt.sentry.SandboxConfig.RootMode;
import io.redoubt.sentry.StartFailure;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * An OCI bundle (runtime-spec, config.md): a directory with config.json and a root file system.
 *
 * @param linux what it changes in the tree and the kernel
 * @param profile what its programs may not do; null: none
 * @param plan what the front does, keys and values in turn
 * @param warnings what is not done as the configuration says
 */
record Bundle(
    SandboxConfig config,
    LinuxSettings linux,
    ContainerProfile profile,
    List<String> plan,
    List<String> warnings) {
  private static final int MAX_BYTES = 16 << 20;

  /** Reads the bundle in the directory {@code dir}, an absolute path. */
  static Bundle read(String dir) {
    return read(dir, OperatorConfig.NONE);
  }

  /** As above, with what the operator has said. */
  static Bundle read(String dir, OperatorConfig operator) {
    List<String> warnings = new ArrayList<>();
    JsonFields top = new JsonFields(parse(text(dir)), "", warnings);
    String version = top.string("ociVersion");
    if (version == null || !version.startsWith("1.")) {
      throw top.failure(
          "ociVersion",
          version == null ? "missing; this is not an OCI configuration" : version + " is not 1.x");
    }
    JsonFields process = top.object("process");
    if (process == null) {
      throw top.failure("process", "missing; it says what to run");
    }
    Annotations annotations = Annotations.read(top, operator);
    Root root = root(top, dir, annotations.isReadOnly());
    OciProcess p = OciProcess.read(process, new UserDatabase.HostRoot(root.path()));
    String listen = System.getenv("REDOUBT_LISTEN_FDS");
    if (listen != null) {
      p.env().add("LISTEN_FDS=" + listen); // sd_listen_fds(3): the front has handed them on
      p.env().add("LISTEN_PID=1");
    }
    JsonFields linux = top.object("linux");
    LinuxSettings settings = OciLinux.read(linux);
    ContainerProfile profile = OciProfile.read(linux);
    String hostname = top.string("hostname");
    String domainname = OciLinux.domainname(settings);
    if (domainname == null) {
      domainname = top.string("domainname");
    }
    SandboxConfig config =
        new SandboxConfig(
            p.args(),
            p.env(),
            false,
            DoCommand.searchPath(p.env()),
            p.cwd(),
            p.uid(),
            p.gid(),
            p.groups(),
            p.capabilities(),
            p.noNewPrivs(),
            hostname == null ? "" : hostname,
            domainname == null ? "" : domainname,
            p.umask(),
            root,
            OciMounts.read(top, dir),
            false,
            p.terminal(),
            p.rlimits(),
            network(annotations, linux),
            null,
            false,
            annotations.ring(Resources.isBelowTwoCpus(linux)));
    List<String> plan = OciPlan.of(version, root.path(), top, process, linux, settings);
    top.reportUnknown();
    if (linux != null) {
      linux.reportUnknown();
    }
    process.reportUnknown();
    return new Bundle(config, settings, profile, plan, warnings);
  }

  private static Root root(JsonFields top, String dir, boolean mustNotWrite) {
    JsonFields root = top.object("root");
    String path = root == null ? null : root.string("path");
    if (path == null || path.isEmpty()) {
      throw top.failure("root.path", "missing; it names the directory with the root file system");
    }
    boolean readOnly = root.flag("readonly") || mustNotWrite;
    root.reportUnknown();
    String absolute = HostFiles.absolute(dir, path);
    String problem = HostFiles.notDirectory(absolute);
    if (problem != null) {
      throw top.failure("root.path", absolute + ": " + problem);
    }
    return new Root(absolute, readOnly ? RootMode.READ_ONLY : RootMode.WRITABLE);
  }

  /**
   * runc leaves a container without a network namespace in the host's. Here that takes a word more,
   * because to leave something out is not to ask for less of a wall.
   */
  private static SandboxConfig.Network network(Annotations annotations, JsonFields linux) {
    List<String> types = new ArrayList<>();
    if (linux != null) {
      for (JsonFields n : linux.objects("namespaces")) {
        types.add(n.string("type"));
      }
    }
    if (types.contains("network") || !annotations.wantsHostNetwork()) {
      if (!types.isEmpty() && !types.contains("network")) {
        linux.warn(
            "namespaces",
            "no network namespace: the sandbox has one of its own with nothing but loopback; the annotation "
                + Annotations.NETWORK
                + "=host gives it the host's");
      }
      return annotations.hasRawSockets(false)
          ? SandboxConfig.Network.OWN_RAW
          : SandboxConfig.Network.OWN;
    }
    annotations.require(Annotations.NETWORK, "host");
    annotations.hasRawSockets(true);
    return SandboxConfig.Network.HOST;
  }

  private static String text(String dir) {
    String problem = HostFiles.notDirectory(dir);
    if (problem != null) {
      throw new StartFailure(
          Caller.FAILED, "bundle " + dir + ": " + problem + "; give one with --bundle DIR");
    }
    String text = HostFiles.read(dir + "/config.json", MAX_BYTES);
    if (text == null) {
      throw new StartFailure(
          Caller.FAILED,
          dir
              + "/config.json: no such file, or not readable; give a bundle with --bundle DIR, runc spec makes a config.json");
    }
    return new String(text.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
  }

  /** The tree of a configuration; a failure says line and column. */
  static com.google.gson.JsonObject parse(String text) {
    return parse("config.json", text);
  }

  /** As above, of another file. */
  static com.google.gson.JsonObject parse(String file, String text) {
    JsonReader reader = new JsonReader(new StringReader(text));
    reader.setStrictness(Strictness.STRICT);
    JsonElement tree;
    try {
      tree = JsonParser.parseReader(reader);
    } catch (JsonParseException e) {
      Throwable cause = e.getCause() instanceof IOException ? e.getCause() : e;
      throw invalid(file, position(cause.getMessage()));
    } catch (StackOverflowError e) {
      throw invalid(file, "nested too deeply");
    }
    if (!isAtEnd(reader)) {
      throw invalid(file, "more text after the end of the object");
    }
    if (!tree.isJsonObject()) {
      throw invalid(file, "must hold one object");
    }
    return tree.getAsJsonObject();
  }

  /** A strict reader does not tell what follows from what is malformed: both are more text. */
  private static boolean isAtEnd(JsonReader reader) {
    try {
      return reader.peek() == JsonToken.END_DOCUMENT;
    } catch (IOException e) {
      return false;
    }
  }

  private static StartFailure invalid(String file, String why) {
    return new StartFailure(Caller.FAILED, file + ": invalid JSON: " + RawArguments.raw(why));
  }

  /**
   * Without the second line and the path that Gson adds: "Expected ':' at line 3 column 5 path
   * $.a".
   */
  private static String position(String message) {
    int end = message.indexOf('\n');
    String line = end < 0 ? message : message.substring(0, end);
    int path = line.lastIndexOf(" path $");
    String where = path < 0 ? line : line.substring(0, path);
    int at = where.indexOf(" at line ");
    // What Gson says of anything that it has no better word for is advice to its caller.
    return where.startsWith("Use JsonReader") && at > 0
        ? "unexpected text" + where.substring(at)
        : where;
  }
}
