/* dup, dup2, dup3, fcntl on descriptors, close_range, descriptor inheritance. */
#include "harness.h"
#include <sys/resource.h>

static int is_open(int fd) { return fcntl(fd, F_GETFD) != -1; }

CASE(dup) {
  put("f", "x");
  int fd = MUST(open("f", O_RDONLY | O_CLOEXEC));
  SHOW(dup(fd));
  SHOW(fcntl(4, F_GETFD));
  SHOW(fcntl(3, F_GETFD));
  SHOW(dup(77));
  SHOW(dup(-1));
}

CASE(dup2) {
  put("f", "x");
  int fd = MUST(open("f", O_RDONLY));
  SHOW(dup2(fd, 10));
  SHOW(dup2(fd, fd));
  SHOW(dup2(fd, -1));
  SHOW(dup2(77, 11));
  SHOW(dup2(77, 77));
  SHOW(dup2(-1, 5));
  SHOW(is_open(11));
  SHOW(dup2(fd, 1 << 30));
  MUST(fcntl(fd, F_SETFD, FD_CLOEXEC));
  SHOW(dup2(fd, fd));
  SHOW(fcntl(fd, F_GETFD));
  SHOW(dup2(fd, 12));
  SHOW(fcntl(12, F_GETFD));
}

CASE(dup2_closes_the_target) {
  int pipes[2];
  char c;
  MUST(pipe(pipes));
  int fd = MUST(open("/dev/null", O_RDONLY));
  SHOW(dup2(fd, pipes[1]));
  /* The write end is gone, so there is an end of file. */
  SHOW(read(pipes[0], &c, 1));
}

CASE(dup3) {
  put("f", "x");
  int fd = MUST(open("f", O_RDONLY));
  SHOW(dup3(fd, 10, O_CLOEXEC));
  SHOW(fcntl(10, F_GETFD));
  SHOW(dup3(fd, 10, 0));
  SHOW(fcntl(10, F_GETFD));
  SHOW(dup3(fd, fd, 0));
  SHOW(dup3(fd, 11, O_NONBLOCK));
  SHOW(dup3(77, 11, 0));
  SHOW(dup3(fd, -1, 0));
}

CASE(fcntl_dupfd) {
  put("f", "x");
  int fd = MUST(open("f", O_RDONLY));
  SHOW(fcntl(fd, F_DUPFD, 0));
  SHOW(fcntl(fd, F_DUPFD, 20));
  SHOW(fcntl(fd, F_DUPFD, 20));
  SHOW(fcntl(fd, F_DUPFD_CLOEXEC, 20));
  SHOW(fcntl(22, F_GETFD));
  SHOW(fcntl(fd, F_DUPFD, -1));
  SHOW(fcntl(fd, F_DUPFD, 1 << 30));
  SHOW(fcntl(77, F_DUPFD, 0));
}

CASE(fcntl_fd_flags) {
  int fd = MUST(open("/dev/null", O_RDONLY));
  SHOW(fcntl(fd, F_GETFD));
  SHOW(fcntl(fd, F_SETFD, FD_CLOEXEC));
  SHOW(fcntl(fd, F_GETFD));
  SHOW(fcntl(fd, F_SETFD, 0xfffe));
  SHOW(fcntl(fd, F_GETFD));
  SHOW(fcntl(77, F_GETFD));
  SHOW(fcntl(77, F_SETFD, 0));
}

CASE(fcntl_status_flags) {
  put("f", "x");
  int fd = MUST(open("f", O_RDWR));
  int copy = MUST(dup(fd));
  SHOW(fcntl(fd, F_SETFL, O_NONBLOCK | O_APPEND));
  say("%#o", fcntl(copy, F_GETFL));
  /* The access mode and creation flags cannot be changed; the attempt is ignored. */
  SHOW(fcntl(fd, F_SETFL, O_RDONLY | O_CREAT | O_TRUNC | O_EXCL));
  say("%#o", fcntl(fd, F_GETFL));
  SHOW(fcntl(fd, F_SETFL, -1));
  SHOW(fcntl(77, F_GETFL));
  SHOW(fcntl(77, F_SETFL, 0));
  int pipes[2];
  MUST(pipe2(pipes, O_NONBLOCK));
  say("%#o %#o", fcntl(pipes[0], F_GETFL), fcntl(pipes[1], F_GETFL));
}

