package io.redoubt.sentry;

import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.ResourceLimits;

/** The part of a configuration that is about one process, as the kernel has it. */
final class ProcessConfig {
  private ProcessConfig() {}

  static Credentials credentials(SandboxConfig config) {
    Credentials c = Credentials.of(config.uid(), config.gid(), config.groups());
    SandboxConfig.Capabilities caps = config.capabilities();
    if (caps != null) {
      c =
          c.withCapabilities(
              caps.permitted(),
              caps.effective(),
              caps.inheritable(),
              caps.bounding(),
              caps.ambient());
    }
    return config.noNewPrivs() ? c.withNoNewPrivs() : c;
  }

  static ResourceLimits limits(SandboxConfig config) {
    ResourceLimits limits = new ResourceLimits();
    long[] r = config.rlimits();
    for (int i = 0; i + 2 < r.length; i += 3) {
      limits.set((int) r[i], r[i + 1], r[i + 2]);
    }
    return limits;
  }
}
