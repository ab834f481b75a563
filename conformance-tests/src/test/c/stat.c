/* stat, lstat, fstat, newfstatat, statx, statfs, utimensat. */
#include "harness.h"
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

CASE(stat_kinds) {
  put("f", "content");
  MUST(mkdir("d", 0750));
  MUST(symlink("f", "l"));
  MUST(mkfifo("p", 0600));
  MUST(mknod("s", S_IFSOCK | 0640, 0));
  show_stat("f");
  show_stat("d");
  show_stat("l");
  show_stat("p");
  show_stat("s");
  show_stat("missing");
}

CASE(stat_follows) {
  struct stat st;
  put("f", "content");
  MUST(symlink("f", "l"));
  MUST(symlink("nowhere", "dangling"));
  SHOW(stat("l", &st));
  say_stat("through link", &st);
  SHOW(stat("dangling", &st));
  SHOW(lstat("dangling", &st));
}

CASE(stat_errors) {
  struct stat st;
  put("f", "x");
  MUST(symlink("b", "a"));
  MUST(symlink("a", "b"));
  SHOW(stat("", &st));
  SHOW(stat("f/x", &st));
  SHOW(stat("f/", &st));
  SHOW(stat("a", &st));
  SHOW(lstat("a", &st));
  SHOW(lstat("a/", &st));
  SHOW(stat("missing/x", &st));
  SHOW(syscall(SYS_stat, BAD_POINTER, &st));
  SHOW(syscall(SYS_stat, "f", BAD_POINTER));
  SHOW(syscall(SYS_stat, "missing", BAD_POINTER));
  SHOW(syscall(SYS_lstat, "f", BAD_POINTER));
  SHOW(syscall(SYS_fstat, 0, BAD_POINTER));
  SHOW(syscall(SYS_fstat, 77, &st));
  SHOW(syscall(SYS_fstat, -1, BAD_POINTER));
}

CASE(stat_buffer_crosses_into_nothing) {
  char *page = page_before_hole();
  put("f", "x");
  SHOW(syscall(SYS_stat, "f", page + 4096 - sizeof(struct stat)));
  SHOW(syscall(SYS_stat, "f", page + 4096 - sizeof(struct stat) + 8));
}

CASE(fstat_after_changes) {
  struct stat st;
  int fd = MUST(open("f", O_RDWR | O_CREAT, 0644));
  MUST(fstat(fd, &st));
  say_stat("new", &st);
  MUST(write(fd, "12345", 5));
  MUST(link("f", "g"));
  MUST(fchmod(fd, 0600));
  MUST(fstat(fd, &st));
  say_stat("changed", &st);
  MUST(unlink("f"));
  MUST(unlink("g"));
  MUST(fstat(fd, &st));
  say_stat("unlinked", &st);
}

CASE(directory_link_counts) {
  struct stat st;
  MUST(mkdir("d", 0755));
  MUST(stat("d", &st));
  SHOW(st.st_nlink);
  MUST(mkdir("d/one", 0755));
  MUST(mkdir("d/two", 0755));
  put("d/file", "x");
  MUST(stat("d", &st));
  SHOW(st.st_nlink);
  MUST(rmdir("d/one"));
  MUST(stat("d", &st));
  SHOW(st.st_nlink);
  MUST(rename("d/two", "two"));
  MUST(stat("d", &st));
  SHOW(st.st_nlink);
  int fd = MUST(open("d", O_RDONLY));
  MUST(unlink("d/file"));
  MUST(rmdir("d"));
  MUST(fstat(fd, &st));
  SHOW(st.st_nlink);
}

