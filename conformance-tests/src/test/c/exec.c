/* execve, execveat: arguments, environment, scripts, errors, what is kept and what is not. */
#include "harness.h"
#include <elf.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static void script(const char *path, const char *content) {
  put(path, content);
  MUST(chmod(path, 0755));
}

/* Runs execve in a child; says the errno when it fails, and how the child ended. */
static void run_with(const char *path, char **argv, char **envp) {
  pid_t pid = fork();
  if (pid == 0) {
    execve(path, argv, envp);
    say("execve: -1 %s", errno_name(errno));
    _exit(0);
  }
  reap("child", pid);
}

static char *self_env[] = {NULL, "A=1", "B=two words", NULL};

static void run(const char *path, ...) {
  char *argv[20], environment[4200];
  int argc = 0;
  va_list args;
  va_start(args, path);
  while ((argv[argc++] = va_arg(args, char *)) != NULL) {
  }
  va_end(args);
  snprintf(environment, sizeof environment, "HARNESS_SELF=%s", harness_self);
  self_env[0] = environment;
  run_with(path, argv, self_env);
}

/* An interpreter for scripts: a link with a short name to this program. */
static void link_self(const char *name) { MUST(symlink(harness_self, name)); }

HELPER(args) {
  say("argc %d", argc);
  for (int i = 0; i < argc; i++) say_bytes("arg", argv[i], strlen(argv[i]));
}

HELPER(env) {
  extern char **environ;
  for (char **e = environ; *e; e++)
    if (strncmp(*e, "HARNESS", 7) != 0) say("%s", *e);
}

CASE(arguments) {
  run(harness_self, "any name", "@args", "one", "two words", "", "\xff\xfe", "\n", (char *)NULL);
}

CASE(environment) { run(harness_self, "x", "@env", (char *)NULL); }

CASE(no_environment) {
  char *argv[] = {"x", "@env", NULL}, *none[] = {NULL};
  run_with(harness_self, argv, none);
  run_with(harness_self, argv, NULL);
}

CASE(no_arguments) {
  /* Since 5.18 Linux puts in an empty argv[0]. */
  put("nothing", "");
  char *none[] = {NULL};
  pid_t pid = fork();
  if (pid == 0) {
    execve("/bin/true", none, none);
    say("execve: -1 %s", errno_name(errno));
    _exit(0);
  }
  reap("child", pid);
}

CASE(exit_code_passes) {
  run("/bin/sh", "sh", "-c", "exit 7", (char *)NULL);
  run("/bin/sh", "sh", "-c", "kill -TERM $$", (char *)NULL);
  run("/bin/true", "true", (char *)NULL);
  run("/bin/false", "false", (char *)NULL);
}

CASE(errors) {
  MUST(mkdir("d", 0755));
  put("plain", "#!/bin/true\n");
  script("empty", "");
  script("text", "no magic here\n");
  script("short", "#!");
  MUST(symlink("loop", "loop"));
  MUST(mkfifo("fifo", 0755));
  run("./missing", "x", (char *)NULL);
  run("./plain", "x", (char *)NULL);
  run("./d", "x", (char *)NULL);
  run("./empty", "x", (char *)NULL);
  run("./text", "x", (char *)NULL);
  run("./short", "x", (char *)NULL);
  run("./loop", "x", (char *)NULL);
  run("./fifo", "x", (char *)NULL);
  run("./plain/x", "x", (char *)NULL);
  run("", "x", (char *)NULL);
  run("/dev/null", "x", (char *)NULL);
  run("/proc/self/status", "x", (char *)NULL);
}

CASE(bad_pointers) {
  char *argv[] = {"x", NULL}, *bad[] = {"x", BAD_POINTER, NULL};
  SHOW(syscall(SYS_execve, BAD_POINTER, argv, NULL));
  SHOW(syscall(SYS_execve, "/bin/true", BAD_POINTER, NULL));
  SHOW(syscall(SYS_execve, "/bin/true", argv, BAD_POINTER));
  SHOW(syscall(SYS_execve, "/bin/true", bad, NULL));
  SHOW(syscall(SYS_execve, "/bin/true", argv, bad));
  SHOW(syscall(SYS_execve, "./missing", BAD_POINTER, NULL));
}

