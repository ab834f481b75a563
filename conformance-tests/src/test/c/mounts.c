/*
 * mount and umount2 of tmpfs and bind mounts, by a guest that may mount. Each case has a tmpfs of its own, in a mount namespace of its
 * own where that can be had: in a sandbox there is one, and the case takes away what it has mounted.
 */
#include "harness.h"
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

static char world[4096];

/* The working directory becomes a new tmpfs, which nobody else sees. */
static void enter_world(void) {
  if (unshare(CLONE_NEWNS) == 0) MUST(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
  MUST(getcwd(world, sizeof world));
  MUST(mount("world", world, "tmpfs", 0, "mode=755"));
  MUST(chdir(world));
}

static void leave_world(void) {
  MUST(chdir("/"));
  MUST(umount2(world, MNT_DETACH));
}

static void tmpfs_at(const char *path) {
  MUST(mkdir(path, 0755));
  MUST(mount("t", path, "tmpfs", 0, "mode=755"));
}

/* Runs the rest in a child whose root is `path`; true in the child, which has to _exit. */
static int in_root(const char *path) {
  fflush(stdout);
  pid_t pid = fork();
  if (pid == 0) {
    MUST(chroot(path));
    MUST(chdir("/"));
    return 1;
  }
  reap("in a root of its own", pid);
  return 0;
}

/* Whether the two words of /proc/self/mountinfo, of the mount and of the file system, and statfs say read-only. */
static void say_read_only(const char *path) {
  char line[8192], at[4096], options[4096], whole[8400];
  struct statfs st;
  snprintf(whole, sizeof whole, "%s/%s", world, path);
  FILE *f = fopen("/proc/self/mountinfo", "r");
  if (f == NULL) MUST(-1);
  while (fgets(line, sizeof line, f) != NULL) {
    char *super = strstr(line, " - ");
    if (super == NULL || sscanf(line, "%*s %*s %*s %*s %4095s %4095s", at, options) != 2) continue;
    if (strcmp(at, whole) == 0 && sscanf(super, " - %*s %*s %4095s", line) == 1)
      say("%s: mount %.2s, file system %.2s", path, options, line);
  }
  fclose(f);
  MUST(statfs(path, &st));
  say("%s: statfs says %s", path, st.f_flags & ST_RDONLY ? "ro" : "rw");
}

CASE(nothing_is_mounted_in_a_detached_tree) {
  enter_world();
  tmpfs_at("m");
  MUST(chdir("m"));
  MUST(mkdir("a", 0755));
  MUST(mkdir("a/b", 0755));
  MUST(symlink("a", "l"));
  put("f", "x");
  tmpfs_at("c");
  MUST(mkdir("c/in", 0755));
  MUST(umount2("../m", MNT_DETACH));
  SHOW(mount("t", "a", "tmpfs", 0, NULL));
  SHOW(mount("t", "a/b", "tmpfs", 0, NULL));
  SHOW(mount("t", "l", "tmpfs", 0, NULL));
  SHOW(mount("t", ".", "tmpfs", 0, NULL));
  SHOW(mount("t", "f", "tmpfs", 0, NULL));
  SHOW(mount("t", "c", "tmpfs", 0, NULL));
  SHOW(mount("t", "c/in", "tmpfs", 0, NULL));
  SHOW(mount("t", "missing", "tmpfs", 0, NULL));
  SHOW(mount("t", "a", "unknown", 0, NULL));
  SHOW(mount("t", "a", "tmpfs", 0, "unknown"));
  SHOW(mount(world, "a", NULL, MS_BIND, NULL));
  SHOW(mount(world, "f", NULL, MS_BIND, NULL));
  SHOW(mount("f", "f", NULL, MS_BIND, NULL));
  SHOW(mount("missing", "a", NULL, MS_BIND, NULL));
  SHOW(mkdir("a/c", 0755));
  leave_world();
}

CASE(nothing_of_a_detached_tree_is_mounted) {
  enter_world();
  tmpfs_at("m");
  int fd = MUST(open("m", O_PATH | O_DIRECTORY));
  MUST(mkdir("to", 0755));
  MUST(chdir("m"));
  MUST(mkdir("a", 0755));
  put("f", "x");
  MUST(umount2("../m", MNT_DETACH));
  char to[4200], held[64];
  snprintf(to, sizeof to, "%s/to", world);
  snprintf(held, sizeof held, "/proc/self/fd/%d", fd);
  SHOW(mount("a", to, NULL, MS_BIND, NULL));
  SHOW(mount(".", to, NULL, MS_BIND, NULL));
  SHOW(mount("f", to, NULL, MS_BIND, NULL));
  SHOW(mount(held, to, NULL, MS_BIND, NULL));
  SHOW(mount("a", to, NULL, MS_MOVE, NULL));
  SHOW(mount(".", to, NULL, MS_MOVE, NULL));
  leave_world();
}

CASE(nothing_is_changed_in_a_detached_tree) {
  enter_world();
  tmpfs_at("m");
  MUST(chdir("m"));
  MUST(mkdir("a", 0755));
  MUST(umount2("../m", MNT_DETACH));
  SHOW(mount(NULL, ".", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
  SHOW(mount(NULL, ".", NULL, MS_REMOUNT | MS_RDONLY, NULL));
  SHOW(mount(NULL, ".", NULL, MS_PRIVATE, NULL));
  SHOW(umount2(".", 0));
  SHOW(umount2(".", MNT_DETACH));
  SHOW(umount2(".", MNT_EXPIRE));
  SHOW(umount2("a", 0));
  SHOW(mkdir("b", 0755));
  leave_world();
}

CASE(a_file_that_is_nowhere_is_not_bound) {
  char path[64];
  enter_world();
  put("to", "");
  int fd = MUST(memfd_create("m", 0));
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  SHOW_AS("bind of a memfd", mount(path, "to", NULL, MS_BIND, NULL));
  SHOW_AS("mount on a memfd", mount("to", path, NULL, MS_BIND, NULL));
  SHOW_AS("umount of a memfd", umount2(path, 0));
  leave_world();
}

CASE(umount_flags) {
  enter_world();
  tmpfs_at("m");
  MUST(mkdir("m/d", 0755));
  MUST(mkdir("d", 0755));
  MUST(symlink("m", "l"));
  SHOW(umount2("m", 16));
  SHOW(umount2("m", 1 << 31));
  SHOW(umount2("missing", 0));
  SHOW(umount2("missing", 16));
  SHOW(umount2("", 0));
  SHOW(umount2(BAD_POINTER, 0));
  SHOW(umount2("d", 0));
  SHOW(umount2("m/d", 0));
  SHOW(umount2("l", UMOUNT_NOFOLLOW));
  SHOW(umount2("l", MNT_FORCE));
  SHOW(umount2("m", 0));
  MUST(mount("t", "m", "tmpfs", 0, NULL));
  SHOW(umount2("m", MNT_FORCE | MNT_DETACH | UMOUNT_NOFOLLOW));
  SHOW(umount2("m", MNT_FORCE | MNT_DETACH | UMOUNT_NOFOLLOW));
  leave_world();
}

CASE(without_the_capability) {
  enter_world();
  tmpfs_at("m");
  pid_t pid = fork();
  if (pid == 0) {
    MUST(setresuid(1000, 1000, 1000));
    SHOW(umount2("m", 16));
    SHOW(umount2("missing", 0));
    SHOW(umount2("m", 0));
    SHOW(umount2("m", MNT_EXPIRE));
    SHOW(umount2(".", MNT_EXPIRE | MNT_DETACH));
    SHOW(mount("t", "missing", "tmpfs", 0, NULL));
    SHOW(mount("t", "m", "unknown", 0, NULL));
    SHOW(mount("m", "missing", NULL, MS_BIND, NULL));
    SHOW(mount("missing", "m", NULL, MS_BIND, NULL));
    SHOW(mount(NULL, "m", NULL, MS_REMOUNT, NULL));
    SHOW(mount(NULL, "m", NULL, MS_PRIVATE | MS_SHARED, NULL));
    _exit(0);
  }
  reap("an ordinary user", pid);
  leave_world();
}

CASE(expire_takes_two_calls) {
  enter_world();
  tmpfs_at("m");
  SHOW(umount2("m", MNT_EXPIRE));
  SHOW(umount2("m", MNT_EXPIRE));
  SHOW(umount2("m", MNT_EXPIRE));
  MUST(mount("t", "m", "tmpfs", 0, NULL));
  SHOW(umount2("m", MNT_EXPIRE | UMOUNT_NOFOLLOW));
  SHOW(umount2("m", 0));
  MUST(mount("t", "m", "tmpfs", 0, NULL));
  SHOW(umount2("m", MNT_EXPIRE | MNT_FORCE));
  SHOW(umount2("m", MNT_EXPIRE | MNT_DETACH));
  SHOW(umount2("m", MNT_EXPIRE));
  SHOW(umount2("m", MNT_EXPIRE | MNT_FORCE));
  SHOW(umount2("m", MNT_EXPIRE | MNT_DETACH));
  SHOW(umount2("m", MNT_EXPIRE));
  MUST(mkdir("d", 0755));
  SHOW(umount2("d", MNT_EXPIRE));
  SHOW(umount2("missing", MNT_EXPIRE));
  leave_world();
}

CASE(expire_is_put_off_by_a_use) {
  struct stat st;
  char b[64];
  enter_world();
  tmpfs_at("m");
  MUST(mkdir("m/d", 0755));
  put("m/f", "x");
  MUST(symlink("f", "m/l"));
  SHOW(umount2("m", MNT_EXPIRE));
  SHOW(stat("m", &st));
  SHOW(umount2("m", MNT_EXPIRE));
  SHOW(stat("m/f", &st));
  SHOW(umount2("m", MNT_EXPIRE));
  SHOW(access("m/d", F_OK));
  SHOW(umount2("m", MNT_EXPIRE));
  SHOW(readlink("m/l", b, sizeof b));
  SHOW(umount2("m", MNT_EXPIRE));
  SHOW(mkdir("m/e", 0755));
  SHOW(umount2("m", MNT_EXPIRE));
  SHOW(unlink("m/l"));
  SHOW(umount2("m", MNT_EXPIRE));
  say_content("m/f");
  SHOW(umount2("m", MNT_EXPIRE));
  say_names("m");
  SHOW(umount2("m", MNT_EXPIRE));
  SHOW(chdir("m"));
  SHOW(chdir(".."));
  SHOW(umount2("m", MNT_EXPIRE));
  SHOW(mount("t", "m/d", "tmpfs", 0, NULL));
  SHOW(umount2("m/d", 0));
  SHOW(umount2("m", MNT_EXPIRE));
  SHOW(umount2("m/d", 0)); /* no mount: only looked at */
  SHOW(stat("d", &st));
  SHOW(umount2("m", MNT_EXPIRE));
  leave_world();
}

CASE(expire_of_what_is_in_use) {
  enter_world();
  tmpfs_at("m");
  MUST(mkdir("m/d", 0755));
  int fd = MUST(open("m/d", O_PATH));
  SHOW(umount2("m", MNT_EXPIRE));
  SHOW(umount2("m", 0));
  MUST(close(fd));
  tmpfs_at("m/c");
  SHOW(umount2("m", MNT_EXPIRE));
  SHOW(umount2("m", 0));
  SHOW(umount2("m/c", MNT_EXPIRE));
  SHOW(umount2("m/c", MNT_EXPIRE));
  MUST(chdir("m"));
  SHOW(umount2(".", MNT_EXPIRE));
  SHOW(umount2("../m", MNT_EXPIRE));
  MUST(chdir(".."));
  SHOW(umount2("m", MNT_EXPIRE));
  fd = MUST(open("m", O_RDONLY));
  SHOW(umount2("m", MNT_EXPIRE));
  MUST(close(fd));
  SHOW(umount2("m", MNT_EXPIRE));
  SHOW(umount2("m", MNT_EXPIRE));
  leave_world();
}

CASE(expire_of_what_covers_another) {
  enter_world();
  tmpfs_at("m");
  MUST(mount("t", "m", "tmpfs", 0, NULL));
  SHOW(umount2("m", MNT_EXPIRE));
  SHOW(umount2("m", MNT_EXPIRE));
  SHOW(umount2("m", MNT_EXPIRE));
  SHOW(umount2("m", MNT_EXPIRE));
  SHOW(umount2("m", MNT_EXPIRE));
  leave_world();
}

CASE(umount_of_the_root_makes_it_read_only) {
  enter_world();
  tmpfs_at("m");
  MUST(mkdir("m/d", 0755));
  MUST(mkdir("b", 0755));
  MUST(mount("m/d", "b", NULL, MS_BIND, NULL));
  if (in_root("m")) {
    SHOW(umount2("/", MNT_EXPIRE));
    SHOW(umount2(".", MNT_EXPIRE | MNT_FORCE));
    SHOW(umount2("/d", 0));
    SHOW(mkdir("/before", 0755));
    SHOW(umount2("/", 0));
    SHOW(mkdir("/after", 0755));
    SHOW(umount2("/", 0));
    SHOW(umount2("..", MNT_FORCE | UMOUNT_NOFOLLOW));
    SHOW(open("/f", O_CREAT | O_WRONLY, 0644));
    _exit(0);
  }
  say_read_only("m");
  say_read_only("b");
  SHOW(mkdir("m/outside", 0755));
  SHOW(mkdir("b/outside", 0755));
  SHOW(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND, NULL));
  SHOW(mkdir("b/outside", 0755));
  SHOW(mount(NULL, "b", NULL, MS_REMOUNT, NULL));
  SHOW(mkdir("b/outside", 0755));
  SHOW(mkdir("m/outside", 0755));
  SHOW(umount2("b", 0));
  SHOW(umount2("m", 0));
  leave_world();
}

CASE(umount_of_a_root_in_use) {
  enter_world();
  tmpfs_at("m");
  if (in_root("m")) {
    int fd = MUST(open("/f", O_CREAT | O_WRONLY, 0644));
    SHOW(umount2("/", 0));
    SHOW(umount2("/", MNT_FORCE));
    SHOW(mkdir("/a", 0755));
    MUST(close(fd));
    fd = MUST(open("/f", O_RDONLY));
    SHOW(umount2("/", 0));
    SHOW(mkdir("/b", 0755));
    _exit(0);
  }
  leave_world();
}

CASE(umount_of_a_root_for_good) {
  enter_world();
  tmpfs_at("m");
  MUST(mkdir("m/d", 0755));
  tmpfs_at("m/c");
  if (in_root("m")) {
    SHOW(umount2("/", MNT_DETACH));
    SHOW(umount2("/", MNT_DETACH));
    SHOW(umount2("/", 0));
    SHOW(mkdir("/after", 0755));
    SHOW(access("/d", F_OK));
    SHOW(mount("t", "/d", "tmpfs", 0, NULL));
    SHOW(umount2("/c", 0));
    _exit(0);
  }
  say_names("m");
  SHOW(umount2("m", 0));
  leave_world();
}

CASE(umount_of_a_root_that_is_no_mount) {
  enter_world();
  MUST(mkdir("d", 0755));
  if (in_root("d")) {
    SHOW(umount2("/", 0));
    SHOW(umount2("/", MNT_DETACH));
    SHOW(umount2("/", MNT_EXPIRE));
    SHOW(mkdir("/after", 0755));
    _exit(0);
  }
  leave_world();
}

CASE(umount_of_what_covers_the_root) {
  enter_world();
  tmpfs_at("m");
  MUST(mount("t", "m", "tmpfs", 0, NULL));
  MUST(umount2("m", 0));
  if (in_root("m")) {
    MUST(mount("t", "/", "tmpfs", 0, NULL));
    SHOW(umount2("/", MNT_EXPIRE));
    SHOW(umount2("/", MNT_EXPIRE));
    SHOW(umount2("/", MNT_EXPIRE));
    SHOW(mkdir("/after", 0755));
    _exit(0);
  }
  leave_world();
}

CASE(the_file_system_and_the_mount_are_read_only) {
  enter_world();
  MUST(mkdir("m", 0755));
  MUST(mkdir("b", 0755));
  SHOW(mount("t", "m", "tmpfs", MS_RDONLY, NULL));
  SHOW(mount("m", "b", NULL, MS_BIND, NULL));
  say_read_only("m");
  say_read_only("b");
  SHOW(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND, NULL));
  say_read_only("b");
  SHOW(mkdir("b/x", 0755));
  SHOW(mount(NULL, "m", NULL, MS_REMOUNT, NULL));
  say_read_only("m");
  say_read_only("b");
  SHOW(mkdir("b/x", 0755));
  SHOW(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
  say_read_only("m");
  say_read_only("b");
  SHOW(mkdir("b/y", 0755));
  SHOW(mkdir("m/y", 0755));
  SHOW(mount(NULL, "b", NULL, MS_REMOUNT | MS_RDONLY, NULL));
  say_read_only("m");
  SHOW(mkdir("m/z", 0755));
  leave_world();
}

CASE(remount_of_what_is_written) {
  enter_world();
  tmpfs_at("m");
  MUST(mkdir("b", 0755));
  MUST(mount("m", "b", NULL, MS_BIND, NULL));
  int fd = MUST(open("b/f", O_CREAT | O_RDWR, 0644));
  SHOW(mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
  SHOW(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
  SHOW(mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL));
  SHOW(mount(NULL, "b", NULL, MS_REMOUNT | MS_RDONLY, NULL));
  SHOW(mkdir("b/x", 0755));
  MUST(close(fd));
  fd = MUST(open("b/f", O_RDONLY));
  SHOW(mount(NULL, "b", NULL, MS_REMOUNT | MS_RDONLY, NULL));
  SHOW(mkdir("b/y", 0755));
  SHOW(mount(NULL, "b", NULL, MS_REMOUNT, NULL));
  MUST(close(fd));
  MUST(mkfifo("b/p", 0644));
  fd = MUST(open("b/p", O_RDWR));
  SHOW(mount(NULL, "b", NULL, MS_REMOUNT | MS_RDONLY, NULL));
  leave_world();
}

CASE(remount_of_what_has_lost_its_name) {
  char at[4200];
  enter_world();
  tmpfs_at("m");
  snprintf(at, sizeof at, "%s/m", world);
  int fd = MUST(open("m/f", O_CREAT | O_RDONLY, 0644));
  MUST(unlink("m/f"));
  SHOW(mount(NULL, at, NULL, MS_REMOUNT | MS_RDONLY, NULL));
  SHOW(mount(NULL, at, NULL, MS_REMOUNT | MS_RDONLY | MS_BIND, NULL));
  SHOW(mount(NULL, at, NULL, MS_REMOUNT, NULL));
  MUST(close(fd));
  MUST(mkdir("m/d", 0755));
  MUST(chdir("m/d"));
  MUST(rmdir("../d"));
  SHOW(mount(NULL, at, NULL, MS_REMOUNT | MS_RDONLY, NULL));
  MUST(chdir(world));
  put("m/g", "x");
  MUST(link("m/g", "m/h"));
  fd = MUST(open("m/g", O_RDONLY));
  MUST(unlink("m/g"));
  SHOW(mount(NULL, at, NULL, MS_REMOUNT | MS_RDONLY, NULL));
  leave_world();
}

CASE(which_flag_comes_first) {
  enter_world();
  tmpfs_at("m");
  MUST(mkdir("d", 0755));
  SHOW(mount(NULL, "d", NULL, MS_REMOUNT, NULL));
  SHOW(mount(NULL, "d", NULL, MS_REMOUNT | MS_BIND, NULL));
  SHOW(mount(NULL, "d", NULL, MS_PRIVATE, NULL));
  SHOW(mount(NULL, "m", NULL, MS_PRIVATE, NULL));
  SHOW(mount(NULL, "m", NULL, MS_PRIVATE | MS_REC, NULL));
  SHOW(mount(NULL, "m", NULL, MS_PRIVATE | MS_RDONLY, NULL));
  SHOW(mount(NULL, "m", NULL, MS_PRIVATE | MS_SLAVE, NULL));
  SHOW(mount(NULL, "m", NULL, MS_PRIVATE | MS_MOVE, NULL));
  SHOW(mount(NULL, "d", NULL, MS_BIND, NULL));
  SHOW(mount("", "d", NULL, MS_BIND, NULL));
  SHOW(mount("missing", "d", NULL, MS_BIND | MS_PRIVATE, NULL));
  SHOW(mount("m", "d", NULL, MS_BIND | MS_PRIVATE, NULL));
  SHOW(umount2("d", 0));
  SHOW(mount("t", "d", NULL, 0, NULL));
  SHOW(mount("t", "d", "", 0, NULL));
  SHOW(mount("t", "d", "unknown", 0, NULL));
  SHOW(mount("t", "d", "tmpfs", 1UL << 31, NULL));
  SHOW(mount("t", "missing", "tmpfs", 1UL << 31, NULL));
  put("f", "");
  SHOW(mount("t", "f", "tmpfs", 0, NULL));
  SHOW(mount("t", "f", "tmpfs", 0, "unknown"));
  SHOW(mount("f", "d", NULL, MS_BIND, NULL));
  SHOW(mount("d", "f", NULL, MS_BIND, NULL));
  SHOW(mount("f", "f", NULL, MS_BIND, NULL));
  SHOW(umount2("f", 0));
  leave_world();
}

CASE(remount_keeps_how_times_are_kept) {
  struct statfs st;
  enter_world();
  MUST(mkdir("m", 0755));
  MUST(mount("t", "m", "tmpfs", MS_NOATIME | MS_NODEV, NULL));
  MUST(statfs("m", &st));
  say("at first: %#lx", st.f_flags & (ST_NOATIME | ST_NODEV | ST_NOSUID));
  SHOW(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID, NULL));
  MUST(statfs("m", &st));
  say("remounted: %#lx", st.f_flags & (ST_NOATIME | ST_NODEV | ST_NOSUID));
  SHOW(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_STRICTATIME, NULL));
  MUST(statfs("m", &st));
  say("and again: %#lx", st.f_flags & (ST_NOATIME | ST_NODEV | ST_NOSUID));
  leave_world();
}
