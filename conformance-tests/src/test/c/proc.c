/* /proc: what programs parse. */
#include "harness.h"
#include <sys/prctl.h>

static char *slurp(const char *path) {
  static char text[1 << 20];
  int fd = open(path, O_RDONLY);
  if (fd == -1) {
    say("%s: %s", path, errno_name(errno));
    return NULL;
  }
  size_t at = 0;
  ssize_t n;
  while (at < sizeof text - 1 && (n = read(fd, text + at, sizeof text - 1 - at)) > 0) at += n;
  text[at] = 0;
  close(fd);
  return text;
}

/* Prints the value of a "Key: value" line. */
static void say_field(const char *path, const char *key) {
  char *text = slurp(path), line[300] = "missing";
  if (text == NULL) return;
  for (char *at = text; at != NULL; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
    if (strncmp(at, key, strlen(key)) == 0) {
      snprintf(line, sizeof line, "%.*s", (int)strcspn(at, "\n"), at);
      break;
    }
  say_bytes(key, line, strlen(line));
}

static long number_field(const char *path, const char *key) {
  char *text = slurp(path), *at = text == NULL ? NULL : strstr(text, key);
  return at == NULL ? -1 : strtol(at + strlen(key), NULL, 10);
}

CASE(status_fields) {
  prctl(PR_SET_NAME, "some name");
  say_field("/proc/self/status", "Name:");
  say_field("/proc/self/status", "Umask:");
  say_field("/proc/self/status", "State:");
  say_field("/proc/self/status", "Uid:");
  say_field("/proc/self/status", "Gid:");
  say_field("/proc/self/status", "Threads:");
  say_field("/proc/self/status", "SigBlk:");
  say_field("/proc/self/status", "TracerPid:");
  SHOW(number_field("/proc/self/status", "\nPid:") == getpid());
  SHOW(number_field("/proc/self/status", "\nTgid:") == getpid());
  SHOW(number_field("/proc/self/status", "\nPPid:") == getppid());
  SHOW(number_field("/proc/self/status", "\nVmRSS:") > 0);
  SHOW(number_field("/proc/self/status", "\nVmSize:") > 0);
}

CASE(status_of_signals) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  raise(SIGUSR1);
  signal(SIGUSR2, SIG_IGN);
  say_field("/proc/self/status", "SigBlk:");
  say_field("/proc/self/status", "SigIgn:");
  say_field("/proc/self/status", "SigPnd:");
}

CASE(stat_fields) {
  prctl(PR_SET_NAME, "a) b (c");
  char *text = slurp("/proc/self/stat");
  int pid, ppid, pgrp, session, count = 2;
  char state;
  char *after = strrchr(text, ')') + 2;
  sscanf(text, "%d", &pid);
  sscanf(after, "%c %d %d %d", &state, &ppid, &pgrp, &session);
  say("pid %d ppid %d pgrp %d session %d state %c", pid == getpid(), ppid == getppid(), pgrp == getpgrp(), session == getsid(0), state);
  for (char *c = after; *c; c++) count += *c == ' ';
  SHOW(count + 1);
  say("name %.*s", (int)(after - 2 - strchr(text, '(')), strchr(text, '(') + 1);
}

CASE(statm_fields) {
  long size, resident, shared, text, lib, data, dirty;
  SHOW(sscanf(slurp("/proc/self/statm"), "%ld %ld %ld %ld %ld %ld %ld", &size, &resident, &shared, &text, &lib, &data, &dirty));
  say("sane %d", size > 0 && resident > 0 && resident <= size);
}

CASE(cmdline_and_environ) {
  pid_t pid = fork();
  if (pid == 0) {
    char *argv[] = {"first", "@cmdline", "with blank", "", "last", NULL};
    char *envp[] = {"ONE=1", "TWO=2", NULL};
    execve(harness_self, argv, envp);
    _exit(1);
  }
  reap("child", pid);
}

