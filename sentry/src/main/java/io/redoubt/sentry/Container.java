package io.redoubt.sentry;

import java.util.List;

/**
 * What an OCI container is beyond its {@link SandboxConfig}.
 *
 * @param plan keys and values in turn, for the front: record, control groups, hooks, namespaces
 * @param isCreated whether the program is started later, and so has to be looked up before
 * @param execs reads what an exec asks for
 */
public record Container(List<String> plan, boolean isCreated, ExecReader execs) {

  /** Reads a request to run one more program in the sandbox. */
  @FunctionalInterface
  public interface ExecReader {
    /**
     * What to run, as a sandbox of which only the process counts.
     *
     * @param request keys and values in turn
     * @throws StartFailure for one that cannot be honoured
     */
    SandboxConfig read(List<String> request);
  }
}
