/* link, symlink, readlink, unlink, rmdir, mkdir, rename and renameat2. */
#include "harness.h"
#include <linux/fs.h>

CASE(link_basics) {
  put("f", "content");
  SHOW(link("f", "g"));
  show_stat("g");
  SHOW(unlink("f"));
  show_stat("f");
  show_stat("g");
  say_content("g");
}

CASE(link_errors) {
  put("f", "x");
  MUST(mkdir("d", 0755));
  SHOW(link("missing", "g"));
  SHOW(link("f", "f"));
  SHOW(link("f", "d"));
  SHOW(link("d", "d2"));
  SHOW(link("f", "missing/g"));
  SHOW(link("f/x", "g"));
  SHOW(link("f", "f/g"));
  SHOW(link("", "g"));
  SHOW(link("f", ""));
  SHOW(link("f", "g/"));
  SHOW(link("f/", "g"));
  SHOW(link(BAD_POINTER, "g"));
  SHOW(link("f", BAD_POINTER));
  SHOW(link("f", "/proc/g"));
}

CASE(names_in_a_removed_directory) {
  put("f", "x");
  MUST(mkdir("d", 0755));
  MUST(mkdir("gone", 0755));
  int fd = MUST(open("gone", O_RDONLY | O_DIRECTORY));
  MUST(rmdir("gone"));
  SHOW_AS("link of a file", linkat(AT_FDCWD, "f", fd, "n", 0));
  SHOW_AS("link of a directory", linkat(AT_FDCWD, "d", fd, "n", 0));
  SHOW_AS("link of a directory, slash", linkat(AT_FDCWD, "d", fd, "n/", 0));
  SHOW_AS("link from elsewhere", linkat(AT_FDCWD, "/proc/self/status", fd, "n", 0));
  SHOW_AS("link of a directory elsewhere", linkat(AT_FDCWD, "/proc", fd, "n", 0));
  SHOW_AS("link to .", linkat(AT_FDCWD, "f", fd, ".", 0));
  SHOW_AS("mkdir", mkdirat(fd, "n", 0755));
  SHOW_AS("mkdir, slash", mkdirat(fd, "n/", 0755));
  SHOW_AS("symlink", symlinkat("f", fd, "n"));
  SHOW_AS("symlink, slash", symlinkat("f", fd, "n/"));
  SHOW_AS("mknod of a file", mknodat(fd, "n", S_IFREG | 0644, 0));
  SHOW_AS("mknod of nothing", mknodat(fd, "n", S_IFDIR | 0644, 0));
  SHOW_AS("open", openat(fd, "n", O_CREAT | O_WRONLY, 0644));
  SHOW_AS("rename", renameat(AT_FDCWD, "f", fd, "n"));
  SHOW_AS("rename of a directory", renameat(AT_FDCWD, "d", fd, "n"));
  SHOW_AS("unlink", unlinkat(fd, "n", 0));
}

/* A directory that is gone is not asked whether a name is too long for it. */
CASE(long_names_in_a_removed_directory) {
  char name[300] = {0};
  struct stat st;
  memset(name, 'n', 299);
  put("f", "x");
  MUST(mkdir("gone", 0755));
  int fd = MUST(open("gone", O_RDONLY | O_DIRECTORY));
  SHOW_AS("stat before", fstatat(fd, name, &st, 0));
  SHOW_AS("mkdir before", mkdirat(fd, name, 0755));
  SHOW_AS("unlink before", unlinkat(fd, name, 0));
  MUST(rmdir("gone"));
  SHOW_AS("stat", fstatat(fd, name, &st, 0));
  SHOW_AS("open", openat(fd, name, O_RDONLY));
  SHOW_AS("creat", openat(fd, name, O_CREAT | O_WRONLY, 0644));
  SHOW_AS("mkdir", mkdirat(fd, name, 0755));
  SHOW_AS("symlink", symlinkat("f", fd, name));
  SHOW_AS("link", linkat(AT_FDCWD, "f", fd, name, 0));
  SHOW_AS("unlink", unlinkat(fd, name, 0));
  SHOW_AS("rmdir", unlinkat(fd, name, AT_REMOVEDIR));
  SHOW_AS("rename from", renameat(fd, name, AT_FDCWD, "x"));
  SHOW_AS("rename to", renameat(AT_FDCWD, "f", fd, name));
}

