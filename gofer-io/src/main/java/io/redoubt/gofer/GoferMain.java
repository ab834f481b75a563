package io.redoubt.gofer;

import io.redoubt.host.Confinement;
import io.redoubt.host.Dir;
import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Mman;
import io.redoubt.host.Process;
import io.redoubt.host.Stat;
import io.redoubt.host.Xattr;
import io.redoubt.seccomp.GoferProfile;
import java.io.IOException;

/**
 * The gofer process: {@code GoferMain FD [FRONT]}, where FD is an inherited AF_UNIX SOCK_SEQPACKET
 * socket whose other end a {@link GoferClient} holds, and FRONT one for {@link OwnRoot}.
 *
 * <p>Exits 0 when the sentry is gone, 1 when a root could not be opened (the sentry is told why), 2
 * when the sentry sent nonsense, 64 for a wrong command line.
 */
public final class GoferMain {
  private GoferMain() {}

  /** Never returns. */
  public static void main(String[] args) {
    int control = args.length == 1 || args.length == 2 ? parseFd(args[0]) : -1;
    if (control < 0) {
      System.err.println("usage: GoferMain SOCKET_FD [FRONT_FD]");
      Runtime.getRuntime().halt(64);
    }
    Dir.umask(0); // the guest's umask is applied by the sentry
    Process.raiseSoftLimit(Process.RLIMIT_NOFILE);
    int status = 0;
    try {
      byte[] filter = filter(); // before: its file is in none of the trees
      GoferServer server = Handshake.accept(control, args.length == 2 ? parseFd(args[1]) : -1);
      confine(filter, server.links());
      server.serve();
    } catch (IOException e) {
      status = 1;
    } catch (MalformedException e) {
      System.err.println("gofer: malformed message: " + e.getMessage());
      status = 2;
    } catch (Throwable e) {
      System.err.println("gofer: internal error: " + e);
      status = 70;
    }
    Runtime.getRuntime().halt(status); // not Unistd.exit: a training run writes its AOT cache here
  }

  private static byte[] filter() {
    if (!Confinement.isWanted()) {
      return null;
    }
    byte[] built = Confinement.builtFilter("gofer");
    return built != null ? built : GoferProfile.program().toBytes();
  }

  /** No request is served before; the roots are open, and nothing else is opened by its path. */
  private static void confine(byte[] filter, int links) throws IOException {
    if (filter == null) {
      return;
    }
    int r =
        Confinement.enter(
            filter,
            links,
            MalformedException.class,
            ExtendedAttributes.class,
            NodeAttr.class,
            RegionLayout.class,
            Ids.class,
            Attributes.class,
            ContentOps.class,
            DirEntries.class,
            DirectoryOps.class,
            Names.class,
            NodeOps.class,
            Opened.class,
            SetAttr.class,
            Dir.class,
            Fcntl.class,
            Mman.class,
            Stat.class,
            Xattr.class,
            Errno.class);
    if (r < 0) {
      System.err.println("gofer: cannot load the seccomp filter: " + Errno.message(r));
      throw new IOException("not confined");
    }
  }

  private static int parseFd(String s) {
    try {
      return Integer.parseInt(s);
    } catch (NumberFormatException e) {
      return -1;
    }
  }
}