HELPER(cmdline) {
  char b[300];
  int fd = open("/proc/self/cmdline", O_RDONLY);
  say_bytes("cmdline", b, read(fd, b, sizeof b));
  fd = open("/proc/self/environ", O_RDONLY);
  say_bytes("environ", b, read(fd, b, sizeof b));
}

CASE(comm_can_be_written) {
  int fd = MUST(open("/proc/self/comm", O_RDWR));
  SHOW(write(fd, "renamed\n", 8));
  say_content("/proc/self/comm");
  char name[17] = "";
  prctl(PR_GET_NAME, name);
  say("%s", name);
}

CASE(fd_links) {
  char b[300], path[64];
  int p[2];
  put("f", "x");
  int fd = MUST(open("f", O_RDONLY));
  MUST(pipe(p));
  int null = MUST(open("/dev/null", O_RDONLY));
  int fds[] = {fd, p[0], null};
  for (int i = 0; i < 3; i++) {
    sprintf(path, "/proc/self/fd/%d", fds[i]);
    ssize_t n = readlink(path, b, sizeof b - 1);
    b[n > 0 ? n : 0] = 0;
    say("%s", i == 0 ? strrchr(b, '/') : i == 1 ? (b[5] = 0, b) : b);
  }
  MUST(unlink("f"));
  sprintf(path, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(path, b, sizeof b - 1);
  b[n > 0 ? n : 0] = 0;
  say("%s", strrchr(b, '/'));
  struct stat st;
  MUST(lstat(path, &st));
  say("%s", type_name(st.st_mode));
  SHOW(access("/proc/self/fd/77", F_OK));
}

CASE(fdinfo) {
  char path[64];
  put("f", "0123456789");
  int fd = MUST(open("f", O_RDONLY | O_CLOEXEC));
  lseek(fd, 7, SEEK_SET);
  sprintf(path, "/proc/self/fdinfo/%d", fd);
  say_field(path, "pos:");
  say_field(path, "flags:");
}

CASE(maps) {
  int lines = 0, bad = 0, stack = 0, heap = 0, exe = 0, executable = 0;
  free(malloc(1000));
  char *text = slurp("/proc/self/maps");
  unsigned long end_before = 0;
  for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
    unsigned long from, to, offset, inode;
    char permissions[5], device[20];
    int name_at = 0;
    lines++;
    if (sscanf(line, "%lx-%lx %4s %lx %19s %lu %n", &from, &to, permissions, &offset, device, &inode, &name_at) < 6 || from >= to || from < end_before) bad++;
    end_before = to;
    const char *name = line + name_at;
    stack += strcmp(name, "[stack]") == 0;
    heap += strcmp(name, "[heap]") == 0;
    if (strcmp(name, harness_self) == 0) {
      exe++;
      executable += permissions[2] == 'x';
    }
  }
  say("lines %d bad %d stack %d heap %d own program %d executable %d", lines > 3, bad, stack, heap, exe > 1, executable);
}

CASE(maps_show_a_file_mapping) {
  put("mapped file", "x");
  int fd = MUST(open("mapped file", O_RDONLY));
  mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
  char *at = strstr(slurp("/proc/self/maps"), "/mapped file");
  say("%s", at == NULL ? "missing" : "found");
  char *line = at;
  while (line != NULL && line[-1] != '\n') line--;
  if (line != NULL) say("%.4s", strchr(line, ' ') + 1);
}

CASE(memory_of_the_process) {
  static char secret[] = "secret";
  int fd = MUST(open("/proc/self/mem", O_RDWR));
  char b[8] = "";
  SHOW(pread(fd, b, 6, (off_t)(unsigned long)secret));
  say("%s", b);
  SHOW(pwrite(fd, "public", 6, (off_t)(unsigned long)secret));
  say("%s", secret);
  SHOW(pread(fd, b, 6, 8));
}