CASE(fcntl_unknown) {
  int fd = MUST(open("/dev/null", O_RDONLY));
  SHOW(fcntl(fd, 9999, 0));
  SHOW(fcntl(fd, -1, 0));
  SHOW(fcntl(77, 9999, 0));
}

CASE(fcntl_owner) {
  int pipes[2];
  MUST(pipe(pipes));
  SHOW(fcntl(pipes[0], F_GETOWN));
  SHOW(fcntl(pipes[0], F_SETOWN, getpid()));
  SHOW(fcntl(pipes[0], F_GETOWN) == getpid());
  SHOW(fcntl(pipes[0], F_GETSIG));
  SHOW(fcntl(pipes[0], F_SETOWN, 0));
  SHOW(fcntl(pipes[0], F_GETOWN));
}

CASE(ioctl_on_descriptors) {
  int on = 1, n = -1;
  put("f", "01234");
  int fd = MUST(open("f", O_RDONLY));
  SHOW(ioctl(fd, FIOCLEX));
  SHOW(fcntl(fd, F_GETFD));
  SHOW(ioctl(fd, FIONCLEX));
  SHOW(fcntl(fd, F_GETFD));
  SHOW(ioctl(fd, FIONBIO, &on));
  say("%#o", fcntl(fd, F_GETFL));
  SHOW(ioctl(fd, FIONREAD, &n));
  SHOW(n);
  SHOW(ioctl(fd, TCGETS, &on));
  SHOW(ioctl(fd, 0xdeadbeef, &on));
  SHOW(ioctl(77, FIOCLEX));
  SHOW(ioctl(fd, FIONBIO, BAD_POINTER));
}

CASE(close_twice) {
  int fd = MUST(open("/dev/null", O_RDONLY));
  SHOW(close(fd));
  SHOW(close(fd));
  SHOW(close(INT32_MAX));
  SHOW(close(INT32_MIN));
}

static void open_many(void) {
  for (int fd = 10; fd < 20; fd++) MUST(dup2(0, fd));
}

static void say_open(void) {
  char text[41] = "";
  for (int fd = 0; fd < 40; fd++) text[fd] = is_open(fd) ? (fcntl(fd, F_GETFD) ? 'c' : 'o') : '.';
  say("%s", text);
}

CASE(close_range) {
  open_many();
  SHOW(syscall(SYS_close_range, 12, 14, 0));
  say_open();
  SHOW(syscall(SYS_close_range, 17, ~0u, 0));
  say_open();
  SHOW(syscall(SYS_close_range, 100, 200, 0));
  SHOW(syscall(SYS_close_range, 20, 10, 0));
  SHOW(syscall(SYS_close_range, 3, ~0u, 8));
}

CASE(close_range_cloexec) {
  open_many();
  SHOW(syscall(SYS_close_range, 12, 14, 4));
  say_open();
}

CASE(close_range_unshare) {
  open_many();
  SHOW(syscall(SYS_close_range, 12, 14, 2));
  say_open();
}

CASE(fork_copies_the_table) {
  open_many();
  pid_t pid = fork();
  if (pid == 0) {
    say_open();
    close(10);
    dup2(0, 30);
    _exit(0);
  }
  reap("child", pid);
  say_open();
}

CASE(clone_files_shares_the_table) {
  open_many();
  pid_t pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) {
    syscall(SYS_close, 10);
    syscall(SYS_dup2, 0, 30);
    syscall(SYS_exit, 0);
  }
  reap("child", pid);
  say_open();
}

