/* Forks and clones at odd moments: a maker that changes, execs or dies before its child has made a call. */
#include "harness.h"
#include <pthread.h>
#include <sys/resource.h>

/* Passes time without a system call: the clock is read in the vDSO. */
static void spin_ms(long ms) {
  struct timespec start, now;
  clock_gettime(CLOCK_MONOTONIC, &start);
  do clock_gettime(CLOCK_MONOTONIC, &now);
  while ((now.tv_sec - start.tv_sec) * 1000 + (now.tv_nsec - start.tv_nsec) / 1000000 < ms);
}

static void crash(void) { *(volatile int *)16 = 1; }

/* Whether the last writer of a pipe goes within two seconds. */
static void show_end(int fd) {
  char c;
  struct pollfd p = {fd, POLLIN, 0};
  int n = poll(&p, 1, 2000);
  say("poll %d read %d", n, n == 1 ? (int)read(fd, &c, 1) : -1);
}

CASE(child_inherits_as_of_the_fork) {
  int p[2];
  MUST(pipe(p));
  pid_t pid = fork();
  if (pid == 0) {
    struct rlimit limit;
    spin_ms(150);
    MUST(getrlimit(RLIMIT_NOFILE, &limit));
    say("child: uid %d gid %d files %s", getuid(), getgid(), limit.rlim_cur == 77 ? "77" : "as before");
    _exit(0);
  }
  struct rlimit limit = {77, 77};
  MUST(setrlimit(RLIMIT_NOFILE, &limit));
  MUST(setgid(1000));
  MUST(setuid(1000));
  reap("child", pid);
  say("maker: uid %d gid %d", getuid(), getgid());
}

CASE(group_and_session_as_of_the_fork) {
  pid_t outer = fork();
  if (outer == 0) {
    pid_t group = getpgrp();
    pid_t pid = fork();
    if (pid == 0) {
      spin_ms(150);
      SHOW(getpgrp() == group);
      SHOW(setsid() > 0); /* allowed: it leads no group */
      _exit(0);
    }
    MUST(setpgid(0, 0));
    reap("child", pid);
    _exit(0);
  }
  reap("maker", outer);
}

CASE(maker_is_killed_before_the_child_calls) {
  for (int i = 0; i < 2; i++) {
    int p[2];
    char text[8] = {0};
    MUST(pipe(p));
    pid_t pid = fork();
    if (pid == 0) {
      if (fork() == 0) {
        spin_ms(150);
        MUST(write(p[1], "hello", 5));
        _exit(0);
      }
      if (i == 0) kill(getpid(), SIGKILL);
      crash();
    }
    close(p[1]);
    reap("maker", pid);
    SHOW(read(p[0], text, 5));
    say("%s", text);
    show_end(p[0]);
  }
}

CASE(child_dies_before_it_calls) {
  for (int i = 0; i < 3; i++) {
    int p[2];
    MUST(pipe(p));
    if (fork() == 0) {
      spin_ms(50 * i);
      crash();
    }
    if (i == 2 && fork() == 0) _exit(0); /* the maker forks meanwhile */
    close(p[1]);
    show_end(p[0]);
    close(p[0]);
  }
}

CASE(many_children_die_before_they_call) {
  int p[2], dead = 0, status;
  MUST(pipe(p));
  for (int i = 0; i < 50; i++)
    if (fork() == 0) crash();
  close(p[1]);
  while (wait(&status) > 0) dead += WIFSIGNALED(status);
  SHOW(dead);
  show_end(p[0]);
}

static void *sleep_long(void *argument) {
  struct timespec time = {1000, 0};
  nanosleep(&time, NULL); /* the only call that it ever makes, and a native one */
  return argument;
}

CASE(exec_beside_threads_that_never_called) {
  int p[2];
  MUST(pipe2(p, O_CLOEXEC));
  pid_t pid = fork();
  if (pid == 0) {
    pthread_t t;
    for (int i = 0; i < 3; i++) pthread_create(&t, NULL, sleep_long, NULL);
    spin_ms(50);
    execl("/bin/sleep", "sleep", "20", NULL);
    _exit(1);
  }
  close(p[1]);
  show_end(p[0]);
  kill(pid, SIGKILL);
  reap("sleep", pid);
}

