package io.redoubt.sentry.kernel;

import io.redoubt.sentry.fs.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Which guest file is behind a mapping that the host names by device and inode: for /proc/PID/maps.
 * Bounded; the oldest go first. Lock: its own monitor.
 */
public final class MappingNames {
  private static final int MAX = 4096;

  private final LinkedHashMap<Long, Path> names =
      new LinkedHashMap<>(256, 0.75f, true) {
        @Override
        protected boolean removeEldestEntry(Map.Entry<Long, Path> eldest) {
          return size() > MAX;
        }
      };

  private static long key(long dev, long ino) {
    return dev * 0x9e3779b97f4a7c15L ^ ino;
  }

  /** Notes that the host object (dev, ino) is the guest's {@code path}. */
  public synchronized void put(long dev, long ino, Path path) {
    names.put(key(dev, ino), path);
  }

  /** The guest's path, or null. */
  public synchronized Path get(long dev, long ino) {
    return names.get(key(dev, ino));
  }
}
