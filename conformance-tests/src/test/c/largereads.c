/*
 * Reads of many bytes, which the sandbox may have the host kernel make: positions and who shares them, ends of files, files that change
 * between two reads, descriptors that change what they stand for, bad memory. Small reads in between, and pread.
 */
#include "harness.h"
#include <pthread.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define KIB 1024L
#define LARGE (256 * KIB) /* and, where there are threads, */
#define LARGER (600 * KIB)
#define FILE_BYTES (1024 * KIB + 77)

static unsigned char b[2 * FILE_BYTES];

/* The byte at an offset of a file made by `make`; none equals that of another one nearby. */
static unsigned char byte_at(long i, int seed) { return (unsigned char)(i * 31 + (i >> 8) * 7 + (i >> 16) + seed); }

static void make(const char *name, int seed) {
  int fd = MUST(open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644));
  for (long i = 0; i < FILE_BYTES; i++) b[i] = byte_at(i, seed);
  MUST(write(fd, b, FILE_BYTES));
  MUST(close(fd));
  memset(b, 0, sizeof b);
}

static const char *good(long from, long n, int seed) {
  for (long i = 0; i < n; i++)
    if (b[i] != byte_at(from + i, seed)) return "wrong bytes";
  return "good";
}

static void show_read(int fd, long bytes, int seed) {
  long at = lseek(fd, 0, SEEK_CUR), n = read(fd, b, (size_t)bytes);
  say("read %ld at %ld: %ld, %s, then at %ld", bytes, at, n, n < 0 ? errno_name(errno) : good(at, n, seed), (long)lseek(fd, 0, SEEK_CUR));
}

static void show_pread(int fd, long bytes, long at, int seed) {
  long n = pread(fd, b, (size_t)bytes, at);
  say("pread %ld at %ld: %ld, %s", bytes, at, n, n < 0 ? errno_name(errno) : good(at, n, seed));
}

CASE(positions) {
  make("f", 1);
  int fd = MUST(open("f", O_RDONLY));
  show_read(fd, LARGE, 1);
  show_read(fd, 10, 1);
  show_read(fd, LARGE, 1);
  show_pread(fd, LARGE, 5, 1);
  SHOW(lseek(fd, -LARGE, SEEK_CUR));
  show_read(fd, LARGE, 1);
  SHOW(lseek(fd, 3, SEEK_SET));
  show_read(fd, 2 * FILE_BYTES, 1);
  show_read(fd, LARGE, 1);
  show_read(fd, 1, 1);
  SHOW(lseek(fd, -LARGE - 1, SEEK_END));
  show_read(fd, LARGE, 1);
  show_read(fd, LARGE, 1);
  SHOW(lseek(fd, -1, SEEK_SET));
  SHOW(lseek(fd, -2 * FILE_BYTES, SEEK_CUR));
  SHOW(lseek(fd, 0, 77));
  SHOW(lseek(fd, 5, SEEK_DATA));
  SHOW(lseek(fd, 5, SEEK_HOLE));
  SHOW(lseek(fd, FILE_BYTES, SEEK_DATA));
  SHOW(lseek(fd, 2 * FILE_BYTES, SEEK_SET));
  show_read(fd, LARGE, 1);
  struct iovec v[] = {{b, 100}, {b + 100, LARGE}};
  SHOW(lseek(fd, 7, SEEK_SET));
  SHOW(readv(fd, v, 2));
  SHOW(lseek(fd, 0, SEEK_CUR));
  int out = MUST(open("out", O_RDWR | O_CREAT | O_TRUNC, 0644));
  SHOW(sendfile(out, fd, NULL, 1000));
  SHOW(lseek(fd, 0, SEEK_CUR));
  show_read(fd, LARGE, 1);
}

