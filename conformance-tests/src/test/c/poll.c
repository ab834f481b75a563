/* poll, ppoll, select, pselect. */
#include "harness.h"
#include <sys/select.h>
#include <sys/resource.h>
#include <sys/socket.h>

static void on_signal(__attribute__((unused)) int number) {}

static void handle(int number) {
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(number, &action, NULL);
}

static void alarm_in_ms(long ms) {
  struct itimerval timer = {{0, 0}, {ms / 1000, ms % 1000 * 1000}};
  setitimer(ITIMER_REAL, &timer, NULL);
}

static void say_events(const char *what, short events) {
  say("%s:%s%s%s%s%s%s%s%s%s", what, events & POLLIN ? " IN" : "", events & POLLOUT ? " OUT" : "",
      events & POLLPRI ? " PRI" : "", events & POLLERR ? " ERR" : "", events & POLLHUP ? " HUP" : "",
      events & POLLNVAL ? " NVAL" : "", events & POLLRDHUP ? " RDHUP" : "", events & POLLRDNORM ? " RDNORM" : "",
      events & POLLWRNORM ? " WRNORM" : "");
}

static void poll_one(const char *what, int fd) {
  struct pollfd pfd = {fd, POLLIN | POLLOUT | POLLPRI | POLLRDHUP | POLLRDNORM | POLLWRNORM, 0};
  int n = poll(&pfd, 1, 0);
  char text[100];
  sprintf(text, "%s (%d)", what, n);
  say_events(text, pfd.revents);
}

CASE(pipe_states) {
  int p[2];
  char b[70000] = "";
  MUST(pipe2(p, O_NONBLOCK));
  poll_one("empty, read end", p[0]);
  poll_one("empty, write end", p[1]);
  MUST(write(p[1], "x", 1));
  poll_one("one byte, read end", p[0]);
  while (write(p[1], b, sizeof b) > 0) {
  }
  poll_one("full, write end", p[1]);
  close(p[1]);
  poll_one("no writer, data left", p[0]);
  while (read(p[0], b, sizeof b) > 0) {
  }
  poll_one("no writer, nothing left", p[0]);
  MUST(pipe(p));
  close(p[0]);
  poll_one("no reader", p[1]);
}

CASE(always_ready) {
  put("f", "x");
  poll_one("file", MUST(open("f", O_RDWR)));
  poll_one("read-only file", MUST(open("f", O_RDONLY)));
  poll_one("directory", MUST(open(".", O_RDONLY)));
  poll_one("null", MUST(open("/dev/null", O_RDWR)));
  poll_one("zero", MUST(open("/dev/zero", O_RDWR)));
  poll_one("path", MUST(open("f", O_PATH)));
  poll_one("bad fd", 77);
  poll_one("negative fd", -1);
}

CASE(socket_states) {
  int s[2];
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  poll_one("new", s[0]);
  MUST(write(s[1], "x", 1));
  poll_one("readable", s[0]);
  shutdown(s[1], SHUT_WR);
  poll_one("peer shut down writing", s[0]);
  poll_one("having shut down writing", s[1]);
  close(s[1]);
  poll_one("peer gone", s[0]);
  int alone = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  poll_one("unconnected stream", alone);
  int dgram = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
  poll_one("unconnected dgram", dgram);
}

CASE(timeouts) {
  struct pollfd pfd = {-1, POLLIN, 0};
  long start = now_ms();
  SHOW(poll(&pfd, 1, 50));
  say_took("50 ms", start, 50);
  start = now_ms();
  SHOW(poll(NULL, 0, 50));
  say_took("50 ms", start, 50);
  SHOW(poll(&pfd, 1, 0));
  struct timespec t = {0, 50000000};
  start = now_ms();
  SHOW(ppoll(&pfd, 1, &t, NULL));
  say_took("50 ms", start, 50);
  struct timeval tv = {0, 50000};
  start = now_ms();
  SHOW(select(0, NULL, NULL, NULL, &tv));
  say_took("50 ms", start, 50);
  say("rest %ld.%06ld", tv.tv_sec, tv.tv_usec);
}

CASE(wakes_up) {
  int p[2];
  MUST(pipe(p));
  pid_t pid = fork();
  if (pid == 0) {
    let_it_block();
    say("writing");
    MUST(write(p[1], "x", 1));
    _exit(0);
  }
  struct pollfd pfd = {p[0], POLLIN, 0};
  SHOW(poll(&pfd, 1, -1));
  say_events("events", pfd.revents);
  reap("writer", pid);
}

