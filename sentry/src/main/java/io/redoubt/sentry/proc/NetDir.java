package io.redoubt.sentry.proc;

import io.redoubt.sentry.fs.pseudo.Content;
import io.redoubt.sentry.fs.pseudo.PseudoDir;
import io.redoubt.sentry.fs.pseudo.PseudoFile;
import io.redoubt.sentry.net.Network;

/**
 * {@code /proc/PID/net}: Linux's files about the sandbox's network namespace, as the host kernel
 * writes them; only the names listed here, and not AF_UNIX, which is the sentry's own.
 *
 * <p>Where the host's cannot be read it is the text here.
 */
final class NetDir extends PseudoDir {
  private static final String IF_INET6 = "if_inet6";

  private static final String[] FILES = {
    "arp",
    "IP address       HW type     Flags       HW address            Mask     Device\n",
    "dev",
    """
    Inter-|   Receive                                                |  Transmit
     face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
        lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
    """,
    IF_INET6,
    "00000000000000000000000000000001 01 80 10 80       lo\n",
    "dev_mcast",
    "",
    "fib_trie",
    "",
    "fib_triestat",
    "",
    "icmp",
    "",
    "icmp6",
    "",
    "igmp",
    "",
    "igmp6",
    "",
    "ipv6_route",
    "",
    "netstat",
    "",
    "raw6",
    "",
    "snmp",
    "",
    "snmp6",
    "",
    "sockstat",
    "",
    "sockstat6",
    "",
    "udplite",
    "",
    "udplite6",
    "",
    "netlink",
    "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n",
    "packet",
    "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n",
    "protocols",
    "protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh ss gs se re bi br ha uh gp em\n",
    "raw",
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n",
    "route",
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT"
        + "                                                       \n",
    "tcp",
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode"
        + "                                                     \n",
    "tcp6",
    "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when"
        + " retrnsmt   uid  timeout inode\n",
    "udp",
    "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops"
        + "            \n",
    "udp6",
    "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when"
        + " retrnsmt   uid  timeout inode ref pointer drops\n",
  };

  NetDir(TaskDir dir, long ino) {
    super(dir.fileSystem(), ino, 0555);
    for (int i = 0; i < FILES.length; i += 2) {
      add(
          FILES[i],
          new PseudoFile(
              dir.fileSystem(), ino + (i + 1L << 8), 0444, content(FILES[i], FILES[i + 1]), null));
    }
    add(
        "unix",
        new PseudoFile(
            dir.fileSystem(),
            ino + (FILES.length + 1L << 8),
            0444,
            Content.of("Num       RefCount Protocol Flags    Type St Inode Path\n"),
            null));
  }

  private static Content content(String name, String otherwise) {
    return (c, out) -> {
      if (name.equals(IF_INET6)) {
        Network n = c.task.kernel.network();
        if (n != null) {
          n.start(); // before its first use loopback may not be up, and has no address
        }
      }
      String s = c.task.kernel.readNetworkFile(c.task, name);
      out.append(s == null ? otherwise : s);
      return 0;
    };
  }
}
