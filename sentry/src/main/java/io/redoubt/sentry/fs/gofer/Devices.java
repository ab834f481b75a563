package io.redoubt.sentry.fs.gofer;

import io.redoubt.sentry.fs.mem.MemFs;
import java.util.HashMap;

/**
 * Device numbers that guests see for the host's file systems: anonymous ones, so that they say
 * nothing of the host.
 */
public final class Devices {
  private final HashMap<Long, Long> guestByHost = new HashMap<>();
  private volatile long firstHost = -1;
  private volatile long firstGuest;

  public Devices() {}

  /** With a known number for one of them. */
  public Devices(long hostDev, long guestDev) {
    guestByHost.put(hostDev, guestDev);
    firstGuest = guestDev;
    firstHost = hostDev;
  }

  /** The number for host device {@code dev}. */
  public long guest(long dev) {
    return dev == firstHost ? firstGuest : slow(dev);
  }

  private synchronized long slow(long dev) {
    Long known = guestByHost.get(dev);
    if (known == null) {
      known = MemFs.newDevice();
      guestByHost.put(dev, known);
      if (firstHost == -1) {
        firstGuest = known;
        firstHost = dev;
      }
    }
    return known;
  }
}
