/*
 * Packet sockets over loopback, as root. In the sandbox with --net-raw; runs in a network namespace of its own. What a capture
 * sees is looked for by a port, because other packets of the namespace (neighbours, routers) may come between.
 */
#include "rawsockets.h"
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if_arp.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sys/epoll.h>

static struct sockaddr_ll on(int interface, int protocol) {
  return (struct sockaddr_ll){.sll_family = AF_PACKET, .sll_ifindex = interface, .sll_protocol = htons(protocol)};
}

static int lo(void) { return MUST((int)if_nametoindex("lo")); }

/* A datagram over loopback, to nobody who listens or to fd. */
static void datagram(const char *text, int port) {
  int fd = MUST(socket(AF_INET, SOCK_DGRAM, 0));
  struct sockaddr_in a = at(port);
  MUST(sendto(fd, text, strlen(text), 0, (struct sockaddr *)&a, sizeof a));
  close(fd);
}

static const char *kind_of(int type) {
  return type == PACKET_HOST ? "host" : type == PACKET_OUTGOING ? "outgoing" : "other";
}

/* Receives until a UDP datagram to the port has come. Returns its length, or -1. */
static long capture(int fd, int offset, char *bytes, size_t room, struct sockaddr_ll *from, socklen_t *n) {
  for (;;) {
    *n = sizeof *from;
    long r = recvfrom(fd, bytes, room, 0, (struct sockaddr *)from, n);
    struct iphdr *ip = (struct iphdr *)(bytes + offset);
    if (r < 0) return r;
    if (from->sll_protocol != htons(ETH_P_IP) || r < offset + 28 || ip->protocol != IPPROTO_UDP) continue;
    if (((struct udphdr *)(bytes + offset + 20))->dest == htons(PORT)) return r;
  }
}

static void say_captured(long r, int offset, const char *bytes, const struct sockaddr_ll *from, socklen_t n) {
  if (r < 0) {
    say("nothing: %s", errno_name(errno));
    return;
  }
  say("%ld bytes, text %.*s", r, (int)(r - offset - 28), bytes + offset + 28);
  say("name %u: family %d protocol %x lo %d hardware %d %s, address of %d: %02x%02x", n, from->sll_family,
      ntohs(from->sll_protocol), from->sll_ifindex == lo(), from->sll_hatype, kind_of(from->sll_pkttype), from->sll_halen,
      from->sll_addr[0], from->sll_addr[5]);
}

CASE(capture_of_a_datagram) {
  int fd = packet(SOCK_RAW, ETH_P_ALL), cooked = packet(SOCK_DGRAM, ETH_P_IP);
  datagram("seen", PORT);
  char bytes[256];
  struct sockaddr_ll from;
  socklen_t n;
  for (int i = 0; i < 2; i++) {
    long r = capture(fd, 14, bytes, sizeof bytes, &from, &n);
    say_captured(r, 14, bytes, &from, n);
    say("frame: type %02x%02x", (unsigned char)bytes[12], (unsigned char)bytes[13]);
  }
  /* One of a protocol does not see what goes out. */
  long r = capture(cooked, 0, bytes, sizeof bytes, &from, &n);
  say_captured(r, 0, bytes, &from, n);
  SHOW(recv(cooked, bytes, sizeof bytes, MSG_DONTWAIT));
}

/* Each has nothing that came before it was there, also when one of its kind is asked for again and again. */
CASE(one_after_the_other) {
  char bytes[64];
  int out = MUST(socket(AF_INET, SOCK_DGRAM, 0));
  struct sockaddr_in a = at(PORT);
  for (int i = 0; i < 5; i++) {
    int fd = packet(SOCK_DGRAM, ETH_P_IP);
    SHOW(recv(fd, bytes, sizeof bytes, MSG_DONTWAIT));
    MUST(sendto(out, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&a, sizeof a));
    close(fd);
  }
  for (int i = 0; i < 5; i++) {
    int fd = raw(IPPROTO_UDP);
    SHOW(recv(fd, bytes, sizeof bytes, MSG_DONTWAIT));
    MUST(sendto(out, "x", 1, MSG_DONTWAIT, (struct sockaddr *)&a, sizeof a));
    close(fd);
  }
}

