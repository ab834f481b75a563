/* Pipes and FIFOs: ends, capacity, atomicity, EAGAIN, EPIPE; splice, tee, vmsplice, sendfile. */
#include "harness.h"
#include <sys/sendfile.h>

static int p[2];

static void new_pipe(int flags) { MUST(pipe2(p, flags)); }

/* Fills the pipe and returns how many bytes it took. */
static long fill(int fd) {
  static char block[4096];
  long total = 0, n;
  MUST(fcntl(fd, F_SETFL, O_NONBLOCK));
  while ((n = write(fd, block, sizeof block)) > 0) total += n;
  while ((n = write(fd, block, 1)) > 0) total += n;
  return total;
}

CASE(basics) {
  char b[16] = "";
  SHOW(pipe(p));
  say("%d %d", p[0], p[1]);
  SHOW(write(p[1], "hello", 5));
  SHOW(read(p[0], b, 2));
  SHOW(read(p[0], b + 2, 10));
  say("%s", b);
  SHOW(write(p[1], "", 0));
  SHOW(read(p[0], b, 0));
  SHOW(read(p[1], b, 1));
  SHOW(write(p[0], b, 1));
}

CASE(pipe2_flags) {
  SHOW(pipe2(p, O_CLOEXEC | O_NONBLOCK));
  SHOW(fcntl(p[0], F_GETFD));
  say("%#o %#o", fcntl(p[0], F_GETFL), fcntl(p[1], F_GETFL));
  SHOW(pipe2(p, O_CREAT));
  SHOW(pipe2(p, O_APPEND));
  SHOW(pipe2(p, -1));
  SHOW(syscall(SYS_pipe, BAD_POINTER));
  SHOW(syscall(SYS_pipe2, NULL, 0));
  /* No descriptor is left behind by the call that failed. */
  SHOW(dup(0));
}

CASE(end_of_file) {
  char c;
  new_pipe(0);
  SHOW(write(p[1], "x", 1));
  close(p[1]);
  SHOW(read(p[0], &c, 1));
  SHOW(read(p[0], &c, 1));
  SHOW(read(p[0], &c, 1));
}

CASE(end_of_file_needs_all_writers_gone) {
  char c;
  new_pipe(O_NONBLOCK);
  int copy = MUST(dup(p[1]));
  close(p[1]);
  SHOW(read(p[0], &c, 1));
  close(copy);
  SHOW(read(p[0], &c, 1));
}

CASE(broken_pipe) {
  new_pipe(0);
  close(p[0]);
  signal(SIGPIPE, SIG_IGN);
  SHOW(write(p[1], "x", 1));
  SHOW(write(p[1], "", 0));
  struct iovec iov = {"x", 1};
  SHOW(writev(p[1], &iov, 1));
}

static void on_pipe(int number) { say("handler: %s", signal_name(number)); }

CASE(broken_pipe_signal) {
  new_pipe(0);
  close(p[0]);
  signal(SIGPIPE, on_pipe);
  SHOW(write(p[1], "x", 1));
}

CASE(broken_pipe_kills) {
  pid_t pid = fork();
  if (pid == 0) {
    new_pipe(0);
    close(p[0]);
    write(p[1], "x", 1);
    say("still here");
    _exit(0);
  }
  reap("writer", pid);
}

CASE(broken_while_blocked) {
  new_pipe(0);
  fill(p[1]);
  MUST(fcntl(p[1], F_SETFL, 0));
  pid_t pid = fork();
  if (pid == 0) {
    signal(SIGPIPE, SIG_IGN);
    close(p[0]);
    SHOW(write(p[1], "x", 1));
    _exit(0);
  }
  let_it_block();
  close(p[0]);
  reap("writer", pid);
}

CASE(nonblocking) {
  char c;
  new_pipe(O_NONBLOCK);
  SHOW(read(p[0], &c, 1));
  SHOW(fill(p[1]));
  SHOW(write(p[1], "x", 1));
  SHOW(read(p[0], &c, 1));
  /* Room comes back by whole pages. */
  SHOW(write(p[1], "x", 1));
}

