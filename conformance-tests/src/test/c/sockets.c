/* AF_UNIX sockets: stream, datagram, seqpacket; names, connection, shutdown, errors. */
#include "harness.h"
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct sockaddr_un named(const char *path) {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  strcpy(a.sun_path, path);
  return a;
}

static int bind_to(int fd, const char *path) {
  struct sockaddr_un a = named(path);
  return bind(fd, (struct sockaddr *)&a, sizeof a);
}

static int connect_to(int fd, const char *path) {
  struct sockaddr_un a = named(path);
  return connect(fd, (struct sockaddr *)&a, sizeof a);
}

static int listener(const char *path, int type) {
  int fd = MUST(socket(AF_UNIX, type, 0));
  MUST(bind_to(fd, path));
  MUST(listen(fd, 5));
  return fd;
}

static void say_name(const char *what, int r, struct sockaddr_un *a, socklen_t length) {
  if (r == -1) {
    say("%s: -1 %s", what, errno_name(errno));
    return;
  }
  char bytes[200];
  long n = (long)length - (long)offsetof(struct sockaddr_un, sun_path);
  snprintf(bytes, sizeof bytes, "%s: family %d length %u name", what, a->sun_family, length);
  say_bytes(bytes, a->sun_path, n > 0 ? n : 0);
}

static void say_names_of(int fd) {
  struct sockaddr_un a;
  socklen_t length = sizeof a;
  int r = getsockname(fd, (struct sockaddr *)&a, &length);
  say_name("own", r, &a, length);
  length = sizeof a;
  r = getpeername(fd, (struct sockaddr *)&a, &length);
  say_name("peer", r, &a, length);
}

static int s[2];

