package io.redoubt.sentry.ipc.sysv;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.host.Errno;
import io.redoubt.sentry.fs.mem.MemFs;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.FakeGuest;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.SyscallTable;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class SysvIpcTest {
  private static final int SEMGET = 64;
  private static final int SEMOP = 65;
  private static final int SEMCTL = 66;
  private static final int MSGGET = 68;
  private static final int MSGSND = 69;
  private static final int MSGRCV = 70;
  private static final int MSGCTL = 71;
  private static final int SHMGET = 29;
  private static final int SHMCTL = 31;
  private static final int CREATE = 01000;
  private static final int EXCLUSIVE = 02000;
  private static final int NOWAIT = 04000;
  private static final int UNDO = 010000;
  private static final int GETVAL = 12;
  private static final int SETVAL = 16;

  private final SyscallTable table = new SyscallTable();
  private final FakeGuest guest;

  SysvIpcTest() {
    SemaphoreCalls.register(table);
    MessageCalls.register(table);
    SharedMemoryCalls.register(table);
    guest = new FakeGuest(MemFs.tmpfs(1 << 20, 0755), table);
  }

  private long semop(FakeGuest g, long id, int... operations) {
    long at = g.memory.allocate(operations.length * 2L);
    for (int i = 0; i < operations.length; i += 3) {
      g.memory.putInt(at + i * 2L, operations[i] & 0xffff | operations[i + 1] << 16);
      g.memory.putInt(at + i * 2L + 4, operations[i + 2]);
    }
    return g.call(SEMOP, id, at, operations.length / 3);
  }

  private long value(long id, int number) {
    return guest.call(SEMCTL, id, number, GETVAL);
  }

  @Test
  void keysFindWhatWasMadeWithThem() {
    long id = guest.call(SEMGET, 7, 2, CREATE | 0600);
    assertEquals(id, guest.call(SEMGET, 7, 0, 0));
    assertEquals(-Errno.EEXIST, guest.call(SEMGET, 7, 2, CREATE | EXCLUSIVE | 0600));
    assertEquals(-Errno.EINVAL, guest.call(SEMGET, 7, 3, 0));
    assertEquals(-Errno.ENOENT, guest.call(SEMGET, 8, 1, 0));
    assertEquals(-Errno.EINVAL, guest.call(SEMGET, 8, 0, CREATE));
    assertNotEquals(guest.call(SEMGET, 0, 1, 0600), guest.call(SEMGET, 0, 1, 0600));
    assertEquals(0, guest.call(SEMCTL, id, 0, 0));
    assertEquals(-Errno.ENOENT, guest.call(SEMGET, 7, 2, 0));
    assertEquals(-Errno.EINVAL, guest.call(SEMCTL, id, 0, GETVAL));
    assertNotEquals(id, guest.call(SEMGET, 7, 2, CREATE | 0600));
  }

  @Test
  void anOldIdFindsNothingWhenItsSlotIsUsedAgain() {
    long first = guest.call(MSGGET, 0, 0600);
    guest.call(MSGCTL, first, 0, 0);
    long id = 0;
    for (int i = 0; i < IpcTable.MAX_OBJECTS; i++) {
      id = guest.call(MSGGET, 0, 0600);
      guest.call(MSGCTL, id, 0, 0);
    }
    assertEquals(first + (1 << IpcTable.INDEX_BITS), id);
    assertEquals(-Errno.EINVAL, guest.call(MSGCTL, first, 0, 0));
  }

  @Test
  void operationsAreAllDoneOrNone() {
    long id = guest.call(SEMGET, 0, 2, 0600);
    guest.call(SEMCTL, id, 0, SETVAL, 1);
    assertEquals(-Errno.EAGAIN, semop(guest, id, 0, -1, NOWAIT, 1, -1, NOWAIT));
    assertEquals(1, value(id, 0));
    assertEquals(0, semop(guest, id, 0, -1, NOWAIT, 1, 5, NOWAIT));
    assertEquals("0 5", value(id, 0) + " " + value(id, 1));
    assertEquals(-Errno.ERANGE, semop(guest, id, 0, 1, NOWAIT, 1, 32767, NOWAIT));
    assertEquals(0, value(id, 0));
    assertEquals(-Errno.EFBIG, semop(guest, id, 2, 1, NOWAIT));
    assertEquals(Syscall.BLOCKED, semop(guest, id, 0, -1, 0));
    assertEquals(0, guest.call(SEMCTL, id, 0, 14), "no waiter is left behind");
  }

  @Test
  void theEndOfAProcessUndoes() {
    long id = guest.call(SEMGET, 0, 1, 0600);
    assertEquals(0, semop(guest, id, 0, 5, UNDO));
    assertEquals(0, semop(guest, id, 0, -2, UNDO));
    assertEquals(-Errno.EAGAIN, semop(guest, id, 0, -1, UNDO, 0, -9, NOWAIT));
    assertEquals(3, value(id, 0));
    semop(guest, id, 0, 10, 0);
    guest.kernel.sysv().onExit(guest.task.process);
    assertEquals(10, value(id, 0));
  }

  @Test
  void othersNeedPermission() {
    FakeGuest other = new FakeGuest(guest, Credentials.of(1000, 1000));
    long id = guest.call(SEMGET, 9, 1, CREATE | 0604);
    assertEquals(id, other.call(SEMGET, 9, 0, 04));
    assertEquals(-Errno.EACCES, other.call(SEMGET, 9, 0, 06));
    assertEquals(-Errno.EACCES, semop(other, id, 0, 1, 0));
    assertEquals(0, semop(other, id, 0, 0, NOWAIT));
    assertEquals(-Errno.EPERM, other.call(SEMCTL, id, 0, 0));
  }

  private long send(long id, long type, String text, int flags) {
    long at = guest.memory.allocate(8 + Math.max(1, text.length()));
    guest.memory.putLong(at, type);
    byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
    for (int i = 0; i < bytes.length; i += 4) {
      int word = 0;
      for (int k = 0; k < 4 && i + k < bytes.length; k++) {
        word |= (bytes[i + k] & 0xff) << 8 * k;
      }
      guest.memory.putInt(at + 8 + i, word);
    }
    return guest.call(MSGSND, id, at, bytes.length, flags);
  }

  private String receive(long id, long type, int size, int flags) {
    long at = guest.memory.allocate(8 + size);
    long n = guest.call(MSGRCV, id, at, size, type, flags);
    return n < 0
        ? Long.toString(n)
        : guest.memory.longAt(at)
            + new String(guest.memory.read(at + 8, (int) n), StandardCharsets.ISO_8859_1);
  }

  @Test
  void messagesAreTakenByType() {
    long id = guest.call(MSGGET, 0, 0600);
    for (String m : new String[] {"3c", "1a", "2b", "1d", "5e"}) {
      assertEquals(0, send(id, m.charAt(0) - '0', m.substring(1), 0));
    }
    assertEquals("1a", receive(id, -2, 8, 0));
    assertEquals("2b", receive(id, 2, 8, 0));
    assertEquals("1d", receive(id, 3, 8, MessageQueue.MSG_EXCEPT));
    assertEquals("3c", receive(id, 0, 8, 0));
    assertEquals(Long.toString(-Errno.ENOMSG), receive(id, 4, 8, NOWAIT));
    assertEquals(Long.toString(Syscall.BLOCKED), receive(id, 4, 8, 0));
    assertEquals("5e", receive(id, 5, 8, 0));
  }

  @Test
  void messagesAreChecked() {
    long id = guest.call(MSGGET, 0, 0600);
    assertEquals(-Errno.EINVAL, send(id, 0, "x", 0));
    assertEquals(-Errno.EINVAL, send(id, 1, "x".repeat(8193), 0));
    assertEquals(0, send(id, 1, "x".repeat(8192), 0));
    assertEquals(0, send(id, 1, "y".repeat(8192), NOWAIT));
    assertEquals(-Errno.EAGAIN, send(id, 1, "z", NOWAIT));
    assertEquals(Long.toString(-Errno.E2BIG), receive(id, 0, 10, 0));
    assertEquals("1xxxx", receive(id, 0, 4, MessageQueue.MSG_NOERROR));
    assertEquals(-Errno.EFAULT, guest.call(MSGSND, id, 8, 4, 0));
    assertTrue(receive(id, 0, 8192, 0).startsWith("1yyy"));
  }

  @Test
  void segmentsHaveSizes() {
    long id = guest.call(SHMGET, 5, 5000, CREATE | 0600);
    assertEquals(id, guest.call(SHMGET, 5, 100, 0));
    assertEquals(-Errno.EINVAL, guest.call(SHMGET, 5, 5001, 0));
    assertEquals(-Errno.EINVAL, guest.call(SHMGET, 6, 0, CREATE));
    assertEquals(-Errno.EINVAL, guest.call(SHMGET, 6, -1, CREATE));
    long stat = guest.memory.allocate(112);
    assertEquals(0, guest.call(SHMCTL, id, 2, stat));
    assertEquals(5000, guest.memory.longAt(stat + 48));
    assertEquals(0600, guest.memory.intAt(stat + 20));
    assertEquals(0, guest.call(SHMCTL, id, 0, 0));
    assertEquals(-Errno.EINVAL, guest.call(SHMCTL, id, 2, stat));
  }

  @Test
  void linesOfMapsAreRead() {
    String maps =
        "1000-3000 rw-s 00001000 00:01 42      /memfd:a b (deleted)\n7ffff000-80000000 r--p 00000000 00:00 0 \n";
    assertEquals(0x1000, Maps.start(maps, 0));
    assertEquals(0x3000, Maps.end(maps, 0));
    assertEquals(0x1000, Maps.offset(maps, 0));
    assertEquals("00:01 42 ", Maps.identity(maps, 0));
    int second = Maps.next(maps, 0);
    assertEquals("00:00 0 ", Maps.identity(maps, second));
    assertEquals(maps.length(), Maps.next(maps, second));
  }
}
