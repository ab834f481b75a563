/* epoll: level and edge triggered, one shot, nested, removal by close. */
#include "harness.h"
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/socket.h>

static int add(int ep, int fd, uint32_t events) {
  struct epoll_event event = {.events = events, .data.u64 = fd};
  return epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event);
}

static int modify(int ep, int fd, uint32_t events) {
  struct epoll_event event = {.events = events, .data.u64 = fd};
  return epoll_ctl(ep, EPOLL_CTL_MOD, fd, &event);
}

static int by_fd(const void *a, const void *b) {
  return (int)((const struct epoll_event *)a)->data.u64 - (int)((const struct epoll_event *)b)->data.u64;
}

static void wait_and_say(int ep, int timeout) {
  struct epoll_event events[16];
  int n = epoll_wait(ep, events, 16, timeout);
  if (n == -1) {
    say("epoll_wait: -1 %s", errno_name(errno));
    return;
  }
  qsort(events, n, sizeof *events, by_fd);
  say("epoll_wait: %d", n);
  for (int i = 0; i < n; i++) {
    uint32_t e = events[i].events;
    say("  fd %d:%s%s%s%s%s", (int)events[i].data.u64, e & EPOLLIN ? " IN" : "", e & EPOLLOUT ? " OUT" : "",
        e & EPOLLERR ? " ERR" : "", e & EPOLLHUP ? " HUP" : "", e & EPOLLRDHUP ? " RDHUP" : "");
  }
}

static int p[2];

CASE(create) {
  SHOW(epoll_create(1));
  SHOW(epoll_create(0));
  SHOW(epoll_create(-1));
  SHOW(epoll_create1(EPOLL_CLOEXEC));
  SHOW(fcntl(4, F_GETFD));
  SHOW(epoll_create1(1));
}

CASE(level_triggered) {
  char c;
  MUST(pipe(p));
  int ep = MUST(epoll_create1(0));
  SHOW(add(ep, p[0], EPOLLIN));
  wait_and_say(ep, 0);
  MUST(write(p[1], "ab", 2));
  wait_and_say(ep, 0);
  wait_and_say(ep, 0);
  MUST(read(p[0], &c, 1));
  wait_and_say(ep, 0);
  MUST(read(p[0], &c, 1));
  wait_and_say(ep, 0);
  close(p[1]);
  wait_and_say(ep, 0);
}

CASE(edge_triggered) {
  char c;
  MUST(pipe(p));
  int ep = MUST(epoll_create1(0));
  SHOW(add(ep, p[0], EPOLLIN | EPOLLET));
  MUST(write(p[1], "ab", 2));
  wait_and_say(ep, 0);
  wait_and_say(ep, 0);
  MUST(read(p[0], &c, 1));
  wait_and_say(ep, 0);
  MUST(write(p[1], "c", 1));
  wait_and_say(ep, 0);
  wait_and_say(ep, 0);
}

CASE(edge_triggered_when_already_ready) {
  MUST(pipe(p));
  MUST(write(p[1], "ab", 2));
  int ep = MUST(epoll_create1(0));
  SHOW(add(ep, p[0], EPOLLIN | EPOLLET));
  wait_and_say(ep, 0);
  wait_and_say(ep, 0);
  SHOW(modify(ep, p[0], EPOLLIN | EPOLLET));
  wait_and_say(ep, 0);
  wait_and_say(ep, 0);
}

CASE(one_shot) {
  MUST(pipe(p));
  int ep = MUST(epoll_create1(0));
  SHOW(add(ep, p[0], EPOLLIN | EPOLLONESHOT));
  MUST(write(p[1], "ab", 2));
  wait_and_say(ep, 0);
  wait_and_say(ep, 0);
  MUST(write(p[1], "c", 1));
  wait_and_say(ep, 0);
  SHOW(modify(ep, p[0], EPOLLIN | EPOLLONESHOT));
  wait_and_say(ep, 0);
  wait_and_say(ep, 0);
}

