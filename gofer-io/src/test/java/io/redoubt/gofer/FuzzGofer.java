package io.redoubt.gofer;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.redoubt.host.Fcntl;
import io.redoubt.host.Socket;
import io.redoubt.host.Unistd;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.Random;

/**
 * A gofer that was taken over: it answers what an honest one could, spoils that in places, and
 * writes on while the sentry reads.
 */
final class FuzzGofer extends Thread {
  private final Random random;
  private final int control;
  private final int[] sockets = new int[RegionLayout.SLOTS];
  private final int[] served = new int[RegionLayout.SLOTS];
  private final MemorySegment message = Arena.global().allocate(Protocol.MAX_MESSAGE, 8);
  private final int spoilsOneIn;
  private final boolean isDotty; // no directory of it has an end
  private Region region;

  /** What went wrong here, which is a fault of the test. */
  volatile Throwable error;

  FuzzGofer(int control, Random random) {
    super("fuzz-gofer");
    this.control = control;
    this.random = random;
    this.isDotty = random.nextInt(20) == 0;
    this.spoilsOneIn = random.nextInt(4) == 0 ? 10_000_000 : 20 + random.nextInt(600);
    setDaemon(true);
  }

  private boolean one(int in) {
    return random.nextInt(in) == 0;
  }

  @Override
  public void run() {
    Arrays.fill(sockets, -1);
    try {
      Socket.recv(control, message, Protocol.MAX_MESSAGE, 0); // CONFIG without roots
      int fd = Region.create();
      region = Region.mapOwn(fd);
      message.set(JAVA_INT, 0, Protocol.READY);
      Socket.sendFds(control, message, 8, 0, fd);
      Unistd.close(fd);
      long last = System.nanoTime();
      while (takeMessages()) {
        boolean any = false;
        for (int slot = 0; slot < RegionLayout.SLOTS; slot++) {
          int seq = region.getAcquire(RegionLayout.slot(slot) + Protocol.SEQ);
          if (seq != served[slot]) {
            served[slot] = seq;
            answer(slot, seq);
            any = true;
          }
        }
        if (any) {
          last = System.nanoTime();
        } else if (System.nanoTime() - last > 100_000_000) {
          break; // somebody waits for what it was promised, as it may until the gofer ends
        }
      }
    } catch (Throwable e) {
      error = e;
    } finally {
      for (int socket : sockets) {
        Unistd.close(socket);
      }
      Unistd.close(control);
      if (region != null) {
        region.unmap();
      }
    }
  }

  /** Sockets of slots. Returns whether the sentry is there still. */
  private boolean takeMessages() {
    int[] fd = new int[1];
    long n = Socket.recvFds(control, message, 8, Socket.MSG_DONTWAIT, fd);
    if (n > 0 && fd[0] >= 0) {
      sockets[message.get(JAVA_INT, 4)] = fd[0];
    }
    return n > 0 || n == -io.redoubt.host.Errno.EAGAIN;
  }

  private void set(long at, long value) {
    region.memory.set(JAVA_INT, at, (int) value);
  }

  private void attributes(long at) {
    int[] modes = {0100644, 0100755, 040755, 0120777, 010600, 020666, 0140755};
    set(at, modes[random.nextInt(modes.length)]);
    for (int i = 4; i < NodeAttr.SIZE; i += 4) {
      set(at + i, one(4) ? random.nextInt(1 << 20) : 0);
    }
  }

  private int errno() {
    return one(spoilsOneIn) ? 0 : 1 + random.nextInt(133);
  }

  /** Directory entries, mostly good ones. Returns their bytes. */
  private int entries(long at, int room) {
    int n = 0;
    if (isDotty) {
      set(at + 16, 24);
      set(at + 20, 0);
      region.memory.set(JAVA_BYTE, at + 19, (byte) '.');
      return 24;
    }
    for (int left = random.nextInt(6); left > 0; left--) {
      int name = 1 + random.nextInt(12);
      int size = 24 + (name + 3) / 8 * 8;
      if (n + size > room) {
        break;
      }
      region.memory.set(JAVA_LONG, at + n, random.nextLong());
      region.memory.set(JAVA_LONG, at + n + 8, random.nextLong());
      set(at + n + 16, one(spoilsOneIn) ? random.nextInt() : size | random.nextInt(256) << 16);
      for (int i = 0; i < name; i++) {
        region.memory.set(
            JAVA_BYTE, at + n + 19 + i, (byte) (one(spoilsOneIn) ? '/' : 'a' + random.nextInt(26)));
      }
      region.memory.set(JAVA_BYTE, at + n + 19 + name, (byte) 0);
      n += size;
    }
    return n;
  }

