/* flock, POSIX record locks, open file description locks. */
#include "harness.h"
#include <sys/file.h>

static int lock_with(int fd, int command, short type, off_t start, off_t length) {
  struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
  return fcntl(fd, command, &lock);
}

/* What another process sees with F_GETLK. */
static void say_lock(int fd, short type, off_t start, off_t length) {
  pid_t parent = getpid(), pid = fork();
  if (pid == 0) {
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    if (fcntl(fd, F_GETLK, &lock) == -1)
      say("F_GETLK: %s", errno_name(errno));
    else if (lock.l_type == F_UNLCK)
      say("[%ld,+%ld): free", (long)start, (long)length);
    else
      say("[%ld,+%ld): %s lock at %ld,+%ld of %s", (long)start, (long)length,
          lock.l_type == F_RDLCK ? "read" : "write", (long)lock.l_start, (long)lock.l_len,
          lock.l_pid == parent ? "parent" : lock.l_pid == -1 ? "a description" : "someone");
    _exit(0);
  }
  waitpid(pid, NULL, 0);
}

CASE(flock_between_descriptions) {
  put("f", "x");
  int a = MUST(open("f", O_RDONLY)), b = MUST(open("f", O_RDONLY));
  SHOW(flock(a, LOCK_EX | LOCK_NB));
  SHOW(flock(b, LOCK_EX | LOCK_NB));
  SHOW(flock(b, LOCK_SH | LOCK_NB));
  SHOW(flock(a, LOCK_SH | LOCK_NB));
  SHOW(flock(b, LOCK_SH | LOCK_NB));
  SHOW(flock(a, LOCK_EX | LOCK_NB));
  SHOW(flock(b, LOCK_UN));
  SHOW(flock(a, LOCK_EX | LOCK_NB));
  SHOW(flock(a, LOCK_UN));
  SHOW(flock(a, LOCK_UN));
}

CASE(flock_belongs_to_the_description) {
  put("f", "x");
  int a = MUST(open("f", O_RDONLY)), copy = MUST(dup(a)), b = MUST(open("f", O_RDONLY));
  SHOW(flock(a, LOCK_EX | LOCK_NB));
  SHOW(flock(copy, LOCK_EX | LOCK_NB));
  close(a);
  SHOW(flock(b, LOCK_EX | LOCK_NB));
  close(copy);
  SHOW(flock(b, LOCK_EX | LOCK_NB));
}

CASE(flock_is_kept_by_a_child) {
  put("f", "x");
  struct baton go = new_baton();
  int a = MUST(open("f", O_RDONLY)), b = MUST(open("f", O_RDONLY));
  MUST(flock(a, LOCK_EX));
  pid_t pid = fork();
  if (pid == 0) {
    await(go);
    _exit(0);
  }
  close(a);
  SHOW(flock(b, LOCK_EX | LOCK_NB));
  pass(go);
  reap("child", pid);
  SHOW(flock(b, LOCK_EX | LOCK_NB));
}

CASE(flock_blocks_and_wakes) {
  put("f", "x");
  struct baton locked = new_baton();
  pid_t pid = fork();
  if (pid == 0) {
    int fd = MUST(open("f", O_RDONLY));
    MUST(flock(fd, LOCK_EX));
    pass(locked);
    sleep_ms(100);
    say("holder lets go");
    _exit(0);
  }
  await(locked);
  int fd = MUST(open("f", O_RDONLY));
  SHOW(flock(fd, LOCK_EX));
  reap("holder", pid);
}

static void on_alarm(__attribute__((unused)) int number) {}

CASE(flock_is_interrupted) {
  put("f", "x");
  int a = MUST(open("f", O_RDONLY)), b = MUST(open("f", O_RDONLY));
  MUST(flock(a, LOCK_EX));
  struct sigaction action = {.sa_handler = on_alarm};
  sigaction(SIGALRM, &action, NULL);
  struct itimerval timer = {{0, 0}, {0, 50000}};
  setitimer(ITIMER_REAL, &timer, NULL);
  SHOW(flock(b, LOCK_EX));
}

CASE(flock_errors) {
  int pipes[2];
  put("f", "x");
  int fd = MUST(open("f", O_RDONLY));
  SHOW(flock(77, LOCK_EX));
  SHOW(flock(fd, 0));
  SHOW(flock(fd, LOCK_EX | LOCK_SH));
  SHOW(flock(MUST(open("f", O_PATH)), LOCK_EX));
  MUST(pipe(pipes));
  SHOW(flock(pipes[0], LOCK_EX | LOCK_NB));
  SHOW(flock(MUST(open(".", O_RDONLY)), LOCK_EX | LOCK_NB));
}

CASE(posix_ranges) {
  put("f", "0123456789");
  int fd = MUST(open("f", O_RDWR));
  SHOW(lock_with(fd, F_SETLK, F_WRLCK, 2, 4));
  say_lock(fd, F_RDLCK, 0, 2);
  say_lock(fd, F_RDLCK, 0, 3);
  say_lock(fd, F_RDLCK, 5, 1);
  say_lock(fd, F_RDLCK, 6, 1);
  say_lock(fd, F_WRLCK, 0, 0);
}

