/*
 * Calls made so often from one place that the sandbox serves them through its ring, and all that can come between: signals,
 * handlers that call, handlers that do not return, forks, threads, other identities. On Linux none of this is special.
 */
#include "harness.h"
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/utsname.h>

/* Enough for a call site to be found hot, rewritten, and served. */
#define OFTEN 3000

static char b[8192];
static volatile sig_atomic_t handled;

static void count(__attribute__((unused)) int number) { handled++; }

static void every_us(long us, void (*handler)(int), int flags) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
  sigaction(SIGALRM, &action, NULL);
  struct itimerval timer = {{0, us}, {0, us}};
  setitimer(ITIMER_REAL, &timer, NULL);
}

static int file_of(const char *name, int bytes) {
  int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  for (int i = 0; i < bytes; i++) b[i] = (char)i;
  write(fd, b, bytes);
  return fd;
}

static sigjmp_buf out;

static void leave(__attribute__((unused)) int number) {
  handled++;
  siglongjmp(out, 1);
}

CASE(positions) {
  int fd = file_of("f", 4096), wrong = 0;
  for (int i = 0; i < OFTEN; i++) wrong += lseek(fd, i, SEEK_SET) != i;
  SHOW(wrong);
  SHOW(lseek(fd, 0, SEEK_CUR));
  for (int i = 0; i < OFTEN; i++) wrong += lseek(fd, 3, SEEK_END) != 4099;
  for (int i = 0; i < OFTEN; i++) wrong += lseek(fd, -5000, SEEK_END) != -1 || errno != EINVAL;
  for (int i = 0; i < OFTEN; i++) wrong += lseek(1000, 0, SEEK_CUR) != -1 || errno != EBADF;
  SHOW(wrong);
}

CASE(reads_and_writes) {
  int fd = file_of("f", 4096), wrong = 0;
  for (int i = 0; i < OFTEN; i++) {
    char byte = 0;
    wrong += pread(fd, &byte, 1, i) != 1 || byte != (char)i;
  }
  SHOW(wrong);
  for (int i = 0; i < OFTEN; i++) wrong += pread(fd, b, sizeof b, 1000) != 3096 || b[7] != (char)1007;
  SHOW(wrong);
  for (int i = 0; i < OFTEN; i++) {
    char byte = (char)(i * 3), back = 0;
    wrong += pwrite(fd, &byte, 1, i) != 1 || pread(fd, &back, 1, i) != 1 || back != byte;
  }
  SHOW(wrong);
  SHOW(lseek(fd, 0, SEEK_SET));
  for (int i = 0; i < OFTEN; i++) wrong += write(fd, "abc", 3) != 3;
  SHOW(wrong);
  SHOW(lseek(fd, 0, SEEK_CUR));
  SHOW(lseek(fd, 0, SEEK_SET));
  for (int i = 0; i < OFTEN; i++) wrong += read(fd, b, 3) != 3 || memcmp(b, "abc", 3) != 0;
  SHOW(wrong);
  SHOW(read(fd, b, 3));
}

CASE(names) {
  int wrong = 0;
  struct stat s;
  close(file_of("f", 100));
  for (int i = 0; i < OFTEN; i++) wrong += stat("f", &s) != 0 || s.st_size != 100;
  for (int i = 0; i < OFTEN; i++) wrong += stat("missing", &s) != -1 || errno != ENOENT;
  for (int i = 0; i < OFTEN; i++) wrong += access("f", R_OK) != 0;
  SHOW(wrong);
  for (int i = 0; i < OFTEN; i++) {
    int fd = open("f", O_RDONLY);
    wrong += fd < 0 || fstat(fd, &s) != 0 || s.st_size != 100 || close(fd) != 0;
  }
  SHOW(wrong);
  char here[4096], again[4096];
  getcwd(here, sizeof here);
  for (int i = 0; i < OFTEN; i++) wrong += getcwd(again, sizeof again) == NULL || strcmp(here, again) != 0;
  SHOW(wrong);
  SHOW(mkdir("d", 0755));
  for (int i = 0; i < OFTEN; i++) wrong += stat("d/f", &s) != -1 || errno != ENOENT;
  SHOW(rename("f", "d/f"));
  SHOW(stat("d/f", &s));
  SHOW(wrong);
}

