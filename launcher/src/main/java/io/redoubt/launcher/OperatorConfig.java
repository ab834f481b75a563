package io.redoubt.launcher;

import io.redoubt.host.Errno;
import io.redoubt.sentry.Audits;
import io.redoubt.sentry.StartFailure;
import io.redoubt.sentry.limits.Limit;
import io.redoubt.sentry.ring.Ring;
import io.redoubt.sentry.ring.RingUse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * The operator's own file, {@code /etc/redoubt/redoubt.json}; docs/operations/configuration.md says
 * what may be in it. Where there is none, everything has its default, and nothing that weakens a
 * sandbox is allowed to whoever describes a container.
 *
 * @param path of the file, or where it would be
 * @param ring how the ring tier is used
 * @param netRaw whether sandboxes have raw and packet sockets, for who has CAP_NET_RAW
 * @param audit where the audit log goes, or null
 * @param allowed annotations, NAME=VALUE, that may weaken a sandbox
 * @param limits in pairs: ordinal of a {@link Limit}, and how much
 */
@SuppressWarnings("ArrayRecordComponent") // never compared
record OperatorConfig(
    String path, RingUse ring, boolean netRaw, String audit, List<String> allowed, long[] limits) {
  static final String DEFAULT_PATH = "/etc/redoubt/redoubt.json";

  /** No file. */
  static final OperatorConfig NONE =
      new OperatorConfig(
          DEFAULT_PATH, RingUse.of(Ring.Mode.AUTO), false, null, List.of(), new long[0]);

  /** Annotations that an operator can allow; with any value of those that have several. */
  private static final List<String> WEAKENING =
      List.of(
          Annotations.NETWORK + "=host",
          Annotations.NET_RAW + "=true",
          Annotations.RING + "=auto",
          Annotations.RING + "=always",
          Annotations.RING + "=chaos");

  private static final int MAX_BYTES = 1 << 20;
  private static final int WRITABLE_BY_OTHERS = 022;

  /** Reads the file. @param given by --config, or null: the default one, which need not be there */
  static OperatorConfig read(String given) {
    String path = given == null ? DEFAULT_PATH : given;
    String text = HostFiles.read(path, MAX_BYTES);
    if (text == null) {
      int type = HostFiles.type(path);
      if (given == null && (type == -Errno.ENOENT || type == -Errno.ENOTDIR)) {
        return NONE;
      }
      throw new StartFailure(
          Caller.FAILED,
          path
              + ": "
              + (type < 0 ? HostFiles.problem(type) : "not a file that can be read")
              + "; the operator's configuration is needed as it was written");
    }
    if ((HostFiles.permissions(path) & WRITABLE_BY_OTHERS) != 0) {
      throw new StartFailure(
          Caller.FAILED, path + ": others than its owner may write it; chmod go-w " + path);
    }
    String utf8 = new String(text.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
    JsonFields top = new JsonFields(path, Bundle.parse(path, utf8), "", new ArrayList<>());
    JsonFields limits = top.object("limits");
    JsonFields allow = top.object("allow");
    String ring = top.string("ring");
    OperatorConfig c =
        new OperatorConfig(
            path,
            RingOption.parse(ring, path + ": ring"),
            top.flag("netRaw"),
            audit(top),
            allow == null ? List.of() : allowed(allow),
            limits == null ? new long[0] : limits(limits));
    top.refuseUnknown("limits, ring, netRaw, audit, allow");
    return c;
  }

  private static String audit(JsonFields top) {
    String to = top.string("audit");
    if (to != null && !to.startsWith("/") && !to.startsWith("unix:/")) {
      throw top.failure("audit", to + ": must be an absolute path, or unix: and one");
    }
    return to;
  }

  private static List<String> allowed(JsonFields allow) {
    List<String> names = allow.strings("annotations");
    for (int i = 0; i < names.size(); i++) {
      if (!WEAKENING.contains(names.get(i))) {
        throw allow.failure(
            "annotations[" + i + "]",
            names.get(i)
                + " is none that weakens a sandbox; there are: "
                + String.join(", ", WEAKENING));
      }
    }
    allow.refuseUnknown("annotations");
    return names;
  }

  private static long[] limits(JsonFields limits) {
    List<Long> out = new ArrayList<>();
    for (Limit l : Limit.values()) {
      if (limits.has(l.key)) {
        long n = limits.unsigned(l.key, 0);
        if (n < 0) {
          throw limits.failure(l.key, "is larger than any limit");
        }
        out.add((long) l.ordinal());
        out.add(n);
      }
    }
    limits.refuseUnknown(limitNames());
    long[] pairs = new long[out.size()];
    for (int i = 0; i < pairs.length; i++) {
      pairs[i] = out.get(i);
    }
    return pairs;
  }

  /** For messages. */
  static String limitNames() {
    List<String> names = new ArrayList<>();
    for (Limit l : Limit.values()) {
      names.add(l.key);
    }
    return String.join(", ", names);
  }

  boolean allows(String annotation) {
    return allowed.contains(annotation);
  }

  /**
   * Sets the limits, and begins the audit log.
   *
   * @param log what the command line says, before the file; or null
   * @param sandbox its name in the log
   */
  void apply(String log, String sandbox) {
    for (int i = 0; i < limits.length; i += 2) {
      Limit.values()[(int) limits[i]].set(limits[i + 1]);
    }
    if (log != null || audit != null) {
      Audits.start(
          log != null ? log : audit, sandbox, log != null ? "--audit-log" : path + ": audit");
    }
  }
}
