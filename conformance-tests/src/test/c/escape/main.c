/* Runs cases, each in a process, a session and a directory of its own. */
#include "escape.h"

#include <grp.h>
#include <stdarg.h>

#define CASE_TIMEOUT_MS 20000

enum place here;
const char *case_name;
char self[4096];
char token[] = "gnrs,rdbqds,ne,sghr,vnqkc"; /* one letter before the one that is meant: see make_token */
static char facts[4096];
static char world_directory[2048];

static void make_token(void) {
  for (volatile char *c = token; *c != 0; c++) *c += 1;
}

static void verdict(const char *kind, const char *format, va_list args) {
  char line[1024];
  int length = snprintf(line, sizeof line, "%s: %s ", case_name, kind);
  length += vsnprintf(line + length, sizeof line - length - 1, format, args);
  if (length > (int)sizeof line - 2) length = sizeof line - 2;
  line[length++] = '\n';
  if (write(1, line, length) != length) _exit(98);
}

#define VERDICT(name)                                                                              \
  void name(const char *format, ...) {                                                             \
    va_list args;                                                                                  \
    va_start(args, format);                                                                        \
    verdict(#name, format, args);                                                                  \
    va_end(args);                                                                                  \
    _exit(0);                                                                                      \
  }
VERDICT(out)
VERDICT(held)
VERDICT(tried)
VERDICT(lacking)

static const char *errno_text(void) {
  const char *text = strerrorname_np(errno);
  return text != NULL ? text : "unknown error";
}

void refused(const char *what) {
  int error = errno;
  if (here != SANDBOX && (error == ENOSYS || error == EAFNOSUPPORT || error == EPROTONOSUPPORT || error == ESOCKTNOSUPPORT ||
                          error == ENODEV || error == ENXIO || error == EOPNOTSUPP || error == ENOTTY))
    lacking("%.100s: %s", what, errno_text());
  held("%.100s: %s", what, errno_text());
}

void only_if_listed(const char *path, const char *word) {
  char line[300], first[300], second[300];
  FILE *list = here == SANDBOX ? NULL : fopen(path, "r");
  if (here == SANDBOX) return;
  while (list != NULL && fgets(line, sizeof line, list) != NULL) {
    int words = sscanf(line, "%299s %299s", first, second);
    if ((words >= 1 && strcmp(first, word) == 0) || (words == 2 && strcmp(second, word) == 0)) return;
  }
  lacking("%s is not in %s", word, path);
}

void only_with(int capability) {
  uint32_t head[2] = {0x20080522, 0}, data[6] = {0};
  syscall(SYS_capget, head, data);
  if (here != SANDBOX && (data[capability / 32 * 3] >> capability % 32 & 1) == 0) lacking("capability %d", capability);
}

static void say_broken(const char *format, ...) {
  va_list args;
  va_start(args, format);
  verdict("broken", format, args);
  va_end(args);
}

void broken(const char *what) {
  say_broken("%s: %s", what, errno_text());
  _exit(99);
}

const char *fact(const char *name) {
  static char values[8][256];
  static int next;
  size_t length = strlen(name);
  for (const char *line = facts; *line != 0;) {
    size_t whole = strcspn(line, "\n");
    if (strncmp(line, name, length) == 0 && line[length] == '=') {
      char *value = values[next++ % 8];
      snprintf(value, sizeof values[0], "%.*s", (int)(whole - length - 1), line + length + 1);
      return value;
    }
    line += whole + (line[whole] == '\n');
  }
  errno = ENOENT;
  broken(name);
}

long number(const char *name) { return strtol(fact(name), NULL, 0); }

static const char *joined(const char *first, const char *second, const char *third, const char *fourth) {
  static char paths[16][4096];
  static int next;
  char *path = paths[next++ % 16];
  snprintf(path, sizeof paths[0], "%s%s%s%s", first, second, third, fourth);
  return path;
}

const char *host(const char *path) { return joined(world_directory, "/", path, ""); }

static const char *prefix(void) { return here == BARE || here == USER ? world_directory : ""; }

const char *shared(const char *path) { return joined(prefix(), "/shared/", path, ""); }

const char *fixed(const char *path) { return joined(prefix(), "/fixed/", path, ""); }

const char *named(const char *directory, const char *end) {
  return joined(directory, directory[strlen(directory) - 1] == '/' ? "" : "/", case_name, end);
}

int is_loot(const void *bytes, size_t length) { return memmem(bytes, length, token, strlen(token)) != NULL; }

int loot_in(int fd) {
  char bytes[4096];
  long n = read(fd, bytes, sizeof bytes);
  return n > 0 && is_loot(bytes, n);
}

int loot_at(const char *path) {
  int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd == -1) return 0;
  int found = loot_in(fd);
  close(fd);
  return found;
}

