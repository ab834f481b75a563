package io.redoubt.sentry.proc;

import io.redoubt.sentry.fs.pseudo.Content;
import io.redoubt.sentry.fs.pseudo.PseudoDir;
import io.redoubt.sentry.fs.pseudo.PseudoFile;

/**
 * {@code /proc/PID/net}: the headings of Linux's files; the tables are empty but for the loopback
 * device.
 */
final class NetDir extends PseudoDir {
  private static final String[] FILES = {
    "arp",
    "IP address       HW type     Flags       HW address            Mask     Device\n",
    "dev",
    """
    Inter-|   Receive                                                |  Transmit
     face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
        lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0
    """,
    "if_inet6",
    "00000000000000000000000000000001 01 80 10 80       lo\n",
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
    "unix",
    "Num       RefCount Protocol Flags    Type St Inode Path\n",
  };

  NetDir(TaskDir dir, long ino) {
    super(dir.fileSystem(), ino, 0555);
    for (int i = 0; i < FILES.length; i += 2) {
      add(
          FILES[i],
          new PseudoFile(
              dir.fileSystem(), ino + (i + 1L << 8), 0444, Content.of(FILES[i + 1]), null));
    }
  }
}
