package io.redoubt.sentry;

import io.redoubt.gofer.GoferClient;
import io.redoubt.gofer.Ids;
import io.redoubt.gofer.NodeAttr;
import io.redoubt.gofer.Root;
import io.redoubt.host.Errno;
import io.redoubt.sentry.SandboxConfig.MountSpec;
import io.redoubt.sentry.SandboxConfig.RootMode;
import io.redoubt.sentry.dev.DevFs;
import io.redoubt.sentry.fs.FsContext;
import io.redoubt.sentry.fs.Inode;
import io.redoubt.sentry.fs.Mount;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.SetAttr;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.fs.gofer.GoferFs;
import io.redoubt.sentry.fs.mem.MemFs;
import io.redoubt.sentry.kernel.Kernel;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.proc.ProcFs;
import io.redoubt.sentry.proc.SysFs;
import io.redoubt.sentry.tty.DevPts;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** Builds the guest's tree from the configuration: the root, then every mount in order. */
final class MountTree {
  private final Kernel kernel;
  private final SandboxConfig config;
  private final ControlSocket control;
  private final Container container; // null: not an OCI container
  private GoferClient gofer;
  private Path root;
  private Path cwd;

  MountTree(Kernel kernel, SandboxConfig config, ControlSocket control, Container container) {
    this.container = container;
    this.kernel = kernel;
    this.config = config;
    this.control = control;
  }

  /** Root of the sandbox; after {@link #build}. */
  Path root() {
    return root;
  }

  /** The command's working directory, null when there is none of that name. */
  Path cwd() {
    return cwd;
  }

  void build(int goferSocket) {
    connect(goferSocket);
    root = kernel.vfs.mountRoot(rootInode(), "overlay", "overlay", 0);
    Syscall c = kernel.bootCall(new FsContext(root, root, 022));
    int nextBind = 1;
    for (MountSpec m : config.mounts()) {
      boolean isBind = m.type().equals("bind");
      Inode inode = isBind ? bind(nextBind++, m) : pseudo(c, m);
      String shown = isBind ? "none" : m.source(); // a path of the host is not the guest's to know
      int r = kernel.vfs.mount(c, m.destination(), inode, m.type(), shown, flags(m), "");
      if (r < 0) {
        throw new StartFailure(
            1,
            "cannot mount "
                + m.source()
                + " on "
                + m.destination()
                + ": "
                + Errno.message(r)
                + "; the mount point's parents must be directories");
      }
    }
    ContainerTree.change(kernel, c, root, container == null ? null : container.linux());
    if (config.root().mode() == RootMode.READ_ONLY) {
      kernel.vfs.remount(root.mount(), Mount.READ_ONLY);
    }
    Path p = kernel.vfs.lookup(c, root, config.cwd(), true);
    if (p != null && p.inode().type() == Stat.S_IFDIR) {
      cwd = p;
    }
  }

  /** The connection to the file proxy; after {@link #build}. */
  GoferClient gofer() {
    return gofer;
  }

  private void connect(int socket) {
    List<Root> roots = new ArrayList<>();
    String path = config.root().path();
    roots.add(config.root().mode() == RootMode.WRITABLE ? Root.of(path) : Root.readOnly(path));
    for (MountSpec m : config.mounts()) {
      if (m.type().equals("bind")) {
        int flags = (m.has("ro") ? Root.READ_ONLY : 0) | (m.isAlone() ? Root.NO_XDEV : 0);
        roots.add(new Root(m.source(), -1, flags));
      }
    }
    boolean isMapped = container != null && container.linux().hasMappedGofer();
    try {
      gofer = GoferClient.connect(socket, roots, ids(), isMapped, true, () -> onGoferDeath());
    } catch (IOException e) {
      throw new StartFailure(1, e.getMessage());
    }
  }

  private Ids ids() {
    return container == null
        ? Ids.SAME
        : new Ids(container.linux().userMap(), container.linux().groupMap());
  }

  private void onGoferDeath() {
    if (!kernel.isOver()) {
      Audits.goferDied(gofer.deathReason());
      control.fail(1, "the gofer is gone (" + gofer.deathReason() + "); the sandbox was killed");
    }
  }

  private Inode rootInode() {
    NodeAttr attr = new NodeAttr();
    int fid = attach(0, config.root().path(), attr);
    // A read-only root is an overlay too, which nothing but missing mount points is written to: it
    // is cached.
    return config.root().mode() == RootMode.WRITABLE
        ? GoferFs.create(gofer, fid, attr, false)
        : MemFs.overlay(gofer, fid, attr);
  }

  private Inode bind(int index, MountSpec m) {
    NodeAttr attr = new NodeAttr();
    int fid = attach(index, m.source(), attr);
    return GoferFs.create(gofer, fid, attr, m.has("ro"));
  }

  private int attach(int index, String path, NodeAttr attr) {
    int fid = gofer.nodes.attach(index, attr);
    if (fid < 0) {
      throw new StartFailure(1, "cannot attach " + path + ": " + Errno.message(fid));
    }
    return fid;
  }

  private Inode pseudo(Syscall c, MountSpec m) {
    return switch (m.type()) {
      case "proc" -> ProcFs.create(kernel);
      case "sysfs" -> SysFs.create();
      case "devtmpfs" -> DevFs.create(c);
      case "devpts" -> DevPts.create(kernel.terminals);
      case "tmpfs", "mqueue" -> owned(c, MemFs.tmpfs(size(m), mode(m)), m);
      default ->
          throw new StartFailure(
              1, "mount " + m.destination() + ": the sandbox has no file system type " + m.type());
    };
  }

  private static Inode owned(Syscall c, Inode root, MountSpec m) {
    SetAttr owner = new SetAttr();
    owner.mask = SetAttr.UID | SetAttr.GID;
    owner.uid = id(m, "uid");
    owner.gid = id(m, "gid");
    if (owner.uid != 0 || owner.gid != 0) {
      root.setattr(c, owner);
    }
    return root;
  }

  private static int id(MountSpec m, String key) {
    String s = m.value(key);
    try {
      return s == null ? 0 : Integer.parseUnsignedInt(s);
    } catch (NumberFormatException e) {
      throw new StartFailure(
          1, "mount " + m.destination() + ": " + key + "=" + s + " is not an id");
    }
  }

  private static int flags(MountSpec m) {
    return (m.has("ro") ? Mount.READ_ONLY : 0)
        | (m.has("nosuid") ? Mount.NOSUID : 0)
        | (m.has("nodev") ? Mount.NODEV : 0)
        | (m.has("noexec") ? Mount.NOEXEC : 0);
  }

  /** size=N, with k, m or g; 0 when it is not given. */
  private static long size(MountSpec m) {
    String s = m.value("size");
    if (s == null || s.isEmpty()) {
      return 0;
    }
    int unit = "kmg".indexOf(Character.toLowerCase(s.charAt(s.length() - 1)));
    try {
      return unit < 0
          ? Long.parseLong(s)
          : Math.multiplyExact(
              Long.parseLong(s.substring(0, s.length() - 1)), 1L << (10 * (unit + 1)));
    } catch (ArithmeticException | NumberFormatException e) {
      throw new StartFailure(
          1,
          "mount "
              + m.destination()
              + ": size="
              + s
              + " is not a number of bytes (k, m and g may follow)");
    }
  }

  private static int mode(MountSpec m) {
    String s = m.value("mode");
    try {
      return s == null ? 01777 : Integer.parseInt(s, 8) & 07777;
    } catch (NumberFormatException e) {
      throw new StartFailure(
          1, "mount " + m.destination() + ": mode=" + s + " is not an octal number");
    }
  }
}
