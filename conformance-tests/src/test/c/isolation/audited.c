/*
 * audited WHAT...: each WHAT does one thing of which a line of the audit log tells, once.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* launcher/src/main/native/ring.h */
#define WORD(at) (*(volatile unsigned *)(0x183000 + (at)))
#define LONG(at) (*(volatile unsigned long *)(0x183000 + (at)))
#define SLOT 0x1000 /* the first one */
#define BEAT (SLOT + 120)
#define PAYLOAD 0x3000
enum { FREE, CALLED, SERVING, WAITED, DONE, TRAP };

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "line %d: %s: %s\n", __LINE__, #condition, strerror(errno));                 \
      exit(1);                                                                                     \
    }                                                                                              \
  } while (0)

static char buffer[4 << 20];

static void denied(void) { CHECK(syscall(SYS_ptrace, PTRACE_TRACEME, 1, 2, 3, 4, 5) == -1 && errno == EPERM); }

/* So many that no log and no queue takes them all; and when somebody reads again, one more. */
static void flood(void) {
  for (int i = 0; i < 4999; i++) denied();
  CHECK(write(1, "flooded\n", 8) == 8);
  while (access("/mnt/go", F_OK)) usleep(10000);
  /* A kind of event has 20 lines a second: of the next second there are some left. */
  struct timespec second = {1, 100000000};
  nanosleep(&second, NULL);
  denied();
}

static void limit(void) {
  while (open("/", O_RDONLY) >= 0)
    ;
  CHECK(errno == ENFILE);
}

static void run_set_id(const char *path, int mode, int no_new_privs) {
  int from = open("/proc/self/exe", O_RDONLY), to = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0755);
  CHECK(from >= 0 && to >= 0);
  for (ssize_t n; (n = read(from, buffer, sizeof buffer)) > 0;) CHECK(write(to, buffer, n) == n);
  close(from);
  close(to);
  CHECK(chmod(path, mode) == 0);
  pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_NO_NEW_PRIVS, no_new_privs, 0, 0, 0);
    execl(path, path, NULL);
    _exit(1);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid && status == 0);
}

/* So often that the sandbox serves it by the ring, and we have the memory of that. */
static int own_ring(void) {
  int fd = open("/tmp/zeroes", O_RDWR | O_CREAT | O_TRUNC, 0600);
  CHECK(fd >= 0 && ftruncate(fd, sizeof buffer) == 0);
  for (int i = 0; i < 3000; i++) lseek(fd, 0, SEEK_CUR);
  CHECK(syscall(SYS_madvise, 0x183000, 0x23000, 14) == 0); /* it is there */
  return fd;
}

/* A call without a trampoline. */
static void publish(unsigned number, long fd, long length) {
  WORD(256) |= 1;
  WORD(SLOT + 4) = number;
  LONG(SLOT + 8) = fd;
  LONG(SLOT + 16) = (long)buffer;
  LONG(SLOT + 24) = length;
  LONG(SLOT + 32) = 0;
  __atomic_store_n(&WORD(SLOT), CALLED, __ATOMIC_SEQ_CST);
}

static void await_answer(void) {
  for (unsigned state; (state = WORD(SLOT)) < DONE || state > 6;) WORD(BEAT)++;
}

/* While a long read is served its slot is given a state that there is none of. Does that until it was in time. */
static void ring_state(void) {
  int fd = own_ring(), is_done = 0;
  while (!is_done) {
    unsigned state;
    publish(SYS_pread64, fd, sizeof buffer);
    while ((state = WORD(SLOT)) == CALLED) WORD(BEAT)++;
    is_done = state == SERVING && __sync_bool_compare_and_swap(&WORD(SLOT), SERVING, 77);
    await_answer();
  }
}

static void ring_number(void) {
  own_ring();
  publish(0xabcd, 0, 0);
  await_answer();
}

static void ring_payload(void) {
  int fd = own_ring();
  WORD(PAYLOAD) = 0;
  WORD(PAYLOAD + 4) = 1 << 30;
  publish(SYS_pread64 | 0x10000, fd, 100);
  await_answer();
}

int main(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    const char *what = argv[i];
    if (!strcmp(what, "denied")) denied();
    else if (!strcmp(what, "missing")) CHECK(syscall(1000, 6, 5, 4, 3, 2, 1) == -1 && errno == ENOSYS);
    else if (!strcmp(what, "flags")) CHECK(unshare(CLONE_NEWNS) == -1 && errno == EPERM);
    else if (!strcmp(what, "limit")) limit();
    else if (!strcmp(what, "set-id")) run_set_id("/tmp/set\"id", 06755, 0);
    else if (!strcmp(what, "set-id-in-vain")) run_set_id("/tmp/vain", 02755, 1);
    else if (!strcmp(what, "ring-state")) ring_state();
    else if (!strcmp(what, "ring-number")) ring_number();
    else if (!strcmp(what, "ring-payload")) ring_payload();
    else if (!strcmp(what, "flood")) flood();
    else if (!strcmp(what, "wait")) {
      CHECK(write(1, "here\n", 5) == 5);
      /* The gofer is asked, all the time. */
      for (int n = 0;; n++) {
        char name[40];
        snprintf(name, sizeof name, "/mnt/missing-%d", n);
        access(name, F_OK);
      }
    } else return 2;
  }
  return 0;
}