CASE(capacity) {
  new_pipe(O_NONBLOCK);
  SHOW(fcntl(p[1], F_GETPIPE_SZ));
  SHOW(fcntl(p[0], F_SETPIPE_SZ, 4096));
  SHOW(fcntl(p[1], F_GETPIPE_SZ));
  SHOW(fill(p[1]));
  SHOW(fcntl(p[1], F_SETPIPE_SZ, 5000));
  SHOW(fcntl(p[1], F_SETPIPE_SZ, 1 << 20));
  SHOW(fcntl(p[1], F_SETPIPE_SZ, 1));
  SHOW(fcntl(p[1], F_SETPIPE_SZ, 0));
  SHOW(fcntl(p[1], F_SETPIPE_SZ, -1));
  int fd = MUST(open("/dev/null", O_RDWR));
  SHOW(fcntl(fd, F_GETPIPE_SZ));
  SHOW(fcntl(77, F_GETPIPE_SZ));
}

CASE(shrinking_below_the_content) {
  char b[8192] = "";
  new_pipe(O_NONBLOCK);
  SHOW(write(p[1], b, 8192));
  SHOW(fcntl(p[1], F_SETPIPE_SZ, 4096));
  SHOW(read(p[0], b, 8192));
  SHOW(fcntl(p[1], F_SETPIPE_SZ, 4096));
}

CASE(partial_write_when_nonblocking) {
  static char big[200000];
  new_pipe(O_NONBLOCK);
  SHOW(write(p[1], big, sizeof big));
  SHOW(write(p[1], big, sizeof big));
  SHOW(read(p[0], big, 4096));
  /* Up to PIPE_BUF bytes go in whole or not at all; more may be cut. */
  SHOW(write(p[1], big, 4096));
  SHOW(read(p[0], big, 4096));
  SHOW(write(p[1], big, 5000));
}

CASE(fionread) {
  int n = -1;
  new_pipe(0);
  SHOW(ioctl(p[0], FIONREAD, &n));
  SHOW(n);
  SHOW(write(p[1], "12345", 5));
  SHOW(ioctl(p[0], FIONREAD, &n));
  SHOW(n);
  SHOW(ioctl(p[1], FIONREAD, &n));
  SHOW(n);
  SHOW(ioctl(p[0], FIONREAD, BAD_POINTER));
}

CASE(no_seeking) {
  char c;
  new_pipe(0);
  SHOW(lseek(p[0], 0, SEEK_SET));
  SHOW(pread(p[0], &c, 1, 0));
  SHOW(pwrite(p[1], &c, 1, 0));
  SHOW(ftruncate(p[1], 0));
  SHOW(fsync(p[1]));
  SHOW(fdatasync(p[0]));
}

CASE(bad_buffers) {
  char b[4] = "";
  new_pipe(O_NONBLOCK);
  SHOW(write(p[1], BAD_POINTER, 1));
  SHOW(read(p[0], BAD_POINTER, 1));
  SHOW(write(p[1], "abc", 3));
  SHOW(read(p[0], BAD_POINTER, 3));
  SHOW(read(p[0], b, 3));
  say_bytes("content", b, 3);
}

CASE(reader_is_woken) {
  char c;
  new_pipe(0);
  pid_t pid = fork();
  if (pid == 0) {
    let_it_block();
    say("about to write");
    write(p[1], "x", 1);
    _exit(0);
  }
  SHOW(read(p[0], &c, 1));
  reap("writer", pid);
}

CASE(reader_is_woken_by_the_last_close) {
  char c;
  new_pipe(0);
  pid_t pid = fork();
  if (pid == 0) {
    close(p[0]);
    let_it_block();
    _exit(0);
  }
  close(p[1]);
  SHOW(read(p[0], &c, 1));
  reap("writer", pid);
}

CASE(reader_is_woken_by_a_killed_writer) {
  char c;
  new_pipe(0);
  pid_t pid = fork();
  if (pid == 0) {
    close(p[0]);
    pause();
    _exit(0);
  }
  close(p[1]);
  let_it_block();
  kill(pid, SIGKILL);
  SHOW(read(p[0], &c, 1));
  reap("writer", pid);
}

CASE(writer_is_woken) {
  char b[4096];
  new_pipe(0);
  fill(p[1]);
  MUST(fcntl(p[1], F_SETFL, 0));
  pid_t pid = fork();
  if (pid == 0) {
    SHOW(write(p[1], "x", 1));
    _exit(0);
  }
  let_it_block();
  say("about to read");
  MUST(read(p[0], b, sizeof b));
  reap("writer", pid);
}

