package io.redoubt.sentry.net;

import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.UserBuffer;

/**
 * One message of sendmsg(2) or recvmsg(2) while the call lasts: the guest's buffers, and what goes
 * with the bytes.
 */
public final class Message implements Syscall.Cleanup {
  public static final int MSG_OOB = 0x1;
  public static final int MSG_PEEK = 0x2;
  public static final int MSG_CTRUNC = 0x8;
  public static final int MSG_TRUNC = 0x20;
  public static final int MSG_DONTWAIT = 0x40;
  public static final int MSG_WAITALL = 0x100;
  public static final int MSG_ERRQUEUE = 0x2000;
  public static final int MSG_NOSIGNAL = 0x4000;
  public static final int MSG_WAITFORONE = 0x10000;
  public static final int MSG_CMSG_CLOEXEC = 0x40000000;

  /** The bytes; its cursor goes on from run to run. */
  public final UserBuffer data;

  /** MSG_* of the call. */
  public final int flags;

  /** A destination, or null. Given by the caller. */
  public byte[] to;

  /**
   * Whether sendto(2) was given an address with a length of 0. sendmsg(2) takes that for none, and
   * so do some families; others for a name that is too short.
   */
  public boolean hasEmptyName;

  /** The sender's name, or null when it has none. Given by the socket. */
  public byte[] from;

  /**
   * Ancillary data as bytes, of sockets that take it ({@link SocketFile#takesControl}): to send, or
   * received; null: none.
   */
  public byte[] control;

  /** How much room the receiver has for {@link #control}. */
  public int controlRoom;

  /** SCM_RIGHTS: to send, or received (each with a reference that is the message's); null: none. */
  public OpenFile[] files;

  /** SCM_CREDENTIALS: claimed by the sender, or received; null: none. */
  public Ucred credentials;

  /** MSG_TRUNC, of a received message. */
  public int resultFlags;

  /** The socket that a datagram was to go to when it found no room. */
  SocketFile target;

  /** Bytes that earlier runs of a blocked call have moved. */
  public long done;

  public Message(UserBuffer data, int flags) {
    this.data = data;
    this.flags = flags;
  }

  boolean has(int flag) {
    return (flags & flag) != 0;
  }

  /** Drops the files that nobody took. */
  @Override
  public void cleanup() {
    if (files != null) {
      OpenFile[] left = files;
      files = null;
      InFlight.close(left, 0);
    }
  }
}