CASE(task_directory) {
  char path[100];
  sprintf(path, "/proc/self/task/%d/stat", getpid());
  SHOW(access(path, R_OK));
  sprintf(path, "/proc/%d/comm", getpid());
  SHOW(access(path, R_OK));
  SHOW(access("/proc/thread-self/comm", R_OK));
  SHOW(access("/proc/999999", F_OK));
  SHOW(access("/proc/0", F_OK));
}

CASE(self_is_a_link) {
  char b[32];
  ssize_t n = readlink("/proc/self", b, sizeof b - 1);
  b[n > 0 ? n : 0] = 0;
  SHOW(atoi(b) == getpid());
  n = readlink("/proc/thread-self", b, sizeof b - 1);
  b[n > 0 ? n : 0] = 0;
  say("has task %d", strstr(b, "/task/") != NULL);
}

CASE(children_are_listed) {
  pid_t pid = fork();
  if (pid == 0) {
    pause();
    _exit(0);
  }
  char path[100];
  sprintf(path, "/proc/self/task/%d/children", getpid());
  SHOW(atoi(slurp(path)) == pid);
  sprintf(path, "/proc/%d/status", pid);
  SHOW(number_field(path, "\nPPid:") == getpid());
  sprintf(path, "/proc/%d", pid);
  SHOW(access(path, F_OK));
  kill(pid, SIGKILL);
  reap("child", pid);
  SHOW(access(path, F_OK));
}

CASE(zombie_state) {
  char path[100];
  siginfo_t info;
  pid_t pid = fork();
  if (pid == 0) _exit(0);
  MUST(waitid(P_PID, pid, &info, WEXITED | WNOWAIT));
  sprintf(path, "/proc/%d/status", pid);
  say_field(path, "State:");
  sprintf(path, "/proc/%d/cmdline", pid);
  SHOW(strlen(slurp(path)));
  reap("child", pid);
}

CASE(other_states) {
  char path[100];
  pid_t pid = fork();
  if (pid == 0) {
    for (;;) pause();
  }
  let_it_block();
  sprintf(path, "/proc/%d/status", pid);
  say_field(path, "State:");
  kill(pid, SIGSTOP);
  MUST(waitpid(pid, NULL, WUNTRACED));
  say_field(path, "State:");
  kill(pid, SIGKILL);
  reap("child", pid);
}

CASE(meminfo_keys) {
  SHOW(number_field("/proc/meminfo", "MemTotal:") > 10000);
  SHOW(number_field("/proc/meminfo", "MemFree:") > 0);
  SHOW(number_field("/proc/meminfo", "MemAvailable:") > 0);
  SHOW(number_field("/proc/meminfo", "SwapTotal:") >= 0);
  SHOW(number_field("/proc/meminfo", "Cached:") >= 0);
}

CASE(cpuinfo_and_stat) {
  char *text = slurp("/proc/cpuinfo");
  int processors = 0;
  for (char *at = text; (at = strstr(at, "processor\t:")) != NULL; at++) processors++;
  SHOW(processors == sysconf(_SC_NPROCESSORS_ONLN));
  SHOW(strstr(text, "model name") != NULL);
  SHOW(strstr(text, "flags") != NULL);
  text = slurp("/proc/stat");
  SHOW(strncmp(text, "cpu ", 4) == 0);
  SHOW(strstr(text, "\ncpu0 ") != NULL);
  SHOW(strstr(text, "\nbtime ") != NULL);
  SHOW(strstr(text, "\nctxt ") != NULL);
}

CASE(uptime_and_load) {
  double up, idle, a, b, c;
  int running, total, last;
  SHOW(sscanf(slurp("/proc/uptime"), "%lf %lf", &up, &idle));
  say("running %d", up > 0);
  SHOW(sscanf(slurp("/proc/loadavg"), "%lf %lf %lf %d/%d %d", &a, &b, &c, &running, &total, &last));
}

CASE(version_and_filesystems) {
  SHOW(strncmp(slurp("/proc/version"), "Linux version ", 14) == 0);
  SHOW(strstr(slurp("/proc/filesystems"), "\tproc\n") != NULL);
  SHOW(strstr(slurp("/proc/filesystems"), "\ttmpfs\n") != NULL);
}

