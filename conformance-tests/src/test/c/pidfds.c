/* Processes as files: pidfd_open and its kin, CLONE_PIDFD, and memory of other processes. */
#include "harness.h"
#include <sys/epoll.h>
#include <sys/prctl.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#define PIDFD_NONBLOCK O_NONBLOCK
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif

static int pidfd_open_(pid_t pid, int flags) { return (int)syscall(SYS_pidfd_open, pid, flags); }

static int pidfd_signal(int fd, int signal, siginfo_t *info, unsigned flags) {
  return (int)syscall(SYS_pidfd_send_signal, fd, signal, info, flags);
}

static int pidfd_getfd_(int pidfd, int fd, unsigned flags) { return (int)syscall(SYS_pidfd_getfd, pidfd, fd, flags); }

static pid_t sleeper(void) {
  pid_t pid = MUST(fork());
  if (pid == 0) {
    for (;;) pause();
  }
  return pid;
}

static void say_ready(int fd, int timeout) {
  struct pollfd p = {fd, POLLIN | POLLRDNORM | POLLOUT, 0};
  int n = poll(&p, 1, timeout);
  say("poll: %d %#x", n, p.revents);
}

CASE(ready_when_it_has_ended) {
  pid_t pid = sleeper();
  int fd = OK(pidfd_open_(pid, 0));
  say_ready(fd, 0);
  kill(pid, SIGKILL);
  say_ready(fd, 3000);
  siginfo_t info;
  SHOW(waitid(P_PIDFD, fd, &info, WEXITED | WNOWAIT));
  say("code %d status %d", info.si_code, info.si_status);
  say_ready(fd, 0);
  reap("child", pid);
  struct pollfd p = {fd, POLLIN, 0};
  SHOW(poll(&p, 1, 0));
  say("in %d", p.revents & POLLIN);
  SHOW(waitid(P_PIDFD, fd, &info, WEXITED));
  SHOW(pidfd_signal(fd, 0, NULL, 0));
}

CASE(of_a_zombie_and_of_nobody) {
  siginfo_t info;
  pid_t pid = fork();
  if (pid == 0) _exit(3);
  MUST(waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
  int fd = OK(pidfd_open_(pid, 0));
  say_ready(fd, 0);
  SHOW(pidfd_signal(fd, SIGTERM, NULL, 0));
  reap("child", pid);
  SHOW(pidfd_open_(pid, 0));
  SHOW(pidfd_open_(0, 0));
  SHOW(pidfd_open_(-5, 0));
  SHOW(pidfd_open_(getpid(), 1));
  SHOW(pidfd_open_(99999999, 0));
}

CASE(opened_right_after_the_fork) {
  /* However short the child's life is: until it is reaped it can be opened. */
  int failed = 0;
  for (int i = 0; i < 50; i++) {
    pid_t pid = fork();
    if (pid == 0) _exit(i);
    int fd = pidfd_open_(pid, 0);
    failed += fd == -1;
    siginfo_t info = {0};
    if (fd != -1 && (waitid(P_PIDFD, fd, &info, WEXITED) != 0 || info.si_status != i)) failed++;
    if (fd == -1) waitpid(pid, NULL, 0);
    close(fd);
  }
  SHOW(failed);
}

CASE(nonblocking_wait) {
  siginfo_t info;
  pid_t pid = sleeper();
  int fd = OK(pidfd_open_(pid, PIDFD_NONBLOCK));
  SHOW(fcntl(fd, F_GETFL) & O_NONBLOCK);
  SHOW(waitid(P_PIDFD, fd, &info, WEXITED));
  info.si_pid = 77;
  SHOW(waitid(P_PIDFD, fd, &info, WEXITED | WNOHANG));
  SHOW(info.si_pid);
  SHOW(fcntl(fd, F_SETFL, 0));
  kill(pid, SIGKILL);
  SHOW(waitid(P_PIDFD, fd, &info, WEXITED));
  SHOW(info.si_pid == pid);
}

CASE(wait_that_makes_no_sense) {
  siginfo_t info;
  put("f", "x");
  int file = MUST(open("f", O_RDONLY));
  int me = MUST(pidfd_open_(getpid(), 0));
  SHOW(waitid(P_PIDFD, -1, &info, WEXITED));
  SHOW(waitid(P_PIDFD, 77, &info, WEXITED));
  SHOW(waitid(P_PIDFD, file, &info, WEXITED));
  SHOW(waitid(P_PIDFD, me, &info, WEXITED));
  SHOW(waitid(P_PIDFD, me, &info, 0));
  SHOW(waitid(P_PIDFD, me, &info, WEXITED | 0x1000));
}

static volatile sig_atomic_t got;
static siginfo_t got_info;
static void handler(int number, siginfo_t *info, void *context) {
  (void)context;
  got = number;
  got_info = *info;
}

CASE(signals) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &action, NULL);
  int fd = MUST(pidfd_open_(getpid(), 0));
  SHOW(pidfd_signal(fd, SIGUSR1, NULL, 0));
  say("got %d code %d from me %d", got, got_info.si_code, got_info.si_pid == getpid());
  siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};
  info.si_value.sival_int = 42;
  SHOW(pidfd_signal(fd, SIGUSR1, &info, 0));
  say("got %d code %d value %d", got, got_info.si_code, got_info.si_value.sival_int);
  SHOW(pidfd_signal(fd, SIGUSR2, &info, 0));
  SHOW(pidfd_signal(fd, SIGUSR1, BAD_POINTER, 0));
  SHOW(pidfd_signal(fd, 65, NULL, 0));
  SHOW(pidfd_signal(fd, -1, NULL, 0));
  SHOW(pidfd_signal(fd, 0, NULL, 8));
  SHOW(pidfd_signal(fd, 0, NULL, 3));
  SHOW(pidfd_signal(-1, 0, NULL, 0));
  SHOW(pidfd_signal(0, 0, NULL, 0));
}