CASE(link_of_symlink) {
  struct stat st;
  put("f", "x");
  MUST(symlink("f", "l"));
  SHOW(link("l", "hard"));
  MUST(lstat("hard", &st));
  say("%s", type_name(st.st_mode));
  SHOW(linkat(AT_FDCWD, "l", AT_FDCWD, "followed", AT_SYMLINK_FOLLOW));
  MUST(lstat("followed", &st));
  say("%s", type_name(st.st_mode));
  SHOW(linkat(AT_FDCWD, "f", AT_FDCWD, "h", 0x8000));
  SHOW(linkat(77, "f", AT_FDCWD, "h", 0));
  SHOW(linkat(AT_FDCWD, "f", 77, "h", 0));
}

CASE(linkat_empty_path) {
  put("f", "content");
  int fd = MUST(open("f", O_RDONLY));
  SHOW(linkat(fd, "", AT_FDCWD, "g", AT_EMPTY_PATH));
  say_content("g");
  SHOW(linkat(fd, "", AT_FDCWD, "h", 0));
}

CASE(symlink_and_readlink) {
  char b[64];
  SHOW(symlink("some/where", "l"));
  memset(b, '#', sizeof b);
  SHOW(readlink("l", b, sizeof b));
  say_bytes("buffer", b, 12);
  memset(b, '#', sizeof b);
  SHOW(readlink("l", b, 4));
  say_bytes("buffer", b, 6);
  SHOW(readlink("l", b, 0));
  SHOW(readlink("l", b, -1));
  show_stat("l");
}

CASE(symlink_errors) {
  put("f", "x");
  SHOW(symlink("x", "f"));
  SHOW(symlink("", "l"));
  SHOW(symlink("x", ""));
  SHOW(symlink("x", "missing/l"));
  SHOW(symlink("x", "f/l"));
  SHOW(symlink("x", "l/"));
  SHOW(symlink(BAD_POINTER, "l"));
  SHOW(symlink("x", BAD_POINTER));
  SHOW(symlinkat("x", 77, "l"));
  char target[5000];
  memset(target, 'a', sizeof target);
  target[4095] = 0;
  SHOW_AS("symlink to 4095 bytes", symlink(target, "long"));
  char back[5000];
  SHOW(readlink("long", back, sizeof back));
  target[4095] = 'a';
  target[4096] = 0;
  SHOW_AS("symlink to 4096 bytes", symlink(target, "longer"));
}

CASE(readlink_errors) {
  char b[64];
  put("f", "x");
  MUST(symlink("x", "l"));
  SHOW(readlink("f", b, sizeof b));
  SHOW(readlink(".", b, sizeof b));
  SHOW(readlink("missing", b, sizeof b));
  SHOW(readlink("", b, sizeof b));
  SHOW(readlink("f/x", b, sizeof b));
  SHOW(readlink("l/", b, sizeof b));
  SHOW(readlink("l", BAD_POINTER, 10));
  SHOW(readlink(BAD_POINTER, b, 10));
  SHOW(readlinkat(77, "l", b, 10));
  int fd = MUST(open("f", O_RDONLY));
  SHOW(readlinkat(fd, "", b, 10));
}

CASE(unlink_errors) {
  put("f", "x");
  MUST(mkdir("d", 0755));
  MUST(symlink("d", "l"));
  SHOW(unlink("d"));
  SHOW(unlink("missing"));
  SHOW(unlink("f/x"));
  SHOW(unlink("f/"));
  SHOW(unlink("d/"));
  SHOW(unlink("l/"));
  SHOW(unlink(""));
  SHOW(unlink("."));
  SHOW(unlink(".."));
  SHOW(unlink("/"));
  SHOW(unlink(BAD_POINTER));
  SHOW(unlinkat(77, "f", 0));
  SHOW(unlinkat(AT_FDCWD, "f", 0x8000));
  SHOW(unlinkat(AT_FDCWD, "f", AT_REMOVEDIR));
  SHOW(unlinkat(AT_FDCWD, "d", 0));
  SHOW(unlink("l"));
  show_stat("d");
  SHOW(unlink("/proc/version"));
}

CASE(mkdir_basics) {
  SHOW(mkdir("d", 0777));
  show_stat("d");
  SHOW(mkdir("s", 01755));
  show_stat("s");
  SHOW(mkdir("t", 07777));
  show_stat("t");
  SHOW(mkdir("slash/", 0755));
  show_stat("slash");
  SHOW(mkdir("d/e/", 0));
  show_stat("d/e");
}

