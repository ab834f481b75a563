/* truncate, ftruncate, fallocate, holes. */
#include "harness.h"
#include <limits.h>
#include <linux/falloc.h>

CASE(truncate_shrinks_and_grows) {
  put("f", "0123456789");
  SHOW(truncate("f", 4));
  say_content("f");
  SHOW(truncate("f", 8));
  say_content("f");
  SHOW(truncate("f", 0));
  say_content("f");
}

CASE(truncate_errors) {
  put("f", "x");
  MUST(mkdir("d", 0755));
  MUST(symlink("loop", "loop"));
  SHOW(truncate("f", -1));
  SHOW(truncate("missing", 0));
  SHOW(truncate("d", 0));
  SHOW(truncate("loop", 0));
  SHOW(truncate("f/x", 0));
  SHOW(truncate("", 0));
  SHOW(truncate(BAD_POINTER, 0));
  MUST(mkfifo("fifo", 0644));
  SHOW(truncate("fifo", 0));
  SHOW(truncate("/dev/null", 0));
}

CASE(ftruncate_errors) {
  int pipes[2];
  put("f", "x");
  SHOW(ftruncate(77, 0));
  SHOW(ftruncate(-1, 0));
  SHOW(ftruncate(MUST(open("f", O_RDONLY)), 0));
  SHOW(ftruncate(MUST(open("f", O_RDWR)), -1));
  SHOW(ftruncate(MUST(open("f", O_RDWR)), LONG_MIN));
  MUST(pipe(pipes));
  SHOW(ftruncate(pipes[1], 0));
  SHOW(ftruncate(MUST(open("/dev/null", O_RDWR)), 0));
}

CASE(ftruncate_keeps_position) {
  int fd = MUST(open("f", O_RDWR | O_CREAT, 0644));
  SHOW(write(fd, "0123456789", 10));
  SHOW(ftruncate(fd, 3));
  SHOW(lseek(fd, 0, SEEK_CUR));
  SHOW(write(fd, "X", 1));
  say_content("f");
}

CASE(ftruncate_through_write_only) {
  put("f", "0123456789");
  SHOW(ftruncate(MUST(open("f", O_WRONLY)), 5));
  show_stat("f");
}

CASE(truncated_then_grown_reads_zeroes) {
  char b[8];
  put("f", "01234567");
  int fd = MUST(open("f", O_RDWR));
  SHOW(ftruncate(fd, 2));
  SHOW(ftruncate(fd, 8));
  SHOW(pread(fd, b, 8, 0));
  say_bytes("content", b, 8);
}

CASE(large_sparse_file) {
  char b[4] = "abc";
  int fd = MUST(open("f", O_RDWR | O_CREAT, 0644));
  SHOW(ftruncate(fd, 1L << 40));
  SHOW(pread(fd, b, 4, 1L << 39));
  say_bytes("hole", b, 4);
  SHOW(pwrite(fd, "xyz", 3, (1L << 40) - 1));
  show_stat("f");
  SHOW(lseek(fd, 0, SEEK_END));
  struct stat st;
  MUST(fstat(fd, &st));
  say("few blocks: %d", st.st_blocks < 1000);
}

CASE(seek_data_and_hole) {
  int fd = MUST(open("f", O_RDWR | O_CREAT, 0644));
  MUST(ftruncate(fd, 1 << 20));
  MUST(pwrite(fd, "x", 1, 512 << 10));
  SHOW(lseek(fd, 0, SEEK_HOLE));
  SHOW(lseek(fd, 0, SEEK_DATA));
  SHOW(lseek(fd, 512 << 10, SEEK_DATA));
  SHOW(lseek(fd, 512 << 10, SEEK_HOLE));
  SHOW(lseek(fd, 600 << 10, SEEK_DATA));
  SHOW(lseek(fd, 600 << 10, SEEK_HOLE));
  SHOW(lseek(fd, 1 << 20, SEEK_DATA));
  SHOW(lseek(fd, 1 << 20, SEEK_HOLE));
  SHOW(lseek(fd, -1, SEEK_DATA));
  SHOW(lseek(fd, LONG_MAX, SEEK_HOLE));
}