void each_process(void (*look)(const char *pid)) {
  DIR *proc = opendir("/proc");
  if (proc == NULL) refused("opendir /proc");
  for (struct dirent *e; (e = readdir(proc)) != NULL;)
    if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && atoi(e->d_name) != getpid()) look(e->d_name);
  closedir(proc);
}

long now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

void sleep_ms(long ms) {
  struct timespec time = {ms / 1000, ms % 1000 * 1000000};
  while (nanosleep(&time, &time) == -1 && errno == EINTR) {
  }
}

long race_ms(void) { return here == SANDBOX ? number("race") : 8000; }

int is_won(const char *path) {
  struct stat st;
  /* A file that was there has 9 bytes, and one that was not is new. */
  return here != SANDBOX && lstat(path, &st) == 0 && st.st_size != 9;
}

int wait_for(pid_t pid) {
  int status = -1;
  while (waitpid(pid, &status, 0) == -1 && errno == EINTR) {
  }
  return status;
}

static void *repeat(void *step) {
  for (;;) ((void (*)(void))step)();
  return NULL;
}

void over_and_over(void (*step)(void)) {
  pthread_t thread;
  errno = pthread_create(&thread, NULL, repeat, (void *)step);
  if (errno != 0) broken("pthread_create");
}

/* In the child: goes to the place, or does not run the case. */
static void enter(const struct escape *escape) {
  char directory[4200];
  if (here == CHROOT) {
    char root[3000], from[3000], to[3000];
    snprintf(root, sizeof root, "%s/root", world_directory);
    MUST(unshare(CLONE_NEWNS));
    MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
    snprintf(from, sizeof from, "%s/shared", world_directory);
    snprintf(to, sizeof to, "%s/shared", root);
    MUST(mount(from, to, NULL, MS_BIND, NULL));
    snprintf(from, sizeof from, "%s/fixed", world_directory);
    snprintf(to, sizeof to, "%s/fixed", root);
    MUST(mount(from, to, NULL, MS_BIND, NULL));
    MUST(mount(NULL, to, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL));
    snprintf(to, sizeof to, "%s/proc", root);
    MUST(mount("proc", to, "proc", 0, NULL));
    MUST(chroot(root));
    snprintf(self, sizeof self, "/escape");
  }
  snprintf(directory, sizeof directory, "%s/tmp/%s", here == CHROOT || here == SANDBOX ? "" : host("root"), escape->name);
  MUST(chdir(directory));
  if (here == USER) {
    MUST(setgroups(0, NULL));
    MUST(setresgid(1000, 1000, 1000));
    MUST(setresuid(1000, 1000, 1000));
    prctl(PR_SET_DUMPABLE, 1);
  }
}

