package io.redoubt.launcher;

import io.redoubt.sentry.Container;
import io.redoubt.sentry.StartFailure;
import java.util.ArrayList;
import java.util.List;

/**
 * The users and groups of a guest's root, passwd(5) and group(5). The files are the guest's:
 * nothing in them is believed twice.
 */
final class UserDatabase {
  /**
   * Who the guest runs as.
   *
   * @param groups supplementary ones
   * @param home null when the database does not know it
   */
  record User(int uid, int gid, int[] groups, String home) {}

  private static final int MAX_BYTES = 4 << 20;
  private static final long MAX_ID = 0xfffffffeL; // 0xffffffff is "none"

  private final String root;
  private final List<String[]> users;
  private final List<String[]> groups;

  private UserDatabase(String name, Container.GuestFiles root) {
    this.root = name;
    users = records(root.read("etc/passwd"), 7);
    groups = records(root.read("etc/group"), 4);
  }

  /**
   * A root on the host.
   *
   * @param path its directory
   */
  record HostRoot(String path) implements Container.GuestFiles {
    @Override
    public String read(String file) {
      return HostFiles.readInRoot(path, file, MAX_BYTES);
    }
  }

  /** Reads the database of the root at {@code root}. */
  static UserDatabase of(String root) {
    return new UserDatabase(root, new HostRoot(root));
  }

  /** Reads the database of a container that runs. */
  static UserDatabase of(Container.GuestFiles root) {
    return new UserDatabase("of the container", root);
  }

  /**
   * Parses "USER[:GROUP]", names or numbers. Without a group it is the user's own; 0 for a number
   * without an entry.
   */
  User find(String spec) {
    int colon = spec.indexOf(':');
    String name = colon < 0 ? spec : spec.substring(0, colon);
    String[] entry = entry(users, name);
    long uid = entry != null ? id(entry[2]) : id(name);
    if (uid < 0) {
      throw new StartFailure(
          Caller.FAILED,
          "--user: no user " + name + " in etc/passwd of the root " + root + ": give a number");
    }
    if (entry == null) {
      entry = byId(users, uid);
    }
    long gid = entry == null ? 0 : Math.max(0, id(entry[3]));
    if (colon >= 0) {
      String group = spec.substring(colon + 1);
      String[] groupEntry = entry(groups, group);
      gid = groupEntry != null ? id(groupEntry[2]) : id(group);
      if (gid < 0) {
        throw new StartFailure(
            Caller.FAILED,
            "--user: no group " + group + " in etc/group of the root " + root + ": give a number");
      }
    }
    int[] more = colon >= 0 || entry == null ? new int[] {(int) gid} : groupsOf(entry[0], gid);
    return new User((int) uid, (int) gid, more, entry == null ? null : entry[5]);
  }

  /** The home directory of a user, or null. */
  String home(int uid) {
    String[] entry = byId(users, uid & 0xffffffffL);
    return entry == null ? null : entry[5];
  }

  private int[] groupsOf(String user, long primary) {
    List<Integer> out = new ArrayList<>();
    out.add((int) primary);
    for (String[] g : groups) {
      long gid = id(g[2]);
      if (gid >= 0 && gid != primary && isMember(g[3], user)) {
        out.add((int) gid);
      }
    }
    int[] ids = new int[out.size()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = out.get(i);
    }
    return ids;
  }

  private static boolean isMember(String list, String user) {
    int from = 0;
    while (from <= list.length()) {
      int to = list.indexOf(',', from);
      to = to < 0 ? list.length() : to;
      if (to - from == user.length() && list.startsWith(user, from)) {
        return true;
      }
      from = to + 1;
    }
    return false;
  }

  private static String[] entry(List<String[]> records, String name) {
    for (String[] r : records) {
      if (r[0].equals(name)) {
        return r;
      }
    }
    return null;
  }

  private static String[] byId(List<String[]> records, long id) {
    for (String[] r : records) {
      if (id(r[2]) == id) {
        return r;
      }
    }
    return null;
  }

  /** A decimal id, or -1. */
  static long id(String digits) {
    long n = 0;
    for (int i = 0; i < digits.length(); i++) {
      char c = digits.charAt(i);
      if (c < '0' || c > '9' || (n = n * 10 + c - '0') > MAX_ID) {
        return -1;
      }
    }
    return digits.isEmpty() ? -1 : n;
  }

  /** Lines of exactly {@code fields} fields between colons; others are not entries. */
  static List<String[]> records(String text, int fields) {
    List<String[]> out = new ArrayList<>();
    int line = 0;
    while (text != null && line < text.length()) {
      int end = text.indexOf('\n', line);
      end = end < 0 ? text.length() : end;
      String[] record = new String[fields];
      int from = line;
      int n = 0;
      for (; n < fields && from <= end; n++) {
        int to = text.indexOf(':', from);
        to = to < 0 || to > end ? end : to;
        record[n] = text.substring(from, to);
        from = to + 1;
      }
      if (n == fields && from == end + 1 && id(record[2]) >= 0) {
        out.add(record);
      }
      line = end + 1;
    }
    return out;
  }
}