CASE(large_transfer) {
  new_pipe(0);
  pid_t pid = fork();
  if (pid == 0) {
    static unsigned char b[100000];
    close(p[0]);
    for (int i = 0; i < 100; i++) {
      memset(b, i, sizeof b);
      if (write(p[1], b, sizeof b) != sizeof b) _exit(1);
    }
    _exit(0);
  }
  close(p[1]);
  static unsigned char b[33333];
  unsigned long total = 0, sum = 0;
  long n;
  while ((n = read(p[0], b, sizeof b)) > 0) {
    total += n;
    for (long i = 0; i < n; i++) sum += b[i];
  }
  say("total %lu sum %lu", total, sum);
  reap("writer", pid);
}

CASE(small_writes_are_atomic) {
  /* Three writers of 100-byte records; a record may never be torn. */
  new_pipe(0);
  for (int i = 0; i < 3; i++)
    if (fork() == 0) {
      char b[100];
      memset(b, 'a' + i, sizeof b);
      for (int n = 0; n < 300; n++)
        if (write(p[1], b, sizeof b) != sizeof b) _exit(1);
      _exit(0);
    }
  close(p[1]);
  char b[100];
  int records = 0, torn = 0;
  for (;;) {
    size_t have = 0;
    long n;
    while (have < sizeof b && (n = read(p[0], b + have, sizeof b - have)) > 0) have += n;
    if (have == 0) break;
    records++;
    for (int i = 1; i < 100; i++)
      if (b[i] != b[0]) {
        torn++;
        break;
      }
  }
  say("records %d torn %d", records, torn);
}

CASE(packet_mode) {
  char b[10] = "";
  SHOW(pipe2(p, O_DIRECT));
  SHOW(write(p[1], "one", 3));
  SHOW(write(p[1], "two", 3));
  SHOW(read(p[0], b, 10));
  SHOW(read(p[0], b, 2));
  SHOW(fcntl(p[0], F_SETFL, O_NONBLOCK));
  SHOW(read(p[0], b, 10));
}

CASE(pipes_through_proc) {
  char path[64], b[10] = "";
  new_pipe(O_NONBLOCK);
  sprintf(path, "/proc/self/fd/%d", p[0]);
  int w = SHOW_AS("open for writing", open(path, O_WRONLY));
  SHOW(write(w, "abc", 3));
  SHOW(read(p[0], b, 10));
  ssize_t n = readlink(path, b, 5);
  say("%.5s %ld", b, (long)n);
}

CASE(fifo_basics) {
  char b[10] = "";
  SHOW(mkfifo("fifo", 0640));
  show_stat("fifo");
  SHOW(mkfifo("fifo", 0640));
  int rw = SHOW(open("fifo", O_RDWR));
  SHOW(write(rw, "abc", 3));
  SHOW(read(rw, b, 10));
  int r = SHOW(open("fifo", O_RDONLY | O_NONBLOCK));
  SHOW(read(r, b, 1));
  close(rw);
  SHOW(read(r, b, 1));
  SHOW(open("fifo", O_RDONLY | O_NONBLOCK | O_CREAT | O_EXCL, 0644));
  SHOW(open("fifo", O_RDWR | O_TRUNC));
  SHOW(lseek(r, 0, SEEK_SET));
}

CASE(fifo_without_a_partner) {
  MUST(mkfifo("fifo", 0644));
  SHOW(open("fifo", O_WRONLY | O_NONBLOCK));
  int r = SHOW(open("fifo", O_RDONLY | O_NONBLOCK));
  SHOW(open("fifo", O_WRONLY | O_NONBLOCK));
  close(r);
}

CASE(fifo_open_blocks_for_a_partner) {
  char b[10] = "";
  MUST(mkfifo("fifo", 0644));
  pid_t pid = fork();
  if (pid == 0) {
    let_it_block();
    say("writer opens");
    int w = MUST(open("fifo", O_WRONLY));
    MUST(write(w, "abc", 3));
    _exit(0);
  }
  int r = SHOW(open("fifo", O_RDONLY));
  SHOW(read(r, b, 10));
  SHOW(read(r, b, 10));
  reap("writer", pid);
}

static void on_alarm(__attribute__((unused)) int number) {}

CASE(fifo_open_is_interrupted) {
  MUST(mkfifo("fifo", 0644));
  struct sigaction action = {.sa_handler = on_alarm};
  sigaction(SIGALRM, &action, NULL);
  struct itimerval timer = {{0, 0}, {0, 50000}};
  setitimer(ITIMER_REAL, &timer, NULL);
  SHOW(open("fifo", O_WRONLY));
  setitimer(ITIMER_REAL, &timer, NULL);
  SHOW(open("fifo", O_RDONLY));
  SHOW(dup(0));
}

