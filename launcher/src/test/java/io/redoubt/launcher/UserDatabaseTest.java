package io.redoubt.launcher;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.redoubt.launcher.UserDatabase.User;
import io.redoubt.sentry.StartFailure;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UserDatabaseTest {
  @TempDir Path root;

  @BeforeEach
  void files() throws IOException {
    Files.createDirectory(root.resolve("etc"));
    Files.writeString(
        root.resolve("etc/passwd"),
        "root:x:0:0:root:/root:/bin/sh\nnot an entry\nbad:x:-1:0::/:\nbob:x:1000:100:Bob,,:/home/bob:/bin/bash\n");
    Files.writeString(
        root.resolve("etc/group"),
        "root:x:0:\nusers:x:100:\nwheel:x:10:alice,bob\nvideo:x:44:bobby\n");
  }

  private User find(String spec) {
    return UserDatabase.of(root.toString()).find(spec);
  }

  @Test
  void aNameBringsItsGroups() {
    User bob = find("bob");
    assertEquals(1000, bob.uid());
    assertEquals(100, bob.gid());
    assertArrayEquals(new int[] {100, 10}, bob.groups());
    assertEquals("/home/bob", bob.home());
  }

  @Test
  void aNumberMayHaveAnEntryOrNot() {
    assertEquals(100, find("1000").gid());
    User stranger = find("4000");
    assertEquals(4000, stranger.uid());
    assertEquals(0, stranger.gid());
    assertNull(stranger.home());
    assertEquals(7, find("4000:7").gid());
    assertEquals(-2, find("4294967294").uid());
  }

  @Test
  void aGroupReplacesTheGroups() {
    User bob = find("bob:wheel");
    assertEquals(10, bob.gid());
    assertArrayEquals(new int[] {10}, bob.groups());
  }

  @Test
  void unknownNamesAndNumbersThatAreNoIdsFail() {
    for (String spec :
        new String[] {"eve", "bad", "", ":0", "4294967295", "99999999999999999999", "bob:eve"}) {
      assertThrows(StartFailure.class, () -> find(spec), spec);
    }
  }

  @Test
  void aLinkOutOfTheRootStaysInIt() throws IOException {
    Files.delete(root.resolve("etc/passwd"));
    Files.createSymbolicLink(root.resolve("etc/passwd"), Path.of("/etc/passwd"));
    assertThrows(StartFailure.class, () -> find("root"));
    assertEquals(0, find("0").uid());
  }
}