CASE(seek_data_in_dense_file) {
  put("f", "dense");
  int fd = MUST(open("f", O_RDONLY));
  SHOW(lseek(fd, 0, SEEK_DATA));
  SHOW(lseek(fd, 2, SEEK_DATA));
  SHOW(lseek(fd, 0, SEEK_HOLE));
  SHOW(lseek(fd, 5, SEEK_DATA));
  SHOW(lseek(fd, 6, SEEK_HOLE));
}

CASE(fallocate_grows) {
  int fd = MUST(open("f", O_RDWR | O_CREAT, 0644));
  SHOW(fallocate(fd, 0, 0, 10000));
  show_stat("f");
  SHOW(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 20000));
  show_stat("f");
  SHOW(fallocate(fd, 0, 5, 10));
  show_stat("f");
  char b[4] = "abc";
  SHOW(pread(fd, b, 4, 5000));
  say_bytes("allocated", b, 4);
}

CASE(fallocate_errors) {
  int fd = MUST(open("f", O_RDWR | O_CREAT, 0644));
  int pipes[2];
  MUST(pipe(pipes));
  SHOW(fallocate(fd, 0, 0, 0));
  SHOW(fallocate(fd, 0, -1, 1));
  SHOW(fallocate(fd, 0, 0, -1));
  SHOW(fallocate(fd, 0, LONG_MAX, 1));
  SHOW(fallocate(fd, 0, LONG_MAX, LONG_MAX));
  SHOW(fallocate(fd, 0x10000, 0, 1));
  SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 1));
  SHOW(fallocate(77, 0, 0, 1));
  SHOW(fallocate(pipes[1], 0, 0, 1));
  SHOW(fallocate(MUST(open("f", O_RDONLY)), 0, 0, 1));
  SHOW(fallocate(MUST(open("/dev/null", O_RDWR)), 0, 0, 1));
}

CASE(punch_hole) {
  char b[8];
  int fd = MUST(open("f", O_RDWR | O_CREAT, 0644));
  char *data = malloc(64 << 10);
  memset(data, 'd', 64 << 10);
  MUST(write(fd, data, 64 << 10));
  SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 16 << 10, 16 << 10));
  SHOW(pread(fd, b, 4, (16 << 10) - 2));
  say_bytes("edge", b, 4);
  SHOW(pread(fd, b, 4, (32 << 10) - 2));
  say_bytes("edge", b, 4);
  SHOW(lseek(fd, 0, SEEK_HOLE));
  SHOW(lseek(fd, 16 << 10, SEEK_DATA));
  SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100, 10));
  SHOW(pread(fd, b, 4, 98));
  say_bytes("inside a page", b, 4);
  show_stat("f");
}

CASE(blocks_are_counted) {
  struct stat st;
  int fd = MUST(open("f", O_RDWR | O_CREAT, 0644));
  MUST(fstat(fd, &st));
  SHOW(st.st_blocks);
  char data[8192] = "";
  MUST(write(fd, data, sizeof data));
  MUST(fstat(fd, &st));
  SHOW(st.st_blocks);
  MUST(ftruncate(fd, 0));
  MUST(fstat(fd, &st));
  SHOW(st.st_blocks);
}

CASE(truncate_changes_times) {
  put("f", "0123456789");
  struct timespec old[] = {{1000, 0}, {1000, 0}};
  MUST(utimensat(AT_FDCWD, "f", old, 0));
  struct stat st;
  SHOW(truncate("f", 5));
  MUST(stat("f", &st));
  say("mtime changed: %d, atime changed: %d", st.st_mtime != 1000, st.st_atime != 1000);
}

CASE(truncate_clears_set_user_id_for_others) {
  put("f", "0123456789");
  chmod("f", 06777);
  pid_t pid = fork();
  if (pid == 0) {
    MUST(setgid(12345));
    MUST(setuid(12345));
    SHOW(truncate("f", 3));
    _exit(0);
  }
  reap("child", pid);
  show_stat("f");
}

CASE(write_clears_set_user_id_for_others) {
  put("f", "0123456789");
  chmod("f", 06777);
  pid_t pid = fork();
  if (pid == 0) {
    MUST(setgid(12345));
    MUST(setuid(12345));
    int fd = MUST(open("f", O_WRONLY));
    SHOW(write(fd, "x", 1));
    _exit(0);
  }
  reap("child", pid);
  show_stat("f");
}
