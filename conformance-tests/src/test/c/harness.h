/*
 * A family of differential cases: one C file, many named cases, each printing what the kernel answered.
 *
 *   #include "harness.h"
 *   CASE(open_missing) { SHOW(open("missing", O_RDONLY)); }
 *
 * The program is run on bare Linux and in the sandbox, and the two outputs are compared line by line, so
 * nothing that differs from run to run may be printed: no pids, addresses, inode numbers, times.
 *
 *   FAMILY [--dir DIR] [CASE...]   run all cases (or those named), each in a process of its own, in a fresh
 *                                  directory below DIR (or $TMPDIR, or /tmp)
 *   FAMILY --list                  print the names of the cases
 *   FAMILY @HELPER ARGS...         run a HELPER(name): what the exec cases execute; the name ends at a blank
 *
 * Output: "== NAME", the lines of the case, and "!! ..." when it did not end by itself with exit code 0.
 */
#ifndef HARNESS_H
#define HARNESS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CASE_TIMEOUT_MS 10000

struct harness_entry {
  const char *name;
  int line;
  void (*run)(void);                    /* of a case */
  void (*help)(int argc, char **argv);  /* of a helper */
};

static char harness_self[4096];

/* Defines a case; the body runs in a child process that leads its own session. */
#define CASE(name)                                                                                 \
  static void case_##name(void);                                                                   \
  __attribute__((section("cases"), used, aligned(8))) static const struct harness_entry            \
      entry_##name = {#name, __LINE__, case_##name, NULL};                                         \
  static void case_##name(void)

/* Defines what `FAMILY @name` does: argv[0] is "@name". */
#define HELPER(name)                                                                               \
  static void helper_##name(int argc, char **argv);                                                \
  __attribute__((section("helpers"), used, aligned(8))) static const struct harness_entry          \
      helper_entry_##name = {#name, __LINE__, NULL, helper_##name};                                \
  static void helper_##name(__attribute__((unused)) int argc, __attribute__((unused)) char **argv)

extern const struct harness_entry __start_cases[], __stop_cases[];
extern const struct harness_entry __start_helpers[] __attribute__((weak));
extern const struct harness_entry __stop_helpers[] __attribute__((weak));

/* One line, one write: what a case printed before it crashed is not lost. */
__attribute__((format(printf, 1, 2), unused)) static void say(const char *format, ...) {
  char line[4096];
  va_list args;
  va_start(args, format);
  int length = vsnprintf(line, sizeof line - 1, format, args);
  va_end(args);
  if (length > (int)sizeof line - 2) length = sizeof line - 2;
  line[length++] = '\n';
  if (write(1, line, length) != length) _exit(98);
}

__attribute__((unused)) static const char *errno_name(int error) {
  static __thread char unknown[32];
  const char *name = strerrorname_np(error);
  if (name != NULL) return name;
  snprintf(unknown, sizeof unknown, "errno %d", error);
  return unknown;
}

__attribute__((unused)) static const char *signal_name(int number) {
  static __thread char name[32];
  const char *abbreviation = sigabbrev_np(number);
  if (abbreviation != NULL)
    snprintf(name, sizeof name, "SIG%s", abbreviation);
  else
    snprintf(name, sizeof name, "signal %d", number);
  return name;
}

__attribute__((unused)) static void show_result(const char *text, long result, int error) {
  if (result == -1)
    say("%s: -1 %s", text, errno_name(error));
  else
    say("%s: %ld", text, result);
}

__attribute__((unused)) static void show_ok(const char *text, long result, int error) {
  if (result == -1)
    say("%s: -1 %s", text, errno_name(error));
  else
    say("%s: ok", text);
}

