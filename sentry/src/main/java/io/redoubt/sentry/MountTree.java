package io.redoubt.sentry;

import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.kernel.Kernel;

/** Builds the guest's tree from the configuration: the root, then every mount in order. */
final class MountTree {
  private final Kernel kernel;
  private final SandboxConfig config;
  private Path root;
  private Path cwd;

  MountTree(Kernel kernel, SandboxConfig config) {
    this.kernel = kernel;
    this.config = config;
  }

  void build(int goferFd) {}

  Path root() {
    return root;
  }

  Path cwd() {
    return cwd;
  }
}
