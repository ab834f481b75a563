package io.redoubt.sentry;

import io.redoubt.seccomp.ContainerProfile;
import java.util.List;

/**
 * What an OCI container is beyond its {@link SandboxConfig}.
 *
 * @param plan keys and values in turn, for the front: record, control groups, hooks, namespaces
 * @param linux what it changes in the tree and the kernel
 * @param profile what its programs may not do; null: none
 * @param isCreated whether the program is started later, and so has to be looked up before
 * @param requests reads what commands ask of the container later
 */
public record Container(
    List<String> plan,
    LinuxSettings linux,
    ContainerProfile profile,
    boolean isCreated,
    Requests requests) {

  /** Files of the container, as its programs see them. */
  public interface GuestFiles {
    /** The content of a regular file as Latin-1, or null. */
    String read(String path);
  }

  /**
   * One more process.
   *
   * @param process a sandbox of which only the process counts
   * @param plan keys and values in turn, for the front that starts it
   */
  public record Exec(SandboxConfig process, List<String> plan) {}

  /** Texts of commands, as what they mean. Both throw a {@link StartFailure} for a bad one. */
  public interface Requests {
    /**
     * What exec is to run.
     *
     * @param request keys and values in turn
     * @param files what the container has, for the home of a user
     */
    Exec exec(List<String> request, GuestFiles files);

    /**
     * Settings of control group files, for the front.
     *
     * @param resources LinuxResources as JSON, raw bytes
     */
    List<String> update(String resources);
  }
}
