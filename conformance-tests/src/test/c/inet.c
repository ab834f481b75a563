/* TCP over loopback, IPv4 and IPv6: connections, options, urgent data, readiness. Runs in a network namespace of its own. */
#include "harness.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>

static struct sockaddr_in at(int port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return a;
}

static int port_of(int fd) {
  struct sockaddr_in a;
  socklen_t n = sizeof a;
  MUST(getsockname(fd, (struct sockaddr *)&a, &n));
  return ntohs(a.sin_port);
}

static int listener(void) {
  int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
  struct sockaddr_in a = at(0);
  MUST(bind(fd, (struct sockaddr *)&a, sizeof a));
  MUST(listen(fd, 5));
  return fd;
}

static int s[2];

/* s[0] is the client, s[1] what was accepted. */
static void connected(void) {
  int l = listener();
  struct sockaddr_in a = at(port_of(l));
  s[0] = MUST(socket(AF_INET, SOCK_STREAM, 0));
  MUST(connect(s[0], (struct sockaddr *)&a, sizeof a));
  s[1] = MUST(accept(l, NULL, NULL));
  close(l);
}

static void say_address(const char *what, int r, struct sockaddr_in *a, socklen_t n) {
  if (r < 0)
    say("%s: -1 %s", what, errno_name(errno));
  else
    say("%s: length %u family %d %s port %s", what, n, a->sin_family, inet_ntoa(a->sin_addr),
        a->sin_port ? "some" : "0");
}

static int get(int fd, int level, int name) {
  int value = -77;
  socklen_t n = sizeof value;
  int r = getsockopt(fd, level, name, &value, &n);
  return r < 0 ? -errno : value;
}

static int set(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value);
}

