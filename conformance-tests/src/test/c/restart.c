/* What a signal does to a call that waits: with SA_RESTART, without, with an ignored signal, with a stop. */
#include "harness.h"
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/un.h>

static volatile sig_atomic_t handled;

static void count(__attribute__((unused)) int number) { handled++; }

static void on_alarm(void (*handler)(int), int flags) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
  sigaction(SIGALRM, &action, NULL);
}

static void alarm_in_ms(long ms) {
  struct itimerval timer = {{0, 0}, {0, ms * 1000}};
  setitimer(ITIMER_REAL, &timer, NULL);
}

/* Runs this after some time in a child, so that a restarted call can end. */
#define LATER(ms, what)                                                                            \
  ({                                                                                               \
    pid_t pid_ = fork();                                                                           \
    if (pid_ == 0) {                                                                               \
      sleep_ms(ms);                                                                                \
      what;                                                                                        \
      _exit(0);                                                                                    \
    }                                                                                              \
    pid_;                                                                                          \
  })

static int p[2];
static char b[16];

/* The alarm comes at 40 ms, the data at 120 ms. */
CASE(read_pipe_restarts) {
  MUST(pipe(p));
  on_alarm(count, SA_RESTART);
  pid_t pid = LATER(120, write(p[1], "x", 1));
  alarm_in_ms(40);
  SHOW(read(p[0], b, 1));
  SHOW(handled);
  reap("writer", pid);
}

CASE(read_pipe_is_interrupted) {
  MUST(pipe(p));
  on_alarm(count, 0);
  alarm_in_ms(40);
  SHOW(read(p[0], b, 1));
  SHOW(handled);
}

CASE(write_pipe_is_interrupted) {
  static char big[100000];
  MUST(pipe(p));
  on_alarm(count, 0);
  alarm_in_ms(40);
  /* A part was written: the count comes back, not EINTR. */
  SHOW(write(p[1], big, sizeof big));
  alarm_in_ms(40);
  SHOW(write(p[1], big, sizeof big));
}

CASE(write_pipe_restarts) {
  static char big[65536], in[4096];
  MUST(pipe(p));
  on_alarm(count, SA_RESTART);
  MUST(write(p[1], big, sizeof big));
  pid_t pid = LATER(120, read(p[0], in, sizeof in));
  alarm_in_ms(40);
  SHOW(write(p[1], "x", 1));
  SHOW(handled);
  reap("reader", pid);
}

CASE(ignored_signal_does_nothing) {
  MUST(pipe(p));
  on_alarm(SIG_IGN, 0);
  pid_t pid = LATER(100, write(p[1], "x", 1));
  alarm_in_ms(40);
  SHOW(read(p[0], b, 1));
  reap("writer", pid);
}

CASE(blocked_signal_does_nothing) {
  sigset_t set;
  MUST(pipe(p));
  on_alarm(count, 0);
  sigemptyset(&set);
  sigaddset(&set, SIGALRM);
  sigprocmask(SIG_BLOCK, &set, NULL);
  pid_t pid = LATER(100, write(p[1], "x", 1));
  alarm_in_ms(40);
  SHOW(read(p[0], b, 1));
  SHOW(handled);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  SHOW(handled);
  reap("writer", pid);
}

CASE(stop_and_continue_does_nothing_to_read) {
  MUST(pipe(p));
  pid_t pid = fork();
  if (pid == 0) {
    SHOW(read(p[0], b, 1));
    _exit(0);
  }
  int status;
  let_it_block();
  kill(pid, SIGSTOP);
  MUST(waitpid(pid, &status, WUNTRACED));
  kill(pid, SIGCONT);
  MUST(waitpid(pid, &status, WCONTINUED));
  let_it_block();
  MUST(write(p[1], "x", 1));
  reap("reader", pid);
}

CASE(stop_and_continue_does_nothing_to_nanosleep_and_poll) {
  pid_t pid = fork();
  if (pid == 0) {
    struct timespec t = {0, 200000000};
    SHOW(nanosleep(&t, NULL));
    SHOW(poll(NULL, 0, 100));
    _exit(0);
  }
  int status;
  let_it_block();
  kill(pid, SIGSTOP);
  MUST(waitpid(pid, &status, WUNTRACED));
  kill(pid, SIGCONT);
  reap("sleeper", pid);
}

