/* UDP and echo requests over loopback: addresses, ancillary data, errors, several messages at once. */
#include "harness.h"
#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

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

static int bound(void) {
  int fd = MUST(socket(AF_INET, SOCK_DGRAM, 0));
  struct sockaddr_in a = at(0);
  MUST(bind(fd, (struct sockaddr *)&a, sizeof a));
  return fd;
}

static int set(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value);
}

static long send_to(int fd, int to, const char *text) {
  struct sockaddr_in a = at(port_of(to));
  return sendto(fd, text, strlen(text), 0, (struct sockaddr *)&a, sizeof a);
}

CASE(there_and_back) {
  int a = bound(), b = bound();
  SHOW(send_to(a, b, "hello"));
  char bytes[64] = "";
  struct sockaddr_in from;
  socklen_t n = sizeof from;
  SHOW(recvfrom(b, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &n));
  say("%s %u %d", bytes, n, ntohs(from.sin_port) == port_of(a));
  SHOW(sendto(b, "", 0, 0, (struct sockaddr *)&from, n));
  SHOW(recv(a, bytes, sizeof bytes, 0));
  SHOW(send_to(a, b, "0123456789"));
  n = 3;
  SHOW(recvfrom(b, bytes, 4, MSG_PEEK | MSG_TRUNC, (struct sockaddr *)&from, &n));
  say("%u", n);
  SHOW(recv(b, bytes, 4, 0));
  SHOW(recv(b, bytes, 4, MSG_DONTWAIT));
  SHOW(send_to(a, b, "x"));
  SHOW(recv(b, bytes, 0, 0));
  SHOW(recv(b, bytes, 4, MSG_DONTWAIT));
}

CASE(connected) {
  int a = bound(), b = bound(), c = bound();
  SHOW(send(a, "x", 1, 0));
  struct sockaddr_in to = at(port_of(b));
  SHOW(connect(a, (struct sockaddr *)&to, sizeof to));
  SHOW(send(a, "one", 3, 0));
  SHOW(write(a, "two", 3));
  char bytes[16];
  SHOW(read(b, bytes, 16));
  SHOW(read(b, bytes, 2));
  SHOW(send_to(c, a, "stranger"));
  SHOW(send_to(b, a, "friend"));
  SHOW(recv(a, bytes, 16, 0));
  struct sockaddr_in peer;
  socklen_t n = sizeof peer;
  SHOW(getpeername(a, (struct sockaddr *)&peer, &n));
  to.sin_family = AF_UNSPEC;
  SHOW(connect(a, (struct sockaddr *)&to, sizeof to));
  SHOW(getpeername(a, (struct sockaddr *)&peer, &n));
  SHOW(listen(a, 1));
  SHOW(accept(a, NULL, NULL));
  SHOW(shutdown(a, SHUT_RDWR));
}

CASE(refused) {
  int a = bound(), b = bound();
  struct sockaddr_in to = at(port_of(b));
  close(b);
  SHOW(connect(a, (struct sockaddr *)&to, sizeof to));
  SHOW(send(a, "x", 1, 0));
  let_it_block();
  struct pollfd p = {.fd = a, .events = POLLIN};
  SHOW(poll(&p, 1, 0));
  say("%#x", p.revents);
  char c;
  SHOW(recv(a, &c, 1, 0));
  SHOW(recv(a, &c, 1, MSG_DONTWAIT));
}

CASE(error_queue) {
  int a = bound(), b = bound();
  struct sockaddr_in to = at(port_of(b));
  close(b);
  MUST(set(a, IPPROTO_IP, IP_RECVERR, 1));
  char bytes[64], control[512];
  struct iovec v = {bytes, sizeof bytes};
  struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  SHOW(recvmsg(a, &m, MSG_ERRQUEUE));
  SHOW(sendto(a, "lost", 4, 0, (struct sockaddr *)&to, sizeof to));
  let_it_block();
  m.msg_controllen = sizeof control;
  SHOW(recvmsg(a, &m, MSG_ERRQUEUE));
  struct cmsghdr *h = CMSG_FIRSTHDR(&m);
  if (h) {
    struct sock_extended_err e;
    memcpy(&e, CMSG_DATA(h), sizeof e);
    say("%#x level %d type %d: %s origin %d type %d code %d", m.msg_flags, h->cmsg_level, h->cmsg_type,
        errno_name(e.ee_errno), e.ee_origin, e.ee_type, e.ee_code);
  }
}

