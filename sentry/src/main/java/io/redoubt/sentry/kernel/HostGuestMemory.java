package io.redoubt.sentry.kernel;

import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Uio;
import io.redoubt.host.Unistd;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/**
 * Guest memory by process_vm_readv(2) and process_vm_writev(2): one host call a copy, whatever its
 * size.
 */
final class HostGuestMemory extends GuestMemory {
  private static final long MIN_ADDRESS = 65536; // vm.mmap_min_addr
  private static final long TASK_SIZE = 0x7ffffffff000L;

  private final int hostTid;

  HostGuestMemory(int hostTid) {
    this.hostTid = hostTid;
  }

  @Override
  public long copyIn(long address, MemorySegment local, long offset, long length) {
    if (length == 0) {
      return 0;
    }
    Objects.checkFromIndexSize(offset, length, local.byteSize());
    // ESRCH and EPERM (the thread is dying) are faults like any other: nobody is left to see the
    // answer.
    long n = Uio.read(hostTid, local.address() + offset, address, length);
    if (n < 0 && growStack(address)) {
      n = Uio.read(hostTid, local.address() + offset, address, length);
    }
    return n < 0 ? -Errno.EFAULT : n;
  }

  @Override
  public long copyOut(long address, MemorySegment local, long offset, long length) {
    if (length == 0) {
      return 0;
    }
    Objects.checkFromIndexSize(offset, length, local.byteSize());
    long n = Uio.write(hostTid, local.address() + offset, address, length);
    if (n < 0 && growStack(address)) {
      n = Uio.write(hostTid, local.address() + offset, address, length);
    }
    return n < 0 ? -Errno.EFAULT : n;
  }

  /**
   * A buffer on a part of the stack that the thread has not touched yet: a call of the host kernel
   * would grow the stack to it, a copy from outside does not. Since Linux 6.5 a read of
   * /proc/TID/mem does. Only a read: a write there would ignore page protection.
   *
   * @return whether there is memory at {@code address} now
   */
  private boolean growStack(long address) {
    if (address < MIN_ADDRESS || address >= TASK_SIZE) {
      return false;
    }
    int fd = Fcntl.openat(HostStatus.procFd(), hostTid + "/mem", Fcntl.O_CLOEXEC, 0);
    if (fd < 0) {
      return false;
    }
    long n = Unistd.pread(fd, KernelThread.scratch().word, 1, address);
    Unistd.close(fd);
    return n == 1;
  }
}
