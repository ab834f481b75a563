package io.redoubt.sentry.kernel;

import io.redoubt.host.Errno;
import io.redoubt.host.Uio;
import java.lang.foreign.MemorySegment;
import java.util.Objects;

/** Guest memory by process_vm_readv(2) and process_vm_writev(2): one host call a copy, whatever its size. */
final class HostGuestMemory extends GuestMemory {
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
    // ESRCH and EPERM (the thread is dying) are faults like any other: nobody is left to see the answer.
    long n = Uio.read(hostTid, local.address() + offset, address, length);
    return n < 0 ? -Errno.EFAULT : n;
  }

  @Override
  public long copyOut(long address, MemorySegment local, long offset, long length) {
    if (length == 0) {
      return 0;
    }
    Objects.checkFromIndexSize(offset, length, local.byteSize());
    long n = Uio.write(hostTid, local.address() + offset, address, length);
    return n < 0 ? -Errno.EFAULT : n;
  }
}
