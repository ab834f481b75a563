/* eventfd, timerfd, signalfd, pidfd. */
#include "harness.h"
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

static void say_poll(int fd) {
  struct pollfd pfd = {fd, POLLIN | POLLOUT, 0};
  poll(&pfd, 1, 0);
  say("poll:%s%s%s", pfd.revents & POLLIN ? " IN" : "", pfd.revents & POLLOUT ? " OUT" : "", pfd.revents & POLLERR ? " ERR" : "");
}

CASE(eventfd_counter) {
  uint64_t value = 7;
  int fd = SHOW(eventfd(5, 0));
  say_poll(fd);
  SHOW(write(fd, &value, 8));
  SHOW(read(fd, &value, 8));
  SHOW(value);
  say_poll(fd);
  SHOW(fcntl(fd, F_SETFL, O_NONBLOCK));
  SHOW(read(fd, &value, 8));
  value = 0;
  SHOW(write(fd, &value, 8));
  say_poll(fd);
}

CASE(eventfd_limits) {
  uint64_t value = UINT64_MAX;
  int fd = MUST(eventfd(0, EFD_NONBLOCK));
  SHOW(write(fd, &value, 8));
  value = UINT64_MAX - 1;
  SHOW(write(fd, &value, 8));
  say_poll(fd);
  value = 1;
  SHOW(write(fd, &value, 8));
  SHOW(read(fd, &value, 8));
  SHOW(value == UINT64_MAX - 1);
}

CASE(eventfd_semaphore) {
  uint64_t value;
  int fd = MUST(eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK));
  SHOW(read(fd, &value, 8));
  SHOW(value);
  SHOW(read(fd, &value, 8));
  SHOW(read(fd, &value, 8));
}

CASE(eventfd_errors) {
  uint64_t value = 1;
  SHOW(eventfd(0, 0x10));
  int fd = MUST(eventfd(1, EFD_CLOEXEC));
  SHOW(fcntl(fd, F_GETFD));
  SHOW(read(fd, &value, 7));
  SHOW(write(fd, &value, 7));
  SHOW(read(fd, BAD_POINTER, 8));
  SHOW(write(fd, BAD_POINTER, 8));
  SHOW(lseek(fd, 0, SEEK_SET));
  SHOW(pread(fd, &value, 8, 0));
  SHOW(ftruncate(fd, 0));
  struct stat st;
  SHOW(fstat(fd, &st));
  say("mode %o size %ld", st.st_mode, (long)st.st_size);
}

CASE(eventfd_wakes_reader) {
  uint64_t value;
  int fd = MUST(eventfd(0, 0));
  pid_t pid = fork();
  if (pid == 0) {
    let_it_block();
    value = 3;
    MUST(write(fd, &value, 8));
    _exit(0);
  }
  SHOW(read(fd, &value, 8));
  SHOW(value);
  reap("writer", pid);
}

CASE(eventfd_blocks_writer) {
  uint64_t value = UINT64_MAX - 1;
  int fd = MUST(eventfd(0, 0));
  MUST(write(fd, &value, 8));
  pid_t pid = fork();
  if (pid == 0) {
    let_it_block();
    MUST(read(fd, &value, 8));
    _exit(0);
  }
  value = 5;
  SHOW(write(fd, &value, 8));
  reap("reader", pid);
  SHOW(read(fd, &value, 8));
  SHOW(value);
}

CASE(timerfd_once) {
  uint64_t ticks = 0;
  struct itimerspec t = {{0, 0}, {0, 30000000}}, now;
  int fd = SHOW(timerfd_create(CLOCK_MONOTONIC, 0));
  say_poll(fd);
  long start = now_ms();
  SHOW(timerfd_settime(fd, 0, &t, NULL));
  SHOW(timerfd_gettime(fd, &now));
  say("running %d", now.it_value.tv_nsec > 0);
  SHOW(read(fd, &ticks, 8));
  SHOW(ticks);
  say_took("30 ms", start, 30);
  SHOW(timerfd_gettime(fd, &now));
  say("rest %ld.%09ld", now.it_value.tv_sec, now.it_value.tv_nsec);
}

CASE(timerfd_interval) {
  uint64_t ticks = 0;
  struct itimerspec t = {{0, 20000000}, {0, 20000000}};
  int fd = MUST(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
  SHOW(read(fd, &ticks, 8));
  SHOW(timerfd_settime(fd, 0, &t, NULL));
  sleep_ms(110);
  SHOW(read(fd, &ticks, 8));
  say("about five ticks: %d", ticks >= 5 && ticks < 200);
  memset(&t, 0, sizeof t);
  struct itimerspec old;
  SHOW(timerfd_settime(fd, 0, &t, &old));
  say("interval was %ld", old.it_interval.tv_nsec);
  sleep_ms(30);
  SHOW(read(fd, &ticks, 8));
}

CASE(timerfd_absolute) {
  uint64_t ticks = 0;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  struct itimerspec t = {{0, 0}, now};
  int fd = MUST(timerfd_create(CLOCK_REALTIME, 0));
  /* Already past: fires at once. */
  SHOW(timerfd_settime(fd, TFD_TIMER_ABSTIME, &t, NULL));
  SHOW(read(fd, &ticks, 8));
  SHOW(ticks);
}

CASE(timerfd_errors) {
  uint64_t ticks;
  struct itimerspec t = {{0, 0}, {0, 1000000000}};
  SHOW(timerfd_create(99, 0));
  SHOW(timerfd_create(CLOCK_MONOTONIC, 1));
  SHOW(timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0));
  int fd = MUST(timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC));
  SHOW(timerfd_settime(fd, 0, &t, NULL));
  t.it_value.tv_nsec = -1;
  SHOW(timerfd_settime(fd, 0, &t, NULL));
  t.it_value.tv_nsec = 1000;
  SHOW(timerfd_settime(fd, 0x100, &t, NULL));
  SHOW(timerfd_settime(77, 0, &t, NULL));
  SHOW(timerfd_settime(0, 0, &t, NULL));
  SHOW(timerfd_settime(fd, 0, BAD_POINTER, NULL));
  SHOW(timerfd_gettime(fd, BAD_POINTER));
  SHOW(timerfd_gettime(77, &t));
  SHOW(read(fd, &ticks, 4));
  SHOW(write(fd, &ticks, 8));
}

