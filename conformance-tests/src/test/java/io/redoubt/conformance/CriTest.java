package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.redoubt.conformance.cri.ContainerConfig;
import io.redoubt.conformance.cri.ContainerMetadata;
import io.redoubt.conformance.cri.ContainerState;
import io.redoubt.conformance.cri.ContainerStatsRequest;
import io.redoubt.conformance.cri.ContainerStatsResponse;
import io.redoubt.conformance.cri.ContainerStatus;
import io.redoubt.conformance.cri.ContainerStatusRequest;
import io.redoubt.conformance.cri.ContainerStatusResponse;
import io.redoubt.conformance.cri.CreateContainerRequest;
import io.redoubt.conformance.cri.CreateContainerResponse;
import io.redoubt.conformance.cri.ExecSyncRequest;
import io.redoubt.conformance.cri.ExecSyncResponse;
import io.redoubt.conformance.cri.ImageSpec;
import io.redoubt.conformance.cri.Int64Value;
import io.redoubt.conformance.cri.KeyValue;
import io.redoubt.conformance.cri.LinuxContainerConfig;
import io.redoubt.conformance.cri.LinuxContainerResources;
import io.redoubt.conformance.cri.LinuxContainerSecurityContext;
import io.redoubt.conformance.cri.LinuxPodSandboxConfig;
import io.redoubt.conformance.cri.LinuxSandboxSecurityContext;
import io.redoubt.conformance.cri.ListPodSandboxRequest;
import io.redoubt.conformance.cri.ListPodSandboxResponse;
import io.redoubt.conformance.cri.Mount;
import io.redoubt.conformance.cri.NamespaceMode;
import io.redoubt.conformance.cri.NamespaceOption;
import io.redoubt.conformance.cri.PodSandboxConfig;
import io.redoubt.conformance.cri.PodSandboxMetadata;
import io.redoubt.conformance.cri.PodSandboxState;
import io.redoubt.conformance.cri.PodSandboxStatus;
import io.redoubt.conformance.cri.PodSandboxStatusRequest;
import io.redoubt.conformance.cri.PodSandboxStatusResponse;
import io.redoubt.conformance.cri.RemoveContainerRequest;
import io.redoubt.conformance.cri.RemoveContainerResponse;
import io.redoubt.conformance.cri.RemovePodSandboxRequest;
import io.redoubt.conformance.cri.RemovePodSandboxResponse;
import io.redoubt.conformance.cri.RunPodSandboxRequest;
import io.redoubt.conformance.cri.RunPodSandboxResponse;
import io.redoubt.conformance.cri.SecurityProfile;
import io.redoubt.conformance.cri.StartContainerRequest;
import io.redoubt.conformance.cri.StartContainerResponse;
import io.redoubt.conformance.cri.StopContainerRequest;
import io.redoubt.conformance.cri.StopContainerResponse;
import io.redoubt.conformance.cri.StopPodSandboxRequest;
import io.redoubt.conformance.cri.StopPodSandboxResponse;
import io.redoubt.conformance.cri.UpdateContainerResourcesRequest;
import io.redoubt.conformance.cri.UpdateContainerResourcesResponse;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Behind containerd's CRI plugin, as a kubelet drives it: pods of a RuntimeClass whose handler is
 * redoubt, and of one whose handler is runc, of which the same is expected.
 */
final class CriTest {
  @TempDir static Path directory;
  private static Enclosure node;
  private static CriClient cri;
  private static int count;

  @BeforeAll
  static void startNode() throws IOException, InterruptedException {
    Redoubt.assumeSandbox();
    Redoubt.assumeRoot();
    Guests.assumeInstalled("containerd", "ctr", "runc", "ip", "unshare", "nsenter", "setpriv");
    assumeTrue(
        Files.isExecutable(Path.of("/usr/lib/cni/bridge")),
        "containernetworking-plugins is not installed");
    Path image = TestImage.write(directory);
    Path config = Files.createDirectories(directory.resolve("config"));
    Files.writeString(config.resolve("config.toml"), config());
    Path network = Files.createDirectories(config.resolve("net.d"));
    Files.writeString(network.resolve("10-pods.conflist"), NETWORK);
    Files.createDirectories(directory.resolve("logs"));
    node =
        Enclosure.start(
            directory, "containerd -c " + config.resolve("config.toml") + " & wait $!; wait");
    Path socket = directory.resolve("sock");
    boolean isUp =
        Enclosure.await(() ->
            ctr("plugins", "ls").out().lines().anyMatch(l -> l.matches(".*\\bcri\\b.*\\bok *")));
    assertTrue(isUp, () -> "containerd does not start: " + node.log());
    Outcome load = ctr("-n", "k8s.io", "images", "import", image.toString());
    assertEquals(0, load.exit(), load::describe);
    cri = new CriClient(socket);
  }

