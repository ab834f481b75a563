/* inotify: what happens in a directory and to a file. */
#include "harness.h"
#include <sys/inotify.h>

static void say_inotify(int fd) {
  char buffer[8192] __attribute__((aligned(8)));
  ssize_t n = read(fd, buffer, sizeof buffer);
  if (n == -1) {
    say("  %s", errno_name(errno));
    return;
  }
  for (char *at = buffer; at < buffer + n;) {
    struct inotify_event *e = (void *)at;
    uint32_t m = e->mask;
    say("  wd %d%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s %s", e->wd, m & IN_ACCESS ? " ACCESS" : "", m & IN_MODIFY ? " MODIFY" : "",
        m & IN_ATTRIB ? " ATTRIB" : "", m & IN_CLOSE_WRITE ? " CLOSE_WRITE" : "", m & IN_CLOSE_NOWRITE ? " CLOSE_NOWRITE" : "",
        m & IN_OPEN ? " OPEN" : "", m & IN_MOVED_FROM ? " MOVED_FROM" : "", m & IN_MOVED_TO ? " MOVED_TO" : "",
        m & IN_CREATE ? " CREATE" : "", m & IN_DELETE ? " DELETE" : "", m & IN_DELETE_SELF ? " DELETE_SELF" : "",
        m & IN_MOVE_SELF ? " MOVE_SELF" : "", m & IN_ISDIR ? " ISDIR" : "", m & IN_IGNORED ? " IGNORED" : "",
        m & IN_UNMOUNT ? " UNMOUNT" : "", m & IN_Q_OVERFLOW ? " Q_OVERFLOW" : "", e->cookie ? " (cookie)" : "",
        e->len ? e->name : "");
    at += sizeof *e + e->len;
  }
}

CASE(create_and_delete) {
  int fd = REQUIRE(inotify_init1(IN_NONBLOCK));
  SHOW(inotify_add_watch(fd, ".", IN_CREATE | IN_DELETE));
  say_inotify(fd);
  put("f", "x");
  MUST(mkdir("d", 0755));
  MUST(symlink("f", "l"));
  MUST(link("f", "g"));
  MUST(unlink("f"));
  MUST(rmdir("d"));
  say_inotify(fd);
}

CASE(life_of_a_file) {
  char c;
  put("f", "content");
  int fd = REQUIRE(inotify_init1(IN_NONBLOCK));
  SHOW(inotify_add_watch(fd, "f", IN_ALL_EVENTS));
  int file = MUST(open("f", O_RDWR));
  MUST(read(file, &c, 1));
  MUST(write(file, "x", 1));
  MUST(ftruncate(file, 2));
  MUST(fchmod(file, 0600));
  close(file);
  close(MUST(open("f", O_RDONLY)));
  say_inotify(fd);
  MUST(rename("f", "g"));
  say_inotify(fd);
  MUST(unlink("g"));
  say_inotify(fd);
}

CASE(moves_have_a_cookie) {
  int fd = REQUIRE(inotify_init1(IN_NONBLOCK));
  MUST(mkdir("a", 0755));
  MUST(mkdir("b", 0755));
  SHOW(inotify_add_watch(fd, "a", IN_MOVE));
  SHOW(inotify_add_watch(fd, "b", IN_MOVE));
  put("a/f", "x");
  MUST(rename("a/f", "b/g"));
  MUST(rename("b/g", "b/h"));
  say_inotify(fd);
}

CASE(removal_and_errors) {
  int fd = REQUIRE(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  put("f", "x");
  int wd = SHOW(inotify_add_watch(fd, "f", IN_MODIFY));
  SHOW(inotify_add_watch(fd, "f", IN_ATTRIB));
  SHOW(inotify_rm_watch(fd, wd));
  say_inotify(fd);
  SHOW(inotify_rm_watch(fd, wd));
  SHOW(inotify_rm_watch(fd, 99));
  SHOW(inotify_add_watch(fd, "missing", IN_MODIFY));
  SHOW(inotify_add_watch(fd, "f", 0));
  SHOW(inotify_add_watch(fd, "f", IN_MODIFY | IN_ONLYDIR));
  SHOW(inotify_add_watch(77, "f", IN_MODIFY));
  SHOW(inotify_add_watch(0, "f", IN_MODIFY));
  SHOW(inotify_add_watch(fd, BAD_POINTER, IN_MODIFY));
  SHOW(inotify_init1(0x10));
  char b[8];
  put("f", "y");
  MUST(inotify_add_watch(fd, "f", IN_MODIFY));
  put("f", "z");
  SHOW(read(fd, b, sizeof b));
}

CASE(poll_and_fionread) {
  int n = -1;
  int fd = REQUIRE(inotify_init1(IN_NONBLOCK));
  MUST(inotify_add_watch(fd, ".", IN_CREATE));
  struct pollfd pfd = {fd, POLLIN, 0};
  SHOW(poll(&pfd, 1, 0));
  put("f", "x");
  SHOW(poll(&pfd, 1, 1000));
  SHOW(ioctl(fd, FIONREAD, &n));
  SHOW(n);
}

CASE(wakes_reader) {
  int fd = REQUIRE(inotify_init());
  MUST(inotify_add_watch(fd, ".", IN_CREATE | IN_ONESHOT));
  pid_t pid = fork();
  if (pid == 0) {
    let_it_block();
    put("f", "x");
    _exit(0);
  }
  say_inotify(fd);
  reap("creator", pid);
}