CASE(signal_of_another_user) {
  pid_t pid = sleeper();
  int fd = MUST(pidfd_open_(pid, 0));
  pid_t user = fork();
  if (user == 0) {
    MUST(setgid(12345));
    MUST(setuid(12345));
    SHOW(pidfd_signal(fd, SIGTERM, NULL, 0));
    SHOW(pidfd_getfd_(fd, 0, 0));
    OK(pidfd_open_(pid, 0));
    _exit(0);
  }
  reap("user", user);
  kill(pid, SIGKILL);
  reap("sleeper", pid);
}

CASE(signal_wakes_who_sleeps) {
  pid_t pid = fork();
  if (pid == 0) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, NULL);
    int p[2];
    char b;
    MUST(pipe(p));
    long n = read(p[0], &b, 1);
    _exit(n == -1 && errno == EINTR && got == SIGUSR1 ? 0 : 1);
  }
  let_it_block();
  int fd = MUST(pidfd_open_(pid, 0));
  SHOW(pidfd_signal(fd, SIGUSR1, NULL, 0));
  reap("child", pid);
}

CASE(epoll_and_duplicates) {
  pid_t pid = sleeper();
  int fd = MUST(pidfd_open_(pid, 0)), copy = MUST(dup(fd)), ep = MUST(epoll_create1(0));
  struct epoll_event e = {.events = EPOLLIN, .data.u32 = 5};
  SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, copy, &e));
  close(fd);
  SHOW(epoll_wait(ep, &e, 1, 0));
  kill(pid, SIGTERM);
  SHOW(epoll_wait(ep, &e, 1, 3000));
  say("events %#x data %u", e.events, e.data.u32);
  SHOW(epoll_wait(ep, &e, 1, 0));
  reap("child", pid);
}

CASE(kept_by_a_child_and_over_exec) {
  /* An fd that is passed on tells of a process that is no child of the one that waits. */
  pid_t pid = sleeper();
  int fd = MUST(pidfd_open_(pid, 0));
  SHOW(fcntl(fd, F_GETFD));
  pid_t other = fork();
  if (other == 0) {
    siginfo_t info;
    say_ready(fd, 5000);
    SHOW(waitid(P_PIDFD, fd, &info, WEXITED));
    _exit(0);
  }
  let_it_block();
  kill(pid, SIGKILL);
  reap("watcher", other);
  reap("sleeper", pid);
}

CASE(file_operations) {
  char b[8];
  struct stat st;
  int fd = MUST(pidfd_open_(getpid(), 0));
  SHOW(read(fd, b, 8));
  SHOW(write(fd, b, 8));
  SHOW(lseek(fd, 0, SEEK_SET));
  SHOW(ioctl(fd, 0x5401, b));
  SHOW(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0));
  SHOW(fstat(fd, &st));
}