CASE(posix_split_and_merge) {
  put("f", "0123456789");
  int fd = MUST(open("f", O_RDWR));
  SHOW(lock_with(fd, F_SETLK, F_WRLCK, 0, 10));
  SHOW(lock_with(fd, F_SETLK, F_UNLCK, 4, 2));
  say_lock(fd, F_RDLCK, 0, 10);
  say_lock(fd, F_RDLCK, 4, 2);
  say_lock(fd, F_RDLCK, 5, 5);
  SHOW(lock_with(fd, F_SETLK, F_RDLCK, 3, 4));
  say_lock(fd, F_WRLCK, 3, 4);
  say_lock(fd, F_RDLCK, 3, 4);
  SHOW(lock_with(fd, F_SETLK, F_WRLCK, 0, 100));
  say_lock(fd, F_RDLCK, 50, 1);
  SHOW(lock_with(fd, F_SETLK, F_UNLCK, 0, 0));
  say_lock(fd, F_WRLCK, 0, 0);
}

CASE(posix_length_zero_and_negative) {
  put("f", "0123456789");
  int fd = MUST(open("f", O_RDWR));
  SHOW(lock_with(fd, F_SETLK, F_WRLCK, 5, 0));
  say_lock(fd, F_RDLCK, 0, 5);
  say_lock(fd, F_RDLCK, 1L << 40, 1);
  SHOW(lock_with(fd, F_SETLK, F_UNLCK, 0, 0));
  SHOW(lock_with(fd, F_SETLK, F_WRLCK, 5, -3));
  say_lock(fd, F_RDLCK, 0, 10);
  SHOW(lock_with(fd, F_SETLK, F_WRLCK, 2, -3));
  SHOW(lock_with(fd, F_SETLK, F_WRLCK, -1, 3));
  SHOW(lock_with(fd, F_SETLK, F_WRLCK, INT64_MAX, 2));
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = -2, .l_len = 2};
  SHOW(fcntl(fd, F_SETLK, &lock));
  say_lock(fd, F_RDLCK, 6, 10);
}

CASE(posix_conflicts) {
  put("f", "x");
  int fd = MUST(open("f", O_RDWR));
  SHOW(lock_with(fd, F_SETLK, F_RDLCK, 0, 1));
  pid_t pid = fork();
  if (pid == 0) {
    SHOW(lock_with(fd, F_SETLK, F_RDLCK, 0, 1));
    SHOW(lock_with(fd, F_SETLK, F_WRLCK, 0, 1));
    SHOW(lock_with(fd, F_SETLK, F_WRLCK, 1, 1));
    SHOW(lock_with(fd, F_SETLK, F_UNLCK, 0, 1));
    _exit(0);
  }
  reap("child", pid);
  SHOW(lock_with(fd, F_SETLK, F_WRLCK, 0, 1));
}

CASE(posix_lock_goes_with_any_close) {
  /* The famous surprise: closing any descriptor of the file drops the process's locks. */
  put("f", "x");
  int fd = MUST(open("f", O_RDWR)), other = MUST(open("f", O_RDONLY));
  SHOW(lock_with(fd, F_SETLK, F_WRLCK, 0, 1));
  say_lock(fd, F_WRLCK, 0, 1);
  close(other);
  say_lock(fd, F_WRLCK, 0, 1);
}

CASE(posix_lock_goes_with_the_process) {
  put("f", "x");
  int fd = MUST(open("f", O_RDWR));
  pid_t pid = fork();
  if (pid == 0) {
    MUST(lock_with(fd, F_SETLK, F_WRLCK, 0, 1));
    kill(getpid(), SIGKILL);
  }
  reap("holder", pid);
  SHOW(lock_with(fd, F_SETLK, F_WRLCK, 0, 1));
}

CASE(posix_blocks_and_wakes) {
  put("f", "x");
  struct baton locked = new_baton();
  int fd = MUST(open("f", O_RDWR));
  pid_t pid = fork();
  if (pid == 0) {
    MUST(lock_with(fd, F_SETLK, F_WRLCK, 0, 1));
    pass(locked);
    sleep_ms(100);
    say("holder unlocks");
    lock_with(fd, F_SETLK, F_UNLCK, 0, 1);
    sleep_ms(50);
    _exit(0);
  }
  await(locked);
  SHOW(lock_with(fd, F_SETLKW, F_WRLCK, 0, 1));
  reap("holder", pid);
}

CASE(posix_deadlock) {
  put("f", "01");
  struct baton ready = new_baton();
  int fd = MUST(open("f", O_RDWR));
  MUST(lock_with(fd, F_SETLK, F_WRLCK, 0, 1));
  pid_t pid = fork();
  if (pid == 0) {
    MUST(lock_with(fd, F_SETLK, F_WRLCK, 1, 1));
    pass(ready);
    int r = lock_with(fd, F_SETLKW, F_WRLCK, 0, 1);
    _exit(r == 0 ? 0 : 1);
  }
  await(ready);
  let_it_block();
  SHOW(lock_with(fd, F_SETLKW, F_WRLCK, 1, 1));
  lock_with(fd, F_SETLK, F_UNLCK, 0, 1);
  reap("other", pid);
}