CASE(bad_addresses) {
  int fd = file_of("f", 4096), wrong = 0;
  struct stat s;
  for (int i = 0; i < OFTEN; i++) {
    void *to = i % 7 == 3 ? (void *)16 : b;
    ssize_t n = pread(fd, to, 10, 0);
    wrong += to == b ? n != 10 : n != -1 || errno != EFAULT;
  }
  SHOW(wrong);
  for (int i = 0; i < OFTEN; i++) {
    int bad = i % 5 == 1, n = fstat(fd, bad ? (struct stat *)8 : &s);
    wrong += bad ? n != -1 || errno != EFAULT : n != 0;
  }
  SHOW(wrong);
  for (int i = 0; i < OFTEN; i++) wrong += access(i % 3 ? "f" : (char *)24, F_OK) != (i % 3 ? 0 : -1);
  SHOW(wrong);
}

/* 1 kHz without SA_RESTART: none of these calls ever gives EINTR on Linux. */
static const char constant[8192] = "f";

static char *map_pages(int n) {
  return mmap(NULL, n * 4096L, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/* Pointers of every kind from one place: what can go with a call, and what the sandbox has to reach for. */
CASE(good_and_bad_addresses_from_one_place) {
  int fd = file_of("f", 8192), p[2], wrong = 0;
  MUST(pipe(p));
  MUST(fcntl(p[1], F_SETFL, O_NONBLOCK) == 0);
  char on_stack[8192], *on_heap = malloc(8192), *gone = map_pages(2), *hidden = map_pages(2), *top = sbrk(0);
  memcpy(gone, "f", 2);
  memcpy(hidden, "f", 2);
  memcpy(on_stack, "f", 2);
  memcpy(on_heap, "f", 2);
  memcpy(b, "f", 2);
  MUST(munmap(gone, 8192) == 0);
  MUST(mprotect(hidden + 4096, 4096, PROT_NONE) == 0);
  memset(hidden + 4090, 'x', 6); /* a path without an end */
  struct {
    const char *name;
    char *at;
  } places[] = {{"bss", b},           {"stack", on_stack},      {"heap", on_heap},   {"constant", (char *)constant}, {"null", NULL},
                {"minus one", (char *)-1}, {"unmapped", gone}, {"no access", hidden + 4096}, {"into no access", hidden + 4090},
                {"end of the heap", top - 1}, {"behind the heap", (char *)(((unsigned long)top + 4095) & ~4095ul) + (1 << 20)}};
  enum { PLACES = sizeof places / sizeof *places };
  enum { WAYS = 14 };
  int results[2][PLACES][WAYS];
  int epoll = epoll_create1(0);
  struct epoll_event event = {EPOLLOUT, {.u64 = 77}};
  MUST(epoll_ctl(epoll, EPOLL_CTL_ADD, p[1], &event) == 0);
  for (int i = 0; i < OFTEN; i++) /* so that what is good is known */
    for (int k = 0; k < 3; k++) {
      struct stat *st = (struct stat *)(places[k].at + 64);
      wrong += stat(places[k].at, st) != 0 || st->st_size != 8192;
      wrong += pread(fd, places[k].at + 64, 100, 50) != 100 || places[k].at[64] != 50;
      wrong += pwrite(fd, places[k].at + 64, 100, 50) != 100;
    }
  SHOW(wrong);
  for (int round = 0; round < 2; round++)
    for (int i = 0; i < (round ? 200 : 1); i++)
      for (int k = 0; k < PLACES; k++) {
        char *at = places[k].at;
        int *r = results[round][k], n = 0;
        r[n++] = access(at, F_OK) ? errno : 0;
        r[n++] = open(at, O_RDONLY | O_DIRECTORY) < 0 ? errno : 0;
        r[n++] = stat("f", (struct stat *)(k < 3 ? at + 512 : at)) ? errno : 0;
        r[n++] = fstat(fd, (struct stat *)(k < 3 ? at + 512 : at)) ? errno : 0;
        r[n++] = pread(fd, k < 3 ? at + 512 : at, 200, 0) < 0 ? errno : 0;
        r[n++] = pwrite(fd, k < 3 ? at + 512 : at, 4, 8000) < 0 ? errno : 0;
        r[n++] = pread(fd, k < 3 ? at + 512 : at, 0, 0) < 0 ? errno : 0;
        r[n++] = write(p[1], k < 3 ? at + 512 : at, 1) < 0 ? errno : 0;
        r[n++] = readlink("f", k < 3 ? at + 512 : at, 10) < 0 ? errno : 0;
        struct pollfd *polled = (struct pollfd *)(k < 3 ? at + 512 : at);
        if (k < 3) *polled = (struct pollfd){p[1], POLLOUT, 0};
        r[n++] = poll(polled, 1, 0) < 0 ? errno : k < 3 && polled->revents != POLLOUT;
        struct epoll_event *events = (struct epoll_event *)(k < 3 ? at + 512 : at);
        r[n++] = epoll_wait(epoll, events, 4, 0) < 0 ? errno : k < 3 && events->data.u64 != 77;
        r[n++] = getcwd(k < 3 ? at + 512 : at, 300) == NULL ? errno : k < 3 && at[512] != '/';
        struct statx *stx = (struct statx *)(k < 3 ? at + 512 : at);
        r[n++] = statx(AT_FDCWD, "f", 0, STATX_SIZE, stx) ? errno : k < 3 && stx->stx_size != 8192;
        r[n++] = statx(AT_FDCWD, at, 0, STATX_SIZE, (struct statx *)(b + 512)) ? errno : 0;
      }
  for (int round = 0; round < 2; round++)
    for (int k = 0; k < PLACES; k++)
      for (int n = 0; n < WAYS; n++) say("%d %s %d: %s", round, places[k].name, n, results[round][k][n] ? errno_name(results[round][k][n]) : "good");
  SHOW(constant[0] == 'f' && constant[1] == 0);
}

/* Each waits for the other, and is woken by a call of the other's that may have come by the ring. */
CASE(ping_pong_between_processes) {
  enum { ROUNDS = 20000 };
  int there[2], back[2], wrong = 0, status;
  char byte;
  MUST(pipe(there));
  MUST(pipe(back));
  pid_t pid = fork();
  if (pid == 0) {
    close(there[1]);
    close(back[0]);
    while (read(there[0], &byte, 1) == 1)
      if (write(back[1], &byte, 1) != 1) _exit(1);
    _exit(0);
  }
  close(there[0]);
  close(back[1]);
  for (int i = 0; i < ROUNDS; i++) {
    byte = (char)i;
    wrong += write(there[1], &byte, 1) != 1;
    byte = 0;
    wrong += read(back[0], &byte, 1) != 1 || byte != (char)i;
  }
  SHOW(wrong);
  close(there[1]);
  MUST(waitpid(pid, &status, 0) == pid);
  SHOW(status);
}

/* Lengths about what goes with a call. */
CASE(lengths) {
  int fd = file_of("f", 8192), wrong = 0;
  static char path[5000];
  for (int length = 4000; length < 4200; length++)
    for (int i = 0; i < 20; i++) {
      memset(b, 0, 4300);
      wrong += pread(fd, b, length, 8192 - length) != length || b[length - 1] != (char)8191 || b[length] != 0;
      wrong += pwrite(fd, b, length, 8192 - length) != length;
    }
  SHOW(wrong);
  for (int length = 4070; length < 4110; length++)
    for (int i = 0; i < 50; i++) {
      memset(path, '/', length);
      path[length - 1] = 'f';
      path[0] = '.';
      path[length] = 0;
      int r = access(path, F_OK) ? errno : 0;
      wrong += r != (length < 4096 ? 0 : ENAMETOOLONG);
    }
  SHOW(wrong);
}

CASE(timer_without_restart) {
  int fd = file_of("f", 4096), interrupted = 0, other = 0;
  struct stat s;
  every_us(1000, count, 0);
  for (int i = 0; handled < 300 && i < 400000; i++) {
    int results[] = {close(dup(fd)), stat("f", &s), fstat(fd, &s), access("f", R_OK), (int)lseek(fd, 0, SEEK_SET)};
    for (unsigned k = 0; k < sizeof results / sizeof *results; k++)
      if (results[k] != 0) errno == EINTR ? interrupted++ : other++;
  }
  every_us(0, count, 0);
  SHOW(handled >= 300);
  SHOW(interrupted);
  SHOW(other);
}

static int handlers_fd;
static volatile int handlers_wrong;

static void calls(__attribute__((unused)) int number) {
  int saved = errno;
  char byte;
  handled++;
  for (int i = 0; i < 10; i++) handlers_wrong += pread(handlers_fd, &byte, 1, i) != 1 || byte != (char)i;
  errno = saved;
}

CASE(handler_calls) {
  int wrong = 0;
  handlers_fd = file_of("f", 4096);
  char byte;
  every_us(700, calls, SA_RESTART);
  for (int i = 0; handled < 300 && i < 1000000; i++) {
    int at = i % 1000;
    wrong += pread(handlers_fd, &byte, 1, at) != 1 || byte != (char)at;
  }
  every_us(0, calls, 0);
  SHOW(wrong);
  SHOW(handlers_wrong);
}

CASE(handler_does_not_return) {
  volatile int wrong = 0;
  int fd = file_of("f", 4096);
  sigsetjmp(out, 1);
  if (handled == 0) every_us(900, leave, 0);
  while (handled < 200) {
    char byte;
    wrong += pread(fd, &byte, 1, 77) != 1 || byte != 77;
  }
  every_us(0, count, 0);
  SHOW(wrong);
  for (int i = 0; i < OFTEN; i++) wrong += lseek(fd, i, SEEK_SET) != i;
  SHOW(wrong);
}

CASE(forks_have_their_own) {
  int fd = file_of("f", 4096), wrong = 0;
  for (int i = 0; i < OFTEN; i++) wrong += lseek(fd, i, SEEK_SET) != i;
  for (int k = 0; k < 5; k++) {
    pid_t pid = fork();
    if (pid == 0) {
      int bad = 0;
      close(fd);
      for (int i = 0; i < OFTEN; i++) bad += lseek(fd, 0, SEEK_CUR) != -1 || errno != EBADF;
      int mine = open("f", O_RDONLY);
      for (int i = 0; i < OFTEN; i++) bad += lseek(mine, i, SEEK_SET) != i;
      _exit(bad != 0);
    }
    for (int i = 0; i < OFTEN; i++) wrong += lseek(fd, i, SEEK_SET) != i;
    reap("child", pid);
  }
  SHOW(wrong);
}

CASE(vfork_child_has_its_own_files) {
  int fd = file_of("f", 4096);
  static volatile int wrong;
  for (int i = 0; i < OFTEN; i++) wrong += lseek(fd, i, SEEK_SET) != i;
  for (int k = 0; k < 20; k++) {
    pid_t pid = vfork();
    if (pid == 0) {
      for (int i = 0; i < 50; i++) wrong += lseek(fd, 0, SEEK_SET) != 0;
      close(fd);
      for (int i = 0; i < 50; i++) wrong += lseek(fd, 0, SEEK_SET) != -1;
      _exit(0);
    }
    int status;
    waitpid(pid, &status, 0);
    wrong += status;
    for (int i = 0; i < 200; i++) wrong += lseek(fd, i, SEEK_SET) != i;
  }
  SHOW(wrong);
}

static void *reader(void *argument) {
  long wrong = 0, me = (long)argument;
  char name[16];
  snprintf(name, sizeof name, "t%ld", me);
  int fd = open(name, O_RDWR | O_CREAT, 0644);
  for (int i = 0; i < 500; i++) {
    long value = me * 1000 + i, back = 0;
    wrong += pwrite(fd, &value, sizeof value, 8 * i) != 8 || pread(fd, &back, sizeof back, 8 * i) != 8 || back != value;
  }
  close(fd);
  return (void *)wrong;
}

CASE(threads) {
  pthread_t threads[64];
  long wrong = 0;
  for (int i = 0; i < OFTEN; i++) wrong += (long)reader == 0 || pread(1000, b, 1, 0) != -1;
  for (long i = 0; i < 64; i++) pthread_create(&threads[i], NULL, reader, (void *)i);
  for (int i = 0; i < 64; i++) {
    void *result;
    pthread_join(threads[i], &result);
    wrong += (long)result;
  }
  SHOW(wrong);
}

static void *drain(void *argument) {
  int fd = *(int *)argument;
  char small[777];
  long sum = 0;
  ssize_t n;
  while ((n = read(fd, small, sizeof small)) > 0) sum += n;
  return (void *)sum;
}

/* A write that goes in piece by piece, because the pipe is full again and again. */
CASE(write_in_pieces) {
  int p[2];
  MUST(pipe(p));
  int wrong = 0;
  for (int i = 0; i < OFTEN; i++) wrong += write(p[1], b, 1) != 1 || read(p[0], b, 1) != 1;
  SHOW(wrong);
  pthread_t thread;
  pthread_create(&thread, NULL, drain, &p[0]);
  static char big[300000];
  for (int i = 0; i < 20; i++) wrong += write(p[1], big, sizeof big) != sizeof big;
  close(p[1]);
  void *sum;
  pthread_join(thread, &sum);
  SHOW(wrong);
  SHOW((long)sum);
}

/* What a handler has left in the middle is a call of its own: the same call again writes all of it again. */
CASE(write_left_in_the_middle) {
  int p[2];
  static volatile int wrong;
  MUST(pipe(p));
  for (int i = 0; i < OFTEN; i++) wrong += write(p[1], b, 1) != 1 || read(p[0], b, 1) != 1;
  static char big[300000];
  if (sigsetjmp(out, 1) == 0) {
    struct sigaction action = {.sa_handler = leave};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval timer = {{0, 0}, {0, 100000}};
    setitimer(ITIMER_REAL, &timer, NULL);
    wrong += write(p[1], big, sizeof big) != 0; /* never comes back */
  }
  pthread_t thread;
  pthread_create(&thread, NULL, drain, &p[0]);
  wrong += write(p[1], big, sizeof big) != sizeof big;
  close(p[1]);
  void *sum;
  pthread_join(thread, &sum);
  SHOW(wrong);
  SHOW(handled);
  SHOW((long)sum);
}

CASE(broken_pipe) {
  int p[2], wrong = 0;
  MUST(pipe(p));
  signal(SIGPIPE, count);
  for (int i = 0; i < OFTEN; i++) wrong += write(p[1], b, 1) != 1 || read(p[0], b, 1) != 1;
  close(p[0]);
  for (int i = 0; i < 100; i++) wrong += write(p[1], b, 1) != -1 || errno != EPIPE;
  SHOW(wrong);
  SHOW(handled);
}

CASE(polls) {
  int p[2], wrong = 0, e = epoll_create1(0), n = eventfd(0, EFD_NONBLOCK);
  uint64_t value;
  MUST(pipe(p));
  struct epoll_event event = {EPOLLIN, {.fd = n}};
  MUST(epoll_ctl(e, EPOLL_CTL_ADD, n, &event));
  for (int i = 0; i < OFTEN; i++) {
    struct pollfd f = {p[0], POLLIN, 0};
    wrong += poll(&f, 1, 0) != 0;
    write(p[1], b, 1);
    wrong += poll(&f, 1, -1) != 1 || f.revents != POLLIN;
    read(p[0], b, 1);
    wrong += epoll_wait(e, &event, 1, 0) != 0;
    value = i + 1;
    write(n, &value, 8);
    wrong += epoll_wait(e, &event, 1, 1000) != 1 || event.data.fd != n;
    wrong += read(n, &value, 8) != 8 || value != (uint64_t)i + 1;
    wrong += read(n, &value, 8) != -1 || errno != EAGAIN;
  }
  struct pollfd f = {p[0], POLLIN, 0};
  for (int i = 0; i < 20; i++) wrong += poll(&f, 1, 1) != 0;
  SHOW(wrong);
}

static void *other_identity(void *argument) {
  long wrong = 0;
  char *secret = argument;
  syscall(SYS_setresuid, -1, 12345, -1); /* of this thread only */
  for (int i = 0; i < OFTEN; i++) wrong += open(secret, O_RDONLY) != -1 || errno != EACCES;
  for (int i = 0; i < OFTEN; i++) wrong += geteuid() != 12345;
  return (void *)wrong;
}

CASE(identities) {
  if (geteuid() != 0) {
    say("needs root");
    return;
  }
  int wrong = 0;
  int fd = open("secret", O_RDWR | O_CREAT, 0600);
  for (int i = 0; i < OFTEN; i++) {
    int again = open("secret", O_RDONLY);
    wrong += again < 0 || close(again) != 0;
  }
  SHOW(wrong);
  pthread_t thread;
  void *result;
  pthread_create(&thread, NULL, other_identity, "secret");
  for (int i = 0; i < OFTEN; i++) {
    int again = open("secret", O_RDONLY);
    wrong += again < 0 || close(again) != 0 || geteuid() != 0;
  }
  pthread_join(thread, &result);
  SHOW(wrong);
  SHOW((long)result);
  SHOW(seteuid(12345));
  for (int i = 0; i < OFTEN; i++) wrong += open("secret", O_RDONLY) != -1 || errno != EACCES;
  SHOW(seteuid(0));
  SHOW(wrong);
  close(fd);
}

static void *other_files(void *argument) {
  long wrong = 0;
  int fd = *(int *)argument;
  unshare(CLONE_FILES);
  close(fd);
  for (int i = 0; i < OFTEN; i++) wrong += lseek(fd, 0, SEEK_CUR) != -1;
  return (void *)wrong;
}

CASE(thread_with_its_own_files) {
  int fd = file_of("f", 100), wrong = 0;
  for (int i = 0; i < OFTEN; i++) wrong += lseek(fd, i, SEEK_SET) != i;
  pthread_t thread;
  void *result;
  pthread_create(&thread, NULL, other_files, &fd);
  for (int i = 0; i < OFTEN; i++) wrong += lseek(fd, i, SEEK_SET) != i;
  pthread_join(thread, &result);
  SHOW(wrong);
  SHOW((long)result);
  for (int i = 0; i < OFTEN; i++) wrong += lseek(fd, i, SEEK_SET) != i;
  SHOW(wrong);
}

CASE(after_mmap_and_close) {
  int wrong = 0;
  close(file_of("f", 4096));
  for (int i = 0; i < 300; i++) {
    int fd = open("f", O_RDONLY);
    char *m = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    wrong += m == MAP_FAILED || m[9] != 9;
    wrong += close(fd) != 0 || close(fd) != -1 || errno != EBADF;
    munmap(m, 4096);
  }
  SHOW(wrong);
}

HELPER(calls_often) {
  int fd = file_of("g", 10), wrong = 0;
  for (int i = 0; i < OFTEN; i++) wrong += lseek(fd, i, SEEK_SET) != i;
  say("executed: %d", wrong);
}

CASE(exec_begins_anew) {
  int fd = file_of("f", 10), wrong = 0;
  for (int i = 0; i < OFTEN; i++) wrong += lseek(fd, i, SEEK_SET) != i;
  SHOW(wrong);
  execl(harness_self, harness_self, "@calls_often", NULL);
}

/*
 * What the program does to the memory that it shares with the sandbox is its own loss. On Linux there is nothing at these
 * addresses; that the others go on is the same.
 */
CASE(scribbles) {
  int fd = file_of("f", 10), wrong = 0;
  for (int i = 0; i < OFTEN; i++) wrong += lseek(fd, i, SEEK_SET) != i;
  for (int k = 0; k < 4; k++) {
    pid_t pid = fork();
    if (pid == 0) {
      signal(SIGSEGV, SIG_DFL);
      for (int i = 0; i < OFTEN; i++) lseek(fd, i, SEEK_SET);
      unsigned seed = 77 + k;
      if (syscall(SYS_madvise, 0x183000, 0x3000, MADV_NORMAL) == 0)
        for (int i = 0; i < 200000; i++) {
          seed = seed * 1103515245 + 12345;
          ((volatile unsigned *)0x183000)[seed >> 8 & 0xbff] = i % 3 ? seed : seed & 7;
          if (i % 64 == 0) lseek(fd, 0, SEEK_CUR);
        }
      _exit(0);
    }
    int status;
    struct timespec soon = {0, 20000000};
    for (int i = 0; i < 25 && waitpid(pid, &status, WNOHANG) == 0; i++) nanosleep(&soon, NULL);
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
  }
  for (int i = 0; i < OFTEN; i++) wrong += lseek(fd, i, SEEK_SET) != i;
  SHOW(wrong);
}
