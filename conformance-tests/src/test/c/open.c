/* open, openat, creat, openat2: flags, modes, umask. */
#include "harness.h"
#include <linux/openat2.h>

static void show_mode(const char *path) {
  struct stat st;
  MUST(lstat(path, &st));
  say("%s has mode %04o", path, st.st_mode & 07777);
}

CASE(missing_file) { SHOW(open("missing", O_RDONLY)); }

CASE(missing_directory) { SHOW(open("missing/file", O_RDWR | O_CREAT, 0644)); }

CASE(empty_path) {
  SHOW(open("", O_RDONLY));
  SHOW(open("", O_WRONLY | O_CREAT, 0644));
}

CASE(lowest_fd) {
  put("f", "x");
  SHOW(open("f", O_RDONLY));
  SHOW(open("f", O_RDONLY));
  SHOW(open("f", O_RDONLY));
  SHOW(close(4));
  SHOW(open("f", O_RDONLY));
  SHOW(close(0));
  SHOW(open("f", O_RDONLY));
}

CASE(create_modes) {
  mode_t modes[] = {0, 0400, 0600, 0644, 0666, 0755, 0777, 04755, 02755, 01777, 07777};
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    char name[20];
    sprintf(name, "f%04o", modes[i]);
    close(MUST(open(name, O_WRONLY | O_CREAT, modes[i])));
    show_mode(name);
  }
}

CASE(create_with_umask) {
  mode_t masks[] = {0, 027, 077, 0777};
  for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
    char name[20];
    umask(masks[i]);
    sprintf(name, "f%04o", masks[i]);
    close(MUST(open(name, O_WRONLY | O_CREAT, 0777)));
    show_mode(name);
    sprintf(name, "d%04o", masks[i]);
    MUST(mkdir(name, 0777));
    show_mode(name);
  }
}

CASE(umask_values) {
  SHOW(umask(0));
  SHOW(umask(07777));
  SHOW(umask(022));
}

CASE(create_keeps_mode_of_existing) {
  put("f", "content");
  chmod("f", 0640);
  SHOW(open("f", O_RDWR | O_CREAT, 0777));
  show_mode("f");
  say_content("f");
}

CASE(exclusive) {
  SHOW(open("f", O_WRONLY | O_CREAT | O_EXCL, 0644));
  SHOW(open("f", O_WRONLY | O_CREAT | O_EXCL, 0644));
  MUST(symlink("nowhere", "dangling"));
  SHOW(open("dangling", O_WRONLY | O_CREAT | O_EXCL, 0644));
  MUST(symlink("f", "link"));
  SHOW(open("link", O_WRONLY | O_CREAT | O_EXCL, 0644));
  MUST(mkdir("d", 0755));
  SHOW(open("d", O_WRONLY | O_CREAT | O_EXCL, 0644));
}

CASE(exclusive_without_create) {
  put("f", "x");
  SHOW(open("f", O_RDONLY | O_EXCL));
  SHOW(open("missing", O_RDONLY | O_EXCL));
}

CASE(create_through_dangling_symlink) {
  MUST(symlink("target", "dangling"));
  SHOW(open("dangling", O_WRONLY | O_CREAT, 0644));
  show_stat("target");
  show_stat("dangling");
}

CASE(truncate) {
  put("f", "content");
  SHOW(open("f", O_WRONLY | O_TRUNC));
  show_stat("f");
}

CASE(truncate_with_read_only) {
  put("f", "content");
  SHOW(open("f", O_RDONLY | O_TRUNC));
  show_stat("f");
}

CASE(truncate_directory) {
  MUST(mkdir("d", 0755));
  SHOW(open("d", O_RDONLY | O_TRUNC));
  SHOW(open("d", O_WRONLY | O_TRUNC));
}

CASE(directory_for_writing) {
  MUST(mkdir("d", 0755));
  SHOW(open("d", O_WRONLY));
  SHOW(open("d", O_RDWR));
  SHOW(open("d", O_RDONLY));
  SHOW(open("d", O_RDONLY | O_CREAT, 0644));
  SHOW(open(".", O_RDONLY | O_CREAT, 0644));
  SHOW(open("/", O_WRONLY));
}