CASE(nanosleep_is_interrupted) {
  struct timespec t = {10, 0}, rest = {0, 0};
  on_alarm(count, SA_RESTART);
  alarm_in_ms(50);
  SHOW(nanosleep(&t, &rest));
  say("rest is less %d", rest.tv_sec == 9);
  alarm_in_ms(50);
  errno = 0;
  SHOW(clock_nanosleep(CLOCK_MONOTONIC, 0, &t, &rest));
  clock_gettime(CLOCK_MONOTONIC, &t);
  t.tv_sec += 10;
  alarm_in_ms(50);
  SHOW(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
}

CASE(sleep_errors) {
  struct timespec bad = {0, 1000000000}, negative = {-1, 0}, zero = {0, 0};
  SHOW(nanosleep(&bad, NULL));
  SHOW(nanosleep(&negative, NULL));
  SHOW(nanosleep(&zero, NULL));
  SHOW(syscall(SYS_nanosleep, BAD_POINTER, NULL));
  SHOW(syscall(SYS_clock_nanosleep, 99, 0, &zero, NULL));
  SHOW(syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &bad, NULL));
}

CASE(wait_restarts) {
  on_alarm(count, SA_RESTART);
  pid_t pid = LATER(120, (void)0);
  alarm_in_ms(40);
  int status;
  SHOW(waitpid(pid, &status, 0) == pid);
  SHOW(handled);
}

CASE(wait_is_interrupted) {
  on_alarm(count, 0);
  pid_t pid = LATER(200, (void)0);
  alarm_in_ms(40);
  int status;
  SHOW(waitpid(pid, &status, 0));
  siginfo_t info;
  alarm_in_ms(40);
  SHOW(waitid(P_PID, pid, &info, WEXITED));
  reap("child", pid);
}

CASE(futex_wait_is_interrupted) {
  static int word;
  on_alarm(count, 0);
  alarm_in_ms(40);
  SHOW(syscall(SYS_futex, &word, 0, 0, NULL, NULL, 0));
}

CASE(flock_restarts) {
  put("f", "x");
  int other = MUST(open("f", O_RDONLY));
  MUST(flock(other, LOCK_EX));
  on_alarm(count, SA_RESTART);
  pid_t pid = LATER(120, flock(other, LOCK_UN));
  int fd = MUST(open("f", O_RDONLY));
  alarm_in_ms(40);
  SHOW(flock(fd, LOCK_EX));
  SHOW(handled);
  reap("holder", pid);
}

CASE(sockets_restart) {
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
  on_alarm(count, SA_RESTART);
  pid_t pid = LATER(120, write(p[1], "x", 1));
  alarm_in_ms(40);
  SHOW(recv(p[0], b, 1, 0));
  SHOW(handled);
  reap("sender", pid);
}

CASE(sockets_are_interrupted) {
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
  on_alarm(count, 0);
  alarm_in_ms(40);
  SHOW(recv(p[0], b, 1, 0));
  /* With a receive timeout set, SA_RESTART has no effect: signal(7). */
  on_alarm(count, SA_RESTART);
  struct timeval tv = {5, 0};
  MUST(setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
  alarm_in_ms(40);
  SHOW(recv(p[0], b, 1, 0));
}

CASE(accept_restarts) {
  struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "sock"};
  int l = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  MUST(bind(l, (struct sockaddr *)&a, sizeof a));
  MUST(listen(l, 1));
  on_alarm(count, SA_RESTART);
  pid_t pid = LATER(120, connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&a, sizeof a));
  alarm_in_ms(40);
  SHOW(accept(l, NULL, NULL));
  SHOW(handled);
  reap("client", pid);
}

CASE(eventfd_restarts) {
  uint64_t value = 1;
  int fd = MUST(eventfd(0, 0));
  on_alarm(count, SA_RESTART);
  pid_t pid = LATER(120, write(fd, &value, 8));
  alarm_in_ms(40);
  SHOW(read(fd, &value, 8));
  SHOW(handled);
  reap("writer", pid);
}

CASE(fifo_open_restarts) {
  MUST(mkfifo("fifo", 0644));
  on_alarm(count, SA_RESTART);
  pid_t pid = LATER(120, open("fifo", O_WRONLY));
  alarm_in_ms(40);
  SHOW(open("fifo", O_RDONLY));
  SHOW(handled);
  reap("writer", pid);
}

CASE(regular_files_are_never_interrupted) {
  /* A timer every millisecond; no call on a file may see EINTR. */
  struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
  int bad = 0;
  on_alarm(count, SA_RESTART);
  setitimer(ITIMER_REAL, &often, NULL);
  for (int i = 0; i < 300; i++) {
    int fd = open("f", O_RDWR | O_CREAT, 0644);
    bad += fd == -1;
    bad += write(fd, "0123456789", 10) != 10;
    bad += pread(fd, b, 10, 0) != 10;
    struct stat st;
    bad += fstat(fd, &st) != 0;
    bad += close(fd) != 0;
  }
  setitimer(ITIMER_REAL, &never, NULL);
  SHOW(bad);
}

