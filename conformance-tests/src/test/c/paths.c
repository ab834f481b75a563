/* How a path is walked: lengths, loops, slashes, dots, prefixes that are no directory. */
#include "harness.h"

static struct stat st;

CASE(component_length) {
  char name[300];
  memset(name, 'n', sizeof name);
  name[255] = 0;
  SHOW_AS("create with 255 bytes", creat(name, 0644));
  SHOW_AS("stat with 255 bytes", stat(name, &st));
  name[255] = 'n';
  name[256] = 0;
  SHOW_AS("create with 256 bytes", creat(name, 0644));
  SHOW_AS("stat with 256 bytes", stat(name, &st));
  SHOW_AS("unlink with 256 bytes", unlink(name));
  SHOW_AS("mkdir with 256 bytes", mkdir(name, 0755));
  SHOW_AS("symlink with 256 bytes", symlink("x", name));
  SHOW_AS("link with 256 bytes", link(".", name));
  SHOW_AS("rename from 256 bytes", rename(name, "x"));
  put("f", "x");
  SHOW_AS("rename to 256 bytes", rename("f", name));
}

CASE(long_component_in_the_middle) {
  char path[600] = "d/";
  MUST(mkdir("d", 0755));
  memset(path + 2, 'n', 256);
  strcpy(path + 258, "/f");
  SHOW_AS("stat", stat(path, &st));
  path[257] = '/';
  SHOW_AS("stat with 255", stat(path, &st));
  /* A prefix that is missing is noticed before the long name behind it. */
  memcpy(path, "missing/", 8);
  SHOW_AS("behind missing", stat(path, &st));
}

CASE(path_length) {
  static char path[5000];
  /* "./././f": 4095 bytes are the most, the NUL makes 4096. */
  for (int i = 0; i < 4096; i++) path[i] = i % 2 ? '/' : '.';
  put("f", "x");
  strcpy(path + 4094, "f");
  SHOW(strlen(path));
  SHOW_AS("stat", stat(path, &st));
  memset(path, '/', 4200);
  memcpy(path, "./", 2);
  strcpy(path + 4095, "f");
  SHOW(strlen(path));
  SHOW_AS("stat", stat(path, &st));
  SHOW_AS("open", open(path, O_RDONLY));
  SHOW_AS("chdir", chdir(path));
  SHOW_AS("mkdir", mkdir(path, 0755));
  SHOW_AS("readlink", readlink(path, (char[1]){0}, 1));
  SHOW_AS("rename", rename("f", path));
  SHOW_AS("exec", execl(path, path, (char *)NULL));
  SHOW_AS("truncate", truncate(path, 0));
  memset(path, 'x', sizeof path);
  path[4999] = 0;
  SHOW_AS("stat without slash", stat(path, &st));
}

CASE(symlink_loops) {
  MUST(symlink("a", "a"));
  MUST(symlink("c", "b"));
  MUST(symlink("b", "c"));
  SHOW(stat("a", &st));
  SHOW(stat("b", &st));
  SHOW(open("a", O_RDONLY));
  SHOW(open("a", O_WRONLY | O_CREAT, 0644));
  SHOW(open("a/x", O_RDONLY));
  SHOW(mkdir("a", 0755));
  SHOW(mkdir("a/x", 0755));
  SHOW(unlink("a/x"));
  SHOW(chdir("a"));
  SHOW(access("a", F_OK));
  SHOW(execl("a", "a", (char *)NULL));
  SHOW(rename("a/x", "y"));
  SHOW(unlink("a"));
}

CASE(symlink_chain) {
  char from[20], to[20];
  put("l0", "x");
  for (int i = 1; i <= 45; i++) {
    sprintf(from, "l%d", i - 1);
    sprintf(to, "l%d", i);
    MUST(symlink(from, to));
  }
  SHOW(stat("l1", &st));
  SHOW(stat("l39", &st));
  SHOW(stat("l40", &st));
  SHOW(stat("l41", &st));
  SHOW(stat("l45", &st));
}

CASE(symlink_count_is_of_the_whole_path) {
  char path[400] = "";
  MUST(symlink(".", "here"));
  put("f", "x");
  for (int i = 0; i < 40; i++) strcat(path, "here/");
  strcat(path, "f");
  SHOW_AS("40 links", stat(path, &st));
  memmove(path + 5, path, strlen(path) + 1);
  memcpy(path, "here/", 5);
  SHOW_AS("41 links", stat(path, &st));
}

