package io.redoubt.sentry.kernel;

import io.redoubt.host.Nr;
import io.redoubt.host.Signals;
import io.redoubt.seccomp.Action;
import io.redoubt.seccomp.ContainerProfile;
import java.util.Arrays;

/** What the container's own profile (linux.seccomp) says of a call, carried out. */
final class Sentence {
  private static final int SECCOMP = 317;
  private static final int SIGKILL = 9;

  private Sentence() {}

  /**
   * @return whether the call is refused; it has been answered then
   */
  static boolean passed(ContainerProfile profile, Syscall c) {
    if (isOurs(c)) {
      return false;
    }
    Action a = profile.decide(c.nr, c.arg0, c.arg1, c.arg2, c.arg3, c.arg4, c.arg5);
    if (a instanceof Action.Errno e) {
      c.task.kernel.dispatcher.reply(c, -e.number());
    } else if (a instanceof Action.KillProcess) {
      die(c, ContainerProfile.KILL_PROCESS_CALL);
    } else if (a instanceof Action.KillThread) {
      die(c, ContainerProfile.KILL_THREAD_CALL);
    } else if (a instanceof Action.Trap) {
      die(c, ContainerProfile.TRAP_CALL);
    } else {
      return false;
    }
    return true;
  }

  /** The host kernel does it, when the thread makes a call that the filter has for that. */
  private static void die(Syscall c, int call) {
    int pid = c.task.process.hostPid;
    if (Rewrite.call(c, call, 0, 0, 0, 0, 0, 0) != Syscall.NO_REPLY) {
      Signals.kill(pid, SIGKILL); // somebody outside traces it
      c.end();
    }
  }

  /**
   * Whether the call is none of the program's: the stub's, one that the sentry has made the thread
   * run, or the loading of the profile itself.
   */
  private static boolean isOurs(Syscall c) {
    Task t = c.task;
    Exec e = t.exec;
    if (c.nr == StubCall.NUMBER || (e != null && e.isLoading())) {
      return true;
    }
    if (c.nr == SECCOMP && !t.process.hasExeced) {
      return true;
    }
    // It is not forgotten once it has been made: a freeze makes the kernel issue a call anew. Who
    // makes
    // the same call himself then does what he was allowed to do in another way.
    long[] made = t.madeCall;
    return made != null
        && made[0] == c.nr
        && (c.nr != Nr.EXECVEAT || e != null)
        && Arrays.equals(made, new long[] {c.nr, c.arg0, c.arg1, c.arg2, c.arg3, c.arg4, c.arg5});
  }
}
