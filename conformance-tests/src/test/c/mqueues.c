/* POSIX message queues. */
#include "harness.h"
#include <mqueue.h>

static const char *name(const char *what) {
  static char b[8][100];
  static int at;
  char *s = b[at++ % 8];
  sprintf(s, "/redoubt-%d-%s", getpid(), what);
  return s;
}

static mqd_t make(const char *n, int flags, long messages, long bytes) {
  struct mq_attr attr = {.mq_maxmsg = messages, .mq_msgsize = bytes};
  return mq_open(n, O_CREAT | flags, 0600, &attr);
}

static void say_attr(mqd_t q) {
  struct mq_attr attr;
  if (mq_getattr(q, &attr) == 0)
    say("flags %#lx max %ld size %ld current %ld", attr.mq_flags, attr.mq_maxmsg, attr.mq_msgsize, attr.mq_curmsgs);
  else
    say("mq_getattr: %s", errno_name(errno));
}

static void say_ready(mqd_t q) {
  struct pollfd p = {q, POLLIN | POLLOUT, 0};
  int n = poll(&p, 1, 0);
  say("poll: %d%s%s", n, p.revents & POLLIN ? " in" : "", p.revents & POLLOUT ? " out" : "");
}

CASE(names) {
  const char *n = name("a");
  SHOW(mq_open(n, O_RDWR));
  mqd_t q = OK(make(n, O_RDWR | O_EXCL, 2, 16));
  SHOW(make(n, O_RDWR | O_EXCL, 2, 16));
  SHOW(fcntl(q, F_GETFD));
  say_attr(q);
  OK(mq_open(n, O_RDONLY));
  SHOW(mq_unlink(n));
  SHOW(mq_unlink(n));
  SHOW(mq_send(q, "x", 1, 0));
  SHOW(syscall(SYS_mq_open, "", O_RDWR, 0, NULL));
  SHOW(syscall(SYS_mq_open, "a/b", O_RDWR | O_CREAT, 0600, NULL));
  SHOW(syscall(SYS_mq_open, ".", O_RDWR | O_CREAT, 0600, NULL));
  SHOW(syscall(SYS_mq_open, "..", O_RDWR, 0600, NULL));
  SHOW(syscall(SYS_mq_open, BAD_POINTER, O_RDWR, 0600, NULL));
  SHOW(syscall(SYS_mq_open, "x", O_RDWR | O_CREAT, 0600, BAD_POINTER));
  SHOW(syscall(SYS_mq_unlink, BAD_POINTER));
  char longer[300];
  memset(longer, 'a', 299);
  longer[299] = 0;
  SHOW(syscall(SYS_mq_open, longer, O_RDWR | O_CREAT, 0600, NULL));
}

CASE(attributes) {
  const char *n = name("b");
  SHOW(make(n, O_RDWR, 0, 16));
  SHOW(make(n, O_RDWR, 2, 0));
  SHOW(make(n, O_RDWR, -1, 16));
  SHOW(make(n, O_RDWR, 70000, 16));
  SHOW(make(n, O_RDWR, 1, 17 << 20));
  SHOW(mq_unlink(n));
  mqd_t q = OK(mq_open(n, O_CREAT | O_RDWR | O_NONBLOCK, 0600, NULL));
  say_attr(q);
  struct mq_attr attr = {.mq_flags = 0}, old;
  SHOW(mq_setattr(q, &attr, &old));
  say("%#lx", old.mq_flags);
  say_attr(q);
  attr.mq_flags = 1;
  SHOW(mq_setattr(q, &attr, NULL));
  attr.mq_flags = O_NONBLOCK;
  SHOW(mq_setattr(q, &attr, NULL));
  SHOW(fcntl(q, F_GETFL) & O_NONBLOCK);
  SHOW(mq_setattr(0, &attr, NULL));
  SHOW(mq_setattr(99, &attr, NULL));
  mq_unlink(n);
}

CASE(order_and_sizes) {
  char b[32] = "";
  unsigned priority = 9;
  mqd_t q = MUST(make(name("c"), O_RDWR | O_NONBLOCK, 4, 16));
  SHOW(mq_send(q, "low", 3, 1));
  SHOW(mq_send(q, "high", 4, 7));
  SHOW(mq_send(q, "low two", 7, 1));
  SHOW(mq_send(q, "", 0, 0));
  SHOW(mq_send(q, "full", 4, 0));
  say_ready(q);
  say_attr(q);
  for (int i = 0; i < 5; i++) {
    memset(b, 0, sizeof b);
    SHOW(mq_receive(q, b, 16, &priority));
    say("%s %u", b, priority);
  }
  say_ready(q);
  SHOW(mq_receive(q, b, 15, NULL));
  SHOW(mq_send(q, b, 17, 0));
  SHOW(mq_send(q, b, 1, 32767));
  SHOW(mq_send(q, b, 1, 32768));
  SHOW(mq_send(0, b, 1, 0));
  SHOW(mq_send(q, BAD_POINTER, 1, 0));
  SHOW(mq_receive(q, BAD_POINTER, 16, NULL));
  SHOW(mq_receive(q, b, 16, NULL));
  mq_unlink(name("c"));
}