static void run(const struct escape *escape, int weak) {
  char directory[4200];
  case_name = escape->name;
  here = weak ? escape->place : SANDBOX;
  if (here == NONE) return;
  snprintf(directory, sizeof directory, "%s/tmp/%s", weak ? host("root") : "", escape->name);
  /* In a sandbox this also says whether the sentry is alive after the case before. */
  if (mkdir(directory, 0777) == -1) {
    say_broken("mkdir %s: %s", directory, errno_text());
    return;
  }
  chmod(directory, 0777);
  pid_t pid = fork();
  if (pid == 0) {
    setsid();
    umask(0);
    enter(escape);
    escape->run();
    say_broken("came to its end without a verdict");
    _exit(99);
  }
  int status = 0, got;
  long deadline = now_ms() + CASE_TIMEOUT_MS, pause_us = 200;
  while ((got = waitpid(pid, &status, WNOHANG)) == 0 && now_ms() < deadline) {
    usleep(pause_us);
    if (pause_us < 3000) pause_us += pause_us / 2;
  }
  kill(-pid, SIGKILL);
  if (got == 0) {
    say_broken("timeout");
    waitpid(pid, &status, 0);
  } else if (got == -1) {
    say_broken("waitpid: %s", errno_text());
  } else if (WIFSIGNALED(status)) {
    /* How a filter refuses; anything else is not a refusal. */
    const char *name = sigabbrev_np(WTERMSIG(status));
    char line[300];
    int length = snprintf(line, sizeof line, "%s: %s killed by SIG%s\n", case_name,
                          WTERMSIG(status) == SIGSYS && !weak ? "held" : "broken", name != NULL ? name : "?");
    if (write(1, line, length) != length) _exit(98);
  }
}

static int by_place_in_source(const void *a, const void *b) {
  const struct escape *left = a, *right = b;
  int files = strcmp(left->file, right->file);
  return files != 0 ? files : left->line - right->line;
}

static void read_facts(const char *path) {
  int fd = open(path, O_RDONLY);
  long n = fd == -1 ? -1 : read(fd, facts, sizeof facts - 1);
  if (n <= 0) {
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    exit(1);
  }
  close(fd);
  snprintf(world_directory, sizeof world_directory, "%s", fact("dir"));
}

/* What cases execute: escape @loot reads a file, escape @id says who it is. */
int helper(int argc, char **argv);

int main(int argc, char **argv) {
  make_token();
  case_name = "main";
  if (argc > 1 && argv[1][0] == '@') return helper(argc - 1, argv + 1);
  if (argc > 1 && strcmp(argv[1], "world") == 0) return world(argc - 2, argv + 2);
  size_t count = __stop_escapes - __start_escapes;
  struct escape *escapes = malloc(count * sizeof *escapes);
  memcpy(escapes, __start_escapes, count * sizeof *escapes);
  qsort(escapes, count, sizeof *escapes, by_place_in_source);
  if (argc > 2 && strcmp(argv[1], "list") == 0) return 0; /* "list quiet": something to execute */
  if (argc > 1 && strcmp(argv[1], "list") == 0) {
    for (size_t i = 0; i < count; i++) {
      const char *file = strrchr(escapes[i].file, '/');
      printf("%s %s %s\n", escapes[i].name, escapes[i].place == NONE ? "NONE" : "weak", file != NULL ? file + 1 : escapes[i].file);
    }
    return 0;
  }
  int weak = argc > 1 && strcmp(argv[1], "weak") == 0;
  if (!weak && (argc < 2 || strcmp(argv[1], "sandbox") != 0)) {
    fprintf(stderr, "this would do harm: only below `escape world`\n");
    return 1;
  }
  if (weak) {
    char path[4096];
    if (getenv("ESCAPE_WORLD") == NULL) return 1;
    snprintf(path, sizeof path, "%s/root/facts", getenv("ESCAPE_WORLD"));
    read_facts(path);
    snprintf(self, sizeof self, "%s/root/escape", world_directory);
  } else {
    read_facts("/facts");
    snprintf(self, sizeof self, "/escape");
  }
  /* Cases send these to everything that they can reach. */
  for (int n = SIGRTMIN; n <= SIGRTMAX; n++) signal(n, SIG_IGN);
  for (size_t i = 0; i < count; i++) {
    int wanted = argc == 2;
    for (int a = 2; a < argc; a++) wanted |= strcmp(argv[a], escapes[i].name) == 0;
    if (wanted) run(&escapes[i], weak);
  }
  if (write(1, "== end\n", 7) != 7) return 98;
  return 0;
}
