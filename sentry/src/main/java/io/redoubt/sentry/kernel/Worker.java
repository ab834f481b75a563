package io.redoubt.sentry.kernel;

import io.redoubt.host.Errno;
import io.redoubt.host.Seccomp;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Receives calls from a listener and serves them. There are at least two, so that one is always
 * waiting in RECV.
 */
final class Worker {
  private Worker() {}

  static void start(Kernel kernel, int listener, int number) {
    new KernelThread(() -> loop(kernel, listener), "worker-" + number).start();
  }

  private static void loop(Kernel kernel, int listener) {
    MemorySegment notification = Arena.global().allocate(Seccomp.Notif.SIZEOF, 8);
    for (; ; ) {
      int r = Seccomp.receive(listener, notification);
      if (r != 0) {
        // EINTR, ENOENT: the guest died or was signalled between the wake-up and the copy. Anything
        // else means that the listener
        // has no guest left.
        if (r == -Errno.EINTR || r == -Errno.ENOENT) {
          if (kernel.isOver()) {
            return;
          }
          continue;
        }
        return;
      }
      try {
        kernel.signals.noteCall();
        kernel.dispatcher.serve(listener, notification);
        KernelThread.drain();
      } catch (Throwable t) {
        Fatal.die("worker", t);
      }
    }
  }
}