CASE(write_side) {
  static char b[70000];
  MUST(pipe2(p, O_NONBLOCK));
  int ep = MUST(epoll_create1(0));
  SHOW(add(ep, p[1], EPOLLOUT));
  wait_and_say(ep, 0);
  while (write(p[1], b, sizeof b) > 0) {
  }
  wait_and_say(ep, 0);
  while (read(p[0], b, sizeof b) > 0) {
  }
  wait_and_say(ep, 0);
  close(p[0]);
  wait_and_say(ep, 0);
}

CASE(ctl_errors) {
  struct epoll_event event = {.events = EPOLLIN};
  MUST(pipe(p));
  put("f", "x");
  int ep = MUST(epoll_create1(0)), file = MUST(open("f", O_RDONLY));
  SHOW(add(ep, p[0], EPOLLIN));
  SHOW(add(ep, p[0], EPOLLIN));
  SHOW(modify(ep, p[1], EPOLLIN));
  SHOW(epoll_ctl(ep, EPOLL_CTL_DEL, p[1], NULL));
  SHOW(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL));
  SHOW(epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL));
  SHOW(add(ep, file, EPOLLIN));
  SHOW(add(ep, MUST(open(".", O_RDONLY)), EPOLLIN));
  SHOW(add(ep, 77, EPOLLIN));
  SHOW(add(77, p[0], EPOLLIN));
  SHOW(add(p[0], p[1], EPOLLIN));
  SHOW(add(ep, ep, EPOLLIN));
  SHOW(epoll_ctl(ep, 99, p[0], &event));
  SHOW(epoll_ctl(ep, EPOLL_CTL_ADD, p[0], BAD_POINTER));
  SHOW(epoll_ctl(ep, EPOLL_CTL_DEL, 77, NULL));
}

CASE(wait_errors) {
  struct epoll_event event;
  MUST(pipe(p));
  int ep = MUST(epoll_create1(0));
  SHOW(epoll_wait(77, &event, 1, 0));
  SHOW(epoll_wait(p[0], &event, 1, 0));
  SHOW(epoll_wait(ep, &event, 0, 0));
  SHOW(epoll_wait(ep, &event, -1, 0));
  SHOW(epoll_wait(ep, &event, 1 << 30, 0));
  SHOW(epoll_wait(ep, BAD_POINTER, 1, 0));
  MUST(add(ep, p[1], EPOLLOUT));
  SHOW(epoll_wait(ep, BAD_POINTER, 1, 0));
}

CASE(wakes_up) {
  MUST(pipe(p));
  int ep = MUST(epoll_create1(0));
  MUST(add(ep, p[0], EPOLLIN));
  pid_t pid = fork();
  if (pid == 0) {
    let_it_block();
    say("writing");
    MUST(write(p[1], "x", 1));
    _exit(0);
  }
  wait_and_say(ep, -1);
  reap("writer", pid);
}

CASE(added_while_waiting) {
  MUST(pipe(p));
  int ep = MUST(epoll_create1(0));
  pid_t pid = fork();
  if (pid == 0) {
    let_it_block();
    say("adding");
    MUST(add(ep, p[1], EPOLLOUT));
    _exit(0);
  }
  wait_and_say(ep, -1);
  reap("adder", pid);
}

CASE(timeout) {
  int ep = MUST(epoll_create1(0));
  long start = now_ms();
  wait_and_say(ep, 50);
  say_took("50 ms", start, 50);
  wait_and_say(ep, 0);
}

CASE(pwait2) {
  struct epoll_event event;
  struct timespec t = {0, 30000000}, bad = {0, 1000000000};
  int ep = MUST(epoll_create1(0));
  long start = now_ms();
  SHOW(syscall(SYS_epoll_pwait2, ep, &event, 1, &t, NULL, 8));
  say_took("30 ms", start, 30);
  SHOW(syscall(SYS_epoll_pwait2, ep, &event, 1, &bad, NULL, 8));
  SHOW(syscall(SYS_epoll_pwait2, ep, &event, 1, BAD_POINTER, NULL, 8));
}

