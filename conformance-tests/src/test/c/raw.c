/* Raw sockets over loopback, as root. In the sandbox with --net-raw; runs in a network namespace of its own. */
#include "rawsockets.h"
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>

#ifndef SOL_RAW
#define SOL_RAW 255
#endif
#ifndef ICMP_FILTER
#define ICMP_FILTER 1
#endif
CASE(kinds) {
  SHOW(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP) >= 0);
  SHOW(socket(AF_INET, SOCK_RAW, IPPROTO_RAW) >= 0);
  SHOW(socket(AF_INET, SOCK_RAW, IPPROTO_UDP) >= 0);
  SHOW(socket(AF_INET, SOCK_RAW, 253) >= 0);
  SHOW(socket(AF_INET, SOCK_RAW, 0));
  SHOW(socket(AF_INET, SOCK_RAW, -1));
  SHOW(socket(AF_INET, SOCK_RAW, 263));
  SHOW(socket(AF_INET, SOCK_RAW, 1 << 16 | 1));
  SHOW(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6) >= 0);
  SHOW(socket(AF_INET6, SOCK_RAW, IPPROTO_RAW) >= 0);
  SHOW(socket(AF_INET6, SOCK_RAW, 0));
  SHOW(socket(AF_PACKET, SOCK_RAW, 0) >= 0);
  SHOW(socket(AF_PACKET, SOCK_DGRAM, htons(ETH_P_ALL)) >= 0);
  SHOW(socket(AF_PACKET, SOCK_STREAM, 0));
  SHOW(socket(AF_PACKET, SOCK_SEQPACKET, 0));
  SHOW(socket(AF_PACKET, 11, 0));
  SHOW(socket(AF_PACKET, SOCK_RAW | 0x10, 0));
  int s[2];
  SHOW(socketpair(AF_INET, SOCK_RAW, IPPROTO_ICMP, s));
  SHOW(socketpair(AF_PACKET, SOCK_RAW, 0, s));
  int fd = MUST(socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP));
  SHOW(fcntl(fd, F_GETFL) & O_NONBLOCK ? 1 : 0);
  SHOW(fcntl(fd, F_GETFD));
  say("%d %d %d", get(fd, SOL_SOCKET, SO_DOMAIN), get(fd, SOL_SOCKET, SO_TYPE), get(fd, SOL_SOCKET, SO_PROTOCOL));
  fd = packet(SOCK_DGRAM, ETH_P_ALL);
  say("%d %d", get(fd, SOL_SOCKET, SO_DOMAIN), get(fd, SOL_SOCKET, SO_TYPE));
}

