/*
 * Random names, walked: makes a tree of directories, links and files, and does with random paths what takes paths.
 *
 *   pathfuzz SEED COUNT DIRECTORY [mounts]     an empty directory with one more, "m", in it that is another file system
 *
 * What each call returned goes to standard output, a line each; files are known by the order in which they were first seen, so that
 * two kernels can be compared. The root is DIRECTORY: absolute links lead nowhere else, and ".." no further up. With "mounts", file
 * systems come and go while names are walked.
 */
#define _GNU_SOURCE
#include "random.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *const names[] = {"a", "b", "c", "d", "m", "l", "k", ".", "..", "..", "a", "b"};
#define NAMES (sizeof names / sizeof *names)

static const char *component(void) {
  static char longest[300];
  if (one_in(150)) {
    size_t n = 254 + below(3);
    memset(longest, 'n', n);
    longest[n] = 0;
    return longest;
  }
  return names[below(NAMES)];
}

static char *path(void) {
  static char buffers[4][8192];
  static unsigned next;
  char *p = buffers[next++ % 4];
  size_t n = 0;
  if (one_in(100))
    return strcpy(p, one_in(2) ? "" : "/");
  if (one_in(3))
    p[n++] = '/';
  for (int k = one_in(60) ? 15 : 1 + below(5); k > 0; k--) {
    const char *c = component();
    if (n && p[n - 1] != '/')
      p[n++] = '/';
    if (one_in(15))
      p[n++] = '/';
    size_t length = strlen(c);
    memcpy(p + n, c, length);
    n += length;
  }
  for (int k = one_in(8) ? 1 + below(2) : 0; k > 0; k--)
    p[n++] = '/';
  if (one_in(20) && n > 1)
    memcpy(p + n, "/.", 2), n += 2;
  p[n] = 0;
  if (one_in(200)) /* about as long as a path may be */
    while (n < 4094 + below(4))
      p[n++] = '/', p[n] = 0;
  return p;
}

#define SEEN 4096
static struct {
  dev_t dev;
  ino_t ino;
} seen[SEEN];
static int seen_count;

/* A small number for a file. */
static int identity(const struct stat *st) {
  for (int i = seen_count - 1; i >= 0; i--)
    if (seen[i].dev == st->st_dev && seen[i].ino == st->st_ino)
      return i;
  if (seen_count == SEEN)
    return -1;
  seen[seen_count].dev = st->st_dev;
  seen[seen_count].ino = st->st_ino;
  return seen_count++;
}

static void forget(int fd, const char *name) {
  struct stat st;
  if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && (S_ISDIR(st.st_mode) || st.st_nlink == 1))
    for (int i = 0; i < seen_count; i++)
      if (seen[i].dev == st.st_dev && seen[i].ino == st.st_ino)
        seen[i].ino = 0; /* its number may be another's soon */
}

/* Devices of file systems that are gone are given to others, also some time after the umount: when nobody stands there any more. */
static void forget_all(void) {
  for (int i = 0; i < seen_count; i++)
    seen[i].ino = 0;
}

static void say(int number, const char *call, const char *one, const char *two, long result) {
  printf("%d %s(%.200s", number, call, one);
  if (two)
    printf(", %.200s", two);
  printf(") = ");
  if (result < 0)
    printf("errno %d", errno);
  else
    printf("%ld", result);
}

static void say_stat(int number, const char *call, const char *name, int result, const struct stat *st) {
  say(number, call, name, NULL, result);
  if (result == 0)
    printf(" %o %d links %d size %d", st->st_mode, identity(st), S_ISDIR(st->st_mode) ? 0 : (int)st->st_nlink,
           S_ISDIR(st->st_mode) ? 0 : (int)st->st_size);
}

static int dirs[4] = {AT_FDCWD, AT_FDCWD, AT_FDCWD, AT_FDCWD};

static void plant(void) {
  static const char *const d[] = {"a", "b", "a/b", "a/b/c", "m/a", "m/b", "m/a/d", "c"};
  for (size_t i = 0; i < sizeof d / sizeof *d; i++)
    mkdir(d[i], 0777);
  for (int i = 0; i < 6; i++) {
    char *p = path();
    int fd = open(p, O_CREAT | O_EXCL | O_WRONLY, 0666);
    if (fd >= 0) {
      write(fd, p, 1 + below(9));
      close(fd);
    }
  }
  for (int i = 0; i < 12; i++) {
    char *target = path();
    symlink(target, path());
  }
}

/* The mount that a name leads to. */
static unsigned long long mount_of(const char *name, int flags) {
  struct statx x;
  return statx(AT_FDCWD, name, flags, STATX_MNT_ID, &x) ? 0 : x.stx_mnt_id;
}

static void mount_one(int number) {
  char text[40], *p = path(), *q = path();
  long r;
  switch (below(5)) {
  case 0: case 1: {
    unsigned flags = one_in(4) ? MS_RDONLY : one_in(3) ? MS_NOSUID | MS_NODEV : 0;
    snprintf(text, sizeof text, "mount %x", flags);
    say(number, text, p, NULL, r = mount("x", p, "tmpfs", flags, "mode=755"));
    if (r == 0)
      forget_all();
    break;
  }
  case 2:
    snprintf(text, sizeof text, "bind");
    say(number, text, p, q, mount(p, q, NULL, MS_BIND, NULL));
    break;
  default: {
    static const int flags[] = {0, 0, MNT_DETACH, UMOUNT_NOFOLLOW, UMOUNT_NOFOLLOW | MNT_DETACH, 1 << 10};
    int f = flags[below(sizeof flags / sizeof *flags)];
    snprintf(text, sizeof text, "umount %x", f);
    /* That of the root makes it read-only, or takes all away. */
    if (mount_of(p, f & UMOUNT_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0) == mount_of("/", 0)) {
      printf("%d umount the root\n", number);
      return;
    }
    say(number, text, p, NULL, r = umount2(p, f));
    if (r == 0)
      forget_all();
  }
  }
  putchar('\n');
}

