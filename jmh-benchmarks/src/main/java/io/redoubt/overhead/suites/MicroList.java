package io.redoubt.overhead.suites;

import java.util.List;

/**
 * The operations of the micro suite: names as src/main/c/guest has them, and as people read them.
 */
final class MicroList {
  /**
   * @param target the ratio to bare Linux that Redoubt is to reach, or null
   */
  record Entry(String name, String title, boolean quick, Double target) {}

  private static Entry quick(String name, String title) {
    return new Entry(name, title, true, null);
  }

  private static Entry quick(String name, String title, double target) {
    return new Entry(name, title, true, target);
  }

  private static Entry full(String name, String title) {
    return new Entry(name, title, false, null);
  }

  static final List<Entry> ALL =
      List.of(
          quick("cpu", "CPU loop", 1.05),
          quick("memory", "memory loop, 64 MiB", 1.05),
          quick("getppid.libc", "getppid as libc calls it"),
          full("getppid.syscall", "getppid through syscall()"),
          full("getpid.libc", "getpid as libc calls it"),
          full("getpid.syscall", "getpid through syscall()"),
          quick("getuid.libc", "getuid as libc calls it"),
          quick("getuid.syscall", "getuid through syscall()"),
          full("sched_yield", "sched_yield"),
          quick("clock_gettime.libc", "clock_gettime as libc calls it (vDSO)"),
          full("clock_gettime.syscall", "clock_gettime through syscall()"),
          full("nanosleep.slack", "nanosleep of 50 us, time beyond it"),
          quick("signal.self", "signal to itself, handled"),
          full("sigprocmask", "sigprocmask"),
          quick("open-close", "open + close"),
          quick("stat", "stat of a file in the working directory"),
          full("stat.root", "stat of a deep path of the root file system"),
          quick("fstat", "fstat"),
          quick("access.missing", "access of a name that is missing"),
          full("lseek", "lseek"),
          quick("getdents.1000", "list a directory of 1,000 entries"),
          quick("create-unlink", "create + unlink"),
          full("rename.twice", "rename, there and back"),
          full("read.file.1", "read 1 B of a file"),
          quick("read.file.4k", "read 4 KiB of a file"),
          full("read.file.64k", "read 64 KiB of a file"),
          quick("read.file.1m", "read 1 MiB of a file"),
          full("read.tmpfs.1", "read 1 B of a tmpfs file"),
          full("read.tmpfs.4k", "read 4 KiB of a tmpfs file"),
          full("read.tmpfs.64k", "read 64 KiB of a tmpfs file"),
          full("read.tmpfs.1m", "read 1 MiB of a tmpfs file"),
          full("read.zero.1", "read 1 B of /dev/zero"),
          full("read.zero.4k", "read 4 KiB of /dev/zero"),
          full("read.zero.64k", "read 64 KiB of /dev/zero"),
          full("read.zero.1m", "read 1 MiB of /dev/zero"),
          quick("pread.file.1", "pread 1 B of a file"),
          full("pread.file.1.syscall", "pread 1 B of a file, through syscall()"),
          full("pread.file.4k", "pread 4 KiB of a file"),
          full("pread.file.64k", "pread 64 KiB of a file"),
          full("pread.file.1m", "pread 1 MiB of a file"),
          full("pread.tmpfs.1", "pread 1 B of a tmpfs file"),
          full("pread.tmpfs.4k", "pread 4 KiB of a tmpfs file"),
          full("pread.tmpfs.64k", "pread 64 KiB of a tmpfs file"),
          full("pread.tmpfs.1m", "pread 1 MiB of a tmpfs file"),
          full("write.file.1", "write 1 B to a file"),
          quick("write.file.4k", "write 4 KiB to a file"),
          full("write.file.64k", "write 64 KiB to a file"),
          quick("write.file.1m", "write 1 MiB to a file"),
          full("write.tmpfs.1", "write 1 B to a tmpfs file"),
          full("write.tmpfs.4k", "write 4 KiB to a tmpfs file"),
          full("write.tmpfs.64k", "write 64 KiB to a tmpfs file"),
          full("write.tmpfs.1m", "write 1 MiB to a tmpfs file"),
          full("write.null.1", "write 1 B to /dev/null"),
          full("write.null.4k", "write 4 KiB to /dev/null"),
          full("write.null.64k", "write 64 KiB to /dev/null"),
          full("write.null.1m", "write 1 MiB to /dev/null"),
          quick("mmap.anonymous", "mmap + touch + munmap, 64 KiB anonymous", 1.05),
          quick("mmap.file", "mmap + touch + munmap, 64 KiB of a file"),
          quick("page-fault", "page fault"),
          full("mprotect", "mprotect of a page"),
          quick("fork-wait", "fork + exit + wait", 1.5),
          quick("fork-exec-wait", "fork + exec + exit + wait, static program", 4),
          full("vfork-exec-wait", "vfork + exec + exit + wait, static program"),
          quick("thread-create-join", "thread create + join"),
          quick("futex.ping-pong", "futex round trip of two threads"),
          quick("futex.context-switch", "futex round trip of two threads on one CPU", 1.05),
          full("pipe.write-read.1", "write + read 1 B of a pipe, one process"),
          quick("pipe.write-read.4k", "write + read 4 KiB of a pipe, one process"),
          full("pipe.write-read.64k", "write + read 64 KiB of a pipe, one process"),
          quick("pipe.ping-pong", "pipe round trip of two processes"),
          quick("pipe.throughput.64k", "64 KiB through a pipe to another process"),
          quick("unix.ping-pong", "AF_UNIX round trip of two processes"),
          full("unix.throughput.64k", "64 KiB over AF_UNIX to another process"),
          quick("tcp.ping-pong", "TCP round trip on loopback"),
          full("tcp.throughput.64k", "64 KiB over TCP on loopback"),
          full("tcp.connect-accept-close", "TCP connect + accept + close on loopback"),
          full("poll.1", "poll of 1 descriptor"),
          full("poll.100", "poll of 100 descriptors, one ready"),
          quick("poll.1000", "poll of 1,000 descriptors, one ready"),
          full("epoll.1", "epoll_wait with 1 descriptor"),
          full("epoll.100", "epoll_wait with 100 descriptors, one ready"),
          quick("epoll.1000", "epoll_wait with 1,000 descriptors, one ready"),
          full("eventfd.write-read", "eventfd write + read"));

  private MicroList() {}
}
