/* /dev: null, zero, full, random, tty, the standard links; /sys shape. */
#include "harness.h"

CASE(null) {
  char c = 'x';
  int fd = SHOW(open("/dev/null", O_RDWR));
  SHOW(read(fd, &c, 1));
  SHOW(write(fd, "hello", 5));
  SHOW(write(fd, BAD_POINTER, 5));
  SHOW(lseek(fd, 100, SEEK_SET));
  SHOW(lseek(fd, -5, SEEK_CUR));
  SHOW(ftruncate(fd, 0));
  SHOW(fsync(fd));
  SHOW(open("/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0644));
  SHOW(open("/dev/null", O_RDONLY | O_DIRECTORY));
  SHOW(open("/dev/null", O_WRONLY | O_APPEND));
  SHOW(pread(fd, &c, 1, 5));
  SHOW(pwrite(fd, &c, 1, 5));
}

CASE(zero) {
  char b[100];
  memset(b, 'x', sizeof b);
  int fd = SHOW(open("/dev/zero", O_RDWR));
  SHOW(read(fd, b, 100));
  int sum = 0;
  for (int i = 0; i < 100; i++) sum += b[i];
  SHOW(sum);
  SHOW(write(fd, "hello", 5));
  SHOW(read(fd, BAD_POINTER, 5));
  SHOW(lseek(fd, 100, SEEK_SET));
  char *big = malloc(1 << 20);
  SHOW(read(fd, big, 1 << 20));
}

CASE(full) {
  char b[10];
  int fd = SHOW(open("/dev/full", O_RDWR));
  SHOW(read(fd, b, 10));
  SHOW(b[0] + b[9]);
  SHOW(write(fd, "hello", 5));
  SHOW(write(fd, "", 0));
}

CASE(random) {
  unsigned char a[32], b[32];
  int fd = SHOW(open("/dev/urandom", O_RDONLY)), fd2 = SHOW(open("/dev/random", O_RDONLY));
  SHOW(read(fd, a, 32));
  SHOW(read(fd, b, 32));
  SHOW(memcmp(a, b, 32) == 0);
  SHOW(read(fd2, b, 32));
  SHOW(memcmp(a, b, 32) == 0);
  SHOW(read(fd, BAD_POINTER, 32));
  int w = SHOW(open("/dev/urandom", O_WRONLY));
  SHOW(write(w, "entropy", 7));
}

CASE(no_controlling_terminal) {
  SHOW(open("/dev/tty", O_RDWR));
}

CASE(standard_links) {
  const char *names[] = {"/dev/fd", "/dev/stdin", "/dev/stdout", "/dev/stderr"};
  for (int i = 0; i < 4; i++) {
    char b[64];
    ssize_t n = readlink(names[i], b, sizeof b - 1);
    b[n > 0 ? n : 0] = 0;
    say("%s -> %s", names[i], b);
  }
}

CASE(stdin_by_name) {
  char b[8] = "";
  int p[2];
  MUST(pipe(p));
  MUST(dup2(p[0], 0));
  MUST(write(p[1], "abc", 3));
  int fd = SHOW(open("/dev/stdin", O_RDONLY));
  SHOW(read(fd, b, 8));
  say("%s", b);
}

CASE(shm_is_a_directory) {
  struct stat st;
  SHOW(stat("/dev/shm", &st));
  say("%s %04o", type_name(st.st_mode), st.st_mode & 07777);
  SHOW(stat("/dev/pts", &st));
  say("%s", type_name(st.st_mode));
}

CASE(device_numbers) {
  const char *names[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    struct stat st;
    if (stat(names[i], &st) == -1)
      say("%s: %s", names[i], errno_name(errno));
    else
      say("%s: %s %ld:%ld", names[i], type_name(st.st_mode), (long)st.st_rdev >> 8, (long)st.st_rdev & 0xff);
  }
}

CASE(sys_cpu) {
  SHOW(access("/sys/devices/system/cpu/online", R_OK));
  char b[64];
  int fd = open("/sys/devices/system/cpu/online", O_RDONLY);
  ssize_t n = read(fd, b, sizeof b);
  say("starts with a number %d, ends with a newline %d", n > 0 && isdigit(b[0]), n > 0 && b[n - 1] == '\n');
  SHOW(access("/sys/devices/system/cpu/possible", R_OK));
  SHOW(access("/sys/nothing", F_OK));
}
