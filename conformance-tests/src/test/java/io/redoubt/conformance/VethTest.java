package io.redoubt.conformance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two containers in two network namespaces with a pair of veth devices between them: all that the
 * guests send goes through the sockets that their sentries hold in those namespaces.
 */
final class VethTest {
  @TempDir static Path directory;

  @BeforeAll
  static void check() {
    Redoubt.assumeSandbox();
    Redoubt.assumeRoot();
    Guests.assumeInstalled("ip", "unshare", "nsenter", "setpriv");
  }

  /** A bundle that runs the program in one of the namespaces. */
  private static Path bundle(String namespace, String arguments) throws IOException {
    Path bundle =
        OciRuntime.bundle(
            directory,
            config ->
                config
                    .replace(
                        "\"-c\", \"sleep 100\"", "\"-c\", \"exec /bin/transfer " + arguments + "\"")
                    .replace(
                        "{\"type\": \"network\"}",
                        "{\"type\": \"network\", \"path\": \"/run/netns/" + namespace + "\"}"));
    Files.copy(Guests.compiled("network/transfer", true), bundle.resolve("rootfs/bin/transfer"));
    return bundle;
  }

  private static void transfer(long bytes, Duration timeout) throws Exception {
    Path work = Files.createDirectories(directory.resolve("of" + bytes));
    String script =
        """
        ip netns add left; ip netns add right
        ip link add veth0 netns left type veth peer name veth0 netns right
        ip -n left addr add 10.77.0.1/24 dev veth0; ip -n left link set veth0 up
        ip -n right addr add 10.77.0.2/24 dev veth0; ip -n right link set veth0 up
        cd %1$s
        %2$s --root state run -b %3$s receiver >received & receiver=$!
        %2$s --root state run -b %4$s sender >sent; echo "sender: $?"
        wait $receiver; echo "receiver: $?"; echo over
        wait
        """
            .formatted(
                work,
                Redoubt.front(),
                bundle("right", "receive 7000"),
                bundle("left", "send 10.77.0.2 7000 " + bytes));
    try (Enclosure enclosure = Enclosure.start(work, script)) {
      assertTrue(
          Enclosure.await(timeout, () -> enclosure.log().endsWith("over\n")), enclosure::log);
      assertEquals("sender: 0\nreceiver: 0\nover\n", enclosure.log());
    }
    String sent = Files.readString(work.resolve("sent"));
    assertTrue(sent.matches(bytes + " [0-9a-f]{16}\n"), sent);
    assertEquals(sent, Files.readString(work.resolve("received")));
  }

  @Test
  void oneGibibyte() throws Exception {
    transfer(1L << 30, Duration.ofSeconds(150));
  }
}
