package io.redoubt.gofer;

/**
 * What sentry and gofer say to each other.
 *
 * <h2>Request line, 64 bytes</h2>
 *
 * <pre>
 *   0 int  SEQ        16 int  FLAGS    32 long OFFSET
 *   4 int  OP         20 int  MODE     40 long LENGTH
 *   8 int  FID        24 int  UID      48 int  PAYLOAD, bytes of it that belong to the request
 *  12 int  FID2       28 int  GID      52 int  NAME1, bytes of the first of two names
 * </pre>
 *
 * <h2>Reply, 128 bytes</h2>
 *
 * <pre>
 *   0 int  SEQ        16 int  BITS: {@link #HAS_FD}
 *   4 int  RESULT     20 int  ERROR: errno that ended a WALK, positive
 *   8 int  NODE       24 int  PAYLOAD, bytes of it that belong to the reply
 *  12 int  OPEN       32 attributes, 96 bytes ({@link NodeAttr})
 * </pre>
 *
 * <p>RESULT is a negative errno or what the table says. Fields that a message does not name are 0.
 *
 * <table>
 * <caption>Operations</caption>
 * <tr><th>op<th>request<th>reply
 * <tr><td>ATTACH<td>OFFSET root index<td>NODE, attributes
 * <tr><td>WALK<td>FID directory, FLAGS ({@link #WALK_STAT_LAST}, {@link #WALK_OPEN_LAST}, {@link #WALK_KNOWN}), LENGTH how many names,
 *     payload: with WALK_KNOWN an int fid for each name; each name a length byte and its bytes
 *     <td>RESULT nodes found, ERROR, HAS_FD, payload: a {@link #WALK_ENTRY_SIZE} record each. Stops at the
 *     first name that is missing, and after the first node that is no directory
 * <tr><td>GETATTR<td>FID node or open<td>attributes
 * <tr><td>SETATTR<td>FID node or open, FLAGS mask of {@code SET_*}, MODE, UID, GID, LENGTH size, payload: {@link
 *     #TIMES_SIZE} bytes of times<td>attributes
 * <tr><td>OPEN<td>FID node, FLAGS O_* <td>regular file: HAS_FD, or OPEN where the connection donates
 *     none; directory: OPEN. Attributes
 * <tr><td>CREATE<td>FID directory, FLAGS O_*, MODE, UID, GID, payload: name<td>as OPEN, and NODE. Always
 *     exclusive: -EEXIST says walk again. With O_TMPFILE there is no name: LINK may give one, unless O_EXCL
 *     is set
 * <tr><td>READ<td>FID open, OFFSET, LENGTH up to the payload's<td>RESULT bytes, payload
 * <tr><td>WRITE<td>FID open, OFFSET, payload<td>RESULT bytes
 * <tr><td>READDIR<td>FID open, OFFSET cursor, LENGTH room<td>RESULT bytes of struct linux_dirent64,
 *     "." and ".." among them; 0 at the end; the cursor of the next call is the last d_off
 * <tr><td>LIST<td>FID directory node, LENGTH room<td>RESULT bytes of struct linux_dirent64 from the
 *     start; OPEN if there are more: READDIR goes on there from the last d_off
 * <tr><td>SCAN<td>FID directory node, FLAGS {@code SCAN_*}, MODE most listings, LENGTH room, payload: names, each a length
 *     byte and its bytes<td>RESULT bytes, payload: {@link ScanReply}. Without names: about the directory itself. What
 *     cannot be had, or has no room, is left out
 * <tr><td>READLINK<td>FID node<td>RESULT bytes, payload
 * <tr><td>MKDIR<td>FID directory, MODE, UID, GID, payload: name<td>NODE, attributes
 * <tr><td>MKNOD<td>as MKDIR, MODE with S_IFIFO, S_IFSOCK or S_IFREG<td>NODE, attributes
 * <tr><td>SYMLINK<td>FID directory, UID, GID, NAME1, payload: name, target<td>NODE, attributes
 * <tr><td>LINK<td>FID node, FID2 directory, payload: name<td>attributes
 * <tr><td>UNLINK<td>FID directory, FID2 a fid that is closed in any case, or 0, FLAGS 0, AT_REMOVEDIR or {@link #UNLINK_STAT}, payload: name<td>with
 *     UNLINK_STAT attributes: of what had the name, as they were before
 * <tr><td>RENAME<td>FID and FID2 directories, FLAGS RENAME_*, NAME1, payload: old name, new name<td>
 * <tr><td>FSYNC<td>FID open or directory node, FLAGS 1 for data only<td>
 * <tr><td>STATFS<td>FID node<td>payload: struct statfs
 * <tr><td>GETXATTR<td>FID node, LENGTH room, payload: name<td>RESULT bytes, payload
 * <tr><td>LISTXATTR<td>FID node, LENGTH room<td>RESULT bytes, payload
 * <tr><td>SETXATTR<td>FID node, FLAGS, NAME1, payload: name, value<td>
 * <tr><td>REMOVEXATTR<td>FID node, payload: name<td>
 * <tr><td>TRUNCATE<td>FID open, LENGTH<td>
 * <tr><td>FALLOCATE<td>FID open, FLAGS, OFFSET, LENGTH<td>
 * <tr><td>WATCHES<td><td>HAS_FD: the queue of inotify(7) events of this connection
 * <tr><td>WATCH<td>FID directory or regular file node<td>RESULT its watch descriptor in that queue. The watch ends with
 *     the node
 * <tr><td>CLOSE<td>LENGTH how many, payload: an int fid each, nodes and opens mixed<td>RESULT how many
 *     were known
 * </table>
 *
 * <h2>The sockets</h2>
 *
 * <p>Both are AF_UNIX SOCK_SEQPACKET. Over the control socket, which the gofer is started with, the
 * sentry sends the configuration, one socket per slot that it uses, and doorbells; its end is the
 * end of the connection. Over a slot's socket the gofer sends one message for a caller that sleeps,
 * or one that carries a donated descriptor, or both in one.
 *
 * <p>An answer that is merely wrong (an unknown fid, the name "..") gets an errno. A message that
 * no sane peer could have made ends the connection: see {@link MalformedException}.
 */