CASE(wakes_up_on_hangup) {
  int p[2];
  MUST(pipe(p));
  pid_t pid = fork();
  if (pid == 0) {
    let_it_block();
    _exit(0);
  }
  close(p[1]);
  struct pollfd pfd = {p[0], 0, 0};
  SHOW(poll(&pfd, 1, -1));
  say_events("events", pfd.revents);
  reap("writer", pid);
}

CASE(many) {
  struct pollfd pfds[200];
  int p[2];
  for (int i = 0; i < 200; i++) {
    MUST(pipe(p));
    pfds[i] = (struct pollfd){p[0], POLLIN, 0};
    if (i % 50 == 7) MUST(write(p[1], "x", 1));
  }
  SHOW(poll(pfds, 200, 1000));
  for (int i = 0; i < 200; i++)
    if (pfds[i].revents) say("%d ready", i);
}

CASE(same_descriptor_twice) {
  int p[2];
  MUST(pipe(p));
  MUST(write(p[1], "x", 1));
  struct pollfd pfds[] = {{p[0], POLLIN, 0}, {p[0], POLLIN, 0}, {p[0], 0, 0}, {p[1], POLLOUT, 0}};
  SHOW(poll(pfds, 4, 0));
  for (int i = 0; i < 4; i++) say_events("entry", pfds[i].revents);
}

CASE(errors) {
  struct pollfd pfd = {-1, 0, 0};
  struct timespec bad = {0, 1000000000}, negative = {-1, 0};
  SHOW(syscall(SYS_poll, BAD_POINTER, 1, 0));
  SHOW(syscall(SYS_poll, NULL, 0, 0));
  SHOW(syscall(SYS_poll, &pfd, 1 << 24, 0));
  SHOW(syscall(SYS_ppoll, &pfd, 1, &bad, NULL, 8));
  SHOW(syscall(SYS_ppoll, &pfd, 1, &negative, NULL, 8));
  SHOW(syscall(SYS_ppoll, &pfd, 1, BAD_POINTER, NULL, 8));
  SHOW(syscall(SYS_ppoll, &pfd, 1, NULL, BAD_POINTER, 8));
  SHOW(syscall(SYS_ppoll, &pfd, 1, NULL, &bad, 3));
  struct rlimit limit = {10, 10};
  MUST(setrlimit(RLIMIT_NOFILE, &limit));
  struct pollfd eleven[11];
  for (int i = 0; i < 11; i++) eleven[i] = pfd;
  SHOW(poll(eleven, 11, 0));
  SHOW(poll(eleven, 10, 0));
}

CASE(interrupted) {
  handle(SIGALRM);
  struct pollfd pfd = {-1, POLLIN, 0};
  alarm_in_ms(50);
  SHOW(poll(&pfd, 1, -1));
  alarm_in_ms(50);
  SHOW(ppoll(&pfd, 1, NULL, NULL));
  alarm_in_ms(50);
  SHOW(select(0, NULL, NULL, NULL, NULL));
  /* SA_RESTART makes no difference to these. */
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &action, NULL);
  alarm_in_ms(50);
  SHOW(poll(&pfd, 1, -1));
  alarm_in_ms(50);
  SHOW(select(0, NULL, NULL, NULL, NULL));
}

CASE(ignored_signal_does_not_interrupt) {
  signal(SIGALRM, SIG_IGN);
  alarm_in_ms(30);
  long start = now_ms();
  SHOW(poll(NULL, 0, 100));
  say_took("100 ms", start, 100);
}

CASE(ppoll_mask) {
  sigset_t block, none;
  sigemptyset(&none);
  sigemptyset(&block);
  sigaddset(&block, SIGUSR1);
  sigprocmask(SIG_BLOCK, &block, NULL);
  handle(SIGUSR1);
  raise(SIGUSR1);
  struct timespec t = {1, 0};
  /* Pending and blocked: delivered as soon as ppoll unblocks it. */
  SHOW(ppoll(NULL, 0, &t, &none));
  sigset_t now;
  sigprocmask(SIG_SETMASK, NULL, &now);
  SHOW(sigismember(&now, SIGUSR1));
  sigpending(&now);
  SHOW(sigismember(&now, SIGUSR1));
  t.tv_sec = 0;
  SHOW(ppoll(NULL, 0, &t, &block));
}

