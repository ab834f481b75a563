/*
 * Spoiled ELF files and #! scripts, each executed once: what execve(2) said and what became of it, a line each.
 *
 *   execfuzz SEED COUNT PROGRAM...     in a directory that can be written to; the programs are what is spoiled
 *
 * The same numbers give the same files, so that two kernels can be compared.
 */
#define _GNU_SOURCE
#include "random.h"
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_FILE (4 << 20)

static unsigned char file[MAX_FILE + 4096];
static size_t size;

static uint64_t interesting(void) {
  static const uint64_t values[] = {0, 1, 2, 3, 7, 8, 16, 63, 64, 255, 256, 4095, 4096, 4097, 0x10000, 0x400000, 0x7fffffff, 0x80000000, 0xffffffff,
                                    0x7ffffffff000, 0x7fffffffe000, 0x800000000000, 1ull << 32, 1ull << 62, INT64_MAX, 1ull << 63, -4096ull, -1ull};
  switch (below(3)) {
  case 0:
    return values[below(sizeof values / sizeof *values)];
  case 1:
    return 1ull << below(64);
  default:
    return below(1 << 16);
  }
}

static void put(size_t at, int bytes, uint64_t value) {
  if (at + bytes <= size)
    memcpy(file + at, &value, bytes);
}

static uint64_t get(size_t at, int bytes) {
  uint64_t value = 0;
  if (at + bytes <= size)
    memcpy(&value, file + at, bytes);
  return value;
}

/* Sets a field to something else, or moves it a little. */
static void spoil(size_t at, int bytes) {
  put(at, bytes, one_in(3) ? get(at, bytes) + below(9) - 4 : one_in(6) ? get(at, bytes) + (below(9) - 4) * 4096 : interesting());
}

static void spoil_elf(void) {
  static const struct {
    unsigned char at, bytes;
  } header[] = {{0, 4}, {4, 1}, {5, 1}, {6, 1}, {7, 1}, {16, 2}, {18, 2}, {20, 4}, {24, 8}, {32, 8}, {40, 8}, {48, 4}, {52, 2}, {54, 2}, {56, 2}, {58, 2}},
    segment[] = {{0, 4}, {4, 4}, {8, 8}, {16, 8}, {24, 8}, {32, 8}, {40, 8}, {48, 8}};
  uint64_t table = get(32, 8), count = get(56, 2);
  for (int n = 1 + below(3); n > 0; n--) {
    size_t one = table + (count ? below(count) : 0) * sizeof(Elf64_Phdr), other = table + (count ? below(count) : 0) * sizeof(Elf64_Phdr);
    int i;
    switch (below(10)) {
    case 0: case 1:
      i = below(sizeof header / sizeof *header);
      spoil(header[i].at, header[i].bytes);
      break;
    case 2: case 3: case 4: case 5:
      i = below(sizeof segment / sizeof *segment);
      spoil(one + segment[i].at, segment[i].bytes);
      break;
    case 6: /* one in place of another */
      if (one + 56 <= size && other + 56 <= size)
        memmove(file + one, file + other, 56);
      break;
    case 7: /* of another kind */
      put(one, 4, below(8));
      break;
    case 8:
      size = one_in(2) ? below(size) : below(300);
      break;
    default: /* of all loadable ones the same field */
      i = below(sizeof segment / sizeof *segment);
      for (uint64_t k = 0; k < count && k < 64; k++)
        if (get(table + k * 56, 4) == PT_LOAD)
          spoil(table + k * 56 + segment[i].at, segment[i].bytes);
    }
  }
}

static void add(const char *s, size_t n) {
  if (size + n < MAX_FILE) {
    memcpy(file + size, s, n);
    size += n;
  }
}

static void blanks(void) {
  for (int n = one_in(4) ? below(250) : below(3); n > 0; n--)
    add(one_in(3) ? "\t" : " ", 1);
}