CASE(too_big) {
  char *big = malloc(200000);
  memset(big, 'x', 200000);
  /* One string may have 128 KiB with its end, MAX_ARG_STRLEN. */
  big[131071] = 0;
  char *argv[] = {"x", big, NULL};
  run_with("/bin/true", argv, NULL);
  big[131071] = 'x';
  big[131072] = 0;
  run_with("/bin/true", argv, NULL);
  char **many = calloc(2000, sizeof *many);
  big[10000] = 0;
  for (int i = 0; i < 1999; i++) many[i] = big;
  run_with("/bin/true", many, NULL);
}

CASE(many_arguments) {
  char **many = calloc(20002, sizeof *many);
  many[0] = "x";
  many[1] = "@count";
  for (int i = 2; i < 20000; i++) many[i] = "argument";
  run_with(harness_self, many, NULL);
}

HELPER(count) { say("argc %d last %s", argc, argv[argc - 1]); }

CASE(script) {
  char text[5000];
  link_self("interp");
  script("s1", "#!./interp @args\n");
  run("./s1", "dropped", "one", "two", (char *)NULL);
  script("s2", "#! ./interp  @args  \nmore");
  run("./s2", "x", "a", (char *)NULL);
  script("s3", "#!./interp @args with blanks\n");
  run("./s3", "x", (char *)NULL);
  script("s4", "#!/bin/sh\necho \"$0\" \"$@\"\nexit 3\n");
  run("./s4", "x", "p", "q", (char *)NULL);
  script("s5", "#!./missing\n");
  run("./s5", "x", (char *)NULL);
  script("s6", "#!\n");
  run("./s6", "x", (char *)NULL);
  script("s7", "#!   \n");
  run("./s7", "x", (char *)NULL);
  script("s8", "#!./interp @args");
  run("./s8", "x", (char *)NULL);
  script("s9", "#!./interp\t@args\tx\n");
  run("./s9", "x", (char *)NULL);
  /* The line is cut at 256 bytes; a cut interpreter name is refused. */
  strcpy(text, "#!");
  memset(text + 2, 'n', 300);
  strcpy(text + 302, "\n");
  script("s10", text);
  run("./s10", "x", (char *)NULL);
  sprintf(text, "#!./interp @args %0300d\n", 5);
  script("s11", text);
  run("./s11", "x", (char *)NULL);
}

CASE(script_of_scripts) {
  link_self("interp");
  script("s1", "#!./interp @args\n");
  script("s2", "#!./s1 second\n");
  script("s3", "#!./s2 third\n");
  script("s4", "#!./s3\n");
  script("s5", "#!./s4\n");
  script("s6", "#!./s5\n");
  script("s7", "#!./s6\n");
  run("./s2", "x", "a", (char *)NULL);
  run("./s3", "x", "a", (char *)NULL);
  run("./s4", "x", (char *)NULL);
  run("./s5", "x", (char *)NULL);
  run("./s6", "x", (char *)NULL);
  run("./s7", "x", (char *)NULL);
  script("self", "#!./self\n");
  run("./self", "x", (char *)NULL);
}

CASE(script_without_permission_of_interpreter) {
  put("interp", "x");
  script("s", "#!./interp\n");
  run("./s", "x", (char *)NULL);
  MUST(mkdir("d", 0755));
  script("s2", "#!./d\n");
  run("./s2", "x", (char *)NULL);
  link_self("real");
  script("s3", "#!./real @args\n");
  chmod("s3", 0111);
  run("./s3", "x", (char *)NULL);
}

CASE(broken_elf) {
  static unsigned char image[4096];
  int fd = MUST(open(harness_self, O_RDONLY));
  MUST(read(fd, image, sizeof image));
  Elf64_Ehdr *h = (Elf64_Ehdr *)image;
  Elf64_Ehdr good = *h;
  struct {
    const char *what;
    size_t length;
    int change;
  } variants[] = {{"magic only", 4, 0}, {"cut header", 40, 0}, {"header only", 64, 0}, {"wrong machine", 4096, 1},
                  {"wrong class", 4096, 2}, {"relocatable", 4096, 3}, {"no program headers", 4096, 4},
                  {"program headers outside", 4096, 5}, {"wrong header size", 4096, 6}};
  for (size_t i = 0; i < sizeof variants / sizeof *variants; i++) {
    *h = good;
    if (variants[i].change == 1) h->e_machine = EM_AARCH64;
    if (variants[i].change == 2) h->e_ident[EI_CLASS] = ELFCLASS32, h->e_machine = EM_ARM;
    if (variants[i].change == 3) h->e_type = ET_REL;
    if (variants[i].change == 4) h->e_phnum = 0;
    if (variants[i].change == 5) h->e_phoff = 1UL << 40;
    if (variants[i].change == 6) h->e_phentsize = 7;
    int out = MUST(open("elf", O_WRONLY | O_CREAT | O_TRUNC, 0755));
    MUST(write(out, image, variants[i].length));
    close(out);
    say("%s", variants[i].what);
    run("./elf", "x", (char *)NULL);
  }
}