CASE(directory_flag) {
  put("f", "x");
  MUST(mkdir("d", 0755));
  MUST(symlink("d", "to_d"));
  MUST(symlink("f", "to_f"));
  SHOW(open("f", O_RDONLY | O_DIRECTORY));
  SHOW(open("d", O_RDONLY | O_DIRECTORY));
  SHOW(open("to_d", O_RDONLY | O_DIRECTORY));
  SHOW(open("to_f", O_RDONLY | O_DIRECTORY));
  SHOW(open("to_d", O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  SHOW(open("missing", O_RDONLY | O_DIRECTORY));
}

CASE(nofollow) {
  put("f", "x");
  MUST(symlink("f", "link"));
  MUST(symlink("nowhere", "dangling"));
  SHOW(open("f", O_RDONLY | O_NOFOLLOW));
  SHOW(open("link", O_RDONLY | O_NOFOLLOW));
  SHOW(open("dangling", O_RDONLY | O_NOFOLLOW));
  SHOW(open("dangling", O_WRONLY | O_CREAT | O_NOFOLLOW, 0644));
}

CASE(trailing_slash) {
  put("f", "x");
  SHOW(open("f/", O_RDONLY));
  SHOW(open("new/", O_WRONLY | O_CREAT, 0644));
  SHOW(open("f/.", O_RDONLY));
  SHOW(open("./f", O_RDONLY));
  SHOW(open(".//f", O_RDONLY));
}

CASE(write_only_cannot_read) {
  char c;
  put("f", "x");
  int fd = MUST(open("f", O_WRONLY));
  SHOW(read(fd, &c, 1));
  SHOW(pread(fd, &c, 1, 0));
}

CASE(read_only_cannot_write) {
  put("f", "x");
  int fd = MUST(open("f", O_RDONLY));
  SHOW(write(fd, "y", 1));
  SHOW(pwrite(fd, "y", 1, 0));
  SHOW(ftruncate(fd, 0));
}

CASE(access_mode_three) {
  /* 3 is neither; Linux wants both permissions and then allows no I/O, only ioctl. */
  char c;
  put("f", "x");
  int fd = SHOW(open("f", O_WRONLY | O_RDWR));
  SHOW(read(fd, &c, 1));
  SHOW(write(fd, "y", 1));
}

CASE(getfl_after_open) {
  put("f", "x");
  int flags[] = {O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_APPEND, O_RDONLY | O_NONBLOCK, O_RDONLY | O_CLOEXEC,
                 O_RDWR | O_CREAT | O_TRUNC, O_WRONLY | O_SYNC, O_WRONLY | O_DSYNC, O_RDONLY | O_NOATIME,
                 O_PATH, O_PATH | O_CLOEXEC | O_RDWR, O_RDONLY | O_NOCTTY};
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
    int fd = MUST(open("f", flags[i]));
    say("opened with %#o: F_GETFL %#o F_GETFD %d", flags[i], fcntl(fd, F_GETFL), fcntl(fd, F_GETFD));
    close(fd);
  }
}

CASE(unknown_flags_are_ignored) {
  put("f", "x");
  SHOW(open("f", O_RDONLY | 0x40000000));
  SHOW(openat(AT_FDCWD, "f", O_RDONLY | 0x8));
}

CASE(creat) {
  put("f", "content");
  SHOW(creat("f", 0600));
  show_stat("f");
  SHOW(creat("new", 0640));
  show_stat("new");
  int fd = MUST(creat("g", 0000));
  char c;
  SHOW(write(fd, "x", 1));
  SHOW(read(fd, &c, 1));
}

CASE(create_without_write_permission_in_mode) {
  int fd = SHOW(open("f", O_RDWR | O_CREAT, 0));
  SHOW(write(fd, "still writable", 14));
}

CASE(openat_dirfd) {
  MUST(mkdir("d", 0755));
  put("d/f", "inside");
  put("f", "outside");
  int dir = MUST(open("d", O_RDONLY | O_DIRECTORY));
  int file = MUST(open("f", O_RDONLY));
  char content[20] = "";
  int fd = SHOW(openat(dir, "f", O_RDONLY));
  SHOW(read(fd, content, sizeof content));
  say("%s", content);
  SHOW(openat(file, "f", O_RDONLY));
  SHOW(openat(99, "f", O_RDONLY));
  SHOW(openat(-1, "f", O_RDONLY));
  SHOW(openat(99, "/dev/null", O_RDONLY));
  SHOW(openat(dir, "", O_RDONLY));
  SHOW(openat(dir, "../f", O_RDONLY));
  SHOW(openat(dir, "new", O_WRONLY | O_CREAT, 0600));
  show_stat("d/new");
}

CASE(path_flag) {
  char c;
  put("f", "x");
  MUST(symlink("f", "link"));
  int fd = SHOW(open("f", O_PATH));
  SHOW(read(fd, &c, 1));
  SHOW(write(fd, "y", 1));
  SHOW(lseek(fd, 0, SEEK_SET));
  SHOW(ftruncate(fd, 0));
  SHOW(fchmod(fd, 0600));
  SHOW(fchown(fd, 0, 0));
  SHOW(fsync(fd));
  SHOW(ioctl(fd, 0x5401, &c));
  struct stat st;
  SHOW(fstat(fd, &st));
  SHOW(fcntl(fd, F_SETFL, O_NONBLOCK));
  SHOW(dup(fd));
  int link = SHOW(open("link", O_PATH | O_NOFOLLOW));
  SHOW(fstat(link, &st));
  say("type %s", type_name(st.st_mode));
  SHOW(open("missing", O_PATH | O_CREAT, 0644));
  char target[10];
  SHOW(readlinkat(link, "", target, sizeof target));
}

CASE(path_of_directory) {
  MUST(mkdir("d", 0755));
  put("d/f", "x");
  int dir = SHOW(open("d", O_PATH | O_DIRECTORY));
  SHOW(openat(dir, "f", O_RDONLY));
  char buffer[512];
  SHOW(syscall(SYS_getdents64, dir, buffer, sizeof buffer));
  SHOW(fchdir(dir));
  show_stat("f");
}

CASE(tmpfile_flag) {
  int fd = SHOW(open(".", O_TMPFILE | O_RDWR, 0600));
  SHOW(write(fd, "anonymous", 9));
  struct stat st;
  SHOW(fstat(fd, &st));
  say_stat("unnamed", &st);
  say_names(".");
  char path[64];
  sprintf(path, "/proc/self/fd/%d", fd);
  SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
  show_stat("named");
  say_content("named");
  SHOW(open(".", O_TMPFILE | O_RDONLY, 0600));
}

CASE(tmpfile_exclusive_cannot_be_linked) {
  int fd = SHOW(open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600));
  char path[64];
  sprintf(path, "/proc/self/fd/%d", fd);
  SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
}

