/* getdents64, readdir, seekdir, deleted directories, cwd, chroot. */
#include "harness.h"
#include <stddef.h>

struct linux_dirent64 {
  uint64_t ino;
  int64_t off;
  unsigned short reclen;
  unsigned char type;
  char name[];
};

static long getdents(int fd, void *buffer, size_t size) { return syscall(SYS_getdents64, fd, buffer, size); }

static void make(int count) {
  char name[32];
  for (int i = 0; i < count; i++) {
    sprintf(name, "file%03d", i);
    put(name, "");
  }
}

/* Reads a directory with buffers of this size and says what was found. */
static void walk(int fd, size_t size) {
  char *buffer = malloc(size);
  int calls = 0, names = 0, dots = 0;
  unsigned long sum = 0;
  long n;
  while ((n = getdents(fd, buffer, size)) > 0) {
    calls++;
    for (long at = 0; at < n;) {
      struct linux_dirent64 *e = (void *)(buffer + at);
      if (e->reclen % 8 != 0 || e->reclen < offsetof(struct linux_dirent64, name) + strlen(e->name) + 1) say("bad reclen");
      if (e->name[0] == '.') dots++; else names++;
      for (char *c = e->name; *c; c++) sum += (unsigned char)*c;
      at += e->reclen;
    }
  }
  say("names %d, dots %d, sum %lu, end %ld %s", names, dots, sum, n, n == -1 ? errno_name(errno) : "");
  free(buffer);
}

CASE(empty_directory) {
  MUST(mkdir("d", 0755));
  int fd = MUST(open("d", O_RDONLY));
  walk(fd, 1024);
  walk(fd, 1024);
}

CASE(buffer_sizes) {
  char b[16];
  MUST(mkdir("d", 0755));
  MUST(chdir("d"));
  make(100);
  size_t sizes[] = {64, 100, 500, 4096, 65536};
  for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    int fd = MUST(open(".", O_RDONLY));
    walk(fd, sizes[i]);
    close(fd);
  }
  int fd = MUST(open(".", O_RDONLY));
  SHOW(getdents(fd, b, 10));
  SHOW(getdents(fd, b, 0));
  SHOW(getdents(fd, NULL, 4096));
  SHOW(getdents(fd, BAD_POINTER, 4096));
}

CASE(long_names_need_room) {
  char name[256], *buffer = malloc(1000);
  memset(name, 'n', 255);
  name[255] = 0;
  MUST(mkdir("d", 0755));
  MUST(chdir("d"));
  put(name, "");
  int fd = MUST(open(".", O_RDONLY));
  long total = 0, n;
  while ((n = getdents(fd, buffer, 100)) > 0) total += n;
  say("dots took %ld, then %s", total, n == -1 ? errno_name(errno) : "the end");
  n = getdents(fd, buffer, 1000);
  SHOW(n);
}

CASE(types) {
  MUST(mkdir("d", 0755));
  MUST(mkdir("d/dir", 0755));
  put("d/file", "");
  MUST(symlink("x", "d/link"));
  MUST(mkfifo("d/fifo", 0644));
  MUST(mknod("d/sock", S_IFSOCK | 0644, 0));
  DIR *dir = opendir("d");
  char lines[10][100];
  int count = 0;
  for (struct dirent *e; (e = readdir(dir)) != NULL;) {
    struct stat st;
    MUST(fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW));
    /* d_ino of ".." may be that of the parent or of a mount point below it. */
    int same = strcmp(e->d_name, "..") == 0 || st.st_ino == e->d_ino;
    sprintf(lines[count++], "%.20s: d_type %d, inode as in stat %d", e->d_name, e->d_type, same);
  }
  char *sorted[10];
  for (int i = 0; i < count; i++) sorted[i] = lines[i];
  qsort(sorted, count, sizeof *sorted, compare_names);
  for (int i = 0; i < count; i++) say("%s", sorted[i]);
}

CASE(rewind_shows_changes) {
  MUST(mkdir("d", 0755));
  put("d/a", "");
  int fd = MUST(open("d", O_RDONLY));
  walk(fd, 4096);
  put("d/b", "");
  SHOW(lseek(fd, 0, SEEK_SET));
  walk(fd, 4096);
  MUST(unlink("d/a"));
  SHOW(lseek(fd, 0, SEEK_SET));
  walk(fd, 4096);
}