static void on_signal(__attribute__((unused)) int number) {}

CASE(interrupted) {
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &action, NULL);
  int ep = MUST(epoll_create1(0));
  struct itimerval timer = {{0, 0}, {0, 50000}};
  setitimer(ITIMER_REAL, &timer, NULL);
  wait_and_say(ep, -1);
}

CASE(pwait_mask) {
  struct epoll_event event;
  sigset_t block, none;
  sigemptyset(&none);
  sigemptyset(&block);
  sigaddset(&block, SIGUSR1);
  sigprocmask(SIG_BLOCK, &block, NULL);
  struct sigaction action = {.sa_handler = on_signal};
  sigaction(SIGUSR1, &action, NULL);
  raise(SIGUSR1);
  int ep = MUST(epoll_create1(0));
  SHOW(epoll_pwait(ep, &event, 1, 1000, &none));
  SHOW(epoll_pwait(ep, &event, 1, 0, &block));
  SHOW(syscall(SYS_epoll_pwait, ep, &event, 1, 0, &none, 3));
}

CASE(close_removes) {
  MUST(pipe(p));
  int ep = MUST(epoll_create1(0));
  MUST(add(ep, p[1], EPOLLOUT));
  wait_and_say(ep, 0);
  close(p[1]);
  wait_and_say(ep, 0);
  SHOW(epoll_ctl(ep, EPOLL_CTL_DEL, p[1], NULL));
}

CASE(close_of_a_copy_does_not_remove) {
  /* epoll(7), Q6: the registration lives as long as the open file description. */
  MUST(pipe(p));
  int ep = MUST(epoll_create1(0)), copy = MUST(dup(p[1]));
  MUST(add(ep, p[1], EPOLLOUT));
  close(p[1]);
  wait_and_say(ep, 0);
  SHOW(epoll_ctl(ep, EPOLL_CTL_DEL, p[1], NULL));
  close(copy);
  wait_and_say(ep, 0);
}

CASE(a_copy_can_be_added_too) {
  MUST(pipe(p));
  int ep = MUST(epoll_create1(0)), copy = MUST(dup(p[1]));
  SHOW(add(ep, p[1], EPOLLOUT));
  SHOW(add(ep, copy, EPOLLOUT));
  wait_and_say(ep, 0);
}

CASE(nested) {
  MUST(pipe(p));
  int inner = MUST(epoll_create1(0)), outer = MUST(epoll_create1(0));
  SHOW(add(inner, p[0], EPOLLIN));
  SHOW(add(outer, inner, EPOLLIN));
  wait_and_say(outer, 0);
  MUST(write(p[1], "x", 1));
  wait_and_say(outer, 0);
  wait_and_say(inner, 0);
  SHOW(add(inner, outer, EPOLLIN));
  struct pollfd pfd = {outer, POLLIN, 0};
  SHOW(poll(&pfd, 1, 0));
}

CASE(polled_by_poll) {
  MUST(pipe(p));
  int ep = MUST(epoll_create1(0));
  MUST(add(ep, p[0], EPOLLIN));
  struct pollfd pfd = {ep, POLLIN | POLLOUT, 0};
  SHOW(poll(&pfd, 1, 0));
  MUST(write(p[1], "x", 1));
  SHOW(poll(&pfd, 1, 0));
  SHOW(pfd.revents);
  char c;
  SHOW(read(ep, &c, 1));
  SHOW(write(ep, &c, 1));
  SHOW(lseek(ep, 0, SEEK_CUR));
}

CASE(events_rotate) {
  /* With room for one event both descriptors get their turn. */
  struct epoll_event event;
  int q[2], seen[20] = {0};
  MUST(pipe(p));
  MUST(pipe(q));
  int ep = MUST(epoll_create1(0));
  MUST(add(ep, p[1], EPOLLOUT));
  MUST(add(ep, q[1], EPOLLOUT));
  for (int i = 0; i < 10; i++)
    if (epoll_wait(ep, &event, 1, 0) == 1) seen[event.data.u64]++;
  say("%d %d", seen[p[1]], seen[q[1]]);
}

