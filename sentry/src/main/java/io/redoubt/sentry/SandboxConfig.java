package io.redoubt.sentry;

import io.redoubt.sentry.ring.RingUse;
import java.util.List;

/**
 * What one sandbox is: made by the launcher from its command line or from an OCI bundle. Texts are
 * Latin-1 strings of raw bytes.
 *
 * @param args the command, at least one
 * @param env KEY=VALUE entries
 * @param inheritEnv whether the caller's environment comes first
 * @param searchPath PATH for the look-up of the command
 * @param cwd absolute, in the guest
 * @param hostname empty: that of the UTS namespace
 * @param domainname the same
 * @param root the guest's root
 * @param mounts in order
 * @param groups supplementary ones
 * @param capabilities null: all for uid 0, none for others
 * @param hasShim whether the runtime's reaper is pid 1 and the command pid 2
 * @param tty whether the command gets a terminal of its own
 * @param rlimits resource, soft, hard triples
 * @param network where its sockets are
 * @param trace null, or where --trace goes: "" for stderr, else a file
 * @param stats whether to print call statistics at the end
 * @param ring whether hot calls are served without an entry into the kernel
 */
public record SandboxConfig(
    List<String> args,
    List<String> env,
    boolean inheritEnv,
    String searchPath,
    String cwd,
    int uid,
    int gid,
    int[] groups,
    Capabilities capabilities,
    boolean noNewPrivs,
    String hostname,
    String domainname,
    int umask,
    Root root,
    List<MountSpec> mounts,
    boolean hasShim,
    boolean tty,
    long[] rlimits,
    Network network,
    String trace,
    boolean stats,
    RingUse ring) {

  /** The network namespace of the sandbox's sockets. */
  public enum Network {
    /**
     * The one that its first process is in: of its own, with nothing but loopback, unless the
     * process was made to join another.
     */
    OWN,
    /**
     * The same, and who has CAP_NET_RAW in the sandbox can make raw and packet sockets there. There
     * is no such thing in the host's network, where they would see and forge what other processes
     * send.
     */
    OWN_RAW,
    /** The host's. */
    HOST
  }

  /** Capability sets as bits (capabilities(7)). */
  public record Capabilities(
      long permitted, long effective, long inheritable, long bounding, long ambient) {}

  /**
   * The root file system.
   *
   * @param path host directory
   * @param mode how the guest sees it
   */
  public record Root(String path, RootMode mode) {}

  /** How the root is attached. */
  public enum RootMode {
    /** Read-only underneath, writes kept in memory. */
    OVERLAY,
    /** Writes refused. */
    READ_ONLY,
    /** Writes go to the host directory. */
    WRITABLE
  }

  /**
   * One mount.
   *
   * @param type bind, tmpfs, proc, sysfs, devtmpfs, devpts, mqueue
   * @param source host path for bind, else a name
   * @param destination absolute path in the guest
   * @param options flags among ro, nosuid, nodev, noexec and, for tmpfs, size=BYTES and mode=OCTAL;
   *     for bind also {@link #ALONE}
   */
  public record MountSpec(String type, String source, String destination, List<String> options) {
    /** The option of a bind without what is mounted below its source. */
    public static final String ALONE = "alone";

    /** Whether what is mounted below the source stays out. */
    public boolean isAlone() {
      return has(ALONE);
    }

    /** Whether a flag is set. */
    public boolean has(String option) {
      return options.contains(option);
    }

    /** The value of {@code key=...}, or null. */
    public String value(String key) {
      for (String o : options) {
        if (o.startsWith(key) && o.length() > key.length() && o.charAt(key.length()) == '=') {
          return o.substring(key.length() + 1);
        }
      }
      return null;
    }
  }
}