CASE(seekdir_returns_to_the_same_entry) {
  MUST(mkdir("d", 0755));
  MUST(chdir("d"));
  make(50);
  DIR *dir = opendir(".");
  for (int i = 0; i < 20; i++) readdir(dir);
  long position = telldir(dir);
  char name[300];
  strcpy(name, readdir(dir)->d_name);
  for (int i = 0; i < 10; i++) readdir(dir);
  seekdir(dir, position);
  SHOW(strcmp(readdir(dir)->d_name, name) == 0);
  int left = 1;
  while (readdir(dir) != NULL) left++;
  SHOW(left);
  rewinddir(dir);
  int all = 0;
  while (readdir(dir) != NULL) all++;
  SHOW(all);
}

CASE(remove_while_reading) {
  MUST(mkdir("d", 0755));
  MUST(chdir("d"));
  make(300);
  DIR *dir = opendir(".");
  int removed = 0;
  for (struct dirent *e; (e = readdir(dir)) != NULL;)
    if (e->d_name[0] != '.' && unlink(e->d_name) == 0) removed++;
  SHOW(removed);
  say_names(".");
}

CASE(every_old_name_is_seen_once_while_others_come) {
  MUST(mkdir("d", 0755));
  MUST(chdir("d"));
  make(100);
  int fd = MUST(open(".", O_RDONLY)), seen = 0, new = 0;
  char buffer[300], name[32];
  long n;
  while ((n = getdents(fd, buffer, sizeof buffer)) > 0) {
    for (long at = 0; at < n;) {
      struct linux_dirent64 *e = (void *)(buffer + at);
      if (strncmp(e->name, "file", 4) == 0) seen++;
      at += e->reclen;
    }
    if (new < 50) {
      sprintf(name, "new%03d", new++);
      put(name, "");
    }
  }
  SHOW(seen);
}

CASE(errors) {
  char b[1000];
  put("f", "x");
  int pipes[2];
  MUST(pipe(pipes));
  SHOW(getdents(MUST(open("f", O_RDONLY)), b, sizeof b));
  SHOW(getdents(77, b, sizeof b));
  SHOW(getdents(-1, b, sizeof b));
  SHOW(getdents(pipes[0], b, sizeof b));
  SHOW(getdents(MUST(open("/dev/null", O_RDONLY)), b, sizeof b));
}

CASE(removed_directory) {
  char b[1000];
  MUST(mkdir("d", 0755));
  int fd = MUST(open("d", O_RDONLY));
  MUST(rmdir("d"));
  SHOW(getdents(fd, b, sizeof b));
  struct stat st;
  SHOW(fstat(fd, &st));
  SHOW(st.st_nlink);
}

CASE(old_getdents) {
  char b[4096];
  MUST(mkdir("d", 0755));
  put("d/a", "");
  int fd = MUST(open("d", O_RDONLY));
  long n = syscall(SYS_getdents, fd, b, sizeof b);
  say("more than nothing: %d", n > 0);
  SHOW(syscall(SYS_getdents, fd, b, sizeof b));
  int names = 0;
  for (long at = 0; at < n; at += *(unsigned short *)(b + at + 16)) names++;
  SHOW(names);
}

CASE(fork_shares_the_position) {
  char b[4096];
  MUST(mkdir("d", 0755));
  put("d/a", "");
  int fd = MUST(open("d", O_RDONLY));
  pid_t pid = fork();
  if (pid == 0) _exit(getdents(fd, b, sizeof b) > 0 ? 0 : 1);
  reap("child", pid);
  SHOW(getdents(fd, b, sizeof b));
}

static void say_cwd(const char *start) {
  char cwd[4096];
  if (getcwd(cwd, sizeof cwd) == NULL)
    say("getcwd: %s", errno_name(errno));
  else
    say("cwd %s", strncmp(cwd, start, strlen(start)) == 0 ? cwd + strlen(start) : "elsewhere");
}

