package io.redoubt.sentry.syscalls;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.redoubt.host.Errno;
import io.redoubt.sentry.fs.mem.MemFs;
import io.redoubt.sentry.kernel.Credentials;
import io.redoubt.sentry.kernel.FakeGuest;
import io.redoubt.sentry.kernel.SyscallTable;
import org.junit.jupiter.api.Test;

/** The rules of credentials(7) and capabilities(7). */
class IdentityCallsTest {
  private static final int SETUID = 105;
  private static final int SETREUID = 113;
  private static final int SETGROUPS = 116;
  private static final int SETRESUID = 117;
  private static final int SETRESGID = 119;
  private static final int SETFSUID = 122;
  private static final int CAPGET = 125;
  private static final int CAPSET = 126;
  private static final int PRCTL = 157;
  private static final int PRLIMIT = 302;
  private static final long SAME = -1;
  private static final long ALL = Credentials.ALL_CAPS;

  private final SyscallTable table = new SyscallTable();
  private final FakeGuest guest;

  IdentityCallsTest() {
    IdentityCalls.register(table);
    CapabilityCalls.register(table);
    PrctlCalls.register(table);
    LimitCalls.register(table);
    guest = new FakeGuest(MemFs.tmpfs(1 << 20, 0755), table);
  }

  private Credentials now() {
    return guest.task.credentials;
  }

  private void ids(int uid, int euid, int suid) {
    assertEquals(
        uid + "," + euid + "," + suid + "," + euid,
        now().uid() + "," + now().euid() + "," + now().suid() + "," + now().fsuid());
  }

  private void capabilities(long permitted, long effective) {
    assertEquals(permitted, now().permitted(), "permitted");
    assertEquals(effective, now().effective(), "effective");
  }

  @Test
  void rootThatLeavesForGoodLosesItsCapabilities() {
    assertEquals(0, guest.call(SETUID, 1000));
    ids(1000, 1000, 1000);
    capabilities(0, 0);
    assertEquals(-Errno.EPERM, guest.call(SETUID, 0));
    assertEquals(0, guest.call(SETUID, 1000));
    assertEquals(-Errno.EINVAL, guest.call(SETUID, SAME));
  }

  @Test
  void rootThatMayComeBackKeepsThemPermitted() {
    assertEquals(0, guest.call(SETRESUID, SAME, 1000, SAME));
    ids(0, 1000, 0);
    capabilities(ALL, 0);
    assertEquals(-Errno.EPERM, guest.call(SETRESUID, SAME, 5, SAME));
    assertEquals(0, guest.call(SETRESUID, SAME, 0, SAME));
    capabilities(ALL, ALL);
  }

  @Test
  void keepCapsKeepsThemPermitted() {
    assertEquals(0, guest.call(PRCTL, 8, 1));
    assertEquals(1, guest.call(PRCTL, 7));
    guest.call(SETUID, 1000);
    capabilities(ALL, 0);
  }

  @Test
  void setreuidSavesTheEffectiveOne() {
    assertEquals(0, guest.call(SETREUID, 5, 6));
    ids(5, 6, 6);
    assertEquals(0, guest.call(SETREUID, 6, 5));
    ids(6, 5, 5);
    assertEquals(-Errno.EPERM, guest.call(SETREUID, 7, SAME));
  }

  @Test
  void setfsuidAnswersTheOldOneAndMovesFileCapabilities() {
    assertEquals(0, guest.call(SETFSUID, 1000));
    assertEquals(1000, guest.call(SETFSUID, SAME));
    assertEquals(false, now().has(Credentials.CAP_DAC_OVERRIDE));
    assertEquals(true, now().has(Credentials.CAP_SETUID));
    assertEquals(1000, guest.call(SETFSUID, 0));
    assertEquals(true, now().has(Credentials.CAP_DAC_OVERRIDE));
  }