CASE(elf_without_interpreter_file) {
  /* A dynamic program whose loader is missing. */
  static unsigned char image[65536];
  int fd = open("/bin/true", O_RDONLY);
  ssize_t n = MUST(read(fd, image, sizeof image));
  unsigned char *at = memmem(image, n, "/lib64/ld-linux", 15);
  if (at == NULL) {
    say("/bin/true is static");
    return;
  }
  memcpy(at, "/lib99", 6);
  int out = MUST(open("prog", O_WRONLY | O_CREAT, 0755));
  MUST(write(out, image, n));
  close(out);
  run("./prog", "x", (char *)NULL);
}

CASE(text_file_busy) {
  static unsigned char image[4 << 20];
  int fd = MUST(open(harness_self, O_RDONLY));
  ssize_t n = MUST(read(fd, image, sizeof image));
  int out = MUST(open("prog", O_RDWR | O_CREAT, 0755));
  MUST(write(out, image, n));
  run("./prog", "x", "@args", (char *)NULL);
  close(out);
  run("./prog", "x", "@args", (char *)NULL);
  struct baton ready = new_baton();
  pid_t pid = fork();
  if (pid == 0) {
    MUST(dup2(ready.fds[1], 30));
    execl("./prog", "x", "@ready_and_wait", (char *)NULL);
    _exit(1);
  }
  await(ready);
  SHOW(open("prog", O_WRONLY));
  SHOW(truncate("prog", 0));
  SHOW(unlink("prog"));
  kill(pid, SIGKILL);
  reap("running", pid);
}

CASE(text_file_busy_of_scripts_and_interpreters) {
  put("script", "#!/bin/sh\nexit 3\n");
  chmod("script", 0755);
  int out = MUST(open("script", O_WRONLY));
  run("./script", "x", (char *)NULL);
  close(out);
  run("./script", "x", (char *)NULL);
  put("waits", "#!/bin/sh\necho x >&8\nread line <&9\n"); /* one digit is all that dash takes */
  chmod("waits", 0755);
  struct baton ready = new_baton();
  int go[2];
  MUST(pipe(go));
  pid_t pid = fork();
  if (pid == 0) {
    MUST(dup2(ready.fds[1], 8));
    MUST(dup2(go[0], 9));
    execl("./waits", "x", (char *)NULL);
    _exit(1);
  }
  await(ready);
  /* A script that runs is only read. */
  SHOW(open("waits", O_WRONLY));
  kill(pid, SIGKILL);
  reap("running", pid);
}

CASE(text_file_busy_while_a_child_runs_it) {
  link_self("prog");
  struct baton ready = new_baton();
  pid_t pid = fork();
  if (pid == 0) {
    MUST(dup2(ready.fds[1], 30));
    execl("./prog", "x", "@forks_and_ends", (char *)NULL);
    _exit(1);
  }
  await(ready);
  reap("parent", pid);
  SHOW(open("prog", O_RDONLY | O_TRUNC));
  SHOW(open("prog", O_RDWR));
  int fd = SHOW(open("prog", O_RDONLY));
  char path[64];
  sprintf(path, "/proc/self/fd/%d", fd);
  SHOW(open(path, O_WRONLY));
  SHOW(open("prog", O_PATH));
  SHOW(rename("prog", "other"));
  SHOW(open("other", O_WRONLY));
}

HELPER(forks_and_ends) {
  if (fork() != 0) _exit(0);
  if (write(30, "x", 1) != 1) _exit(1);
  pause();
}

CASE(written_while_mapped_and_by_another_descriptor) {
  char *argv[] = {"x", "@args", NULL};
  link_self("prog");
  int out = MUST(open("prog", O_RDWR)), in = MUST(open("prog", O_RDONLY));
  SHOW(syscall(SYS_execveat, in, "", argv, NULL, AT_EMPTY_PATH));
  int copy = MUST(dup(out));
  close(out);
  SHOW(syscall(SYS_execveat, in, "", argv, NULL, AT_EMPTY_PATH));
  close(copy);
  pid_t pid = fork();
  if (pid == 0) _exit((int)syscall(SYS_execveat, in, "", argv, NULL, AT_EMPTY_PATH));
  reap("child", pid);
}

