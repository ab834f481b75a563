/* rtnetlink and the ioctls of interfaces, as far as they ask: what getifaddrs and its like see of a loopback-only namespace. */
#include "harness.h"
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/if_addr.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static int route(void) { return MUST(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE)); }

CASE(kinds) {
  SHOW(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
  SHOW(socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_ROUTE));
  SHOW(socket(AF_NETLINK, SOCK_STREAM, NETLINK_ROUTE));
  SHOW(socket(AF_NETLINK, SOCK_RAW, -1));
  SHOW(socket(AF_NETLINK, SOCK_RAW, 99));
}

CASE(names) {
  int fd = route();
  struct sockaddr_nl a = {.nl_family = AF_NETLINK};
  socklen_t n = sizeof a;
  SHOW(getsockname(fd, (struct sockaddr *)&a, &n));
  say("%u %d %u %u", n, a.nl_family, a.nl_pid, a.nl_groups);
  SHOW(bind(fd, (struct sockaddr *)&a, 4));
  SHOW(bind(fd, (struct sockaddr *)&a, sizeof a));
  n = sizeof a;
  SHOW(getsockname(fd, (struct sockaddr *)&a, &n));
  say("%d", a.nl_pid == (unsigned)getpid());
  int other = route();
  a.nl_pid = 0;
  SHOW(bind(other, (struct sockaddr *)&a, sizeof a));
  n = sizeof a;
  SHOW(getsockname(other, (struct sockaddr *)&a, &n));
  say("%d", (int)a.nl_pid < 0);
  a.nl_pid = 4711;
  SHOW(bind(other, (struct sockaddr *)&a, sizeof a));
  other = route();
  SHOW(bind(other, (struct sockaddr *)&a, sizeof a));
  int third = route();
  SHOW(bind(third, (struct sockaddr *)&a, sizeof a));
  a.nl_family = AF_INET;
  SHOW(bind(third, (struct sockaddr *)&a, sizeof a));
}

static void dump(int type, int family) {
  struct {
    struct nlmsghdr h;
    struct rtgenmsg g;
    char pad[16];
  } q = {.h = {sizeof(struct nlmsghdr) + 16, type, NLM_F_REQUEST | NLM_F_DUMP, 77, 0}, .g = {family}};
  int fd = route();
  SHOW(send(fd, &q, q.h.nlmsg_len, 0));
  static char b[32768];
  for (int done = 0; !done;) {
    long n = recv(fd, b, sizeof b, 0);
    if (n <= 0) {
      SHOW_AS("recv", n);
      break;
    }
    for (struct nlmsghdr *h = (struct nlmsghdr *)b; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
      done |= h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR;
      say("type %d flags %#x seq %u mine %d", h->nlmsg_type, h->nlmsg_flags, h->nlmsg_seq, h->nlmsg_pid == (unsigned)getpid());
      if (h->nlmsg_type == RTM_NEWLINK) {
        struct ifinfomsg *i = NLMSG_DATA(h);
        say("link %d type %d flags %#x", i->ifi_index, i->ifi_type, i->ifi_flags);
      } else if (h->nlmsg_type == RTM_NEWADDR) {
        struct ifaddrmsg *i = NLMSG_DATA(h);
        say("address family %d /%d on %d scope %d", i->ifa_family, i->ifa_prefixlen, i->ifa_index, i->ifa_scope);
      } else if (h->nlmsg_type == NLMSG_ERROR) {
        say("%s", errno_name(-((struct nlmsgerr *)NLMSG_DATA(h))->error));
      }
    }
  }
}

CASE(links) { dump(RTM_GETLINK, AF_UNSPEC); }
CASE(addresses) { dump(RTM_GETADDR, AF_UNSPEC); }
CASE(routes_4) { dump(RTM_GETROUTE, AF_INET); }
CASE(neighbours) { dump(RTM_GETNEIGH, AF_UNSPEC); }
CASE(rules) { dump(RTM_GETRULE, AF_INET); }

CASE(bad_messages) {
  int fd = route();
  struct nlmsghdr h = {sizeof h, 9999, NLM_F_REQUEST | NLM_F_ACK, 5, 0};
  char b[1024];
  SHOW(send(fd, &h, sizeof h, 0));
  long n = recv(fd, b, sizeof b, MSG_DONTWAIT);
  say("%ld type %d %s", n, ((struct nlmsghdr *)b)->nlmsg_type,
      errno_name(-((struct nlmsgerr *)NLMSG_DATA((struct nlmsghdr *)b))->error));
  h.nlmsg_len = 5;
  SHOW(send(fd, &h, sizeof h, 0));
  SHOW(recv(fd, b, sizeof b, MSG_DONTWAIT));
  h.nlmsg_len = 0xffffffff;
  SHOW(send(fd, &h, sizeof h, 0));
  SHOW(recv(fd, b, sizeof b, MSG_DONTWAIT));
  SHOW(send(fd, &h, 3, 0));
  SHOW(send(fd, BAD_POINTER, 20, 0));
  struct sockaddr_nl a = {.nl_family = AF_INET};
  SHOW(sendto(fd, &h, sizeof h, 0, (struct sockaddr *)&a, sizeof a));
  SHOW(connect(fd, (struct sockaddr *)&a, 1));
  SHOW(listen(fd, 1));
  SHOW(accept(fd, NULL, NULL));
}

