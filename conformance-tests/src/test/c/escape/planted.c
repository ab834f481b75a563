/*
 * Descriptors of the host that a sandbox has: the sentry plants one, at the guest's own number, for each mapping of a file. And the
 * mappings themselves: what can be written, and who dies when the file shrinks.
 */
#include "escape.h"

#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/sendfile.h>

/* Whether any call finds something at this number, at which nothing is open. Each of them would say EBADF. */
static int any_call(int fd, int *own) {
  struct stat st;
  char byte;
  struct iovec iov = {&byte, 1};
  struct epoll_event event = {0};
  int *fds = own;
  errno = EBADF;
  if (read(fd, &byte, 1) >= 0 || errno != EBADF) return 1;
  if (pread(fd, &byte, 1, 0) >= 0 || errno != EBADF) return 2;
  if (readv(fd, &iov, 1) >= 0 || errno != EBADF) return 3;
  if (fstat(fd, &st) == 0 || errno != EBADF) return 4;
  if (lseek(fd, 0, SEEK_CUR) >= 0 || errno != EBADF) return 5;
  if (dup(fd) >= 0 || errno != EBADF) return 6;
  if (fcntl(fd, F_GETFL) >= 0 || errno != EBADF) return 7;
  if (fcntl(fd, F_DUPFD, 100) >= 0 || errno != EBADF) return 8;
  if (mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) != MAP_FAILED || errno != EBADF) return 9;
  if (mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) != MAP_FAILED || errno != EBADF) return 10;
  if (ftruncate(fd, 0) == 0 || errno != EBADF) return 11;
  if (fsync(fd) == 0 || errno != EBADF) return 12;
  if (ioctl(fd, 0x541b /* FIONREAD */, &st) == 0 || errno != EBADF) return 13;
  if (write(fd, "x", 1) >= 0 || errno != EBADF) return 14;
  if (fchmod(fd, 0666) == 0 || errno != EBADF) return 15;
  if (fchdir(fd) == 0 || errno != EBADF) return 16;
  if (openat(fd, "x", O_RDONLY) >= 0 || errno != EBADF) return 17;
  if (syscall(SYS_execveat, fd, "", NULL, NULL, AT_EMPTY_PATH) == 0 || errno != EBADF) return 18;
  if (pipe(fds) == 0) {
    if (sendfile(fds[1], fd, NULL, 1) >= 0 || errno != EBADF) return 19;
    if (splice(fd, NULL, fds[1], NULL, 1, 0) >= 0 || errno != EBADF) return 20;
  }
  int epoll = own[2] = epoll_create1(0);
  if (epoll >= 0 && (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0 || errno != EBADF)) return 21;
  if (flock(fd, 1) == 0 || errno != EBADF) return 22;
  if (syscall(SYS_readahead, fd, 0L, 1L) == 0 || errno != EBADF) return 23;
  if (syscall(SYS_fadvise64, fd, 0L, 0L, 0) == 0 || errno != EBADF) return 24;
  if (syscall(SYS_copy_file_range, fd, NULL, fd, NULL, 1L, 0) >= 0 || errno != EBADF) return 25;
  if (syscall(SYS_fstatfs, fd, &iov) == 0 || (errno != EBADF && errno != EFAULT)) return 26;
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &event, (socklen_t[]){4}) == 0 || errno != EBADF) return 27;
  return 0;
}

int any_call_on(int fd) {
  int own[3] = {-1, -1, -1};
  int call = any_call(fd, own);
  for (int i = 0; i < 3; i++) close(own[i]);
  return call;
}

/* Maps a file at a number and closes the number, where the guard is; the weak place forgets to close it. */
static int planted(void) {
  int fd = MUST(open(shared("allowed"), O_RDONLY));
  fd = MUST(dup2(fd, 77));
  if (mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED) refused("mmap");
  if (here == SANDBOX) close(fd);
  return fd;
}
static void report(int call) {
  if (call != 0) out("call %d finds a descriptor", call);
  held("no call finds one");
}
ESCAPE(USER, planted_descriptor_after_close) { report(any_call_on(planted())); }
ESCAPE(USER, planted_descriptor_in_a_child) {
  int fd = planted();
  pid_t pid = MUST(fork());
  if (pid == 0) _exit(any_call_on(fd));
  report(WEXITSTATUS(wait_for(pid)));
}
ESCAPE(USER, planted_descriptor_after_exec) {
  char text[16];
  snprintf(text, sizeof text, "%d", planted());
  pid_t pid = MUST(fork());
  if (pid == 0) {
    execl(self, self, "@descriptor", text, NULL);
    _exit(90);
  }
  report(WEXITSTATUS(wait_for(pid)));
}
ESCAPE(USER, planted_descriptor_passed) {
  /* By SCM_RIGHTS, to a process that would then have it. */
  int fd = planted(), pair[2];
  char control[CMSG_SPACE(sizeof fd)] = "", byte = 'x';
  struct iovec iov = {&byte, 1};
  struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  *header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof fd)};
  memcpy(CMSG_DATA(header), &fd, sizeof fd);
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
  ATTEMPT(sendmsg(pair[0], &message, 0));
}
ESCAPE(USER, planted_descriptor_as_a_clock) {
  /* clock_gettime is native, and some clock ids are descriptors; a clock has to be one, so the weak place tells one from none. */
  int fd = planted();
  struct timespec time;
  long open_one = syscall(SYS_clock_getres, (clockid_t)((~(unsigned)fd << 3) | 3), &time) == -1 ? errno : 0;
  long closed_one = syscall(SYS_clock_getres, (clockid_t)((~(unsigned)999 << 3) | 3), &time) == -1 ? errno : 0;
  if (here != SANDBOX) out("the kernel looks for a descriptor: %ld, %ld", open_one, closed_one);
  if (open_one != closed_one) out("a descriptor is told from none");
  held("both alike");
}