CASE(kinds) {
  SHOW(socket(AF_INET, SOCK_STREAM, 0));
  SHOW(socket(AF_INET, SOCK_STREAM, IPPROTO_TCP));
  SHOW(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
  SHOW(socket(AF_INET, SOCK_DGRAM, IPPROTO_TCP));
  SHOW(socket(AF_INET, SOCK_RAW, 0));
  SHOW(socket(AF_INET, SOCK_SEQPACKET, 0));
  SHOW(socket(AF_INET, SOCK_RDM, 0));
  SHOW(socket(AF_INET, 9, 0));
  SHOW(socket(AF_INET, SOCK_STREAM, 9999));
  SHOW(socket(AF_INET, SOCK_STREAM, -1));
  SHOW(socket(AF_INET6, SOCK_STREAM, 0));
  SHOW(socket(AF_INET6, SOCK_DGRAM, IPPROTO_UDP));
  SHOW(socketpair(AF_INET, SOCK_STREAM, 0, s));
  int fd = MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  SHOW(fcntl(fd, F_GETFD));
  say("%#o", fcntl(fd, F_GETFL));
  struct stat st;
  SHOW(fstat(fd, &st));
  say("%s %#o", type_name(st.st_mode), st.st_mode & 07777);
  SHOW(lseek(fd, 0, SEEK_CUR));
  char link[64] = "";
  char path[64];
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  MUST(readlink(path, link, sizeof link - 1));
  say("%.8s", link);
}

CASE(names) {
  int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
  struct sockaddr_in a;
  socklen_t n = sizeof a;
  int r = getsockname(fd, (struct sockaddr *)&a, &n);
  say_address("unbound", r, &a, n);
  SHOW(getpeername(fd, (struct sockaddr *)&a, &n));
  a = at(0);
  SHOW(bind(fd, (struct sockaddr *)&a, 15));
  SHOW(bind(fd, (struct sockaddr *)&a, 129));
  SHOW(bind(fd, BAD_POINTER, sizeof a));
  a.sin_family = AF_UNIX;
  SHOW(bind(fd, (struct sockaddr *)&a, sizeof a));
  a = at(0);
  a.sin_addr.s_addr = inet_addr("192.0.2.1");
  SHOW(bind(fd, (struct sockaddr *)&a, sizeof a));
  a = at(0);
  SHOW(bind(fd, (struct sockaddr *)&a, sizeof a));
  SHOW(bind(fd, (struct sockaddr *)&a, sizeof a));
  n = sizeof a;
  r = getsockname(fd, (struct sockaddr *)&a, &n);
  say_address("bound", r, &a, n);
  n = 5;
  memset(&a, 0x7f, sizeof a);
  SHOW(getsockname(fd, (struct sockaddr *)&a, &n));
  say("%u %d %#x", n, a.sin_family, ((unsigned char *)&a)[6]);
  n = -1;
  SHOW(getsockname(fd, (struct sockaddr *)&a, &n));
  int other = MUST(socket(AF_INET, SOCK_STREAM, 0));
  a = at(port_of(fd));
  SHOW(bind(other, (struct sockaddr *)&a, sizeof a));
}

CASE(low_ports_are_for_root) {
  int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
  struct sockaddr_in a = at(80);
  SHOW(bind(fd, (struct sockaddr *)&a, sizeof a));
  MUST(setresuid(1000, 1000, 1000));
  fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
  a = at(81);
  SHOW(bind(fd, (struct sockaddr *)&a, sizeof a));
  a = at(1024);
  SHOW(bind(fd, (struct sockaddr *)&a, sizeof a));
}

CASE(conversation) {
  connected();
  struct sockaddr_in a;
  socklen_t n = sizeof a;
  say_address("client", getpeername(s[0], (struct sockaddr *)&a, &n), &a, n);
  say("%d", ntohs(a.sin_port) == port_of(s[1]));
  n = sizeof a;
  say_address("server", getpeername(s[1], (struct sockaddr *)&a, &n), &a, n);
  say("%d", ntohs(a.sin_port) == port_of(s[0]));
  SHOW(write(s[0], "hello", 5));
  char b[64] = "";
  SHOW(recv(s[1], b, 2, 0));
  SHOW(recv(s[1], b, sizeof b, MSG_PEEK));
  SHOW(recv(s[1], b, sizeof b, 0));
  SHOW(recv(s[1], b, sizeof b, MSG_DONTWAIT));
  SHOW(send(s[1], "back", 4, MSG_NOSIGNAL));
  SHOW(read(s[0], b, sizeof b));
  SHOW(shutdown(s[0], SHUT_WR));
  SHOW(read(s[1], b, sizeof b));
  SHOW(write(s[1], "late", 4));
  SHOW(read(s[0], b, sizeof b));
  SHOW(shutdown(s[0], 3));
  SHOW(close(s[1]));
  SHOW(read(s[0], b, sizeof b));
  SHOW(send(s[0], "x", 1, MSG_NOSIGNAL));
}

CASE(listening) {
  int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
  SHOW(accept(fd, NULL, NULL));
  SHOW(listen(fd, 5));
  SHOW(get(fd, SOL_SOCKET, SO_ACCEPTCONN));
  SHOW(fcntl(fd, F_SETFL, O_NONBLOCK));
  SHOW(accept(fd, NULL, NULL));
  SHOW(accept4(fd, NULL, NULL, 1));
  SHOW(connect(fd, (struct sockaddr *)&(struct sockaddr_in){.sin_family = AF_INET}, 16));
  char b[4];
  SHOW(read(fd, b, 4));
  SHOW(send(fd, b, 4, MSG_NOSIGNAL));
  struct sockaddr_in a = at(port_of(fd));
  int c = MUST(socket(AF_INET, SOCK_STREAM, 0));
  SHOW(connect(c, (struct sockaddr *)&a, sizeof a));
  SHOW(connect(c, (struct sockaddr *)&a, sizeof a));
  socklen_t n = sizeof a;
  int d = accept4(fd, (struct sockaddr *)&a, &n, SOCK_CLOEXEC | SOCK_NONBLOCK);
  say_address("accepted", d, &a, n);
  SHOW(fcntl(d, F_GETFD));
  say("%#o", fcntl(d, F_GETFL));
  SHOW(accept(c, NULL, NULL));
  SHOW(listen(c, 5));
}

CASE(refused) {
  int l = listener();
  struct sockaddr_in a = at(port_of(l));
  close(l);
  int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
  SHOW(connect(fd, (struct sockaddr *)&a, sizeof a));
  SHOW(get(fd, SOL_SOCKET, SO_ERROR));
  a.sin_addr.s_addr = inet_addr("192.0.2.1");
  SHOW(connect(fd, (struct sockaddr *)&a, sizeof a));
  SHOW(connect(fd, (struct sockaddr *)&a, 3));
  SHOW(connect(fd, BAD_POINTER, sizeof a));
}

CASE(connect_without_waiting) {
  int l = listener();
  struct sockaddr_in a = at(port_of(l));
  int fd = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  struct pollfd p = {.fd = fd, .events = POLLOUT | POLLIN};
  SHOW(poll(&p, 1, 0));
  say("%#x", p.revents);
  SHOW(connect(fd, (struct sockaddr *)&a, sizeof a));
  SHOW(poll(&p, 1, 1000));
  say("%#x", p.revents);
  SHOW(get(fd, SOL_SOCKET, SO_ERROR));
  SHOW(connect(fd, (struct sockaddr *)&a, sizeof a));
  SHOW(connect(fd, (struct sockaddr *)&a, sizeof a));
  close(l);
  int other = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  SHOW(connect(other, (struct sockaddr *)&a, sizeof a));
  p.fd = other;
  SHOW(poll(&p, 1, 1000));
  say("%#x", p.revents);
  SHOW(get(other, SOL_SOCKET, SO_ERROR));
  SHOW(get(other, SOL_SOCKET, SO_ERROR));
}

CASE(broken_pipe) {
  connected();
  close(s[1]);
  SHOW(send(s[0], "a", 1, MSG_NOSIGNAL));
  let_it_block();
  SHOW(send(s[0], "a", 1, MSG_NOSIGNAL));
  SHOW(send(s[0], "a", 1, MSG_NOSIGNAL));
  pid_t pid = fork();
  if (pid == 0) {
    write(s[0], "a", 1);
    _exit(0);
  }
  reap("writer", pid);
}

CASE(reset) {
  connected();
  struct linger hard = {1, 0}, soft = {1, 5}, told;
  socklen_t n = sizeof told;
  SHOW(setsockopt(s[0], SOL_SOCKET, SO_LINGER, &soft, 4));
  SHOW(setsockopt(s[0], SOL_SOCKET, SO_LINGER, &soft, sizeof soft));
  SHOW(getsockopt(s[0], SOL_SOCKET, SO_LINGER, &told, &n));
  say("%d %d %u", told.l_onoff, told.l_linger, n);
  SHOW(setsockopt(s[0], SOL_SOCKET, SO_LINGER, &hard, sizeof hard));
  close(s[0]);
  struct pollfd p = {.fd = s[1], .events = POLLIN | POLLOUT | POLLRDHUP};
  SHOW(poll(&p, 1, 1000));
  say("%#x", p.revents);
  char b[4];
  SHOW(read(s[1], b, 4));
  SHOW(read(s[1], b, 4));
}

CASE(urgent) {
  connected();
  char b[16] = "";
  int mark = -1;
  SHOW(recv(s[1], b, 1, MSG_OOB));
  SHOW(send(s[0], "abc", 3, 0));
  SHOW(send(s[0], "!", 1, MSG_OOB));
  SHOW(send(s[0], "def", 3, 0));
  let_it_block();
  struct pollfd p = {.fd = s[1], .events = POLLIN | POLLPRI};
  SHOW(poll(&p, 1, 1000));
  say("%#x", p.revents);
  SHOW(ioctl(s[1], SIOCATMARK, &mark));
  say("%d", mark);
  SHOW(read(s[1], b, sizeof b));
  SHOW(ioctl(s[1], SIOCATMARK, &mark));
  say("%d", mark);
  struct iovec v = {b, sizeof b};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
  SHOW(recvmsg(s[1], &m, MSG_OOB));
  say("%c %#x", b[0], m.msg_flags);
  SHOW(recv(s[1], b, 1, MSG_OOB));
  SHOW(read(s[1], b, sizeof b));
  SHOW(set(s[1], SOL_SOCKET, SO_OOBINLINE, 1));
  SHOW(send(s[0], "?", 1, MSG_OOB));
  let_it_block();
  SHOW(read(s[1], b, sizeof b));
}

static void *send_slowly(void *unused) {
  (void)unused;
  for (int i = 0; i < 4; i++) {
    let_it_block();
    write(s[0], "0123456789", 10);
  }
  return NULL;
}

CASE(all_of_it) {
  connected();
  pthread_t t;
  pthread_create(&t, NULL, send_slowly, NULL);
  char b[64];
  SHOW(recv(s[1], b, 25, MSG_WAITALL));
  SHOW(recv(s[1], b, 15, MSG_WAITALL | MSG_PEEK));
  SHOW(recv(s[1], b, 15, MSG_TRUNC));
  pthread_join(t, NULL);
  SHOW(recv(s[1], b, 64, MSG_DONTWAIT));
  write(s[0], "end", 3);
  shutdown(s[0], SHUT_WR);
  SHOW(recv(s[1], b, 64, MSG_WAITALL));
}

static void *send_much(void *bytes) {
  long left = (long)bytes;
  static char b[100000];
  while (left > 0) {
    long n = write(s[0], b, left < (long)sizeof b ? left : (long)sizeof b);
    if (n <= 0)
      break;
    left -= n;
  }
  shutdown(s[0], SHUT_WR);
  return (void *)left;
}

CASE(much) {
  connected();
  pthread_t t;
  pthread_create(&t, NULL, send_much, (void *)20000000L);
  static char b[65536];
  long sum = 0, n;
  while ((n = read(s[1], b, sizeof b)) > 0)
    sum += n;
  void *left;
  pthread_join(t, &left);
  say("%ld, left %ld, last %ld", sum, (long)left, n);
}

CASE(one_large_write) {
  connected();
  static char b[3000000];
  pid_t pid = fork();
  if (pid == 0) {
    close(s[1]);
    SHOW(write(s[0], b, sizeof b));
    fflush(stdout);
    _exit(0);
  }
  close(s[0]);
  let_it_block();
  long sum = 0, n;
  while ((n = read(s[1], b, sizeof b)) > 0)
    sum += n;
  reap("writer", pid);
  say("%ld", sum);
}

CASE(full_without_waiting) {
  connected();
  static char b[1 << 20];
  fcntl(s[0], F_SETFL, O_NONBLOCK);
  long n;
  while ((n = write(s[0], b, sizeof b)) > 0)
    ;
  say("%ld %s", n, errno_name(errno));
  struct pollfd p = {.fd = s[0], .events = POLLOUT};
  SHOW(poll(&p, 1, 0));
  int e = MUST(epoll_create1(0));
  struct epoll_event ev = {.events = EPOLLOUT | EPOLLET};
  MUST(epoll_ctl(e, EPOLL_CTL_ADD, s[0], &ev));
  SHOW(epoll_wait(e, &ev, 1, 0));
  fcntl(s[1], F_SETFL, O_NONBLOCK);
  for (int quiet = 0; quiet < 3;) {
    if (read(s[1], b, sizeof b) > 0) {
      quiet = 0;
    } else {
      sleep_ms(20);
      quiet++;
    }
  }
  SHOW(epoll_wait(e, &ev, 1, 1000));
  say("%#x", ev.events);
  SHOW(epoll_wait(e, &ev, 1, 0));
}

CASE(edges) {
  connected();
  int e = MUST(epoll_create1(0));
  struct epoll_event ev = {.events = EPOLLIN | EPOLLET | EPOLLRDHUP};
  MUST(epoll_ctl(e, EPOLL_CTL_ADD, s[1], &ev));
  SHOW(epoll_wait(e, &ev, 1, 0));
  write(s[0], "a", 1);
  SHOW(epoll_wait(e, &ev, 1, 1000));
  say("%#x", ev.events);
  SHOW(epoll_wait(e, &ev, 1, 20));
  write(s[0], "b", 1);
  SHOW(epoll_wait(e, &ev, 1, 1000));
  char b[8];
  SHOW(read(s[1], b, 8));
  SHOW(epoll_wait(e, &ev, 1, 20));
  shutdown(s[0], SHUT_WR);
  SHOW(epoll_wait(e, &ev, 1, 1000));
  say("%#x", ev.events);
  SHOW(epoll_wait(e, &ev, 1, 20));
}

CASE(levels) {
  connected();
  int e = MUST(epoll_create1(0));
  struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT};
  MUST(epoll_ctl(e, EPOLL_CTL_ADD, s[1], &ev));
  SHOW(epoll_wait(e, &ev, 1, 100));
  say("%#x", ev.events);
  write(s[0], "a", 1);
  let_it_block();
  for (int i = 0; i < 2; i++) {
    SHOW(epoll_wait(e, &ev, 1, 100));
    say("%#x", ev.events);
  }
  struct pollfd p = {.fd = s[1], .events = POLLIN | POLLRDNORM | POLLWRNORM | POLLRDBAND};
  SHOW(poll(&p, 1, 0));
  say("%#x", p.revents);
  close(s[0]);
  let_it_block();
  SHOW(epoll_wait(e, &ev, 1, 100));
  say("%#x", ev.events);
}