CASE(killed_while_it_executes) {
  /* At whatever point it was: the program can be written afterwards. */
  link_self("prog");
  int failed = 0;
  for (int i = 0; i < 150; i++) {
    pid_t pid = fork();
    if (pid == 0) {
      execl("./prog", "x", "@waits_for_a_signal", (char *)NULL);
      _exit(1);
    }
    usleep(i * 20);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    int fd = open("prog", O_WRONLY);
    failed += fd == -1;
    close(fd);
  }
  SHOW(failed);
}

HELPER(waits_for_a_signal) { pause(); }

CASE(memfd_is_no_busy_text) {
  static unsigned char image[4 << 20];
  char *argv[] = {"x", "@args", NULL};
  int fd = MUST(open(harness_self, O_RDONLY));
  ssize_t n = MUST(read(fd, image, sizeof image));
  int out = MUST(memfd_create("prog", 0));
  MUST(write(out, image, n));
  pid_t pid = fork();
  if (pid == 0) _exit((int)syscall(SYS_execveat, out, "", argv, NULL, AT_EMPTY_PATH));
  reap("child", pid);
  char path[64];
  sprintf(path, "/proc/self/fd/%d", out);
  int again = MUST(open(path, O_RDWR));
  SHOW(syscall(SYS_execveat, out, "", argv, NULL, AT_EMPTY_PATH));
  close(again);
}

HELPER(ready_and_wait) {
  if (write(30, "x", 1) != 1) _exit(1);
  pause();
}

CASE(execveat) {
  char *argv[] = {"x", "@args", "a", NULL};
  int fd = MUST(open(harness_self, O_RDONLY | O_CLOEXEC));
  pid_t pid = fork();
  if (pid == 0) {
    SHOW(syscall(SYS_execveat, fd, "", argv, NULL, AT_EMPTY_PATH));
    _exit(0);
  }
  reap("by descriptor", pid);
  link_self("prog");
  int dir = MUST(open(".", O_RDONLY));
  pid = fork();
  if (pid == 0) {
    SHOW(syscall(SYS_execveat, dir, "prog", argv, NULL, AT_SYMLINK_NOFOLLOW));
    SHOW(syscall(SYS_execveat, dir, "prog", argv, NULL, 0x8000));
    SHOW(syscall(SYS_execveat, 77, "prog", argv, NULL, 0));
    SHOW(syscall(SYS_execveat, fd, "", argv, NULL, 0));
    SHOW(syscall(SYS_execveat, fd, "prog", argv, NULL, 0));
    SHOW(syscall(SYS_execveat, dir, "", argv, NULL, AT_EMPTY_PATH));
    SHOW(syscall(SYS_execveat, dir, "prog", argv, NULL, 0));
    _exit(0);
  }
  reap("by name", pid);
}

CASE(fexecve_of_a_script) {
  link_self("interp");
  script("s", "#!./interp @args\n");
  char *argv[] = {"x", NULL};
  int fd = MUST(open("s", O_RDONLY)), cloexec = MUST(open("s", O_RDONLY | O_CLOEXEC));
  pid_t pid = fork();
  if (pid == 0) {
    fexecve(fd, argv, argv);
    say("%s", errno_name(errno));
    _exit(0);
  }
  reap("kept", pid);
  pid = fork();
  if (pid == 0) {
    fexecve(cloexec, argv, argv);
    say("%s", errno_name(errno));
    _exit(0);
  }
  reap("cloexec", pid);
}

CASE(memfd_can_be_run) {
  static unsigned char image[4 << 20];
  ssize_t n = MUST(read(MUST(open(harness_self, O_RDONLY)), image, sizeof image));
  int fd = MUST(memfd_create("prog", MFD_CLOEXEC));
  MUST(write(fd, image, n));
  pid_t pid = fork();
  if (pid == 0) {
    char *argv[] = {"x", "@args", NULL};
    fexecve(fd, argv, argv + 2);
    say("%s", errno_name(errno));
    _exit(0);
  }
  reap("child", pid);
}