CASE(mkdir_errors) {
  put("f", "x");
  MUST(mkdir("d", 0755));
  MUST(symlink("nowhere", "dangling"));
  SHOW(mkdir("d", 0755));
  SHOW(mkdir("f", 0755));
  SHOW(mkdir("dangling", 0755));
  SHOW(mkdir("dangling/", 0755));
  SHOW(mkdir("missing/d", 0755));
  SHOW(mkdir("f/d", 0755));
  SHOW(mkdir("", 0755));
  SHOW(mkdir(".", 0755));
  SHOW(mkdir("..", 0755));
  SHOW(mkdir("/", 0755));
  SHOW(mkdir("d/.", 0755));
  SHOW(mkdir("new/.", 0755));
  SHOW(mkdir(BAD_POINTER, 0755));
  SHOW(mkdirat(77, "e", 0755));
}

CASE(rmdir_errors) {
  put("f", "x");
  MUST(mkdir("d", 0755));
  MUST(mkdir("full", 0755));
  put("full/f", "x");
  MUST(symlink("d", "l"));
  SHOW(rmdir("f"));
  SHOW(rmdir("full"));
  SHOW(rmdir("missing"));
  SHOW(rmdir("l"));
  SHOW(rmdir("l/"));
  SHOW(rmdir("d/."));
  SHOW(rmdir("d/.."));
  SHOW(rmdir("."));
  SHOW(rmdir("/"));
  SHOW(rmdir(""));
  SHOW(rmdir("f/"));
  SHOW(rmdir(BAD_POINTER));
  SHOW(rmdir("d/"));
  SHOW(rmdir("d"));
}

CASE(rename_file) {
  put("a", "A");
  put("b", "B");
  SHOW(rename("a", "c"));
  say_names(".");
  SHOW(rename("c", "b"));
  say_names(".");
  say_content("b");
  MUST(mkdir("d", 0755));
  SHOW(rename("b", "d/b"));
  say_content("d/b");
  say_names(".");
}

CASE(rename_directory) {
  MUST(mkdir("d", 0755));
  put("d/f", "x");
  MUST(mkdir("empty", 0755));
  MUST(mkdir("full", 0755));
  put("full/g", "x");
  SHOW(rename("d", "empty"));
  say_names("empty");
  SHOW(rename("empty", "full"));
  SHOW(rename("empty", "new/"));
  say_names("new");
  SHOW(rename("new", "new/sub"));
  SHOW(rename("new/", "full/moved/"));
  say_names("full/moved");
  SHOW(rename("full/moved/..", "x"));
}

CASE(rename_errors) {
  put("f", "x");
  MUST(mkdir("d", 0755));
  MUST(mkdir("d/e", 0755));
  SHOW(rename("missing", "x"));
  SHOW(rename("f", "missing/x"));
  SHOW(rename("f", "d"));
  SHOW(rename("d", "f"));
  SHOW(rename("d/e", "d"));
  SHOW(rename("d", "d/e/x"));
  SHOW(rename("f", "f/x"));
  SHOW(rename("f/x", "y"));
  SHOW(rename("f", "g/"));
  SHOW(rename("f/", "g"));
  SHOW(rename(".", "x"));
  SHOW(rename("d/.", "x"));
  SHOW(rename("f", "."));
  SHOW(rename("f", "d/.."));
  SHOW(rename("", "x"));
  SHOW(rename("f", ""));
  SHOW(rename(BAD_POINTER, "x"));
  SHOW(rename("f", BAD_POINTER));
  SHOW(renameat(77, "f", AT_FDCWD, "g"));
  SHOW(renameat(AT_FDCWD, "f", 77, "g"));
  SHOW(rename("f", "/proc/x"));
  say_names(".");
}

CASE(rename_onto_itself) {
  put("f", "x");
  MUST(link("f", "g"));
  SHOW(rename("f", "f"));
  /* Two names of one file: rename(2) does nothing and both stay. */
  SHOW(rename("f", "g"));
  say_names(".");
  MUST(mkdir("d", 0755));
  SHOW(rename("d", "d"));
}

CASE(rename_symlink) {
  put("f", "x");
  MUST(symlink("f", "l"));
  MUST(symlink("nowhere", "m"));
  SHOW(rename("l", "l2"));
  show_stat("l2");
  SHOW(rename("f", "m"));
  show_stat("m");
  say_names(".");
}

CASE(rename_replaces_open_file) {
  char b[10] = "";
  put("old", "old");
  put("new", "new");
  int fd = MUST(open("old", O_RDONLY));
  SHOW(rename("new", "old"));
  SHOW(read(fd, b, 3));
  say("%s", b);
  struct stat st;
  MUST(fstat(fd, &st));
  SHOW(st.st_nlink);
  say_content("old");
}

