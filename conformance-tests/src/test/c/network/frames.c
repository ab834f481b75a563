/*
 * Frames between two network namespaces, by packet(7): who receives answers to the address that recvfrom(2) told, who sends does
 * so again until an answer comes.
 *
 *   frames answer INTERFACE         waits for one frame and answers it
 *   frames ask INTERFACE TEXT       sends to everybody, prints who answers and what
 *   frames refused                  prints the errnos that sockets of the kind give
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#define PROTOCOL 0x88b5 /* of local experiments */

static void die(const char *what) {
  perror(what);
  exit(1);
}

static int on(const char *interface, int type) {
  struct sockaddr_ll a = {.sll_family = AF_PACKET, .sll_protocol = htons(PROTOCOL)};
  a.sll_ifindex = (int)if_nametoindex(interface);
  int fd = socket(AF_PACKET, type, htons(PROTOCOL));
  if (fd < 0) die("socket");
  if (bind(fd, (struct sockaddr *)&a, sizeof a)) die("bind");
  return fd;
}

static void answer(const char *interface) {
  int fd = on(interface, SOCK_DGRAM);
  struct sockaddr_ll from;
  socklen_t length = sizeof from;
  char bytes[2000];
  ssize_t n = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &length);
  if (n < 0) die("recvfrom");
  printf("%zd bytes to %s: %.20s\n", n, from.sll_pkttype == PACKET_BROADCAST ? "all" : "one", bytes);
  fflush(stdout);
  if (sendto(fd, "seen", 5, 0, (struct sockaddr *)&from, length) != 5) die("sendto");
}

static void ask(const char *interface, const char *text) {
  int fd = on(interface, SOCK_DGRAM);
  struct sockaddr_ll all = {.sll_family = AF_PACKET, .sll_protocol = htons(PROTOCOL), .sll_halen = 6}, from;
  all.sll_ifindex = (int)if_nametoindex(interface);
  memset(all.sll_addr, 0xff, 6);
  struct timeval time = {0, 200000};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
  char bytes[2000];
  for (int i = 0; i < 150; i++) {
    socklen_t length = sizeof from;
    if (sendto(fd, text, strlen(text) + 1, 0, (struct sockaddr *)&all, sizeof all) < 0) die("sendto");
    ssize_t n = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &length);
    if (n < 0) continue;
    printf("%s from %02x:%02x to %s\n", bytes, from.sll_addr[0], from.sll_addr[5], from.sll_pkttype == PACKET_HOST ? "one" : "all");
    return;
  }
  printf("no answer\n");
}

static void refused(void) {
  int kinds[][3] = {{AF_INET, SOCK_RAW, IPPROTO_ICMP}, {AF_INET6, SOCK_RAW, IPPROTO_RAW}, {AF_PACKET, SOCK_RAW, 0}, {AF_PACKET, SOCK_DGRAM, 0}};
  for (int i = 0; i < 4; i++) printf("%s\n", socket(kinds[i][0], kinds[i][1], kinds[i][2]) < 0 ? strerrorname_np(errno) : "made");
}

int main(int argc, char **argv) {
  if (argc == 3 && strcmp(argv[1], "answer") == 0)
    answer(argv[2]);
  else if (argc == 4 && strcmp(argv[1], "ask") == 0)
    ask(argv[2], argv[3]);
  else if (argc == 2 && strcmp(argv[1], "refused") == 0)
    refused();
  else
    return 2;
  return 0;
}