CASE(proc_self_exe) {
  run("/proc/self/exe", "x", "@args", "again", (char *)NULL);
  char b[4200];
  ssize_t n = MUST(readlink("/proc/self/exe", b, sizeof b - 1));
  b[n] = 0;
  SHOW(strcmp(b, harness_self) == 0);
  link_self("prog");
  run("./prog", "x", "@exe_link", (char *)NULL);
}

HELPER(exe_link) {
  char b[4200];
  ssize_t n = readlink("/proc/self/exe", b, sizeof b - 1);
  b[n > 0 ? n : 0] = 0;
  say("exe is the resolved path: %d", strcmp(b, harness_self) == 0);
}

CASE(what_is_kept) {
  MUST(mkdir("d", 0755));
  pid_t pid = fork();
  if (pid == 0) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGUSR2, SIG_IGN);
    signal(SIGHUP, (void (*)(int))exit);
    raise(SIGUSR1);
    umask(077);
    MUST(chdir("d"));
    struct rlimit limit = {100, 200};
    MUST(setrlimit(RLIMIT_NOFILE, &limit));
    MUST(dup2(0, 20));
    MUST(fcntl(20, F_SETFD, FD_CLOEXEC));
    MUST(dup2(0, 21));
    prctl(PR_SET_NAME, "before");
    alarm(1000);
    char pid_text[20];
    sprintf(pid_text, "%d", getpid());
    execl(harness_self, "program name", "@what_is_kept", pid_text, (char *)NULL);
    _exit(1);
  }
  reap("child", pid);
}

HELPER(what_is_kept) {
  sigset_t set;
  struct sigaction action;
  struct rlimit limit;
  char name[17] = "", cwd[4096];
  sigprocmask(SIG_BLOCK, NULL, &set);
  say("same pid %d", getpid() == atoi(argv[1]));
  say("USR1 blocked %d", sigismember(&set, SIGUSR1));
  sigpending(&set);
  say("USR1 pending %d", sigismember(&set, SIGUSR1));
  sigaction(SIGUSR2, NULL, &action);
  say("USR2 ignored %d", action.sa_handler == SIG_IGN);
  sigaction(SIGHUP, NULL, &action);
  say("HUP default %d", action.sa_handler == SIG_DFL);
  say("umask %o", umask(0));
  getcwd(cwd, sizeof cwd);
  say("cwd ends with /d %d", strcmp(cwd + strlen(cwd) - 2, "/d") == 0);
  getrlimit(RLIMIT_NOFILE, &limit);
  say("limit %ld %ld", (long)limit.rlim_cur, (long)limit.rlim_max);
  say("fd 20 %d fd 21 %d", fcntl(20, F_GETFD), fcntl(21, F_GETFD));
  prctl(PR_GET_NAME, name);
  /* The link or the program: the last part of the path that was executed. */
  say("name has changed %d", strcmp(name, "before") != 0);
  say("alarm runs %d", alarm(0) > 900);
}

CASE(auxiliary_vector) { run(harness_self, "x", "@auxv", (char *)NULL); }

HELPER(auxv) {
  extern const Elf64_Ehdr __ehdr_start;
  say("page size %lu", getauxval(AT_PAGESZ));
  say("uid %lu euid %lu gid %lu egid %lu secure %lu", getauxval(AT_UID), getauxval(AT_EUID), getauxval(AT_GID), getauxval(AT_EGID), getauxval(AT_SECURE));
  say("clock ticks %lu", getauxval(AT_CLKTCK));
  say("random %d", getauxval(AT_RANDOM) != 0);
  say("program headers %d of %lu bytes at the right place %d", getauxval(AT_PHNUM) == __ehdr_start.e_phnum, getauxval(AT_PHENT),
      getauxval(AT_PHDR) == (unsigned long)&__ehdr_start + __ehdr_start.e_phoff);
  say("entry %d", getauxval(AT_ENTRY) != 0);
  say("execfn %d", strcmp((char *)getauxval(AT_EXECFN), harness_self) == 0);
  say("platform %s", (char *)getauxval(AT_PLATFORM));
  say("hardware capabilities %d", getauxval(AT_HWCAP) != 0);
}

CASE(randomness_differs) {
  /* AT_RANDOM must be new in every process image. */
  char a[33] = "", b[33] = "";
  for (int i = 0; i < 2; i++) {
    int p[2];
    MUST(pipe(p));
    pid_t pid = fork();
    if (pid == 0) {
      dup2(p[1], 20);
      execl(harness_self, "x", "@random", (char *)NULL);
      _exit(1);
    }
    waitpid(pid, NULL, 0);
    SHOW(read(p[0], i ? b : a, 32));
  }
  SHOW(strcmp(a, b) == 0);
}

