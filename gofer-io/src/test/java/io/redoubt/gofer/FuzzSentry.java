package io.redoubt.gofer;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.redoubt.host.Fcntl;
import io.redoubt.host.Socket;
import io.redoubt.host.Unistd;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * A sentry that was taken over, and knows the protocol: it goes on from what the gofer has answered
 * (fids, cursors), and spoils what it sends here and there.
 *
 * <p>All operations, in an order that random numbers give; a good name or fid most of the time, so
 * that what is behind the first check is reached as well.
 */
final class FuzzSentry implements AutoCloseable {
  private static final long[] NUMBERS = {
    0,
    1,
    2,
    4,
    19,
    24,
    255,
    256,
    257,
    4095,
    4096,
    65535,
    65536,
    65537,
    1 << 20,
    -1,
    -2,
    -96,
    7 << 29,
    Integer.MAX_VALUE,
    Integer.MIN_VALUE,
    Long.MAX_VALUE,
    Long.MIN_VALUE,
    1L << 32,
    3L << 31
  };

  /** Bits of O_*, AT_*, RENAME_*, SET_*, WALK_*, FALLOC_FL_* lie in all of these places. */
  private static final int FLAG_BITS = 25;

  private static final String[] NAMES = {
    "a", "b", "dir", "file", "abs", "up", "self", "fifo", "secret", "outside", "ro", "new", "x"
  };
  private static final String[] BAD_NAMES = {
    "..",
    ".",
    "",
    "/",
    "a/b",
    "../outside/new",
    "/etc/passwd",
    "a\0b",
    "\0",
    "..\0",
    "dir/..",
    "n".repeat(255),
    "n".repeat(256),
    "\u00ff\u00fe",
    "user.x",
    "user.",
    "security.capability",
    "trusted.overlay.opaque",
    "user.a\0b"
  };

  final Random random;
  private final HostedGofer gofer = new HostedGofer();
  private final int control = gofer.control;
  private final MemorySegment message = gofer.message;
  private final List<Integer> directories = new ArrayList<>();
  private final List<Integer> nodes = new ArrayList<>();
  private final List<Integer> opens = new ArrayList<>();
  final List<Integer> donated = new ArrayList<>();
  private final int[] sockets = new int[RegionLayout.SLOTS];
  private final int[] seqs = new int[RegionLayout.SLOTS];
  private int used;
  private long cursor;

  /** It has said what a gofer may have taken for "no request", and then it sleeps. */
  private boolean isNonsense;

  private boolean isGivenUp;
  Region region;

  FuzzSentry(Random random, boolean donates, List<Root> roots) throws IOException {
    this.random = random;
    gofer.config(roots.size(), RegionLayout.VERSION, donates);
    for (Root root : roots) {
      send(Protocol.ROOT, root.flags(), root.path());
    }
    region = gofer.takeRegion();
  }

  private void send(int kind, int argument, String rest) {
    gofer.send(Socket.MSG_DONTWAIT, kind, argument, rest.getBytes(StandardCharsets.ISO_8859_1));
  }

  private boolean one(int in) {
    return random.nextInt(in) == 0;
  }

  private long number() {
    return NUMBERS[random.nextInt(NUMBERS.length)];
  }

  private String name() {
    return one(8)
        ? BAD_NAMES[random.nextInt(BAD_NAMES.length)]
        : NAMES[random.nextInt(NAMES.length)];
  }

  /** A fid of the kind that an operation wants, mostly. */
  private int fid(int op) {
    List<Integer> fids =
        switch (one(12) ? random.nextInt(27) : op) {
          case Op.READ, Op.WRITE, Op.READDIR, Op.FSYNC, Op.TRUNCATE, Op.FALLOCATE -> opens;
          case Op.OPEN, Op.READLINK, Op.LINK, Op.SETATTR, Op.SETXATTR, Op.GETXATTR, Op.WATCH ->
              nodes;
          default -> directories;
        };
    return fids.isEmpty() || one(25)
        ? (int) number()
        : fids.get(random.nextInt(fids.size())) ^ (one(40) ? 1 << random.nextInt(32) : 0);
  }

