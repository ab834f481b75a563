/* What the families of raw(7) and packet(7) share. Both run in a network namespace of their own. */
#ifndef RAWSOCKETS_H
#define RAWSOCKETS_H

#include "harness.h"
#include <arpa/inet.h>
#include <linux/capability.h>
#include <netinet/in.h>

#define PORT 7777

static struct sockaddr_in at(int port) {
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return a;
}

static uint16_t sum(const void *bytes, size_t length) {
  uint32_t s = 0;
  for (size_t i = 0; i < length; i += 2) {
    uint16_t word = 0;
    memcpy(&word, (const char *)bytes + i, length - i < 2 ? 1 : 2);
    s += word;
  }
  s = (s >> 16) + (s & 0xffff);
  return (uint16_t)~(s + (s >> 16));
}

/* No answer within two seconds is EAGAIN. */
static void patient(int fd) {
  struct timeval time = {2, 0};
  MUST(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time));
}

static int raw(int protocol) {
  int fd = MUST(socket(AF_INET, SOCK_RAW, protocol));
  patient(fd);
  return fd;
}

static int packet(int type, int protocol) {
  int fd = MUST(socket(AF_PACKET, type, htons(protocol)));
  patient(fd);
  return fd;
}

static int set(int fd, int level, int name, int value) { return setsockopt(fd, level, name, &value, sizeof value); }

static int get(int fd, int level, int name) {
  int value = -77;
  socklen_t n = sizeof value;
  return getsockopt(fd, level, name, &value, &n) < 0 ? -errno : value;
}

static void drop(int capability) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct data[2];
  MUST(syscall(SYS_capget, &header, data));
  data[0].effective &= ~(1u << capability);
  MUST(syscall(SYS_capset, &header, data));
}

#endif