CASE(ways_to_open) {
  make("f", 2);
  int both = MUST(open("f", O_RDWR)), end = MUST(open("f", O_RDWR | O_APPEND)), none = MUST(open("f", O_WRONLY));
  show_read(both, LARGE, 2);
  show_pread(both, LARGE, 9, 2);
  SHOW(write(both, "x", 1));
  show_read(both, LARGE, 2);
  show_pread(end, LARGE, 400 * KIB, 2);
  SHOW(write(end, "tail", 4));
  SHOW(lseek(end, 0, SEEK_CUR));
  SHOW(read(none, b, LARGE));
  SHOW(pread(none, b, LARGE, 0));
  int path = MUST(open("f", O_PATH)), directory = MUST(open(".", O_RDONLY));
  SHOW(read(path, b, LARGE));
  SHOW(read(directory, b, LARGE));
  SHOW(pread(both, b, LARGE, -1));
  SHOW(pread(1000, b, LARGE, 0));
}

CASE(shared_descriptions) {
  make("f", 3);
  int fd = MUST(open("f", O_RDONLY)), twin = MUST(dup(fd)), other = MUST(open("f", O_RDONLY));
  show_read(fd, LARGE, 3);
  show_read(twin, LARGE, 3);
  show_read(other, LARGE, 3);
  show_read(twin, 5, 3);
  show_read(fd, LARGE, 3);
  fflush(stdout);
  pid_t pid = MUST(fork());
  if (pid == 0) {
    long n = read(fd, b, LARGE);
    _exit(n == LARGE && lseek(twin, 0, SEEK_CUR) == 4 * LARGE + 5 ? 0 : 1);
  }
  int status;
  MUST(waitpid(pid, &status, 0));
  say_status("child", status);
  SHOW(lseek(fd, 0, SEEK_CUR) == 4 * LARGE + 5 || lseek(fd, 0, SEEK_CUR) == FILE_BYTES);
  show_read(twin, LARGE, 3);
  MUST(close(fd));
  SHOW(lseek(twin, 11, SEEK_SET));
  show_read(twin, LARGE, 3);
}

/* What the parent does to the descriptors after a fork, and before the child's first call, is not the child's. */
CASE(forked_before) {
  make("f", 11);
  int fd = MUST(open("f", O_RDONLY)), status;
  volatile int *turn = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t pid = MUST(fork());
  if (pid == 0) {
    while (!*turn)
      ;
    _exit(pread(fd, b, LARGE, 3) == LARGE && b[0] == byte_at(3, 11) ? 0 : 1);
  }
  show_pread(fd, LARGE, 1, 11);
  *turn = 1;
  MUST(waitpid(pid, &status, 0));
  say_status("child", status);
}

CASE(numbers_used_again) {
  make("f", 4);
  make("g", 5);
  int fd = MUST(open("f", O_RDONLY));
  show_read(fd, LARGE, 4);
  MUST(close(fd));
  SHOW(read(fd, b, LARGE));
  int again = MUST(open("g", O_RDONLY));
  SHOW(again == fd);
  show_read(again, LARGE, 5);
  int f = MUST(open("f", O_RDONLY));
  MUST(dup2(f, again));
  show_read(again, LARGE, 4);
  show_read(f, LARGE, 4);
  MUST(close(again));
  MUST(dup2(f, again));
  show_pread(again, LARGE, 1, 4);
  int pipes[2];
  MUST(pipe(pipes));
  MUST(dup2(pipes[0], again));
  MUST(write(pipes[1], "four", 4));
  SHOW(read(again, b, LARGE));
  char *map = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, f, 0);
  SHOW(map != MAP_FAILED && (unsigned char)map[9] == byte_at(9, 4));
  show_read(f, LARGE, 4);
}

CASE(files_that_change) {
  make("f", 6);
  int fd = MUST(open("f", O_RDONLY)), writer = MUST(open("f", O_RDWR));
  show_read(fd, LARGE, 6);
  MUST(pwrite(writer, "changed", 7, LARGE));
  SHOW(read(fd, b, LARGE));
  say_bytes("begins with", b, 7);
  MUST(ftruncate(writer, 600 * KIB));
  SHOW(read(fd, b, LARGE));
  SHOW(read(fd, b, LARGE));
  MUST(ftruncate(writer, 100 * KIB));
  SHOW(lseek(fd, 0, SEEK_CUR));
  SHOW(read(fd, b, LARGE));
  MUST(ftruncate(writer, 900 * KIB));
  SHOW(read(fd, b, LARGE));
  SHOW(b[0] == 0 && b[LARGE - 1] == 0);
  MUST(unlink("f"));
  SHOW(lseek(fd, 0, SEEK_SET));
  SHOW(read(fd, b, LARGE));
  make("f", 7);
  SHOW(pread(fd, b, LARGE, 50 * KIB));
}

