/* Every call with a bad descriptor, a bad pointer, a bad flag. */
#include "harness.h"
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define CALL(name, ...) SHOW_AS(#name, syscall(SYS_##name, ##__VA_ARGS__))

static char buffer[4096];
static int bad_fds[] = {-1, 77, 1 << 20, INT32_MAX, INT32_MIN};

/* The same list of calls for one bad descriptor. */
static void all_with(int fd) {
  CALL(read, fd, buffer, 1);
  CALL(write, fd, buffer, 1);
  CALL(close, fd);
  CALL(fstat, fd, buffer);
  CALL(lseek, fd, 0, 0);
  CALL(ioctl, fd, TCGETS, buffer);
  CALL(pread64, fd, buffer, 1, 0);
  CALL(pwrite64, fd, buffer, 1, 0);
  CALL(readv, fd, buffer, 1);
  CALL(writev, fd, buffer, 1);
  CALL(preadv, fd, buffer, 1, 0);
  CALL(pwritev, fd, buffer, 1, 0);
  CALL(dup, fd);
  CALL(dup2, fd, 5);
  CALL(dup3, fd, 5, 0);
  CALL(fcntl, fd, F_GETFD, 0);
  CALL(fcntl, fd, F_GETFL, 0);
  CALL(flock, fd, 1);
  CALL(fsync, fd);
  CALL(fdatasync, fd);
  CALL(ftruncate, fd, 0);
  CALL(getdents64, fd, buffer, 100);
  CALL(fchdir, fd);
  CALL(fchmod, fd, 0);
  CALL(fchown, fd, 0, 0);
  CALL(fstatfs, fd, buffer);
  CALL(fallocate, fd, 0, 0, 1);
  CALL(fadvise64, fd, 0, 0, 0);
  CALL(readahead, fd, 0, 0);
  CALL(sync_file_range, fd, 0, 0, 0);
  CALL(syncfs, fd);
  CALL(sendfile, fd, 0, NULL, 1);
  CALL(splice, fd, NULL, 1, NULL, 1, 0);
  CALL(tee, fd, 1, 1, 0);
  CALL(vmsplice, fd, buffer, 1, 0);
  CALL(copy_file_range, fd, NULL, fd, NULL, 1, 0);
  CALL(epoll_ctl, fd, EPOLL_CTL_ADD, 0, buffer);
  CALL(epoll_wait, fd, buffer, 1, 0);
  CALL(connect, fd, buffer, 2);
  CALL(accept, fd, NULL, NULL);
  CALL(bind, fd, buffer, 2);
  CALL(listen, fd, 1);
  CALL(getsockname, fd, buffer, buffer);
  CALL(getpeername, fd, buffer, buffer);
  CALL(sendto, fd, buffer, 1, 0, NULL, 0);
  CALL(recvfrom, fd, buffer, 1, 0, NULL, NULL);
  CALL(sendmsg, fd, buffer, 0);
  CALL(recvmsg, fd, buffer, 0);
  CALL(shutdown, fd, 0);
  CALL(getsockopt, fd, 1, 1, buffer, buffer);
  CALL(setsockopt, fd, 1, 1, buffer, 4);
  CALL(openat, fd, "x", O_RDONLY);
  CALL(mkdirat, fd, "x", 0755);
  CALL(mknodat, fd, "x", S_IFREG, 0);
  CALL(unlinkat, fd, "x", 0);
  CALL(renameat, fd, "x", fd, "y");
  CALL(linkat, fd, "x", fd, "y", 0);
  CALL(symlinkat, "x", fd, "y");
  CALL(readlinkat, fd, "x", buffer, 10);
  CALL(fchmodat, fd, "x", 0);
  CALL(fchownat, fd, "x", 0, 0, 0);
  CALL(faccessat, fd, "x", 0);
  CALL(newfstatat, fd, "x", buffer, 0);
  CALL(statx, fd, "x", 0, 0, buffer);
  CALL(utimensat, fd, "x", NULL, 0);
  CALL(execveat, fd, "x", NULL, NULL, 0);
  CALL(inotify_add_watch, fd, "x", 1);
  CALL(inotify_rm_watch, fd, 1);
  CALL(timerfd_settime, fd, 0, buffer, NULL);
  CALL(timerfd_gettime, fd, buffer);
  CALL(fgetxattr, fd, "user.x", buffer, 10);
  CALL(fsetxattr, fd, "user.x", buffer, 1, 0);
  CALL(flistxattr, fd, buffer, 10);
  CALL(fremovexattr, fd, "user.x");
}

CASE(descriptor_minus_one) { all_with(bad_fds[0]); }
CASE(descriptor_never_opened) { all_with(bad_fds[1]); }
CASE(descriptor_large) { all_with(bad_fds[2]); }
CASE(descriptor_largest) { all_with(bad_fds[3]); }
CASE(descriptor_smallest) { all_with(bad_fds[4]); }

CASE(descriptor_closed) {
  int fd = MUST(open("/dev/null", O_RDWR));
  close(fd);
  all_with(fd);
}

CASE(high_bits_of_a_descriptor_are_dropped) {
  /* An int is read from the low half of the register. */
  put("f", "x");
  int fd = MUST(open("f", O_RDONLY));
  SHOW(syscall(SYS_read, fd | 1L << 32, buffer, 1));
  SHOW(syscall(SYS_fcntl, fd | 1L << 40, F_GETFD, 0));
  SHOW(syscall(SYS_close, fd | 0xffffffff00000000));
  SHOW(syscall(SYS_close, fd));
}

/* Calls that take a path, with pointers that are none. */
static void all_paths(const void *path) {
  CALL(open, path, O_RDONLY);
  CALL(openat, AT_FDCWD, path, O_RDONLY);
  CALL(creat, path, 0644);
  CALL(stat, path, buffer);
  CALL(lstat, path, buffer);
  CALL(newfstatat, AT_FDCWD, path, buffer, 0);
  CALL(statx, AT_FDCWD, path, 0, 0, buffer);
  CALL(access, path, 0);
  CALL(chdir, path);
  CALL(chroot, path);
  CALL(mkdir, path, 0755);
  CALL(rmdir, path);
  CALL(unlink, path);
  CALL(rename, path, "y");
  CALL(rename, "y", path);
  CALL(link, path, "y");
  CALL(symlink, path, "y");
  CALL(symlink, "y", path);
  CALL(readlink, path, buffer, 10);
  CALL(chmod, path, 0);
  CALL(chown, path, 0, 0);
  CALL(lchown, path, 0, 0);
  CALL(truncate, path, 0);
  CALL(utimes, path, NULL);
  CALL(mknod, path, S_IFREG, 0);
  CALL(statfs, path, buffer);
  CALL(execve, path, NULL, NULL);
  CALL(inotify_add_watch, 77, path, 1);
  CALL(getxattr, path, "user.x", buffer, 1);
  CALL(setxattr, path, "user.x", buffer, 1, 0);
  CALL(listxattr, path, buffer, 1);
}

CASE(path_null) { all_paths(NULL); }
CASE(path_low) { all_paths(BAD_POINTER); }
CASE(path_in_the_kernel) { all_paths((void *)0xffff800000000000); }
CASE(path_noncanonical) { all_paths((void *)0x8000000000000000); }
CASE(path_last_byte) { all_paths((void *)-1L); }

CASE(path_without_end) {
  char *page = page_before_hole();
  memset(page, 'a', 4096);
  all_paths(page + 4090);
}

/* Where a call writes its result, with a pointer that is none. */
static void all_results(void *out) {
  int p[2];
  CALL(pipe, out);
  CALL(pipe2, out, 0);
  CALL(fstat, 0, out);
  CALL(stat, "/", out);
  CALL(getcwd, out, 100);
  CALL(getdents64, MUST(open("/", O_RDONLY)), out, 1000);
  CALL(readlink, "/proc/self/cwd", out, 10);
  CALL(uname, out);
  CALL(sysinfo, out);
  CALL(getrlimit, RLIMIT_NOFILE, out);
  CALL(prlimit64, 0, RLIMIT_NOFILE, NULL, out);
  CALL(getrusage, 0, out);
  CALL(times, out);
  CALL(gettimeofday, out, NULL);
  CALL(clock_gettime, 0, out);
  CALL(clock_getres, 0, out);
  CALL(getitimer, 0, out);
  CALL(sigaltstack, NULL, out);
  CALL(rt_sigprocmask, 0, NULL, out, 8);
  CALL(rt_sigaction, SIGUSR1, NULL, out, 8);
  CALL(rt_sigpending, out, 8);
  CALL(socketpair, AF_UNIX, SOCK_STREAM, 0, out);
  CALL(getresuid, out, out, out);
  CALL(getresgid, out, out, out);
  CALL(capget, out, out);
  CALL(sched_getaffinity, 0, 128, out);
  CALL(sched_getparam, 0, out);
  CALL(statfs, "/", out);
  CALL(timer_create, CLOCK_MONOTONIC, NULL, out);
  MUST(pipe(p));
  CALL(ioctl, p[0], FIONREAD, out);
  MUST(write(p[1], "x", 1));
  CALL(read, p[0], out, 1);
  CALL(getrandom, out, 10, 0);
}

CASE(result_low) { all_results(BAD_POINTER); }
CASE(result_in_the_kernel) { all_results((void *)0xffff800000000000); }
CASE(result_read_only) {
  void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  all_results(page);
}
CASE(result_not_mapped) {
  char *page = page_before_hole();
  all_results(page + 4096);
}

CASE(result_crosses_a_page) {
  char *page = page_before_hole();
  all_results(page + 4096 - 4);
}

CASE(nothing_is_left_behind_by_calls_that_fault) {
  /* pipe, socketpair and accept must not leave a descriptor when they cannot say its number. */
  int before = MUST(dup(0));
  for (int i = 0; i < 20; i++) {
    syscall(SYS_pipe, BAD_POINTER);
    syscall(SYS_pipe2, BAD_POINTER, 0);
    syscall(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, BAD_POINTER);
  }
  SHOW(dup(0) == before + 1);
}

CASE(unknown_flags) {
  int p[2];
  CALL(pipe2, p, 0x1);
  CALL(dup3, 0, 9, 0x1);
  CALL(epoll_create1, 0x1);
  CALL(eventfd2, 0, 0x2);
  CALL(timerfd_create, 0, 0x1);
  CALL(inotify_init1, 0x1);
  CALL(memfd_create, "x", 0x100);
  CALL(accept4, 0, NULL, NULL, 0x1);
  CALL(unlinkat, AT_FDCWD, "x", 0x1);
  CALL(linkat, AT_FDCWD, "x", AT_FDCWD, "y", 0x1);
  CALL(renameat2, AT_FDCWD, "x", AT_FDCWD, "y", 0x80);
  CALL(fchownat, AT_FDCWD, "x", 0, 0, 0x1);
  CALL(newfstatat, AT_FDCWD, "x", buffer, 0x1);
  CALL(faccessat2, AT_FDCWD, "x", 0, 0x1);
  CALL(utimensat, AT_FDCWD, "x", NULL, 0x1);
  CALL(statx, AT_FDCWD, "x", 0x1, 0, buffer);
  CALL(execveat, AT_FDCWD, "x", NULL, NULL, 0x1);
  CALL(close_range, 3, 4, 0x100);
  CALL(getrandom, buffer, 1, 0x80);
  CALL(wait4, -1, NULL, 0x100, NULL);
  CALL(waitid, 0, 0, NULL, 0x100, NULL);
  CALL(sync_file_range, 0, 0, 0, 0x80);
}

CASE(negative_sizes) {
  put("f", "x");
  int fd = MUST(open("f", O_RDWR));
  CALL(getdents64, fd, buffer, -1);
  CALL(readlink, "f", buffer, -1);
  CALL(sendto, fd, buffer, -1L, 0, NULL, 0);
  CALL(bind, fd, buffer, -1);
  CALL(getgroups, -1, buffer);
  CALL(setgroups, -1, buffer);
  CALL(sethostname, buffer, -1);
  CALL(poll, buffer, -1, 0);
  CALL(epoll_wait, fd, buffer, -1, 0);
  CALL(ftruncate, fd, -1L);
  CALL(fallocate, fd, 0, -1L, 1);
  CALL(lseek, fd, -1L, 0);
}