CASE(bind_to_an_interface) {
  int fd = packet(SOCK_DGRAM, 0);
  struct sockaddr_ll a = on(lo(), ETH_P_IP), got = {0};
  socklen_t n = sizeof got;
  drop(CAP_NET_BIND_SERVICE); /* ETH_P_ALL is 3, which is no port */
  SHOW(getsockname(fd, (struct sockaddr *)&got, &n));
  say("%u family %d protocol %x interface %d", n, got.sll_family, ntohs(got.sll_protocol), got.sll_ifindex);
  SHOW(bind(fd, (struct sockaddr *)&a, sizeof a));
  n = sizeof got;
  SHOW(getsockname(fd, (struct sockaddr *)&got, &n));
  say("%u family %d protocol %x lo %d type %d addresses of %d", n, got.sll_family, ntohs(got.sll_protocol),
      got.sll_ifindex == lo(), got.sll_hatype, got.sll_halen);
  n = 5;
  SHOW(getsockname(fd, (struct sockaddr *)&got, &n));
  say("%u", n);
  datagram("bound", PORT);
  char bytes[256];
  long r = capture(fd, 0, bytes, sizeof bytes, &got, &n);
  say_captured(r, 0, bytes, &got, n);
  SHOW(getpeername(fd, (struct sockaddr *)&got, &n));
  SHOW(connect(fd, (struct sockaddr *)&a, sizeof a));
  SHOW(listen(fd, 1));
  SHOW(accept(fd, NULL, NULL));
  SHOW(shutdown(fd, SHUT_RDWR));
  a = on(lo(), ETH_P_ALL);
  SHOW(bind(fd, (struct sockaddr *)&a, sizeof a));
  a = on(9999, ETH_P_ALL);
  SHOW(bind(fd, (struct sockaddr *)&a, sizeof a));
  a = on(-1, ETH_P_ALL);
  SHOW(bind(fd, (struct sockaddr *)&a, sizeof a));
}

CASE(lengths_of_names) {
  int fd = packet(SOCK_DGRAM, 0);
  union {
    struct sockaddr_ll ll;
    char bytes[256];
  } a = {.ll = on(lo(), ETH_P_IP)};
  static const int lengths[] = {-1, 0, 1, 2, 11, 12, 19, 20, 21, 43, 44, 52, 128, 129, 1 << 30};
  for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
    say("length %d", lengths[i]);
    SHOW(bind(fd, (struct sockaddr *)&a, lengths[i]));
    SHOW(sendto(fd, "x", 1, 0, (struct sockaddr *)&a, lengths[i]));
  }
  for (int addresses = 0; addresses < 256; addresses += 15) {
    a.ll.sll_halen = addresses;
    say("address of %d", addresses);
    SHOW(sendto(fd, "x", 1, 0, (struct sockaddr *)&a, sizeof a.ll));
    SHOW(sendto(fd, "x", 1, 0, (struct sockaddr *)&a, 128));
  }
  a.ll = on(lo(), ETH_P_IP);
  for (int family = 0; family < 19; family++) {
    a.ll.sll_family = family;
    say("family %d", family);
    SHOW(bind(fd, (struct sockaddr *)&a, sizeof a.ll));
    SHOW(sendto(fd, "x", 1, 0, (struct sockaddr *)&a, sizeof a.ll));
  }
  SHOW(bind(fd, (void *)8, sizeof a.ll));
  SHOW(sendto(fd, "x", 1, 0, (void *)8, sizeof a.ll));
  struct sockaddr name = {.sa_family = AF_PACKET, .sa_data = "lo"};
  SHOW(bind(fd, &name, sizeof name));
}