/* Prints the call, and its value or its errno. */
#define SHOW(call)                                                                                 \
  ({                                                                                               \
    errno = 0;                                                                                     \
    long result_ = (long)(call);                                                                   \
    int error_ = errno;                                                                            \
    show_result(#call, result_, error_);                                                           \
    errno = error_;                                                                                \
    result_;                                                                                       \
  })

/* Like SHOW with a text of one's own. */
#define SHOW_AS(text, call)                                                                        \
  ({                                                                                               \
    errno = 0;                                                                                     \
    long result_ = (long)(call);                                                                   \
    int error_ = errno;                                                                            \
    show_result(text, result_, error_);                                                            \
    errno = error_;                                                                                \
    result_;                                                                                       \
  })

/* For a value that differs from run to run (a pid, an address): prints "ok" or the errno. */
#define OK(call)                                                                                   \
  ({                                                                                               \
    errno = 0;                                                                                     \
    __auto_type result_ = (call);                                                                  \
    int error_ = errno;                                                                            \
    show_ok(#call, (long)result_, error_);                                                         \
    errno = error_;                                                                                \
    result_;                                                                                       \
  })

/* A step that the case cannot do without: not printed unless it fails, which ends the case. */
#define MUST(call)                                                                                 \
  ({                                                                                               \
    errno = 0;                                                                                     \
    __auto_type result_ = (call);                                                                  \
    if ((long)result_ == -1) {                                                                     \
      say("setup failed: %s: %s", #call, errno_name(errno));                                       \
      _exit(99);                                                                                   \
    }                                                                                              \
    result_;                                                                                       \
  })

/*
 * The first call of a facility that the sandbox may not have at all: ENOSYS then ends the case, which is reported as skipped
 * and not as different.
 */
#define REQUIRE(call)                                                                              \
  ({                                                                                               \
    errno = 0;                                                                                     \
    __auto_type result_ = (call);                                                                  \
    if ((long)result_ == -1 && errno == ENOSYS) {                                                  \
      say("!! not implemented: %s", #call);                                                        \
      _exit(0);                                                                                    \
    }                                                                                              \
    show_ok(#call, (long)result_, errno);                                                          \
    result_;                                                                                       \
  })

__attribute__((unused)) static void sleep_ms(long ms) {
  struct timespec time = {ms / 1000, ms % 1000 * 1000000};
  while (nanosleep(&time, &time) == -1 && errno == EINTR) {
  }
}

/* Long enough for another process to reach the call in which it is meant to block. */
__attribute__((unused)) static void let_it_block(void) { sleep_ms(60); }

__attribute__((unused)) static long now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Says whether something that should take `ms` did: not earlier, and not absurdly later. */
__attribute__((unused)) static void say_took(const char *what, long start_ms, long ms) {
  long took = now_ms() - start_ms;
  say("%s: %s", what, took < ms - 1 ? "too early" : took > ms + 3000 ? "too late" : "in time");
}

/* Prints bytes with everything but plain characters escaped. */
__attribute__((unused)) static void say_bytes(const char *what, const void *bytes, long length) {
  char text[1024];
  size_t at = 0;
  const unsigned char *b = bytes;
  for (long i = 0; i < length && at < sizeof text - 8; i++) {
    if (b[i] == '\\' || b[i] == '"')
      at += sprintf(text + at, "\\%c", b[i]);
    else if (b[i] == '\n')
      at += sprintf(text + at, "\\n");
    else if (isprint(b[i]))
      text[at++] = b[i];
    else
      at += sprintf(text + at, "\\x%02x", b[i]);
  }
  text[at] = 0;
  say("%s: \"%s\"", what, text);
}

/* Creates a file with this content. */
__attribute__((unused)) static void put(const char *path, const char *content) {
  int fd = MUST(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644));
  size_t length = strlen(content);
  if (write(fd, content, length) != (ssize_t)length) MUST(-1);
  close(fd);
}

/* Prints the first bytes of a file. */
__attribute__((unused)) static void say_content(const char *path) {
  char content[512];
  int fd = open(path, O_RDONLY);
  if (fd == -1) {
    say("content of %s: -1 %s", path, errno_name(errno));
    return;
  }
  long length = read(fd, content, sizeof content);
  close(fd);
  char what[300];
  snprintf(what, sizeof what, "content of %.200s", path);
  if (length == -1)
    say("%s: -1 %s", what, errno_name(errno));
  else
    say_bytes(what, content, length);
}

__attribute__((unused)) static const char *type_name(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG: return "file";
    case S_IFDIR: return "directory";
    case S_IFLNK: return "symlink";
    case S_IFCHR: return "character device";
    case S_IFBLK: return "block device";
    case S_IFIFO: return "fifo";
    case S_IFSOCK: return "socket";
    default: return "unknown type";
  }
}

/* Type, mode, links, owner and size; a directory's size is the file system's own business. */
__attribute__((unused)) static void say_stat(const char *what, const struct stat *st) {
  long size = S_ISDIR(st->st_mode) ? 0 : (long)st->st_size;
  say("%s: %s %04o nlink=%ld uid=%d gid=%d size=%ld", what, type_name(st->st_mode),
      st->st_mode & 07777, (long)st->st_nlink, st->st_uid, st->st_gid, size);
}

__attribute__((unused)) static void show_stat(const char *path) {
  struct stat st;
  if (lstat(path, &st) == -1)
    say("lstat %s: -1 %s", path, errno_name(errno));
  else
    say_stat(path, &st);
}

/* Prints how a child ended. */
__attribute__((unused)) static void say_status(const char *what, int status) {
  if (WIFEXITED(status))
    say("%s: exit %d", what, WEXITSTATUS(status));
  else if (WIFSIGNALED(status))
    say("%s: killed by %s", what, signal_name(WTERMSIG(status)));
  else if (WIFSTOPPED(status))
    say("%s: stopped by %s", what, signal_name(WSTOPSIG(status)));
  else if (WIFCONTINUED(status))
    say("%s: continued", what);
  else
    say("%s: status %#x", what, status);
}

__attribute__((unused)) static void reap(const char *what, pid_t pid) {
  int status;
  pid_t got;
  do got = waitpid(pid, &status, 0);
  while (got == -1 && errno == EINTR);
  if (got == pid)
    say_status(what, status);
  else
    say("%s: waitpid -1 %s", what, errno_name(errno));
}

/* A pipe between two processes that only says "go on". */
struct baton {
  int fds[2];
};

__attribute__((unused)) static struct baton new_baton(void) {
  struct baton b;
  MUST(pipe2(b.fds, O_CLOEXEC));
  return b;
}

__attribute__((unused)) static void pass(struct baton b) {
  if (write(b.fds[1], "x", 1) != 1) _exit(97);
}

__attribute__((unused)) static void await(struct baton b) {
  char c;
  while (read(b.fds[0], &c, 1) == -1 && errno == EINTR) {
  }
}

/* A page that faults, and one before it that does not: for buffers that cross into nothing. */
__attribute__((unused)) static char *page_before_hole(void) {
  char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) MUST(-1);
  MUST(mprotect(pages + 4096, 4096, PROT_NONE));
  return pages;
}

/* An address where nothing is; volatile, so that gcc does not see through it. */
__attribute__((unused)) static void *volatile harness_bad_pointer = (void *)8;
#define BAD_POINTER harness_bad_pointer

__attribute__((unused)) static int compare_names(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Prints the names in a directory in order, without . and .. */
__attribute__((unused)) static void say_names(const char *path) {
  char *names[1000], line[3500];
  int count = 0;
  DIR *dir = opendir(path);
  if (dir == NULL) {
    say("names in %s: -1 %s", path, errno_name(errno));
    return;
  }
  for (struct dirent *e; count < 1000 && (e = readdir(dir)) != NULL;)
    if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) names[count++] = strdup(e->d_name);
  closedir(dir);
  qsort(names, count, sizeof *names, compare_names);
  size_t at = 0;
  line[0] = 0;
  for (int i = 0; i < count && at < sizeof line - 300; i++) at += sprintf(line + at, " %s", names[i]);
  say("names in %s:%s", path, line);
}

/* Deletes a tree; only for the harness's own directories. */
static void harness_remove(int parent, const char *name) {
  if (unlinkat(parent, name, 0) == 0) return;
  int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (fd != -1) {
    DIR *dir = fdopendir(fd);
    if (dir != NULL) {
      for (struct dirent *e; (e = readdir(dir)) != NULL;)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) harness_remove(fd, e->d_name);
      closedir(dir);
    }
  }
  unlinkat(parent, name, AT_REMOVEDIR);
}

static int harness_by_line(const void *a, const void *b) {
  return ((const struct harness_entry *)a)->line - ((const struct harness_entry *)b)->line;
}

static void harness_run(const struct harness_entry *entry, const char *directory) {
  char own[4200];
  say("== %s", entry->name);
  snprintf(own, sizeof own, "%s/%s", directory, entry->name);
  if (mkdir(own, 0755) == -1) {
    say("!! no directory: mkdir %s", errno_name(errno));
    return;
  }
  pid_t pid = fork();
  if (pid == 0) {
    setsid();
    umask(022);
    if (chdir(own) == -1) _exit(96);
    entry->run();
    _exit(0);
  }
  if (pid == -1) {
    say("!! no process: fork %s", errno_name(errno));
    return;
  }
  int status = 0;
  long deadline = now_ms() + CASE_TIMEOUT_MS;
  pid_t got;
  long pause_us = 100;
  while ((got = waitpid(pid, &status, WNOHANG)) == 0 && now_ms() < deadline) {
    usleep(pause_us);
    if (pause_us < 3000) pause_us += pause_us / 2;
  }
  kill(-pid, SIGKILL);
  if (got == 0) {
    say("!! timeout");
    waitpid(pid, &status, 0);
  } else if (got == -1) {
    say("!! waitpid %s", errno_name(errno));
  } else if (WIFSIGNALED(status)) {
    say("!! killed by %s", signal_name(WTERMSIG(status)));
  } else if (WEXITSTATUS(status) != 0) {
    say("!! exit %d", WEXITSTATUS(status));
  }
  if (chdir("/") == 0) harness_remove(AT_FDCWD, own);
}

/* A network namespace with loopback and nothing else, which is what a sandbox has. */
static void harness_own_network(void) {
  struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  int fd;
  if (unshare(CLONE_NEWNET) == -1 || (fd = socket(AF_INET, SOCK_DGRAM, 0)) == -1 ||
      ioctl(fd, SIOCSIFFLAGS, &lo) == -1)
    say("!! no network namespace: %s", errno_name(errno));
}

int main(int argc, char **argv) {
  const char *base = getenv("TMPDIR");
  char directory[4096];
  if (argc > 1 && argv[1][0] == '@') {
    snprintf(harness_self, sizeof harness_self, "%s", getenv("HARNESS_SELF") ? getenv("HARNESS_SELF") : "");
    for (const struct harness_entry *h = __start_helpers; h < __stop_helpers; h++)
      if (strncmp(h->name, argv[1] + 1, strcspn(argv[1] + 1, " \t")) == 0 &&
          strlen(h->name) == strcspn(argv[1] + 1, " \t")) {
        h->help(argc - 1, argv + 1);
        return 0;
      }
    return 95;
  }
  size_t count = __stop_cases - __start_cases;
  struct harness_entry *cases = malloc(count * sizeof *cases);
  memcpy(cases, __start_cases, count * sizeof *cases);
  qsort(cases, count, sizeof *cases, harness_by_line);
  int at = 1;
  if (at < argc && strcmp(argv[at], "--list") == 0) {
    for (size_t i = 0; i < count; i++) say("%s", cases[i].name);
    return 0;
  }
  if (at < argc && strcmp(argv[at], "--own-network") == 0) {
    harness_own_network();
    at++;
  }
  if (at + 1 < argc && strcmp(argv[at], "--dir") == 0) {
    base = argv[at + 1];
    at += 2;
  }
  if (realpath(argv[0], harness_self) == NULL) harness_self[0] = 0;
  setenv("HARNESS_SELF", harness_self, 1);
  for (int fd = 3; fd < 256; fd++) close(fd);
  snprintf(directory, sizeof directory, "%s/redoubt-XXXXXX", base != NULL ? base : "/tmp");
  if (mkdtemp(directory) == NULL) {
    say("!! no directory %s: %s", directory, errno_name(errno));
    return 1;
  }
  chmod(directory, 0755);
  for (size_t i = 0; i < count; i++) {
    int wanted = at == argc;
    for (int a = at; a < argc; a++) wanted |= strcmp(argv[a], cases[i].name) == 0;
    if (wanted) harness_run(&cases[i], directory);
  }
  rmdir(directory);
  say("== end");
  return 0;
}

#endif