static void make_script(void) {
  static const char *const names[] = {"./e", "./e", "./e", "./missing", ".", "/", "", "./s1", "./s2", "./s5", "./plain", "./e/", "..", "./l", "./x"};
  size = 0;
  add("#!", one_in(20) ? 1 : 2);
  blanks();
  const char *name = names[below(sizeof names / sizeof *names)];
  add(name, strlen(name));
  if (one_in(8))
    for (int n = below(260); n > 0; n--)
      add("n", 1);
  if (one_in(2)) {
    blanks();
    add("arg", 3);
    if (one_in(3))
      blanks(), add("more", 4);
    if (one_in(6))
      for (int n = below(260); n > 0; n--)
        add("g", 1);
    blanks();
  }
  if (one_in(10))
    add("\0", 1);
  if (one_in(10))
    add("\r", 1);
  if (!one_in(8))
    add("\n", 1);
  if (one_in(2))
    add("rest of it\n", 11);
  for (int n = one_in(4); n > 0 && size; n--)
    file[below(size)] = "\0\n \t#!x"[below(7)];
}

static void write_file(const char *name, const void *data, size_t n, mode_t mode) {
  unlink(name);
  int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0700);
  if (fd < 0 || write(fd, data, n) != (ssize_t)n || fchmod(fd, mode) || close(fd)) {
    perror(name);
    exit(1);
  }
}

static void load(const char *name) {
  int fd = open(name, O_RDONLY);
  ssize_t n = fd < 0 ? -1 : read(fd, file, MAX_FILE);
  if (n <= 0) {
    perror(name);
    exit(1);
  }
  size = n;
  close(fd);
}

/* Executes ./x and says what came of it. */
static void run(int number, const char *kind) {
  int said[2], out[2];
  if (pipe2(said, O_CLOEXEC) || pipe2(out, 0))
    exit(1);
  pid_t pid = fork();
  if (pid == 0) {
    dup2(out[1], 1);
    close(out[0]);
    close(out[1]);
    close(2);
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    struct itimerval soon = {.it_value = {.tv_sec = 2}};
    setitimer(ITIMER_REAL, &soon, NULL);
    /* Whatever the spoiled program does, nobody else may be hurt. */
    if (setgroups(0, NULL) || setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
      _exit(99);
    char *argv[] = {"zero", "one", NULL}, *envp[] = {NULL};
    execve("./x", argv, envp);
    int error = errno;
    write(said[1], &error, sizeof error);
    _exit(98);
  }
  close(said[1]);
  close(out[1]);
  int error = 0, status = 0;
  char text[4000];
  size_t n = 0;
  ssize_t r = read(said[0], &error, sizeof error);
  while (n < sizeof text - 1 && (r = read(out[0], text + n, sizeof text - 1 - n)) > 0)
    n += r;
  text[n] = 0;
  close(said[0]);
  close(out[0]);
  if (waitpid(pid, &status, 0) != pid)
    exit(1);
  if (error)
    printf("%d %s: errno %d\n", number, kind, error);
  else if (WIFSIGNALED(status))
    printf("%d %s: killed\n", number, kind);
  else
    printf("%d %s: exit %d %s\n", number, kind, WEXITSTATUS(status), text);
  fflush(stdout);
}

int main(int argc, char **argv) {
  if (argc < 4)
    return 2;
  uint64_t seed = strtoull(argv[1], NULL, 0);
  int count = atoi(argv[2]);
  umask(0);
  load(argv[3]);
  write_file("e", file, size, 0755);
  write_file("plain", "no program\n", 11, 0755);
  symlink("e", "l");
  char text[100];
  write_file("s0", "#!./e\n", 6, 0755);
  for (int i = 1; i < 7; i++) { /* each runs the one before it */
    char name[8];
    snprintf(name, sizeof name, "s%d", i);
    write_file(name, text, snprintf(text, sizeof text, "#!./s%d a%d\n", i - 1, i), 0755);
  }
  for (int i = 0; i < count; i++) {
    random_seed(seed + i);
    if (one_in(3)) {
      make_script();
      write_file("x", file, size, one_in(20) ? 0644 : 0755);
      run(i, "script");
    } else {
      const char *program = argv[3 + below(argc - 3)];
      load(program);
      if (!one_in(30))
        spoil_elf();
      write_file("x", file, size, one_in(40) ? 0644 : 0755);
      run(i, strrchr(program, '/') ? strrchr(program, '/') + 1 : program);
    }
  }
  return 0;
}