CASE(socketpair_kinds) {
  SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  say("%d %d", s[0], s[1]);
  SHOW(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
  SHOW(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
  SHOW(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, s));
  SHOW(fcntl(s[1], F_GETFD));
  say("%#o", fcntl(s[1], F_GETFL));
  SHOW(socketpair(AF_UNIX, SOCK_STREAM, 1, s));
  SHOW(socketpair(AF_UNIX, SOCK_STREAM, 9, s));
  SHOW(socketpair(AF_UNIX, 99, 0, s));
  SHOW(socketpair(AF_UNIX, SOCK_RAW, 0, s));
  SHOW(socketpair(AF_UNIX, SOCK_STREAM | 0x100, 0, s));
  SHOW(socketpair(99, SOCK_STREAM, 0, s));
  SHOW(socketpair(AF_UNIX, SOCK_STREAM, 0, BAD_POINTER));
  SHOW(dup(0));
}

CASE(socket_errors) {
  SHOW(socket(99, SOCK_STREAM, 0));
  SHOW(socket(AF_UNIX, 99, 0));
  SHOW(socket(AF_UNIX, SOCK_STREAM, 77));
  SHOW(socket(-1, 0, 0));
  SHOW(socket(AF_UNIX, SOCK_STREAM | 0x40, 0));
  SHOW(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
}

CASE(stream_is_bytes) {
  char b[20] = "";
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  SHOW(write(s[0], "abc", 3));
  SHOW(send(s[0], "def", 3, 0));
  SHOW(read(s[1], b, 4));
  SHOW(recv(s[1], b + 4, 10, 0));
  say("%s", b);
  SHOW(recv(s[1], b, 1, MSG_DONTWAIT));
  SHOW(write(s[1], "back", 4));
  SHOW(read(s[0], b, 20));
  SHOW(write(s[0], "", 0));
}

CASE(datagrams_keep_their_bounds) {
  char b[20] = "";
  MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
  SHOW(write(s[0], "one", 3));
  SHOW(write(s[0], "second", 6));
  SHOW(write(s[0], "", 0));
  SHOW(read(s[1], b, 20));
  SHOW(read(s[1], b, 2));
  SHOW(read(s[1], b, 20));
  SHOW(recv(s[1], b, 20, MSG_DONTWAIT));
}

CASE(seqpacket_keeps_bounds_and_has_an_end) {
  char b[20] = "";
  MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
  SHOW(send(s[0], "one", 3, MSG_EOR));
  SHOW(write(s[0], "second", 6));
  SHOW(recv(s[1], b, 20, 0));
  SHOW(recv(s[1], b, 2, MSG_TRUNC));
  close(s[0]);
  SHOW(recv(s[1], b, 20, 0));
  SHOW(send(s[1], "x", 1, MSG_NOSIGNAL));
}

CASE(peek_and_trunc) {
  char b[20] = "";
  MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
  SHOW(write(s[0], "datagram", 8));
  SHOW(recv(s[1], b, 4, MSG_PEEK));
  SHOW(recv(s[1], b, 4, MSG_PEEK | MSG_TRUNC));
  struct iovec iov = {b, 4};
  struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
  SHOW(recvmsg(s[1], &m, 0));
  say("flags %#x", m.msg_flags);
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  SHOW(write(s[0], "stream", 6));
  SHOW(recv(s[1], b, 3, MSG_PEEK));
  SHOW(recv(s[1], b, 20, 0));
}

CASE(waitall) {
  char b[20] = "";
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  pid_t pid = fork();
  if (pid == 0) {
    close(s[1]);
    for (int i = 0; i < 3; i++) {
      MUST(write(s[0], "abc", 3));
      sleep_ms(20);
    }
    _exit(0);
  }
  close(s[0]);
  SHOW(recv(s[1], b, 8, MSG_WAITALL));
  SHOW(recv(s[1], b, 8, MSG_WAITALL));
  reap("sender", pid);
}

CASE(shutdown_directions) {
  char b[8];
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  signal(SIGPIPE, SIG_IGN);
  SHOW(write(s[0], "abc", 3));
  SHOW(shutdown(s[0], SHUT_WR));
  SHOW(write(s[0], "x", 1));
  SHOW(read(s[1], b, 8));
  SHOW(read(s[1], b, 8));
  SHOW(write(s[1], "back", 4));
  SHOW(read(s[0], b, 8));
  SHOW(shutdown(s[0], SHUT_RD));
  SHOW(read(s[0], b, 8));
  SHOW(write(s[1], "x", 1));
  SHOW(shutdown(s[0], 9));
  SHOW(shutdown(77, SHUT_RD));
  SHOW(shutdown(0, SHUT_RD));
  int alone = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  SHOW(shutdown(alone, SHUT_RDWR));
}

CASE(peer_closes) {
  char b[8];
  signal(SIGPIPE, SIG_IGN);
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  MUST(write(s[0], "abc", 3));
  close(s[0]);
  SHOW(read(s[1], b, 8));
  SHOW(read(s[1], b, 8));
  SHOW(write(s[1], "x", 1));
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  MUST(write(s[1], "unread", 6));
  /* Closed with unread data: the other side sees a reset. */
  close(s[0]);
  SHOW(read(s[1], b, 8));
  SHOW(read(s[1], b, 8));
  MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
  close(s[0]);
  SHOW(write(s[1], "x", 1));
}

CASE(sigpipe_and_nosignal) {
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  close(s[0]);
  SHOW(send(s[1], "x", 1, MSG_NOSIGNAL));
  pid_t pid = fork();
  if (pid == 0) {
    send(s[1], "x", 1, 0);
    _exit(0);
  }
  reap("sender", pid);
}

CASE(connect_and_accept) {
  char b[8];
  int l = listener("sock", SOCK_STREAM), c = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  show_stat("sock");
  SHOW(connect_to(c, "sock"));
  int a = SHOW(accept(l, NULL, NULL));
  say_names_of(l);
  say_names_of(c);
  say_names_of(a);
  SHOW(write(c, "abc", 3));
  SHOW(read(a, b, 8));
  SHOW(connect_to(c, "sock"));
  SHOW(listen(a, 1));
  SHOW(accept(c, NULL, NULL));
}

CASE(accept_before_connect) {
  int l = listener("sock", SOCK_STREAM);
  pid_t pid = fork();
  if (pid == 0) {
    let_it_block();
    int c = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
    MUST(connect_to(c, "sock"));
    MUST(write(c, "hello", 5));
    _exit(0);
  }
  char b[8];
  struct sockaddr_un a;
  socklen_t length = sizeof a;
  int fd = SHOW(accept4(l, (struct sockaddr *)&a, &length, SOCK_CLOEXEC));
  say("length %u family %d", length, a.sun_family);
  SHOW(fcntl(fd, F_GETFD));
  SHOW(read(fd, b, 8));
  SHOW(read(fd, b, 8));
  reap("client", pid);
}

CASE(accept_errors) {
  struct sockaddr_un a;
  socklen_t length = sizeof a;
  int l = listener("sock", SOCK_STREAM), c = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  MUST(fcntl(l, F_SETFL, O_NONBLOCK));
  SHOW(accept(l, NULL, NULL));
  SHOW(accept(c, NULL, NULL));
  SHOW(accept(77, NULL, NULL));
  SHOW(accept(0, NULL, NULL));
  SHOW(accept4(l, NULL, NULL, 0x100));
  MUST(connect_to(c, "sock"));
  SHOW(accept(l, BAD_POINTER, &length));
  int d = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
  SHOW(accept(d, NULL, NULL));
  SHOW(listen(d, 1));
  SHOW(listen(77, 1));
  SHOW(listen(MUST(socket(AF_UNIX, SOCK_STREAM, 0)), 1));
}

CASE(connect_errors) {
  put("file", "x");
  MUST(mkdir("d", 0755));
  MUST(mknod("node", S_IFSOCK | 0777, 0));
  int c = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  SHOW(connect_to(c, "missing"));
  SHOW(connect_to(c, "file"));
  SHOW(connect_to(c, "d"));
  SHOW(connect_to(c, "node"));
  SHOW(connect_to(c, "file/x"));
  int bound = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  MUST(bind_to(bound, "bound"));
  SHOW(connect_to(c, "bound"));
  int dgram = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
  MUST(bind_to(dgram, "dgram"));
  SHOW(connect_to(c, "dgram"));
  struct sockaddr_un a = named("x");
  SHOW(connect(c, (struct sockaddr *)&a, 1));
  SHOW(connect(c, (struct sockaddr *)&a, sizeof a + 1));
  SHOW(connect(c, BAD_POINTER, sizeof a));
  a.sun_family = 99;
  SHOW(connect(c, (struct sockaddr *)&a, sizeof a));
  SHOW(connect_to(77, "bound"));
  SHOW(connect_to(0, "bound"));
  int l = listener("gone", SOCK_STREAM);
  close(l);
  SHOW(connect_to(c, "gone"));
}

CASE(bind_errors) {
  put("file", "x");
  int a = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  SHOW(bind_to(a, "file"));
  SHOW(bind_to(a, "missing/sock"));
  SHOW(bind_to(a, "file/sock"));
  SHOW(bind_to(a, "sock"));
  SHOW(bind_to(a, "other"));
  int b = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  SHOW(bind_to(b, "sock"));
  MUST(symlink("nowhere", "dangling"));
  SHOW(bind_to(b, "dangling"));
  SHOW(bind_to(77, "x"));
  SHOW(bind_to(0, "x"));
  struct sockaddr_un full = {.sun_family = AF_UNIX};
  memset(full.sun_path, 'n', sizeof full.sun_path);
  SHOW(bind(b, (struct sockaddr *)&full, sizeof full));
  SHOW(unlink(full.sun_path) == 0 || errno == ENOENT);
  SHOW(bind(b, BAD_POINTER, sizeof full));
  SHOW(bind(b, (struct sockaddr *)&full, 1));
}

CASE(abstract_names) {
  struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "\0redoubt\0test"};
  socklen_t length = offsetof(struct sockaddr_un, sun_path) + 13;
  int l = MUST(socket(AF_UNIX, SOCK_STREAM, 0)), c = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  SHOW(bind(l, (struct sockaddr *)&a, length));
  SHOW(listen(l, 1));
  say_names(".");
  SHOW(connect(c, (struct sockaddr *)&a, length));
  SHOW(connect(MUST(socket(AF_UNIX, SOCK_STREAM, 0)), (struct sockaddr *)&a, length - 1));
  SHOW(bind(MUST(socket(AF_UNIX, SOCK_STREAM, 0)), (struct sockaddr *)&a, length));
  say_names_of(l);
  say_names_of(c);
  close(l);
  SHOW(bind(MUST(socket(AF_UNIX, SOCK_STREAM, 0)), (struct sockaddr *)&a, length));
}

CASE(autobind) {
  struct sockaddr_un a = {.sun_family = AF_UNIX};
  int fd = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
  SHOW(bind(fd, (struct sockaddr *)&a, sizeof(sa_family_t)));
  socklen_t length = sizeof a;
  SHOW(getsockname(fd, (struct sockaddr *)&a, &length));
  say("length %u, abstract %d", length, a.sun_path[0] == 0);
}

CASE(unbound_names) {
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  say_names_of(s[0]);
  say_names_of(MUST(socket(AF_UNIX, SOCK_STREAM, 0)));
  say_names_of(77);
  struct sockaddr_un a;
  socklen_t length = 1;
  SHOW(getsockname(s[0], (struct sockaddr *)&a, &length));
  SHOW(length);
  length = sizeof a;
  SHOW(getsockname(s[0], BAD_POINTER, &length));
  SHOW(getsockname(s[0], (struct sockaddr *)&a, BAD_POINTER));
  length = -1;
  SHOW(getsockname(s[0], (struct sockaddr *)&a, &length));
}

CASE(backlog_when_full) {
  int l = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  MUST(bind_to(l, "sock"));
  MUST(listen(l, 1));
  for (int i = 0; i < 4; i++) {
    int c = MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
    SHOW(connect_to(c, "sock"));
  }
  SHOW(accept(l, NULL, NULL));
  int c = MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
  SHOW(connect_to(c, "sock"));
}

CASE(connection_waiting_in_a_closed_listener) {
  char b[4];
  int l = listener("sock", SOCK_STREAM), c = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  MUST(connect_to(c, "sock"));
  MUST(write(c, "x", 1));
  close(l);
  SHOW(read(c, b, 4));
  SHOW(send(c, "x", 1, MSG_NOSIGNAL));
}

CASE(datagram_addresses) {
  char b[16] = "";
  int server = MUST(socket(AF_UNIX, SOCK_DGRAM, 0)), client = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
  MUST(bind_to(server, "server"));
  struct sockaddr_un to = named("server"), from;
  SHOW(sendto(client, "anonymous", 9, 0, (struct sockaddr *)&to, sizeof to));
  socklen_t length = sizeof from;
  SHOW(recvfrom(server, b, 16, 0, (struct sockaddr *)&from, &length));
  say("length %u", length);
  MUST(bind_to(client, "client"));
  SHOW(sendto(client, "named", 5, 0, (struct sockaddr *)&to, sizeof to));
  length = sizeof from;
  SHOW(recvfrom(server, b, 16, 0, (struct sockaddr *)&from, &length));
  say("length %u from %s", length, from.sun_path);
  SHOW(sendto(server, "reply", 5, 0, (struct sockaddr *)&from, length));
  SHOW(recv(client, b, 16, 0));
  SHOW(send(client, "x", 1, 0));
  SHOW(connect_to(client, "server"));
  SHOW(send(client, "x", 1, 0));
  to = named("missing");
  SHOW(sendto(client, "x", 1, 0, (struct sockaddr *)&to, sizeof to));
  close(server);
  SHOW(send(client, "x", 1, 0));
  to = named("server");
  SHOW(sendto(client, "x", 1, 0, (struct sockaddr *)&to, sizeof to));
  struct sockaddr none = {.sa_family = AF_UNSPEC};
  SHOW(connect(client, &none, sizeof none));
  SHOW(send(client, "x", 1, 0));
}

CASE(datagram_connected_accepts_only_its_peer) {
  char b[8];
  int a = MUST(socket(AF_UNIX, SOCK_DGRAM, 0)), b1 = MUST(socket(AF_UNIX, SOCK_DGRAM, 0)),
      c = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
  MUST(bind_to(a, "a"));
  MUST(bind_to(b1, "b"));
  MUST(bind_to(c, "c"));
  SHOW(connect_to(a, "b"));
  SHOW(connect_to(b1, "a"));
  SHOW(send(b1, "from b", 6, 0));
  SHOW(connect_to(c, "a"));
  SHOW(send(c, "from c", 6, 0));
  SHOW(recv(a, b, 8, MSG_DONTWAIT));
}

CASE(messages_too_long) {
  static char big[400000];
  MUST(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, s));
  SHOW(send(s[0], big, sizeof big, 0));
  MUST(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, s));
  SHOW(send(s[0], big, sizeof big, 0));
  MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s));
  long n = send(s[0], big, sizeof big, 0);
  say("stream took a part: %d", n > 0 && n < (long)sizeof big);
  while (send(s[0], big, 4096, 0) > 0) {
  }
  SHOW(send(s[0], big, 1, 0));
}