  private int flags() {
    int flags = random.nextInt(4);
    for (int n = random.nextInt(4); n > 0; n--) {
      flags |= 1 << random.nextInt(FLAG_BITS);
    }
    return one(12) ? (int) number() : flags;
  }

  private int slot() {
    int slot = one(3) ? random.nextInt(RegionLayout.SLOTS) : random.nextInt(4);
    while (used <= slot) { // each has its socket before it is first looked at
      long pair = Socket.socketpair(Socket.SOCK_SEQPACKET | Socket.SOCK_CLOEXEC);
      sockets[used] = Unistd.first(pair);
      message.set(JAVA_INT, 0, Protocol.SLOT_SOCKET);
      message.set(JAVA_INT, 4, used);
      Socket.sendFds(control, message, 8, Socket.MSG_NOSIGNAL, Unistd.second(pair));
      Unistd.close(Unistd.second(pair));
      used++;
    }
    region.setRelease(RegionLayout.SLOTS_USED, used);
    return slot;
  }

  private void set(long at, long value) {
    region.memory.set(JAVA_INT, at, (int) value);
  }

  private int put(long at, String text) {
    for (int i = 0; i < text.length(); i++) {
      region.memory.set(JAVA_BYTE, at + i, (byte) text.charAt(i));
    }
    return text.length();
  }

  /** Fills a request in as an honest sentry would, but for its names, fids and flags. */
  private void fill(int slot) {
    long line = RegionLayout.slot(slot);
    long payload = RegionLayout.payload(slot);
    int op = directories.size() < 2 ? Op.ATTACH : 1 + random.nextInt(Op.WATCH);
    region.memory.asSlice(line + 4, 60).fill((byte) 0);
    set(line + Protocol.OP, op);
    set(line + Protocol.FID, fid(op));
    set(line + Protocol.FID2, fid(Op.WALK));
    set(
        line + Protocol.MODE,
        one(3) ? number() : 0100644 & ~random.nextInt(0200) | (one(5) ? 06000 : 0));
    set(line + Protocol.UID, one(4) ? random.nextInt(3) : -1);
    set(line + Protocol.GID, one(4) ? random.nextInt(3) : -1);
    set(line + Protocol.FLAGS, one(2) ? random.nextInt(4) / 3 * 2 : flags());
    int length = 0;
    int name1 = 0;
    boolean isXattr = op >= Op.GETXATTR && op <= Op.REMOVEXATTR && one(2);
    int bytes = put(payload, isXattr ? "user.x" : name());
    switch (op) {
      case Op.WALK -> {
        length = one(6) ? random.nextInt(260) : 1 + random.nextInt(3);
        bytes = 0;
        for (int i = 0; i < length; i++) {
          String name = name();
          int known = one(2) ? fid(one(2) ? Op.WALK : Op.OPEN) : 0;
          set(payload + 4L * i, known);
          region.memory.set(JAVA_BYTE, payload + bytes, (byte) name.length());
          bytes += 1 + put(payload + bytes + 1, name.length() > 255 ? "" : name);
          if (bytes > RegionLayout.PAYLOAD_SIZE - 300) {
            break;
          }
        }
      }
      case Op.SCAN -> {
        length = random.nextInt(RegionLayout.PAYLOAD_SIZE + 1);
        set(line + Protocol.FLAGS, random.nextInt(4));
        set(line + Protocol.MODE, random.nextInt(Protocol.SCAN_MAX_LISTINGS + 1));
        bytes = 0;
        for (int i = random.nextInt(4); i > 0; i--) {
          String name = name();
          int n = name.length() > 255 ? 0 : name.length();
          region.memory.set(JAVA_BYTE, payload + bytes, (byte) n);
          bytes += 1 + put(payload + bytes + 1, n == 0 ? "" : name);
        }
      }
      case Op.SYMLINK, Op.RENAME, Op.SETXATTR -> {
        name1 = bytes;
        bytes += put(payload + bytes, one(2) ? name() : "../".repeat(random.nextInt(9)) + name());
      }
      case Op.SETATTR -> {
        bytes = one(2) ? Protocol.TIMES_SIZE : 0;
        length = random.nextInt(1 << 16);
        set(line + Protocol.FLAGS, random.nextInt(32));
      }
      case Op.CLOSE -> {
        List<Integer> some = List.of(directories, nodes, opens).get(random.nextInt(3));
        length = one(2) ? 1 : random.nextInt(4);
        bytes = 4 * length;
        for (int i = 0; i < length; i++) {
          boolean isKnown = some.size() > 8 && !one(10); // the roots stay, the first of all
          set(payload + 4L * i, isKnown ? some.remove(4 + random.nextInt(4)) : fid(op));
        }
      }
      case Op.WRITE, Op.READ, Op.READDIR, Op.LIST, Op.GETXATTR, Op.LISTXATTR -> {
        length = one(3) ? random.nextInt(200) : random.nextInt(RegionLayout.PAYLOAD_SIZE + 1);
        bytes = op == Op.WRITE || one(9) ? length : bytes;
        region.memory.set(
            JAVA_LONG, line + Protocol.OFFSET, one(2) ? cursor : random.nextInt(9999));
      }
      case Op.ATTACH -> region.memory.set(JAVA_LONG, line + Protocol.OFFSET, random.nextInt(3));
      case Op.TRUNCATE, Op.FALLOCATE -> {
        length = random.nextInt(1 << 20);
        region.memory.set(JAVA_LONG, line + Protocol.OFFSET, random.nextInt(1 << 16));
      }
      default -> {}
    }
    region.memory.set(JAVA_LONG, line + Protocol.LENGTH, length);
    set(line + Protocol.PAYLOAD, bytes);
    set(line + Protocol.NAME1, name1);
  }