CASE(ppoll_mask_when_ready) {
  /* A descriptor is ready and a signal is pending: what is ready wins. */
  int p[2];
  sigset_t block, none;
  MUST(pipe(p));
  MUST(write(p[1], "x", 1));
  sigemptyset(&none);
  sigemptyset(&block);
  sigaddset(&block, SIGUSR1);
  sigprocmask(SIG_BLOCK, &block, NULL);
  handle(SIGUSR1);
  raise(SIGUSR1);
  struct pollfd pfd = {p[0], POLLIN, 0};
  SHOW(ppoll(&pfd, 1, NULL, &none));
}

CASE(select_sets) {
  int p[2];
  MUST(pipe(p));
  fd_set r, w, e;
  FD_ZERO(&r);
  FD_ZERO(&w);
  FD_ZERO(&e);
  FD_SET(p[0], &r);
  FD_SET(p[1], &w);
  FD_SET(p[0], &e);
  struct timeval tv = {0, 0};
  SHOW(select(10, &r, &w, &e, &tv));
  say("r %d w %d e %d", FD_ISSET(p[0], &r), FD_ISSET(p[1], &w), FD_ISSET(p[0], &e));
  MUST(write(p[1], "x", 1));
  FD_SET(p[0], &r);
  SHOW(select(10, &r, &w, NULL, &tv));
  say("r %d w %d", FD_ISSET(p[0], &r), FD_ISSET(p[1], &w));
  close(p[1]);
  FD_ZERO(&r);
  FD_SET(p[0], &r);
  SHOW(select(10, &r, NULL, NULL, NULL));
  /* Beyond nfds nothing is looked at and nothing is changed. */
  FD_ZERO(&r);
  FD_SET(5, &r);
  FD_SET(p[0], &r);
  SHOW(select(p[0] + 1, &r, NULL, NULL, &tv));
}

CASE(select_errors) {
  fd_set r;
  FD_ZERO(&r);
  FD_SET(50, &r);
  struct timeval tv = {0, 0}, negative = {-1, 0};
  SHOW(select(51, &r, NULL, NULL, &tv));
  SHOW(select(-1, NULL, NULL, NULL, &tv));
  SHOW(select(0, NULL, NULL, NULL, &negative));
  SHOW(syscall(SYS_select, 10, BAD_POINTER, NULL, NULL, &tv));
  SHOW(syscall(SYS_select, 0, NULL, NULL, NULL, BAD_POINTER));
  FD_ZERO(&r);
  SHOW(select(1024, &r, NULL, NULL, &tv));
  struct timespec bad = {0, -5};
  SHOW(syscall(SYS_pselect6, 0, NULL, NULL, NULL, &bad, NULL));
  SHOW(syscall(SYS_pselect6, 0, NULL, NULL, NULL, NULL, BAD_POINTER));
}

CASE(select_wakes_up_for_write) {
  int p[2];
  static char b[70000];
  MUST(pipe2(p, O_NONBLOCK));
  while (write(p[1], b, sizeof b) > 0) {
  }
  pid_t pid = fork();
  if (pid == 0) {
    let_it_block();
    say("reading");
    while (read(p[0], b, sizeof b) > 0) {
    }
    _exit(0);
  }
  fd_set w;
  FD_ZERO(&w);
  FD_SET(p[1], &w);
  SHOW(select(p[1] + 1, NULL, &w, NULL, NULL));
  SHOW(FD_ISSET(p[1], &w) != 0);
  reap("reader", pid);
}

CASE(pselect_mask) {
  sigset_t block, none;
  sigemptyset(&none);
  sigemptyset(&block);
  sigaddset(&block, SIGUSR1);
  sigprocmask(SIG_BLOCK, &block, NULL);
  handle(SIGUSR1);
  raise(SIGUSR1);
  struct timespec t = {1, 0};
  SHOW(pselect(0, NULL, NULL, NULL, &t, &none));
  sigset_t now;
  sigprocmask(SIG_SETMASK, NULL, &now);
  SHOW(sigismember(&now, SIGUSR1));
}

CASE(closed_by_another_process_is_not_noticed) {
  /* The description lives on in the parent; the child's close changes nothing. */
  int p[2];
  MUST(pipe(p));
  pid_t pid = fork();
  if (pid == 0) {
    close(p[0]);
    close(p[1]);
    _exit(0);
  }
  reap("child", pid);
  struct pollfd pfd = {p[0], POLLIN, 0};
  SHOW(poll(&pfd, 1, 20));
}
