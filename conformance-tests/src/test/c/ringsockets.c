/*
 * Calls of sockets that the sandbox serves through its ring, so often that they are.
 */
#include "harness.h"
#include <pthread.h>
#include <sys/un.h>

#define OFTEN 2000

static char b[4096];
static volatile int handled;

static void count(__attribute__((unused)) int number) { handled++; }

CASE(there_and_back) {
  int s[2], wrong = 0;
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  for (int i = 0; i < OFTEN; i++) {
    char out[8] = "1234567", in[8] = "";
    out[0] = (char)i;
    wrong += send(s[0], out, 8, MSG_DONTWAIT) != 8 || recv(s[1], in, 4, 0) != 4 || memcmp(in, out, 4) != 0;
    wrong += recv(s[1], in + 4, 100, MSG_DONTWAIT) != 4 || memcmp(in, out, 8) != 0;
    wrong += recv(s[1], in, 1, MSG_DONTWAIT) != -1 || errno != EAGAIN;
    wrong += send(s[0], out, 8, 0) != 8 || recv(s[1], in, 8, MSG_PEEK) != 8 || recv(s[1], in, 8, MSG_WAITALL) != 8;
    wrong += sendto(s[0], out, 1, MSG_DONTWAIT, NULL, 0) != 1 || recvfrom(s[1], in, 1, 0, NULL, NULL) != 1 || in[0] != (char)i;
  }
  SHOW(wrong);
  for (int i = 0; i < OFTEN; i++) wrong += send(s[0], (void *)1, 1, MSG_DONTWAIT) != -1 || errno != EFAULT;
  MUST(send(s[0], b, 1, 0));
  for (int i = 0; i < OFTEN; i++) wrong += recv(s[1], (void *)1, 1, MSG_DONTWAIT) != -1 || errno != EFAULT;
  for (int i = 0; i < OFTEN; i++) wrong += recv(s[1], b, 1, MSG_PEEK) != 1;
  SHOW(wrong);
}

CASE(messages) {
  int s[2], wrong = 0;
  MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
  for (int i = 0; i < OFTEN; i++) {
    char in[64] = "";
    wrong += send(s[0], "a message", 9, 0) != 9 || send(s[0], "", 0, 0) != 0;
    wrong += recv(s[1], in, 3, MSG_TRUNC | MSG_PEEK) != 9 || in[3] != 0;
    wrong += recv(s[1], in, 5, MSG_TRUNC) != 9 || memcmp(in, "a mes", 6) != 0;
    wrong += recv(s[1], in, 64, 0) != 0;
  }
  SHOW(wrong);
}

static void *drain(void *argument) {
  int fd = *(int *)argument;
  char small[777];
  long sum = 0, n;
  while ((n = recv(fd, small, sizeof small, 0)) > 0)
    for (long i = 0; i < n; i++) sum += (unsigned char)small[i];
  return (void *)sum;
}

/* Room for a part, and then it waits for more: all of it is sent, once. */
CASE(sends_that_wait) {
  static char big[500000];
  int s[2], wrong = 0;
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  for (int i = 0; i < OFTEN; i++) wrong += send(s[0], b, 1, 0) != 1 || recv(s[1], b, 1, 0) != 1;
  memset(big, 3, sizeof big);
  pthread_t thread;
  pthread_create(&thread, NULL, drain, &s[1]);
  for (int i = 0; i < 4; i++) wrong += send(s[0], big, sizeof big, 0) != sizeof big;
  shutdown(s[0], SHUT_WR);
  void *sum;
  pthread_join(thread, &sum);
  SHOW(wrong);
  SHOW((long)sum);
}

/* Room for a part, and it is not to wait: it says how much. */
CASE(no_room) {
  int s[2], wrong = 0, full = 0;
  MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s));
  for (int k = 0; k < 3; k++) {
    long sent = 0, got = 0, n;
    while ((n = send(s[0], b, sizeof b, 0)) > 0) sent += n;
    full += errno == EAGAIN;
    while ((n = recv(s[1], b, sizeof b, 0)) > 0) got += n;
    full += errno == EAGAIN;
    wrong += sent != got || sent < (long)sizeof b;
  }
  SHOW(wrong);
  SHOW(full);
}

CASE(the_other_end_is_gone) {
  int s[2], wrong = 0;
  signal(SIGPIPE, count);
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
  for (int i = 0; i < OFTEN; i++) wrong += send(s[0], b, 1, MSG_DONTWAIT) != 1 || recv(s[1], b, 1, 0) != 1;
  close(s[1]);
  for (int i = 0; i < 200; i++) {
    wrong += send(s[0], b, 1, MSG_DONTWAIT) != -1 || errno != EPIPE || handled != i + 1;
    wrong += send(s[0], b, 1, MSG_NOSIGNAL) != -1 || errno != EPIPE || handled != i + 1;
    wrong += recv(s[0], b, 1, 0) != 0;
  }
  SHOW(wrong);
}

CASE(connections) {
  struct sockaddr_un name = {AF_UNIX, "listens"}, peer;
  int wrong = 0, listener = MUST(socket(AF_UNIX, SOCK_STREAM, 0));
  MUST(bind(listener, (struct sockaddr *)&name, sizeof name));
  MUST(listen(listener, 4));
  for (int i = 0; i < 300; i++) {
    int client = socket(AF_UNIX, SOCK_STREAM, 0), option = 0;
    socklen_t length = sizeof peer;
    wrong += connect(client, (struct sockaddr *)&name, sizeof name) != 0;
    int server = accept4(listener, (struct sockaddr *)&peer, &length, i % 2 ? SOCK_NONBLOCK | SOCK_CLOEXEC : 0);
    wrong += server < 0 || length != sizeof peer.sun_family;
    wrong += fcntl(server, F_GETFL) != (O_RDWR | (i % 2 ? O_NONBLOCK : 0)) || fcntl(server, F_GETFD) != i % 2;
    length = sizeof peer;
    wrong += getpeername(client, (struct sockaddr *)&peer, &length) != 0 || strcmp(peer.sun_path, "listens") != 0;
    length = sizeof peer;
    wrong += getsockname(server, (struct sockaddr *)&peer, &length) != 0 || strcmp(peer.sun_path, "listens") != 0;
    length = sizeof option;
    wrong += getsockopt(client, SOL_SOCKET, SO_TYPE, &option, &length) != 0 || option != SOCK_STREAM;
    option = 1;
    wrong += setsockopt(client, SOL_SOCKET, SO_PASSCRED, &option, sizeof option) != 0;
    wrong += setsockopt(client, SOL_SOCKET, SO_PASSCRED, (void *)1, sizeof option) != -1 || errno != EFAULT;
    wrong += shutdown(client, SHUT_WR) != 0 || recv(server, b, 1, 0) != 0;
    wrong += shutdown(client, 9) != -1 || errno != EINVAL;
    close(client);
    close(server);
  }
  SHOW(wrong);
  fcntl(listener, F_SETFL, O_NONBLOCK);
  for (int i = 0; i < OFTEN; i++) wrong += accept(listener, NULL, NULL) != -1 || errno != EAGAIN;
  SHOW(wrong);
}
