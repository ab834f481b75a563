package io.redoubt.gofer;

import io.redoubt.host.Memory;
import io.redoubt.host.Stat;
import java.lang.foreign.MemorySegment;

/**
 * The ids of a guest's files on the host, where they are not the same: the maps of a user namespace
 * (user_namespaces(7)), kept by the gofer, so that a sentry cannot give files to others.
 */
public final class Ids {
  /** Every id is itself. */
  public static final Ids SAME = new Ids(new int[0], new int[0]);

  /** What an id that is not in the map is shown as: /proc/sys/kernel/overflowuid. */
  private static final int OVERFLOW = 65534;

  private static final int NONE = -1; // of a request: leave it as it is

  private final int[] users;
  private final int[] groups;

  /**
   * @param users guest's first, host's first, count triples; empty: all the same
   * @param groups the same
   */
  public Ids(int[] users, int[] groups) {
    this.users = users.clone();
    this.groups = groups.clone();
  }

  int[] users() {
    return users.clone();
  }

  int[] groups() {
    return groups.clone();
  }

  /** Puts the host's ids into a request that gives an owner. @return whether there are such */
  boolean toHost(Request r) {
    if (users.length == 0 && groups.length == 0) {
      return true;
    }
    long uid = r.uid == NONE ? NONE : find(users, r.uid, 0, 1);
    long gid = r.gid == NONE ? NONE : find(groups, r.gid, 0, 1);
    r.uid = (int) uid;
    r.gid = (int) gid;
    return uid >= NONE && gid >= NONE;
  }

  /** Puts the guest's ids into a {@link Stat.StatBuf}. */
  void toGuest(MemorySegment stat) {
    if (users.length != 0 || groups.length != 0) {
      Memory.setInt(stat, Stat.StatBuf.ST_UID, user(Memory.getInt(stat, Stat.StatBuf.ST_UID)));
      Memory.setInt(stat, Stat.StatBuf.ST_GID, group(Memory.getInt(stat, Stat.StatBuf.ST_GID)));
    }
  }

  /** The guest's number of a user of the host. */
  public int user(int host) {
    long id = find(users, host, 1, 0);
    return id < 0 ? OVERFLOW : (int) id;
  }

  /** The guest's number of a group of the host. */
  public int group(int host) {
    long id = find(groups, host, 1, 0);
    return id < 0 ? OVERFLOW : (int) id;
  }

  /**
   * @return an unsigned id, or below -1 for none
   */
  private static long find(int[] map, int id, int from, int to) {
    long wanted = id & 0xffffffffL;
    for (int i = 0; i + 2 < map.length; i += 3) {
      long offset = wanted - (map[i + from] & 0xffffffffL);
      if (offset >= 0 && offset < (map[i + 2] & 0xffffffffL)) {
        return (map[i + to] & 0xffffffffL) + offset;
      }
    }
    return map.length == 0 ? wanted : Long.MIN_VALUE;
  }
}
