package io.redoubt.sentry.fs.mem;

import io.redoubt.gofer.DirSink;
import io.redoubt.gofer.ImpatientCaller;
import io.redoubt.gofer.NodeAttr;
import io.redoubt.gofer.ScanSink;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.fs.gofer.DirSnapshot;
import io.redoubt.sentry.kernel.Syscall;
import java.util.ArrayDeque;
import java.util.Arrays;

/**
 * Readahead for a lower tree. A question to the gofer costs two changes of process, tens of
 * microseconds, whatever it asks; a program that goes through a tree (find, tar, grep -r, git
 * status) asks thousands. So the answer to one of them brings what the next ones will ask for: in
 * the order of a walk, listings of directories, attributes of the names in them, the bytes of small
 * files; of each kind as much as was of use lately ({@link AheadWindow}).
 *
 * <p>Lock: its own monitor, taken with no other held.
 */
final class LowerAhead {
  private static final int MOST_LISTINGS = 256;
  private static final int MOST_ATTRIBUTES = 256;
  private static final int MOST_CONTENTS = 64;

  /**
   * What is kept, in names, of which each may cost 128 bytes, in listings that nobody may ask for
   * any more.
   */
  private static final int MOST_KEPT = 64 * 1024;

  private static final int LISTING_COST = 4;
  private static final int BYTES_OF_NAME = 128;

  private static final int DT_UNKNOWN = 0;
  private static final int DT_DIR = Stat.S_IFDIR >> 12;
  private static final int DT_REG = Stat.S_IFREG >> 12;

  /** What the gofer sends of a file at most; ScanReply.MAX_CONTENT. */
  private static final int MAX_CONTENT = 16 * 1024;

  private final MemFs fs;
  private final AheadWindow listings = new AheadWindow(MOST_LISTINGS);
  private final AheadWindow attributes = new AheadWindow(MOST_ATTRIBUTES);
  private final AheadWindow contents = new AheadWindow(MOST_CONTENTS);

  private final ArrayDeque<LowerDir> kept = new ArrayDeque<>(); // guarded by this
  private int keptCost; // guarded by this

  LowerAhead(MemFs fs) {
    this.fs = fs;
  }

  /**
   * Lists a directory of which no fresh listing is known.
   *
   * @return null where that did not succeed: it is to be listed in the usual way
   */
  LowerDir list(Syscall c, MemDir dir) {
    if (isRefused()) {
      return null;
    }
    MemDir parent = dir.lowerParent();
    LowerDir in = parent == null ? null : parent.known();
    int at = in == null ? LowerDir.UNKNOWN : in.find(dir.lowerName());
    LowerDir listed;
    boolean came;
    boolean withAttributes = attributes.isWide();
    boolean withContents = at >= 0 && contents.isWide();
    Scan scan;
    if (at < 0) {
      int fid = dir.lower(c);
      scan = new Scan(null, null);
      came = fid > 0 && scan.run(fid, 1, withAttributes, false);
      listed = scan.itself;
    } else {
      int fid = parent.lower(c);
      int most = listings.next();
      scan = new Scan(in, select(in, at, most, DT_DIR));
      came = fid > 0 && scan.run(fid, most, withAttributes, withContents);
      listed = in.below(at) instanceof LowerDir d ? d : null;
      listings.brought(Math.max(0, scan.listingCount - 1));
      contents.brought(scan.contentCount);
    }
    if (withAttributes) {
      attributes.brought(scan.attributeCount);
    }
    if (came && listed == null) {
      dir.tooLarge();
    }
    return came ? listed : null;
  }

  /**
   * Whether the calling thread may not wait for the gofer: then nothing is learnt from its attempt.
   */
  private static boolean isRefused() {
    return Thread.currentThread() instanceof ImpatientCaller i && i.refusesToWait();
  }

  /** A listing is used. */
  void listed(LowerDir dir) {
    if (dir.list()) {
      listings.used();
    }
  }

  /** Asks for the attributes of an entry, and of some behind it. @return whether they have come */
  boolean stat(Syscall c, MemDir dir, LowerDir in, int at) {
    if (isRefused()) {
      return false;
    }
    int most = Math.max(attributes.next(), MOST_ATTRIBUTES >> Math.max(0, 10 - in.miss()));
    int fid = most == 1 ? 0 : dir.lower(c); // alone it is looked up in the usual way
    if (fid <= 0) {
      return false;
    }
    Scan scan = new Scan(in, select(in, at, most, DT_UNKNOWN));
    boolean came = scan.run(fid, 0, false, false) && in.attributes(at) != null;
    attributes.brought(Math.max(0, scan.attributeCount - 1));
    return came;
  }