HELPER(random) {
  char text[33];
  unsigned char *r = (unsigned char *)getauxval(AT_RANDOM);
  for (int i = 0; i < 16; i++) sprintf(text + 2 * i, "%02x", r[i]);
  if (write(20, text, 32) != 32) _exit(1);
}

static void *exec_from_here(void *unused) {
  execl(harness_self, "x", "@after_thread_exec", (char *)NULL);
  return unused;
}

static void *sleep_here(void *unused) {
  for (;;) pause();
  return unused;
}

CASE(exec_from_a_thread) {
  pid_t pid = fork();
  if (pid == 0) {
    char text[20];
    sprintf(text, "%d", getpid());
    setenv("PID", text, 1);
    pthread_t t;
    for (int i = 0; i < 3; i++) pthread_create(&t, NULL, sleep_here, NULL);
    pthread_create(&t, NULL, exec_from_here, NULL);
    for (;;) pause();
  }
  reap("child", pid);
}

HELPER(after_thread_exec) {
  DIR *dir = opendir("/proc/self/task");
  int tasks = 0;
  for (struct dirent *e; (e = readdir(dir)) != NULL;) tasks += e->d_name[0] != '.';
  say("pid kept %d, is leader %d, tasks %d", getpid() == atoi(getenv("PID")), getpid() == syscall(SYS_gettid), tasks);
}

CASE(exec_again_and_again) {
  pid_t pid = fork();
  if (pid == 0) {
    execl(harness_self, "x", "@again", "20", (char *)NULL);
    _exit(1);
  }
  reap("child", pid);
}

HELPER(again) {
  char text[20];
  int left = atoi(argv[1]);
  if (left == 0) _exit(33);
  sprintf(text, "%d", left - 1);
  execl(harness_self, "x", "@again", text, (char *)NULL);
  _exit(1);
}

CASE(memory_is_new) {
  char *p = mmap((void *)0x200000000, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  SHOW(p == (void *)0x200000000);
  run(harness_self, "x", "@is_mapped", (char *)NULL);
}

HELPER(is_mapped) { SHOW(msync((void *)0x200000000, 4096, MS_ASYNC)); }

CASE(posix_spawn) {
  char *argv[] = {"x", "@args", "spawned", NULL}, environment[4200];
  snprintf(environment, sizeof environment, "HARNESS_SELF=%s", harness_self);
  char *envp[] = {environment, NULL};
  pid_t pid;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 30, "/dev/null", O_RDONLY, 0);
  int r = posix_spawn(&pid, harness_self, &actions, NULL, argv, envp);
  reap("child", pid);
  SHOW(r);
  SHOW(posix_spawn(&pid, "./missing", NULL, NULL, argv, envp));
  posix_spawn_file_actions_addclose(&actions, 99);
  posix_spawn_file_actions_addopen(&actions, 31, "./missing", O_RDONLY, 0);
  SHOW(posix_spawn(&pid, harness_self, &actions, NULL, argv, envp));
}

CASE(set_user_id_program) {
  /* Run by a user, the effective ids become the file's. */
  static unsigned char image[4 << 20];
  ssize_t n = MUST(read(MUST(open(harness_self, O_RDONLY)), image, sizeof image));
  int out = MUST(open("prog", O_RDWR | O_CREAT, 0755));
  MUST(write(out, image, n));
  close(out);
  MUST(chown("prog", 777, 888));
  MUST(chmod("prog", 06755));
  pid_t pid = fork();
  if (pid == 0) {
    MUST(setgid(12345));
    MUST(setuid(12345));
    execl("./prog", "x", "@ids", (char *)NULL);
    _exit(1);
  }
  reap("child", pid);
  pid = fork();
  if (pid == 0) {
    MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    MUST(setgid(12345));
    MUST(setuid(12345));
    execl("./prog", "x", "@ids", (char *)NULL);
    _exit(1);
  }
  reap("no new privileges", pid);
}

HELPER(ids) {
  uid_t r, e, s;
  getresuid(&r, &e, &s);
  say("uid %d %d %d", r, e, s);
  getresgid(&r, &e, &s);
  say("gid %d %d %d secure %lu", r, e, s, getauxval(AT_SECURE));
}
