/* read, write, pread, pwrite, readv, writev, lseek, O_APPEND: positions, limits, overflow. */
#include "harness.h"
#include <limits.h>

CASE(read_to_the_end) {
  char b[8] = "";
  put("f", "0123456789");
  int fd = MUST(open("f", O_RDONLY));
  SHOW(read(fd, b, 8));
  SHOW(read(fd, b, 8));
  SHOW(read(fd, b, 8));
  SHOW(read(fd, b, 0));
}

CASE(write_moves_position) {
  int fd = MUST(open("f", O_RDWR | O_CREAT, 0644));
  SHOW(write(fd, "hello", 5));
  SHOW(lseek(fd, 0, SEEK_CUR));
  SHOW(write(fd, "", 0));
  SHOW(lseek(fd, 0, SEEK_CUR));
  SHOW(lseek(fd, 2, SEEK_SET));
  SHOW(write(fd, "L", 1));
  say_content("f");
}

CASE(lseek_whence) {
  put("f", "0123456789");
  int fd = MUST(open("f", O_RDONLY));
  SHOW(lseek(fd, 3, SEEK_SET));
  SHOW(lseek(fd, 3, SEEK_CUR));
  SHOW(lseek(fd, -1, SEEK_CUR));
  SHOW(lseek(fd, 0, SEEK_END));
  SHOW(lseek(fd, -10, SEEK_END));
  SHOW(lseek(fd, -11, SEEK_END));
  SHOW(lseek(fd, 100, SEEK_END));
  SHOW(lseek(fd, -1, SEEK_SET));
  SHOW(lseek(fd, 0, 5));
  SHOW(lseek(fd, 0, 77));
  SHOW(lseek(fd, 0, -1));
}

CASE(lseek_overflow) {
  put("f", "0123456789");
  int fd = MUST(open("f", O_RDONLY));
  SHOW(lseek(fd, LONG_MAX, SEEK_END));
  SHOW(lseek(fd, 5, SEEK_SET));
  SHOW(lseek(fd, LONG_MAX, SEEK_CUR));
  SHOW(lseek(fd, LONG_MIN, SEEK_CUR));
  SHOW(lseek(fd, LONG_MIN, SEEK_SET));
  SHOW(lseek(fd, LONG_MIN, SEEK_END));
  SHOW(lseek(fd, 0, SEEK_CUR));
}

CASE(lseek_past_end_then_read) {
  char c;
  put("f", "x");
  int fd = MUST(open("f", O_RDONLY));
  SHOW(lseek(fd, 1000, SEEK_SET));
  SHOW(read(fd, &c, 1));
  SHOW(lseek(fd, 0, SEEK_CUR));
}

CASE(write_past_end_leaves_zeroes) {
  char b[16];
  int fd = MUST(open("f", O_RDWR | O_CREAT, 0644));
  SHOW(lseek(fd, 10, SEEK_SET));
  SHOW(write(fd, "end", 3));
  SHOW(pread(fd, b, sizeof b, 0));
  say_bytes("content", b, 13);
}

CASE(pread_pwrite_keep_position) {
  char b[8] = "";
  put("f", "0123456789");
  int fd = MUST(open("f", O_RDWR));
  SHOW(pread(fd, b, 4, 3));
  say_bytes("read", b, 4);
  SHOW(pwrite(fd, "ab", 2, 9));
  SHOW(lseek(fd, 0, SEEK_CUR));
  say_content("f");
  SHOW(pread(fd, b, 4, 100));
}

CASE(pread_pwrite_bad_offsets) {
  char c;
  put("f", "x");
  int fd = MUST(open("f", O_RDWR));
  SHOW(pread(fd, &c, 1, -1));
  SHOW(pwrite(fd, &c, 1, -1));
  SHOW(pread(fd, &c, 1, LONG_MAX));
  SHOW(pwrite(fd, &c, 1, LONG_MAX));
  SHOW(pread(fd, &c, 0, -1));
  SHOW(pread(fd, &c, 1, LONG_MIN));
}