/* IPv6, since a host takes nothing for 127.0.0.1 from an interface, loopback's own included. */
CASE(send_a_frame) {
  int out = packet(SOCK_DGRAM, 0), whole = packet(SOCK_RAW, 0), in = MUST(socket(AF_INET6, SOCK_DGRAM, 0));
  patient(in);
  struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(PORT), .sin6_addr = IN6ADDR_LOOPBACK_INIT}, from;
  MUST(bind(in, (struct sockaddr *)&a, sizeof a));
  struct {
    struct ether_header ether;
    struct {
      uint32_t version;
      uint16_t length;
      uint8_t next, hops;
      struct in6_addr from, to;
    } ip;
    struct udphdr udp;
    char text[4];
  } __attribute__((packed)) p = {
      .ether = {.ether_type = htons(ETH_P_IPV6)},
      .ip = {0, htons(12), 0, IPPROTO_UDP, IN6ADDR_LOOPBACK_INIT, IN6ADDR_LOOPBACK_INIT},
      .udp = {.source = htons(9), .dest = htons(PORT), .len = htons(12)},
      .text = "made"};
  /* The first eight bytes as the pseudo header has them: length, and the protocol in place of the hops. */
  p.udp.check = sum((char *)&p + sizeof p.ether, sizeof p - sizeof p.ether);
  p.ip.version = htonl(6u << 28);
  p.ip.next = IPPROTO_UDP;
  p.ip.hops = 4;
  struct sockaddr_ll to = on(lo(), ETH_P_IPV6);
  to.sll_halen = 6;
  SHOW(sendto(out, &p.ip, 52, 0, (struct sockaddr *)&to, sizeof to));
  char bytes[64] = "";
  socklen_t n = sizeof from;
  SHOW(recvfrom(in, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &n));
  say("%s from %d", bytes, ntohs(from.sin6_port));
  SHOW(send(whole, &p, sizeof p, 0));
  SHOW(sendto(whole, &p, sizeof p, 0, (struct sockaddr *)&to, sizeof to));
  SHOW(recv(in, bytes, sizeof bytes, 0));
  MUST(bind(whole, (struct sockaddr *)&to, sizeof to));
  SHOW(send(whole, &p, sizeof p, 0));
  SHOW(recv(in, bytes, sizeof bytes, 0));
  SHOW(write(whole, &p, sizeof p));
  SHOW(read(in, bytes, sizeof bytes));
  struct iovec parts[2] = {{&p, 20}, {(char *)&p + 20, sizeof p - 20}};
  struct msghdr m = {.msg_name = &to, .msg_namelen = sizeof to, .msg_iov = parts, .msg_iovlen = 2};
  SHOW(sendmsg(whole, &m, 0));
  SHOW(recv(in, bytes, sizeof bytes, 0));
  SHOW(send(whole, &p, 13, 0));
  SHOW(send(whole, &p, 0, 0));
  static char large[70000];
  SHOW(send(whole, large, sizeof large, 0));
  SHOW(send(whole, (void *)8, 60, 0));
  SHOW(send(whole, &p, sizeof p, MSG_OOB));
}

static struct sock_filter to_port[] = {
    BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 22), /* the port of a datagram without options */
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PORT, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, 30),
    BPF_STMT(BPF_RET | BPF_K, 0),
};