final class Protocol {
  // Request.
  static final long SEQ = 0;
  static final long OP = 4;
  static final long FID = 8;
  static final long FID2 = 12;
  static final long FLAGS = 16;
  static final long MODE = 20;
  static final long UID = 24;
  static final long GID = 28;
  static final long OFFSET = 32;
  static final long LENGTH = 40;
  static final long PAYLOAD = 48;
  static final long NAME1 = 52;

  // Reply; SEQ is common.
  static final long RESULT = 4;
  static final long NODE = 8;
  static final long OPEN = 12;
  static final long BITS = 16;
  static final long ERROR = 20;
  static final long REPLY_PAYLOAD = 24;
  static final long ATTR = 32;

  /** A message with one descriptor is on its way over the slot's socket. */
  static final int HAS_FD = 1;

  /** The last name gets attributes but no fid: enough for a stat, and one descriptor less. */
  static final int WALK_STAT_LAST = 1;

  /**
   * If all names are found and the last is a regular file, a descriptor of it comes with the
   * answer, open for reading: a walk that is made in order to open costs one message. Nothing is
   * said when it cannot be opened.
   */
  static final int WALK_OPEN_LAST = 2;

  /**
   * The sentry has not looked the name up: it is told what it was that is gone. A bit that no AT_*
   * flag of unlinkat(2) has.
   */
  static final int UNLINK_STAT = 1;

  /**
   * The payload begins with the fids that the names led to when they were last walked, 0 where
   * there is none. One that its name still leads to is the answer, and costs a stat in place of a
   * new descriptor, which the sentry would only have closed.
   */
  static final int WALK_KNOWN = 4;

  /** Attributes of all entries of a listing, and not of its directories alone. */
  static final int SCAN_ATTRIBUTES = 1;

  /** Small regular files come whole. */
  static final int SCAN_CONTENTS = 2;

  static final int SCAN_MAX_LISTINGS = 1024;

  /** A node found by WALK: int fid (0: none), int unused, attributes. */
  static final int WALK_ENTRY_SIZE = 8 + NodeAttr.SIZE;

  /** Most names in one WALK. */
  static final int WALK_MAX = 256;

  // SETATTR mask.
  static final int SET_MODE = 1;
  static final int SET_UID = 2;
  static final int SET_GID = 4;
  static final int SET_SIZE = 8;
  static final int SET_TIMES = 16;
  static final int SET_ALL = 31;

  /** Times of SETATTR: long seconds and long nanoseconds (or UTIME_*) of access, of change. */
  static final int TIMES_SIZE = 32;

  // Messages of the control socket: int kind, int argument, and what is said here.
  /**
   * Argument: number of ROOT messages that follow; then int {@link RegionLayout#VERSION}, int 1 to
   * donate no fds.
   */
  static final int CONFIG = 0x47460001;

  /** Argument: {@link Root} flags; then the path's bytes, or none and a descriptor. */
  static final int ROOT = 0x47460002;

  /** Argument: slot; carries the gofer's end of its socket. */
  static final int SLOT_SOCKET = 0x47460003;

  static final int DOORBELL = 0x47460004;

  /** From the gofer, in answer to the last ROOT: carries the region. */
  static final int READY = 0x47460005;

  /** From the gofer instead: then the text of the error. */
  static final int FAILED = 0x47460006;

  /** Message of a slot's socket; argument: the slot's sequence number. */
  static final int WAKE = 0x47460007;

  /** Longest message of the control socket. */
  static final int MAX_MESSAGE = 8 + 4096;

  /** Words of both id maps in a CONFIG message, three a line. */
  static final int MAX_ID_WORDS = 3 * 320;

  private Protocol() {}
}