CASE(scatter_gather_messages) {
  char a[3], b[10] = "";
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  struct iovec out[] = {{"abc", 3}, {"defg", 4}}, in[] = {{a, 3}, {b, 9}};
  struct msghdr m = {.msg_iov = out, .msg_iovlen = 2};
  SHOW(sendmsg(s[0], &m, 0));
  m.msg_iov = in;
  SHOW(recvmsg(s[1], &m, 0));
  say("%.3s %s flags %d namelen %u", a, b, m.msg_flags, m.msg_namelen);
  SHOW(sendmsg(s[0], BAD_POINTER, 0));
  SHOW(recvmsg(s[1], BAD_POINTER, MSG_DONTWAIT));
  m.msg_iovlen = 1025;
  SHOW(sendmsg(s[0], &m, 0));
  m.msg_iovlen = 0;
  SHOW(sendmsg(s[0], &m, 0));
  SHOW(sendmsg(77, &m, 0));
  SHOW(sendmsg(0, &m, 0));
}

CASE(many_messages_in_one_call) {
  char b[3][8];
  struct mmsghdr m[3];
  struct iovec iov[3];
  MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
  memset(m, 0, sizeof m);
  for (int i = 0; i < 3; i++) {
    iov[i] = (struct iovec){"message" + i, 7 - i};
    m[i].msg_hdr.msg_iov = &iov[i];
    m[i].msg_hdr.msg_iovlen = 1;
  }
  SHOW(sendmmsg(s[0], m, 3, 0));
  say("%u %u %u", m[0].msg_len, m[1].msg_len, m[2].msg_len);
  for (int i = 0; i < 3; i++) iov[i] = (struct iovec){b[i], 8};
  SHOW(recvmmsg(s[1], m, 3, MSG_DONTWAIT, NULL));
  say("%u %u %u", m[0].msg_len, m[1].msg_len, m[2].msg_len);
  SHOW(recvmmsg(s[1], m, 3, MSG_DONTWAIT, NULL));
}