CASE(tmpfile_of_users_and_odd_places) {
  char path[64];
  MUST(mkdir("d", 0755));
  MUST(mkdir("s", 0755));
  MUST(chown("s", 0, 777));
  chmod("s", 02777);
  put("f", "x");
  SHOW(open("f", O_TMPFILE | O_RDWR, 0600));
  SHOW(open("missing", O_TMPFILE | O_RDWR, 0600));
  SHOW(open("d", (O_TMPFILE & ~O_DIRECTORY) | O_RDWR, 0600));
  pid_t pid = fork();
  if (pid == 0) {
    MUST(setgid(12345));
    MUST(setuid(12345));
    SHOW(open("d", O_TMPFILE | O_RDWR, 0600));
    int fd = SHOW(open("s", O_TMPFILE | O_RDWR, 06755));
    sprintf(path, "/proc/self/fd/%d", fd);
    SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "s/named", AT_SYMLINK_FOLLOW));
    _exit(0);
  }
  reap("user", pid);
  show_stat("s/named");
  int fd = SHOW(open("d", O_TMPFILE | O_WRONLY, 0640));
  SHOW(linkat(fd, "", AT_FDCWD, "d/by_fd", AT_EMPTY_PATH));
  SHOW(write(fd, "after", 5));
  show_stat("d/by_fd");
  say_content("d/by_fd");
  SHOW(unlink("d/by_fd"));
  SHOW(linkat(fd, "", AT_FDCWD, "d/again", AT_EMPTY_PATH));
}

CASE(special_files) {
  SHOW(mknod("fifo", S_IFIFO | 0644, 0));
  SHOW(open("fifo", O_WRONLY | O_NONBLOCK));
  SHOW(open("fifo", O_RDONLY | O_NONBLOCK));
  SHOW(open("fifo", O_WRONLY | O_NONBLOCK));
  SHOW(mknod("sock", S_IFSOCK | 0644, 0));
  SHOW(open("sock", O_RDONLY));
}

CASE(unlinked_while_open) {
  char content[10] = "";
  put("f", "content");
  int fd = MUST(open("f", O_RDWR));
  SHOW(unlink("f"));
  SHOW(read(fd, content, sizeof content - 1));
  say("%s", content);
  struct stat st;
  SHOW(fstat(fd, &st));
  say_stat("gone", &st);
  put("f", "other");
  SHOW(pread(fd, content, 3, 0));
  say("%s", content);
}