CASE(huge_counts) {
  char b[16];
  put("f", "0123456789");
  int fd = MUST(open("f", O_RDWR));
  SHOW(syscall(SYS_read, fd, b, -1L));
  SHOW(syscall(SYS_write, fd, b, -1L));
  SHOW(syscall(SYS_read, fd, b, LONG_MAX));
  SHOW(syscall(SYS_pread64, fd, b, -1L, 0L));
  SHOW(syscall(SYS_pwrite64, fd, b, LONG_MIN, 0L));
}

CASE(append) {
  put("f", "start");
  int fd = MUST(open("f", O_RDWR | O_APPEND));
  SHOW(lseek(fd, 0, SEEK_CUR));
  SHOW(write(fd, "+1", 2));
  SHOW(lseek(fd, 0, SEEK_CUR));
  SHOW(lseek(fd, 0, SEEK_SET));
  SHOW(write(fd, "+2", 2));
  SHOW(lseek(fd, 0, SEEK_CUR));
  say_content("f");
}

CASE(append_and_pwrite) {
  /* Linux appends whatever offset pwrite names: pwrite(2), BUGS. */
  put("f", "start");
  int fd = MUST(open("f", O_RDWR | O_APPEND));
  SHOW(pwrite(fd, "XY", 2, 0));
  say_content("f");
}

CASE(append_set_later) {
  put("f", "start");
  int fd = MUST(open("f", O_WRONLY));
  SHOW(fcntl(fd, F_SETFL, O_APPEND));
  SHOW(write(fd, "+", 1));
  SHOW(fcntl(fd, F_SETFL, 0));
  SHOW(lseek(fd, 0, SEEK_SET));
  SHOW(write(fd, "S", 1));
  say_content("f");
}

CASE(append_of_two_writers) {
  int one = MUST(open("f", O_WRONLY | O_CREAT | O_APPEND, 0644));
  int two = MUST(open("f", O_WRONLY | O_APPEND));
  SHOW(write(one, "a", 1));
  SHOW(write(two, "b", 1));
  SHOW(write(one, "c", 1));
  say_content("f");
}

CASE(append_of_many_processes) {
  for (int i = 0; i < 4; i++)
    if (fork() == 0) {
      int fd = MUST(open("f", O_WRONLY | O_CREAT | O_APPEND, 0644));
      for (int n = 0; n < 200; n++)
        if (write(fd, "0123456789", 10) != 10) _exit(1);
      _exit(0);
    }
  for (int i = 0; i < 4; i++) {
    int status;
    MUST(wait(&status));
    say_status("writer", status);
  }
  show_stat("f");
}

CASE(position_is_shared_by_dup_and_fork) {
  put("f", "0123456789");
  char c;
  int fd = MUST(open("f", O_RDONLY));
  int copy = MUST(dup(fd));
  SHOW(read(fd, &c, 1));
  SHOW(lseek(copy, 0, SEEK_CUR));
  pid_t pid = fork();
  if (pid == 0) {
    lseek(fd, 7, SEEK_SET);
    _exit(0);
  }
  reap("child", pid);
  SHOW(lseek(fd, 0, SEEK_CUR));
  int other = MUST(open("f", O_RDONLY));
  SHOW(lseek(other, 0, SEEK_CUR));
}

CASE(readv_scatters) {
  char a[4] = "", b[4] = "", c[20] = "";
  put("f", "0123456789");
  int fd = MUST(open("f", O_RDONLY));
  struct iovec iov[] = {{a, 3}, {b, 0}, {b, 3}, {c, 20}};
  SHOW(readv(fd, iov, 4));
  say("%.3s %.3s %s", a, b, c);
  SHOW(readv(fd, iov, 4));
}

CASE(writev_gathers) {
  int fd = MUST(open("f", O_RDWR | O_CREAT, 0644));
  struct iovec iov[] = {{"one ", 4}, {NULL, 0}, {"two ", 4}, {"three", 5}};
  SHOW(writev(fd, iov, 4));
  say_content("f");
  SHOW(pwritev(fd, iov, 1, 4));
  say_content("f");
  char a[3], b[3];
  struct iovec in[] = {{a, 3}, {b, 3}};
  SHOW(preadv(fd, in, 2, 4));
  say("%.3s|%.3s", a, b);
  SHOW(lseek(fd, 0, SEEK_CUR));
}

