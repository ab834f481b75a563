/* mmap of files and memory, msync, munmap, mprotect, mremap; memfd_create and seals. */
#include "harness.h"
#include <setjmp.h>

static sigjmp_buf on_fault;

static void fault(int number) { siglongjmp(on_fault, number); }

/* Touches memory and says what happened: a value, or the signal. */
static void peek(const char *what, const volatile char *at) {
  int number = sigsetjmp(on_fault, 1);
  if (number == 0) {
    char c = *at;
    say("%s: read %s%c", what, c ? "" : "zero", c ? c : ' ');
  } else
    say("%s: read gave %s", what, signal_name(number));
}

static void poke(const char *what, volatile char *at) {
  int number = sigsetjmp(on_fault, 1);
  if (number == 0) {
    *at = 'P';
    say("%s: written", what);
  } else
    say("%s: write gave %s", what, signal_name(number));
}

static void catch_faults(void) {
  signal(SIGSEGV, fault);
  signal(SIGBUS, fault);
}

static int file_of(const char *name, size_t size) {
  int fd = MUST(open(name, O_RDWR | O_CREAT | O_TRUNC, 0644));
  char *data = malloc(size);
  for (size_t i = 0; i < size; i++) data[i] = 'a' + i / 4096 % 26;
  if (write(fd, data, size) != (ssize_t)size) MUST(-1);
  free(data);
  return fd;
}

static char *map(size_t size, int prot, int flags, int fd, off_t offset) {
  char *p = mmap(NULL, size, prot, flags, fd, offset);
  if (p == MAP_FAILED) {
    say("mmap failed: %s", errno_name(errno));
    _exit(1);
  }
  return p;
}

#define TRY(size, prot, flags, fd, offset)                                                         \
  do {                                                                                             \
    void *p_ = mmap(NULL, size, prot, flags, fd, offset);                                          \
    say("mmap(%s, %s, %s, %s, %s): %s", #size, #prot, #flags, #fd, #offset,                        \
        p_ == MAP_FAILED ? errno_name(errno) : "ok");                                              \
  } while (0)