static char *mapped(int open_flags, int protection, int flags) {
  int fd = STEP(open(named(fixed("."), ""), open_flags | O_CLOEXEC));
  char *at = mmap(NULL, 4096, protection, flags, fd, 0);
  if (at == MAP_FAILED) refused("mmap");
  return at;
}
/* The guard is the mode of the descriptor; the weak place opens for writing. */
#define READ_ONLY_HERE (here == SANDBOX ? O_RDONLY : O_RDWR)
ESCAPE(BARE, mapped_writable) {
  memcpy(mapped(READ_ONLY_HERE, PROT_READ | PROT_WRITE, MAP_SHARED), "changed", 7);
  tried("wrote");
}
ESCAPE(BARE, mapped_writable_and_validated) {
  memcpy(mapped(READ_ONLY_HERE, PROT_READ | PROT_WRITE, 3 /* MAP_SHARED_VALIDATE */), "changed", 7);
  tried("wrote");
}
ESCAPE(BARE, mapping_made_writable) {
  char *at = mapped(READ_ONLY_HERE, PROT_READ, MAP_SHARED);
  STEP(mprotect(at, 4096, PROT_READ | PROT_WRITE));
  memcpy(at, "changed", 7);
  tried("wrote");
}
ESCAPE(BARE, mapping_moved_and_made_writable) {
  char *at = mremap(mapped(READ_ONLY_HERE, PROT_READ, MAP_SHARED), 4096, 8192, MREMAP_MAYMOVE);
  if (at == MAP_FAILED) refused("mremap");
  STEP(mprotect(at, 4096, PROT_READ | PROT_WRITE));
  memcpy(at, "changed", 7);
  tried("wrote");
}
ESCAPE(BARE, mapping_copied_by_mremap) {
  /* An old length of zero makes another mapping of the same pages. */
  char *at = mremap(mapped(READ_ONLY_HERE, PROT_READ, MAP_SHARED), 0, 4096, MREMAP_MAYMOVE);
  if (at == MAP_FAILED) refused("mremap");
  STEP(mprotect(at, 4096, PROT_READ | PROT_WRITE));
  memcpy(at, "changed", 7);
  tried("wrote");
}
ESCAPE(BARE, mapping_written_by_proc_mem) {
  /* CVE-2016-5195 was a race in this; a private mapping takes a copy. */
  char *at = mapped(READ_ONLY_HERE, here == SANDBOX ? PROT_READ : PROT_READ | PROT_WRITE, here == SANDBOX ? MAP_PRIVATE : MAP_SHARED);
  int fd = STEP(open("/proc/self/mem", O_RDWR));
  for (int i = 0; i < 100; i++) {
    pwrite(fd, "changed", 7, (uintptr_t)at);
    if (here == SANDBOX) madvise(at, 4096, MADV_DONTNEED);
  }
  tried("wrote");
}
ESCAPE(BARE, mapping_removed_from_the_file) {
  /* MADV_REMOVE punches a hole into the file. */
  char *at = mapped(READ_ONLY_HERE, READ_ONLY_HERE == O_RDWR ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED);
  STEP(madvise(at, 4096, MADV_REMOVE));
  tried("removed");
}
ESCAPE(BARE, mapping_read_into) {
  /* A call that writes to a mapping of a file that may only be read. */
  char *at = mapped(READ_ONLY_HERE, here == SANDBOX ? PROT_READ : PROT_READ | PROT_WRITE, MAP_SHARED);
  int fd = MUST(open(shared("allowed"), O_RDONLY));
  STEP(read(fd, at, 8));
  tried("read");
}