CASE(timeouts) {
  connected();
  struct timeval t = {0, 100000};
  SHOW(setsockopt(s[1], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
  long start = now_ms();
  char b[4];
  SHOW(read(s[1], b, 4));
  say_took("read", start, 100);
  start = now_ms();
  SHOW(recv(s[1], b, 4, MSG_WAITALL));
  say_took("recv", start, 100);
  int l = listener();
  SHOW(setsockopt(l, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
  start = now_ms();
  SHOW(accept(l, NULL, NULL));
  say_took("accept", start, 100);
}

static void *shut_down(void *fd) {
  let_it_block();
  shutdown((int)(long)fd, SHUT_RDWR);
  return NULL;
}

CASE(shutdown_wakes) {
  connected();
  pthread_t t;
  pthread_create(&t, NULL, shut_down, (void *)(long)s[1]);
  char b[4];
  SHOW(read(s[1], b, 4));
  pthread_join(t, NULL);
  int l = listener();
  pthread_create(&t, NULL, shut_down, (void *)(long)l);
  SHOW(accept(l, NULL, NULL));
  pthread_join(t, NULL);
}

static void on_alarm(int number) { (void)number; }

CASE(interrupted) {
  connected();
  struct sigaction a = {.sa_handler = on_alarm};
  sigaction(SIGALRM, &a, NULL);
  struct itimerval i = {.it_value = {0, 80000}};
  setitimer(ITIMER_REAL, &i, NULL);
  char b[4];
  SHOW(read(s[1], b, 4));
  setitimer(ITIMER_REAL, &i, NULL);
  int l = listener();
  SHOW(accept(l, NULL, NULL));
}

#define OPTION(level, name, value)                                                                 \
  do {                                                                                             \
    int before = get(fd, level, name);                                                             \
    int r = set(fd, level, name, value);                                                           \
    int e = errno;                                                                                 \
    say(#name ": %d, set %d: %d %s, %d", before, value, r, r ? errno_name(e) : "", get(fd, level, name)); \
  } while (0)

CASE(socket_options) {
  int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
  OPTION(SOL_SOCKET, SO_REUSEADDR, 5);
  OPTION(SOL_SOCKET, SO_REUSEPORT, 1);
  OPTION(SOL_SOCKET, SO_KEEPALIVE, 1);
  OPTION(SOL_SOCKET, SO_BROADCAST, 1);
  OPTION(SOL_SOCKET, SO_DONTROUTE, 1);
  OPTION(SOL_SOCKET, SO_OOBINLINE, 1);
  OPTION(SOL_SOCKET, SO_SNDBUF, 30000);
  OPTION(SOL_SOCKET, SO_RCVBUF, 1);
  OPTION(SOL_SOCKET, SO_SNDBUF, -1);
  OPTION(SOL_SOCKET, SO_RCVLOWAT, 7);
  OPTION(SOL_SOCKET, SO_TIMESTAMP, 1);
  OPTION(SOL_SOCKET, SO_TYPE, 1);
  OPTION(SOL_SOCKET, SO_PROTOCOL, 1);
  OPTION(SOL_SOCKET, SO_DOMAIN, 1);
  OPTION(SOL_SOCKET, SO_ERROR, 1);
  OPTION(SOL_SOCKET, SO_ACCEPTCONN, 1);
  OPTION(SOL_SOCKET, SO_PRIORITY, 3);
  OPTION(SOL_SOCKET, 999, 1);
  OPTION(SOL_SOCKET, -1, 1);
  OPTION(9999, 1, 1);
  int one = 1;
  socklen_t n = 2;
  SHOW(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, 3));
  SHOW(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, -1));
  SHOW(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, BAD_POINTER, 4));
  SHOW(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, &n));
  say("%u", n);
  n = -1;
  SHOW(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, &n));
  n = 4;
  SHOW(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, BAD_POINTER, &n));
  SHOW(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, BAD_POINTER));
}