  /**
   * What docs/operations/kubernetes.md tells an administrator to write, but for the places, and for
   * root without CAP_SYS_RESOURCE, who may not lower an OOM score.
   */
  private static String config() {
    return """
    version = 2
    root = "/run/containerd-root"
    state = "/run/containerd"
    [grpc]
      address = "%1$s/sock"
    [plugins."io.containerd.grpc.v1.cri"]
      sandbox_image = "%2$s"
      disable_apparmor = true
      restrict_oom_score_adj = true
      stream_server_address = "127.0.0.1"
      [plugins."io.containerd.grpc.v1.cri".cni]
        bin_dir = "/usr/lib/cni"
        conf_dir = "%1$s/config/net.d"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
        runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.redoubt]
        runtime_type = "io.containerd.runc.v2"
        [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.redoubt.options]
          BinaryName = "%3$s"
    """
        .formatted(directory, TestImage.NAME, Redoubt.front());
  }

  private static final String NETWORK =
      """
      {"cniVersion": "0.4.0", "name": "pods", "plugins": [
        {"type": "bridge", "bridge": "pods0", "isGateway": true,
         "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.88.7.0/24"}]], "dataDir": "/run/ipam"}}]}
      """;

  private static Outcome ctr(String... words) {
    String[] all = new String[words.length + 3];
    all[0] = "ctr";
    all[1] = "-a";
    all[2] = directory.resolve("sock").toString();
    System.arraycopy(words, 0, all, 3, words.length);
    return node.command(all).run();
  }

  @AfterAll
  static void stopNode() throws IOException, InterruptedException {
    if (cri != null) {
      cri.close();
    }
    if (node != null) {
      node.close();
    }
  }

  // ------------------------------------------------------------------------------ pods, containers

  /** A pod, and what a kubelet does with it. */
  private static final class Pod implements AutoCloseable {
    final PodSandboxConfig config;
    final String id;

    Pod(String handler) {
      this(handler, NamespaceOption.newBuilder().setPid(NamespaceMode.CONTAINER).build());
    }

    Pod(String handler, NamespaceOption namespaces) {
      String name = "pod" + count++;
      config =
          PodSandboxConfig.newBuilder()
              .setMetadata(
                  PodSandboxMetadata.newBuilder().setName(name).setUid(name).setNamespace("test"))
              .setHostname(namespaces.getNetwork() == NamespaceMode.NODE ? "" : name)
              .setLogDirectory(directory.resolve("logs").resolve(name).toString())
              .setLinux(
                  LinuxPodSandboxConfig.newBuilder()
                      .setCgroupParent("/kubepods/" + name)
                      .setSecurityContext(
                          LinuxSandboxSecurityContext.newBuilder()
                              .setNamespaceOptions(namespaces)
                              .setSeccomp(SecurityProfile.getDefaultInstance())))
              .build();
      id =
          cri.call(
                  "RunPodSandbox",
                  RunPodSandboxRequest.newBuilder()
                      .setConfig(config)
                      .setRuntimeHandler(handler)
                      .build(),
                  RunPodSandboxResponse.getDefaultInstance())
              .getPodSandboxId();
    }

    PodSandboxStatus status() {
      return cri.call(
              "PodSandboxStatus",
              PodSandboxStatusRequest.newBuilder().setPodSandboxId(id).build(),
              PodSandboxStatusResponse.getDefaultInstance())
          .getStatus();
    }

    void stop() {
      cri.call(
          "StopPodSandbox",
          StopPodSandboxRequest.newBuilder().setPodSandboxId(id).build(),
          StopPodSandboxResponse.getDefaultInstance());
    }

    /** Stops and removes it with its containers. */
    @Override
    public void close() {
      stop();
      cri.call(
          "RemovePodSandbox",
          RemovePodSandboxRequest.newBuilder().setPodSandboxId(id).build(),
          RemovePodSandboxResponse.getDefaultInstance());
    }

    /** Creates and starts a container that runs a shell script. */
    Container container(String script) {
      return container(script, c -> {});
    }