CASE(filter_of_a_capture) {
  int fd = packet(SOCK_DGRAM, ETH_P_IP);
  struct sock_fprog program = {4, to_port};
  SHOW(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
  datagram("not", PORT + 1);
  datagram("passed", PORT);
  datagram("nor", PORT + 2);
  char bytes[256];
  SHOW(recv(fd, bytes, sizeof bytes, 0)); /* cut off by the filter's answer */
  say("%.2s", bytes + 28);
  SHOW(recv(fd, bytes, sizeof bytes, MSG_DONTWAIT));
  SHOW(set(fd, SOL_SOCKET, SO_DETACH_FILTER, 0));
  SHOW(set(fd, SOL_SOCKET, SO_DETACH_FILTER, 0));
  datagram("all", PORT + 1);
  SHOW(recv(fd, bytes, sizeof bytes, 0));
  SHOW(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
  SHOW(get(fd, SOL_SOCKET, SO_LOCK_FILTER));
  SHOW(set(fd, SOL_SOCKET, SO_LOCK_FILTER, 1));
  SHOW(get(fd, SOL_SOCKET, SO_LOCK_FILTER));
  SHOW(set(fd, SOL_SOCKET, SO_DETACH_FILTER, 0));
  SHOW(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
  fd = raw(IPPROTO_UDP);
  to_port[0].k = 22;
  SHOW(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
  datagram("nor", PORT + 2);
  datagram("passed", PORT);
  SHOW(recv(fd, bytes, sizeof bytes, 0));
}

CASE(programs_that_are_none) {
  int fd = packet(SOCK_RAW, ETH_P_IP);
  static struct sock_filter code[5000];
  for (int i = 0; i < 5000; i++) code[i] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
  struct sock_fprog program = {1, code};
  for (int length = 0; length < 24; length++) {
    say("length %d", length);
    SHOW(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, length));
  }
  SHOW(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, -1));
  SHOW(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, (void *)8, 16));
  SHOW(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, (void *)8, 15));
  SHOW(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, (void *)8, 2));
  SHOW(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, NULL, 16));
  static const int counts[] = {0, 2, 4096, 4097, 5000, 65535};
  for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
    program.len = counts[i];
    say("count %d", counts[i]);
    SHOW(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == -1 && errno != ENOMEM ? -1 : 0);
  }
  program = (struct sock_fprog){1, NULL};
  SHOW(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
  program = (struct sock_fprog){1, (void *)8};
  SHOW(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
  char *edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  MUST(munmap(edge + 4096, 4096));
  memcpy(edge + 4096 - 24, code, 24);
  program = (struct sock_fprog){3, (void *)(edge + 4096 - 24)};
  SHOW(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
  program.len = 4; /* the last one is not there */
  SHOW(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
  struct sock_filter bad[][2] = {
      {BPF_STMT(BPF_LD | BPF_IMM, 1), BPF_STMT(BPF_LD | BPF_IMM, 1)},               /* no end */
      {BPF_STMT(0xffff, 0), BPF_STMT(BPF_RET | BPF_K, 0)},                          /* no such instruction */
      {BPF_JUMP(BPF_JMP | BPF_JA, 7, 0, 0), BPF_STMT(BPF_RET | BPF_K, 0)},          /* out of it */
      {BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 255, 0), BPF_STMT(BPF_RET | BPF_K, 0)},
      {BPF_STMT(BPF_ST, 16), BPF_STMT(BPF_RET | BPF_K, 0)},                         /* memory that there is not */
      {BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), BPF_STMT(BPF_RET | BPF_K, 0)},       /* by nothing */
      {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + 4000), BPF_STMT(BPF_RET | BPF_K, 0)},
      {BPF_STMT(BPF_LDX | BPF_MEM, 3), BPF_STMT(BPF_RET | BPF_K, 0)},               /* read before it is written */
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    program = (struct sock_fprog){2, bad[i]};
    say("program %zu", i);
    SHOW(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
  }
}

CASE(packet_options) {
  int fd = packet(SOCK_RAW, ETH_P_ALL);
  struct packet_mreq many = {.mr_ifindex = lo(), .mr_type = PACKET_MR_PROMISC};
  SHOW(setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &many, sizeof many));
  SHOW(setsockopt(fd, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &many, sizeof many));
  SHOW(setsockopt(fd, SOL_PACKET, PACKET_DROP_MEMBERSHIP, &many, sizeof many));
  for (int type = 0; type < 6; type++) {
    many.mr_type = type;
    say("type %d", type);
    SHOW(setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &many, sizeof many));
  }
  many.mr_alen = 0xffff;
  SHOW(setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &many, sizeof many));
  many = (struct packet_mreq){.mr_ifindex = 9999, .mr_type = PACKET_MR_PROMISC};
  SHOW(setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &many, sizeof many));
  for (int length = -1; length < 17; length += 3) SHOW(setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &many, length));
  SHOW(setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, (void *)8, 16));
  static char large[8000];
  SHOW(setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, large, sizeof large));
  struct tpacket_stats stats;
  socklen_t n = sizeof stats;
  SHOW(getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &n));
  say("%u", n);
  datagram("counted", PORT);
  n = sizeof stats;
  SHOW(getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &n));
  say("%u some %d dropped %u", n, stats.tp_packets >= 2, stats.tp_drops);
  n = 4;
  SHOW(getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &n));
  say("%u %u", n, stats.tp_packets);
  n = -4;
  SHOW(getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &n));
  SHOW(set(fd, SOL_PACKET, PACKET_STATISTICS, 1));
  static const int names[] = {PACKET_AUXDATA, PACKET_ORIGDEV, PACKET_TIMESTAMP, PACKET_IGNORE_OUTGOING};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    say("option %d", names[i]);
    SHOW(get(fd, SOL_PACKET, names[i]));
    SHOW(set(fd, SOL_PACKET, names[i], 1));
    SHOW(get(fd, SOL_PACKET, names[i]));
    SHOW(set(fd, SOL_PACKET, names[i], -1));
    SHOW(setsockopt(fd, SOL_PACKET, names[i], large, 0));
    SHOW(setsockopt(fd, SOL_PACKET, names[i], large, 3));
    SHOW(setsockopt(fd, SOL_PACKET, names[i], large, sizeof large));
  }
  SHOW(set(fd, SOL_PACKET, 99, 1));
  SHOW(get(fd, SOL_PACKET, 99));
  SHOW(get(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP));
  SHOW(set(fd, SOL_IP, IP_TTL, 1));
  SHOW(get(fd, SOL_IP, IP_TTL));
  SHOW(set(raw(IPPROTO_ICMP), SOL_PACKET, PACKET_AUXDATA, 1));
  SHOW(get(raw(IPPROTO_ICMP), SOL_PACKET, PACKET_AUXDATA));
  SHOW(set(MUST(socket(AF_INET, SOCK_DGRAM, 0)), SOL_PACKET, PACKET_AUXDATA, 1));
}

