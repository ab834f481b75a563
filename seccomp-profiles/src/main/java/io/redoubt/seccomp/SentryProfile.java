package io.redoubt.seccomp;

import static io.redoubt.seccomp.Action.ALLOW;
import static io.redoubt.seccomp.Argument.intArg;
import static io.redoubt.seccomp.Argument.longArg;
import static io.redoubt.seccomp.Condition.allOf;
import static io.redoubt.seccomp.Condition.anyOf;
import static io.redoubt.seccomp.Condition.between;
import static io.redoubt.seccomp.Condition.is;
import static io.redoubt.seccomp.Condition.noneOf;
import static io.redoubt.seccomp.Condition.oneOf;

import java.util.ArrayList;
import java.util.List;

/**
 * The filter of the sentry, from just before the guest may exec on: no program, no process, no
 * mount, no namespace, no file made or removed by name, no socket but in the host's network.
 *
 * <p>What acts on guests (ptrace, process_vm_*, signals) can be asked for any process: the numbers
 * are not known when the filter is made. That the sentry reaches its own guests alone is the doing
 * of the user namespaces, which it owns, and of the capabilities, which it has not.
 */
public final class SentryProfile {
  /** Which sockets of the network the sandbox has. */
  public enum Sockets {
    /** Those that the socket maker makes. */
    OWN("sentry"),
    /** The same, raw and packet sockets among them: {@code --net-raw}. */
    RAW("sentry-net-raw"),
    /** The host's network, in which the sentry makes them itself: {@code --network host}. */
    HOST("sentry-host-network");

    /** The name of the filter. */
    public final String filter;

    Sockets(String filter) {
      this.filter = filter;
    }
  }

  private static final int AF_UNIX = 1;

  /** AF_INET, AF_INET6, AF_NETLINK. */
  private static final long[] NETWORK_FAMILIES = {2, 10, 16};

  /** O_CREAT and the bit of O_TMPFILE that O_DIRECTORY is not. */
  private static final long MAKES_FILE = 0100 | 020000000;

  /** F_GETFL, F_SETFL, F_DUPFD_CLOEXEC, F_ADD_SEALS, F_GET_SEALS. */
  private static final long[] FCNTL_COMMANDS = {3, 4, 1030, 1033, 1034};

  /** SINGLESTEP, GETREGS, SETREGS, DETACH, SEIZE, INTERRUPT. */
  private static final long[] PTRACE_REQUESTS = {9, 0xc, 0xd, 0x11, 0x4206, 0x4207};

  /** SECCOMP_IOCTL_NOTIF_RECV, SEND, ID_VALID, ADDFD, SET_FLAGS. */
  private static final long[] LISTENER_REQUESTS = {
    0xc0502100L, 0xc0182101L, 0x40082102L, 0x40182103L, 0x40082104L
  };

  /** TCGETS, TCGETS2, TIOCGWINSZ, TIOCOUTQ, FIONREAD: all ask. */
  private static final long[] TERMINAL_REQUESTS = {0x5401, 0x802c542aL, 0x5413, 0x5411, 0x541b};

  /** SIOCATMARK, SIOCGSTAMP, SIOCGSTAMPNS, SIOCOUTQNSD. */
  private static final long[] SOCKET_REQUESTS = {0x8905, 0x8906, 0x8907, 0x894b};

  /**
   * SIOCGIFNAME, CONF, FLAGS, ADDR, DSTADDR, BRDADDR, NETMASK, METRIC, MTU, HWADDR, INDEX, TXQLEN,
   * MAP.
   */
  private static final long[] INTERFACE_REQUESTS = {
    0x8910, 0x8912, 0x8913, 0x8915, 0x8917, 0x8919, 0x891b, 0x891d, 0x8921, 0x8927, 0x8933, 0x8942,
    0x8970
  };

  private static final int SOL_SOCKET = 1;

  private static final int SOL_TCP = 6;

  /** Loads a module: kTLS and others. */
  private static final int TCP_ULP = 31;

  /** SOL_IP, UDP, IPV6, NETLINK. */
  private static final long[] OTHER_LEVELS = {0, 17, 41, 270};

  /**
   * What runs a program in the kernel or binds to a device: SO_BINDTODEVICE, ATTACH_FILTER,
   * LOCK_FILTER, ATTACH_BPF, ATTACH_REUSEPORT_CBPF, ATTACH_REUSEPORT_EBPF, BINDTOIFINDEX.
   */
  private static final long[] SOCKET_PROGRAMS = {25, 26, 44, 50, 51, 52, 62};

  /** Of these what a classic filter of a raw socket takes: ATTACH_FILTER, LOCK_FILTER. */
  private static final long[] CLASSIC_FILTERS = {26, 44};

