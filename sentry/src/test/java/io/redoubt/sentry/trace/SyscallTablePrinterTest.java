package io.redoubt.sentry.trace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.seccomp.GuestProfile;
import io.redoubt.seccomp.Syscalls;
import io.redoubt.sentry.CallTable;
import io.redoubt.sentry.kernel.SyscallTable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class SyscallTablePrinterTest {
  private final SyscallTable table = CallTable.create();

  @Test
  void theDocumentIsUpToDate() throws IOException {
    String document = Files.readString(Path.of("../docs/syscalls.md"));
    String now = SyscallTablePrinter.print(GuestProfile.filter(), table);
    assertTrue(
        document.equals(now),
        "docs/syscalls.md is out of date: run ./redoubt syscalls > docs/syscalls.md");
  }

  @Test
  void namesAreThoseOfLinux() {
    for (int nr = 0; nr < SyscallTable.SIZE; nr++) {
      if (table.get(nr) != null) {
        assertEquals(Syscalls.name(nr), table.get(nr).name(), "number " + nr);
      }
    }
  }

  @Test
  void tiersAreThoseOfTheFilter() {
    String text = SyscallTablePrinter.print(GuestProfile.filter(), table);
    assertTrue(text.contains("| 0 | read | notify | full |"), text);
    assertTrue(text.contains("| 39 | getpid | native | full |  |"), text);
    assertTrue(text.contains("| 10 | mprotect | native, notify | full |"), text);
    assertTrue(
        text.contains("| 321 | bpf | denied | none | EPERM: code in the host kernel |"), text);
  }
}
