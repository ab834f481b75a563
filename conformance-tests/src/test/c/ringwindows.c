/*
 * Reads of files in the sandbox's memory that are made so often that the sandbox maps the file in the reader: what the reader gets while
 * others make the file shorter, longer, or something else.
 */
#include "harness.h"
#include <pthread.h>
#include <setjmp.h>
#include <sys/inotify.h>
#include <sys/resource.h>

#define SIZE (512 * 1024)
#define OFTEN 20000

static char bytes[SIZE], found[64 * 1024];

/* What is at a place of a full file: never 0. */
static char at(long place) { return 1 + place % 251; }

static void fill(int fd) {
  for (long i = 0; i < SIZE; i++) bytes[i] = at(i);
  MUST(pwrite(fd, bytes, SIZE, 0));
}

static int in_memory(void) {
  char name[64];
  snprintf(name, sizeof name, "/dev/shm/ringwindows.%d", getpid());
  int fd = MUST(open(name, O_RDWR | O_CREAT | O_EXCL, 0600));
  MUST(unlink(name));
  fill(fd);
  return fd;
}

/* Whether bytes that were read are those of the file or, where it may have been cut, zeroes. */
static int is_right(const char *b, long n, long place, int may_be_zero) {
  for (long i = 0; i < n; i++)
    if (b[i] != at(place + i) && !(may_be_zero && b[i] == 0)) return 0;
  return 1;
}

static unsigned seed = 1;
static long some(long below) { return (seed = seed * 1103515245 + 12345, seed >> 8) % below; }

CASE(at_all_places) {
  int fd = in_memory(), wrong = 0;
  for (int i = 0; i < OFTEN; i++) {
    long place = some(SIZE + 5000), length = some(i % 10 ? 9000 : sizeof found);
    long there = place >= SIZE ? 0 : place + length > SIZE ? SIZE - place : length;
    memset(found, 0, 100);
    long n = pread(fd, found, length, place);
    wrong += n != there || !is_right(found, n, place, 0);
  }
  SHOW(wrong);
}

CASE(by_position) {
  int fd = in_memory(), wrong = 0;
  long place = 0;
  for (int i = 0; i < OFTEN; i++) {
    long n = read(fd, found, 3000);
    wrong += n != (SIZE - place < 3000 ? SIZE - place : 3000) || !is_right(found, n, place, 0);
    place += n;
    wrong += lseek(fd, 0, SEEK_CUR) != place;
    if (n == 0) place = lseek(fd, 0, SEEK_SET);
  }
  SHOW(wrong);
}

CASE(written_between) {
  int fd = in_memory(), wrong = 0;
  for (int i = 0; i < OFTEN; i++) {
    long place = some(SIZE - sizeof i), is = -1;
    wrong += pwrite(fd, &i, sizeof i, place) != sizeof i || pread(fd, &is, sizeof i, place) != sizeof i || (int)is != i;
  }
  SHOW(wrong);
}

CASE(written_over) {
  int fd = in_memory(), wrong = 0;
  static char model[SIZE];
  memcpy(model, bytes, SIZE);
  for (int i = 0; i < OFTEN; i++) {
    long place = some(SIZE), length = some(i % 10 ? 9000 : sizeof found);
    if (length > SIZE - place) length = SIZE - place;
    for (long n = 0; n < length; n++) found[n] = model[place + n] = i + n;
    wrong += (i % 2 ? pwrite(fd, found, length, place) : lseek(fd, place, SEEK_SET) == place ? write(fd, found, length) : -1) != length;
    if (i % 2 == 0) wrong += lseek(fd, 0, SEEK_CUR) != place + length;
    if (i % 100 == 0) {
      wrong += pread(fd, bytes, SIZE, 0) != SIZE || memcmp(bytes, model, SIZE) != 0;
    }
  }
  SHOW(wrong);
  wrong = pread(fd, bytes, SIZE, 0) != SIZE || memcmp(bytes, model, SIZE) != 0;
  SHOW(wrong);
}