CASE(access_modes) {
  const char *n = name("d");
  char b[16];
  mqd_t w = MUST(make(n, O_WRONLY | O_NONBLOCK, 2, 16)), r = MUST(mq_open(n, O_RDONLY | O_NONBLOCK));
  SHOW(mq_receive(w, b, 16, NULL));
  SHOW(mq_send(r, b, 1, 0));
  SHOW(mq_open(n, 3));
  pid_t pid = fork();
  if (pid == 0) {
    MUST(setgid(12345));
    MUST(setuid(12345));
    SHOW(mq_open(n, O_RDONLY));
    SHOW(mq_unlink(n));
    SHOW(make(name("e"), O_RDWR, 11, 16));
    SHOW(make(name("e"), O_RDWR, 10, 8193));
    const char *mine = name("mine");
    OK(make(mine, O_RDWR, 10, 8192));
    SHOW(mq_unlink(mine));
    _exit(0);
  }
  reap("user", pid);
  mq_unlink(n);
}

CASE(waits) {
  const char *n = name("f");
  char b[16] = "";
  struct timespec past = {1, 0}, bad = {1, 2000000000}, soon;
  mqd_t q = MUST(make(n, O_RDWR, 1, 16));
  SHOW(mq_timedreceive(q, b, 16, NULL, &past));
  SHOW(mq_timedreceive(q, b, 16, NULL, &bad));
  SHOW(mq_timedreceive(q, b, 16, NULL, BAD_POINTER));
  SHOW(mq_send(q, "x", 1, 0));
  SHOW(mq_timedsend(q, "x", 1, 0, &past));
  clock_gettime(CLOCK_REALTIME, &soon);
  soon.tv_nsec += 100000000;
  if (soon.tv_nsec >= 1000000000) soon.tv_sec++, soon.tv_nsec -= 1000000000;
  long start = now_ms();
  SHOW(mq_timedsend(q, "x", 1, 0, &soon));
  say_took("send", start, 100);
  pid_t pid = fork();
  if (pid == 0) {
    let_it_block();
    MUST(mq_receive(q, b, 16, NULL));
    let_it_block();
    MUST(mq_receive(q, b, 16, NULL));
    _exit(b[0] == 'y' ? 0 : 1);
  }
  SHOW(mq_send(q, "y", 1, 0));
  reap("receiver", pid);
  pid = fork();
  if (pid == 0) {
    let_it_block();
    MUST(mq_send(q, "late", 4, 3));
    _exit(0);
  }
  SHOW(mq_receive(q, b, 16, NULL));
  reap("sender", pid);
  mq_unlink(n);
}

static volatile sig_atomic_t told;
static siginfo_t told_info;
static void on_message(int number, siginfo_t *info, void *context) {
  (void)context;
  told = number;
  told_info = *info;
}

CASE(interrupted) {
  char b[16];
  struct sigaction action = {.sa_sigaction = on_message, .sa_flags = SA_SIGINFO};
  sigaction(SIGALRM, &action, NULL);
  mqd_t q = MUST(make(name("g"), O_RDWR, 1, 16));
  struct itimerval t = {{0, 0}, {0, 50000}};
  setitimer(ITIMER_REAL, &t, NULL);
  SHOW(mq_receive(q, b, 16, NULL));
  mq_unlink(name("g"));
}

CASE(notification) {
  const char *n = name("h");
  char b[16];
  struct sigaction action = {.sa_sigaction = on_message, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &action, NULL);
  mqd_t q = MUST(make(n, O_RDWR | O_NONBLOCK, 4, 16));
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
  event.sigev_value.sival_int = 77;
  SHOW(mq_notify(q, &event));
  SHOW(mq_notify(q, &event));
  pid_t pid = fork();
  if (pid == 0) {
    SHOW(mq_notify(q, &event));
    SHOW(mq_notify(q, NULL));
    SHOW(mq_send(q, "x", 1, 0));
    _exit(0);
  }
  reap("sender", pid);
  say("told %d code %d value %d", told, told_info.si_code, told_info.si_value.sival_int);
  told = 0;
  SHOW(mq_notify(q, &event));
  SHOW(mq_send(q, "y", 1, 0)); /* not the first message */
  say("told %d", told);
  SHOW(mq_receive(q, b, 16, NULL));
  SHOW(mq_receive(q, b, 16, NULL));
  SHOW(mq_send(q, "y", 1, 0));
  say("told %d", told);
  SHOW(mq_notify(q, NULL));
  event.sigev_signo = 99;
  SHOW(mq_notify(q, &event));
  event.sigev_notify = 77;
  SHOW(mq_notify(q, &event));
  event.sigev_notify = SIGEV_NONE;
  SHOW(mq_notify(q, &event));
  SHOW(mq_notify(q, NULL));
  SHOW(mq_notify(0, NULL));
  mq_unlink(n);
}

CASE(as_a_file) {
  char b[100] = "";
  struct stat st;
  mqd_t q = MUST(make(name("i"), O_RDWR, 4, 16));
  MUST(mq_send(q, "four", 4, 0));
  SHOW(read(q, b, 99));
  say("%s", b);
  SHOW(read(q, b, 99));
  SHOW(write(q, b, 1));
  SHOW(fstat(q, &st));
  say("%s %o size %ld uid %d", type_name(st.st_mode), st.st_mode & 07777, (long)st.st_size, st.st_uid);
  mq_unlink(name("i"));
}

CASE(kept_in_an_epoll) {
  mqd_t q = MUST(make(name("j"), O_RDWR, 1, 16));
  pid_t pid = fork();
  if (pid == 0) {
    let_it_block();
    MUST(mq_send(q, "x", 1, 0));
    _exit(0);
  }
  struct pollfd p = {q, POLLIN, 0};
  SHOW(poll(&p, 1, 3000));
  reap("sender", pid);
  mq_unlink(name("j"));
}