/* A file that was there before: where the sandbox keeps writes in memory, the first one moves its content. */
CASE(files_of_below) {
  int first = MUST(open("/proc/self/exe", O_RDONLY));
  struct stat st;
  MUST(fstat(first, &st));
  long size = st.st_size, sum = 0, again = 0, n;
  while ((n = read(first, b, LARGE)) > 0)
    for (long i = 0; i < n; i++) sum += b[i] * (i & 255);
  SHOW(lseek(first, 0, SEEK_CUR) == size);
  SHOW(lseek(first, 0, SEEK_SET));
  for (long at = 0; (n = pread(first, b, 100 * KIB, at)) > 0; at += n)
    for (long i = 0; i < n; i++) again += b[i] * ((at + i) % LARGE & 255);
  SHOW(sum == again);
}

CASE(bad_memory) {
  make("f", 8);
  int fd = MUST(open("f", O_RDONLY));
  SHOW(read(fd, NULL, LARGE));
  SHOW(lseek(fd, 0, SEEK_CUR));
  char *map = mmap(NULL, 2 * LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  MUST(mprotect(map + LARGE, LARGE, PROT_NONE));
  SHOW(read(fd, map + LARGE, LARGE));
  SHOW(read(fd, map, 2 * LARGE) > 0);
  SHOW(lseek(fd, 0, SEEK_CUR) > 0);
  SHOW(pread(fd, (char *)-4096, LARGE, 0));
  SHOW(pread(fd, map, -1ul, 0));
  SHOW(pread(fd, map, LARGE, (off_t)((1ul << 63) - 1)));
}

static int shared;
static long total;

static void *reader(__attribute__((unused)) void *none) {
  char *mine = malloc(LARGER);
  long n, all = 0;
  for (int small = 0; (n = read(shared, mine, small ? 1000 : LARGER)) > 0; small = !small) all += n;
  __atomic_add_fetch(&total, all, __ATOMIC_SEQ_CST);
  free(mine);
  return NULL;
}

/* Each byte goes to one of them. */
CASE(threads_share_a_position) {
  make("f", 9);
  int wrong = 0;
  for (int round = 0; round < 30; round++) {
    shared = MUST(open("f", O_RDONLY));
    total = 0;
    pthread_t t[4];
    for (int i = 0; i < 4; i++) pthread_create(&t[i], NULL, reader, NULL);
    for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
    wrong += total != FILE_BYTES;
    wrong += lseek(shared, 0, SEEK_CUR) != FILE_BYTES;
    MUST(close(shared));
  }
  SHOW(wrong);
}

CASE(exec_and_flags) {
  make("f", 10);
  int fd = MUST(open("f", O_RDONLY)), gone = MUST(open("f", O_RDONLY | O_CLOEXEC));
  show_read(fd, LARGE, 10);
  show_read(gone, LARGE, 10);
  SHOW(fcntl(fd, F_GETFD));
  SHOW(fcntl(gone, F_GETFD));
  SHOW(fcntl(fd, F_GETFL) & O_ACCMODE);
  fflush(stdout);
  pid_t pid = MUST(fork());
  if (pid == 0) {
    char command[100];
    snprintf(command, sizeof command, "head -c 3 <&%d | wc -c; test ! -e /proc/self/fd/%d && echo closed", fd, gone);
    execl("/bin/sh", "sh", "-c", command, NULL);
    _exit(127);
  }
  int status;
  MUST(waitpid(pid, &status, 0));
  say_status("sh", status);
}