CASE(without_the_capability) {
  drop(CAP_NET_RAW);
  int s[2];
  SHOW(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
  SHOW(socket(AF_INET, SOCK_RAW, 0));
  SHOW(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
  SHOW(socket(AF_PACKET, SOCK_RAW, 0));
  SHOW(socket(AF_PACKET, SOCK_DGRAM, 0));
  SHOW(socket(AF_PACKET, SOCK_STREAM, 0));
  SHOW(socketpair(AF_PACKET, SOCK_RAW, 0, s));
  SHOW(socketpair(AF_INET, SOCK_RAW, IPPROTO_ICMP, s));
  SHOW(socket(AF_INET, SOCK_DGRAM, 0) >= 0);
}

CASE(of_another_user) {
  MUST(setgid(1000));
  MUST(setuid(1000));
  SHOW(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
  SHOW(socket(AF_PACKET, SOCK_RAW, 0));
}

/* It is looked at when the socket is made, and not afterwards. */
CASE(capability_dropped_afterwards) {
  int fd = raw(IPPROTO_ICMP);
  drop(CAP_NET_RAW);
  struct icmphdr echo = {.type = ICMP_ECHO, .un.echo.id = 1};
  echo.checksum = sum(&echo, sizeof echo);
  struct sockaddr_in a = at(0);
  SHOW(sendto(fd, &echo, sizeof echo, 0, (struct sockaddr *)&a, sizeof a));
}

/* What ping does without the group's right to echo sockets. */
CASE(echo) {
  int fd = raw(IPPROTO_ICMP);
  struct {
    struct icmphdr icmp;
    char text[8];
  } echo = {.icmp = {.type = ICMP_ECHO, .un.echo = {.id = htons(77), .sequence = htons(5)}}, .text = "payload"};
  echo.icmp.checksum = sum(&echo, sizeof echo);
  struct sockaddr_in a = at(0), from;
  SHOW(sendto(fd, &echo, sizeof echo, 0, (struct sockaddr *)&a, sizeof a));
  char bytes[256];
  for (int i = 0; i < 2; i++) {
    socklen_t n = sizeof from;
    long r = SHOW(recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &n));
    if (r < 28) return;
    struct iphdr *ip = (struct iphdr *)bytes;
    struct icmphdr *icmp = (struct icmphdr *)(bytes + 20);
    say("from %s port %d length %u", inet_ntoa(from.sin_addr), from.sin_port, n);
    say("version %d ihl %d protocol %d length %d", ip->version, ip->ihl, ip->protocol, ntohs(ip->tot_len));
    say("type %d code %d id %d sequence %d %s", icmp->type, icmp->code, ntohs(icmp->un.echo.id),
        ntohs(icmp->un.echo.sequence), bytes + 28);
  }
}

CASE(icmp_filter) {
  int fd = raw(IPPROTO_ICMP), all = raw(IPPROTO_ICMP);
  uint32_t filter = ~(1u << ICMP_ECHOREPLY), got[4] = {7, 7, 7, 7};
  SHOW(setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter, sizeof filter));
  socklen_t n = sizeof got;
  SHOW(getsockopt(fd, SOL_RAW, ICMP_FILTER, got, &n));
  say("%u %x %x", n, got[0], got[1]);
  n = 2;
  got[0] = 0;
  SHOW(getsockopt(fd, SOL_RAW, ICMP_FILTER, got, &n));
  say("%u %x", n, got[0]);
  struct icmphdr echo = {.type = ICMP_ECHO, .un.echo.id = 1};
  echo.checksum = sum(&echo, sizeof echo);
  struct sockaddr_in a = at(0);
  SHOW(sendto(fd, &echo, sizeof echo, 0, (struct sockaddr *)&a, sizeof a));
  unsigned char bytes[128];
  SHOW(recv(fd, bytes, sizeof bytes, 0));
  say("type %d", bytes[20]);
  SHOW(recv(fd, bytes, sizeof bytes, MSG_DONTWAIT));
  SHOW(recv(all, bytes, sizeof bytes, 0));
  say("type %d", bytes[20]);
  SHOW(recv(all, bytes, sizeof bytes, 0));
  say("type %d", bytes[20]);
  SHOW(setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter, 0));
  SHOW(setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter, 3));
  char large[8000] = "";
  SHOW(setsockopt(fd, SOL_RAW, ICMP_FILTER, large, 64));
  SHOW(setsockopt(fd, SOL_RAW, ICMP_FILTER, large, sizeof large));
  SHOW(setsockopt(fd, SOL_RAW, ICMP_FILTER, &filter, -1));
  SHOW(setsockopt(fd, SOL_RAW, ICMP_FILTER, (void *)8, 4));
  SHOW(setsockopt(fd, SOL_RAW, 2, &filter, 4));
  n = sizeof got;
  SHOW(getsockopt(fd, SOL_RAW, 2, got, &n));
  n = -1;
  SHOW(getsockopt(fd, SOL_RAW, ICMP_FILTER, got, &n));
  int other = raw(IPPROTO_UDP), datagrams = MUST(socket(AF_INET, SOCK_DGRAM, 0));
  SHOW(setsockopt(other, SOL_RAW, ICMP_FILTER, &filter, 4));
  n = 4;
  SHOW(getsockopt(other, SOL_RAW, ICMP_FILTER, got, &n));
  SHOW(setsockopt(datagrams, SOL_RAW, ICMP_FILTER, &filter, 4));
}

/* A datagram with a header of its own, from an address that nobody has given it. */
CASE(header_included) {
  int out = raw(IPPROTO_RAW), in = raw(IPPROTO_UDP);
  SHOW(get(out, SOL_IP, IP_HDRINCL));
  SHOW(get(in, SOL_IP, IP_HDRINCL));
  struct {
    struct iphdr ip;
    struct udphdr udp;
    char text[6];
  } __attribute__((packed)) p = {
      .ip = {.version = 4, .ihl = 5, .ttl = 9, .protocol = IPPROTO_UDP, .id = htons(99)}, .text = "forged"};
  p.ip.saddr = inet_addr("127.6.6.6");
  p.ip.daddr = htonl(INADDR_LOOPBACK);
  p.udp = (struct udphdr){.source = htons(9), .dest = htons(PORT), .len = htons(14)};
  struct sockaddr_in a = at(0), from;
  SHOW(sendto(out, &p, sizeof p, 0, (struct sockaddr *)&a, sizeof a));
  char bytes[128] = "";
  socklen_t n = sizeof from;
  SHOW(recvfrom(in, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &n));
  struct iphdr *ip = (struct iphdr *)bytes;
  say("from %s ttl %d id %d length %d checksum %d %s", inet_ntoa(from.sin_addr), ip->ttl, ntohs(ip->id), ntohs(ip->tot_len),
      sum(ip, 20), bytes + 28);
  SHOW(sendto(out, &p, 19, 0, (struct sockaddr *)&a, sizeof a));
  p.ip.ihl = 15;
  SHOW(sendto(out, &p, sizeof p, 0, (struct sockaddr *)&a, sizeof a));
  SHOW(set(in, SOL_IP, IP_HDRINCL, 1));
  SHOW(get(in, SOL_IP, IP_HDRINCL));
  SHOW(set(in, SOL_IP, IP_HDRINCL, 0));
  SHOW(set(MUST(socket(AF_INET, SOCK_DGRAM, 0)), SOL_IP, IP_HDRINCL, 1));
  SHOW(set(in, SOL_IP, IP_NODEFRAG, 1));
  SHOW(recv(out, bytes, sizeof bytes, MSG_DONTWAIT));
}