CASE(large) {
  int a = bound(), b = bound();
  static char bytes[70000];
  struct sockaddr_in to = at(port_of(b));
  SHOW(sendto(a, bytes, 65507, 0, (struct sockaddr *)&to, sizeof to));
  SHOW(sendto(a, bytes, 65508, 0, (struct sockaddr *)&to, sizeof to));
  static char huge[3 << 20];
  SHOW(sendto(a, huge, sizeof huge, 0, (struct sockaddr *)&to, sizeof to));
  SHOW(recv(b, bytes, sizeof bytes, 0));
  SHOW(sendto(a, bytes, 4, 0, (struct sockaddr *)&to, 5));
  to.sin_port = 0;
  SHOW(sendto(a, bytes, 4, 0, (struct sockaddr *)&to, sizeof to));
  to.sin_family = AF_UNIX;
  SHOW(sendto(a, bytes, 4, 0, (struct sockaddr *)&to, sizeof to));
  to = at(9);
  to.sin_addr.s_addr = inet_addr("192.0.2.1");
  SHOW(sendto(a, bytes, 4, 0, (struct sockaddr *)&to, sizeof to));
  to = at(port_of(b));
  SHOW(sendto(a, BAD_POINTER, 4, 0, (struct sockaddr *)&to, sizeof to));
  SHOW(send(a, bytes, 4, MSG_OOB));
}

static void say_control(struct msghdr *m) {
  say("flags %#x, %zu bytes of control", m->msg_flags, (size_t)m->msg_controllen);
  for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
    if (h->cmsg_level == IPPROTO_IP && h->cmsg_type == IP_PKTINFO) {
      struct in_pktinfo info;
      memcpy(&info, CMSG_DATA(h), sizeof info);
      say("pktinfo: interface %d, %s", info.ipi_ifindex, inet_ntoa(info.ipi_addr));
    } else if (h->cmsg_level == SOL_SOCKET) {
      say("socket: type %d length %zu", h->cmsg_type, (size_t)h->cmsg_len);
    } else {
      int value = 0;
      memcpy(&value, CMSG_DATA(h), h->cmsg_len - CMSG_LEN(0) < 4 ? 1 : 4);
      say("level %d type %d length %zu: %d", h->cmsg_level, h->cmsg_type, (size_t)h->cmsg_len, value);
    }
  }
}

CASE(ancillary) {
  int a = bound(), b = bound();
  MUST(set(b, IPPROTO_IP, IP_PKTINFO, 1));
  MUST(set(b, IPPROTO_IP, IP_RECVTTL, 1));
  MUST(set(b, IPPROTO_IP, IP_RECVTOS, 1));
  MUST(set(b, SOL_SOCKET, SO_TIMESTAMP, 1));
  char bytes[16], control[256];
  struct sockaddr_in from;
  struct iovec v = {bytes, sizeof bytes};
  struct msghdr m = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &v, .msg_iovlen = 1,
                     .msg_control = control, .msg_controllen = sizeof control};
  MUST(send_to(a, b, "hello"));
  SHOW(recvmsg(b, &m, 0));
  say("%u", m.msg_namelen);
  say_control(&m);
  for (int room = 0; room <= 60; room += 20) {
    MUST(send_to(a, b, "hello"));
    m.msg_controllen = room;
    SHOW(recvmsg(b, &m, 0));
    say_control(&m);
  }
  MUST(send_to(a, b, "hello"));
  m.msg_control = NULL;
  m.msg_controllen = 100;
  SHOW(recvmsg(b, &m, 0));
  say("%#x", m.msg_flags);
}

