package io.redoubt.sentry;

import io.redoubt.host.Errno;
import io.redoubt.sentry.LinuxSettings.Device;
import io.redoubt.sentry.dev.Devices;
import io.redoubt.sentry.fs.Dentry;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.Mount;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.SetAttr;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.fs.mem.MemFs;
import io.redoubt.sentry.kernel.Kernel;
import io.redoubt.sentry.kernel.Syscall;

/** What a container's configuration changes in its tree when all is mounted, in runc's order. */
final class ContainerTree {
  private final Kernel kernel;
  private final Syscall call;
  private final Path root;

  private ContainerTree(Kernel kernel, Syscall call, Path root) {
    this.kernel = kernel;
    this.call = call;
    this.root = root;
  }

  /**
   * Changes it.
   *
   * @param c a call with the credentials of the guest's root
   * @param settings null: of no container
   */
  static void change(Kernel kernel, Syscall c, Path root, LinuxSettings settings) {
    if (settings == null) {
      return;
    }
    ContainerTree t = new ContainerTree(kernel, c, root);
    for (Device d : settings.devices()) {
      t.make(d);
    }
    for (String p : settings.readonlyPaths()) {
      t.makeReadOnly(p);
    }
    for (String p : settings.maskedPaths()) {
      t.mask(p);
    }
  }

  /** The parents of a device are made, as runc does it. */
  private void make(Device d) {
    int slash = d.path().lastIndexOf('/');
    String name = d.path().substring(slash + 1);
    Inode dir = root.inode();
    StringBuilder at = new StringBuilder();
    for (String part : d.path().substring(0, slash).split("/")) {
      if (part.isEmpty()) {
        continue;
      }
      at.append('/').append(part);
      Path p = kernel.vfs.lookup(call, root, at.toString(), true);
      dir = p != null ? p.inode() : dir.mkdir(call, part, 0755);
      check(d, dir != null && dir.type() == Stat.S_IFDIR ? 0 : call.error());
    }
    Inode node = dir.mknod(call, name, d.type() | d.mode(), Stat.makedev(d.major(), d.minor()));
    if (node == null && call.error() == -Errno.EEXIST) {
      return; // one of those that are always there, or the image's
    }
    check(d, node == null ? call.error() : 0);
    SetAttr owner = new SetAttr();
    owner.mask = SetAttr.UID | SetAttr.GID | SetAttr.MODE;
    owner.uid = d.uid();
    owner.gid = d.gid();
    owner.mode = d.mode();
    check(d, node.setattr(call, owner));
  }

  private static void check(Device d, long result) {
    if (result < 0) {
      throw new StartFailure(
          1, "error creating device nodes: " + d.path() + ": " + Errno.message((int) result));
    }
  }

  private void makeReadOnly(String path) {
    Path p = kernel.vfs.lookup(call, root, path, true);
    if (p == null) {
      return; // what is not there cannot be written
    }
    Mount of = p.mount();
    check(path, kernel.vfs.attach(of.bind(p.dentry(), of.flags() | Mount.READ_ONLY), p));
  }

  private void mask(String path) {
    Path p = kernel.vfs.lookup(call, root, path, true);
    if (p == null) {
      return;
    }
    Inode nothing;
    int flags = 0;
    if (p.inode().type() == Stat.S_IFDIR) {
      nothing = MemFs.tmpfs(4096, 0755);
      flags = Mount.READ_ONLY;
    } else {
      nothing = MemFs.tmpfs(4096, 0755).mknod(call, "null", Stat.S_IFCHR | 0666, Devices.NULL);
    }
    check(
        path,
        nothing == null
            ? (int) call.error()
            : kernel.vfs.attach(
                new Mount("tmpfs", "tmpfs", new Dentry(null, "/", nothing), flags), p));
  }

  private static void check(String path, int result) {
    if (result < 0) {
      throw new StartFailure(1, "cannot mask " + path + ": " + Errno.message(result));
    }
  }
}
