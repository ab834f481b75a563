package io.redoubt.sentry.ipc.sysv;

import io.redoubt.sentry.kernel.Kernel;
import io.redoubt.sentry.kernel.Process;
import java.util.ArrayList;
import java.util.List;

/** The segments of a sandbox, and which guest has them attached. */
final class SharedSegments {
  // When a process has been told that it may exit or unmap, it takes a moment until it has; once
  // more for one that is slow.
  private static final long[] COLLECT_AFTER_NANOS = {5_000_000, 500_000_000};

  private final Kernel kernel;
  final IpcTable<SharedSegment> table = new IpcTable<>("kernel.shmmni", 0);

  /** Removed while attached; they end when the last process lets go. Guarded by itself. */
  private final List<SharedSegment> doomed = new ArrayList<>();

  SharedSegments(Kernel kernel) {
    this.kernel = kernel;
  }

  /** One attachment in the host's list of a process. */
  record Attachment(SharedSegment segment, long length) {}

  /** The segment, or null when it has been removed and nobody has it attached any more. */
  SharedSegment unlessGone(SharedSegment s) {
    if (s == null || !s.removed || attachments(s) > 0) {
      return s;
    }
    collect();
    return null;
  }

  /** shm_nattch: how many times the segment is attached, over all processes. */
  int attachments(SharedSegment segment) {
    int n = 0;
    for (Process p : kernel.tasks.processes()) {
      String maps = p.exited ? null : kernel.hostProc.read(p.hostPid, "maps");
      for (int at = maps == null ? -1 : maps.indexOf(segment.identity);
          at >= 0;
          at = maps.indexOf(segment.identity, at + 1)) {
        int line = maps.lastIndexOf('\n', at) + 1;
        // An attachment begins at offset 0; what mprotect or munmap have split off does not.
        n += Maps.offset(maps, line) == 0 ? 1 : 0;
      }
    }
    return n;
  }

  /**
   * What is attached at {@code address} of a process, or null: its mappings from there on, as far
   * as they are of one segment.
   */
  Attachment attached(Process p, long address) {
    String maps = p.kernel.hostProc.read(p.hostPid, "maps");
    SharedSegment segment = null;
    long end = address;
    for (int line = 0; maps != null && line < maps.length(); line = Maps.next(maps, line)) {
      if (segment == null) {
        if (Maps.start(maps, line) == address && Maps.offset(maps, line) == 0) {
          segment = byIdentity(Maps.identity(maps, line));
        }
        if (segment == null) {
          continue;
        }
      } else if (Maps.start(maps, line) != end
          || Maps.offset(maps, line) != end - address
          || !segment.identity.equals(Maps.identity(maps, line))) {
        break;
      }
      end = Maps.end(maps, line);
    }
    return segment == null ? null : new Attachment(segment, end - address);
  }

  /** Whether nothing is mapped in a range. */
  static boolean isFree(Process p, long address, long length) {
    String maps = p.kernel.hostProc.read(p.hostPid, "maps");
    for (int line = 0; maps != null && line < maps.length(); line = Maps.next(maps, line)) {
      if (Long.compareUnsigned(Maps.start(maps, line), address + length) < 0
          && Long.compareUnsigned(Maps.end(maps, line), address) > 0) {
        return false;
      }
    }
    return true;
  }

  private SharedSegment byIdentity(String identity) {
    for (int i = table.highestIndex(); i >= 0; i--) {
      SharedSegment s = table.byIndex(i);
      if (s != null && s.identity.equals(identity)) {
        return s;
      }
    }
    return null;
  }

  /** IPC_RMID: the key is free, the segment ends when it is attached nowhere. */
  void remove(SharedSegment s) {
    synchronized (s) {
      if (s.removed) {
        return;
      }
      s.removed = true;
    }
    table.forgetKey(s);
    synchronized (doomed) {
      doomed.add(s);
    }
    collect();
  }

  /**
   * Ends the removed segments that nobody has attached any more, in a moment: a process is about to
   * let go of something.
   */
  void collectSoon() {
    synchronized (doomed) {
      if (doomed.isEmpty()) {
        return;
      }
    }
    for (long nanos : COLLECT_AFTER_NANOS) {
      kernel.timers.schedule(System.nanoTime() + nanos, this::collect);
    }
  }

  private void collect() {
    List<SharedSegment> candidates;
    synchronized (doomed) {
      candidates = new ArrayList<>(doomed);
    }
    for (SharedSegment s : candidates) {
      if (attachments(s) == 0) {
        boolean mine;
        synchronized (doomed) {
          mine = doomed.remove(s);
        }
        if (mine) {
          table.remove(s);
          s.close();
        }
      }
    }
  }
}