    Container container(String script, Consumer<ContainerConfig.Builder> change) {
      String name = "c" + count++;
      ContainerConfig.Builder container =
          ContainerConfig.newBuilder()
              .setMetadata(ContainerMetadata.newBuilder().setName(name))
              .setImage(ImageSpec.newBuilder().setImage(TestImage.NAME))
              .addAllCommand(List.of("/bin/sh", "-c", script))
              .setLogPath(name + ".log");
      container.setLinux(
          LinuxContainerConfig.newBuilder()
              .setSecurityContext(
                  LinuxContainerSecurityContext.newBuilder()
                      .setNamespaceOptions(
                          config.getLinux().getSecurityContext().getNamespaceOptions())
                      .setSeccomp(SecurityProfile.getDefaultInstance())));
      change.accept(container);
      String made =
          cri.call(
                  "CreateContainer",
                  CreateContainerRequest.newBuilder()
                      .setPodSandboxId(id)
                      .setConfig(container)
                      .setSandboxConfig(config)
                      .build(),
                  CreateContainerResponse.getDefaultInstance())
              .getContainerId();
      cri.call(
          "StartContainer",
          StartContainerRequest.newBuilder().setContainerId(made).build(),
          StartContainerResponse.getDefaultInstance());
      return new Container(made, Path.of(config.getLogDirectory()).resolve(name + ".log"));
    }
  }

  private record Container(String id, Path log) {
    ContainerStatus status() {
      return cri.call(
              "ContainerStatus",
              ContainerStatusRequest.newBuilder().setContainerId(id).build(),
              ContainerStatusResponse.getDefaultInstance())
          .getStatus();
    }

    /** Waits for its end. */
    ContainerStatus ended() throws InterruptedException {
      assertTrue(
          Enclosure.await(() -> status().getState() == ContainerState.CONTAINER_EXITED),
          () -> "still running: " + id + "\n" + node.log());
      return status();
    }

    ExecSyncResponse exec(String... words) {
      return cri.call(
          "ExecSync",
          ExecSyncRequest.newBuilder()
              .setContainerId(id)
              .addAllCmd(List.of(words))
              .setTimeout(20)
              .build(),
          ExecSyncResponse.getDefaultInstance());
    }

    String sh(String script) {
      ExecSyncResponse answer = exec("/bin/sh", "-c", script);
      return answer.getStdout().toStringUtf8() + answer.getStderr().toStringUtf8();
    }

    void stop(int seconds) {
      cri.call(
          "StopContainer",
          StopContainerRequest.newBuilder().setContainerId(id).setTimeout(seconds).build(),
          StopContainerResponse.getDefaultInstance());
    }

    void remove() {
      cri.call(
          "RemoveContainer",
          RemoveContainerRequest.newBuilder().setContainerId(id).build(),
          RemoveContainerResponse.getDefaultInstance());
    }

    /** Its log without the times. */
    String logged() throws IOException {
      return Files.readString(log).replaceAll("(?m)^\\S+ ", "");
    }
  }

  // ------------------------------------------------------------------------------ the tests