  /** Spoils a field of the request, or a few bytes of the payload. */
  private void spoil(int slot) {
    long line = RegionLayout.slot(slot);
    if (one(3)) {
      for (int n = random.nextInt(4); n >= 0; n--) {
        long at =
            RegionLayout.payload(slot) + random.nextInt(one(2) ? 32 : RegionLayout.PAYLOAD_SIZE);
        region.memory.set(JAVA_BYTE, at, (byte) random.nextInt());
      }
      return;
    }
    long field = 4 + 4L * random.nextInt(13);
    if ((field == Protocol.OFFSET || field == Protocol.LENGTH) && one(2)) {
      region.memory.set(JAVA_LONG, line + field, number());
    } else if (field == Protocol.LENGTH + 4) {
      set(line + field, one(2) ? -1 : Integer.MAX_VALUE); // never a size that would fill the disk
    } else {
      set(line + field, number());
    }
  }

  /** That which it talks to. */
  HostedGofer gofer() {
    return gofer;
  }

  /** Whether the connection lives still and makes sense. */
  boolean isAlive() {
    return gofer.isAlive() && !isGivenUp;
  }

  /** Makes one call and takes in what it brought. Returns false if it was not answered in time. */
  boolean call(boolean spoils) {
    int slot = slot();
    fill(slot);
    if (spoils && one(3)) {
      spoil(slot);
    }
    long line = RegionLayout.slot(slot);
    int seq = ++seqs[slot];
    if (one(2)) {
      region.setRelease(line + RegionLayout.CLIENT_ASLEEP, RegionLayout.sleepMark(seq));
    }
    if (spoils && one(300)) {
      nonsense(line);
    }
    region.setRelease(line + Protocol.SEQ, seq);
    send(Protocol.DOORBELL, 0, "");
    long reply = line + RegionLayout.REPLY;
    long start = System.nanoTime();
    while (region.getAcquire(reply + Protocol.SEQ) != seq) {
      if (!gofer.isAlive()) {
        return true;
      }
      if (isNonsense && System.nanoTime() - start > 20_000_000) {
        isGivenUp = region.getAcquire(RegionLayout.SERVER_ASLEEP) == 1;
        if (isGivenUp) {
          return true;
        }
      }
      if (System.nanoTime() - start > 5_000_000_000L) {
        return false;
      }
      Thread.onSpinWait();
    }
    take(slot, reply);
    return true;
  }