  private static final int SOL_ICMPV6 = 58;

  private static final int SOL_RAW = 255;

  /** ICMP_FILTER, IPV6_CHECKSUM. */
  private static final long[] RAW_FILTERS = {1, 7};

  private static final int SOL_PACKET = 263;

  private static final int ICMPV6_FILTER = 1;

  /**
   * PACKET_ADD_MEMBERSHIP, DROP_MEMBERSHIP, AUXDATA, ORIGDEV, TIMESTAMP, IGNORE_OUTGOING: no rings,
   * no fanout, no headers of virtio.
   */
  private static final long[] PACKET_OPTIONS = {1, 2, 8, 9, 17, 23};

  /** PROCMAP_QUERY of a /proc/TID/maps. */
  private static final long MAPS_REQUEST = 0xc0686611L;

  private static final List<Rule> GUESTS =
      List.of(
          Rule.on(
              "ioctl",
              anyOf(
                  oneOf(intArg(1, "request"), LISTENER_REQUESTS),
                  oneOf(intArg(1, "request"), TERMINAL_REQUESTS),
                  is(intArg(1, "request"), MAPS_REQUEST)),
              ALLOW,
              "Seccomp: receives and answers calls; HostTerminal: asks the caller's terminal; where a"
                  + " guest's mapping ends, for rings"),
          Rule.on("process_vm_readv", ALLOW, "GuestMemory"),
          Rule.on("process_vm_writev", ALLOW, "GuestMemory"),
          Rule.on(
              "ptrace",
              oneOf(longArg(0, "request"), PTRACE_REQUESTS),
              ALLOW,
              "Rewrite: makes a thread of a guest run another call, exec among them"),
          Rule.on("wait4", ALLOW, "Rewrite: a thread has stopped"),
          Rule.on("tgkill", ALLOW, "Signals: to a thread of a guest; abort(3)"),
          Rule.on("kill", ALLOW, "TaskTable: to a process of a guest"),
          Rule.on("rt_sigqueueinfo", ALLOW, "PosixQueue: mq_notify(3)"),
          Rule.on("pidfd_open", ALLOW, "TaskTable: learns of the end of a process"),
          Rule.on(
              "pidfd_send_signal", ALLOW, "TaskTable: to a process that is surely the one meant"),
          Rule.on("prlimit64", ALLOW, "LimitCalls, and marks by which a child is known"),
          Rule.on("getcpu", ALLOW, "RingPoller: which CPU a guest uses"),
          Rule.on(
              "sched_setaffinity",
              ALLOW,
              "PollerCpu: the poller's thread, by who serves a trap, to another CPU than the guest's"));

  private static final List<Rule> FILES =
      List.of(
          Rule.on(
              "openat",
              is(intArg(2, "flags").bits(MAKES_FILE), 0),
              ALLOW,
              "HostStatus, HostProc, HostTree: /proc/TID, /sys; own memory files once more; makes none"),
          Rule.on("readlinkat", ALLOW, "HostProc: what a descriptor of the caller is"),
          Rule.on("stat", ALLOW, "os::stat: class path, for what the start's cache has not"),
          Rule.on("newfstatat", ALLOW, "Stub: which program a process runs; class path"),
          Rule.on("statx", ALLOW, "java.nio.file: class path, for what the start's cache has not"),
          Rule.on("fstat", ALLOW, "descriptors of the caller and of the gofer"),
          Rule.on("read", ALLOW, "descriptors of the caller, the gofer, /proc"),
          Rule.on("pread64", ALLOW, "files that the gofer donated, memory files, guest memory"),
          Rule.on("pwrite64", ALLOW, "files that the gofer donated, memory files, guest memory"),
          Rule.on("preadv2", ALLOW, "fs.gofer.HostFile: what is in memory"),
          Rule.on("pwritev2", ALLOW, "fs.gofer.HostFile: append"),
          Rule.on("lseek", ALLOW, "SEEK_DATA, SEEK_HOLE; the caller's files; class path"),
          Rule.on("ftruncate", ALLOW, "memory files, files that the gofer donated"),
          Rule.on("fallocate", ALLOW, "memory files, files that the gofer donated"),
          Rule.on("fadvise64", ALLOW, "fs.gofer.HostFile"),
          Rule.on("fsync", ALLOW, "files that the gofer donated"),
          Rule.on("fdatasync", ALLOW, "files that the gofer donated"),
          Rule.on(
              "memfd_create",
              ALLOW,
              "MemContent, SharedMemoryCalls: what guests map; rings of guests"),
          Rule.on(
              "fcntl",
              oneOf(intArg(1, "cmd"), FCNTL_COMMANDS),
              ALLOW,
              "flags, duplicates, seals; no locks, no owners, no leases"));

