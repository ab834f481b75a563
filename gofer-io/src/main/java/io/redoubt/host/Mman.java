package io.redoubt.host;

import java.lang.foreign.MemorySegment;

/** sys/mman.h: mappings of memory. Addresses are raw; lengths are bytes. */
public final class Mman {
  public static final int PROT_NONE = 0x0;
  public static final int PROT_READ = 0x1;
  public static final int PROT_WRITE = 0x2;
  public static final int PROT_EXEC = 0x4;
  public static final int MAP_SHARED = 0x1;
  public static final int MAP_PRIVATE = 0x2;
  public static final int MAP_SHARED_VALIDATE = 0x3;
  public static final int MAP_TYPE = 0xf;
  public static final int MAP_FIXED = 0x10;
  public static final int MAP_ANONYMOUS = 0x20;
  public static final int MAP_GROWSDOWN = 0x100;
  public static final int MAP_DENYWRITE = 0x800;
  public static final int MAP_EXECUTABLE = 0x1000;
  public static final int MAP_LOCKED = 0x2000;
  public static final int MAP_NORESERVE = 0x4000;
  public static final int MAP_POPULATE = 0x8000;
  public static final int MAP_NONBLOCK = 0x10000;
  public static final int MAP_STACK = 0x20000;
  public static final int MAP_HUGETLB = 0x40000;
  public static final int MAP_SYNC = 0x80000;
  public static final int MAP_FIXED_NOREPLACE = 0x100000;
  public static final int MAP_32BIT = 0x40;
  public static final int MREMAP_MAYMOVE = 0x1;
  public static final int MREMAP_FIXED = 0x2;
  public static final int MREMAP_DONTUNMAP = 0x4;
  public static final int MS_ASYNC = 0x1;
  public static final int MS_INVALIDATE = 0x2;
  public static final int MS_SYNC = 0x4;
  public static final int MFD_CLOEXEC = 0x1;
  public static final int MFD_ALLOW_SEALING = 0x2;
  public static final int MFD_HUGETLB = 0x4;
  public static final int MFD_NOEXEC_SEAL = 0x8;
  public static final int MFD_EXEC = 0x10;
  public static final int MADV_NORMAL = 0;
  public static final int MADV_RANDOM = 1;
  public static final int MADV_SEQUENTIAL = 2;
  public static final int MADV_WILLNEED = 3;
  public static final int MADV_DONTNEED = 4;
  public static final int MADV_FREE = 8;
  public static final int MADV_REMOVE = 9;
  public static final int MADV_DONTFORK = 10;
  public static final int MADV_DOFORK = 11;
  public static final int MADV_MERGEABLE = 12;
  public static final int MADV_UNMERGEABLE = 13;
  public static final int MADV_HUGEPAGE = 14;
  public static final int MADV_NOHUGEPAGE = 15;
  public static final int MADV_DONTDUMP = 16;
  public static final int MADV_DODUMP = 17;
  public static final int MADV_WIPEONFORK = 18;
  public static final int MADV_KEEPONFORK = 19;
  public static final int MADV_COLD = 20;
  public static final int MADV_PAGEOUT = 21;
  public static final int MADV_POPULATE_READ = 22;
  public static final int MADV_POPULATE_WRITE = 23;
  public static final int MADV_DONTNEED_LOCKED = 24;
  public static final int MADV_COLLAPSE = 25;
  public static final int MADV_HWPOISON = 100;

  /** Bytes of a page on x86-64. */
  public static final int PAGE_SIZE = 4096;

  private Mman() {}

  /** mmap(2). Returns the address or -errno. */
  public static long mmap(
      long address, long length, int protection, int flags, int fd, long offset) {
    return Syscall.call(Nr.MMAP, address, length, protection, flags, fd, offset);
  }

  /**
   * Zeroed memory for as long as the process lives, page aligned; a page is only there once it is
   * used. An arena would clear all of it, word by word in Java.
   *
   * @throws OutOfMemoryError if the kernel has none
   */
  public static MemorySegment anonymous(long length) {
    long address = mmap(0, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (address < 0) {
      throw new OutOfMemoryError("cannot map anonymous memory: bytes=" + length);
    }
    return segment(address, length);
  }

  /** A mapping made by {@link #mmap} as a segment of the global arena. */
  public static MemorySegment segment(long address, long length) {
    return MemorySegment.ofAddress(address).reinterpret(length);
  }

  /** munmap(2). Returns 0 or -errno. A segment made of the mapping must not be used again. */
  public static int munmap(long address, long length) {
    return (int) Syscall.call(Nr.MUNMAP, address, length);
  }

  /** mprotect(2). Returns 0 or -errno. */
  public static int mprotect(long address, long length, int protection) {
    return (int) Syscall.call(Nr.MPROTECT, address, length, protection);
  }

  /** madvise(2). Returns 0 or -errno. */
  public static int madvise(long address, long length, int advice) {
    return (int) Syscall.call(Nr.MADVISE, address, length, advice);
  }

  /** mremap(2). Returns the new address or -errno. */
  public static long mremap(
      long oldAddress, long oldLength, long newLength, int flags, long newAddress) {
    return Syscall.call(Nr.MREMAP, oldAddress, oldLength, newLength, flags, newAddress);
  }

  /** msync(2). Returns 0 or -errno. */
  public static int msync(long address, long length, int flags) {
    return (int) Syscall.call(Nr.MSYNC, address, length, flags);
  }

  /** memfd_create(2). Returns an fd or -errno. */
  public static int memfdCreate(String name, int flags) {
    long p = CallState.cString(name);
    return p < 0 ? (int) p : (int) Syscall.call(Nr.MEMFD_CREATE, p, flags);
  }
}