CASE(symlink_targets) {
  char cwd[2000], target[2100];
  MUST(mkdir("d", 0755));
  put("d/f", "content");
  MUST(symlink("d/", "slash"));
  MUST(symlink("d/f/", "file_slash"));
  MUST(symlink("./d/../d/./f", "dots"));
  MUST(symlink("../f", "d/outside"));
  getcwd(cwd, sizeof cwd);
  sprintf(target, "%s/d/f", cwd);
  MUST(symlink(target, "absolute"));
  sprintf(target, "%s/d", cwd);
  MUST(symlink(target, "absolute_dir"));
  say_content("slash/f");
  say_content("slash//f");
  say_content("file_slash");
  say_content("dots");
  say_content("d/outside");
  say_content("absolute");
  say_content("absolute_dir/f");
  say_content("absolute_dir/../d/f");
}

CASE(dots_and_slashes) {
  MUST(mkdir("d", 0755));
  put("d/f", "content");
  const char *paths[] = {"d/f", "./d/f", "d/./f", "d//f", "d/../d/f", ".//.//d////f", "d/../d/../d/f", "d/./././f"};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) say_content(paths[i]);
  SHOW(stat("d/..", &st));
  SHOW(stat("d/../", &st));
  SHOW(stat("missing/..", &st));
  SHOW(stat("missing/../d", &st));
  SHOW(stat("d/f/..", &st));
  SHOW(stat("d/f/.", &st));
  SHOW(stat("d/f/../f", &st));
  SHOW(stat("...", &st));
}

CASE(above_the_root) {
  SHOW(stat("/..", &st));
  SHOW(stat("/../../../..", &st));
  struct stat root;
  MUST(stat("/", &root));
  MUST(stat("/../..", &st));
  SHOW(st.st_ino == root.st_ino && st.st_dev == root.st_dev);
  SHOW(stat("/../dev/null", &st));
  SHOW(stat("//dev//null", &st));
  SHOW(stat("//", &st));
}

CASE(trailing_slashes) {
  put("f", "x");
  MUST(mkdir("d", 0755));
  MUST(symlink("d", "to_d"));
  MUST(symlink("f", "to_f"));
  const char *paths[] = {"d/", "d//", "d/.", "f/", "f//", "to_d/", "to_f/", "missing/", "to_d/."};
  for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
    SHOW_AS(paths[i], stat(paths[i], &st));
    SHOW_AS(paths[i], lstat(paths[i], &st));
    if (errno == 0) say("%s", type_name(st.st_mode));
  }
}

CASE(create_with_slashes_and_dots) {
  MUST(mkdir("d", 0755));
  MUST(symlink("missing", "dangling"));
  MUST(symlink("dangling/", "slash"));
  static const char *const names[] = {"d/", ".", "..", "d/.", "d/..", "/", "missing/", "missing/x/", "dangling/", "slash", "d/./"};
  static const int flags[] = {O_CREAT | O_WRONLY, O_CREAT | O_EXCL | O_WRONLY, O_CREAT | O_NOFOLLOW};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    for (size_t k = 0; k < sizeof flags / sizeof *flags; k++) {
      int fd = open(names[i], flags[k], 0644);
      say("%s with %#o: %s", names[i], flags[k], fd < 0 ? errno_name(errno) : "ok");
    }
}

CASE(rename_of_long_names_finds_both_parents_first) {
  char name[300];
  memset(name, 'n', sizeof name);
  name[256] = 0;
  put("f", "x");
  SHOW_AS("to a missing directory", rename(name, "missing/f"));
  SHOW_AS("of a missing file", rename("missing", name));
  SHOW_AS("of a file", rename("f", name));
}

CASE(absolute_links_and_no_xdev) {
  MUST(symlink("/", "l"));
  char cwd[500];
  MUST(getcwd(cwd, sizeof cwd) != NULL);
  MUST(symlink(cwd, "here"));
  static const char *const names[] = {"l", "here", "./here", "../here", "here/here"};
  struct {
    unsigned long long flags, mode, resolve;
  } how = {O_PATH, 0, 1 /* RESOLVE_NO_XDEV */};
  for (size_t i = 1; i < sizeof names / sizeof *names; i++)
    SHOW_AS(names[i], syscall(437, AT_FDCWD, names[i], &how, sizeof how) < 0);
}

CASE(prefix_is_no_directory) {
  put("f", "x");
  MUST(mkfifo("p", 0644));
  SHOW(open("f/x", O_RDONLY));
  SHOW(open("f/x", O_WRONLY | O_CREAT, 0644));
  SHOW(open("f/..", O_RDONLY));
  SHOW(open("p/x", O_RDONLY));
  SHOW(open("/dev/null/x", O_RDONLY));
  SHOW(mkdir("f/x", 0755));
  SHOW(rmdir("f/x"));
  SHOW(unlink("f/x"));
  SHOW(symlink("a", "f/x"));
  SHOW(link("f/x", "y"));
  SHOW(rename("f/x", "y"));
  SHOW(chdir("f"));
  SHOW(chmod("f/x", 0));
  SHOW(truncate("f/x", 0));
  SHOW(execl("f/x", "x", (char *)NULL));
  SHOW(mkfifo("f/x", 0644));
}