CASE(rename_noreplace) {
  put("a", "A");
  put("b", "B");
  SHOW(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE));
  say_content("b");
  SHOW(renameat2(AT_FDCWD, "a", AT_FDCWD, "c", RENAME_NOREPLACE));
  say_names(".");
  SHOW(renameat2(AT_FDCWD, "b", AT_FDCWD, "b", RENAME_NOREPLACE));
}

CASE(rename_exchange) {
  put("a", "A");
  MUST(mkdir("d", 0755));
  put("d/f", "F");
  SHOW(renameat2(AT_FDCWD, "a", AT_FDCWD, "d", RENAME_EXCHANGE));
  say_content("d");
  say_names("a");
  SHOW(renameat2(AT_FDCWD, "d", AT_FDCWD, "a/f", RENAME_EXCHANGE));
  say_content("a/f");
  say_content("d");
  SHOW(renameat2(AT_FDCWD, "d", AT_FDCWD, "missing", RENAME_EXCHANGE));
  SHOW(renameat2(AT_FDCWD, "missing", AT_FDCWD, "d", RENAME_EXCHANGE));
  SHOW(renameat2(AT_FDCWD, "a", AT_FDCWD, "a/f", RENAME_EXCHANGE));
}

CASE(rename_flags) {
  put("a", "A");
  put("b", "B");
  SHOW(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE | RENAME_EXCHANGE));
  SHOW(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", 0x100));
  SHOW(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", 0));
}

CASE(rename_with_dirfds) {
  MUST(mkdir("x", 0755));
  MUST(mkdir("y", 0755));
  put("x/f", "content");
  int x = MUST(open("x", O_RDONLY)), y = MUST(open("y", O_PATH));
  int file = MUST(open("x/f", O_RDONLY));
  SHOW(renameat(x, "f", y, "g"));
  say_names("x");
  say_names("y");
  SHOW(renameat(file, "f", y, "g"));
  SHOW(renameat(y, "g", file, "g"));
}

CASE(rename_moves_the_parent) {
  /* After a move ".." is the new parent, for an fd that was open before too. */
  MUST(mkdir("a", 0755));
  MUST(mkdir("b", 0755));
  MUST(mkdir("a/d", 0755));
  put("b/in_b", "x");
  int fd = MUST(open("a/d", O_RDONLY));
  MUST(rename("a/d", "b/d"));
  struct stat st;
  SHOW(fstatat(fd, "../in_b", &st, 0));
  say_names("b/d/..");
}

CASE(names_with_odd_bytes) {
  const char *names[] = {" ", "a b", "\n", "\xff\xfe", "-rf", "\xc3\xa4", "...", "a\\b", "*", "\x01"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    put(names[i], names[i]);
    struct stat st;
    SHOW_AS("stat", stat(names[i], &st));
  }
  DIR *dir = opendir(".");
  int count = 0;
  while (readdir(dir) != NULL) count++;
  SHOW(count);
  SHOW(unlink("\xff\xfe"));
  SHOW(rename("\n", "\t"));
}

CASE(deep_tree) {
  char path[4096] = "";
  for (int i = 0; i < 100; i++) {
    strcat(path, i == 0 ? "level" : "/level");
    if (mkdir(path, 0755) == -1) say("mkdir %d: %s", i, errno_name(errno));
  }
  strcat(path, "/file");
  put(path, "deep");
  int fd = open(path, O_RDONLY);
  char b[8] = "";
  SHOW(read(fd, b, 4));
  say("%s", b);
  SHOW(rename("level/level", "half"));
  path[0] = 0;
  strcat(path, "half");
  for (int i = 0; i < 98; i++) strcat(path, "/level");
  say_names(path);
}

CASE(many_names_come_and_go) {
  char name[32];
  for (int i = 0; i < 500; i++) {
    sprintf(name, "n%d", i);
    put(name, "x");
  }
  for (int i = 0; i < 500; i += 2) {
    sprintf(name, "n%d", i);
    MUST(unlink(name));
  }
  int count = 0;
  DIR *dir = opendir(".");
  while (readdir(dir) != NULL) count++;
  SHOW(count);
}

CASE(symlink_in_the_middle) {
  MUST(mkdir("d", 0755));
  MUST(mkdir("d/e", 0755));
  put("d/e/f", "content");
  MUST(symlink("d/e", "short"));
  MUST(symlink("../d/e/f", "d/up"));
  say_content("short/f");
  say_content("d/up");
  say_content("short/../up");
  SHOW(rename("short/f", "short/g"));
  say_names("d/e");
  SHOW(mkdir("short/new", 0755));
  SHOW(rmdir("short/new"));
  SHOW(unlink("short/g"));
}
