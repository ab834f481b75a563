package io.redoubt.gofer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Socket;
import io.redoubt.host.Unistd;
import io.redoubt.host.Wait;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The gofer as the process that it is. */
@Timeout(60)
class GoferProcessTest {
  @TempDir Path dir;
  private final NodeAttr attr = new NodeAttr();

  @Test
  void itServesAndEndsWithTheSocket() throws Exception {
    Files.writeString(dir.resolve("file"), "content");
    GoferProcess process = GoferProcess.start(true, Root.of(dir.toString()));
    int root = process.client.nodes.attach(0, attr);
    Opened opened = new Opened();
    int node = process.client.nodes.lookup(root, "file", attr);
    assertEquals(0, process.client.files.open(node, Fcntl.O_RDONLY, opened));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(16);
      assertEquals(7, Unistd.read(opened.fd, bytes, 16));
    }
    Unistd.close(opened.fd);
    assertTrue(process.client.directories.mkdir(root, "all", 0777, -1, -1, attr) > 0);
    assertEquals(0777, attr.mode & 0777); // no umask
    process.client.close();
    int status = process.await();
    assertTrue(Wait.isExited(status));
    assertEquals(0, Wait.exitStatus(status));
  }

  @Test
  void itsDeathIsNoticedAtOnce() throws Exception {
    GoferProcess process = GoferProcess.start(true, Root.of(dir.toString()));
    int root = process.client.nodes.attach(0, attr);
    process.kill();
    process.await();
    assertEquals(-Errno.EIO, process.client.attributes.getattr(root, attr));
    for (int i = 0; i < 100 && process.deaths.get() == 0; i++) {
      Thread.sleep(10);
    }
    assertEquals(1, process.deaths.get());
  }

  @Test
  void aRootThatIsNotThereEndsIt() throws Exception {
    GoferProcess process = GoferProcess.spawn();
    List<Root> roots = List.of(Root.of("/nonexistent"));
    IOException e =
        assertThrows(
            IOException.class, () -> GoferClient.connect(process.socket, roots, true, () -> {}));
    String expected = "gofer: cannot open root /nonexistent: No such file or directory";
    assertEquals(expected, e.getMessage());
    assertEquals(1, Wait.exitStatus(process.await()));
  }

  @Test
  void nonsenseEndsItWithAnErrorCode() throws Exception {
    GoferProcess process = GoferProcess.spawn();
    try (Arena arena = Arena.ofConfined()) {
      Socket.send(process.socket, arena.allocate(16), 16, 0);
    }
    assertEquals(2, Wait.exitStatus(process.await()));
    Unistd.close(process.socket);
  }
}