CASE(descriptors_of_another) {
  int p[2], ready[2];
  char b[4] = "";
  MUST(pipe(ready));
  pid_t pid = fork();
  if (pid == 0) {
    MUST(pipe(p));
    MUST(dup2(p[0], 50));
    if (write(p[1], "abc", 3) != 3 || write(ready[1], "x", 1) != 1) _exit(1);
    for (;;) pause();
  }
  if (read(ready[0], b, 1) != 1) _exit(1);
  int fd = MUST(pidfd_open_(pid, 0));
  int taken = OK(pidfd_getfd_(fd, 50, 0));
  SHOW(fcntl(taken, F_GETFD));
  SHOW(read(taken, b, 3));
  say("%s", b);
  SHOW(pidfd_getfd_(fd, 51, 0));
  SHOW(pidfd_getfd_(fd, -1, 0));
  SHOW(pidfd_getfd_(fd, 50, 1));
  SHOW(pidfd_getfd_(taken, 50, 0));
  kill(pid, SIGKILL);
  reap("child", pid);
  SHOW(pidfd_getfd_(fd, 50, 0));
}

CASE(clone_gives_one) {
  int fd = -1;
  siginfo_t info;
  pid_t pid = (pid_t)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &fd, NULL, 0);
  if (pid == 0) _exit(fcntl(fd == -1 ? 3 : fd, F_GETFD) == -1 ? 7 : 8); /* the child does not have it */
  say("fd %d flags %d", fd, fcntl(fd, F_GETFD));
  SHOW(waitid(P_PIDFD, fd, &info, WEXITED));
  say("code %d status %d mine %d", info.si_code, info.si_status, info.si_pid == pid);
  SHOW(pidfd_signal(fd, 0, NULL, 0));
}

CASE(clone_gives_one_as_vfork) {
  /* What Go does: the parent runs on in the child's place until that has executed something. */
  for (int i = 0; i < 3; i++) {
    int fd = -1;
    pid_t pid = (pid_t)syscall(SYS_clone, CLONE_PIDFD | CLONE_VFORK | SIGCHLD, NULL, &fd, NULL, 0);
    if (pid == 0) {
      execl("/bin/sh", "sh", "-c", "exit 5", (char *)NULL);
      _exit(1);
    }
    siginfo_t info;
    say_ready(fd, 3000);
    SHOW(waitid(P_PIDFD, fd, &info, WEXITED));
    say("status %d", info.si_status);
    close(fd);
  }
}

static int executes(void *code) {
  execl("/bin/sh", "sh", "-c", "exit $0", (char *)code, (char *)NULL);
  _exit(1);
}

static int ends(void *code) { _exit(*(char *)code); }

CASE(clone_gives_one_with_shared_memory) {
  /* posix_spawn and its like; the second child ends without another call. */
  static char stack[65536] __attribute__((aligned(16)));
  int flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD;
  for (int i = 0; i < 2; i++) {
    int fd = -1;
    siginfo_t info;
    pid_t pid = clone(i == 0 ? executes : ends, stack + sizeof stack, flags, "7", &fd);
    say("fd %d", fd);
    SHOW(fcntl(fd, F_GETFD));
    say_ready(fd, 3000);
    SHOW(waitid(P_PIDFD, fd, &info, WEXITED));
    say("status %d mine %d", info.si_status, info.si_pid == pid);
    close(fd);
  }
}

CASE(signal_of_a_thread) {
  int fd = REQUIRE(pidfd_open_(getpid(), O_EXCL)); /* PIDFD_THREAD */
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &action, NULL);
  SHOW(pidfd_signal(fd, SIGUSR1, NULL, 0));
  say("got %d code %d", got, got_info.si_code);
  SHOW(pidfd_signal(fd, SIGUSR1, NULL, 2));
  say("got %d code %d", got, got_info.si_code);
  int process = MUST(pidfd_open_(getpid(), 0));
  SHOW(pidfd_signal(process, SIGUSR1, NULL, 1));
  say("got %d code %d", got, got_info.si_code);
}

CASE(clone_gives_one_to_wait_for) {
  int fd = -1;
  pid_t pid = (pid_t)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &fd, NULL, 0);
  if (pid == 0) {
    for (;;) pause();
  }
  say_ready(fd, 0);
  SHOW(pidfd_signal(fd, SIGKILL, NULL, 0));
  say_ready(fd, 3000);
  reap("child", pid);
}