CASE(marked) {
  int a = bound(), b = bound();
  MUST(set(b, IPPROTO_IP, IP_RECVTTL, 1));
  MUST(set(b, IPPROTO_IP, IP_PKTINFO, 1));
  struct sockaddr_in to = at(port_of(b));
  char control[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct in_pktinfo))] = {0};
  struct iovec v = {"x", 1};
  struct msghdr m = {.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &v, .msg_iovlen = 1,
                     .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *h = CMSG_FIRSTHDR(&m);
  h->cmsg_level = IPPROTO_IP;
  h->cmsg_type = IP_TTL;
  h->cmsg_len = CMSG_LEN(sizeof(int));
  *(int *)CMSG_DATA(h) = 7;
  h = CMSG_NXTHDR(&m, h);
  h->cmsg_level = IPPROTO_IP;
  h->cmsg_type = IP_PKTINFO;
  h->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
  struct in_pktinfo *info = (struct in_pktinfo *)CMSG_DATA(h);
  info->ipi_spec_dst.s_addr = inet_addr("127.0.0.9");
  SHOW(sendmsg(a, &m, 0));
  char bytes[16], in[256];
  struct sockaddr_in from;
  struct iovec w = {bytes, sizeof bytes};
  struct msghdr r = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &w, .msg_iovlen = 1,
                     .msg_control = in, .msg_controllen = sizeof in};
  SHOW(recvmsg(b, &r, 0));
  say("from %s", inet_ntoa(from.sin_addr));
  say_control(&r);
  h = CMSG_FIRSTHDR(&m);
  h->cmsg_type = 999;
  SHOW(sendmsg(a, &m, 0));
  h->cmsg_len = 3;
  SHOW(sendmsg(a, &m, 0));
  m.msg_control = BAD_POINTER;
  SHOW(sendmsg(a, &m, 0));
  m.msg_control = control;
  m.msg_controllen = 1 << 20;
  SHOW(sendmsg(a, &m, 0));
}

CASE(many) {
  int a = bound(), b = bound();
  struct sockaddr_in to = at(port_of(b));
  struct mmsghdr out[5], in[8];
  struct iovec v[5], w[8];
  char bytes[8][8];
  memset(out, 0, sizeof out);
  memset(in, 0, sizeof in);
  for (int i = 0; i < 5; i++) {
    v[i] = (struct iovec){"abcde", i + 1};
    out[i].msg_hdr = (struct msghdr){.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &v[i], .msg_iovlen = 1};
  }
  for (int i = 0; i < 8; i++) {
    w[i] = (struct iovec){bytes[i], 3};
    in[i].msg_hdr = (struct msghdr){.msg_iov = &w[i], .msg_iovlen = 1};
  }
  SHOW(sendmmsg(a, out, 5, 0));
  say("%u %u", out[0].msg_len, out[4].msg_len);
  SHOW(recvmmsg(b, in, 2, 0, NULL));
  SHOW(recvmmsg(b, in + 2, 6, MSG_WAITFORONE, NULL));
  for (int i = 0; i < 5; i++)
    say("%u %#x", in[i].msg_len, in[i].msg_hdr.msg_flags);
  SHOW(recvmmsg(b, in, 1, MSG_DONTWAIT, NULL));
}

CASE(segments) {
  int a = bound(), b = bound();
  struct sockaddr_in to = at(port_of(b));
  MUST(connect(a, (struct sockaddr *)&to, sizeof to));
  SHOW(set(a, IPPROTO_UDP, UDP_SEGMENT, 10));
  SHOW(send(a, "0123456789abcdefghijABCDE", 25, 0));
  char bytes[64];
  for (int i = 0; i < 3; i++)
    SHOW(recv(b, bytes, sizeof bytes, 0));
}

CASE(version_6) {
  int a = MUST(socket(AF_INET6, SOCK_DGRAM, 0));
  struct sockaddr_in6 self = {.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
  SHOW(bind(a, (struct sockaddr *)&self, sizeof self));
  socklen_t n = sizeof self;
  SHOW(getsockname(a, (struct sockaddr *)&self, &n));
  SHOW(set(a, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1));
  SHOW(set(a, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1));
  SHOW(sendto(a, "six", 3, 0, (struct sockaddr *)&self, sizeof self));
  char bytes[16], in[256];
  struct sockaddr_in6 from;
  struct iovec w = {bytes, sizeof bytes};
  struct msghdr r = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &w, .msg_iovlen = 1,
                     .msg_control = in, .msg_controllen = sizeof in};
  SHOW(recvmsg(a, &r, 0));
  say("%u", r.msg_namelen);
  for (struct cmsghdr *h = CMSG_FIRSTHDR(&r); h; h = CMSG_NXTHDR(&r, h))
    say("level %d type %d length %zu", h->cmsg_level, h->cmsg_type, (size_t)h->cmsg_len);
}

