/*
 * Signals while calls are served through the sandbox's ring: what a handler sees of the interrupted code, and calls that it leaves behind.
 */
#include "harness.h"
#include <execinfo.h>
#include <setjmp.h>
#include <sys/stat.h>
#include <ucontext.h>

#define OFTEN 3000

static void every_us(int which, long us, int number, void (*handler)(int, siginfo_t *, void *)) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_RESTART | SA_SIGINFO};
  struct itimerval timer = {{0, us}, {0, us}};
  sigaction(number, &action, NULL);
  setitimer(which, &timer, NULL);
}

/* ---- stacks, as a sampling profiler takes them ---- */

static volatile int samples, complete, traced;
static void *volatile of_work;

/* By frame pointers: libc's functions that make calls leave %rbp alone. */
static void sample(__attribute__((unused)) int number, __attribute__((unused)) siginfo_t *info, void *context) {
  ucontext_t *c = context;
  unsigned long at = c->uc_mcontext.gregs[REG_RSP];
  unsigned long *frame = (unsigned long *)c->uc_mcontext.gregs[REG_RBP];
  int found = 0;
  for (int depth = 0; depth < 8 && (unsigned long)frame >= at && (unsigned long)frame < at + 65536; depth++) {
    found |= (char *)frame[1] > (char *)of_work && (char *)frame[1] < (char *)of_work + 4096;
    frame = (unsigned long *)frame[0];
  }
  void *stack[32];
  traced += backtrace(stack, 32) >= 2; /* the handler, and where it returns to */
  complete += found;
  samples++;
}

#define WITH_FRAMES __attribute__((noinline, noclone, optimize("no-omit-frame-pointer", "no-optimize-sibling-calls")))

WITH_FRAMES static int calls(int fd) {
  struct stat s;
  char byte;
  int wrong = 0;
  for (int i = 0; i < 500; i++) {
    wrong += lseek(fd, i, SEEK_SET) != i || read(fd, &byte, 1) != 1 || byte != 7;
    wrong += fstat(fd, &s) != 0 || access("none", F_OK) != -1;
  }
  return wrong;
}

WITH_FRAMES static int work(int fd) {
  of_work = (void *)work;
  int wrong = 0;
  while (samples < 100) wrong += calls(fd);
  __asm__ volatile("" ::: "memory"); /* no tail call */
  return wrong;
}

CASE(sampled_stacks) {
  char b[4096];
  memset(b, 7, sizeof b);
  int fd = MUST(open("f", O_RDWR | O_CREAT, 0644));
  MUST(write(fd, b, sizeof b));
  void *stack[4];
  backtrace(stack, 4); /* loads what it needs */
  calls(fd);
  every_us(ITIMER_PROF, 1000, SIGPROF, sample);
  int wrong = work(fd);
  every_us(ITIMER_PROF, 0, SIGPROF, sample);
  SHOW(wrong);
  SHOW(samples - complete);
  SHOW(samples - traced);
}

/* ---- calls that a handler leaves: made before it left, or never ---- */

static sigjmp_buf out;
static volatile int handled;

static void leave(__attribute__((unused)) int number, __attribute__((unused)) siginfo_t *info, __attribute__((unused)) void *context) {
  handled++;
  siglongjmp(out, 1);
}

static long size_of(int fd) {
  struct stat s;
  return fstat(fd, &s) == 0 ? s.st_size : -1;
}

/* From stacks of different depths, so that the slot is not always the same. */
__attribute__((noinline)) static int grow(int fd, int depth) {
  volatile char room[70000];
  room[0] = (char)depth;
  if (depth > 0) return grow(fd, depth - 1) + room[0];
  while (size_of(fd) >= 0) write(fd, "x", 1);
  return room[0];
}

CASE(a_call_that_was_left_is_not_made_later) {
  static volatile int wrong, round_trips;
  static volatile long before;
  static volatile int fd, other;
  fd = MUST(open("f", O_RDWR | O_CREAT | O_APPEND, 0644));
  other = MUST(open("g", O_RDWR | O_CREAT, 0644));
  for (int i = 0; i < OFTEN; i++) wrong += lseek(other, i, SEEK_SET) != i || size_of(fd) != 0;
  while (round_trips < 300) {
    if (sigsetjmp(out, 1) == 0) {
      every_us(ITIMER_REAL, 200 + round_trips * 7 % 300, SIGALRM, leave);
      grow(fd, round_trips % 5);
    }
    every_us(ITIMER_REAL, 0, SIGALRM, leave);
    before = size_of(fd);
    if (round_trips % 3 == 0) usleep(1000);
    for (int i = 0; i < 40; i++) wrong += lseek(other, i, SEEK_SET) != i;
    wrong += size_of(fd) != before;
    round_trips++;
  }
  SHOW(wrong);
  SHOW(handled >= round_trips);
}
