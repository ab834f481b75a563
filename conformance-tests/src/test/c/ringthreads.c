/*
 * Calls of processes with threads that the sandbox serves through its ring: sites are rewritten before there are threads, and cancelled
 * threads have their handlers run.
 */
#include "harness.h"
#include <pthread.h>
#include <sys/stat.h>

/* Enough for calls to be served. */
#define OFTEN 1500

static int file_of(const char *name, int bytes) {
  char b[8192];
  int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  memset(b, 7, sizeof b);
  write(fd, b, bytes);
  return fd;
}

static int threads_fd, threads_pipe[2];
static long threads_wrong;

static void *calls_of_a_thread(void *number) {
  long n = (long)number, wrong = 0;
  for (int i = 0; i < OFTEN; i++) {
    char byte[2] = {(char)i, 0};
    struct stat s;
    long at = n * 1024 + i % 512;
    wrong += pwrite(threads_fd, byte, 1, at) != 1 || pread(threads_fd, byte + 1, 1, at) != 1 || byte[1] != (char)i;
    wrong += fstat(threads_fd, &s) != 0 || s.st_size < 4096;
    wrong += access("f", F_OK) != 0 || access("none", F_OK) != -1 || errno != ENOENT;
    int fd = open("f", O_RDONLY);
    wrong += fd < 0 || lseek(fd, at, SEEK_SET) != at || read(fd, byte, 1) != 1 || byte[0] != (char)i || close(fd) != 0;
  }
  __atomic_add_fetch(&threads_wrong, wrong, __ATOMIC_SEQ_CST);
  return NULL;
}

/* Calls that were made a few times before there were threads, and often after. */
CASE(calls_of_threads) {
  threads_fd = file_of("f", 8192);
  for (int i = 0; i < 5; i++) {
    struct stat s;
    char byte;
    int fd = MUST(open("f", O_RDONLY));
    MUST(fstat(fd, &s));
    MUST(read(fd, &byte, 1));
    MUST(pread(fd, &byte, 1, 0));
    MUST(lseek(fd, 0, SEEK_SET));
    MUST(pwrite(threads_fd, &byte, 1, 0));
    MUST(access("f", F_OK));
    MUST(close(fd));
  }
  pthread_t t[4];
  for (long i = 0; i < 4; i++) MUST(pthread_create(&t[i], NULL, calls_of_a_thread, (void *)i));
  for (int i = 0; i < 4; i++) MUST(pthread_join(t[i], NULL));
  SHOW(threads_wrong);
  calls_of_a_thread(0);
  SHOW(threads_wrong);
}

static volatile int cleaned;

static void clean(__attribute__((unused)) void *none) { cleaned++; }

static void *calls_until_cancelled(__attribute__((unused)) void *none) {
  char byte = 1;
  pthread_cleanup_push(clean, NULL);
  for (;;) {
    pwrite(threads_fd, &byte, 1, 0);
    lseek(threads_fd, 0, SEEK_SET);
    write(threads_fd, &byte, 1);
  }
  pthread_cleanup_pop(0);
  return NULL;
}

static void *waits_until_cancelled(__attribute__((unused)) void *none) {
  char byte;
  pthread_cleanup_push(clean, NULL);
  for (;;) read(threads_pipe[0], &byte, 1);
  pthread_cleanup_pop(0);
  return NULL;
}

CASE(threads_that_are_cancelled) {
  threads_fd = file_of("f", 8192);
  MUST(pipe(threads_pipe));
  char byte = 1;
  for (int i = 0; i < 5; i++) {
    MUST(pwrite(threads_fd, &byte, 1, 0));
    MUST(write(threads_pipe[1], &byte, 1));
    MUST(read(threads_pipe[0], &byte, 1));
  }
  int wrong = 0;
  for (int i = 0; i < 200; i++) {
    pthread_t t;
    void *result;
    cleaned = 0;
    MUST(pthread_create(&t, NULL, i % 2 ? calls_until_cancelled : waits_until_cancelled, NULL));
    usleep(i % 7 * 100);
    MUST(pthread_cancel(t));
    MUST(pthread_join(t, &result));
    wrong += result != PTHREAD_CANCELED;
    usleep(0);
  }
  SHOW(wrong);
  pthread_t t;
  void *result;
  cleaned = 0;
  MUST(pthread_create(&t, NULL, waits_until_cancelled, NULL));
  usleep(10000);
  MUST(pthread_cancel(t));
  MUST(pthread_join(t, &result));
  SHOW(cleaned);
}

#define THOUSAND 1000

static pthread_barrier_t all_there;

static void *one_of_a_thousand(void *number) {
  long n = (long)number, wrong = 0;
  pthread_barrier_wait(&all_there);
  for (int i = 0; i < 30; i++) {
    long value = n * 1000 + i, back = 0;
    struct stat s;
    wrong += pwrite(threads_fd, &value, sizeof value, n * 8) != sizeof value;
    wrong += pread(threads_fd, &back, sizeof back, n * 8) != sizeof back || back != value;
    wrong += fstat(threads_fd, &s) != 0 || access("none", F_OK) != -1 || errno != ENOENT;
  }
  pthread_barrier_wait(&all_there);
  return (void *)wrong;
}

CASE(a_thousand_threads_at_once) {
  static pthread_t t[THOUSAND];
  pthread_attr_t small;
  long wrong = 0;
  threads_fd = file_of("f", 8192);
  for (int i = 0; i < 20; i++) {
    struct stat s;
    char byte = 0;
    MUST(pread(threads_fd, &byte, 1, 0));
    MUST(pwrite(threads_fd, &byte, 1, 0));
    MUST(fstat(threads_fd, &s));
    wrong += access("none", F_OK) != -1;
  }
  MUST(pthread_attr_init(&small));
  MUST(pthread_attr_setstacksize(&small, 65536));
  MUST(pthread_barrier_init(&all_there, NULL, THOUSAND));
  for (long i = 0; i < THOUSAND; i++) MUST(pthread_create(&t[i], &small, one_of_a_thousand, (void *)i));
  for (int i = 0; i < THOUSAND; i++) {
    void *result;
    MUST(pthread_join(t[i], &result));
    wrong += (long)result;
  }
  SHOW(wrong);
}