/* Writes that begin within the file and go on behind it, and times and modes that change with each. */
CASE(written_beyond) {
  int fd = in_memory(), wrong = 0;
  struct stat s;
  for (int i = 0; i < OFTEN / 10; i++) {
    long length = SIZE + i * 10;
    wrong += pwrite(fd, bytes, 4096, some(SIZE - 4096)) != 4096;
    wrong += pwrite(fd, "0123456789ABCDEFGHIJ", 20, length - 10) != 20;
    MUST(fstat(fd, &s));
    wrong += s.st_size != length + 10;
    char last[10];
    wrong += pread(fd, last, 10, length) != 10 || memcmp(last, "ABCDEFGHIJ", 10) != 0;
  }
  SHOW(wrong);
  for (int i = 0; i < 100; i++) {
    struct timespec old[2] = {{1000, 0}, {2000, 0}};
    MUST(futimens(fd, old));
    for (int n = 0; n < 20; n++) wrong += pwrite(fd, bytes, 4096, 4096) != 4096;
    MUST(fstat(fd, &s));
    wrong += s.st_mtime <= 2000 || s.st_ctime <= 2000;
  }
  SHOW(wrong);
  MUST(setrlimit(RLIMIT_FSIZE, &(struct rlimit){10000, 10000}));
  signal(SIGXFSZ, SIG_IGN);
  SHOW(pwrite(fd, bytes, 4096, 4096));
  SHOW(pwrite(fd, bytes, 4096, 8192));
  SHOW(pwrite(fd, bytes, 4096, 16384));
}

/* Descriptors whose numbers were those of files that are mapped. */
CASE(other_files_by_the_same_number) {
  int fd = in_memory(), wrong = 0, ends[2];
  for (int i = 0; i < OFTEN / 10; i++) wrong += pwrite(fd, found, 4096, 4096 * (i % 100)) != 4096;
  MUST(pipe(ends));
  MUST(dup2(ends[1], fd));
  for (int i = 0; i < OFTEN / 10; i++) {
    int is = -1;
    wrong += write(fd, &i, sizeof i) != sizeof i || read(ends[0], &is, sizeof is) != sizeof is || is != i;
  }
  SHOW(wrong);
  char name[64];
  snprintf(name, sizeof name, "/dev/shm/ringwindows.%d", getpid());
  int only = MUST(open(name, O_WRONLY | O_CREAT | O_EXCL, 0600)), back = MUST(open(name, O_RDONLY));
  MUST(unlink(name));
  MUST(dup2(only, fd));
  for (int i = 0; i < OFTEN / 10; i++) wrong += write(fd, found, 4096) != 4096;
  for (int i = 0; i < OFTEN / 10; i++) {
    int is = -1;
    wrong += pwrite(fd, &i, sizeof i, 4096 * i) != sizeof i || pread(back, &is, sizeof is, 4096 * i) != sizeof is || is != i;
  }
  SHOW(wrong);
  SHOW(pread(fd, found, 1, 0));
  SHOW(write(back, found, 1));
  MUST(fcntl(only, F_SETFL, O_APPEND));
  struct stat s;
  for (int i = 0; i < 100; i++) wrong += pwrite(only, found, 10, 0) != 10; /* at the end all the same */
  MUST(fstat(only, &s));
  SHOW(s.st_size - OFTEN / 10 * 4096L);
  SHOW(wrong);
}

/* Cuts and mends the file until told to stop. */
static volatile int *stop;
static void *cut(void *of) {
  int fd = (int)(long)of;
  for (int i = 0; !*stop; i++) {
    ftruncate(fd, i % 3 == 0 ? 0 : i % 3 == 1 ? 4096 * 5 + 7 : SIZE / 2);
    if (i % 2) ftruncate(fd, SIZE);
    pwrite(fd, bytes, SIZE, 0);
    if (i % 7 == 0) fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, SIZE / 2);
  }
  return NULL;
}

static int use_while_cut(int fd, int times) {
  int wrong = 0;
  for (int i = 0; i < times; i++) {
    long place = some(SIZE), length = some(i % 10 ? 9000 : sizeof found);
    long n = pread(fd, found, length, place);
    wrong += n < 0 || n > length || !is_right(found, n, place, 1);
    length = length > SIZE - place ? SIZE - place : length;
    wrong += pwrite(fd, bytes + place, length, place) != length;
  }
  return wrong;
}

