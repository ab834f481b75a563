/* fork, vfork, clone, exit codes, wait4, waitid, orphans, process groups and sessions. */
#include "harness.h"
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static pid_t child_that_exits(int code) {
  pid_t pid = MUST(fork());
  if (pid == 0) _exit(code);
  return pid;
}

static pid_t child_that_waits(void) {
  pid_t pid = MUST(fork());
  if (pid == 0) {
    for (;;) pause();
  }
  return pid;
}

CASE(exit_codes) {
  int codes[] = {0, 1, 42, 127, 128, 255, 256, 257, -1};
  for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
    char what[20];
    sprintf(what, "exit(%d)", codes[i]);
    reap(what, child_that_exits(codes[i]));
  }
}

CASE(killed_by_signals) {
  int signals[] = {SIGHUP, SIGINT, SIGKILL, SIGTERM, SIGUSR1, SIGALRM, SIGPIPE, SIGABRT};
  for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
    pid_t pid = MUST(fork());
    if (pid == 0) {
      raise(signals[i]);
      _exit(99);
    }
    reap(signal_name(signals[i]), pid);
  }
}

CASE(faults_kill) {
  struct rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  pid_t pid = fork();
  if (pid == 0) {
    *(volatile int *)BAD_POINTER = 1;
    _exit(0);
  }
  reap("write to nowhere", pid);
  pid = fork();
  if (pid == 0) {
    __builtin_trap();
  }
  reap("trap", pid);
  pid = fork();
  if (pid == 0) {
    volatile int one = 1, zero = 0;
    _exit(one / zero);
  }
  reap("division", pid);
}

CASE(wait_variants) {
  int status;
  pid_t pid = child_that_exits(3);
  SHOW(waitpid(pid, &status, 0) == pid);
  say_status("status", status);
  SHOW(waitpid(pid, &status, 0));
  SHOW(wait(&status));
  pid = child_that_exits(4);
  SHOW(waitpid(-1, &status, 0) == pid);
  pid = child_that_exits(4);
  SHOW(waitpid(0, &status, 0) == pid);
  pid = child_that_exits(5);
  SHOW(wait(NULL) == pid);
  SHOW(waitpid(-1, NULL, WNOHANG));
  SHOW(waitpid(getpid(), NULL, 0));
  SHOW(waitpid(1, NULL, 0));
}

CASE(wnohang) {
  int status;
  pid_t pid = child_that_waits();
  SHOW(waitpid(pid, &status, WNOHANG));
  SHOW(waitpid(-1, &status, WNOHANG));
  kill(pid, SIGKILL);
  reap("child", pid);
  SHOW(waitpid(-1, &status, WNOHANG));
}

CASE(wait_errors) {
  int status;
  pid_t pid = child_that_exits(1);
  SHOW(waitpid(pid, &status, 0x1000));
  SHOW(syscall(SYS_wait4, pid, BAD_POINTER, 0, NULL));
  SHOW(waitpid(pid, &status, 0));
  SHOW(waitpid(INT32_MIN, &status, 0));
  siginfo_t info;
  SHOW(waitid(P_ALL, 0, &info, WEXITED));
  pid = child_that_exits(1);
  SHOW(waitid(P_PID, pid, &info, 0));
  SHOW(waitid(99, 0, &info, WEXITED));
  SHOW(waitid(P_PID, pid, &info, WEXITED | 0x10));
  SHOW(waitid(P_PID, 0, &info, WEXITED));
  SHOW(syscall(SYS_waitid, P_PID, pid, NULL, WEXITED, NULL));
}

