package io.redoubt.launcher;

import io.redoubt.sentry.Container;
import java.util.List;

/**
 * What the training run of the ahead-of-time cache does beside its sandbox, which is one of {@code
 * do}: it reads a bundle, so that {@code create}, {@code exec} and {@code update} find their
 * classes in the cache too. A JSON reader from jars takes a cold JVM 100 ms.
 */
final class Training {
  private Training() {}

  /** Does nothing but where the build says so. */
  static void rehearse() {
    String dir = System.getProperty("redoubt.train");
    if (dir == null) {
      return;
    }
    Bundle bundle = RunCommand.bundle(List.of("--bundle", dir, "training", "", ""));
    var requests = new ContainerRequests(bundle.config(), bundle.plan(), Resources.isUnified());
    new Container(bundle.plan(), bundle.linux(), bundle.profile(), true, requests);
    bundle.profile().sockFilters();
    String process = HostFiles.read(dir + "/process.json", 1 << 20);
    requests.exec(List.of("process", process), path -> null);
    requests.exec(List.of("arg", "/bin/true", "cwd", "/", "user", "0:0"), path -> null);
    requests.update("{\"memory\": {\"limit\": 268435456}, \"cpu\": {\"shares\": 512}}");
  }
}
