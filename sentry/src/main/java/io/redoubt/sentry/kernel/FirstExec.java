package io.redoubt.sentry.kernel;

import io.redoubt.host.Errno;
import io.redoubt.sentry.fs.Path;
import java.util.function.BiConsumer;

/**
 * The exec of the sandbox's first process: its command is looked up in PATH as a shell does, and a
 * failure ends the sandbox with the shell's codes (127 not found, 126 found but not executable).
 */
public final class FirstExec {
  private final String searchPath;
  private final BiConsumer<Integer, String> onFailure;

  /**
   * @param searchPath PATH, Latin-1
   * @param onFailure told an exit code and a message
   */
  public FirstExec(String searchPath, BiConsumer<Integer, String> onFailure) {
    this.searchPath = searchPath;
    this.onFailure = onFailure;
  }

  long run(Syscall c, String name, long emptyString, long argv, long envp) {
    long error = -Errno.ENOENT;
    String[] candidates = name.indexOf('/') >= 0 ? new String[] {name} : candidates(name);
    for (String candidate : candidates) {
      Path p = c.task.kernel.vfs.lookup(c, c.task.fs.cwd(), candidate, true);
      Image image = p == null ? null : Image.open(c, p, candidate);
      if (image != null) {
        return Exec.start(c, image, emptyString, argv, envp);
      }
      // As execvp(3): a file that may not be run is remembered, the search goes on.
      if (c.error() != -Errno.ENOENT && c.error() != -Errno.ENOTDIR) {
        error = c.error();
      }
    }
    onFailure.accept(code(error), message(name, error));
    return error;
  }

  /**
   * Looks the command up without running it.
   *
   * @param c a call of the process that is to run it
   * @return what is wrong, or null
   */
  public String check(Syscall c, String name) {
    long error = -Errno.ENOENT;
    String[] candidates = name.indexOf('/') >= 0 ? new String[] {name} : candidates(name);
    for (String candidate : candidates) {
      Path p = c.task.kernel.vfs.lookup(c, c.task.fs.cwd(), candidate, true);
      Image image = p == null ? null : Image.open(c, p, candidate);
      if (image != null) {
        image.release();
        return null;
      }
      if (c.error() != -Errno.ENOENT && c.error() != -Errno.ENOTDIR) {
        error = c.error();
      }
    }
    return message(name, error);
  }

  private String[] candidates(String name) {
    if (name.isEmpty()) {
      return new String[0];
    }
    int n = 1;
    for (int i = 0; i < searchPath.length(); i++) {
      n += searchPath.charAt(i) == ':' ? 1 : 0;
    }
    String[] out = new String[n];
    int from = 0;
    for (int i = 0; i < n; i++) {
      int to = searchPath.indexOf(':', from);
      to = to < 0 ? searchPath.length() : to;
      out[i] = to == from ? "./" + name : searchPath.substring(from, to) + "/" + name;
      from = to + 1;
    }
    return out;
  }

  private static int code(long error) {
    return error == -Errno.ENOENT || error == -Errno.ENOTDIR ? 127 : 126;
  }

  private static String message(String name, long error) {
    if (error == -Errno.ENOENT) {
      return name.indexOf('/') >= 0
          ? "exec: " + name + ": no such file or directory"
          : "exec: " + name + ": executable file not found in $PATH";
    }
    if (error == -Errno.EACCES) {
      return "exec: " + name + ": permission denied";
    }
    if (error == -Errno.ENOEXEC) {
      return "exec: "
          + name
          + ": exec format error (not an x86-64 ELF program and not a script with a #! line)";
    }
    return "exec: " + name + ": " + Errno.name((int) -error);
  }
}
