/* Sockets: families that no guest has, the network's switches, and services of the host. */
#include "escape.h"

#include <linux/filter.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/sysmacros.h>

/* A socket of a family or protocol that the kernel knows by this name. */
static int known(const char *name, int family, int type, int protocol) {
  only_if_listed("/proc/net/protocols", name);
  return socket(family, type, protocol);
}
ESCAPE(BARE, packet_socket) { ATTEMPT(known("PACKET", AF_PACKET, SOCK_RAW, 0)); }
ESCAPE(BARE, packet_socket_cooked) { ATTEMPT(known("PACKET", AF_PACKET, SOCK_DGRAM, 0)); }
ESCAPE(BARE, packet_ring) {
  /* CVE-2020-14386, CVE-2017-7308 */
  int fd = STEP(known("PACKET", AF_PACKET, SOCK_RAW, 0));
  uint32_t ring[4] = {4096, 1, 2048, 2};
  ATTEMPT(setsockopt(fd, SOL_PACKET, 5 /* PACKET_RX_RING */, ring, sizeof ring));
}
ESCAPE(BARE, raw_socket) { ATTEMPT(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP)); }
ESCAPE(BARE, raw_socket_of_any_protocol) { ATTEMPT(socket(AF_INET, SOCK_RAW, IPPROTO_RAW)); }
ESCAPE(BARE, raw_socket_v6) { ATTEMPT(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6)); }
ESCAPE(BARE, vsock) { ATTEMPT(known("AF_VSOCK", AF_VSOCK, SOCK_STREAM, 0)); }
ESCAPE(BARE, kernel_crypto) { ATTEMPT(known("ALG", AF_ALG, SOCK_SEQPACKET, 0)); }
ESCAPE(BARE, xdp) { ATTEMPT(known("XDP", AF_XDP, SOCK_RAW, 0)); }
ESCAPE(BARE, key_management) { ATTEMPT(known("KEY", AF_KEY, SOCK_RAW, 2)); }
ESCAPE(BARE, multipath_tcp) { ATTEMPT(known("MPTCP", AF_INET, SOCK_STREAM, 262)); }
ESCAPE(BARE, udp_lite) { ATTEMPT(known("UDP-Lite", AF_INET, SOCK_DGRAM, 136)); }
ESCAPE(BARE, families_nobody_uses) {
  only_if_listed("/proc/net/protocols", "PACKET");
  for (int family = 0; family < 64; family++) {
    int is_usual = family == AF_UNIX || family == AF_INET || family == AF_INET6 || family == AF_NETLINK;
    if (is_usual || (here != SANDBOX && family != AF_PACKET)) continue;
    for (int type = 1; type <= 10; type++)
      if (socket(family, type, 0) != -1) out("family %d, type %d", family, type);
  }
  held("none of them");
}

static void netlink_of(int protocol) {
  char text[8];
  snprintf(text, sizeof text, "%d", protocol);
  only_if_listed("/proc/net/netlink", text);
  ATTEMPT(socket(AF_NETLINK, SOCK_RAW, protocol));
}
ESCAPE(BARE, netlink_audit) { netlink_of(NETLINK_AUDIT); }
ESCAPE(BARE, netlink_netfilter) { netlink_of(NETLINK_NETFILTER); /* CVE-2024-1086, CVE-2023-32233, ... */ }
ESCAPE(BARE, netlink_generic) { netlink_of(NETLINK_GENERIC); }
ESCAPE(BARE, netlink_uevents) { netlink_of(NETLINK_KOBJECT_UEVENT); }
ESCAPE(BARE, netlink_xfrm) { netlink_of(NETLINK_XFRM); }
ESCAPE(BARE, netlink_connector) { netlink_of(NETLINK_CONNECTOR); }
ESCAPE(BARE, netlink_all_others) {
  for (int protocol = 1; protocol < 32; protocol++) {
    if (here != SANDBOX && protocol != NETLINK_GENERIC) continue;
    if (socket(AF_NETLINK, SOCK_RAW, protocol) != -1) out("protocol %d", protocol);
  }
  held("none of them");
}
ESCAPE(BARE, sockets_of_the_host_by_diag) {
  struct {
    struct nlmsghdr head;
    struct unix_diag_req body;
  } request = {{sizeof request, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, 1, 0},
               {.sdiag_family = AF_UNIX, .udiag_states = -1, .udiag_show = UDIAG_SHOW_NAME}};
  char answer[32768];
  int fd = STEP(socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG));
  STEP(send(fd, &request, sizeof request, 0));
  for (long n; (n = recv(fd, answer, sizeof answer, MSG_DONTWAIT)) > 0;)
    if (memmem(answer, n, "redoubt-escape", 14) != NULL) out("shows a socket of the host");
  held("not shown");
}