CASE(shorter_by_another_process) {
  int fd = in_memory();
  stop = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t child = MUST(fork());
  if (child == 0) {
    cut((void *)(long)fd);
    _exit(0);
  }
  SHOW(use_while_cut(fd, OFTEN / 2));
  *stop = 1;
  int status;
  MUST(waitpid(child, &status, 0));
  SHOW(status);
}

CASE(shorter_by_another_thread) {
  static int no = 0;
  stop = &no;
  int fd = in_memory();
  SHOW(use_while_cut(fd, OFTEN / 2)); /* nobody cuts: by then it is mapped */
  pthread_t thread;
  pthread_create(&thread, NULL, cut, (void *)(long)fd);
  SHOW(use_while_cut(fd, OFTEN / 2));
  *stop = 1;
  pthread_join(thread, NULL);
}

static int of_handler;
static volatile int cuts;

static void cut_once(__attribute__((unused)) int number) {
  ftruncate(of_handler, cuts % 2 ? 0 : 10000);
  struct stat s;
  fstat(of_handler, &s);
  int is_right = cuts % 2 ? s.st_size == 0 && s.st_blocks == 0 : s.st_size == 10000 && s.st_blocks == 24;
  cuts += is_right ? 1 : 1000000;
  pwrite(of_handler, bytes, SIZE, 0);
}

static void each_ms(void (*handler)(int)) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
  struct itimerval timer = {{0, 1000}, {0, 1000}};
  sigaction(SIGALRM, &action, NULL);
  setitimer(ITIMER_REAL, &timer, NULL);
}

/* The thread that copies is the one that makes the file shorter: nobody can wait until it has copied. */
CASE(shorter_by_a_handler) {
  int fd = of_handler = in_memory(), wrong = 0;
  each_ms(cut_once);
  while (cuts < 200) wrong += use_while_cut(fd, 100);
  each_ms(SIG_IGN);
  SHOW(wrong);
  SHOW(cuts < 1000000);
  struct stat s;
  MUST(fstat(fd, &s));
  SHOW(s.st_size);
  SHOW(pread(fd, found, sizeof found, SIZE - 100));
  SHOW(ftruncate(fd, 100));
  SHOW(pread(fd, found, sizeof found, 0));
  SHOW(lseek(fd, 0, SEEK_HOLE));
  SHOW(ftruncate(fd, 5000));
  SHOW(pread(fd, found, sizeof found, 0));
  SHOW(is_right(found, 100, 0, 0) && found[100] == 0 && found[4999] == 0);
}

static sigjmp_buf out;
static volatile int left;
static void leave(__attribute__((unused)) int number) {
  left++;
  siglongjmp(out, 1);
}

CASE(left_by_a_handler) {
  int fd = in_memory();
  volatile int wrong = 0;
  each_ms(leave);
  while (left < 200)
    if (sigsetjmp(out, 1) == 0)
      for (;;) wrong += pread(fd, found, 4096, 8192) != 4096 || !is_right(found, 4096, 8192, 0);
  each_ms(SIG_IGN);
  SHOW(wrong);
  SHOW(ftruncate(fd, 10));
  SHOW(pread(fd, found, 4096, 0));
  fill(fd);
  SHOW(pread(fd, found, 4096, 4096));
  SHOW(is_right(found, 4096, 4096, 0));
}

CASE(in_a_child) {
  int fd = in_memory(), wrong = 0, status;
  for (int i = 0; i < OFTEN; i++) wrong += pread(fd, found, 5000, i) != 5000 || !is_right(found, 5000, i, 0);
  pid_t child = MUST(fork());
  if (child == 0) {
    for (int i = 0; i < OFTEN; i++) wrong += pread(fd, found, 5000, i) != 5000 || !is_right(found, 5000, i, 0);
    wrong += pwrite(fd, "0123", 4, 1000) != 4;
    _exit(wrong != 0);
  }
  MUST(waitpid(child, &status, 0));
  SHOW(status);
  SHOW(pread(fd, found, 4, 1000));
  SHOW(memcmp(found, "0123", 4));
  SHOW(wrong);
}