CASE(options) {
  int value = -1;
  socklen_t length = sizeof value;
  MUST(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, s));
  SHOW(getsockopt(s[0], SOL_SOCKET, SO_TYPE, &value, &length));
  SHOW(value == SOCK_SEQPACKET);
  SHOW(getsockopt(s[0], SOL_SOCKET, SO_DOMAIN, &value, &length));
  SHOW(value);
  SHOW(getsockopt(s[0], SOL_SOCKET, SO_PROTOCOL, &value, &length));
  SHOW(value);
  SHOW(getsockopt(s[0], SOL_SOCKET, SO_ERROR, &value, &length));
  SHOW(value);
  SHOW(getsockopt(s[0], SOL_SOCKET, SO_ACCEPTCONN, &value, &length));
  SHOW(value);
  value = 1;
  SHOW(setsockopt(s[0], SOL_SOCKET, SO_PASSCRED, &value, sizeof value));
  value = 0;
  SHOW(getsockopt(s[0], SOL_SOCKET, SO_PASSCRED, &value, &length));
  SHOW(value);
  value = 1;
  SHOW(setsockopt(s[0], SOL_SOCKET, SO_REUSEADDR, &value, sizeof value));
  SHOW(setsockopt(s[0], SOL_SOCKET, SO_KEEPALIVE, &value, sizeof value));
  SHOW(setsockopt(s[0], SOL_SOCKET, 9999, &value, sizeof value));
  SHOW(getsockopt(s[0], SOL_SOCKET, 9999, &value, &length));
  SHOW(setsockopt(s[0], 99, 1, &value, sizeof value));
  SHOW(setsockopt(s[0], SOL_SOCKET, SO_PASSCRED, &value, 1));
  SHOW(setsockopt(s[0], SOL_SOCKET, SO_PASSCRED, BAD_POINTER, sizeof value));
  SHOW(getsockopt(s[0], SOL_SOCKET, SO_TYPE, BAD_POINTER, &length));
  SHOW(getsockopt(77, SOL_SOCKET, SO_TYPE, &value, &length));
  SHOW(getsockopt(0, SOL_SOCKET, SO_TYPE, &value, &length));
}

