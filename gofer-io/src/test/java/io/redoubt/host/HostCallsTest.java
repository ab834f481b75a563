package io.redoubt.host;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One sample of each family of calls against the kernel itself. */
class HostCallsTest {
  @TempDir Path dir;

  @Test
  void errorsComeBackAsNegativeErrno() {
    assertEquals(-Errno.ENOENT, Fcntl.open("/nonexistent", Fcntl.O_RDONLY, 0));
    assertEquals(-Errno.ENAMETOOLONG, Fcntl.open("x".repeat(4096), Fcntl.O_RDONLY, 0));
    assertEquals(-Errno.EINVAL, Fcntl.open("a\0b", Fcntl.O_RDONLY, 0));
    assertEquals(-Errno.EBADF, Unistd.close(-1));
    assertEquals("ENOENT", Errno.name(-Errno.ENOENT));
    assertEquals("No such file or directory", Errno.message(Errno.ENOENT));
    assertEquals("E4095", Errno.name(4095));
  }

  @Test
  void buffersAreChecked() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment small = arena.allocate(4);
      assertThrows(IllegalArgumentException.class, () -> Unistd.read(0, small, 5));
      assertThrows(IllegalArgumentException.class, () -> Unistd.read(0, small, -1));
      MemorySegment heap = MemorySegment.ofArray(new byte[8]);
      assertThrows(IllegalArgumentException.class, () -> Unistd.read(0, heap, 8));
    }
  }

  @Test
  void filesAreWrittenReadAndListed() throws Exception {
    String name = dir + "/file";
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(4096, 16);
      int fd = Fcntl.open(name, Fcntl.O_RDWR | Fcntl.O_CREAT | Fcntl.O_CLOEXEC, 0600);
      buffer.setString(0, "hello");
      assertEquals(5, Unistd.write(fd, buffer, 5));
      assertEquals(3, Unistd.pread(fd, buffer, 100, 2));
      assertEquals('l', buffer.get(JAVA_BYTE, 0));
      assertEquals(5, Stat.size(fd));
      assertEquals(0, Stat.statx(fd, "", Fcntl.AT_EMPTY_PATH, Stat.STATX_BASIC_STATS, buffer));
      assertEquals(5, buffer.get(JAVA_LONG, Stat.Statx.STX_SIZE));
      assertEquals(Stat.S_IFREG | 0600, buffer.get(JAVA_SHORT, Stat.Statx.STX_MODE) & 0xffff);
      assertEquals(0, Dir.utimensat(fd, null, 1, 2, 3, 4, 0));
      assertEquals(3000, Files.getLastModifiedTime(dir.resolve("file")).toMillis());
      assertEquals(0, Unistd.close(fd));
      int d = Fcntl.open(dir.toString(), Fcntl.O_RDONLY | Fcntl.O_DIRECTORY, 0);
      assertTrue(Dir.getdents64(d, buffer, 4096) > 0);
      assertEquals(0, Dir.symlinkat("target", d, "link"));
      assertEquals(6, Dir.readlinkat(d, "link", buffer, 4096));
      assertEquals(0, Dir.renameat2(d, "link", d, "other", Dir.RENAME_NOREPLACE));
      assertEquals(-Errno.EEXIST, Dir.linkat(d, "file", d, "other", 0));
      int o = Fcntl.openat2(d, "other", Fcntl.O_RDONLY, 0, Fcntl.RESOLVE_NO_SYMLINKS);
      assertEquals(-Errno.ELOOP, o);
      Unistd.close(d);
    }
  }

  @Test
  void descriptorsTravelInMessages() {
    long pair = Socket.socketpair(Socket.SOCK_SEQPACKET | Socket.SOCK_CLOEXEC);
    int a = Unistd.first(pair);
    int b = Unistd.second(pair);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment bytes = arena.allocate(8);
      int event = Poll.eventfd(7, Poll.EFD_CLOEXEC);
      assertEquals(8, Socket.sendFds(a, bytes, 8, Socket.MSG_NOSIGNAL, event, event, event));
      int[] fds = new int[2];
      long before = openFds();
      assertEquals(8, Socket.recvFds(b, bytes, 8, 0, fds));
      assertEquals(before + 2, openFds()); // the third was closed on arrival
      assertEquals(7, Poll.eventfdRead(fds[0]));
      assertEquals(Fcntl.FD_CLOEXEC, Fcntl.fcntl(fds[1], Fcntl.F_GETFD, 0));
      assertEquals(-Errno.EAGAIN, Socket.recv(b, bytes, 8, Socket.MSG_DONTWAIT));
      Unistd.close(a);
      assertEquals(Poll.POLLIN | Poll.POLLHUP, Poll.poll(b, Poll.POLLIN, -1));
      for (int fd : new int[] {b, event, fds[0], fds[1]}) {
        Unistd.close(fd);
      }
    }
  }

  private static long openFds() {
    return new java.io.File("/proc/self/fd").list().length;
  }

  @Test
  void memoryOfThisProcessIsCopied() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment from = arena.allocateFrom("copied");
      MemorySegment to = arena.allocate(7);
      assertEquals(7, Uio.read(Process.getpid(), to, from.address(), 7));
      assertEquals("copied", to.getString(0));
      assertEquals(-Errno.EFAULT, Uio.read(Process.getpid(), to, 4096, 7));
    }
  }

  @Test
  void sharedMemoryIsMappedAndSealed() {
    int fd = Mman.memfdCreate("test", Mman.MFD_CLOEXEC | Mman.MFD_ALLOW_SEALING);
    assertEquals(0, Unistd.ftruncate(fd, 8192));
    assertEquals(0, Fcntl.fcntl(fd, Fcntl.F_ADD_SEALS, Fcntl.F_SEAL_SHRINK | Fcntl.F_SEAL_GROW));
    assertEquals(-Errno.EPERM, Unistd.ftruncate(fd, 4096));
    int both = Mman.PROT_READ | Mman.PROT_WRITE;
    long at = Mman.mmap(0, 8192, both, Mman.MAP_SHARED, fd, 0);
    Mman.segment(at, 8192).set(JAVA_LONG, 8184, 42);
    assertEquals(0, Mman.munmap(at, 8192));
    Unistd.close(fd);
  }

  @Test
  void waitStatusIsTakenApart() {
    assertEquals(-Errno.ECHILD, Wait.wait4(Process.getpid(), Wait.WNOHANG));
    assertTrue(Wait.isExited(3 << 8));
    assertEquals(3, Wait.exitStatus(3 << 8));
    assertTrue(Wait.isSignaled(9));
    assertTrue(Wait.isStopped(128 << 16 | 5 << 8 | 0x7f));
    assertEquals(Ptrace.PTRACE_EVENT_STOP, Wait.ptraceEvent(128 << 16 | 5 << 8 | 0x7f));
  }

  @Test
  void deviceNumbersAreThoseOfLibc() {
    assertEquals(0x203L, Stat.makedev(2, 3));
    long dev = Stat.makedev(0x12345, 0x6789a);
    assertEquals(0x12345, Stat.major(dev));
    assertEquals(0x6789a, Stat.minor(dev));
  }
}
