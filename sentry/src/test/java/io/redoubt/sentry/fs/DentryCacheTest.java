package io.redoubt.sentry.fs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.redoubt.sentry.fs.mem.MemFs;
import org.junit.jupiter.api.Test;

class DentryCacheTest {
  @Test
  void unpinnedLeavesGoAndPinnedStay() {
    Vfs vfs = new Vfs(100);
    Path root = vfs.mountRoot(MemFs.tmpfs(0, 0755), "tmpfs", "none", 0);
    Dentry dir = vfs.insert(root.dentry(), "dir", MemFs.tmpfs(0, 0755));
    Dentry kept = vfs.insert(dir, "kept", null);
    for (int i = 0; i < 10_000; i++) {
      vfs.insert(root.dentry(), "n" + i, null).unpin();
    }
    assertTrue(vfs.cachedDentries() <= 104, "size=" + vfs.cachedDentries());
    assertEquals(kept, dir.cached("kept"));
    kept.unpin();
    dir.unpin();
    for (int i = 0; i < 10_000; i++) {
      vfs.insert(root.dentry(), "m" + i, null).unpin();
    }
    assertEquals(null, root.dentry().cached("dir"));
    assertFalse(kept.pin(), "dead");
    assertTrue(root.dentry().pin());
  }
}