  private static final List<Rule> WAITING =
      List.of(
          Rule.on("epoll_wait", ALLOW, "Reactor"),
          Rule.on("epoll_ctl", ALLOW, "Reactor"),
          Rule.on("poll", ALLOW, "readiness of descriptors of the caller and of sockets"),
          Rule.on(
              "socketpair",
              is(intArg(0, "domain"), AF_UNIX),
              ALLOW,
              "GoferClient: a slot's own wake-up"),
          Rule.on(
              "sendmsg", ALLOW, "to the gofer and the front, with descriptors; guests' sockets"),
          Rule.on(
              "recvmsg", ALLOW, "from the gofer and the front, with descriptors; guests' sockets"),
          Rule.on(
              "sendto",
              ALLOW,
              "to the gofer, the socket maker, a socket of the audit log; guests' sockets"),
          Rule.on("recvfrom", ALLOW, "from the gofer; guests' sockets"),
          Rule.on("shutdown", ALLOW, "end of the gofer's connection; guests' sockets"));

  /** For sockets that the socket maker has made, in the sandbox's own network namespace. */
  private static final List<Rule> SOCKETS =
      List.of(
          Rule.on(
              "ioctl",
              anyOf(
                  oneOf(intArg(1, "request"), SOCKET_REQUESTS),
                  oneOf(intArg(1, "request"), INTERFACE_REQUESTS)),
              ALLOW,
              "InterfaceIoctl: asks, and changes nothing"),
          Rule.on("bind", ALLOW, "HostSocket"),
          Rule.on("connect", ALLOW, "HostSocket"),
          Rule.on("listen", ALLOW, "HostSocket"),
          Rule.on("accept4", ALLOW, "HostSocket"),
          Rule.on("getsockname", ALLOW, "HostSocket"),
          Rule.on("getpeername", ALLOW, "HostSocket"),
          Rule.on("getsockopt", ALLOW, "HostOptions"),
          Rule.on(
              "setsockopt",
              anyOf(
                  allOf(
                      is(intArg(1, "level"), SOL_SOCKET),
                      noneOf(intArg(2, "optname"), SOCKET_PROGRAMS)),
                  allOf(is(intArg(1, "level"), SOL_TCP), noneOf(intArg(2, "optname"), TCP_ULP)),
                  oneOf(intArg(1, "level"), OTHER_LEVELS)),
              ALLOW,
              "HostOptions: its list is shorter; here no programs and no devices"));

  /** What raw and packet sockets have besides. */
  private static final Rule RAW_OPTIONS =
      Rule.on(
          "setsockopt",
          anyOf(
              allOf(
                  is(intArg(1, "level"), SOL_SOCKET), oneOf(intArg(2, "optname"), CLASSIC_FILTERS)),
              allOf(
                  is(intArg(1, "level"), SOL_PACKET), oneOf(intArg(2, "optname"), PACKET_OPTIONS)),
              allOf(is(intArg(1, "level"), SOL_RAW), oneOf(intArg(2, "optname"), RAW_FILTERS)),
              allOf(is(intArg(1, "level"), SOL_ICMPV6), is(intArg(2, "optname"), ICMPV6_FILTER))),
          ALLOW,
          "RawOptions: --net-raw");

  /** In the host's network there is no socket maker: the sentry does it itself. */
  private static final Rule SOCKET =
      Rule.on(
          "socket",
          allOf(
              oneOf(intArg(0, "domain"), NETWORK_FAMILIES),
              between(intArg(1, "type").without(0x80800), 1, 3)),
          ALLOW,
          "Network: --network host");

  private SentryProfile() {}

  /**
   * The rules, as data.
   *
   * @param sockets those that the sandbox has
   */
  public static Filter filter(Sockets sockets) {
    var rules = new ArrayList<Rule>(GUESTS);
    rules.addAll(FILES);
    rules.addAll(WAITING);
    rules.addAll(SOCKETS);
    if (sockets == Sockets.RAW) {
      rules.add(RAW_OPTIONS);
    } else if (sockets == Sockets.HOST) {
      rules.add(SOCKET);
    }
    rules.addAll(JvmCalls.RULES);
    rules.addAll(JvmCalls.THREADS);
    rules.addAll(JvmCalls.refused());
    return new Filter(
        sockets.filter,
        rules,
        Action.TRAP,
        List.of(Syscalls.number("ioctl"), Syscalls.number("futex"), Syscalls.number("openat")));
  }

  /** The filter compiled, which takes tens of milliseconds. */
  public static BpfProgram program(Sockets sockets) {
    return FilterCompiler.compile(filter(sockets));
  }
}