CASE(mask_zero_still_reports_errors) {
  MUST(pipe(p));
  int ep = MUST(epoll_create1(0));
  SHOW(add(ep, p[0], 0));
  MUST(write(p[1], "x", 1));
  wait_and_say(ep, 0);
  close(p[1]);
  wait_and_say(ep, 0);
}

CASE(sockets) {
  int s[2];
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  int ep = MUST(epoll_create1(0));
  MUST(add(ep, s[0], EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET));
  wait_and_say(ep, 0);
  MUST(write(s[1], "x", 1));
  wait_and_say(ep, 0);
  wait_and_say(ep, 0);
  shutdown(s[1], SHUT_WR);
  wait_and_say(ep, 0);
  close(s[1]);
  wait_and_say(ep, 0);
}

CASE(exclusive) {
  MUST(pipe(p));
  int ep = MUST(epoll_create1(0));
  SHOW(add(ep, p[0], EPOLLIN | EPOLLEXCLUSIVE));
  SHOW(modify(ep, p[0], EPOLLIN));
  SHOW(add(ep, p[1], EPOLLOUT | EPOLLEXCLUSIVE | EPOLLONESHOT));
  SHOW(modify(ep, p[0], EPOLLIN | EPOLLEXCLUSIVE));
}

CASE(inherited_by_fork) {
  MUST(pipe(p));
  int ep = MUST(epoll_create1(0));
  MUST(add(ep, p[0], EPOLLIN));
  pid_t pid = fork();
  if (pid == 0) {
    MUST(write(p[1], "x", 1));
    wait_and_say(ep, 0);
    epoll_ctl(ep, EPOLL_CTL_DEL, p[0], NULL);
    _exit(0);
  }
  reap("child", pid);
  wait_and_say(ep, 0);
}

CASE(eventfd_edges) {
  uint64_t one = 1;
  int ep = MUST(epoll_create1(0)), e = MUST(eventfd(0, EFD_NONBLOCK));
  MUST(add(ep, e, EPOLLIN | EPOLLET));
  for (int i = 0; i < 3; i++) {
    MUST(write(e, &one, 8));
    wait_and_say(ep, 0);
  }
  wait_and_say(ep, 0);
}

CASE(many_descriptors) {
  int ep = MUST(epoll_create1(0)), ready = 0;
  int fds[300];
  for (int i = 0; i < 300; i++) {
    fds[i] = MUST(eventfd(i % 3 == 0, EFD_NONBLOCK));
    MUST(add(ep, fds[i], EPOLLIN));
  }
  struct epoll_event events[64];
  static char seen[1000];
  int n;
  uint64_t value;
  while ((n = epoll_wait(ep, events, 64, 0)) > 0)
    for (int i = 0; i < n; i++) {
      if (!seen[events[i].data.u64]++) ready++;
      MUST(read(events[i].data.u64, &value, 8));
    }
  SHOW(ready);
}

static void ignore_it(__attribute__((unused)) int number) {}

/* A pending signal wakes the signalfd, which is for others, and must interrupt the wait all the same. */
CASE(signal_beside_a_signalfd) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGURG);
  sigprocmask(SIG_BLOCK, &set, NULL);
  signal(SIGTERM, ignore_it);
  int epoll = MUST(epoll_create1(0));
  struct epoll_event event = {.events = EPOLLIN};
  MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, MUST(signalfd(-1, &set, SFD_NONBLOCK)), &event));
  pid_t parent = getpid(), pid = fork();
  if (pid == 0) {
    sleep_ms(100);
    kill(parent, SIGTERM);
    _exit(0);
  }
  SHOW(epoll_wait(epoll, &event, 1, 3000));
  reap("killer", pid);
}