static void *fork_and_spin(void *argument) {
  int *p = argument;
  if (fork() == 0) {
    spin_ms(200);
    MUST(write(p[1], "c", 1));
    _exit(0);
  }
  sleep_long(NULL);
  return NULL;
}

CASE(exec_while_another_threads_child_has_not_called) {
  int p[2];
  char c;
  MUST(pipe2(p, O_CLOEXEC));
  pid_t pid = fork();
  if (pid == 0) {
    pthread_t t;
    pthread_create(&t, NULL, fork_and_spin, p);
    spin_ms(50);
    execl("/bin/true", "true", NULL);
    _exit(1);
  }
  close(p[1]);
  reap("exec", pid);
  SHOW(read(p[0], &c, 1));
  show_end(p[0]);
}

CASE(child_of_the_parent) {
  int p[2];
  char c;
  MUST(pipe(p));
  pid_t pid = fork();
  if (pid == 0) {
    if (syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0) == 0) {
      spin_ms(100);
      MUST(write(p[1], "c", 1));
      _exit(7);
    }
    _exit(3);
  }
  close(p[1]);
  reap("maker", pid);
  SHOW(read(p[0], &c, 1));
  int status;
  SHOW(wait(&status) > 0);
  SHOW(WEXITSTATUS(status));
}

CASE(clones_that_fail_leave_nothing) {
  long failed = 0;
  int p[2];
  MUST(pipe(p));
  for (int i = 0; i < 3000; i++) {
    failed += syscall(SYS_clone, CLONE_THREAD, 0, 0, 0, 0) == -1 && errno == EINVAL;
    failed += syscall(SYS_clone, CLONE_SIGHAND, 0, 0, 0, 0) == -1 && errno == EINVAL;
    /* A thread area that no processor takes: only the host kernel says no. */
    failed += syscall(SYS_clone, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_SETTLS | CLONE_FILES | CLONE_FS,
                      0, 0, 0, 0xffff800000000000UL) == -1;
  }
  SHOW(failed);
  close(p[1]);
  show_end(p[0]);
}

static void *exec_later(void *argument) {
  spin_ms(50);
  execl("/bin/echo", "echo", "from the thread", NULL);
  return argument;
}

CASE(exec_after_the_leader_has_gone) {
  pid_t pid = fork();
  if (pid == 0) {
    pthread_t t;
    pthread_create(&t, NULL, exec_later, NULL);
    pthread_exit(NULL);
  }
  reap("exec", pid);
}

static void *exec_now(void *argument) {
  execl("/bin/true", "true", NULL);
  return argument;
}

/* Whoever is first: the process ends with 0, or with 5 by exit_group. */
CASE(exec_against_exec_and_exit) {
  int bad = 0;
  for (int i = 0; i < 60; i++) {
    int status;
    pid_t pid = fork();
    if (pid == 0) {
      pthread_t t;
      pthread_create(&t, NULL, sleep_long, NULL);
      pthread_create(&t, NULL, exec_now, NULL);
      spin_ms(i % 5);
      if (i % 2) exec_now(NULL);
      _exit(5);
    }
    if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 5)) {
      bad++;
      say("status %#x", status);
    }
  }
  SHOW(bad);
}

/* The runtime's own program for exec asks by a call number of its own. A program whose exec has failed may not. */
CASE(exec_that_fails_gives_no_rights) {
  static char big[200000], buffer[16384];
  memset(big, 'a', sizeof big - 1);
  char *arguments[] = {"su", big, NULL};
  MUST(setgid(1000));
  MUST(setuid(1000));
  long exec = execv("/bin/su", arguments); /* no other call between these */
  long load = syscall(0x7265, 1, buffer, sizeof buffer, 0, 0);
  long done = syscall(0x7265, 2, 0, 0, 0, 0);
  say("exec %ld load %ld done %ld: euid %d", exec, load, done, geteuid());
}
