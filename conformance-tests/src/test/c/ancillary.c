/* SCM_RIGHTS, SCM_CREDENTIALS, SO_PEERCRED. */
#include "harness.h"
#include <sys/resource.h>
#include <sys/socket.h>

static int s[2];

static long send_fds(int sock, const int *fds, int count, const char *data) {
  char control[CMSG_SPACE(sizeof(int) * 300)] __attribute__((aligned(8)));
  memset(control, 0, sizeof control);
  struct iovec iov = {(char *)data, strlen(data)};
  struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(sizeof(int) * count)};
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof(int) * count);
  memcpy(CMSG_DATA(c), fds, sizeof(int) * count);
  return sendmsg(sock, &m, 0);
}

/* Receives into a control buffer with room for so many descriptors; says what came. */
static int receive(int sock, int room, int flags) {
  char control[CMSG_SPACE(sizeof(int) * 300)] __attribute__((aligned(8))), data[16] = "";
  struct iovec iov = {data, 15};
  struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = room ? CMSG_SPACE(sizeof(int) * room) : 0};
  long n = recvmsg(sock, &m, flags);
  if (n == -1) {
    say("recvmsg: -1 %s", errno_name(errno));
    return -1;
  }
  say("recvmsg: %ld \"%s\" flags %#x control %zu", n, data, m.msg_flags & ~MSG_CMSG_CLOEXEC, m.msg_controllen);
  int first = -1;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c != NULL; c = CMSG_NXTHDR(&m, c)) {
    say("  level %d type %d length %zu", c->cmsg_level, c->cmsg_type, c->cmsg_len);
    if (c->cmsg_type == SCM_RIGHTS) {
      int *fds = (int *)CMSG_DATA(c);
      for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
        say("  fd %d flags %d", fds[i], fcntl(fds[i], F_GETFD));
        if (first == -1) first = fds[i];
      }
    }
    if (c->cmsg_type == SCM_CREDENTIALS) {
      struct ucred *u = (struct ucred *)CMSG_DATA(c);
      say("  pid is %s uid %u gid %u", u->pid == getpid() ? "own" : u->pid == getppid() ? "parent's" : "another", u->uid, u->gid);
    }
  }
  return first;
}

CASE(pass_a_descriptor) {
  char b[8] = "";
  put("f", "content");
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  int fd = MUST(open("f", O_RDONLY));
  MUST(read(fd, b, 3));
  SHOW(send_fds(s[0], &fd, 1, "x"));
  close(fd);
  int got = receive(s[1], 1, 0);
  /* It is the same open file description: the position came along. */
  SHOW(read(got, b, 4));
  say("%s", b);
}

CASE(pass_with_cloexec) {
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  int fd = 0;
  SHOW(send_fds(s[0], &fd, 1, "x"));
  receive(s[1], 1, MSG_CMSG_CLOEXEC);
}

CASE(pass_several_and_truncate) {
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  int fds[] = {0, 1, 2, 0};
  SHOW(send_fds(s[0], fds, 4, "four"));
  receive(s[1], 4, 0);
  SHOW(send_fds(s[0], fds, 4, "cut"));
  receive(s[1], 2, 0);
  SHOW(send_fds(s[0], fds, 2, "none"));
  receive(s[1], 0, 0);
  SHOW(dup(0));
}

CASE(pass_between_processes) {
  char b[16] = "";
  int p[2];
  MUST(pipe(p));
  MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
  pid_t pid = fork();
  if (pid == 0) {
    close(p[0]);
    close(p[1]);
    int w = receive(s[1], 1, 0);
    MUST(write(w, "through it", 10));
    _exit(0);
  }
  SHOW(send_fds(s[0], &p[1], 1, "pipe"));
  reap("receiver", pid);
  close(p[1]);
  SHOW(read(p[0], b, 16));
  say("%s", b);
  SHOW(read(p[0], b, 16));
}

CASE(in_flight_keeps_open) {
  char c;
  int p[2];
  MUST(pipe2(p, O_NONBLOCK));
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  MUST(send_fds(s[0], &p[1], 1, "x"));
  close(p[1]);
  SHOW(read(p[0], &c, 1));
  close(s[1]);
  close(s[0]);
  SHOW(read(p[0], &c, 1));
}