CASE(many_files) {
  int fds[20], wrong = 0;
  for (int i = 0; i < 20; i++) {
    fds[i] = in_memory();
    MUST(pwrite(fds[i], &i, sizeof i, 100));
  }
  for (int round = 0; round < 3; round++)
    for (int i = 0; i < 20; i++)
      for (int n = 0; n < 300; n++) {
        int is = -1;
        wrong += pread(fds[i], &is, sizeof is, 100) != sizeof is || is != i;
        wrong += pread(fds[i], found, 4096, 4096 * n % 100000) != 4096;
      }
  for (int i = 0; i < 20; i += 2) MUST(close(fds[i]));
  for (int i = 1; i < 20; i += 2)
    for (int n = 0; n < 300; n++) {
      int is = -1;
      wrong += pread(fds[i], &is, sizeof is, 100) != sizeof is || is != i;
    }
  SHOW(wrong);
}

static void *volatile nothing, *volatile low = (void *)16, *volatile constant = (void *)"constant";

CASE(bad_buffers) {
  int fd = in_memory(), wrong = 0;
  char *map = mmap(NULL, 3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  MUST(mprotect(map + 4096, 4096, PROT_READ));
  MUST(munmap(map + 8192, 4096));
  for (int i = 0; i < OFTEN; i++) wrong += pread(fd, found, 4096, i) != 4096;
  SHOW(wrong);
  SHOW(pread(fd, nothing, 100, 0));
  SHOW(pread(fd, low, 4096, 0));
  SHOW(pread(fd, map + 4096, 100, 0));
  SHOW(pread(fd, map, 5000, 0));
  SHOW(pread(fd, map + 8192, 100, 0));
  SHOW(pread(fd, map + 4000, 100, 0) == 96 || errno == EFAULT);
  SHOW(pread(fd, constant, 4, 0));
  for (int i = 0; i < OFTEN; i++) wrong += pwrite(fd, found, 4096, i) != 4096;
  SHOW(wrong);
  SHOW(pwrite(fd, nothing, 100, 0));
  SHOW(pwrite(fd, map + 8192, 4096, 0));
  SHOW(pwrite(fd, map + 4096, 8192, 0));
  SHOW(pwrite(fd, constant, 4, 0));
  SHOW(pread(fd, found, 0, 0));
  SHOW(pread(fd, found, 100, -1));
  SHOW(pread(fd, found, 100, SIZE));
}

CASE(holes_stay) {
  int fd = in_memory(), wrong = 0;
  struct stat before, after;
  MUST(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 65536, 65536));
  MUST(fstat(fd, &before));
  for (int i = 0; i < OFTEN; i++) {
    long place = i % 2 ? 65536 + some(60000) : some(60000);
    wrong += pread(fd, found, 4096, place) != 4096 || !is_right(found, 100, place, i % 2);
  }
  MUST(fstat(fd, &after));
  SHOW(wrong);
  SHOW(before.st_blocks - after.st_blocks);
}

CASE(times_of_access) {
  int fd = in_memory(), wrong = 0;
  struct stat s;
  for (int i = 0; i < 200; i++) {
    struct timespec old[2] = {{1000, 0}, {2000, 0}};
    MUST(futimens(fd, old));
    for (int n = 0; n < 20; n++) wrong += pread(fd, found, 100, 0) != 100;
    MUST(fstat(fd, &s));
    wrong += s.st_atime <= 2000 || s.st_mtime != 2000;
  }
  SHOW(wrong);
}

/* Mappings of the program's own go on when nothing else of the file is left. */
CASE(mapped_and_removed) {
  int fd = in_memory(), wrong = 0;
  for (int i = 0; i < OFTEN; i++) wrong += pread(fd, found, 4096, i) != 4096 || pwrite(fd, bytes, 4096, 0) != 4096;
  char *shared = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, fd, 0);
  char *private = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  MUST(close(fd));
  fd = MUST(open("other", O_RDWR | O_CREAT, 0600));
  for (int i = 0; i < 1000; i++) wrong += pwrite(fd, found, 4096, 0) != 4096;
  SHOW(wrong);
  SHOW(is_right(shared, SIZE, 0, 0));
  SHOW(is_right(private, SIZE, 0, 0));
}