CASE(chdir_and_getcwd) {
  char start[4096], small[3];
  getcwd(start, sizeof start);
  MUST(mkdir("d", 0755));
  MUST(mkdir("d/e", 0755));
  MUST(symlink("d/e", "l"));
  SHOW(chdir("d"));
  say_cwd(start);
  SHOW(chdir("../l"));
  say_cwd(start);
  SHOW(chdir(".."));
  say_cwd(start);
  SHOW(chdir("."));
  say_cwd(start);
  SHOW(chdir("/"));
  SHOW(syscall(SYS_getcwd, small, 1));
  SHOW(syscall(SYS_getcwd, small, 2));
  say("%s", small);
  SHOW(syscall(SYS_getcwd, small, 0));
  SHOW(syscall(SYS_getcwd, BAD_POINTER, 100));
}

CASE(chdir_errors) {
  put("f", "x");
  SHOW(chdir("missing"));
  SHOW(chdir("f"));
  SHOW(chdir(""));
  SHOW(chdir(BAD_POINTER));
  SHOW(fchdir(77));
  SHOW(fchdir(MUST(open("f", O_RDONLY))));
  SHOW(fchdir(0));
}

CASE(fchdir) {
  char start[4096];
  getcwd(start, sizeof start);
  MUST(mkdir("d", 0755));
  int here = MUST(open(".", O_RDONLY)), there = MUST(open("d", O_PATH));
  SHOW(fchdir(there));
  say_cwd(start);
  SHOW(fchdir(here));
  say_cwd(start);
}

CASE(cwd_is_renamed) {
  char start[4096];
  getcwd(start, sizeof start);
  MUST(mkdir("d", 0755));
  MUST(chdir("d"));
  MUST(rename("../d", "../moved"));
  say_cwd(start);
  put("f", "x");
  SHOW(access("../moved/f", F_OK));
}

CASE(cwd_is_removed) {
  char b[100];
  struct stat st;
  MUST(mkdir("d", 0755));
  MUST(chdir("d"));
  MUST(rmdir("../d"));
  SHOW(syscall(SYS_getcwd, b, sizeof b));
  SHOW(open("f", O_WRONLY | O_CREAT, 0644));
  SHOW(open(".", O_RDONLY));
  SHOW(stat(".", &st));
  SHOW(stat("..", &st));
  SHOW(mkdir("e", 0755));
  SHOW(chdir("."));
  SHOW(chdir(".."));
  SHOW(access("dirs", F_OK));
}

CASE(cwd_is_inherited) {
  MUST(mkdir("d", 0755));
  MUST(chdir("d"));
  put("f", "x");
  pid_t pid = fork();
  if (pid == 0) {
    SHOW(access("f", F_OK));
    SHOW(chdir("/"));
    _exit(0);
  }
  reap("child", pid);
  SHOW(access("f", F_OK));
}

CASE(chroot) {
  char b[300];
  struct stat st;
  MUST(mkdir("root", 0755));
  MUST(mkdir("root/d", 0755));
  put("root/f", "inside");
  put("f", "outside");
  MUST(symlink("/f", "root/absolute"));
  MUST(symlink("../../../../f", "root/up"));
  pid_t pid = fork();
  if (pid == 0) {
    SHOW(chroot("root"));
    SHOW(access("f", F_OK));
    SHOW(chdir("/"));
    say_content("/f");
    say_content("/../f");
    say_content("/../../f");
    say_content("absolute");
    say_content("up");
    SHOW(stat("/etc/passwd", &st));
    SHOW(chdir("/d"));
    getcwd(b, sizeof b);
    say("%s", b);
    SHOW(chdir("../../.."));
    getcwd(b, sizeof b);
    say("%s", b);
    _exit(0);
  }
  reap("child", pid);
  say_content("f");
}

CASE(chroot_leaves_cwd_outside) {
  char b[300];
  MUST(mkdir("root", 0755));
  pid_t pid = fork();
  if (pid == 0) {
    SHOW(chroot("root"));
    SHOW(syscall(SYS_getcwd, b, sizeof b) > 0);
    say("unreachable %d", strncmp(b, "(unreachable)", 13) == 0);
    _exit(0);
  }
  reap("child", pid);
}

CASE(chroot_errors) {
  put("f", "x");
  SHOW(chroot("missing"));
  SHOW(chroot("f"));
  SHOW(chroot(""));
  SHOW(chroot(BAD_POINTER));
  pid_t pid = fork();
  if (pid == 0) {
    MUST(setuid(12345));
    SHOW(chroot("."));
    _exit(0);
  }
  reap("as user", pid);
}