CASE(openat2_resolve) {
  MUST(mkdir("d", 0755));
  put("d/f", "x");
  put("f", "x");
  MUST(symlink("f", "d/link"));
  MUST(symlink("/etc/passwd", "d/absolute"));
  MUST(symlink("../f", "d/up"));
  int dir = MUST(open("d", O_RDONLY | O_DIRECTORY));
  struct open_how how = {.flags = O_RDONLY};
  SHOW(syscall(SYS_openat2, dir, "f", &how, sizeof how));
  how.resolve = RESOLVE_NO_SYMLINKS;
  SHOW(syscall(SYS_openat2, dir, "link", &how, sizeof how));
  SHOW(syscall(SYS_openat2, dir, "f", &how, sizeof how));
  how.resolve = RESOLVE_BENEATH;
  SHOW(syscall(SYS_openat2, dir, "link", &how, sizeof how));
  SHOW(syscall(SYS_openat2, dir, "../f", &how, sizeof how));
  SHOW(syscall(SYS_openat2, dir, "up", &how, sizeof how));
  SHOW(syscall(SYS_openat2, dir, "absolute", &how, sizeof how));
  SHOW(syscall(SYS_openat2, dir, "/f", &how, sizeof how));
  how.resolve = RESOLVE_IN_ROOT;
  SHOW(syscall(SYS_openat2, dir, "/f", &how, sizeof how));
  SHOW(syscall(SYS_openat2, dir, "../../f", &how, sizeof how));
  SHOW(syscall(SYS_openat2, dir, "absolute", &how, sizeof how));
}

CASE(openat2_arguments) {
  put("f", "x");
  struct open_how how = {.flags = O_RDONLY};
  SHOW(syscall(SYS_openat2, AT_FDCWD, "f", &how, sizeof how));
  SHOW(syscall(SYS_openat2, AT_FDCWD, "f", &how, 0));
  SHOW(syscall(SYS_openat2, AT_FDCWD, "f", &how, sizeof how - 1));
  how.flags = O_RDONLY | 0x8;
  SHOW_AS("unknown flag", syscall(SYS_openat2, AT_FDCWD, "f", &how, sizeof how));
  how.flags = O_RDONLY;
  how.mode = 0644;
  SHOW_AS("mode without O_CREAT", syscall(SYS_openat2, AT_FDCWD, "f", &how, sizeof how));
  how.flags = O_RDWR | O_CREAT;
  SHOW_AS("mode with O_CREAT", syscall(SYS_openat2, AT_FDCWD, "g", &how, sizeof how));
  how.mode = 0200000;
  SHOW_AS("mode too large", syscall(SYS_openat2, AT_FDCWD, "h", &how, sizeof how));
  how.mode = 0;
  how.flags = O_RDONLY;
  how.resolve = 0x1000;
  SHOW_AS("unknown resolve", syscall(SYS_openat2, AT_FDCWD, "f", &how, sizeof how));
  SHOW(syscall(SYS_openat2, AT_FDCWD, "f", BAD_POINTER, sizeof how));
  struct {
    struct open_how how;
    long more;
  } larger = {{.flags = O_RDONLY}, 0};
  SHOW(syscall(SYS_openat2, AT_FDCWD, "f", &larger, sizeof larger));
  larger.more = 1;
  SHOW(syscall(SYS_openat2, AT_FDCWD, "f", &larger, sizeof larger));
}

CASE(proc_self_fd_reopen) {
  put("f", "content");
  char path[64], content[10] = "";
  int fd = MUST(open("f", O_RDONLY));
  sprintf(path, "/proc/self/fd/%d", fd);
  int again = SHOW_AS("reopen for writing", open(path, O_RDWR));
  SHOW(write(again, "C", 1));
  SHOW(read(fd, content, 9));
  say("%s", content);
  SHOW(unlink("f"));
  SHOW_AS("reopen unlinked", open(path, O_RDONLY));
  SHOW_AS("reopen closed", open("/proc/self/fd/77", O_RDONLY));
}

CASE(open_dev_fd) {
  put("f", "content");
  char content[10] = "";
  int fd = MUST(open("f", O_RDONLY));
  MUST(dup2(fd, 10));
  int again = SHOW(open("/dev/fd/10", O_RDONLY));
  SHOW(read(again, content, 9));
  say("%s", content);
}

CASE(bad_path_pointer) {
  SHOW(open(BAD_POINTER, O_RDONLY));
  SHOW(open(NULL, O_RDONLY));
  char *page = page_before_hole();
  memset(page, 'a', 4096);
  SHOW(open(page + 4096 - 4, O_RDONLY));
  page[4095] = 0;
  SHOW(open(page + 4096 - 4, O_RDONLY));
  put("aaa", "x");
  SHOW(open(page + 4096 - 4, O_RDONLY));
}
