package io.redoubt.gofer;

import io.redoubt.host.Errno;
import io.redoubt.host.Fcntl;
import io.redoubt.host.Memory;
import io.redoubt.host.Mman;
import io.redoubt.host.Stat;
import io.redoubt.host.Unistd;
import java.io.IOException;
import java.lang.foreign.MemorySegment;

/**
 * The mapped region and the few ordered accesses to it; {@link RegionLayout} says what lies where.
 */
final class Region {
  private static final int SEALS = Fcntl.F_SEAL_SHRINK | Fcntl.F_SEAL_GROW | Fcntl.F_SEAL_SEAL;

  /** All of it. Plain reads and writes of what the sequence numbers guard go here directly. */
  final MemorySegment memory;

  private Region(MemorySegment memory) {
    this.memory = memory;
  }

  /** Makes a sealed memfd of the region's size. Returns it or -errno. */
  static int create() {
    int fd = Mman.memfdCreate("redoubt-gofer", Mman.MFD_CLOEXEC | Mman.MFD_ALLOW_SEALING);
    if (fd < 0) {
      return fd;
    }
    int r = Unistd.ftruncate(fd, RegionLayout.SIZE);
    if (r == 0) {
      r = Fcntl.fcntl(fd, Fcntl.F_ADD_SEALS, SEALS);
    }
    if (r < 0) {
      Unistd.close(fd);
      return r;
    }
    return fd;
  }

  /** Maps a region made here. */
  static Region mapOwn(int fd) throws IOException {
    Region region = map(fd);
    Memory.setInt(region.memory, RegionLayout.MAGIC_OFFSET, RegionLayout.MAGIC);
    Memory.setInt(region.memory, RegionLayout.VERSION_OFFSET, RegionLayout.VERSION);
    return region;
  }

  /** Maps a region that the peer made, after a look at its size, seals and first words. */
  static Region mapForeign(int fd) throws IOException {
    long size = Stat.size(fd);
    int seals = Fcntl.fcntl(fd, Fcntl.F_GET_SEALS, 0);
    int wanted = Fcntl.F_SEAL_SHRINK | Fcntl.F_SEAL_GROW;
    if (size != RegionLayout.SIZE || seals < 0 || (seals & wanted) != wanted) {
      throw new IOException("gofer: bad region: size=" + size + ", seals=" + seals);
    }
    Region region = map(fd);
    int magic = Memory.getInt(region.memory, RegionLayout.MAGIC_OFFSET);
    int version = Memory.getInt(region.memory, RegionLayout.VERSION_OFFSET);
    if (magic != RegionLayout.MAGIC || version != RegionLayout.VERSION) {
      throw new IOException("gofer: bad region: magic=" + magic + ", version=" + version);
    }
    return region;
  }

  private static Region map(int fd) throws IOException {
    long at =
        Mman.mmap(0, RegionLayout.SIZE, Mman.PROT_READ | Mman.PROT_WRITE, Mman.MAP_SHARED, fd, 0);
    if (at < 0) {
      throw new IOException("gofer: cannot map the region: " + Errno.message(at));
    }
    return new Region(Mman.segment(at, RegionLayout.SIZE));
  }

  /** Gives the memory back. Nobody may touch the region any more. */
  void unmap() {
    Mman.munmap(memory.address(), memory.byteSize());
  }

  int getAcquire(long offset) {
    return Memory.getIntAcquire(memory, offset);
  }

  void setRelease(long offset, int value) {
    Memory.setIntRelease(memory, offset, value);
  }

  void setVolatile(long offset, int value) {
    Memory.setIntVolatile(memory, offset, value);
  }

  int getVolatile(long offset) {
    return Memory.getIntVolatile(memory, offset);
  }

  /**
   * Takes a mark: sets the word to 0 if it is {@code mark}, and says whether it was, so that of two
   * takers one gets it.
   */
  boolean take(long offset, int mark) {
    return Memory.compareAndSetInt(memory, offset, mark, 0);
  }
}