static void netlink_change(int type, int flags, const void *body, size_t length) {
  struct {
    struct nlmsghdr head;
    char body[128];
  } request = {{NLMSG_LENGTH(length), type, NLM_F_REQUEST | NLM_F_ACK | flags, 1, 0}, ""};
  char answer[4096];
  memcpy(request.body, body, length);
  int fd = STEP(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
  STEP(send(fd, &request, request.head.nlmsg_len, 0));
  long n = STEP(recv(fd, answer, sizeof answer, 0));
  struct nlmsghdr *head = (struct nlmsghdr *)answer;
  if (n < (long)NLMSG_LENGTH(4) || head->nlmsg_type != NLMSG_ERROR) broken("no acknowledgement");
  errno = -*(int *)NLMSG_DATA(head);
  ATTEMPT(errno == 0 ? 0 : -1);
}
ESCAPE(BARE, address_added) {
  struct {
    struct ifaddrmsg head;
    struct rtattr attribute;
    uint32_t address;
  } body = {{AF_INET, 32, 0, 0, 1}, {8, IFA_LOCAL}, 0};
  body.address = htonl(0x7f050505);
  netlink_change(RTM_NEWADDR, NLM_F_CREATE, &body, sizeof body);
}
ESCAPE(BARE, link_changed) {
  struct {
    struct ifinfomsg head;
    struct rtattr attribute;
    uint32_t mtu;
  } body = {{.ifi_family = AF_UNSPEC, .ifi_index = 1}, {8, IFLA_MTU}, 60000};
  netlink_change(RTM_NEWLINK, 0, &body, sizeof body);
}
ESCAPE(BARE, route_added) {
  struct {
    struct rtmsg head;
    struct rtattr to;
    uint32_t address;
    struct rtattr by;
    uint32_t link;
  } body = {{AF_INET, 32, 0, 0, RT_TABLE_MAIN, RTPROT_BOOT, RT_SCOPE_LINK, RTN_UNICAST, 0}, {8, RTA_DST}, 0, {8, RTA_OIF}, 1};
  body.address = htonl(0x0a090909);
  netlink_change(RTM_NEWROUTE, NLM_F_CREATE, &body, sizeof body);
}
ESCAPE(BARE, link_changed_by_ioctl) {
  struct ifreq lo = {.ifr_name = "lo", .ifr_mtu = 61000};
  ATTEMPT(ioctl(MUST(socket(AF_INET, SOCK_DGRAM, 0)), SIOCSIFMTU, &lo));
}
ESCAPE(BARE, tunnel_made) {
  /* Of the usual node, and of one that the guest makes. */
  struct ifreq tunnel = {.ifr_name = "redoubt0", .ifr_flags = IFF_TUN | IFF_NO_PI};
  only_if_listed("/proc/misc", "tun");
  int fd = open("/dev/net/tun", O_RDWR);
  if (fd == -1) {
    STEP(mknod("tunnel", S_IFCHR | 0600, makedev(10, 200)));
    fd = STEP(open("tunnel", O_RDWR));
  }
  ATTEMPT(ioctl(fd, TUNSETIFF, &tunnel));
}

static void option(int family, int type, int level, int name, const void *value, socklen_t length) {
  ATTEMPT(setsockopt(MUST(socket(family, type, 0)), level, name, value, length));
}
ESCAPE(USER, socket_filter) {
  struct sock_filter code = {BPF_RET | BPF_K, 0, 0, 0};
  struct sock_fprog program = {1, &code};
  option(AF_INET, SOCK_DGRAM, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
}
ESCAPE(USER, reuseport_program) {
  struct sock_filter code = {BPF_RET | BPF_K, 0, 0, 0};
  struct sock_fprog program = {1, &code};
  int one = 1, fd = MUST(socket(AF_INET, SOCK_DGRAM, 0));
  setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
  ATTEMPT(setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program));
}
ESCAPE(BARE, bound_to_a_device) { option(AF_INET, SOCK_DGRAM, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3); }
static const int one = 1;
ESCAPE(BARE, buffer_past_the_limit) {
  int huge = 1 << 30, fd = MUST(socket(AF_INET, SOCK_DGRAM, 0));
  socklen_t length = sizeof huge;
  STEP(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &huge, sizeof huge));
  MUST(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &huge, &length));
  if (huge >= 1 << 30) out("a buffer of %d bytes", huge);
  held("a buffer of %d bytes", huge);
}
ESCAPE(BARE, transparent_proxy) { option(AF_INET, SOCK_STREAM, IPPROTO_IP, 19 /* IP_TRANSPARENT */, &one, sizeof one); }
ESCAPE(BARE, connection_repaired) { option(AF_INET, SOCK_STREAM, IPPROTO_TCP, TCP_REPAIR, &one, sizeof one); }
ESCAPE(BARE, packet_filter_of_iptables) {
  /* The door of CVE-2021-22555. */
  char info[84] = "filter";
  socklen_t length = sizeof info;
  if (here != SANDBOX && access("/proc/net/ip_tables_names", F_OK) == -1) lacking("iptables");
  int fd = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
  if (fd == -1) fd = MUST(socket(AF_INET, SOCK_DGRAM, 0));
  ATTEMPT(getsockopt(fd, IPPROTO_IP, 64 /* IPT_SO_GET_INFO */, info, &length));
}

