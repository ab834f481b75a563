// Tries calls under a filter: probe FILTER CALLS RESULTS
//
// FILTER   an array of struct sock_filter
// CALLS    records of seven 64-bit words: number and arguments
// RESULTS  written: one 32-bit word for each call, its errno or 0; -1 if it was never made
//
// A child makes the calls. It cannot report them by any call, so it stores into the mapped file, and
// it cannot exit either, so it ends by an illegal instruction. Exit code 0 if that is how it ended,
// 1 if something failed, 128+n if it died of another signal.
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Number 0xffff0080 stands for the i386 gate: getpid of that table by int $0x80.
#define I386_GETPID 0xffff0080u

static void *map(const char *path, int flags, int prot, size_t *size) {
  int fd = open(path, flags);
  struct stat st;
  if (fd < 0 || fstat(fd, &st) != 0) {
    perror(path);
    exit(1);
  }
  *size = (size_t)st.st_size;
  void *at = mmap(NULL, *size, prot, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) {
    perror(path);
    exit(1);
  }
  return at;
}

static int try(const uint64_t *call) {
  if (call[0] == I386_GETPID) {
    int result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(20) : "memory");
    return result < 0 ? -result : 0;
  }
  long result = syscall((long)call[0], call[1], call[2], call[3], call[4], call[5], call[6]);
  return result == -1 ? errno : 0;
}

int main(int argc, char **argv) {
  if (argc != 4) {
    return 1;
  }
  size_t filter_size, calls_size, results_size;
  struct sock_filter *filter = map(argv[1], O_RDONLY, PROT_READ, &filter_size);
  const uint64_t *calls = map(argv[2], O_RDONLY, PROT_READ, &calls_size);
  volatile int32_t *results = map(argv[3], O_RDWR, PROT_READ | PROT_WRITE, &results_size);
  size_t count = calls_size / (7 * sizeof(uint64_t));
  if (results_size != count * sizeof(int32_t)) {
    return 1;
  }
  for (size_t i = 0; i < count; i++) {
    results[i] = -1;
  }
  struct sock_fprog program = {.len = (unsigned short)(filter_size / 8), .filter = filter};
  pid_t child = fork();
  if (child == 0) {
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
        || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0) {
      perror("seccomp");
      _exit(1);
    }
    for (size_t i = 0; i < count; i++) {
      results[i] = try(calls + 7 * i);
    }
    __builtin_trap();
  }
  int status;
  if (child < 0 || waitpid(child, &status, 0) != child) {
    perror("fork");
    return 1;
  }
  if (WIFEXITED(status)) {
    return 1;
  }
  return WTERMSIG(status) == SIGILL ? 0 : 128 + WTERMSIG(status);
}
