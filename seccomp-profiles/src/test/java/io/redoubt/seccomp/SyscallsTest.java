package io.redoubt.seccomp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class SyscallsTest {
  @Test
  void numbersAndNamesAgree() {
    int count = 0;
    for (int number = 0; number < Syscalls.limit(); number++) {
      if (Syscalls.name(number) != null) {
        assertEquals(number, Syscalls.number(Syscalls.name(number)));
        count++;
      }
    }
    assertEquals(Syscalls.count(), count);
    assertEquals(383, count);
  }

  @Test
  void theEndsOfTheTable() {
    assertEquals("read", Syscalls.name(0));
    assertEquals("uprobe", Syscalls.name(336));
    assertNull(Syscalls.name(337));
    assertNull(Syscalls.name(423));
    assertEquals("pidfd_send_signal", Syscalls.name(424));
    assertEquals("file_setattr", Syscalls.name(469));
    assertNull(Syscalls.name(470));
    assertNull(Syscalls.name(-1));
    assertEquals(-1, Syscalls.find("no_such_call"));
    assertThrows(IllegalArgumentException.class, () -> Syscalls.number("no_such_call"));
  }

  @Test
  void theTableAgreesWithTheHeaderOfThisMachine() throws IOException {
    Path header = Path.of("/usr/include/x86_64-linux-gnu/asm/unistd_64.h");
    assumeTrue(Files.exists(header), "needs the kernel headers (linux-libc-dev)");
    for (String line : Files.readAllLines(header)) {
      String[] words = line.split(" ");
      if (words.length == 3 && words[1].startsWith("__NR_")) {
        assertEquals(words[1].substring(5), Syscalls.name(Integer.parseInt(words[2])));
      }
    }
  }
}