static void say_name(int fd, const void *address, socklen_t length) {
  STEP(connect(fd, address, length));
  STEP(send(fd, case_name, strlen(case_name), MSG_NOSIGNAL));
  tried("connected");
}
static void say_name_to_abstract(const char *name, size_t size, int type) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  memcpy(address.sun_path, name, size);
  say_name(MUST(socket(AF_UNIX, type, 0)), &address, offsetof(struct sockaddr_un, sun_path) + size);
}
/* CVE-2020-15257: what listens at an abstract name of the host. */
ESCAPE(BARE, abstract_socket_of_the_host) { say_name_to_abstract("\0redoubt-escape", 15, SOCK_STREAM); }
ESCAPE(BARE, abstract_datagrams_of_the_host) { say_name_to_abstract("\0redoubt-escape-datagrams", 25, SOCK_DGRAM); }
static void say_name_at(const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
  say_name(MUST(socket(AF_UNIX, SOCK_STREAM, 0)), &address, sizeof address);
}
ESCAPE(BARE, socket_of_the_host_in_a_bind) { say_name_at(shared("socket")); }
ESCAPE(BARE, socket_of_the_host_by_its_path) { say_name_at(host("socket")); }
ESCAPE(BARE, socket_of_the_host_by_a_link) {
  MUST(symlink(host("socket"), "link"));
  say_name_at("link");
}
ESCAPE(CHROOT, socket_of_the_host_by_proc) {
  char path[100];
  snprintf(path, sizeof path, "/proc/%ld/cwd/socket", number("victim"));
  say_name_at(path);
}

static void say_name_to_port(uint32_t ip, const char *port, int type) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(ip), .sin_port = htons(number(port))};
  int fd = MUST(socket(AF_INET, type, 0));
  if (type == SOCK_DGRAM) {
    STEP(sendto(fd, case_name, strlen(case_name), 0, (struct sockaddr *)&address, sizeof address));
    tried("sent");
  }
  say_name(fd, &address, sizeof address);
}
ESCAPE(USER, loopback_port_of_the_host) { say_name_to_port(0x7f000001, "tcp", SOCK_STREAM); }
ESCAPE(USER, loopback_datagrams_of_the_host) { say_name_to_port(0x7f000001, "udp", SOCK_DGRAM); }
ESCAPE(USER, loopback_by_no_address) { say_name_to_port(0, "tcp", SOCK_STREAM); }
ESCAPE(USER, loopback_by_a_mapped_address) {
  struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(number("tcp"))};
  memcpy(&address.sin6_addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f\0\0\1", 16);
  say_name(STEP(socket(AF_INET6, SOCK_STREAM, 0)), &address, sizeof address);
}

ESCAPE(USER, directory_from_an_accomplice) {
  /* Somebody outside passes a directory of the host through a socket in the shared directory. */
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  char control[CMSG_SPACE(sizeof(int))] = "", byte;
  struct iovec iov = {&byte, 1};
  struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", shared("accomplice"));
  int fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  STEP(connect(fd, (struct sockaddr *)&address, sizeof address));
  STEP(recvmsg(fd, &message, 0));
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  if (header == NULL) held("no descriptor came");
  int directory = *(int *)CMSG_DATA(header);
  if (loot_in(STEP(openat(directory, "secret", O_RDONLY)))) out("read a file of the host");
  held("a descriptor came, but there is nothing");
}
ESCAPE(BARE, abstract_name_taken) {
  /* A server of the host that starts later finds its name taken. */
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "\0redoubt-escape"};
  int fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  if (bind(fd, (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path) + 15) == -1 && errno == EADDRINUSE)
    out("the name of a server of the host is seen");
  held("the name is free here");
}