CASE(clone_that_fails) {
  int fd = -1;
  SHOW(syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, BAD_POINTER, NULL, 0));
  SHOW(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, NULL, &fd, NULL, 0));
  SHOW(syscall(SYS_clone, CLONE_PIDFD | 0x400000 | SIGCHLD, NULL, &fd, NULL, 0)); /* CLONE_DETACHED */
  /* CLONE_SIGHAND without CLONE_VM: nothing is left behind. */
  int before = MUST(dup(0));
  close(before);
  SHOW(syscall(SYS_clone, CLONE_PIDFD | CLONE_SIGHAND | SIGCHLD, NULL, &fd, NULL, 0));
  sched_yield();
  getppid();
  fork() == 0 ? _exit(0) : (void)0;
  wait(NULL);
  SHOW(dup(0) == before);
}

CASE(fdinfo) {
  char line[100];
  int fd = MUST(pidfd_open_(getpid(), 0));
  sprintf(line, "/proc/self/fdinfo/%d", fd);
  FILE *f = fopen(line, "r");
  int pid = 0;
  while (fgets(line, sizeof line, f) != NULL) {
    if (sscanf(line, "Pid: %d", &pid) == 1) say("Pid is mine: %d", pid == getpid());
    if (sscanf(line, "NSpid: %d", &pid) == 1) say("NSpid is mine: %d", pid == getpid());
  }
}

/* ---- process_vm_readv, process_vm_writev ---- */

static char shared_text[8192] = "text of the parent";

CASE(memory_of_a_child) {
  int ready[2];
  char c, got_text[32] = "";
  MUST(pipe(ready));
  pid_t pid = fork();
  if (pid == 0) {
    strcpy(shared_text, "text of the child");
    if (write(ready[1], "x", 1) != 1) _exit(1);
    for (;;) pause();
  }
  if (read(ready[0], &c, 1) != 1) _exit(1);
  struct iovec to = {got_text, 17}, from = {shared_text, 17};
  SHOW(process_vm_readv(pid, &to, 1, &from, 1, 0));
  say("%s", got_text);
  SHOW(process_vm_writev(pid, &(struct iovec){"by me", 5}, 1, &from, 1, 0));
  SHOW(process_vm_readv(pid, &to, 1, &from, 1, 0));
  say("%s, %s", got_text, shared_text);
  struct iovec two[2] = {{got_text, 4}, {got_text + 10, 4}}, three[3] = {{shared_text, 3}, {shared_text + 3, 0}, {shared_text + 8, 9}};
  SHOW(process_vm_readv(pid, two, 2, three, 3, 0));
  say_bytes("scattered", got_text, 17);
  SHOW(process_vm_readv(pid, &to, 1, &from, 1, 1));
  SHOW(process_vm_readv(pid, &to, 0, &from, 1, 0));
  SHOW(process_vm_readv(pid, &to, 1, &from, 0, 0));
  SHOW(process_vm_readv(pid, &to, 1025, &from, 1, 0));
  SHOW(process_vm_readv(pid, &to, 1, BAD_POINTER, 1, 0));
  SHOW(process_vm_readv(pid, &to, 1, &(struct iovec){(void *)8, 8}, 1, 0));
  SHOW(process_vm_readv(pid, &(struct iovec){BAD_POINTER, 8}, 1, &from, 1, 0));
  SHOW(process_vm_readv(99999999, &to, 1, &from, 1, 0));
  pid_t user = fork();
  if (user == 0) {
    MUST(setgid(12345));
    MUST(setuid(12345));
    SHOW(process_vm_readv(pid, &to, 1, &from, 1, 0));
    SHOW(process_vm_readv(getpid(), &to, 1, &from, 1, 0));
    _exit(0);
  }
  reap("user", user);
  kill(pid, SIGKILL);
  reap("child", pid);
  SHOW(process_vm_readv(pid, &to, 1, &from, 1, 0));
}

CASE(memory_that_ends) {
  char *page = MUST(mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  memset(page, 'x', 8192);
  MUST(munmap(page + 4096, 4096));
  static char buffer[8192];
  struct iovec to = {buffer, 8192}, from = {page + 4000, 200};
  SHOW(process_vm_readv(getpid(), &to, 1, &from, 1, 0));
  SHOW(process_vm_writev(getpid(), &to, 1, &from, 1, 0));
}