CASE(vector_counts) {
  char c;
  struct iovec iov[1025];
  for (int i = 0; i < 1025; i++) iov[i] = (struct iovec){&c, 1};
  put("f", "x");
  int fd = MUST(open("f", O_RDWR));
  SHOW(readv(fd, iov, 0));
  SHOW(readv(fd, iov, -1));
  SHOW(readv(fd, iov, 1024));
  SHOW(readv(fd, iov, 1025));
  SHOW(writev(fd, iov, 1025));
  SHOW(writev(fd, iov, 0));
  SHOW(writev(fd, BAD_POINTER, 1));
  SHOW(writev(fd, BAD_POINTER, 0));
}

CASE(vector_lengths) {
  char c = 'x';
  put("f", "x");
  int fd = MUST(open("f", O_RDWR));
  struct iovec negative = {&c, -1L};
  SHOW(writev(fd, &negative, 1));
  struct iovec bad[] = {{"good", 4}, {BAD_POINTER, 4}};
  SHOW(writev(fd, bad, 2));
  say_content("f");
  SHOW(pwritev(fd, bad, 2, -1));
  SHOW(preadv(fd, bad, 2, -1));
  SHOW(readv(fd, bad + 1, 1));
}

CASE(preadv2_flags) {
  char c;
  put("f", "xyz");
  int fd = MUST(open("f", O_RDWR));
  struct iovec iov = {&c, 1};
  SHOW(preadv2(fd, &iov, 1, 1, 0));
  SHOW(preadv2(fd, &iov, 1, -1, 0));
  SHOW(lseek(fd, 0, SEEK_CUR));
  SHOW(pwritev2(fd, &iov, 1, 0, RWF_APPEND));
  say_content("f");
  SHOW(preadv2(fd, &iov, 1, 0, 0x40000000));
  SHOW(preadv2(fd, &iov, 1, -2, 0));
}

CASE(buffer_crosses_into_nothing) {
  char *page = page_before_hole();
  memset(page, 'p', 4096);
  put("f", "0123456789");
  int fd = MUST(open("f", O_RDWR));
  /* A short write of what could be read is allowed, EFAULT only if nothing could. */
  SHOW(write(fd, page + 4096, 10));
  SHOW(read(fd, page + 4096, 10));
  SHOW(lseek(fd, 0, SEEK_SET));
  SHOW(read(fd, page + 4096 - 10, 10));
  say_bytes("read", page + 4096 - 10, 10);
}

CASE(bad_buffers) {
  put("f", "0123456789");
  int fd = MUST(open("f", O_RDWR));
  SHOW(read(fd, BAD_POINTER, 5));
  SHOW(read(fd, BAD_POINTER, 0));
  SHOW(write(fd, BAD_POINTER, 5));
  SHOW(write(fd, NULL, 0));
  SHOW(read(fd, (void *)-4096L, 5));
  SHOW(pread(fd, NULL, 1, 0));
  const char *constant = "constant";
  SHOW(read(fd, (void *)constant, 5));
  SHOW(lseek(fd, 0, SEEK_CUR));
}

CASE(bad_fds) {
  char c;
  SHOW(read(-1, &c, 1));
  SHOW(read(77, &c, 1));
  SHOW(read(100000000, &c, 1));
  SHOW(write(77, &c, 1));
  SHOW(lseek(77, 0, SEEK_SET));
  SHOW(close(77));
  SHOW(close(-1));
  SHOW(fsync(77));
  SHOW(fdatasync(77));
  SHOW(read(77, BAD_POINTER, 1));
  SHOW(close(3));
}

CASE(io_on_directory) {
  char c;
  MUST(mkdir("d", 0755));
  int fd = MUST(open("d", O_RDONLY));
  SHOW(read(fd, &c, 1));
  SHOW(pread(fd, &c, 1, 0));
  SHOW(write(fd, &c, 1));
  SHOW(ftruncate(fd, 0));
  SHOW(fallocate(fd, 0, 0, 1));
  SHOW(fsync(fd));
  SHOW(lseek(fd, 0, SEEK_SET));
  SHOW(lseek(fd, -1, SEEK_SET));
  struct iovec iov = {&c, 1};
  SHOW(readv(fd, &iov, 1));
  SHOW_AS("mmap", (long)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0) == -1 ? -1 : 0);
}