CASE(exec_closes_cloexec) {
  open_many();
  MUST(fcntl(11, F_SETFD, FD_CLOEXEC));
  MUST(fcntl(15, F_SETFD, FD_CLOEXEC));
  pid_t pid = fork();
  if (pid == 0) {
    execl(harness_self, "fds", "@list_fds", (char *)NULL);
    _exit(1);
  }
  reap("child", pid);
  say_open();
}

HELPER(list_fds) { say_open(); }

CASE(nofile_limit) {
  struct rlimit limit = {20, 20};
  MUST(setrlimit(RLIMIT_NOFILE, &limit));
  int fd;
  while ((fd = dup(0)) != -1 && fd < 100) {
  }
  say("stopped with %s", errno_name(errno));
  SHOW(open("/dev/null", O_RDONLY));
  SHOW(dup2(0, 19));
  SHOW(dup2(0, 20));
  SHOW(fcntl(0, F_DUPFD, 20));
  SHOW(fcntl(0, F_DUPFD, 5));
  int pipes[2];
  SHOW(pipe(pipes));
  close(15);
  SHOW(pipe(pipes));
  SHOW(dup(0));
}

CASE(many_descriptors) {
  int count = 0;
  struct rlimit limit;
  MUST(getrlimit(RLIMIT_NOFILE, &limit));
  limit.rlim_cur = 4000;
  MUST(setrlimit(RLIMIT_NOFILE, &limit));
  while (dup(0) != -1) count++;
  say("stopped with %s", errno_name(errno));
  SHOW(count);
  for (int fd = 3; fd < 4000; fd += 2) close(fd);
  SHOW(dup(0));
  SHOW(dup(0));
  SHOW(dup2(0, 3999));
}

CASE(proc_self_fd_lists_them) {
  open_many();
  DIR *dir = opendir("/proc/self/fd");
  char *names[100];
  int count = 0;
  for (struct dirent *e; (e = readdir(dir)) != NULL;)
    if (e->d_name[0] != '.' && atoi(e->d_name) != dirfd(dir)) names[count++] = strdup(e->d_name);
  qsort(names, count, sizeof *names, compare_names);
  for (int i = 0; i < count; i++) say("%s", names[i]);
}

CASE(kcmp_and_same_description) {
  put("f", "x");
  int a = MUST(open("f", O_RDONLY)), b = MUST(dup(a)), c = MUST(open("f", O_RDONLY));
  SHOW(syscall(SYS_kcmp, getpid(), getpid(), 0, a, b));
  SHOW(syscall(SYS_kcmp, getpid(), getpid(), 0, a, c) != 0);
  SHOW(syscall(SYS_kcmp, getpid(), getpid(), 0, a, 77));
}

CASE(descriptor_passed_through_two_forks) {
  int pipes[2];
  char b[4] = "";
  MUST(pipe(pipes));
  pid_t pid = fork();
  if (pid == 0) {
    pid_t inner = fork();
    if (inner == 0) {
      if (write(pipes[1], "abc", 3) != 3) _exit(1);
      _exit(0);
    }
    reap("inner", inner);
    _exit(0);
  }
  reap("outer", pid);
  SHOW(read(pipes[0], b, 3));
  say("%s", b);
}

/*
 * Two processes that shared their descriptors and do no longer: what one has at a number is nothing that the other can map there. The
 * sandbox lends the host kernel a descriptor for each mapping, at the same number.
 */
static long foreign_pages(const char *file, char own) {
  int fd = MUST(open(file, O_RDONLY));
  MUST(dup2(fd, 50));
  long foreign = 0;
  for (int i = 0; i < 3000; i++) {
    char *p = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 50, 0);
    foreign += p == MAP_FAILED || *p != own;
    munmap(p, 4096);
  }
  return foreign;
}

CASE(mappings_after_unshare) {
  put("one", "1");
  put("two", "2");
  pid_t pid = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) {
    if (unshare(CLONE_FILES)) _exit(3);
    _exit(foreign_pages("two", '2') != 0);
  }
  long foreign = foreign_pages("one", '1');
  int status;
  MUST(waitpid(pid, &status, 0));
  SHOW(foreign);
  SHOW(status);
}