CASE(buffer_sizes) {
  int value = 0;
  socklen_t length = sizeof value;
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  value = 8192;
  SHOW(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &value, sizeof value));
  SHOW(getsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &value, &length));
  SHOW(value);
  value = 8192;
  SHOW(setsockopt(s[0], SOL_SOCKET, SO_RCVBUF, &value, sizeof value));
  SHOW(getsockopt(s[0], SOL_SOCKET, SO_RCVBUF, &value, &length));
  SHOW(value);
}

CASE(receive_timeout) {
  char c;
  struct timeval tv = {0, 50000};
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  SHOW(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
  long start = now_ms();
  SHOW(read(s[0], &c, 1));
  say_took("50 ms", start, 50);
  tv.tv_usec = 1000000;
  SHOW(setsockopt(s[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv));
}

CASE(file_calls_on_sockets) {
  struct stat st;
  char c;
  int n = -1;
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  SHOW(fstat(s[0], &st));
  say("%s %04o", type_name(st.st_mode), st.st_mode & 07777);
  SHOW(lseek(s[0], 0, SEEK_SET));
  SHOW(pread(s[0], &c, 1, 0));
  SHOW(ftruncate(s[0], 0));
  SHOW(fsync(s[0]));
  MUST(write(s[1], "abc", 3));
  SHOW(ioctl(s[0], FIONREAD, &n));
  SHOW(n);
  MUST(fcntl(s[0], F_SETFL, O_NONBLOCK));
  SHOW(read(s[0], BAD_POINTER, 3));
}

CASE(operations_not_for_this_kind) {
  char c;
  int stream = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  SHOW(read(stream, &c, 1));
  SHOW(send(stream, "x", 1, MSG_NOSIGNAL));
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  SHOW(send(s[0], "x", 1, MSG_OOB) == 1 || errno == EOPNOTSUPP);
  struct sockaddr_un to = named("x");
  SHOW(sendto(s[0], "x", 1, 0, (struct sockaddr *)&to, sizeof to));
  SHOW(connect_to(s[0], "x"));
  SHOW(send(0, "x", 1, 0));
  SHOW(recv(77, &c, 1, 0));
}

CASE(name_removed_while_listening) {
  int l = listener("sock", SOCK_STREAM), c = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  MUST(unlink("sock"));
  SHOW(connect_to(c, "sock"));
  MUST(bind_to(MUST(socket(AF_UNIX, SOCK_STREAM, 0)), "sock"));
  say_names_of(l);
}

CASE(name_renamed_and_linked) {
  listener("sock", SOCK_STREAM);
  MUST(rename("sock", "moved"));
  SHOW(connect_to(MUST(socket(AF_UNIX, SOCK_STREAM, 0)), "moved"));
  MUST(link("moved", "linked"));
  SHOW(connect_to(MUST(socket(AF_UNIX, SOCK_STREAM, 0)), "linked"));
  MUST(symlink("linked", "soft"));
  SHOW(connect_to(MUST(socket(AF_UNIX, SOCK_STREAM, 0)), "soft"));
}

CASE(permission_to_connect) {
  listener("sock", SOCK_STREAM);
  chmod("sock", 0700);
  pid_t pid = fork();
  if (pid == 0) {
    MUST(setuid(12345));
    SHOW(connect_to(MUST(socket(AF_UNIX, SOCK_STREAM, 0)), "sock"));
    _exit(0);
  }
  reap("user", pid);
  chmod("sock", 0777);
  pid = fork();
  if (pid == 0) {
    MUST(setuid(12345));
    SHOW(connect_to(MUST(socket(AF_UNIX, SOCK_STREAM, 0)), "sock"));
    _exit(0);
  }
  reap("user", pid);
}

CASE(nonblocking_connect_and_accept_by_poll) {
  int l = listener("sock", SOCK_STREAM);
  struct pollfd pfd = {l, POLLIN, 0};
  SHOW(poll(&pfd, 1, 0));
  int c = MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
  SHOW(connect_to(c, "sock"));
  SHOW(poll(&pfd, 1, 1000));
  int a = SHOW(accept(l, NULL, NULL));
  SHOW(poll(&pfd, 1, 0));
  close(a);
  struct pollfd client = {c, POLLIN | POLLOUT, 0};
  SHOW(poll(&client, 1, 1000));
  SHOW(client.revents);
}

CASE(bulk_transfer) {
  static unsigned char b[50000];
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  pid_t pid = fork();
  if (pid == 0) {
    close(s[1]);
    for (int i = 0; i < 100; i++) {
      memset(b, i, sizeof b);
      size_t done = 0;
      while (done < sizeof b) done += MUST(write(s[0], b + done, sizeof b - done));
    }
    _exit(0);
  }
  close(s[0]);
  unsigned long total = 0, sum = 0;
  long n;
  while ((n = read(s[1], b, sizeof b)) > 0) {
    total += n;
    for (long i = 0; i < n; i++) sum += b[i];
  }
  say("total %lu sum %lu", total, sum);
  reap("sender", pid);
}