CASE(read_in_a_thread_is_interrupted) {
  MUST(pipe(p));
  struct sigaction action = {.sa_handler = count};
  sigaction(SIGUSR1, &action, NULL);
  pthread_t self = pthread_self();
  pid_t parent = getpid(), pid = LATER(60, kill(parent, SIGUSR1));
  SHOW(read(p[0], b, 1));
  SHOW(pthread_equal(self, pthread_self()) != 0);
  reap("sender", pid);
}

CASE(many_interruptions_restart_each_time) {
  struct itimerval often = {{0, 10000}, {0, 10000}}, never = {{0, 0}, {0, 0}};
  MUST(pipe(p));
  on_alarm(count, SA_RESTART);
  pid_t pid = LATER(200, write(p[1], "x", 1));
  setitimer(ITIMER_REAL, &often, NULL);
  SHOW(read(p[0], b, 1));
  setitimer(ITIMER_REAL, &never, NULL);
  say("more than three %d", handled > 3);
  reap("writer", pid);
}

static void longjmp_like(__attribute__((unused)) int number) {
  say("handler writes while the call waits");
  handled++;
}

CASE(handler_makes_system_calls) {
  MUST(pipe(p));
  on_alarm(longjmp_like, SA_RESTART);
  pid_t pid = LATER(120, write(p[1], "x", 1));
  alarm_in_ms(40);
  SHOW(read(p[0], b, 1));
  reap("writer", pid);
}

CASE(kill_ends_any_wait) {
  int calls = 5;
  for (int i = 0; i < calls; i++) {
    MUST(pipe(p));
    pid_t pid = fork();
    if (pid == 0) {
      struct epoll_event event;
      if (i == 0) read(p[0], b, 1);
      if (i == 1) poll(NULL, 0, -1);
      if (i == 2) epoll_wait(epoll_create1(0), &event, 1, -1);
      if (i == 3) select(0, NULL, NULL, NULL, NULL);
      if (i == 4) pause();
      _exit(0);
    }
    let_it_block();
    kill(pid, SIGKILL);
    reap("waiter", pid);
  }
}

/* ---- a thousand signals a second, and a handler without SA_RESTART ---- */

static void storm(void) {
  on_alarm(count, 0);
  struct itimerval timer = {{0, 1000}, {0, 1000}};
  MUST(setitimer(ITIMER_REAL, &timer, NULL));
}

static void calm(void) { MUST(setitimer(ITIMER_REAL, &(struct itimerval){{0, 0}, {0, 0}}, NULL)); }

/* Linux gives EINTR for none of these, signal or not. */
CASE(calls_that_never_wait_are_not_interrupted) {
  int interrupted = 0;
  struct stat st;
  storm();
  for (int until = handled + 300; handled < until;) {
    int fd = open("storm", O_CREAT | O_RDWR, 0600);
    interrupted += fd < 0;
    interrupted += stat("storm", &st) < 0;
    interrupted += write(fd, "x", 1) != 1;
    interrupted += lseek(fd, 0, SEEK_SET) != 0;
    interrupted += read(fd, b, 1) != 1;
    int other = dup(fd);
    interrupted += other < 0;
    interrupted += close(other) < 0;
    interrupted += close(fd) < 0;
    interrupted += rename("storm", "calm") < 0;
    interrupted += unlink("calm") < 0;
    interrupted += getuid() == (uid_t)-1;
  }
  calm();
  SHOW(interrupted);
}

CASE(fork_is_not_interrupted) {
  int failed = 0;
  storm();
  for (int i = 0; i < 100; i++) {
    pid_t pid = fork();
    if (pid == 0)
      _exit(0);
    failed += pid < 0;
    while (pid > 0 && waitpid(pid, NULL, 0) < 0)
      failed += errno != EINTR;
  }
  calm();
  SHOW(failed);
}

/* Ends of children are such signals as well: a shell does this in every pipeline. */
CASE(fork_while_children_end) {
  struct sigaction action = {.sa_handler = count};
  sigaction(SIGCHLD, &action, NULL);
  int failed = 0;
  for (int i = 0; i < 100; i++) {
    int ends[2];
    failed += pipe(ends) < 0;
    for (int k = 0; k < 3; k++) {
      pid_t pid = fork();
      if (pid == 0)
        _exit(0);
      failed += pid < 0;
    }
    failed += close(ends[0]) < 0;
    failed += close(ends[1]) < 0;
    while (wait(NULL) > 0 || errno == EINTR)
      ;
  }
  SHOW(failed);
}

/* What does wait in the host kernel still gives it: a program that counts on that would sleep for ever. */
static uint32_t never;