CASE(plain_read_drops_descriptors) {
  char c;
  int p[2];
  MUST(pipe2(p, O_NONBLOCK));
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  MUST(send_fds(s[0], &p[1], 1, "x"));
  close(p[1]);
  SHOW(read(s[1], &c, 1));
  SHOW(read(p[0], &c, 1));
}

CASE(stream_reads_stop_at_descriptors) {
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  int fd = 0;
  MUST(write(s[0], "before", 6));
  MUST(send_fds(s[0], &fd, 1, "with"));
  MUST(write(s[0], "after", 5));
  for (int i = 0; i < 3; i++) receive(s[1], 2, MSG_DONTWAIT);
}

CASE(send_errors) {
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  int bad = 77;
  SHOW(send_fds(s[0], &bad, 1, "x"));
  bad = -1;
  SHOW(send_fds(s[0], &bad, 1, "x"));
  int many[300] = {0};
  SHOW(send_fds(s[0], many, 253, "x"));
  SHOW(send_fds(s[0], many, 254, "x"));
  int fd = 0;
  SHOW(send_fds(s[0], &fd, 1, ""));
  char control[64] __attribute__((aligned(8))) = "";
  struct iovec iov = {"x", 1};
  struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(4)};
  struct cmsghdr *c = CMSG_FIRSTHDR(&m);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = 99;
  c->cmsg_len = CMSG_LEN(4);
  SHOW(sendmsg(s[0], &m, 0));
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = 4;
  SHOW(sendmsg(s[0], &m, 0));
  c->cmsg_len = 1000;
  SHOW(sendmsg(s[0], &m, 0));
}

CASE(pass_a_socket_through_itself) {
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  SHOW(send_fds(s[0], &s[1], 1, "self"));
  receive(s[1], 1, 0);
  SHOW(send_fds(s[0], &s[0], 1, "cycle"));
  SHOW(close(s[0]));
  SHOW(close(s[1]));
}

CASE(peek_copies_descriptors) {
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  int fd = 0;
  MUST(send_fds(s[0], &fd, 1, "x"));
  receive(s[1], 1, MSG_PEEK);
  receive(s[1], 1, 0);
}

CASE(receiver_at_its_limit) {
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  int fds[] = {0, 1, 2};
  MUST(send_fds(s[0], fds, 3, "x"));
  struct rlimit limit = {7, 7};
  MUST(setrlimit(RLIMIT_NOFILE, &limit));
  receive(s[1], 3, 0);
}

CASE(peer_credentials) {
  struct ucred u;
  socklen_t length = sizeof u;
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  SHOW(getsockopt(s[0], SOL_SOCKET, SO_PEERCRED, &u, &length));
  say("own pid %d uid %u gid %u length %u", u.pid == getpid(), u.uid, u.gid, length);
  int alone = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  SHOW(getsockopt(alone, SOL_SOCKET, SO_PEERCRED, &u, &length));
  say("pid %d uid %d gid %d", u.pid, u.uid, u.gid);
}

CASE(passed_credentials) {
  int on = 1;
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  MUST(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
  SHOW(write(s[0], "hello", 5));
  receive(s[1], 10, 0);
  pid_t pid = fork();
  if (pid == 0) {
    MUST(setgid(54321));
    MUST(setuid(12345));
    MUST(write(s[0], "user", 4));
    _exit(0);
  }
  reap("user", pid);
  receive(s[1], 10, 0);
}

CASE(claimed_credentials) {
  int on = 1;
  MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
  MUST(setsockopt(s[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
  pid_t pid = fork();
  if (pid == 0) {
    MUST(setgid(54321));
    MUST(setuid(12345));
    char control[CMSG_SPACE(sizeof(struct ucred))] __attribute__((aligned(8))) = "";
    struct iovec iov = {"x", 1};
    struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_CREDENTIALS;
    c->cmsg_len = CMSG_LEN(sizeof(struct ucred));
    struct ucred u = {getpid(), 12345, 54321};
    memcpy(CMSG_DATA(c), &u, sizeof u);
    SHOW(sendmsg(s[0], &m, 0));
    u.uid = 0;
    memcpy(CMSG_DATA(c), &u, sizeof u);
    SHOW(sendmsg(s[0], &m, 0));
    u.uid = 12345;
    u.pid = 1;
    memcpy(CMSG_DATA(c), &u, sizeof u);
    SHOW(sendmsg(s[0], &m, 0));
    _exit(0);
  }
  reap("user", pid);
  receive(s[1], 10, 0);
  receive(s[1], 10, MSG_DONTWAIT);
}