/* Who hears of a write finds what was written. */
CASE(watched) {
  char name[64];
  snprintf(name, sizeof name, "/dev/shm/ringwatched.%d", getpid());
  int fd = MUST(open(name, O_RDWR | O_CREAT | O_EXCL, 0600)), wrong = 0, acks[2];
  fill(fd);
  for (int i = 0; i < 2000; i++) wrong += pwrite(fd, bytes, 4096, 4096) != 4096;
  MUST(pipe(acks));
  int watch = MUST(inotify_init1(IN_CLOEXEC));
  MUST(inotify_add_watch(watch, name, IN_MODIFY));
  pid_t child = MUST(fork());
  for (int i = 1; i <= 300; i++) {
    int is = -1;
    if (child == 0) {
      if (read(watch, found, sizeof found) <= 0 || pread(fd, &is, sizeof is, 4096) != sizeof is) _exit(1);
      if (write(acks[1], &is, sizeof is) != sizeof is) _exit(2);
    } else {
      wrong += pwrite(fd, &i, sizeof i, 4096) != sizeof i || read(acks[0], &is, sizeof is) != sizeof is || is != i;
    }
  }
  if (child == 0) _exit(0);
  int status;
  MUST(waitpid(child, &status, 0));
  MUST(unlink(name));
  SHOW(status);
  SHOW(wrong);
}

/* A write by who may not have it so takes set-user-ID away. */
CASE(set_id_bits) {
  int fd = in_memory(), wrong = 0;
  struct stat s;
  for (int i = 0; i < 1000; i++) wrong += pwrite(fd, bytes, 4096, 4096) != 4096;
  MUST(fchmod(fd, 06755));
  for (int i = 0; i < 1000; i++) wrong += pwrite(fd, bytes, 4096, 4096) != 4096;
  MUST(fstat(fd, &s));
  SHOW(s.st_mode & 07777);
  MUST(seteuid(65534));
  for (int i = 0; i < 1000; i++) wrong += pwrite(fd, bytes, 4096, 4096) != 4096;
  MUST(fstat(fd, &s));
  SHOW(s.st_mode & 07777);
  SHOW(wrong);
}

CASE(sealed) {
  int fd = MUST(memfd_create("sealed", MFD_ALLOW_SEALING)), wrong = 0;
  fill(fd);
  for (int i = 0; i < 1000; i++) wrong += pwrite(fd, bytes, 4096, 4096) != 4096 || pread(fd, found, 4096, 0) != 4096;
  MUST(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
  SHOW(ftruncate(fd, 4096));
  for (int i = 0; i < 1000; i++) wrong += pwrite(fd, bytes, 4096, 4096) != 4096 || pread(fd, found, 4096, 0) != 4096;
  MUST(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
  SHOW(pwrite(fd, bytes, 4096, 4096));
  SHOW(pread(fd, found, 4096, SIZE - 4096));
  SHOW(is_right(found, 4096, SIZE - 4096, 0));
  SHOW(wrong);
}

CASE(mapped_by_the_program_too) {
  int fd = in_memory(), wrong = 0;
  for (int i = 0; i < OFTEN; i++) wrong += pread(fd, found, 4096, i) != 4096;
  char *map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  for (int i = 0; i < OFTEN; i++) {
    map[i] = 'x';
    wrong += pread(fd, found, 10, i) != 10 || found[0] != 'x';
    map[i] = at(i);
  }
  SHOW(wrong);
  SHOW(ftruncate(fd, 4096));
  SHOW(pread(fd, found, 10, 4096));
  pid_t child = MUST(fork());
  if (child == 0) {
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    map[8192] = 1;
    _exit(0);
  }
  int status;
  MUST(waitpid(child, &status, 0));
  SHOW(WTERMSIG(status));
}