CASE(posix_wait_is_interrupted) {
  put("f", "x");
  struct baton locked = new_baton(), done = new_baton();
  int fd = MUST(open("f", O_RDWR));
  pid_t pid = fork();
  if (pid == 0) {
    MUST(lock_with(fd, F_SETLK, F_WRLCK, 0, 1));
    pass(locked);
    await(done);
    _exit(0);
  }
  await(locked);
  struct sigaction action = {.sa_handler = on_alarm};
  sigaction(SIGALRM, &action, NULL);
  struct itimerval timer = {{0, 0}, {0, 50000}};
  setitimer(ITIMER_REAL, &timer, NULL);
  SHOW(lock_with(fd, F_SETLKW, F_WRLCK, 0, 1));
  pass(done);
  reap("holder", pid);
}

CASE(posix_errors) {
  put("f", "x");
  int r = MUST(open("f", O_RDONLY)), w = MUST(open("f", O_WRONLY)), rw = MUST(open("f", O_RDWR));
  SHOW(lock_with(r, F_SETLK, F_WRLCK, 0, 1));
  SHOW(lock_with(w, F_SETLK, F_RDLCK, 0, 1));
  SHOW(lock_with(rw, F_SETLK, 9, 0, 1));
  SHOW(lock_with(77, F_SETLK, F_WRLCK, 0, 1));
  SHOW(fcntl(rw, F_SETLK, BAD_POINTER));
  SHOW(fcntl(rw, F_GETLK, BAD_POINTER));
  SHOW(lock_with(rw, F_GETLK, F_UNLCK, 0, 1));
  struct flock lock = {.l_type = F_WRLCK, .l_whence = 9};
  SHOW(fcntl(rw, F_SETLK, &lock));
}

CASE(posix_locks_are_not_inherited) {
  put("f", "x");
  int fd = MUST(open("f", O_RDWR));
  MUST(lock_with(fd, F_SETLK, F_WRLCK, 0, 1));
  pid_t pid = fork();
  if (pid == 0) {
    SHOW(lock_with(fd, F_SETLK, F_WRLCK, 0, 1));
    close(fd);
    _exit(0);
  }
  reap("child", pid);
  say_lock(fd, F_WRLCK, 0, 1);
}

CASE(posix_locks_survive_exec) {
  put("f", "x");
  int fd = MUST(open("f", O_RDWR));
  struct baton out = new_baton(), in = new_baton();
  pid_t pid = fork();
  if (pid == 0) {
    MUST(lock_with(fd, F_SETLK, F_WRLCK, 0, 1));
    MUST(dup2(out.fds[1], 20));
    MUST(dup2(in.fds[0], 21));
    execl(harness_self, "locks", "@hold", (char *)NULL);
    _exit(1);
  }
  await(out);
  SHOW(lock_with(fd, F_SETLK, F_WRLCK, 0, 1));
  pass(in);
  reap("holder", pid);
}

HELPER(hold) {
  struct baton out = {{-1, 20}}, in = {{21, -1}};
  pass(out);
  await(in);
}

CASE(description_locks) {
  put("f", "x");
  int a = MUST(open("f", O_RDWR)), copy = MUST(dup(a)), b = MUST(open("f", O_RDWR));
  SHOW(lock_with(a, F_OFD_SETLK, F_WRLCK, 0, 1));
  SHOW(lock_with(copy, F_OFD_SETLK, F_WRLCK, 0, 1));
  SHOW(lock_with(b, F_OFD_SETLK, F_WRLCK, 0, 1));
  SHOW(lock_with(b, F_OFD_SETLK, F_WRLCK, 1, 1));
  SHOW(lock_with(b, F_SETLK, F_WRLCK, 0, 1));
  say_lock(a, F_WRLCK, 0, 1);
  close(a);
  SHOW(lock_with(b, F_OFD_SETLK, F_WRLCK, 0, 1));
  close(copy);
  SHOW(lock_with(b, F_OFD_SETLK, F_WRLCK, 0, 1));
  struct flock lock = {.l_type = F_WRLCK, .l_len = 1, .l_pid = 5};
  SHOW(fcntl(b, F_OFD_SETLK, &lock));
}

CASE(counter_under_lock) {
  /* Four processes add to a number in a file; without locks some would be lost. */
  put("f", "0");
  for (int i = 0; i < 4; i++)
    if (fork() == 0) {
      for (int n = 0; n < 50; n++) {
        int fd = MUST(open("f", O_RDWR));
        MUST(lock_with(fd, F_SETLKW, F_WRLCK, 0, 0));
        char b[20] = "";
        MUST(pread(fd, b, 19, 0));
        int length = sprintf(b, "%d", atoi(b) + 1);
        MUST(pwrite(fd, b, length, 0));
        close(fd);
      }
      _exit(0);
    }
  for (int i = 0; i < 4; i++) MUST(wait(NULL));
  say_content("f");
}