CASE(waitid_reports) {
  siginfo_t info;
  memset(&info, 0, sizeof info);
  pid_t pid = child_that_exits(7);
  SHOW(waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
  say("%s code %d status %d pid %d uid %d", signal_name(info.si_signo), info.si_code, info.si_status, info.si_pid == pid, info.si_uid);
  SHOW(waitid(P_PID, pid, &info, WEXITED));
  SHOW(waitid(P_PID, pid, &info, WEXITED));
  pid = child_that_waits();
  memset(&info, 0xff, sizeof info);
  SHOW(waitid(P_PID, pid, &info, WEXITED | WNOHANG));
  say("signo %d pid %d", info.si_signo, info.si_pid);
  kill(pid, SIGTERM);
  SHOW(waitid(P_ALL, 0, &info, WEXITED));
  say("code %d status %s", info.si_code, signal_name(info.si_status));
}

CASE(stop_and_continue) {
  int status;
  pid_t pid = child_that_waits();
  kill(pid, SIGSTOP);
  SHOW(waitpid(pid, &status, WUNTRACED) == pid);
  say_status("child", status);
  SHOW(waitpid(pid, &status, WUNTRACED | WNOHANG));
  kill(pid, SIGCONT);
  SHOW(waitpid(pid, &status, WCONTINUED) == pid);
  say_status("child", status);
  /* The group is orphaned, so a stop from a terminal is dropped; in a group of its own it is not. */
  kill(pid, SIGTSTP);
  let_it_block();
  SHOW(waitpid(pid, &status, WUNTRACED | WNOHANG));
  MUST(setpgid(pid, pid));
  kill(pid, SIGTSTP);
  SHOW(waitpid(pid, &status, WUNTRACED) == pid);
  say_status("child", status);
  kill(pid, SIGKILL);
  reap("child", pid);
}

CASE(stop_and_continue_by_waitid) {
  siginfo_t info;
  pid_t pid = child_that_waits();
  kill(pid, SIGSTOP);
  SHOW(waitid(P_PID, pid, &info, WSTOPPED));
  say("code %d status %s", info.si_code, signal_name(info.si_status));
  kill(pid, SIGCONT);
  SHOW(waitid(P_PID, pid, &info, WCONTINUED));
  say("code %d status %s", info.si_code, signal_name(info.si_status));
  kill(pid, SIGKILL);
  SHOW(waitid(P_PID, pid, &info, WEXITED));
  say("code %d status %s", info.si_code, signal_name(info.si_status));
}

CASE(wait_for_a_group) {
  int status;
  pid_t a = child_that_waits(), b = child_that_exits(2);
  SHOW(setpgid(a, a));
  SHOW(waitpid(-a, &status, WNOHANG));
  SHOW(waitpid(-getpgrp(), &status, 0) == b);
  kill(-a, SIGKILL);
  SHOW(waitpid(-a, &status, 0) == a);
  SHOW(waitpid(-a, &status, 0));
}

CASE(many_children) {
  int sum = 0, status;
  for (int i = 0; i < 50; i++) child_that_exits(i);
  for (int i = 0; i < 50; i++) {
    MUST(wait(&status));
    sum += WEXITSTATUS(status);
  }
  SHOW(sum);
  SHOW(wait(&status));
}

CASE(children_in_order_of_death) {
  int status;
  pid_t a = child_that_waits(), b = child_that_waits();
  kill(b, SIGTERM);
  SHOW(wait(&status) == b);
  kill(a, SIGTERM);
  SHOW(wait(&status) == a);
}

CASE(resource_usage_of_children) {
  struct rusage usage;
  pid_t pid = fork();
  if (pid == 0) {
    volatile long x = 0;
    long start = clock();
    while (clock() - start < CLOCKS_PER_SEC / 20) x++;
    _exit(0);
  }
  int status;
  SHOW(wait4(pid, &status, 0, &usage) == pid);
  say("used time %d", usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec > 20000);
  SHOW(getrusage(RUSAGE_CHILDREN, &usage));
  say("children used time %d", usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec > 20000);
}

CASE(parent_ids) {
  pid_t parent = getpid(), pid = fork();
  if (pid == 0) _exit(getppid() == parent && getpid() != parent ? 0 : 1);
  reap("child", pid);
  SHOW(getpid() == syscall(SYS_gettid));
}

CASE(orphans_get_a_new_parent) {
  struct baton orphaned = new_baton(), done = new_baton();
  pid_t pid = fork();
  if (pid == 0) {
    pid_t middle = getpid();
    if (fork() == 0) {
      await(orphaned);
      while (getppid() == middle) sleep_ms(5);
      say("parent has changed");
      pass(done);
      _exit(0);
    }
    _exit(0);
  }
  reap("middle", pid);
  pass(orphaned);
  await(done);
}

CASE(subreaper_gets_orphans) {
  int is = 0;
  SHOW(prctl(PR_SET_CHILD_SUBREAPER, 1));
  SHOW(prctl(PR_GET_CHILD_SUBREAPER, &is));
  SHOW(is);
  struct baton orphaned = new_baton();
  pid_t self = getpid(), pid = fork();
  if (pid == 0) {
    if (fork() == 0) {
      await(orphaned);
      while (getppid() != self) sleep_ms(5);
      _exit(9);
    }
    _exit(0);
  }
  reap("middle", pid);
  pass(orphaned);
  int status;
  MUST(wait(&status));
  say_status("orphan", status);
}

CASE(ignored_sigchld_reaps_by_itself) {
  int status;
  signal(SIGCHLD, SIG_IGN);
  child_that_exits(3);
  SHOW(wait(&status));
  struct sigaction action = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
  sigaction(SIGCHLD, &action, NULL);
  pid_t pid = child_that_exits(3);
  SHOW(waitpid(pid, &status, 0));
}

CASE(double_fork) {
  struct baton orphaned = new_baton(), done = new_baton();
  pid_t pid = fork();
  if (pid == 0) {
    setsid();
    if (fork() == 0) {
      await(orphaned);
      say("daemon leads its session: %d", getsid(0) == getpid());
      pass(done);
      _exit(0);
    }
    _exit(0);
  }
  reap("middle", pid);
  pass(orphaned);
  await(done);
}

CASE(vfork_waits_for_exit) {
  volatile int shared = 0;
  pid_t pid = vfork();
  if (pid == 0) {
    shared = 1;
    _exit(5);
  }
  SHOW(shared);
  reap("child", pid);
}

CASE(vfork_and_exec) {
  for (int i = 0; i < 3; i++) {
    pid_t pid = vfork();
    if (pid == 0) {
      execl(harness_self, "process", "@exit_with", "6", (char *)NULL);
      _exit(1);
    }
    reap("child", pid);
  }
  pid_t pid = vfork();
  if (pid == 0) {
    execl("./missing", "missing", (char *)NULL);
    _exit(errno == ENOENT ? 44 : 1);
  }
  reap("failed exec", pid);
}

HELPER(exit_with) { _exit(atoi(argv[1])); }

static int clone_body(void *argument) {
  *(int *)argument = 77;
  return 8;
}

CASE(clone_variants) {
  static char stack[64 << 10] __attribute__((aligned(16)));
  int value = 0;
  pid_t pid = clone(clone_body, stack + sizeof stack, CLONE_VM | SIGCHLD, &value);
  reap("shared memory", pid);
  SHOW(value);
  value = 0;
  pid = clone(clone_body, stack + sizeof stack, SIGCHLD, &value);
  reap("own memory", pid);
  SHOW(value);
  pid = clone(clone_body, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &value);
  SHOW(value);
  reap("vfork", pid);
  pid_t tid = 0;
  pid = clone(clone_body, stack + sizeof stack, CLONE_PARENT_SETTID | SIGCHLD, &value, &tid, NULL, NULL);
  SHOW(tid == pid);
  reap("settid", pid);
}

CASE(clone_errors) {
  SHOW(syscall(SYS_clone, CLONE_SIGHAND | SIGCHLD, 0, 0, 0, 0));
  SHOW(syscall(SYS_clone, CLONE_THREAD | CLONE_VM, 0, 0, 0, 0));
  SHOW(syscall(SYS_clone, CLONE_NEWNS | CLONE_FS | SIGCHLD, 0, 0, 0, 0));
}

CASE(clone_without_signal_needs_wall) {
  static char stack[64 << 10] __attribute__((aligned(16)));
  int value = 0, status;
  pid_t pid = clone(clone_body, stack + sizeof stack, CLONE_VM, &value);
  SHOW(waitpid(pid, &status, 0));
  SHOW(waitpid(pid, &status, __WALL) == pid);
  say_status("child", status);
}

CASE(process_groups) {
  SHOW(getpgrp() == getpid());
  SHOW(getpgid(0) == getpid());
  pid_t pid = child_that_waits();
  SHOW(getpgid(pid) == getpid());
  SHOW(setpgid(pid, pid));
  SHOW(getpgid(pid) == pid);
  SHOW(setpgid(pid, getpid()));
  SHOW(getpgid(pid) == getpid());
  SHOW(setpgid(pid, 0));
  SHOW(getpgid(pid) == pid);
  kill(pid, SIGKILL);
  reap("child", pid);
  SHOW(getpgid(pid));
}

CASE(process_group_errors) {
  SHOW(setpgid(0, 0));
  SHOW(setpgid(1, 1));
  SHOW(setpgid(-1, 0));
  SHOW(setpgid(0, -1));
  SHOW(getpgid(-1));
  pid_t pid = child_that_waits();
  SHOW(setpgid(pid, 1));
  SHOW(setpgid(pid, 999999));
  kill(pid, SIGKILL);
  reap("child", pid);
}

CASE(setpgid_after_exec) {
  struct baton ready = new_baton();
  pid_t pid = fork();
  if (pid == 0) {
    dup2(ready.fds[1], 30);
    execl(harness_self, "process", "@ready_and_wait", (char *)NULL);
    _exit(1);
  }
  await(ready);
  SHOW(setpgid(pid, pid));
  kill(pid, SIGKILL);
  reap("child", pid);
}

HELPER(ready_and_wait) {
  if (write(30, "x", 1) != 1) _exit(1);
  pause();
}

CASE(sessions) {
  SHOW(getsid(0) == getpid());
  SHOW(setsid());
  pid_t pid = fork();
  if (pid == 0) {
    SHOW(getsid(0) == getppid());
    SHOW(setsid() == getpid());
    SHOW(getsid(0) == getpid());
    SHOW(getpgrp() == getpid());
    SHOW(setpgid(0, 0));
    SHOW(setsid());
    _exit(0);
  }
  reap("child", pid);
  SHOW(getsid(-1));
  SHOW(getsid(999999));
}

CASE(exit_closes_and_flushes_nothing) {
  char b[8];
  int p[2];
  MUST(pipe(p));
  pid_t pid = fork();
  if (pid == 0) {
    MUST(write(p[1], "x", 1));
    _exit(0);
  }
  reap("child", pid);
  close(p[1]);
  SHOW(read(p[0], b, 8));
  SHOW(read(p[0], b, 8));
}

CASE(parent_death_signal) {
  int number = -1;
  struct baton ready = new_baton(), died = new_baton();
  pid_t pid = fork();
  if (pid == 0) {
    if (fork() == 0) {
      SHOW(prctl(PR_SET_PDEATHSIG, SIGKILL));
      SHOW(prctl(PR_GET_PDEATHSIG, &number));
      SHOW(number);
      close(died.fds[0]);
      pass(ready);
      for (;;) pause();
    }
    close(died.fds[1]);
    await(ready);
    _exit(0);
  }
  close(died.fds[1]);
  reap("parent", pid);
  char c;
  /* The end of file says that the grandchild is gone. */
  SHOW(read(died.fds[0], &c, 1));
}

CASE(zombie_can_be_signalled) {
  pid_t pid = child_that_exits(1);
  siginfo_t info;
  MUST(waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
  SHOW(kill(pid, 0));
  SHOW(kill(pid, SIGKILL));
  reap("child", pid);
  SHOW(kill(pid, 0));
}

CASE(fork_storm) {
  int bad = 0;
  for (int i = 0; i < 200; i++) {
    int status;
    pid_t pid = fork();
    if (pid == 0) _exit(i & 0x7f);
    if (pid == -1 || waitpid(pid, &status, 0) != pid || WEXITSTATUS(status) != (i & 0x7f)) bad++;
  }
  SHOW(bad);
}

CASE(tree_of_processes) {
  /* Three levels of three children each; every one adds to a file. */
  int fd = MUST(open("f", O_WRONLY | O_CREAT | O_APPEND, 0644));
  for (int depth = 0; depth < 3; depth++) {
    int i;
    for (i = 0; i < 3; i++)
      if (fork() == 0) break;
    if (i == 3) {
      while (wait(NULL) > 0) {
      }
      MUST(write(fd, "n", 1));
      if (depth > 0) _exit(0);
      break;
    }
    if (depth == 2) {
      MUST(write(fd, "l", 1));
      _exit(0);
    }
  }
  struct stat st;
  MUST(stat("f", &st));
  SHOW(st.st_size);
}

CASE(environment_of_a_child) {
  setenv("COLOR", "green", 1);
  pid_t pid = fork();
  if (pid == 0) {
    say("%s", getenv("COLOR"));
    setenv("COLOR", "red", 1);
    _exit(0);
  }
  reap("child", pid);
  say("%s", getenv("COLOR"));
}
