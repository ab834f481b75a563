package io.redoubt.gofer;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import io.redoubt.host.Errno;
import io.redoubt.host.Signals;
import io.redoubt.host.Socket;
import io.redoubt.host.Unistd;
import io.redoubt.host.Wait;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A gofer in a process of its own, started with posix_spawn(3): Java's own process API closes every
 * descriptor, and the gofer needs its socket.
 */
final class GoferProcess implements AutoCloseable {
  final int pid;
  final int socket;
  final AtomicInteger deaths = new AtomicInteger();
  GoferClient client;

  private GoferProcess(int pid, int socket) {
    this.pid = pid;
    this.socket = socket;
  }

  /** Starts the process; nothing has been said on {@link #socket} yet. */
  static GoferProcess spawn() throws IOException {
    long pair = Socket.socketpair(Socket.SOCK_SEQPACKET); // inherited: its end is closed below
    int mine = Unistd.first(pair);
    int theirs = Unistd.second(pair);
    io.redoubt.host.Fcntl.fcntl(
        mine, io.redoubt.host.Fcntl.F_SETFD, io.redoubt.host.Fcntl.FD_CLOEXEC);
    try (Arena arena = Arena.ofConfined()) {
      String java = System.getProperty("java.home") + "/bin/java";
      List<String> words =
          List.of(
              java,
              "--enable-native-access=ALL-UNNAMED",
              "--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED",
              "-XX:+UseSerialGC",
              "-Xshare:auto",
              "-cp",
              System.getProperty("java.class.path"),
              "io.redoubt.gofer.GoferMain",
              Integer.toString(theirs));
      MemorySegment argv = arena.allocate(ADDRESS, words.size() + 1);
      for (int i = 0; i < words.size(); i++) {
        argv.setAtIndex(ADDRESS, i, arena.allocateFrom(words.get(i)));
      }
      MemorySegment envp = arena.allocate(ADDRESS, 1);
      MemorySegment pid = arena.allocate(JAVA_INT);
      Linker linker = Linker.nativeLinker();
      MethodHandle spawn =
          linker.downcallHandle(
              linker.defaultLookup().findOrThrow("posix_spawn"),
              FunctionDescriptor.of(
                  JAVA_INT, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS));
      MemorySegment nul = MemorySegment.NULL;
      int r = (int) spawn.invokeExact(pid, arena.allocateFrom(java), nul, nul, argv, envp);
      if (r != 0) {
        throw new IOException("posix_spawn: " + Errno.name(r));
      }
      return new GoferProcess(pid.get(JAVA_INT, 0), mine);
    } catch (IOException e) {
      throw e;
    } catch (Throwable e) {
      throw new IOException(e);
    } finally {
      Unistd.close(theirs);
    }
  }

  /** Starts the process and connects to it. */
  static GoferProcess start(boolean donates, Root... roots) throws IOException {
    GoferProcess process = spawn();
    process.client =
        GoferClient.connect(
            process.socket, List.of(roots), donates, process.deaths::incrementAndGet);
    return process;
  }

  /** Waits for the end of the process. Returns its wait status. */
  int await() {
    long r;
    do {
      r = Wait.wait4(pid, 0);
    } while (r == -Errno.EINTR);
    return Wait.status(r);
  }

  void kill() {
    Signals.kill(pid, Signals.SIGKILL);
  }

  @Override
  public void close() {
    if (client != null) {
      client.close();
    } else {
      Unistd.close(socket);
    }
    await();
  }
}