CASE(interfaces) {
  struct ifaddrs *all, *i;
  if (OK(getifaddrs(&all)) < 0)
    return;
  for (i = all; i; i = i->ifa_next) {
    char text[64] = "-";
    if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET)
      inet_ntop(AF_INET, &((struct sockaddr_in *)i->ifa_addr)->sin_addr, text, sizeof text);
    if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET6)
      inet_ntop(AF_INET6, &((struct sockaddr_in6 *)i->ifa_addr)->sin6_addr, text, sizeof text);
    say("%s %#x family %d %s", i->ifa_name, i->ifa_flags, i->ifa_addr ? i->ifa_addr->sa_family : -1, text);
  }
  say("lo is %u", if_nametoindex("lo"));
  say("none is %u %s", if_nametoindex("none"), errno_name(errno));
  char name[IF_NAMESIZE] = "";
  if_indextoname(1, name);
  say("1 is %s", name);
}

CASE(ioctls) {
  int fd = MUST(socket(AF_INET, SOCK_DGRAM, 0));
  struct ifreq r[4];
  struct ifconf c = {.ifc_len = sizeof r, .ifc_req = r};
  SHOW(ioctl(fd, SIOCGIFCONF, &c));
  say("%d %s", c.ifc_len, r[0].ifr_name);
  c.ifc_len = 0;
  c.ifc_req = NULL;
  SHOW(ioctl(fd, SIOCGIFCONF, &c));
  say("%d", c.ifc_len);
  c.ifc_len = -1;
  c.ifc_req = r;
  SHOW(ioctl(fd, SIOCGIFCONF, &c));
  SHOW(ioctl(fd, SIOCGIFCONF, BAD_POINTER));
  strcpy(r[0].ifr_name, "lo");
  SHOW(ioctl(fd, SIOCGIFFLAGS, r));
  say("%#x", r[0].ifr_flags);
  SHOW(ioctl(fd, SIOCGIFMTU, r));
  say("%d", r[0].ifr_mtu);
  SHOW(ioctl(fd, SIOCGIFADDR, r));
  say("%s", inet_ntoa(((struct sockaddr_in *)&r[0].ifr_addr)->sin_addr));
  SHOW(ioctl(fd, SIOCGIFNETMASK, r));
  say("%s", inet_ntoa(((struct sockaddr_in *)&r[0].ifr_addr)->sin_addr));
  SHOW(ioctl(fd, SIOCGIFHWADDR, r));
  say("%d", r[0].ifr_hwaddr.sa_family);
  SHOW(ioctl(fd, SIOCGIFINDEX, r));
  say("%d", r[0].ifr_ifindex);
  SHOW(ioctl(fd, SIOCGIFTXQLEN, r));
  say("%d", r[0].ifr_qlen);
  SHOW(ioctl(fd, SIOCGIFNAME, r));
  strcpy(r[0].ifr_name, "none");
  SHOW(ioctl(fd, SIOCGIFFLAGS, r));
  SHOW(ioctl(fd, SIOCGIFFLAGS, BAD_POINTER));
  int l = MUST(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
  strcpy(r[0].ifr_name, "lo");
  SHOW(ioctl(l, SIOCGIFINDEX, r));
}

/* Columns that do not depend on what ran before. */
CASE(proc_files) {
  int fd = MUST(socket(AF_INET, SOCK_STREAM, 0));
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(8765)};
  MUST(bind(fd, (struct sockaddr *)&a, sizeof a));
  MUST(listen(fd, 7));
  struct stat st;
  MUST(fstat(fd, &st));
  FILE *f = fopen("/proc/net/tcp", "r");
  char line[256], local[64], remote[64], state[8];
  unsigned long inode;
  while (f && fgets(line, sizeof line, f))
    if (sscanf(line, " %*d: %63s %63s %7s %*s %*s %*s %*s %*s %lu", local, remote, state, &inode) == 4)
      say("%s %s %s same inode %d", local, remote, state, inode == st.st_ino);
  if (f)
    fclose(f);
  say_content("/proc/net/if_inet6");
  say_content("/proc/net/route");
  f = fopen("/proc/net/dev", "r");
  while (f && fgets(line, sizeof line, f))
    say("%.7s", line);
  if (f)
    fclose(f);
  SHOW(access("/proc/net/snmp", R_OK));
  SHOW(access("/sys/class/net/lo/mtu", R_OK));
  say_content("/sys/class/net/lo/mtu");
  say_content("/sys/class/net/lo/address");
  say_content("/sys/class/net/lo/operstate");
  say_content("/sys/class/net/lo/type");
  say_content("/sys/class/net/lo/ifindex");
  say_content("/sys/class/net/lo/flags");
}