CASE(sync_calls) {
  put("f", "x");
  int fd = MUST(open("f", O_RDWR));
  SHOW(fsync(fd));
  SHOW(fdatasync(fd));
  SHOW(syncfs(fd));
  sync();
  SHOW(sync_file_range(fd, 0, 1, SYNC_FILE_RANGE_WRITE));
  SHOW(sync_file_range(fd, -1, 1, 0));
  SHOW(sync_file_range(fd, 0, 1, 0x100));
  int pipes[2];
  MUST(pipe(pipes));
  SHOW(fsync(pipes[0]));
  SHOW(syncfs(77));
}

CASE(fadvise_and_readahead) {
  put("f", "x");
  int fd = MUST(open("f", O_RDWR));
  SHOW(posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL));
  SHOW(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
  SHOW(posix_fadvise(fd, 0, 0, 99));
  SHOW(posix_fadvise(fd, 0, -1, POSIX_FADV_NORMAL));
  SHOW(posix_fadvise(77, 0, 0, POSIX_FADV_NORMAL));
  SHOW(readahead(fd, 0, 100));
  SHOW(readahead(77, 0, 100));
  int pipes[2];
  MUST(pipe(pipes));
  SHOW(posix_fadvise(pipes[0], 0, 0, POSIX_FADV_NORMAL));
}

CASE(large_io_round_trip) {
  size_t size = 3 << 20;
  unsigned char *out = malloc(size), *in = malloc(size);
  for (size_t i = 0; i < size; i++) out[i] = i * 7 + (i >> 8);
  int fd = MUST(open("f", O_RDWR | O_CREAT, 0644));
  SHOW(write(fd, out, size));
  SHOW(pread(fd, in, size, 0));
  SHOW(memcmp(in, out, size));
  SHOW(pread(fd, in, size, 12345));
  SHOW(memcmp(in, out + 12345, size - 12345));
}

CASE(small_writes_make_one_file) {
  int fd = MUST(open("f", O_RDWR | O_CREAT, 0644));
  unsigned long sum = 0, again = 0;
  for (int i = 0; i < 3000; i++) {
    char b[7];
    memset(b, i, sizeof b);
    if (write(fd, b, sizeof b) != sizeof b) say("short write at %d", i);
    sum = sum * 31 + (unsigned char)i;
  }
  lseek(fd, 0, SEEK_SET);
  for (int i = 0; i < 3000; i++) {
    unsigned char b[7];
    if (read(fd, b, sizeof b) != sizeof b) say("short read at %d", i);
    again = again * 31 + b[i % 7];
  }
  SHOW(sum == again);
  show_stat("f");
}

CASE(copy_file_range) {
  put("a", "0123456789");
  put("b", "abc");
  int a = MUST(open("a", O_RDONLY)), b = MUST(open("b", O_RDWR));
  off_t from = 2, to = 1;
  SHOW(copy_file_range(a, &from, b, &to, 4, 0));
  SHOW(from);
  SHOW(to);
  say_content("b");
  SHOW(lseek(a, 0, SEEK_CUR));
  SHOW(copy_file_range(a, NULL, b, NULL, 100, 0));
  say_content("b");
  SHOW(copy_file_range(a, NULL, b, NULL, 100, 0));
  SHOW(copy_file_range(a, NULL, b, NULL, 1, 1));
  SHOW(copy_file_range(b, NULL, a, NULL, 1, 0));
  int append = MUST(open("b", O_WRONLY | O_APPEND));
  SHOW(copy_file_range(a, NULL, append, NULL, 1, 0));
  int dir = MUST(open(".", O_RDONLY));
  SHOW(copy_file_range(dir, NULL, b, NULL, 1, 0));
  int pipes[2];
  MUST(pipe(pipes));
  SHOW(copy_file_range(pipes[0], NULL, b, NULL, 1, 0));
  from = 0, to = 5;
  int same = MUST(open("a", O_RDWR));
  SHOW(copy_file_range(same, &from, same, &to, 6, 0));
}
