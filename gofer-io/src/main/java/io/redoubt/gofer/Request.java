package io.redoubt.gofer;

import io.redoubt.host.Memory;
import java.lang.foreign.MemorySegment;

/** The gofer's private copy of a request line: what it checks is what it acts on. */
final class Request {
  int op;
  int fid;
  int fid2;
  int flags;
  int mode;
  int uid;
  int gid;
  long offset;
  long length;

  /** Bytes of the payload area that belong to the request; within the area. */
  int payload;

  /** Bytes of the first of two names; within the payload. */
  int name1;

  /** Reads each field once, and checks what every operation relies on. */
  void load(MemorySegment region, long at) {
    op = Memory.getInt(region, at + Protocol.OP);
    fid = Memory.getInt(region, at + Protocol.FID);
    fid2 = Memory.getInt(region, at + Protocol.FID2);
    flags = Memory.getInt(region, at + Protocol.FLAGS);
    mode = Memory.getInt(region, at + Protocol.MODE);
    uid = Memory.getInt(region, at + Protocol.UID);
    gid = Memory.getInt(region, at + Protocol.GID);
    offset = Memory.getLong(region, at + Protocol.OFFSET);
    length = Memory.getLong(region, at + Protocol.LENGTH);
    payload = Memory.getInt(region, at + Protocol.PAYLOAD);
    name1 = Memory.getInt(region, at + Protocol.NAME1);
    if (payload < 0 || payload > RegionLayout.PAYLOAD_SIZE) {
      throw new MalformedException("payload out of range: op=" + op + ", payload=" + payload);
    }
    if (name1 < 0 || name1 > payload) {
      throw new MalformedException(
          "name out of range: op=" + op + ", name1=" + name1 + ", payload=" + payload);
    }
  }

  /** The length, which must lie between 0 and {@code max}. */
  int boundedLength(int max) {
    if (length < 0 || length > max) {
      throw new MalformedException(
          "length out of range: op=" + op + ", length=" + length + ", max=" + max);
    }
    return (int) length;
  }
}