CASE(multicast) {
  int a = MUST(socket(AF_INET, SOCK_DGRAM, 0));
  struct sockaddr_in any = {.sin_family = AF_INET};
  MUST(bind(a, (struct sockaddr *)&any, sizeof any));
  struct ip_mreqn join = {.imr_multiaddr.s_addr = inet_addr("239.1.2.3"), .imr_ifindex = 1};
  SHOW(setsockopt(a, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof join));
  SHOW(setsockopt(a, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof join));
  SHOW(setsockopt(a, IPPROTO_IP, IP_MULTICAST_IF, &join, sizeof join));
  struct sockaddr_in to = at(port_of(a));
  to.sin_addr = join.imr_multiaddr;
  SHOW(sendto(a, "all", 3, 0, (struct sockaddr *)&to, sizeof to));
  char bytes[8];
  SHOW(recv(a, bytes, sizeof bytes, MSG_DONTWAIT));
  SHOW(setsockopt(a, IPPROTO_IP, IP_DROP_MEMBERSHIP, &join, sizeof join));
}

CASE(waiting) {
  int a = bound(), b = bound();
  pid_t pid = fork();
  if (pid == 0) {
    let_it_block();
    send_to(a, b, "late");
    _exit(0);
  }
  char bytes[8];
  SHOW(recv(b, bytes, sizeof bytes, 0));
  reap("sender", pid);
  struct timeval t = {0, 100000};
  MUST(setsockopt(b, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t));
  long start = now_ms();
  SHOW(recv(b, bytes, sizeof bytes, 0));
  say_took("recv", start, 100);
  int e = MUST(epoll_create1(0));
  struct epoll_event ev = {.events = EPOLLIN | EPOLLET};
  MUST(epoll_ctl(e, EPOLL_CTL_ADD, b, &ev));
  SHOW(epoll_wait(e, &ev, 1, 0));
  send_to(a, b, "1");
  SHOW(epoll_wait(e, &ev, 1, 1000));
  SHOW(epoll_wait(e, &ev, 1, 20));
  send_to(a, b, "2");
  SHOW(epoll_wait(e, &ev, 1, 1000));
  int n = -1;
  SHOW(ioctl(b, FIONREAD, &n));
  say("%d", n);
}

CASE(hostile_headers) {
  int a = bound(), b = bound();
  struct sockaddr_in to = at(port_of(b));
  struct iovec v = {"x", 1};
  struct msghdr m = {.msg_name = &to, .msg_namelen = -1, .msg_iov = &v, .msg_iovlen = 1};
  SHOW(sendmsg(a, &m, 0));
  m.msg_namelen = 1000;
  SHOW(sendmsg(a, &m, 0));
  m.msg_namelen = sizeof to;
  m.msg_iovlen = 2000;
  SHOW(sendmsg(a, &m, 0));
  m.msg_iovlen = 1;
  m.msg_iov = BAD_POINTER;
  SHOW(sendmsg(a, &m, 0));
  m.msg_iov = &v;
  v.iov_len = -1;
  SHOW(sendmsg(a, &m, 0));
  v.iov_len = 1;
  m.msg_name = BAD_POINTER;
  SHOW(sendmsg(a, &m, 0));
  SHOW(sendmsg(a, BAD_POINTER, 0));
  SHOW(recvmsg(a, BAD_POINTER, 0));
  SHOW(sendto(a, "x", 1, 0, (struct sockaddr *)&to, -1));
  SHOW(sendto(a, "x", 1, 0x7f000000, (struct sockaddr *)&to, sizeof to));
}