CASE(signalfd_reads) {
  struct signalfd_siginfo info[2];
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR1);
  sigaddset(&mask, SIGUSR2);
  sigprocmask(SIG_BLOCK, &mask, NULL);
  int fd = SHOW(signalfd(-1, &mask, SFD_NONBLOCK));
  say_poll(fd);
  SHOW(read(fd, info, sizeof info));
  raise(SIGUSR2);
  raise(SIGUSR1);
  raise(SIGUSR1);
  say_poll(fd);
  SHOW(read(fd, info, sizeof info));
  for (int i = 0; i < 2; i++)
    say("%s code %d pid %d uid %u", signal_name(info[i].ssi_signo), info[i].ssi_code, info[i].ssi_pid == (uint32_t)getpid(), info[i].ssi_uid);
  SHOW(read(fd, info, sizeof info));
  union sigval value = {.sival_int = 42};
  sigqueue(getpid(), SIGUSR1, value);
  SHOW(read(fd, info, sizeof info));
  say("value %d code %d", info[0].ssi_int, info[0].ssi_code);
}

CASE(signalfd_wakes_reader) {
  struct signalfd_siginfo info;
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR1);
  sigprocmask(SIG_BLOCK, &mask, NULL);
  int fd = MUST(signalfd(-1, &mask, 0));
  pid_t parent = getpid(), pid = fork();
  if (pid == 0) {
    let_it_block();
    kill(parent, SIGUSR1);
    _exit(0);
  }
  SHOW(read(fd, &info, sizeof info));
  say("%s from child %d", signal_name(info.ssi_signo), (pid_t)info.ssi_pid == pid);
  reap("child", pid);
}

CASE(signalfd_child) {
  struct signalfd_siginfo info;
  sigset_t mask;
  sigemptyset(&mask);
  sigaddset(&mask, SIGCHLD);
  sigprocmask(SIG_BLOCK, &mask, NULL);
  int fd = MUST(signalfd(-1, &mask, 0));
  pid_t pid = fork();
  if (pid == 0) _exit(9);
  SHOW(read(fd, &info, sizeof info));
  say("%s code %d status %d", signal_name(info.ssi_signo), info.ssi_code, info.ssi_status);
  reap("child", pid);
}

CASE(signalfd_change_mask_and_errors) {
  struct signalfd_siginfo info;
  sigset_t one, two;
  sigemptyset(&one);
  sigaddset(&one, SIGUSR1);
  sigemptyset(&two);
  sigaddset(&two, SIGUSR2);
  sigprocmask(SIG_BLOCK, &one, NULL);
  sigprocmask(SIG_BLOCK, &two, NULL);
  int fd = MUST(signalfd(-1, &one, SFD_NONBLOCK));
  raise(SIGUSR2);
  SHOW(read(fd, &info, sizeof info));
  SHOW(signalfd(fd, &two, 0));
  SHOW(read(fd, &info, sizeof info));
  SHOW(read(fd, &info, sizeof info - 1));
  SHOW(signalfd(77, &one, 0));
  SHOW(signalfd(0, &one, 0));
  SHOW(syscall(SYS_signalfd4, -1, &one, 8, 0x10));
  SHOW(syscall(SYS_signalfd4, -1, &one, 4, 0));
  SHOW(syscall(SYS_signalfd4, -1, BAD_POINTER, 8, 0));
}

CASE(pidfd) {
  siginfo_t info;
  pid_t pid = fork();
  if (pid == 0) {
    pause();
    _exit(0);
  }
  int fd = REQUIRE(syscall(SYS_pidfd_open, pid, 0));
  SHOW(fcntl(fd, F_GETFD));
  say_poll(fd);
  SHOW(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
  SHOW(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
  struct pollfd pfd = {fd, POLLIN, 0};
  SHOW(poll(&pfd, 1, 3000));
  SHOW(waitid(P_PIDFD, fd, &info, WEXITED));
  say("code %d status %s", info.si_code, signal_name(info.si_status));
  SHOW(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
  SHOW(syscall(SYS_pidfd_open, -1, 0));
  SHOW(syscall(SYS_pidfd_open, getpid(), 0x1000));
  SHOW(syscall(SYS_pidfd_send_signal, 0, SIGTERM, NULL, 0));
}