  @Test
  void groupsAreSortedAndNeedTheCapability() {
    long list = guest.memory.allocate(12);
    guest.memory.putInt(list, -2);
    guest.memory.putInt(list + 4, 7);
    guest.memory.putInt(list + 8, 3);
    assertEquals(0, guest.call(SETGROUPS, 3, list));
    assertEquals(3, guest.call(115, 0, 0));
    assertEquals(-Errno.EINVAL, guest.call(115, 2, list));
    assertEquals(3, guest.call(115, 3, list));
    assertEquals(
        "3 7 -2",
        guest.memory.intAt(list)
            + " "
            + guest.memory.intAt(list + 4)
            + " "
            + guest.memory.intAt(list + 8));
    assertEquals(-Errno.EINVAL, guest.call(SETGROUPS, 65537, list));
    assertEquals(-Errno.EFAULT, guest.call(SETGROUPS, 1, 8));
    guest.call(SETRESUID, 1, 1, 1);
    assertEquals(-Errno.EPERM, guest.call(SETGROUPS, 0, 0));
    assertEquals(-Errno.EPERM, guest.call(SETRESGID, 4, 4, 4));
  }

  @Test
  void capsetOnlyTakesAway() {
    long header = guest.memory.allocate(8);
    long data = guest.memory.allocate(24);
    guest.memory.putInt(header, 0x20080522);
    assertEquals(0, guest.call(CAPGET, header, data));
    assertEquals((int) ALL, guest.memory.intAt(data));
    assertEquals((int) (ALL >>> 32), guest.memory.intAt(data + 12));
    guest.memory.putInt(data, 1);
    guest.memory.putInt(data + 4, 3);
    guest.memory.putInt(data + 12, 0);
    guest.memory.putInt(data + 16, 0);
    assertEquals(0, guest.call(CAPSET, header, data));
    capabilities(3, 1);
    guest.memory.putInt(data + 4, 7);
    assertEquals(-Errno.EPERM, guest.call(CAPSET, header, data));
    guest.memory.putInt(header, 1);
    assertEquals(-Errno.EINVAL, guest.call(CAPGET, header, data));
    assertEquals(0x20080522, guest.memory.intAt(header));
    assertEquals(0, guest.call(CAPGET, header, 0));
  }

  @Test
  void theAmbientSetIsWithinPermittedAndInheritable() {
    assertEquals(-Errno.EPERM, guest.call(PRCTL, 47, 2, 0));
    guest.task.credentials = now().withCapabilities(ALL, ALL, 1, ALL, 0);
    assertEquals(0, guest.call(PRCTL, 47, 2, 0));
    assertEquals(1, guest.call(PRCTL, 47, 1, 0));
    assertEquals(-Errno.EINVAL, guest.call(PRCTL, 47, 2, 41));
    guest.call(SETUID, 1000);
    assertEquals(0, guest.call(PRCTL, 47, 1, 0));
  }

  @Test
  void noNewPrivsIsForEver() {
    assertEquals(0, guest.call(PRCTL, 39));
    assertEquals(-Errno.EINVAL, guest.call(PRCTL, 38, 1, 1));
    assertEquals(0, guest.call(PRCTL, 38, 1));
    assertEquals(1, guest.call(PRCTL, 39));
    assertEquals(-Errno.EINVAL, guest.call(PRCTL, 38, 0));
  }

  @Test
  void onlyTheCapabilityRaisesAHardLimit() {
    long limit = guest.memory.allocate(16);
    guest.memory.putLong(limit, 100);
    guest.memory.putLong(limit + 8, 200);
    assertEquals(0, guest.call(PRLIMIT, 0, 7, limit, 0));
    guest.memory.putLong(limit + 8, 300);
    assertEquals(0, guest.call(PRLIMIT, 0, 7, limit, 0));
    guest.call(SETUID, 1000);
    guest.memory.putLong(limit + 8, 400);
    assertEquals(-Errno.EPERM, guest.call(PRLIMIT, 0, 7, limit, 0));
    guest.memory.putLong(limit, 301);
    guest.memory.putLong(limit + 8, 300);
    assertEquals(-Errno.EINVAL, guest.call(PRLIMIT, 0, 7, limit, 0));
    assertEquals(0, guest.call(PRLIMIT, 0, 7, 0, limit));
    assertEquals(100, guest.memory.longAt(limit));
    assertEquals(-Errno.EINVAL, guest.call(PRLIMIT, 0, 16, 0, limit));
    assertEquals(-Errno.ESRCH, guest.call(PRLIMIT, 99, 7, 0, limit));
  }
}