CASE(protocol_options) {
  int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
  OPTION(IPPROTO_TCP, TCP_NODELAY, 1);
  OPTION(IPPROTO_TCP, TCP_CORK, 1);
  OPTION(IPPROTO_TCP, TCP_KEEPIDLE, 30);
  OPTION(IPPROTO_TCP, TCP_KEEPINTVL, 5);
  OPTION(IPPROTO_TCP, TCP_KEEPCNT, 300);
  OPTION(IPPROTO_TCP, TCP_KEEPCNT, 3);
  OPTION(IPPROTO_TCP, TCP_USER_TIMEOUT, 3000);
  OPTION(IPPROTO_TCP, TCP_DEFER_ACCEPT, 3);
  OPTION(IPPROTO_TCP, TCP_MAXSEG, 1000);
  OPTION(IPPROTO_TCP, TCP_QUICKACK, 0);
  OPTION(IPPROTO_TCP, TCP_NOTSENT_LOWAT, 10000);
  OPTION(IPPROTO_TCP, 77, 1);
  OPTION(IPPROTO_IP, IP_TOS, 0x10);
  OPTION(IPPROTO_IP, IP_TTL, 17);
  OPTION(IPPROTO_IP, IP_TTL, 256);
  OPTION(IPPROTO_IP, IP_RECVERR, 1);
  OPTION(IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DO);
  char name[16] = "";
  socklen_t n = sizeof name;
  SHOW(getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &n));
  say("%u", n);
  SHOW(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
  SHOW(setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "nosuch", 6));
  struct tcp_info info;
  n = sizeof info;
  SHOW(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n));
  say("%d", info.tcpi_state);
  fd = MUST(socket(AF_INET6, SOCK_STREAM, 0));
  OPTION(IPPROTO_IPV6, IPV6_V6ONLY, 1);
  OPTION(IPPROTO_IPV6, IPV6_UNICAST_HOPS, 9);
  OPTION(IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
  OPTION(IPPROTO_IPV6, IPV6_TCLASS, 0x20);
}