static void one(int number) {
  static char text[8192];
  struct stat st;
  char *p = path(), *q = path();
  int slot = below(4), fd = dirs[slot], other = dirs[below(4)];
  long r;
  memset(&st, 0, sizeof st);
  switch (below(22)) {
  case 0: case 1:
    r = fstatat(fd, p, &st, 0);
    say_stat(number, "stat", p, r, &st);
    break;
  case 2: case 3:
    r = fstatat(fd, p, &st, AT_SYMLINK_NOFOLLOW);
    say_stat(number, "lstat", p, r, &st);
    break;
  case 4:
    say(number, "access", p, NULL, faccessat(fd, p, below(8), 0));
    break;
  case 5: case 6: {
    static const int flags[] = {O_RDONLY, O_PATH, O_DIRECTORY, O_NOFOLLOW, O_PATH | O_NOFOLLOW, O_WRONLY | O_CREAT, O_WRONLY | O_CREAT | O_EXCL, O_RDWR,
                                O_RDWR | O_TRUNC, O_CREAT | O_NOFOLLOW, O_DIRECTORY | O_NOFOLLOW, O_PATH | O_DIRECTORY, O_CREAT | O_DIRECTORY};
    int f = flags[below(sizeof flags / sizeof *flags)];
    r = openat(fd, p, f, 0644);
    snprintf(text, sizeof text, "open %o", f);
    say(number, text, p, NULL, r < 0 ? r : 0);
    if (r >= 0) {
      fstat(r, &st);
      printf(" %o %d", st.st_mode, identity(&st));
      close(r);
    }
    break;
  }
  case 7: case 8: {
    struct open_how how = {.flags = one_in(2) ? O_PATH : one_in(2) ? O_RDONLY : O_PATH | O_NOFOLLOW, .resolve = below(64) & ~0x20};
    r = syscall(SYS_openat2, fd, p, &how, sizeof how);
    snprintf(text, sizeof text, "openat2 %llo resolve %llx", how.flags, how.resolve);
    say(number, text, p, NULL, r < 0 ? r : 0);
    if (r >= 0) {
      fstat(r, &st);
      printf(" %o %d", st.st_mode, identity(&st));
      close(r);
    }
    break;
  }
  case 9: case 10:
    say(number, "mkdir", p, NULL, mkdirat(fd, p, 0777));
    break;
  case 11:
    forget(fd, p);
    say(number, "rmdir", p, NULL, unlinkat(fd, p, AT_REMOVEDIR));
    break;
  case 12:
    forget(fd, p);
    say(number, "unlink", p, NULL, unlinkat(fd, p, 0));
    break;
  case 13: case 14: {
    unsigned flags = one_in(3) ? 1 + below(2) : 0;
    if (flags == 0)
      forget(other, q);
    snprintf(text, sizeof text, "rename %u", flags);
    say(number, text, p, q, syscall(SYS_renameat2, fd, p, other, q, flags));
    break;
  }
  case 15: {
    int flags = one_in(2) ? AT_SYMLINK_FOLLOW : 0;
    snprintf(text, sizeof text, "link %o", flags);
    say(number, text, p, q, linkat(fd, p, other, q, flags));
    break;
  }
  case 16: case 17:
    say(number, "symlink", p, q, symlinkat(p, fd, q));
    break;
  case 18:
    r = readlinkat(fd, p, text, one_in(4) ? 1 + below(5) : sizeof text - 1);
    say(number, "readlink", p, NULL, r);
    if (r >= 0)
      printf(" %.*s", (int)r, text);
    break;
  case 19:
    say(number, "chdir", p, NULL, chdir(p));
    break;
  case 20:
    r = syscall(SYS_getcwd, text, sizeof text);
    say(number, "getcwd", "", NULL, r);
    if (r > 0)
      printf(" %.300s", text);
    break;
  default:
    r = openat(fd, p, O_PATH | O_DIRECTORY);
    say(number, "hold", p, NULL, r < 0 ? r : 0);
    if (r >= 0) {
      if (dirs[slot] >= 0)
        close(dirs[slot]);
      dirs[slot] = r;
    }
  }
  putchar('\n');
}

int main(int argc, char **argv) {
  if (argc < 4)
    return 2;
  umask(022);
  if (chdir(argv[3]) || chroot(".")) {
    perror(argv[3]);
    return 1;
  }
  chmod("/", 0755);
  chmod("/m", 0755);
  random_seed(strtoull(argv[1], NULL, 0));
  int count = atoi(argv[2]), mounts = argc > 4;
  plant();
  for (int i = 0; i < count; i++) {
    if (i % 300 == 299) { /* deep in something that is gone nothing more is found */
      chdir("/");
      for (int k = 0; k < 4; k++) {
        if (dirs[k] >= 0)
          close(dirs[k]);
        dirs[k] = AT_FDCWD;
      }
      plant();
    }
    if (mounts && one_in(12))
      mount_one(i);
    else
      one(i);
  }
  return 0;
}