CASE(empty_paths) {
  char b[10];
  SHOW(stat("", &st));
  SHOW(lstat("", &st));
  SHOW(access("", F_OK));
  SHOW(mkdir("", 0755));
  SHOW(rmdir(""));
  SHOW(unlink(""));
  SHOW(symlink("x", ""));
  SHOW(symlink("", "x"));
  SHOW(readlink("", b, 10));
  SHOW(chdir(""));
  SHOW(chmod("", 0));
  SHOW(chown("", 0, 0));
  SHOW(truncate("", 0));
  SHOW(execl("", "", (char *)NULL));
  SHOW(mkfifo("", 0644));
  SHOW(chroot(""));
}

CASE(no_follow_last_component) {
  MUST(mkdir("d", 0755));
  put("d/f", "x");
  MUST(symlink("d", "l"));
  SHOW(open("l/f", O_RDONLY | O_NOFOLLOW));
  SHOW(open("l", O_RDONLY | O_NOFOLLOW));
  SHOW(open("l/", O_RDONLY | O_NOFOLLOW));
  SHOW(open("l/.", O_RDONLY | O_NOFOLLOW));
  SHOW(open("l", O_PATH | O_NOFOLLOW));
  SHOW(open("l", O_PATH | O_NOFOLLOW | O_DIRECTORY));
}

CASE(dirfd_of_path_handle) {
  MUST(mkdir("d", 0755));
  put("d/f", "content");
  MUST(symlink("d", "l"));
  int path = MUST(open("d", O_PATH));
  int link = MUST(open("l", O_PATH | O_NOFOLLOW));
  int file = MUST(open("d/f", O_PATH));
  SHOW(openat(path, "f", O_RDONLY));
  SHOW(openat(link, "f", O_RDONLY));
  SHOW(openat(file, "f", O_RDONLY));
  SHOW(fstatat(path, "..", &st, 0));
  SHOW(mkdirat(path, "e", 0755));
  SHOW(unlinkat(path, "e", AT_REMOVEDIR));
  SHOW(fchdir(path));
  SHOW(fchdir(link));
  SHOW(fchdir(file));
}

CASE(dirfd_survives_rename) {
  MUST(mkdir("d", 0755));
  put("d/f", "content");
  int fd = MUST(open("d", O_RDONLY));
  MUST(rename("d", "e"));
  SHOW(openat(fd, "f", O_RDONLY));
  SHOW(openat(fd, "new", O_WRONLY | O_CREAT, 0644));
  say_names("e");
}

CASE(dirfd_of_removed_directory) {
  MUST(mkdir("d", 0755));
  int fd = MUST(open("d", O_RDONLY));
  MUST(rmdir("d"));
  SHOW(openat(fd, "f", O_RDONLY));
  SHOW(openat(fd, "f", O_WRONLY | O_CREAT, 0644));
  SHOW(mkdirat(fd, "e", 0755));
  SHOW(symlinkat("x", fd, "l"));
  SHOW(openat(fd, ".", O_RDONLY));
  SHOW(openat(fd, "..", O_RDONLY));
  SHOW(fstat(fd, &st));
  SHOW(fchdir(fd));
}

CASE(path_is_read_up_to_its_end_only) {
  char *page = page_before_hole();
  strcpy(page + 4096 - 2, "f");
  put("f", "x");
  SHOW(stat(page + 4096 - 2, &st));
  page[4095] = 'f';
  SHOW(stat(page + 4096 - 2, &st));
}

CASE(negative_lookups_do_not_stick) {
  SHOW(stat("f", &st));
  SHOW(stat("f", &st));
  pid_t pid = fork();
  if (pid == 0) {
    put("f", "x");
    _exit(0);
  }
  reap("child", pid);
  SHOW(stat("f", &st));
  MUST(unlink("f"));
  SHOW(stat("f", &st));
  MUST(mkdir("f", 0755));
  SHOW(stat("f/", &st));
  MUST(rename("f", "g"));
  SHOW(stat("f", &st));
  SHOW(stat("g", &st));
}

CASE(proc_self_links) {
  char b[300], cwd[300];
  ssize_t n = readlink("/proc/self/cwd", b, sizeof b - 1);
  b[n > 0 ? n : 0] = 0;
  getcwd(cwd, sizeof cwd);
  SHOW(strcmp(b, cwd) == 0);
  n = readlink("/proc/self/root", b, sizeof b - 1);
  b[n > 0 ? n : 0] = 0;
  say("root %s", b);
  n = readlink("/proc/self/exe", b, sizeof b - 1);
  b[n > 0 ? n : 0] = 0;
  SHOW(strcmp(b, harness_self) == 0);
  put("f", "content");
  say_content("/proc/self/cwd/f");
  SHOW(open("/proc/self/cwd/missing", O_RDONLY));
}