CASE(fifo_outlives_its_name) {
  char b[4] = "";
  MUST(mkfifo("fifo", 0644));
  int rw = MUST(open("fifo", O_RDWR));
  MUST(unlink("fifo"));
  SHOW(write(rw, "abc", 3));
  SHOW(read(rw, b, 3));
  MUST(mkfifo("fifo", 0644));
  int other = MUST(open("fifo", O_RDWR | O_NONBLOCK));
  SHOW(write(rw, "abc", 3));
  SHOW(read(other, b, 3));
}

CASE(splice) {
  char b[16] = "";
  put("f", "0123456789");
  int fd = MUST(open("f", O_RDWR));
  new_pipe(O_NONBLOCK);
  loff_t offset = 2;
  SHOW(splice(fd, &offset, p[1], NULL, 4, 0));
  SHOW(offset);
  SHOW(read(p[0], b, 16));
  say("%s", b);
  SHOW(splice(fd, NULL, p[1], NULL, 100, 0));
  SHOW(lseek(fd, 0, SEEK_CUR));
  SHOW(splice(fd, NULL, p[1], NULL, 100, 0));
  int out = MUST(open("out", O_RDWR | O_CREAT, 0644));
  SHOW(splice(p[0], NULL, out, NULL, 100, 0));
  say_content("out");
  SHOW(splice(p[0], NULL, out, NULL, 100, SPLICE_F_NONBLOCK));
  SHOW(splice(fd, NULL, out, NULL, 1, 0));
  SHOW(splice(p[0], &offset, out, NULL, 1, 0));
  SHOW(splice(77, NULL, p[1], NULL, 1, 0));
  SHOW(splice(fd, NULL, p[0], NULL, 1, 0));
  SHOW(splice(fd, NULL, p[1], NULL, 1, 0x100));
  SHOW(splice(fd, NULL, p[1], NULL, 0, 0));
}

CASE(splice_pipe_to_pipe) {
  char b[16] = "";
  int q[2];
  new_pipe(0);
  MUST(pipe(q));
  SHOW(write(p[1], "0123456789", 10));
  SHOW(splice(p[0], NULL, q[1], NULL, 4, 0));
  SHOW(read(q[0], b, 16));
  say("%s", b);
  SHOW(splice(p[0], NULL, p[1], NULL, 4, 0));
}

CASE(tee) {
  char b[16] = "";
  int q[2];
  new_pipe(0);
  MUST(pipe(q));
  SHOW(write(p[1], "0123456789", 10));
  SHOW(tee(p[0], q[1], 5, 0));
  SHOW(read(q[0], b, 16));
  say("%s", b);
  SHOW(read(p[0], b, 16));
  SHOW(tee(p[0], q[1], 5, SPLICE_F_NONBLOCK));
  SHOW(tee(p[0], p[1], 5, 0));
}

CASE(vmsplice) {
  char b[16] = "";
  new_pipe(0);
  struct iovec iov[] = {{"abc", 3}, {"def", 3}};
  SHOW(vmsplice(p[1], iov, 2, 0));
  SHOW(read(p[0], b, 16));
  say("%s", b);
  SHOW(vmsplice(77, iov, 1, 0));
}

CASE(sendfile) {
  put("f", "0123456789");
  int fd = MUST(open("f", O_RDONLY)), out = MUST(open("out", O_RDWR | O_CREAT, 0644));
  off_t offset = 3;
  SHOW(sendfile(out, fd, &offset, 4));
  SHOW(offset);
  SHOW(lseek(fd, 0, SEEK_CUR));
  SHOW(sendfile(out, fd, NULL, 100));
  SHOW(lseek(fd, 0, SEEK_CUR));
  say_content("out");
  SHOW(sendfile(out, fd, NULL, 100));
  new_pipe(0);
  offset = 0;
  SHOW(sendfile(p[1], fd, &offset, 5));
  SHOW(sendfile(out, p[0], NULL, 5));
  SHOW(sendfile(fd, out, NULL, 5));
  SHOW(sendfile(77, fd, NULL, 5));
  SHOW(sendfile(out, 77, NULL, 5));
  offset = -1;
  SHOW(sendfile(out, fd, &offset, 5));
  SHOW(sendfile(out, fd, BAD_POINTER, 5));
  int append = MUST(open("out", O_WRONLY | O_APPEND));
  SHOW(sendfile(append, fd, NULL, 1));
}