  /** What was logged, in any order: the two streams are two pipes, read by two threads. */
  private static void assertLogged(String lines, Container container) throws IOException {
    assertEquals(lines.lines().sorted().toList(), container.logged().lines().sorted().toList());
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"runc", "redoubt"})
  void podOfTwoSharesLocalhost(String handler) throws Exception {
    try (Pod pod = new Pod(handler)) {
      assertEquals(handler, pod.status().getRuntimeHandler());
      assertEquals(PodSandboxState.SANDBOX_READY, pod.status().getState());
      Container server = pod.container("while :; do echo from the other | nc -l -p 8080; done");
      Container client = pod.container("sleep 1000");
      String ask =
          "n=0; until nc 127.0.0.1 8080 </dev/null; do n=$((n+1)); [ $n -lt 100 ] || break; sleep 0.1; done 2>/dev/null";
      assertEquals("from the other\n", client.sh(ask));
      assertEquals(pod.config.getHostname() + "\n", client.sh("hostname"));
      assertEquals("1\n", client.sh("ps | grep -c '[s]leep 1000'"), "a pid namespace of its own");
      assertEquals(ContainerState.CONTAINER_RUNNING, server.status().getState());
    }
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"runc", "redoubt"})
  void networkOfThePodIsTheCniPlugins(String handler) throws Exception {
    try (Pod pod = new Pod(handler)) {
      Container server = pod.container("while :; do hostname | nc -l -p 80; done");
      String address = pod.status().getNetwork().getIp();
      assertTrue(address.startsWith("10.88.7."), address);
      assertEquals(
          "1\n", server.sh("busybox ip addr show eth0 | grep -c 'inet " + address + "/24'"));
      Outcome outcome =
          node.command(
                  "sh",
                  "-c",
                  "n=0; until busybox nc "
                      + address
                      + " 80 </dev/null 2>/dev/null; do n=$((n+1)); [ $n -lt 100 ] || break; sleep 0.1; done")
              .run();
      assertEquals(pod.config.getHostname() + "\n", outcome.out(), outcome::describe);
    }
  }

  /** A pod of the node's network has none in a sandbox: its configuration names no namespace. */
  @Test
  void networkOfTheNodeIsNotTheSandboxs() throws Exception {
    NamespaceOption option =
        NamespaceOption.newBuilder()
            .setNetwork(NamespaceMode.NODE)
            .setPid(NamespaceMode.CONTAINER)
            .build();
    String ask = "nc 127.0.0.1 7654 </dev/null 2>/dev/null || echo refused";
    Process server =
        node.command("sh", "-c", "while :; do echo the node | busybox nc -l -p 7654; done").start();
    try (Pod runc = new Pod("runc", option);
        Pod pod = new Pod("redoubt", option)) {
      Container open = runc.container("sleep 1000");
      assertTrue(Enclosure.await(() -> open.sh(ask).equals("the node\n")));
      assertEquals("refused\n", pod.container("sleep 1000").sh(ask));
    } finally {
      Command.killAll(server);
    }
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"runc", "redoubt"})
  void execSync(String handler) {
    try (Pod pod = new Pod(handler)) {
      Container container =
          pod.container(
              "sleep 1000", c -> c.addEnvs(KeyValue.newBuilder().setKey("A").setValue("b c")));
      ExecSyncResponse answer =
          container.exec("/bin/sh", "-c", "echo $A $IMAGE; echo err >&2; exit 7");
      assertEquals("b c yes\n", answer.getStdout().toStringUtf8());
      assertEquals("err\n", answer.getStderr().toStringUtf8());
      assertEquals(7, answer.getExitCode());
      assertEquals(137, container.exec("/bin/sh", "-c", "kill -9 $$").getExitCode());
    }
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"runc", "redoubt"})
  void execSyncOfWhatIsNotThere(String handler) {
    try (Pod pod = new Pod(handler)) {
      Container container = pod.container("sleep 1000");
      try {
        container.exec("/no/such");
        throw new AssertionError("should have failed");
      } catch (io.grpc.StatusRuntimeException e) {
        assertTrue(e.getMessage().contains("no such file or directory"), e::getMessage);
      }
      assertEquals("still there\n", container.sh("echo still there"));
    }
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"runc", "redoubt"})
  void logAndExitCode(String handler) throws Exception {
    try (Pod pod = new Pod(handler)) {
      Container container = pod.container("echo one; sleep 0.2; echo two >&2; exit 3");
      assertEquals(3, container.ended().getExitCode());
      assertEquals("Error", container.status().getReason());
      assertEquals("stdout F one\nstderr F two\n", container.logged());
    }
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"runc", "redoubt"})
  void stopOfAContainer(String handler) throws Exception {
    try (Pod pod = new Pod(handler)) {
      Container polite =
          pod.container("trap 'echo bye; exit 4' TERM; echo up; while :; do sleep 0.1; done");
      Container deaf = pod.container("trap '' TERM; echo up; while :; do sleep 0.1; done");
      for (Container container : List.of(polite, deaf)) {
        assertTrue(Enclosure.await(() -> container.log.toFile().length() > 0));
      }
      polite.stop(10);
      deaf.stop(1);
      assertEquals(4, polite.ended().getExitCode());
      assertEquals("stdout F up\nstdout F bye\n", polite.logged());
      assertEquals(137, deaf.ended().getExitCode());
      polite.remove();
      deaf.remove();
    }
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"runc", "redoubt"})
  void stopOfThePodEndsItsContainers(String handler) throws Exception {
    Pod pod = new Pod(handler);
    Container container = pod.container("sleep 1000");
    pod.stop();
    assertEquals(ContainerState.CONTAINER_EXITED, container.status().getState());
    assertEquals(PodSandboxState.SANDBOX_NOTREADY, pod.status().getState());
    pod.close();
    ListPodSandboxResponse rest =
        cri.call(
            "ListPodSandbox",
            ListPodSandboxRequest.getDefaultInstance(),
            ListPodSandboxResponse.getDefaultInstance());
    assertTrue(rest.getItemsList().stream().noneMatch(p -> p.getId().equals(pod.id)));
    String left =
        "ls /run/containerd/runc/k8s.io 2>/dev/null; ps axo args | grep -e [r]edoubt-front -e [c]ontainerd-shim -e [G]oferMain;"
            + " find /sys/fs/cgroup -path '*/kubepods/"
            + pod.config.getHostname()
            + "/*' -type d";
    assertTrue(
        Enclosure.await(() -> node.command("sh", "-c", left).run().out().isEmpty()),
        () -> node.command("sh", "-c", left).run().out());
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"runc", "redoubt"})
  void securityContext(String handler) throws Exception {
    try (Pod pod = new Pod(handler)) {
      Container container =
          pod.container(
              "id; touch /x; cat /proc/self/status | grep NoNewPrivs",
              c ->
                  c.getLinuxBuilder()
                      .getSecurityContextBuilder()
                      .setRunAsUser(Int64Value.newBuilder().setValue(1000))
                      .setRunAsGroup(Int64Value.newBuilder().setValue(2000))
                      .addSupplementalGroups(3000)
                      .setReadonlyRootfs(true)
                      .setNoNewPrivs(true)
                      .addMaskedPaths("/proc/kcore")
                      .addReadonlyPaths("/proc/sys"));
      container.ended();
      assertLogged(
          """
          stdout F uid=1000 gid=2000 groups=2000,3000
          stderr F touch: /x: Read-only file system
          stdout F NoNewPrivs:\t1
          """,
          container);
    }
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"runc", "redoubt"})
  void volume(String handler) throws Exception {
    Path volume = Files.createDirectories(directory.resolve("volume-" + handler));
    Files.writeString(volume.resolve("a"), "of the node\n");
    try (Pod pod = new Pod(handler)) {
      Container container =
          pod.container(
              "cat /mnt/a; echo new >/mnt/b; touch /ro/c",
              c ->
                  c.addMounts(
                          Mount.newBuilder()
                              .setContainerPath("/mnt")
                              .setHostPath(volume.toString()))
                      .addMounts(
                          Mount.newBuilder()
                              .setContainerPath("/ro")
                              .setHostPath(volume.toString())
                              .setReadonly(true)));
      container.ended();
      assertLogged(
          "stdout F of the node\nstderr F touch: /ro/c: Read-only file system\n", container);
      assertEquals("new\n", Files.readString(volume.resolve("b")));
    }
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"runc", "redoubt"})
  void processesOfThePodShareANamespace(String handler) throws Exception {
    try (Pod pod =
        new Pod(handler, NamespaceOption.newBuilder().setPid(NamespaceMode.POD).build())) {
      Container first = pod.container("sleep 1000");
      Container second = pod.container("sleep 2000");
      assertEquals(ContainerState.CONTAINER_RUNNING, first.status().getState());
      second.stop(0);
      assertEquals(137, second.ended().getExitCode());
      assertEquals("still there\n", first.sh("echo still there"));
    }
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"runc", "redoubt"})
  void memoryLimitUpdateStats(String handler) throws Exception {
    try (Pod pod = new Pod(handler)) {
      Container container =
          pod.container("sleep 1000", c -> c.getLinuxBuilder().setResources(memory(300L << 20)));
      cri.call(
          "UpdateContainerResources",
          UpdateContainerResourcesRequest.newBuilder()
              .setContainerId(container.id)
              .setLinux(memory(200L << 20))
              .build(),
          UpdateContainerResourcesResponse.getDefaultInstance());
      Outcome limit =
          node.command(
                  "sh",
                  "-c",
                  "cat $(find /sys/fs/cgroup -path '*/kubepods/"
                      + pod.config.getHostname()
                      + "/"
                      + container.id
                      + "/memory.*' | grep -E 'memory.(limit_in_bytes|max)$')")
              .run();
      assertEquals((200L << 20) + "\n", limit.out(), limit::describe);
      ContainerStatsResponse stats =
          cri.call(
              "ContainerStats",
              ContainerStatsRequest.newBuilder().setContainerId(container.id).build(),
              ContainerStatsResponse.getDefaultInstance());
      assertTrue(stats.getStats().getMemory().getWorkingSetBytes().getValue() > 0, stats::toString);
    }
  }

  @ParameterizedTest(name = "{0}")
  @ValueSource(strings = {"runc", "redoubt"})
  void outOfMemoryIsReported(String handler) throws Exception {
    try (Pod pod = new Pod(handler)) {
      Container container =
          pod.container(
              "x=0123456789abcdef; while :; do x=$x$x; done",
              c -> c.getLinuxBuilder().setResources(memory(150L << 20)));
      assertEquals(137, container.ended().getExitCode());
      assertEquals("OOMKilled", container.status().getReason());
    }
  }

  private static LinuxContainerResources memory(long bytes) {
    return LinuxContainerResources.newBuilder().setMemoryLimitInBytes(bytes).build();
  }
}