  /** What no sane sentry does, and what ends most connections. */
  private void nonsense(long line) {
    isNonsense = true;
    switch (random.nextInt(4)) {
      case 0 -> region.setRelease(RegionLayout.SLOTS_USED, (int) number());
      case 1 -> send((int) number(), (int) number(), "");
      case 2 -> {
        message.set(JAVA_INT, 0, Protocol.SLOT_SOCKET);
        message.set(JAVA_INT, 4, random.nextInt(70));
        Socket.sendFds(control, message, 8, Socket.MSG_NOSIGNAL, control);
      }
      default -> region.setRelease(line + Protocol.SEQ, (int) number());
    }
  }

  private void take(int slot, long reply) {
    int result = region.memory.get(JAVA_INT, reply + Protocol.RESULT);
    if (region.memory.get(JAVA_INT, reply + Protocol.BITS) == Protocol.HAS_FD) {
      receive(slot);
    }
    int node = region.memory.get(JAVA_INT, reply + Protocol.NODE);
    int open = region.memory.get(JAVA_INT, reply + Protocol.OPEN);
    keep(node, region.memory.get(JAVA_INT, reply + Protocol.ATTR));
    keep(open, 0);
    int bytes = Math.clamp(region.memory.get(JAVA_INT, reply + Protocol.REPLY_PAYLOAD), 0, 65536);
    int op = region.memory.get(JAVA_INT, RegionLayout.slot(slot) + Protocol.OP);
    if (op == Op.WALK) {
      for (int i = 0; i < Math.min(result, bytes / Protocol.WALK_ENTRY_SIZE); i++) {
        long record = RegionLayout.payload(slot) + (long) i * Protocol.WALK_ENTRY_SIZE;
        keep(region.memory.get(JAVA_INT, record), region.memory.get(JAVA_INT, record + 8));
      }
    } else if (op == Op.READDIR && bytes > 16) {
      cursor = region.memory.get(JAVA_LONG, RegionLayout.payload(slot) + 8);
    }
    while (donated.size() > 20) {
      Unistd.close(donated.removeFirst());
    }
  }

  private void keep(int fid, int mode) {
    if (fid > 0) {
      boolean isDirectory = FileOps.isDirectory(mode);
      (FidTable.isOpenForm(fid) ? opens : isDirectory ? directories : nodes).add(fid);
    }
  }

  /** Messages of the slot's socket until one brings a descriptor, or there is none. */
  private void receive(int slot) {
    int[] fd = new int[1];
    while (Socket.recvFds(sockets[slot], message, 8, Socket.MSG_DONTWAIT, fd) > 0) {
      if (fd[0] >= 0) {
        donated.add(fd[0]);
        return;
      }
    }
  }

  /** Writes to the request line and the payload of the first slots as fast as it can. */
  void scribble(Random own, long nanos) {
    long end = System.nanoTime() + nanos;
    while (System.nanoTime() < end && gofer.isAlive()) {
      for (int i = 0; i < 50; i++) {
        int slot = own.nextInt(4);
        boolean isLine = own.nextBoolean();
        // Not the operation's length, which may fill a disk, nor the sequence: those have their
        // own.
        long at =
            isLine
                ? RegionLayout.slot(slot)
                    + (own.nextBoolean() ? Protocol.PAYLOAD : Protocol.FID)
                    + 4L * own.nextInt(2)
                : RegionLayout.payload(slot) + own.nextInt(64);
        if (isLine) {
          set(at, own.nextBoolean() ? own.nextInt(300) : NUMBERS[own.nextInt(NUMBERS.length)]);
        } else {
          region.memory.set(JAVA_BYTE, at, (byte) "./a\0b".charAt(own.nextInt(5)));
        }
      }
    }
  }

  /** Whether a descriptor is one that may change the file. */
  static boolean isWritable(int fd) {
    return (Fcntl.fcntl(fd, Fcntl.F_GETFL, 0) & Fcntl.O_ACCMODE) != Fcntl.O_RDONLY;
  }

  @Override
  public void close() throws InterruptedException {
    gofer.close();
    donated.forEach(Unistd::close);
    for (int i = 0; i < used; i++) {
      Unistd.close(sockets[i]);
    }
    used = 0;
    donated.clear();
    if (!gofer.isAlive() && region != null) {
      region.unmap();
      region = null;
    }
  }
}