/* What recvmsg(2) of libpcap reads besides the packet. */
CASE(auxiliary_data) {
  int fd = packet(SOCK_RAW, ETH_P_IP);
  MUST(set(fd, SOL_PACKET, PACKET_AUXDATA, 1));
  MUST(set(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1));
  datagram("marked", PORT);
  char bytes[20], control[256];
  struct sockaddr_ll from;
  struct iovec v = {bytes, sizeof bytes};
  struct msghdr m = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &v, .msg_iovlen = 1, .msg_control = control,
                     .msg_controllen = sizeof control};
  SHOW(recvmsg(fd, &m, MSG_TRUNC));
  say("name %u truncated %d", m.msg_namelen, (m.msg_flags & MSG_TRUNC) != 0);
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c)) {
    say("level %d type %d length %zu", c->cmsg_level, c->cmsg_type, (size_t)c->cmsg_len);
    if (c->cmsg_level == SOL_PACKET) {
      struct tpacket_auxdata *a = (void *)CMSG_DATA(c);
      say("length %u of %u, mac %u net %u", a->tp_len, a->tp_snaplen, a->tp_mac, a->tp_net);
    }
  }
}

/* A thread of the sandbox that waits for a packet is woken by one. */
CASE(waiting_for_a_packet) {
  int fd = packet(SOCK_DGRAM, ETH_P_IP), both = MUST(epoll_create1(0)), in = MUST(socket(AF_INET, SOCK_DGRAM, 0));
  struct sockaddr_in a = at(PORT);
  MUST(bind(in, (struct sockaddr *)&a, sizeof a)); /* else ICMP says that there is nobody */
  struct epoll_event e = {.events = EPOLLIN};
  MUST(epoll_ctl(both, EPOLL_CTL_ADD, fd, &e));
  SHOW(epoll_wait(both, &e, 1, 0));
  if (fork() == 0) {
    let_it_block();
    datagram("late", PORT);
    _exit(0);
  }
  SHOW(epoll_wait(both, &e, 1, 5000));
  char bytes[64];
  SHOW(recv(fd, bytes, sizeof bytes, 0));
  if (fork() == 0) {
    let_it_block();
    datagram("later", PORT);
    _exit(0);
  }
  SHOW(read(fd, bytes, sizeof bytes));
  while (wait(NULL) > 0) {
  }
  struct timeval time = {0, 50000};
  MUST(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
  SHOW(recv(fd, bytes, sizeof bytes, 0));
}

CASE(questions_by_ioctl) {
  int fd = packet(SOCK_RAW, ETH_P_ALL);
  struct ifreq lo_is = {.ifr_name = "lo"};
  SHOW(ioctl(fd, SIOCGIFINDEX, &lo_is) == 0 && lo_is.ifr_ifindex == lo());
  SHOW(ioctl(fd, SIOCGIFHWADDR, &lo_is));
  say("%d", lo_is.ifr_hwaddr.sa_family == ARPHRD_LOOPBACK);
  SHOW(ioctl(fd, SIOCGIFMTU, &lo_is));
  strcpy(lo_is.ifr_name, "none");
  SHOW(ioctl(fd, SIOCGIFINDEX, &lo_is));
  datagram("12", PORT);
  int n = -1;
  patient(fd);
  char bytes[64];
  SHOW(recv(fd, bytes, 1, MSG_PEEK));
  SHOW(ioctl(fd, FIONREAD, &n));
  say("%d", n);
  SHOW(ioctl(fd, TIOCOUTQ, &n));
  SHOW(ioctl(fd, SIOCATMARK, &n));
  int icmp = raw(IPPROTO_ICMP);
  SHOW(ioctl(icmp, FIONREAD, &n));
  say("%d", n);
}