CASE(same_file_same_inode) {
  struct stat a, b, c;
  put("f", "x");
  put("other", "x");
  MUST(link("f", "g"));
  MUST(stat("f", &a));
  MUST(stat("g", &b));
  MUST(stat("other", &c));
  SHOW(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
  SHOW(a.st_ino == c.st_ino);
  int fd = MUST(open("f", O_RDONLY));
  MUST(fstat(fd, &b));
  SHOW(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
  MUST(rename("f", "h"));
  MUST(stat("h", &b));
  SHOW(a.st_ino == b.st_ino);
  MUST(stat(".", &b));
  MUST(stat("../same_file_same_inode", &c));
  SHOW(b.st_ino == c.st_ino && b.st_dev == c.st_dev);
  SHOW(a.st_ino != 0);
}

CASE(fstatat_flags) {
  struct stat st;
  MUST(mkdir("d", 0755));
  put("d/f", "content");
  MUST(symlink("f", "d/l"));
  int dir = MUST(open("d", O_RDONLY));
  int file = MUST(open("d/f", O_RDONLY));
  SHOW(fstatat(dir, "f", &st, 0));
  SHOW(fstatat(dir, "l", &st, AT_SYMLINK_NOFOLLOW));
  say("%s", type_name(st.st_mode));
  SHOW(fstatat(dir, "l", &st, 0));
  say("%s", type_name(st.st_mode));
  SHOW(fstatat(dir, "", &st, 0));
  SHOW(fstatat(dir, "", &st, AT_EMPTY_PATH));
  say("%s", type_name(st.st_mode));
  SHOW(fstatat(file, "", &st, AT_EMPTY_PATH));
  say("%s", type_name(st.st_mode));
  SHOW(fstatat(AT_FDCWD, "", &st, AT_EMPTY_PATH));
  say("%s", type_name(st.st_mode));
  SHOW(fstatat(file, "f", &st, 0));
  SHOW(fstatat(77, "f", &st, 0));
  SHOW(fstatat(77, "", &st, AT_EMPTY_PATH));
  SHOW(fstatat(dir, "f", &st, 0x4000000));
  SHOW(fstatat(dir, "f", &st, AT_SYMLINK_FOLLOW));
  SHOW(fstatat(dir, "f", &st, AT_NO_AUTOMOUNT));
}

CASE(statx_fields) {
  struct statx x;
  put("f", "content");
  memset(&x, 0xff, sizeof x);
  SHOW(statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &x));
  say("%s %04o nlink=%u uid=%u gid=%u size=%llu", type_name(x.stx_mode), x.stx_mode & 07777,
      x.stx_nlink, x.stx_uid, x.stx_gid, (unsigned long long)x.stx_size);
  say("basic fields present: %d", (x.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
  struct stat st;
  MUST(stat("f", &st));
  say("same inode %d, same device %d, same mtime %d", st.st_ino == x.stx_ino,
      st.st_dev == makedev(x.stx_dev_major, x.stx_dev_minor),
      st.st_mtim.tv_sec == x.stx_mtime.tv_sec && st.st_mtim.tv_nsec == x.stx_mtime.tv_nsec);
}

CASE(statx_flags) {
  struct statx x;
  put("f", "content");
  MUST(symlink("f", "l"));
  int fd = MUST(open("f", O_RDONLY));
  SHOW(statx(AT_FDCWD, "l", AT_SYMLINK_NOFOLLOW, STATX_TYPE, &x));
  say("%s", type_name(x.stx_mode));
  SHOW(statx(fd, "", AT_EMPTY_PATH, STATX_ALL, &x));
  say("%s size %llu", type_name(x.stx_mode), (unsigned long long)x.stx_size);
  SHOW(statx(fd, "", 0, STATX_ALL, &x));
  SHOW(statx(AT_FDCWD, "f", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, STATX_ALL, &x));
  SHOW(statx(AT_FDCWD, "f", AT_STATX_DONT_SYNC, STATX_ALL, &x));
  SHOW(statx(AT_FDCWD, "f", 0x4000000, STATX_ALL, &x));
  SHOW(statx(AT_FDCWD, "f", 0, 0x80000000u, &x));
  SHOW(statx(AT_FDCWD, "f", 0, 0, &x));
  SHOW(statx(77, "f", 0, 0, &x));
  SHOW(statx(77, "/", 0, 0, &x));
  SHOW(statx(AT_FDCWD, "missing", 0, 0, &x));
  SHOW(syscall(SYS_statx, AT_FDCWD, "f", 0, 0, BAD_POINTER));
  SHOW(syscall(SYS_statx, AT_FDCWD, BAD_POINTER, 0, 0, &x));
}

CASE(stat_of_pipe_and_devices) {
  struct stat st;
  int pipes[2];
  MUST(pipe(pipes));
  SHOW(fstat(pipes[0], &st));
  say_stat("pipe", &st);
  SHOW(stat("/dev/null", &st));
  say("null: %s %u:%u mode %04o", type_name(st.st_mode), major(st.st_rdev), minor(st.st_rdev), st.st_mode & 07777);
  SHOW(stat("/dev/zero", &st));
  say("zero: %s %u:%u", type_name(st.st_mode), major(st.st_rdev), minor(st.st_rdev));
  SHOW(stat("/dev/tty", &st));
  say("tty: %s %u:%u", type_name(st.st_mode), major(st.st_rdev), minor(st.st_rdev));
  SHOW(stat("/dev/urandom", &st));
  say("urandom: %s %u:%u", type_name(st.st_mode), major(st.st_rdev), minor(st.st_rdev));
}

CASE(times_move_forward) {
  struct stat before, after;
  put("f", "x");
  MUST(stat("f", &before));
  sleep_ms(20);
  put("f", "y");
  MUST(stat("f", &after));
  say("mtime later: %d, ctime later: %d",
      after.st_mtim.tv_sec > before.st_mtim.tv_sec || after.st_mtim.tv_nsec > before.st_mtim.tv_nsec,
      after.st_ctim.tv_sec > before.st_ctim.tv_sec || after.st_ctim.tv_nsec > before.st_ctim.tv_nsec);
  long age = time(NULL) - after.st_mtime;
  say("mtime is now: %d", age >= 0 && age < 3);
}

CASE(directory_times) {
  struct timespec old[] = {{1000, 0}, {1000, 0}};
  struct stat st;
  MUST(mkdir("d", 0755));
  const char *steps[] = {"create", "rename", "unlink", "mkdir", "rmdir", "nothing"};
  for (int i = 0; i < 6; i++) {
    MUST(utimensat(AT_FDCWD, "d", old, 0));
    if (i == 0) put("d/f", "x");
    if (i == 1) MUST(rename("d/f", "d/g"));
    if (i == 2) MUST(unlink("d/g"));
    if (i == 3) MUST(mkdir("d/e", 0755));
    if (i == 4) MUST(rmdir("d/e"));
    MUST(stat("d", &st));
    say("mtime after %s changed: %d", steps[i], st.st_mtime != 1000);
  }
}

static void show_times(const char *path) {
  struct stat st;
  MUST(lstat(path, &st));
  long now = time(NULL);
  char a[40], m[40];
  if (now - st.st_atime < 5) strcpy(a, "now"); else sprintf(a, "%ld.%09ld", st.st_atime, st.st_atim.tv_nsec);
  if (now - st.st_mtime < 5) strcpy(m, "now"); else sprintf(m, "%ld.%09ld", st.st_mtime, st.st_mtim.tv_nsec);
  say("%s: atime %s mtime %s", path, a, m);
}

CASE(utimensat_values) {
  put("f", "x");
  struct timespec t[] = {{1111111111, 123456789}, {999999999, 987654321}};
  SHOW(utimensat(AT_FDCWD, "f", t, 0));
  show_times("f");
  t[0].tv_nsec = UTIME_OMIT;
  t[1] = (struct timespec){5, 0};
  SHOW(utimensat(AT_FDCWD, "f", t, 0));
  show_times("f");
  t[0].tv_nsec = UTIME_NOW;
  t[1].tv_nsec = UTIME_OMIT;
  SHOW(utimensat(AT_FDCWD, "f", t, 0));
  show_times("f");
  SHOW(utimensat(AT_FDCWD, "f", NULL, 0));
  show_times("f");
  struct timespec past[] = {{-1, 0}, {-100, 500}};
  SHOW(utimensat(AT_FDCWD, "f", past, 0));
  show_times("f");
}

CASE(utimensat_flags) {
  put("f", "x");
  MUST(symlink("f", "l"));
  struct timespec t[] = {{100, 0}, {200, 0}};
  SHOW(utimensat(AT_FDCWD, "l", t, AT_SYMLINK_NOFOLLOW));
  show_times("l");
  show_times("f");
  SHOW(utimensat(AT_FDCWD, "l", t, 0));
  show_times("f");
  int fd = MUST(open("f", O_RDONLY));
  t[0].tv_sec = 300;
  SHOW(futimens(fd, t));
  show_times("f");
  SHOW(utimensat(fd, "", t, AT_EMPTY_PATH));
}

CASE(utimensat_errors) {
  put("f", "x");
  struct timespec t[] = {{100, 1000000000}, {200, 0}};
  SHOW(utimensat(AT_FDCWD, "f", t, 0));
  t[0].tv_nsec = -1;
  SHOW(utimensat(AT_FDCWD, "f", t, 0));
  t[0].tv_nsec = 0;
  SHOW(utimensat(AT_FDCWD, "f", t, 0x8000));
  SHOW(utimensat(AT_FDCWD, "missing", t, 0));
  SHOW(utimensat(AT_FDCWD, "f/x", t, 0));
  SHOW(utimensat(77, "f", t, 0));
  SHOW(syscall(SYS_utimensat, 77, NULL, t, 0));
  SHOW(syscall(SYS_utimensat, AT_FDCWD, NULL, t, 0));
  SHOW(syscall(SYS_utimensat, AT_FDCWD, "f", BAD_POINTER, 0));
}

CASE(utime_family) {
  put("f", "x");
  struct timeval tv[] = {{10, 500000}, {20, 250000}};
  SHOW(syscall(SYS_utimes, "f", tv));
  show_times("f");
  tv[0].tv_usec = 1000000;
  SHOW(syscall(SYS_utimes, "f", tv));
  long both[] = {30, 40};
  SHOW(syscall(SYS_utime, "f", both));
  show_times("f");
  SHOW(syscall(SYS_utime, "f", NULL));
  show_times("f");
  tv[0].tv_usec = 0;
  SHOW(syscall(SYS_futimesat, AT_FDCWD, "f", tv));
  show_times("f");
}

CASE(read_updates_nothing_but_atime) {
  char c;
  put("f", "x");
  struct timespec old[] = {{1000, 0}, {1000, 0}};
  MUST(utimensat(AT_FDCWD, "f", old, 0));
  int fd = MUST(open("f", O_RDONLY));
  MUST(read(fd, &c, 1));
  struct stat st;
  MUST(fstat(fd, &st));
  say("mtime changed: %d", st.st_mtime != 1000);
}

CASE(statfs_shape) {
  struct statfs fs;
  put("f", "x");
  SHOW(statfs("f", &fs));
  say("block size %d, name length %ld, blocks %d", fs.f_bsize > 0, (long)fs.f_namelen, fs.f_bfree <= fs.f_blocks);
  SHOW(statfs("missing", &fs));
  SHOW(statfs("f/x", &fs));
  SHOW(fstatfs(77, &fs));
  SHOW(syscall(SYS_statfs, "f", BAD_POINTER));
  SHOW(syscall(SYS_statfs, BAD_POINTER, &fs));
  int pipes[2];
  MUST(pipe(pipes));
  SHOW(fstatfs(pipes[0], &fs));
  say("pipe: type %#lx", (long)fs.f_type);
  SHOW(statfs("/proc", &fs));
  say("proc: type %#lx", (long)fs.f_type);
}

CASE(xattrs) {
  char value[64];
  put("f", "x");
  int fd = MUST(open("f", O_RDONLY));
  SHOW(syscall(SYS_getxattr, "f", "user.missing", value, sizeof value));
  SHOW(syscall(SYS_getxattr, "missing", "user.missing", value, sizeof value));
  SHOW(syscall(SYS_getxattr, "f", "nonsense", value, sizeof value));
  SHOW(syscall(SYS_setxattr, "f", "nonsense.name", "v", 1, 0));
  SHOW(syscall(SYS_setxattr, "f", "user.name", "v", 1, 99));
  SHOW(syscall(SYS_fgetxattr, 77, "user.name", value, sizeof value));
  SHOW(syscall(SYS_listxattr, "missing", value, sizeof value));
  SHOW(syscall(SYS_flistxattr, fd, BAD_POINTER, 0));
  SHOW(syscall(SYS_removexattr, "f", "user.missing"));
}

CASE(user_xattr_round_trip) {
  char value[64] = "";
  put("f", "x");
  SHOW(syscall(SYS_setxattr, "f", "user.color", "green", 5, 0));
  SHOW(syscall(SYS_getxattr, "f", "user.color", value, sizeof value));
  say_bytes("value", value, 5);
  SHOW(syscall(SYS_getxattr, "f", "user.color", value, 0));
  SHOW(syscall(SYS_getxattr, "f", "user.color", value, 2));
  SHOW(syscall(SYS_setxattr, "f", "user.color", "red", 3, 1));
  SHOW(syscall(SYS_setxattr, "f", "user.shape", "red", 3, 2));
  SHOW(syscall(SYS_setxattr, "f", "user.color", "red", 3, 2));
  SHOW(syscall(SYS_listxattr, "f", value, sizeof value));
  say_bytes("names", value, 11);
  SHOW(syscall(SYS_removexattr, "f", "user.color"));
  SHOW(syscall(SYS_getxattr, "f", "user.color", value, sizeof value));
}