CASE(futex_wait_is_interrupted_each_time) {
  int other = 0;
  storm();
  for (int i = 0; i < 100; i++)
    other += syscall(SYS_futex, &never, 0, 0, NULL) != -1 || errno != EINTR;
  for (int i = 0; i < 100; i++)
    other += syscall(SYS_futex, &never, 9 | 128, 0, NULL, NULL, ~0u) != -1 || errno != EINTR;
  calm();
  SHOW(other);
}

CASE(wait_is_interrupted_each_time) {
  int other = 0;
  pid_t pid = fork();
  if (pid == 0) {
    pause();
    _exit(0);
  }
  storm();
  siginfo_t info;
  for (int i = 0; i < 50; i++) {
    other += waitpid(pid, NULL, 0) != -1 || errno != EINTR;
    other += waitid(P_PID, pid, &info, WEXITED) != -1 || errno != EINTR;
    other += waitpid(pid, NULL, WNOHANG) != 0;
  }
  calm();
  SHOW(other);
  kill(pid, SIGKILL);
  reap("child", pid);
}

CASE(futex_wake_is_never_interrupted) {
  int other = 0;
  storm();
  for (int until = handled + 100; handled < until;)
    other += syscall(SYS_futex, &never, 1, 1, NULL) != 0;
  calm();
  SHOW(other);
}

CASE(handlers_as_they_were_given) {
  struct sigaction old;
  on_alarm(count, 0);
  SHOW(sigaction(SIGALRM, NULL, &old));
  SHOW(old.sa_handler == count);
  SHOW(old.sa_flags & SA_RESTART);
  on_alarm(count, SA_RESTART | SA_NODEFER);
  SHOW(sigaction(SIGALRM, &(struct sigaction){.sa_handler = SIG_IGN}, &old));
  SHOW(old.sa_handler == count);
  SHOW(old.sa_flags & (SA_RESTART | SA_NODEFER));
  SHOW(sigaction(SIGALRM, &(struct sigaction){.sa_handler = count, .sa_flags = SA_RESETHAND}, &old));
  SHOW(old.sa_handler == SIG_IGN);
  SHOW(raise(SIGALRM));
  SHOW(handled);
  SHOW(sigaction(SIGALRM, NULL, &old));
  SHOW(old.sa_handler == SIG_DFL);
  SHOW(syscall(SYS_rt_sigaction, SIGALRM, NULL, (void *)1, 8));
  SHOW(syscall(SYS_rt_sigaction, SIGALRM, (void *)1, NULL, 8));
}

/* A child has its parent's handlers and changes its own alone. */
CASE(handlers_of_a_child) {
  on_alarm(count, 0);
  pid_t pid = fork();
  if (pid == 0) {
    raise(SIGALRM);
    struct sigaction old;
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = SIG_DFL}, &old);
    _exit(handled == 1 && old.sa_handler == count ? 7 : 8);
  }
  reap("child", pid);
  SHOW(raise(SIGALRM));
  SHOW(handled);
}

static int flags_of_the_handler;

static void *read_one(void *argument) {
  char byte;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  while (read(p[0], &byte, 1) < 0)
    if (flags_of_the_handler != 0 || errno != EINTR) say("read: %s", errno_name(errno));
  return argument;
}

/* Three threads wait and the signal is for one of them: the others must not notice. */
static void signals_to_one_of_several(int flags) {
  MUST(pipe(p));
  flags_of_the_handler = flags;
  struct sigaction action = {.sa_handler = count, .sa_flags = flags};
  sigaction(SIGUSR1, &action, NULL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  pthread_t t[3];
  for (int i = 0; i < 3; i++) pthread_create(&t[i], NULL, read_one, NULL);
  sleep_ms(100);
  pid_t parent = getpid(), pid = fork();
  if (pid == 0) {
    for (int i = 0; i < 20; i++) {
      kill(parent, SIGUSR1);
      sleep_ms(20);
    }
    _exit(0);
  }
  reap("killer", pid);
  MUST(write(p[1], "abc", 3));
  for (int i = 0; i < 3; i++) SHOW(pthread_join(t[i], NULL));
  SHOW(handled > 0);
}

CASE(signal_to_one_of_several_threads_restarts) { signals_to_one_of_several(SA_RESTART); }

CASE(signal_to_one_of_several_threads_interrupts) { signals_to_one_of_several(0); }

/* What the parent had once and has no longer: the child begins anew. */
CASE(handler_in_a_child_after_one_in_its_parent) {
  on_alarm(count, 0);
  SHOW(sigaction(SIGALRM, &(struct sigaction){.sa_handler = SIG_DFL}, NULL));
  pid_t pid = fork();
  if (pid == 0) {
    struct sigaction action = {.sa_handler = count};
    _exit(sigaction(SIGUSR1, &action, NULL) == 0 && raise(SIGUSR1) == 0 && handled == 1 ? 7 : 8);
  }
  reap("child", pid);
}