/* Number 78 is now this file, now that; mappings must be of the one that may be written, or not writable. */
static int fixed_fd, own_fd;
static void swap_descriptors(void) {
  dup2(fixed_fd, 78);
  dup2(own_fd, 78);
}
ESCAPE(BARE, mapping_of_a_number_that_changes) {
  fixed_fd = STEP(open(named(fixed("."), ""), READ_ONLY_HERE));
  own_fd = MUST(open("own", O_RDWR | O_CREAT, 0666));
  MUST(write(own_fd, "original\n", 9));
  MUST(dup2(own_fd, 78));
  over_and_over(swap_descriptors);
  long end = now_ms() + race_ms();
  while (now_ms() < end) {
    char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 78, 0);
    if (at == MAP_FAILED) continue;
    memcpy(at, "changed!!", 9);
    munmap(at, 4096);
    char first = 0;
    if (here != SANDBOX && pread(fixed_fd, &first, 1, 0) == 1 && first == 'c') break;
  }
  tried("wrote");
}
static void remap(void) {
  void *at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, 79, 0);
  if (at != MAP_FAILED) munmap(at, 4096);
}
ESCAPE(USER, number_closed_while_it_is_mapped) {
  /* One thread maps a number, which plants a descriptor there; others close it and look for what is left. */
  int fd = MUST(open(shared("allowed"), O_RDONLY));
  MUST(dup2(fd, 79));
  over_and_over(remap);
  long end = now_ms() + race_ms();
  int found = 0;
  while (now_ms() < end && found == 0) {
    dup2(fd, 79);
    if (here == SANDBOX) close(79);
    found = any_call_on(79);
  }
  report(found);
}

/* Who reads a file that another truncates: a server that maps it dies. */
static long served(int fd, char *buffer, size_t length) {
  if (here == SANDBOX) return pread(fd, buffer, length, 0);
  static char *map;
  if (map == NULL) map = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, 0);
  memcpy(buffer, map, length);
  return length;
}
static int shrinking = -1;
static char zeroes[65536];
static void shrink(void) {
  ftruncate(shrinking, 0);
  pwrite(shrinking, zeroes, sizeof zeroes, 0);
}
static void read_what_shrinks(const char *path, int is_own) {
  static char buffer[65536];
  shrinking = STEP(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  MUST(pwrite(shrinking, zeroes, sizeof zeroes, 0));
  pid_t pid = MUST(fork());
  if (pid == 0) {
    if (is_own) over_and_over(shrink);
    long end = now_ms() + race_ms();
    while (now_ms() < end) served(shrinking, buffer, sizeof buffer);
    _exit(0);
  }
  int status = wait_for(pid);
  if (WIFSIGNALED(status)) out("the reader died of signal %d", WTERMSIG(status));
  char cwd[4096];
  if (getcwd(cwd, sizeof cwd) == NULL) out("nobody answers any more");
  held("it reads on");
}
ESCAPE(USER, file_in_memory_that_shrinks) { read_what_shrinks("shrinks", 1); }
ESCAPE(USER, file_in_a_bind_that_shrinks) { read_what_shrinks(named(shared("."), ".shrinks"), 1); }
ESCAPE(USER, file_that_the_host_shrinks) {
  close(MUST(open(shared("race"), O_WRONLY | O_CREAT, 0666)));
  read_what_shrinks(shared("shrinks"), 0);
}
ESCAPE(USER, buffers_in_a_file_that_shrinks) {
  /* Paths, vectors and results in pages that come and go: the one who copies must not be the one who dies. */
  shrinking = MUST(open("shrinks", O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  MUST(pwrite(shrinking, zeroes, sizeof zeroes, 0));
  char *at = mmap(NULL, sizeof zeroes, PROT_READ | PROT_WRITE, MAP_SHARED, shrinking, 0);
  if (at == MAP_FAILED) refused("mmap");
  pid_t pid = MUST(fork());
  if (pid == 0) {
    over_and_over(shrink);
    long end = now_ms() + race_ms();
    int fd = open("own", O_RDWR | O_CREAT, 0666);
    while (now_ms() < end) {
      if (here != SANDBOX) strcpy(at, "own"); /* the copy that a server makes, unguarded */
      syscall(SYS_newfstatat, AT_FDCWD, at, at + 8192, 0);
      pread(fd, at + 4096, 4096, 0);
      pwrite(fd, at, 8192, 0);
      readv(fd, (struct iovec *)at, 4);
      syscall(SYS_getcwd, at + 4000, 200L);
    }
    _exit(0);
  }
  int status = wait_for(pid);
  if (WIFSIGNALED(status)) out("the copier died of signal %d", WTERMSIG(status));
  held("it goes on");
}
