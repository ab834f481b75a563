package io.redoubt.sentry.ipc;

import static io.redoubt.host.Errno.EINVAL;
import static io.redoubt.host.Errno.ENOTTY;
import static io.redoubt.host.Errno.ENXIO;

import io.redoubt.sentry.fs.AnonInode;
import io.redoubt.sentry.fs.OpenFile;
import io.redoubt.sentry.fs.Path;
import io.redoubt.sentry.fs.Stat;
import io.redoubt.sentry.kernel.Syscall;
import io.redoubt.sentry.kernel.UserBuffer;
import io.redoubt.sentry.kernel.WaitQueue;

/** An open end (or both, for a FIFO opened O_RDWR) of a pipe. */
public final class PipeFile extends OpenFile {
  private static final int F_SETPIPE_SZ = 1031;
  private static final int F_GETPIPE_SZ = 1032;
  private static final int FIONREAD = 0x541b;

  private final Pipe pipe;
  private final int ignoredOpens;

  /**
   * Takes over an end that {@link Pipe#open} has counted. @param ignoredOpens see {@link Pipe#poll}
   */
  PipeFile(Path path, int flags, Pipe pipe, int ignoredOpens) {
    super(path, flags);
    this.pipe = pipe;
    this.ignoredOpens = ignoredOpens;
  }

  /** pipe2(2): the read end and the write end. */
  public static PipeFile[] pair(int flags) {
    Pipe pipe = new Pipe();
    Path path = AnonInode.path("pipe", new PipeInode(pipe));
    pipe.open(true, true);
    return new PipeFile[] {
      new PipeFile(path, O_RDONLY | flags, pipe, -1), new PipeFile(path, O_WRONLY | flags, pipe, -1)
    };
  }

  /** The inode of an anonymous pipe: opened again through /proc/PID/fd it gives another end. */
  private static final class PipeInode extends AnonInode {
    private final Pipe pipe;

    PipeInode(Pipe pipe) {
      super(Stat.S_IFIFO | 0600);
      this.pipe = pipe;
    }

    @Override
    public OpenFile open(Syscall c, Path path, int flags) {
      int mode = flags & O_ACCMODE;
      boolean reader = mode == O_RDONLY || mode == O_RDWR;
      boolean writer = mode == O_WRONLY || mode == O_RDWR;
      if (!reader && !writer) {
        return c.fail(-EINVAL);
      }
      return pipe.open(reader, writer) ? new PipeFile(path, flags, pipe, -1) : c.fail(-ENXIO);
    }
  }

  /** The pipe itself, for splice(2). */
  public Pipe pipe() {
    return pipe;
  }

  @Override
  protected void release() {
    pipe.close(isReadable(), isWritable());
  }

  @Override
  public long read(Syscall c, UserBuffer dst) {
    return pipe.read(dst);
  }

  @Override
  public long write(Syscall c, UserBuffer src) {
    return pipe.write(c, src, (flags() & O_DIRECT) != 0);
  }

  @Override
  public boolean continuesWrites() {
    return true;
  }

  @Override
  public int poll(int interest) {
    return pipe.poll(isReadable(), isWritable(), ignoredOpens);
  }

  @Override
  public WaitQueue waitQueue() {
    return pipe.queue;
  }

  @Override
  public long fcntl(Syscall c, int command, long arg) {
    return switch (command) {
      case F_GETPIPE_SZ -> pipe.capacity();
      case F_SETPIPE_SZ -> pipe.resize(arg);
      default -> super.fcntl(c, command, arg);
    };
  }

  @Override
  public long ioctl(Syscall c, int command, long arg) {
    return command == FIONREAD ? c.memory().writeInt(arg, pipe.size()) : -ENOTTY;
  }

  @Override
  public String linkText() {
    return inode() instanceof AnonInode a ? "pipe:[" + a.ino + "]" : null;
  }
}
