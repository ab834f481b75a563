/* Resource limits and what they do. */
#include "harness.h"
#include <sys/resource.h>

static void say_limit(const char *what, int resource) {
  struct rlimit limit;
  if (getrlimit(resource, &limit) == -1)
    say("%s: %s", what, errno_name(errno));
  else
    say("%s: %ld %ld", what, (long)limit.rlim_cur, (long)limit.rlim_max);
}

static int set(int resource, long soft, long hard) {
  struct rlimit limit = {soft, hard};
  return setrlimit(resource, &limit);
}

CASE(set_and_get) {
  SHOW(set(RLIMIT_NOFILE, 100, 200));
  say_limit("NOFILE", RLIMIT_NOFILE);
  SHOW(set(RLIMIT_NOFILE, 200, 200));
  SHOW(set(RLIMIT_NOFILE, 201, 200));
  SHOW(set(RLIMIT_CORE, 0, 0));
  say_limit("CORE", RLIMIT_CORE);
  SHOW(set(RLIMIT_STACK, 1 << 20, 8 << 20));
  say_limit("STACK", RLIMIT_STACK);
}

CASE(errors) {
  struct rlimit limit;
  SHOW(getrlimit(99, &limit));
  SHOW(getrlimit(-1, &limit));
  SHOW(setrlimit(99, &limit));
  SHOW(syscall(SYS_getrlimit, RLIMIT_NOFILE, BAD_POINTER));
  SHOW(syscall(SYS_setrlimit, RLIMIT_NOFILE, BAD_POINTER));
  SHOW(prlimit(999999, RLIMIT_NOFILE, NULL, &limit));
  SHOW(prlimit(-1, RLIMIT_NOFILE, NULL, &limit));
  SHOW(prlimit(0, 99, NULL, &limit));
}

CASE(user_cannot_raise_the_hard_limit) {
  pid_t pid = fork();
  if (pid == 0) {
    MUST(set(RLIMIT_NOFILE, 50, 100));
    MUST(setuid(12345));
    SHOW(set(RLIMIT_NOFILE, 100, 100));
    SHOW(set(RLIMIT_NOFILE, 50, 101));
    SHOW(set(RLIMIT_NOFILE, 50, 60));
    SHOW(set(RLIMIT_NOFILE, 50, 100));
    _exit(0);
  }
  reap("user", pid);
}

CASE(prlimit_of_another_process) {
  struct rlimit limit = {77, 88}, old;
  pid_t pid = fork();
  if (pid == 0) {
    pause();
    _exit(0);
  }
  SHOW(prlimit(pid, RLIMIT_NOFILE, &limit, &old));
  SHOW(prlimit(pid, RLIMIT_NOFILE, NULL, &limit));
  say("%ld %ld", (long)limit.rlim_cur, (long)limit.rlim_max);
  kill(pid, SIGKILL);
  reap("child", pid);
}

CASE(inherited) {
  MUST(set(RLIMIT_NOFILE, 123, 456));
  pid_t pid = fork();
  if (pid == 0) {
    say_limit("child", RLIMIT_NOFILE);
    execl("/bin/sh", "sh", "-c", "ulimit -Sn; ulimit -Hn", (char *)NULL);
    _exit(1);
  }
  reap("child", pid);
}

CASE(file_size) {
  static char data[8192];
  signal(SIGXFSZ, SIG_IGN);
  MUST(set(RLIMIT_FSIZE, 5000, 5000));
  int fd = MUST(open("f", O_RDWR | O_CREAT, 0644));
  SHOW(write(fd, data, 4096));
  SHOW(write(fd, data, 4096));
  SHOW(write(fd, data, 4096));
  SHOW(pwrite(fd, data, 10, 4995));
  SHOW(pwrite(fd, data, 10, 6000));
  SHOW(ftruncate(fd, 6000));
  SHOW(ftruncate(fd, 4000));
  SHOW(fallocate(fd, 0, 0, 6000));
  show_stat("f");
}

CASE(file_size_signal) {
  pid_t pid = fork();
  if (pid == 0) {
    char data[100] = "";
    MUST(set(RLIMIT_FSIZE, 50, 50));
    MUST(set(RLIMIT_CORE, 0, 0));
    int fd = MUST(open("f", O_RDWR | O_CREAT, 0644));
    SHOW(write(fd, data, 100));
    write(fd, data, 100);
    say("not reached");
    _exit(0);
  }
  reap("writer", pid);
}

CASE(file_size_does_not_bind_pipes) {
  int p[2];
  MUST(set(RLIMIT_FSIZE, 10, 10));
  MUST(pipe(p));
  SHOW(write(p[1], "0123456789abcdef", 16));
}

CASE(address_space) {
  pid_t pid = fork();
  if (pid == 0) {
    MUST(set(RLIMIT_AS, 64 << 20, 64 << 20));
    SHOW_AS("mmap", mmap(NULL, 128 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? -1 : 0);
    SHOW(malloc(128 << 20) == NULL);
    _exit(0);
  }
  reap("child", pid);
}

CASE(data_segment) {
  pid_t pid = fork();
  if (pid == 0) {
    MUST(set(RLIMIT_DATA, 1 << 20, 1 << 20));
    SHOW(sbrk(8 << 20) == (void *)-1);
    _exit(0);
  }
  reap("child", pid);
}

CASE(cpu_time) {
  pid_t pid = fork();
  if (pid == 0) {
    MUST(set(RLIMIT_CORE, 0, 0));
    MUST(set(RLIMIT_CPU, 1, 2));
    for (volatile long i = 0;; i++) {
    }
  }
  reap("child", pid);
}

CASE(limits_that_can_only_be_lowered_here) {
  SHOW(set(RLIMIT_MEMLOCK, 4096, 4096));
  say_limit("MEMLOCK", RLIMIT_MEMLOCK);
  SHOW(set(RLIMIT_MSGQUEUE, 1000, 1000));
  say_limit("MSGQUEUE", RLIMIT_MSGQUEUE);
}

CASE(proc_self_limits) {
  char text[4096];
  MUST(set(RLIMIT_NOFILE, 123, 456));
  int fd = MUST(open("/proc/self/limits", O_RDONLY));
  ssize_t n = read(fd, text, sizeof text - 1);
  text[n > 0 ? n : 0] = 0;
  char *line = strstr(text, "Max open files");
  if (line != NULL) {
    *strchr(line, '\n') = 0;
    say("%s", line);
  }
  SHOW(strncmp(text, "Limit ", 6));
}