CASE(names_of_raw_sockets) {
  int fd = raw(IPPROTO_ICMP);
  struct sockaddr_in a = at(80), got;
  socklen_t n = sizeof got;
  drop(CAP_NET_BIND_SERVICE);
  SHOW(bind(fd, (struct sockaddr *)&a, sizeof a));
  SHOW(getsockname(fd, (struct sockaddr *)&got, &n));
  say("%u %s %d", n, inet_ntoa(got.sin_addr), ntohs(got.sin_port));
  SHOW(bind(fd, (struct sockaddr *)&a, 8));
  a.sin_family = AF_INET6;
  SHOW(bind(fd, (struct sockaddr *)&a, sizeof a));
  a = at(80);
  a.sin_addr.s_addr = inet_addr("192.0.2.1");
  SHOW(bind(fd, (struct sockaddr *)&a, sizeof a));
  n = sizeof got;
  SHOW(getpeername(fd, (struct sockaddr *)&got, &n));
  SHOW(send(fd, "x", 1, 0));
  a = at(0);
  SHOW(connect(fd, (struct sockaddr *)&a, sizeof a));
  n = sizeof got;
  SHOW(getpeername(fd, (struct sockaddr *)&got, &n));
  say("%u %s", n, inet_ntoa(got.sin_addr));
  SHOW(listen(fd, 1));
  SHOW(accept(fd, NULL, NULL));
  SHOW(sendto(fd, "x", 1, 0, (struct sockaddr *)&a, 3));
  SHOW(sendto(fd, "x", 1, MSG_OOB, (struct sockaddr *)&a, sizeof a));
  SHOW(shutdown(fd, SHUT_RD));
}

CASE(icmpv6) {
  int fd = REQUIRE(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6));
  patient(fd);
  struct icmp6_filter filter, got;
  ICMP6_FILTER_SETBLOCKALL(&filter);
  ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
  SHOW(setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter));
  socklen_t n = sizeof got;
  SHOW(getsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &got, &n));
  say("%u %d", n, memcmp(&filter, &got, sizeof got));
  struct icmp6_hdr echo = {.icmp6_type = ICMP6_ECHO_REQUEST};
  echo.icmp6_id = htons(3);
  struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT}, from;
  SHOW(sendto(fd, &echo, sizeof echo, 0, (struct sockaddr *)&a, sizeof a));
  unsigned char bytes[128];
  n = sizeof from;
  SHOW(recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &n));
  say("type %d id %d length %u", bytes[0], bytes[5], n);
  SHOW(setsockopt(fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, 3));
  SHOW(setsockopt(fd, IPPROTO_ICMPV6, 2, &filter, sizeof filter));
  SHOW(set(fd, SOL_IPV6, IPV6_CHECKSUM, 2));
  SHOW(set(fd, SOL_RAW, IPV6_CHECKSUM, 2));
  int other = MUST(socket(AF_INET6, SOCK_RAW, 253));
  SHOW(set(other, SOL_IPV6, IPV6_CHECKSUM, 2));
  SHOW(get(other, SOL_IPV6, IPV6_CHECKSUM));
  SHOW(set(other, SOL_RAW, IPV6_CHECKSUM, 4));
  SHOW(get(other, SOL_RAW, IPV6_CHECKSUM));
  SHOW(set(other, SOL_RAW, IPV6_CHECKSUM, 3));
  SHOW(set(other, SOL_RAW, IPV6_CHECKSUM, -1));
  SHOW(set(other, SOL_IPV6, 36, 1)); /* IPV6_HDRINCL */
  SHOW(get(other, SOL_IPV6, 36));
  SHOW(setsockopt(other, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter));
  SHOW(set(other, SOL_RAW, 99, 1));
  SHOW(get(other, SOL_RAW, 99));
}
