package io.redoubt.host;

import java.lang.foreign.MemorySegment;

/** sys/uio.h: copies between address spaces, process_vm_readv(2). */
public final class Uio {
  public static final int IOV_MAX = 1024;

  /** {@code struct iovec}, iovec(3type). */
  public static final class Iovec {
    public static final String C_NAME = "struct iovec";
    public static final int SIZEOF = 16;
    public static final int IOV_BASE = 0; // void*
    public static final int IOV_LEN = 8; // size_t

    private Iovec() {}
  }

  private Uio() {}

  /**
   * process_vm_readv(2), one piece: {@code length} bytes at {@code remote} in process {@code pid}
   * to {@code local} here.
   *
   * @return bytes copied, which may be fewer where a later page is missing; -EFAULT where the first
   *     one is; -ESRCH, -EPERM
   */
  public static long read(int pid, long local, long remote, long length) {
    return one(Nr.PROCESS_VM_READV, pid, local, remote, length);
  }

  /** As {@link #read(int, long, long, long)}, into the first bytes of a segment. */
  public static long read(int pid, MemorySegment to, long remote, long length) {
    return one(Nr.PROCESS_VM_READV, pid, Syscall.address(to, length), remote, length);
  }

  /** process_vm_writev(2), one piece. Returns bytes copied or -errno as {@link #read} does. */
  public static long write(int pid, long local, long remote, long length) {
    return one(Nr.PROCESS_VM_WRITEV, pid, local, remote, length);
  }

  /** As {@link #write(int, long, long, long)}, from the first bytes of a segment. */
  public static long write(int pid, MemorySegment from, long remote, long length) {
    return one(Nr.PROCESS_VM_WRITEV, pid, Syscall.address(from, length), remote, length);
  }

  private static long one(int nr, int pid, long local, long remote, long length) {
    MemorySegment v = CallState.get().scratch;
    Memory.setLong(v, Iovec.IOV_BASE, local);
    Memory.setLong(v, Iovec.IOV_LEN, length);
    Memory.setLong(v, Iovec.SIZEOF + Iovec.IOV_BASE, remote);
    Memory.setLong(v, Iovec.SIZEOF + Iovec.IOV_LEN, length);
    long at = v.address();
    return Syscall.call(nr, pid, at, 1, at + Iovec.SIZEOF, 1, 0);
  }

  /** process_vm_readv(2) with arrays of {@link Iovec} at raw addresses. */
  public static long readv(
      int pid, long localIovecs, int localCount, long remoteIovecs, int remoteCount) {
    return Syscall.call(
        Nr.PROCESS_VM_READV, pid, localIovecs, localCount, remoteIovecs, remoteCount, 0);
  }

  /** process_vm_writev(2) with arrays of {@link Iovec} at raw addresses. */
  public static long writev(
      int pid, long localIovecs, int localCount, long remoteIovecs, int remoteCount) {
    return Syscall.call(
        Nr.PROCESS_VM_WRITEV, pid, localIovecs, localCount, remoteIovecs, remoteCount, 0);
  }
}