CASE(version_6) {
  int l = MUST(socket(AF_INET6, SOCK_STREAM, 0));
  struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = in6addr_any};
  SHOW(bind(l, (struct sockaddr *)&a, sizeof a));
  SHOW(listen(l, 1));
  socklen_t n = sizeof a;
  SHOW(getsockname(l, (struct sockaddr *)&a, &n));
  struct sockaddr_in four = at(ntohs(a.sin6_port));
  int c = MUST(socket(AF_INET, SOCK_STREAM, 0));
  SHOW(connect(c, (struct sockaddr *)&four, sizeof four));
  int d = MUST(accept(l, (struct sockaddr *)&a, &n));
  char text[64];
  say("%s %u", inet_ntop(AF_INET6, &a.sin6_addr, text, sizeof text), n);
  n = sizeof a;
  MUST(getsockname(l, (struct sockaddr *)&a, &n));
  a.sin6_addr = in6addr_loopback;
  int six = MUST(socket(AF_INET6, SOCK_STREAM, 0));
  SHOW(connect(six, (struct sockaddr *)&a, sizeof a));
  n = sizeof a;
  SHOW(getpeername(six, (struct sockaddr *)&a, &n));
  say("%s %u", inet_ntop(AF_INET6, &a.sin6_addr, text, sizeof text), n);
  SHOW(write(c, "v4", 2));
  SHOW(read(d, text, sizeof text));
}

