package io.redoubt.gofer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class IdsTest {
  private static final Ids IDS =
      new Ids(new int[] {0, 100000, 1000, 1000, 5000, 1}, new int[] {0, 7, 1});

  private static Request request(int uid, int gid) {
    Request r = new Request();
    r.uid = uid;
    r.gid = gid;
    return r;
  }

  @Test
  void theHostsIdsAreTheGuests() {
    assertEquals(0, IDS.user(100000));
    assertEquals(999, IDS.user(100999));
    assertEquals(1000, IDS.user(5000));
    assertEquals(65534, IDS.user(0));
    assertEquals(65534, IDS.user(101000));
    assertEquals(0, IDS.group(7));
    assertEquals(65534, IDS.group(8));
    assertEquals(4, Ids.SAME.user(4));
    assertEquals(-2, Ids.SAME.user(-2));
  }

  @Test
  void theGuestsIdsAreTheHosts() {
    Request r = request(1000, 0);
    assertTrue(IDS.toHost(r));
    assertEquals(5000, r.uid);
    assertEquals(7, r.gid);
    r = request(-1, -1);
    assertTrue(IDS.toHost(r));
    assertEquals(-1, r.uid);
    assertEquals(-1, r.gid);
    assertFalse(IDS.toHost(request(1001, 0)));
    assertFalse(IDS.toHost(request(0, 1)));
    assertFalse(IDS.toHost(request(-2, 0)));
    assertTrue(Ids.SAME.toHost(request(-2, 5)));
  }

  @Test
  void oneMapAlone() {
    Ids users = new Ids(new int[] {0, 100000, 10}, new int[0]);
    Request r = request(5, 5);
    assertTrue(users.toHost(r));
    assertEquals(100005, r.uid);
    assertEquals(5, r.gid);
  }
}