  private void answer(int slot, int seq) throws InterruptedException {
    long line = RegionLayout.slot(slot);
    long reply = line + RegionLayout.REPLY;
    long payload = RegionLayout.payload(slot);
    int op = region.memory.get(JAVA_INT, line + Protocol.OP);
    int length = (int) Math.clamp(region.memory.get(JAVA_LONG, line + Protocol.LENGTH), 0, 65536);
    int result = one(6) && !(isDotty && op == Op.READDIR) ? -errno() : 0;
    int donated = -1;
    attributes(reply + Protocol.ATTR);
    set(reply + Protocol.ERROR, 0);
    boolean isCreate = op == Op.CREATE;
    set(
        reply + Protocol.NODE,
        isCreate || op == Op.ATTACH || op >= Op.MKDIR && op <= Op.SYMLINK ? 1 << 20 : 0);
    set(reply + Protocol.OPEN, 0);
    if (result == 0) {
      switch (op) {
        case Op.WALK -> {
          int found = one(3) ? random.nextInt(length + 1) : length;
          for (int i = 0; i < found; i++) {
            boolean isLast = i == length - 1;
            boolean looks =
                region.memory.get(JAVA_INT, line + Protocol.FLAGS) == Protocol.WALK_STAT_LAST;
            set(payload + 104L * i, isLast && looks ? 0 : 1 << 20 | i);
            attributes(payload + 104L * i + 8);
          }
          set(reply + Protocol.ERROR, found < length ? errno() : 0);
          result = found;
          donated = one(4) ? file() : -1;
        }
        case Op.OPEN, Op.CREATE -> {
          donated = one(2) ? file() : -1;
          set(reply + Protocol.OPEN, donated < 0 ? 3 << 29 | 1 : 0);
        }
        case Op.WATCHES -> donated = file();
        case Op.WATCH -> result = 1 + random.nextInt(4);
        case Op.READ, Op.READLINK, Op.GETXATTR, Op.LISTXATTR ->
            result = random.nextInt((op == Op.READLINK ? 4096 : length) + 1);
        case Op.WRITE ->
            result = random.nextInt(region.memory.get(JAVA_INT, line + Protocol.PAYLOAD) + 1);
        case Op.READDIR, Op.LIST -> {
          result = entries(payload, length);
          set(reply + Protocol.OPEN, op == Op.LIST && one(4) ? 3 << 29 | 1 : 0);
        }
        default -> {}
      }
    }
    set(reply + Protocol.RESULT, result);
    set(reply + Protocol.BITS, donated >= 0 ? Protocol.HAS_FD : 0);
    if (one(spoilsOneIn)) {
      spoil(reply, payload);
    }
    finish(slot, seq, reply, line + RegionLayout.CLIENT_ASLEEP, donated);
    if (one(spoilsOneIn)) { // the sentry may be reading
      for (int i = 0; i < 30; i++) {
        set(reply + 4 + 4L * random.nextInt(31), random.nextInt());
        set(payload + 4L * random.nextInt(200), random.nextInt());
      }
    }
  }

  private void spoil(long reply, long payload) {
    int[] values = {
      0, 1, -1, 64, 65536, 65537, -134, -512, Integer.MAX_VALUE, Integer.MIN_VALUE, 999_999_999
    };
    for (int n = random.nextInt(3); n >= 0; n--) {
      long at = one(3) ? payload + 4L * random.nextInt(60) : reply + 4 + 4L * random.nextInt(31);
      set(at, one(3) ? random.nextInt() : values[random.nextInt(values.length)]);
    }
  }

  /** As GoferServer does it, but for one answer in a hundred or so. */
  private void finish(int slot, int seq, long reply, long asleep, int donated) {
    int rings = one(spoilsOneIn) ? random.nextInt(4) : 1;
    int said = one(spoilsOneIn) ? random.nextInt(5) : seq;
    boolean isAsleep = region.getAcquire(asleep) == RegionLayout.sleepMark(seq);
    if (donated < 0 || isAsleep) {
      region.setRelease(reply + Protocol.SEQ, said);
    }
    boolean mustRing = donated >= 0 || region.take(asleep, RegionLayout.sleepMark(seq));
    for (int i = 0; i < (mustRing ? rings : rings - 1); i++) {
      message.set(JAVA_INT, 0, one(spoilsOneIn) ? random.nextInt() : Protocol.WAKE);
      message.set(JAVA_INT, 4, seq);
      int length = one(spoilsOneIn) ? random.nextInt(9) : 8;
      if (sockets[slot] < 0) {
        takeMessages();
        message.set(JAVA_INT, 0, Protocol.WAKE);
        message.set(JAVA_INT, 4, seq);
      }
      if (donated < 0) {
        Socket.send(sockets[slot], message, length, Socket.MSG_NOSIGNAL | Socket.MSG_DONTWAIT);
      } else {
        Socket.sendFds(
            sockets[slot], message, length, Socket.MSG_NOSIGNAL | Socket.MSG_DONTWAIT, donated);
      }
    }
    if (donated >= 0 && !isAsleep) {
      region.setRelease(reply + Protocol.SEQ, said);
    }
    Unistd.close(donated);
    boolean isSilent = said != seq || mustRing && rings == 0;
    if (isSilent || one(2 * spoilsOneIn)) {
      Socket.shutdown(control, Socket.SHUT_RDWR); // or its caller would wait, which it may
    }
  }

  private static int file() {
    return Fcntl.open("/dev/null", Fcntl.O_RDONLY | Fcntl.O_CLOEXEC, 0);
  }
}