CASE(from_files_and_pipes) {
  connected();
  put("file", "some bytes of a file");
  int f = MUST(open("file", O_RDONLY));
  off_t from = 5;
  SHOW(sendfile(s[0], f, &from, 100));
  char b[64];
  SHOW(recv(s[1], b, 15, MSG_WAITALL));
  int p[2];
  MUST(pipe(p));
  write(p[1], "through a pipe", 14);
  SHOW(splice(p[0], NULL, s[0], NULL, 14, 0));
  SHOW(splice(s[1], NULL, p[1], NULL, 14, 0));
  SHOW(read(p[0], b, sizeof b));
  struct iovec v[2] = {{"two ", 4}, {"parts", 5}};
  SHOW(writev(s[0], v, 2));
  struct iovec w[2] = {{b, 3}, {b + 32, 20}};
  SHOW(readv(s[1], w, 2));
  say("%.3s|%.6s", b, b + 32);
}

CASE(shared_by_fork_and_messages) {
  connected();
  int u[2];
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, u));
  pid_t pid = fork();
  if (pid == 0) {
    char c[CMSG_SPACE(sizeof(int))], b[8];
    struct iovec v = {b, sizeof b};
    struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof c};
    close(s[1]);
    MUST(recvmsg(u[1], &m, 0));
    int fd;
    memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
    write(fd, "passed", 6);
    _exit(0);
  }
  char c[CMSG_SPACE(sizeof(int))] = {0};
  struct iovec v = {"x", 1};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = c, .msg_controllen = sizeof c};
  struct cmsghdr *h = CMSG_FIRSTHDR(&m);
  h->cmsg_level = SOL_SOCKET;
  h->cmsg_type = SCM_RIGHTS;
  h->cmsg_len = CMSG_LEN(sizeof(int));
  memcpy(CMSG_DATA(h), &s[1], sizeof(int));
  SHOW(sendmsg(u[0], &m, 0));
  close(s[1]);
  char b[16] = "";
  SHOW(read(s[0], b, sizeof b));
  say("%s", b);
  reap("child", pid);
  SHOW(read(s[0], b, sizeof b));
}