CASE(mounts) {
  char *text = slurp("/proc/self/mounts");
  SHOW(strstr(text, " / ") != NULL);
  SHOW(strstr(text, " /proc proc ") != NULL);
  text = slurp("/proc/self/mountinfo");
  int bad = 0, lines = 0;
  for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
    int id, parent, major, minor;
    char root[1000], where[1000];
    lines++;
    if (sscanf(line, "%d %d %d:%d %999s %999s", &id, &parent, &major, &minor, root, where) != 6 || strstr(line, " - ") == NULL) bad++;
  }
  say("lines %d bad %d", lines > 0, bad);
  struct stat st;
  SHOW(stat("/proc/mounts", &st));
}

CASE(sys_values) {
  SHOW(atoi(slurp("/proc/sys/kernel/pid_max")) > 100);
  SHOW(strcmp(slurp("/proc/sys/kernel/ostype"), "Linux\n"));
  SHOW(isdigit(slurp("/proc/sys/kernel/osrelease")[0]) != 0);
  SHOW(strlen(slurp("/proc/sys/kernel/hostname")) > 1);
  SHOW(atoi(slurp("/proc/sys/vm/overcommit_memory")) >= 0);
  SHOW(atol(slurp("/proc/sys/fs/file-max")) > 100);
  SHOW(atoi(slurp("/proc/sys/fs/pipe-max-size")));
  SHOW(atoi(slurp("/proc/sys/kernel/ngroups_max")));
  SHOW(atoi(slurp("/proc/sys/kernel/cap_last_cap")) > 30);
  SHOW(strlen(slurp("/proc/sys/kernel/random/boot_id")));
  SHOW(strlen(slurp("/proc/sys/kernel/random/uuid")));
}

CASE(nothing_can_be_made_here) {
  SHOW(open("/proc/new", O_WRONLY | O_CREAT, 0644));
  SHOW(mkdir("/proc/new", 0755));
  SHOW(unlink("/proc/version"));
  SHOW(unlink("/proc/self/comm"));
  SHOW(rename("/proc/version", "/proc/x"));
  SHOW(symlink("x", "/proc/new"));
  SHOW(rmdir("/proc/self/fd"));
}

CASE(reading_in_pieces) {
  char whole[4096], pieces[4096];
  int fd = MUST(open("/proc/self/limits", O_RDONLY));
  ssize_t n = MUST(read(fd, whole, sizeof whole)), at = 0, got;
  lseek(fd, 0, SEEK_SET);
  while ((got = read(fd, pieces + at, 7)) > 0) at += got;
  SHOW(at == n && memcmp(whole, pieces, n) == 0);
  SHOW(pread(fd, pieces, 5, 0));
  say("%.5s", pieces);
  SHOW(pread(fd, pieces, 5, 100000));
  SHOW(lseek(fd, 0, SEEK_END));
}

CASE(stat_of_entries) {
  struct stat st;
  MUST(stat("/proc/self", &st));
  say("%s %04o", type_name(st.st_mode), st.st_mode & 07777);
  MUST(stat("/proc/self/status", &st));
  say("%s %04o size %ld", type_name(st.st_mode), st.st_mode & 07777, (long)st.st_size);
  MUST(stat("/proc/self/fd", &st));
  say("%s %04o", type_name(st.st_mode), st.st_mode & 07777);
  MUST(lstat("/proc/self/exe", &st));
  say("%s", type_name(st.st_mode));
  MUST(stat("/proc/self/ns", &st));
  say("%s", type_name(st.st_mode));
}

CASE(oom_score) {
  SHOW(atoi(slurp("/proc/self/oom_score_adj")));
  int fd = MUST(open("/proc/self/oom_score_adj", O_WRONLY));
  SHOW(write(fd, "100", 3));
  SHOW(atoi(slurp("/proc/self/oom_score_adj")));
  SHOW(write(fd, "nonsense", 8));
}