CASE(private_file) {
  catch_faults();
  int fd = file_of("f", 8192);
  char *p = map(8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  peek("first page", p);
  peek("second page", p + 4096);
  poke("first page", p);
  peek("first page", p);
  char c;
  MUST(pread(fd, &c, 1, 0));
  say("file has %c", c);
}

CASE(shared_file) {
  catch_faults();
  int fd = file_of("f", 8192);
  char *p = map(8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  poke("shared", p + 5000);
  char c;
  MUST(pread(fd, &c, 1, 5000));
  say("file has %c", c);
  MUST(pwrite(fd, "W", 1, 10));
  peek("after pwrite", p + 10);
  SHOW(msync(p, 8192, MS_SYNC));
  close(fd);
  poke("after close", p + 20);
  fd = MUST(open("f", O_RDONLY));
  MUST(pread(fd, &c, 1, 20));
  say("file has %c", c);
}

CASE(shared_between_processes) {
  int fd = file_of("f", 4096);
  char *p = map(4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  pid_t pid = fork();
  if (pid == 0) {
    p[0] = 'C';
    int other = MUST(open("f", O_RDWR));
    char *q = map(4096, PROT_READ | PROT_WRITE, MAP_SHARED, other, 0);
    q[1] = 'Q';
    _exit(0);
  }
  reap("child", pid);
  say("%.3s", p);
}

CASE(private_is_copied_by_fork) {
  int fd = file_of("f", 4096);
  char *p = map(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  p[0] = 'P';
  pid_t pid = fork();
  if (pid == 0) {
    say("child sees %.2s", p);
    p[0] = 'C';
    _exit(0);
  }
  reap("child", pid);
  say("parent sees %.2s", p);
}

CASE(offsets) {
  catch_faults();
  int fd = file_of("f", 16384);
  char *p = map(8192, PROT_READ, MAP_PRIVATE, fd, 4096);
  peek("page 1", p);
  peek("page 2", p + 4096);
  TRY(4096, PROT_READ, MAP_PRIVATE, fd, 100);
  TRY(4096, PROT_READ, MAP_PRIVATE, fd, 1 << 30);
  TRY(4096, PROT_READ, MAP_PRIVATE, fd, -4096L);
  TRY(4096, PROT_READ, MAP_PRIVATE, fd, INT64_MAX & ~4095L);
}

CASE(past_the_end) {
  catch_faults();
  int fd = file_of("f", 100);
  char *p = map(8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  peek("last byte", p + 99);
  peek("rest of the page", p + 100);
  peek("next page", p + 4096);
  poke("rest of the page", p + 100);
  poke("next page", p + 4096);
  struct stat st;
  MUST(fstat(fd, &st));
  SHOW(st.st_size);
  SHOW(ftruncate(fd, 8192));
  peek("next page after growing", p + 4096);
  SHOW(ftruncate(fd, 50));
  peek("next page after shrinking", p + 4096);
}

CASE(file_grows_by_write) {
  catch_faults();
  int fd = MUST(open("f", O_RDWR | O_CREAT, 0644));
  char *p = map(4096, PROT_READ, MAP_SHARED, fd, 0);
  peek("empty file", p);
  MUST(write(fd, "x", 1));
  peek("after write", p);
}

CASE(permissions) {
  file_of("f", 4096);
  int r = MUST(open("f", O_RDONLY)), w = MUST(open("f", O_WRONLY)), path = MUST(open("f", O_PATH));
  TRY(4096, PROT_READ, MAP_SHARED, r, 0);
  TRY(4096, PROT_WRITE, MAP_SHARED, r, 0);
  TRY(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, r, 0);
  TRY(4096, PROT_READ, MAP_PRIVATE, w, 0);
  TRY(4096, PROT_WRITE, MAP_SHARED, w, 0);
  TRY(4096, PROT_READ, MAP_PRIVATE, path, 0);
  TRY(4096, PROT_NONE, MAP_PRIVATE, w, 0);
  void *p = map(4096, PROT_READ, MAP_SHARED, r, 0);
  SHOW(mprotect(p, 4096, PROT_READ | PROT_WRITE));
  p = map(4096, PROT_READ, MAP_PRIVATE, r, 0);
  SHOW(mprotect(p, 4096, PROT_READ | PROT_WRITE));
}

CASE(errors) {
  int fd = file_of("f", 4096), pipes[2];
  MUST(pipe(pipes));
  TRY(0, PROT_READ, MAP_PRIVATE, fd, 0);
  TRY(4096, PROT_READ, 0, fd, 0);
  TRY(4096, PROT_READ, MAP_PRIVATE | MAP_SHARED, fd, 0);
  TRY(4096, PROT_READ, MAP_PRIVATE, 77, 0);
  TRY(4096, PROT_READ, MAP_PRIVATE, -1, 0);
  TRY(4096, PROT_READ, MAP_PRIVATE, pipes[0], 0);
  TRY(4096, PROT_READ, MAP_PRIVATE, MUST(open(".", O_RDONLY)), 0);
  TRY(SIZE_MAX, PROT_READ, MAP_PRIVATE, fd, 0);
  TRY(1UL << 50, PROT_READ, MAP_PRIVATE, fd, 0);
  TRY(4096, PROT_READ, MAP_SHARED_VALIDATE | 0x800000, fd, 0);
  TRY(4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, 77, 0);
  SHOW(munmap(NULL, 0));
  SHOW(munmap((void *)100, 4096));
  SHOW(munmap((void *)(1L << 40), 4096));
  SHOW(mprotect((void *)(1L << 40), 4096, PROT_READ));
  SHOW(mprotect((void *)100, 4096, PROT_READ));
  SHOW(msync((void *)(1L << 40), 4096, MS_SYNC));
  SHOW(msync((void *)100, 4096, MS_SYNC));
  SHOW(msync((void *)(1L << 40), 0, MS_SYNC | MS_ASYNC));
  SHOW(madvise((void *)(1L << 40), 4096, MADV_DONTNEED));
  SHOW(madvise((void *)4096, 4096, 9999));
}

CASE(fixed) {
  catch_faults();
  int fd = file_of("f", 8192);
  char *p = map(3 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memset(p, '.', 3 * 4096);
  SHOW(mmap(p + 4096, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 4096) == p + 4096);
  peek("before", p + 4095);
  peek("fixed", p + 4096);
  peek("behind", p + 8192);
  SHOW(mmap(p, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED_NOREPLACE, fd, 0) == MAP_FAILED);
  SHOW_AS("no replace", mmap(p, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED_NOREPLACE, fd, 0) == MAP_FAILED ? -1 : 0);
  SHOW_AS("unaligned", mmap(p + 1, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) == MAP_FAILED ? -1 : 0);
  SHOW(munmap(p + 4096, 4096));
  SHOW(mmap(p + 4096, 4096, PROT_READ, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0) == p + 4096);
  peek("again", p + 4096);
  SHOW(munmap(p, 3 * 4096));
  peek("unmapped", p + 4096);
}

CASE(protection) {
  catch_faults();
  char *p = map(8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  poke("writable", p);
  SHOW(mprotect(p, 4096, PROT_READ));
  poke("read-only", p);
  peek("read-only", p);
  SHOW(mprotect(p, 4096, PROT_NONE));
  peek("none", p);
  SHOW(mprotect(p, 8192, PROT_READ | PROT_WRITE));
  peek("back", p);
  SHOW(munmap(p, 4096));
  SHOW(mprotect(p, 8192, PROT_READ));
  SHOW(mprotect(p + 4096, 4096, 0x100));
}

CASE(execute_from_a_file) {
  static const unsigned char code[] = {0xb8, 42, 0, 0, 0, 0xc3}; /* mov $42, %eax; ret */
  int fd = MUST(open("code", O_RDWR | O_CREAT, 0755));
  MUST(write(fd, code, sizeof code));
  int (*f)(void) = (int (*)(void))map(4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
  SHOW(f());
  char *p = map(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memcpy(p, code, sizeof code);
  p[1] = 43;
  SHOW(mprotect(p, 4096, PROT_READ | PROT_EXEC));
  SHOW(((int (*)(void))p)());
}

CASE(mapping_outlives_the_name) {
  int fd = file_of("f", 4096);
  char *p = map(4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  MUST(unlink("f"));
  p[0] = 'Z';
  say("%.2s", p);
}

CASE(two_mappings_of_one_file) {
  int fd = file_of("f", 4096);
  char *p = map(4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  char *q = map(4096, PROT_READ, MAP_SHARED, MUST(open("f", O_RDONLY)), 0);
  char *r = map(4096, PROT_READ, MAP_PRIVATE, fd, 0);
  p[7] = '!';
  say("%c %c", q[7], r[7]);
}

CASE(dev_zero) {
  int fd = MUST(open("/dev/zero", O_RDWR));
  char *p = map(8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  SHOW(p[0] + p[8191]);
  p[0] = 'x';
  char *q = map(8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  pid_t pid = fork();
  if (pid == 0) {
    q[1] = 'y';
    p[1] = 'y';
    _exit(0);
  }
  reap("child", pid);
  say("shared %c private %d", q[1], p[1]);
  TRY(4096, PROT_READ, MAP_PRIVATE, MUST(open("/dev/null", O_RDWR)), 0);
}

CASE(anonymous_shared) {
  int *p = (int *)map(4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  for (int i = 0; i < 3; i++)
    if (fork() == 0) {
      for (int n = 0; n < 1000; n++) __atomic_add_fetch(p, 1, __ATOMIC_SEQ_CST);
      _exit(0);
    }
  for (int i = 0; i < 3; i++) MUST(wait(NULL));
  SHOW(*p);
}

CASE(mremap) {
  catch_faults();
  char *p = map(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  p[0] = 'm';
  char *q = mremap(p, 4096, 1 << 20, MREMAP_MAYMOVE);
  peek("moved", q);
  peek("new end", q + (1 << 20) - 1);
  char *r = mremap(q, 1 << 20, 4096, 0);
  SHOW(r == q);
  peek("cut off", q + 8192);
  SHOW_AS("no room", mremap((void *)(1L << 40), 4096, 8192, 0) == MAP_FAILED ? -1 : 0);
  SHOW_AS("bad flags", mremap(q, 4096, 8192, 0x100) == MAP_FAILED ? -1 : 0);
  SHOW_AS("zero", mremap(q, 4096, 0, MREMAP_MAYMOVE) == MAP_FAILED ? -1 : 0);
  int fd = file_of("f", 8192);
  p = map(4096, PROT_READ, MAP_SHARED, fd, 0);
  p = mremap(p, 4096, 8192, MREMAP_MAYMOVE);
  peek("grown file mapping", p + 4096);
}

CASE(brk_and_malloc) {
  char *before = sbrk(0);
  SHOW(sbrk(100000) == before);
  before[99999] = 1;
  SHOW(brk(before));
  SHOW((char *)sbrk(0) == before);
  char *big = malloc(64 << 20);
  big[0] = big[(64 << 20) - 1] = 1;
  free(big);
  SHOW(malloc(1UL << 60) == NULL);
}

CASE(madvise_zeroes) {
  char *p = map(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  p[0] = 'x';
  SHOW(madvise(p, 4096, MADV_DONTNEED));
  SHOW(p[0]);
  int fd = file_of("f", 4096);
  p = map(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  p[0] = 'x';
  SHOW(madvise(p, 4096, MADV_DONTNEED));
  say("%c", p[0]);
}

CASE(mincore_and_lock) {
  unsigned char v[2];
  char *p = map(8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  p[0] = 1;
  SHOW(mincore(p, 8192, v));
  say("%d", v[0] & 1);
  SHOW(mincore((void *)(1L << 40), 4096, v));
  SHOW(mincore(p + 1, 4096, v));
  SHOW(mlock(p, 4096));
  SHOW(munlock(p, 4096));
  SHOW(mlock((void *)(1L << 40), 4096));
}

CASE(read_into_a_mapping_of_the_same_file) {
  int fd = file_of("f", 8192);
  char *p = map(8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  SHOW(pread(fd, p, 10, 4096));
  say("%.12s", p);
  SHOW(pwrite(fd, p + 4090, 10, 100));
  say("%.12s", p + 99);
}

CASE(system_calls_see_the_mapping) {
  int fd = file_of("f", 4096);
  char *p = map(4096, PROT_READ, MAP_PRIVATE, fd, 0);
  int out = MUST(open("out", O_RDWR | O_CREAT, 0644));
  SHOW(write(out, p, 10));
  SHOW(read(fd, p, 10));
  lseek(fd, 0, SEEK_SET);
  SHOW(read(fd, p, 10));
  say_content("out");
}

CASE(memfd) {
  struct stat st;
  char b[8] = "";
  int fd = SHOW(memfd_create("name", MFD_CLOEXEC));
  SHOW(fcntl(fd, F_GETFD));
  SHOW(write(fd, "content", 7));
  SHOW(pread(fd, b, 7, 0));
  say("%s", b);
  MUST(fstat(fd, &st));
  say_stat("memfd", &st);
  char link[64], path[64];
  sprintf(path, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(path, link, sizeof link);
  say("%.*s", (int)n, link);
  SHOW(ftruncate(fd, 100000));
  char *p = map(100000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  p[50000] = 'x';
  SHOW(pread(fd, b, 1, 50000));
  say("%c", b[0]);
  SHOW(memfd_create("name", 0x1000));
  SHOW(syscall(SYS_memfd_create, BAD_POINTER, 0));
  char name[300];
  memset(name, 'n', 299);
  name[299] = 0;
  SHOW_AS("long name", memfd_create(name, 0));
  name[249] = 0;
  SHOW_AS("249 bytes", memfd_create(name, 0));
}

CASE(seals) {
  char b[4] = "abc";
  int fd = MUST(memfd_create("sealed", MFD_ALLOW_SEALING));
  MUST(write(fd, "content", 7));
  SHOW(fcntl(fd, F_GET_SEALS));
  SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
  SHOW(ftruncate(fd, 3));
  SHOW(ftruncate(fd, 20));
  SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
  SHOW(ftruncate(fd, 30));
  SHOW(pwrite(fd, b, 3, 19));
  SHOW(pwrite(fd, b, 3, 0));
  char *p = map(4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
  SHOW(munmap(p, 4096));
  SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
  SHOW(pwrite(fd, b, 3, 0));
  TRY(4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  TRY(4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
  SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
  SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
  SHOW(fcntl(fd, F_GET_SEALS));
  SHOW(fcntl(fd, F_ADD_SEALS, 0x1000));
}

CASE(seals_not_allowed) {
  int fd = MUST(memfd_create("plain", 0));
  SHOW(fcntl(fd, F_GET_SEALS));
  SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
  put("f", "x");
  int file = MUST(open("/dev/null", O_RDWR));
  SHOW(fcntl(file, F_GET_SEALS));
  int pipes[2];
  MUST(pipe(pipes));
  SHOW(fcntl(pipes[0], F_ADD_SEALS, F_SEAL_WRITE));
}

CASE(posix_shared_memory) {
  char name[64];
  sprintf(name, "/redoubt-test-%d", getpid());
  int fd = SHOW_AS("shm_open", shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600));
  SHOW(ftruncate(fd, 4096));
  char *p = map(4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  pid_t pid = fork();
  if (pid == 0) {
    int other = MUST(shm_open(name, O_RDWR, 0));
    char *q = map(4096, PROT_READ | PROT_WRITE, MAP_SHARED, other, 0);
    strcpy(q, "from the child");
    _exit(0);
  }
  reap("child", pid);
  say("%s", p);
  SHOW_AS("exclusive", shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600));
  SHOW_AS("unlink", shm_unlink(name));
  SHOW_AS("unlink", shm_unlink(name));
  SHOW_AS("open", shm_open(name, O_RDWR, 0));
  say("%s", p);
}

CASE(rare_flags_of_anonymous_memory) {
  static const int flags[] = {MAP_LOCKED, MAP_GROWSDOWN, MAP_STACK | MAP_GROWSDOWN, MAP_LOCKED | MAP_POPULATE, 0x80000};
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
    char *m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags[i], -1, 0);
    say("flags %#x: %s", flags[i], m == MAP_FAILED ? errno_name(errno) : "ok");
    if (m != MAP_FAILED) {
      m[4096] = 1;
      SHOW(munmap(m, 8192));
    }
  }
  SHOW(mmap(NULL, 4096, PROT_READ | 8, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
  SHOW(mmap(NULL, 4096, PROT_READ, MAP_SHARED_VALIDATE | MAP_ANONYMOUS | 0x8000000, -1, 0) == MAP_FAILED);
}