CASE(queues) {
  connected();
  int n = -1;
  write(s[0], "12345", 5);
  let_it_block();
  SHOW(ioctl(s[1], FIONREAD, &n));
  say("%d", n);
  SHOW(ioctl(s[0], TIOCOUTQ, &n));
  say("%d", n);
  SHOW(ioctl(s[1], FIONREAD, BAD_POINTER));
  n = 1;
  SHOW(ioctl(s[1], FIONBIO, &n));
  say("%#o", fcntl(s[1], F_GETFL));
  SHOW(ioctl(s[1], TCGETS, &n));
  char b[4];
  SHOW(recv(s[1], BAD_POINTER, 4, 0));
  SHOW(send(s[1], BAD_POINTER, 4, 0));
  SHOW(recv(s[1], b, 0, 0));
  SHOW(read(s[1], b, 0));
  SHOW(send(s[1], b, 0, 0));
}

CASE(disconnect) {
  connected();
  struct sockaddr a = {.sa_family = AF_UNSPEC};
  SHOW(connect(s[0], &a, sizeof a));
  struct sockaddr_in in;
  socklen_t n = sizeof in;
  SHOW(getpeername(s[0], (struct sockaddr *)&in, &n));
  char b[4];
  SHOW(read(s[1], b, 4));
  struct ucred u;
  n = sizeof u;
  SHOW(getsockopt(s[1], SOL_SOCKET, SO_PEERCRED, &u, &n));
  say("%d %d %d", u.pid, u.uid, u.gid);
}
