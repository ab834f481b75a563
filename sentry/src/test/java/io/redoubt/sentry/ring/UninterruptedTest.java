package io.redoubt.sentry.ring;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.redoubt.seccomp.Syscalls;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** The numbers are those of the calls that are meant. */
class UninterruptedTest {
  @Test
  void theNumbersAreThoseOfTheNames() {
    Set<Integer> meant = new TreeSet<>();
    for (String name :
        """
        close stat fstat lstat newfstatat statx lseek access faccessat faccessat2 dup uname getcwd
        readlink readlinkat umask getuid getgid geteuid getegid
        """
            .split("\\s+")) {
      meant.add(Syscalls.number(name));
    }
    Set<Integer> listed = new TreeSet<>();
    for (int nr = -1; nr < 1024; nr++) {
      if (Uninterrupted.is(nr)) {
        listed.add(nr);
      }
    }
    assertEquals(meant, listed);
  }
}