  /** Attributes that have come with a listing are used. */
  void used(LowerDir in, int at) {
    if (in.use(at) && in.type(at) != DT_DIR) {
      attributes.used();
    }
  }

  /** All bytes of a small file in a listed directory, and of some behind it; null: open it. */
  byte[] content(Syscall c, MemDir dir, LowerDir in, int at) {
    if (in.below(at) instanceof byte[] bytes) {
      contents.used();
      return bytes;
    }
    NodeAttr attr = in.attributes(at);
    if (attr == null || attr.size > MAX_CONTENT || isRefused()) {
      return null;
    }
    int most = Math.max(contents.next(), MOST_CONTENTS >> Math.max(0, 8 - in.missContent()));
    int fid = most == 1 ? 0 : dir.lower(c);
    if (fid <= 0) {
      return null;
    }
    Scan scan = new Scan(in, select(in, at, most, DT_REG));
    boolean came = scan.run(fid, 0, false, true);
    contents.brought(Math.max(0, scan.contentCount - 1));
    return came && in.below(at) instanceof byte[] bytes ? bytes : null;
  }

  /**
   * The entry and others that are of use: those behind it, which a program that goes on in the
   * order of the listing asks for next, or those before it, if it comes the other way.
   */
  private static int[] select(LowerDir in, int at, int most, int type) {
    int[] chosen = new int[most];
    chosen[0] = at;
    int n = 1;
    int count = in.count();
    for (int i = at + 1; i < count && n < most; i++) {
      if (isWanted(in, i, type)) {
        chosen[n++] = i;
      }
    }
    for (int i = at - 1; i >= 0 && n < most; i--) {
      if (isWanted(in, i, type)) {
        chosen[n++] = i;
      }
    }
    return Arrays.copyOf(chosen, n);
  }

  private static boolean isWanted(LowerDir in, int i, int type) {
    return switch (type) {
      case DT_DIR -> in.type(i) == DT_DIR && in.below(i) == null;
      case DT_REG -> in.type(i) == DT_REG && in.below(i) == null && isSmall(in.attributes(i));
      default -> in.attributes(i) == null;
    };
  }

  private static boolean isSmall(NodeAttr attr) {
    return attr == null || attr.size <= MAX_CONTENT;
  }

  private synchronized void keep(LowerDir dir, int names) {
    kept.add(dir);
    charge(dir, names + LISTING_COST);
  }

  private synchronized void charge(LowerDir dir, int names) {
    dir.cost += names;
    keptCost += names;
    while (keptCost > MOST_KEPT) {
      LowerDir oldest = kept.remove();
      keptCost -= oldest.cost;
      oldest.drop();
    }
  }

  /** One question and what came of it. */
  private final class Scan implements ScanSink {
    private final LowerDir in;
    private final int[] chosen;
    private LowerDir[] blocks = new LowerDir[16];
    LowerDir itself;
    int listingCount;
    int attributeCount;
    int contentCount;

    /**
     * @param in the listing that the names are from; null: the question is about the directory
     *     itself
     * @param chosen their indices
     */
    Scan(LowerDir in, int[] chosen) {
      this.in = in;
      this.chosen = chosen;
    }

    boolean run(int fid, int listings, boolean all, boolean contents) {
      int count = in == null ? 0 : chosen.length;
      String[] names = new String[count];
      DirSnapshot from = in == null ? null : in.names();
      if (in != null && from == null) {
        return false;
      }
      for (int i = 0; i < count; i++) {
        names[i] = from.name(chosen[i]);
      }
      return fs.client.directories.scan(fid, names, count, listings, all, contents, this) == 0;
    }

    private LowerDir directory(int parent) {
      return parent < 0 ? in : blocks[parent];
    }

    private int index(int parent, int entry) {
      return parent < 0 ? chosen[entry] : entry;
    }

    @Override
    public DirSink listing(int block, int parent, int entry, int count) {
      LowerDir d = new LowerDir(count);
      if (block >= blocks.length) {
        blocks = Arrays.copyOf(blocks, Math.max(block + 1, 2 * blocks.length));
      }
      blocks[block] = d;
      listingCount++;
      keep(d, count);
      if (parent < 0 && entry < 0) {
        itself = d;
      } else {
        directory(parent).putBelow(index(parent, entry), d);
      }
      return d.names();
    }

    @Override
    public void attributes(int parent, int entry, NodeAttr attr) {
      if (attr.type() != Stat.S_IFDIR) { // those come in any case
        attributeCount++;
      }
      directory(parent).put(index(parent, entry), attr);
    }

    @Override
    public void content(int parent, int entry, byte[] bytes) {
      contentCount++;
      LowerDir d = directory(parent);
      if (d.putBelow(index(parent, entry), bytes)) {
        charge(d, bytes.length / BYTES_OF_NAME);
      }
    }
  }
}
