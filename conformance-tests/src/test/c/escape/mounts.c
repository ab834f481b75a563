/* Namespaces and mounts: by which root of an ordinary container, or of a new user namespace, reaches kernel code and the host's files. */
#include "escape.h"

ESCAPE(BARE, new_user_namespace) { ATTEMPT(unshare(CLONE_NEWUSER)); }
ESCAPE(BARE, new_user_namespace_of_a_child) {
  long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) _exit(0);
  ATTEMPT(pid);
}
ESCAPE(BARE, new_mount_namespace) { ATTEMPT(unshare(CLONE_NEWNS)); }
ESCAPE(BARE, new_pid_namespace) { ATTEMPT(unshare(CLONE_NEWPID)); }
ESCAPE(BARE, new_net_namespace) { ATTEMPT(unshare(CLONE_NEWNET)); }
ESCAPE(BARE, new_ipc_namespace) { ATTEMPT(unshare(CLONE_NEWIPC)); }
ESCAPE(BARE, new_uts_namespace) { ATTEMPT(unshare(CLONE_NEWUTS)); }
ESCAPE(BARE, new_cgroup_namespace) { ATTEMPT(unshare(CLONE_NEWCGROUP)); }
ESCAPE(BARE, new_time_namespace) { ATTEMPT(unshare(0x80)); }

static void join(int fd, int kind) {
  STEP(fd);
  STEP(setns(fd, kind));
  if (loot_at(host("secret"))) out("read a file of the host");
  held("joined, but there is nothing");
}
ESCAPE(CHROOT, joined_mounts_of_pid_1) { join(open("/proc/1/ns/mnt", O_RDONLY), 0); }
ESCAPE(CHROOT, joined_mounts_of_a_host_process) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%ld/ns/mnt", number("victim"));
  join(open(path, O_RDONLY), CLONE_NEWNS);
}
ESCAPE(CHROOT, joined_mounts_by_pidfd) { join(syscall(434, number("victim"), 0), CLONE_NEWNS); }
ESCAPE(CHROOT, joined_own_mounts) {
  /* Undoes a chroot. */
  join(open("/proc/self/ns/mnt", O_RDONLY), CLONE_NEWNS);
}

ESCAPE(CHROOT, chroot_left_by_dotdot) {
  int top = STEP(open("/", O_RDONLY | O_DIRECTORY));
  MUST(mkdir("deeper", 0755));
  STEP(chroot("deeper"));
  STEP(fchdir(top));
  for (int i = 0; i < 64; i++) STEP(chdir(".."));
  STEP(chroot("."));
  if (loot_at(host("secret"))) out("read a file of the host");
  held("the root is the root");
}

ESCAPE(BARE, mounted_proc_of_the_host) {
  MUST(mkdir("proc", 0755));
  STEP(mount("proc", "proc", "proc", 0, NULL));
  char path[64];
  snprintf(path, sizeof path, "proc/%ld/cmdline", number("victim"));
  int found = loot_at(path);
  umount2("proc", MNT_DETACH);
  if (found) out("read the command line of a process of the host");
  held("not in there");
}
ESCAPE(BARE, mounted_devices) {
  MUST(mkdir("dev", 0755));
  STEP(mount("none", "dev", "devtmpfs", MS_RDONLY, NULL));
  int fd = open("dev/kmsg", O_RDONLY | O_NONBLOCK);
  umount2("dev", MNT_DETACH);
  ATTEMPT(fd);
}
ESCAPE(BARE, mounted_sysfs) {
  MUST(mkdir("sys", 0755));
  STEP(mount("none", "sys", "sysfs", 0, NULL));
  int fd = open("sys/kernel/profiling", O_WRONLY);
  if (fd == -1) fd = open("sys/kernel/mm/ksm/run", O_WRONLY);
  umount2("sys", MNT_DETACH);
  ATTEMPT(fd);
}
ESCAPE(BARE, mounted_cgroups) {
  /* CVE-2022-0492: then release_agent is a program that the host runs as root. */
  MUST(mkdir("cgroup", 0755));
  STEP(mount("none", "cgroup", "cgroup2", 0, NULL));
  int fd = open("cgroup/cgroup.procs", O_WRONLY);
  umount2("cgroup", MNT_DETACH);
  ATTEMPT(fd);
}
ESCAPE(BARE, mounted_overlay) {
  /* CVE-2023-0386 and its kin. */
  for (const char *const *d = (const char *const[]){"lower", "upper", "work", "merged", NULL}; *d; d++) MUST(mkdir(*d, 0755));
  only_if_listed("/proc/filesystems", "overlay");
  long mounted = mount("none", "merged", "overlay", 0, "lowerdir=lower,upperdir=upper,workdir=work");
  if (mounted == 0) umount2("merged", MNT_DETACH);
  ATTEMPT(mounted);
}
ESCAPE(BARE, mounted_fuse) {
  only_if_listed("/proc/filesystems", "fuse");
  int fuse = open("/dev/fuse", O_RDWR);
  char options[100];
  MUST(mkdir("fuse", 0755));
  STEP(fuse);
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", fuse);
  long mounted = mount("none", "fuse", "fuse", 0, options);
  if (mounted == 0) umount2("fuse", MNT_DETACH);
  ATTEMPT(mounted);
}
static void mounted(const char *what, const char *secret) {
  char path[4300];
  MUST(mkdir("host", 0755));
  STEP(mount(what, "host", NULL, MS_BIND | MS_REC, NULL));
  snprintf(path, sizeof path, "host/%s", secret);
  int found = loot_at(path);
  umount2("host", MNT_DETACH);
  if (found) out("read a file of the host");
  held("not in there");
}
ESCAPE(BARE, mounted_directory_of_the_host) { mounted(host("."), "secret"); }
ESCAPE(BARE, mounted_root_of_pid_1) { mounted("/proc/1/root", host("secret")); }
ESCAPE(BARE, mounted_way_up_from_a_bind) { mounted(shared(".."), "secret"); }
ESCAPE(BARE, mounted_link_to_the_host) { mounted(shared("link-directory"), "secret"); }
ESCAPE(CHROOT, fixed_mount_made_writable) {
  STEP(mount(NULL, "/fixed", NULL, MS_BIND | MS_REMOUNT, NULL));
  int fd = STEP(open(named("/fixed", ""), O_WRONLY | O_APPEND));
  STEP(write(fd, "changed", 7));
  tried("wrote to it");
}
ESCAPE(BARE, pivoted) {
  STEP(unshare(CLONE_NEWNS));
  STEP(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
  STEP(mount(".", ".", NULL, MS_BIND, NULL));
  char path[4096];
  STEP(chdir(getcwd(path, sizeof path)));
  ATTEMPT(syscall(SYS_pivot_root, ".", "."));
}

ESCAPE(BARE, mount_context) {
  /* CVE-2022-0185: fsconfig of a file system with legacy parameters. */
  long fd = syscall(430, "cgroup2", 0);
  STEP(fd);
  ATTEMPT(syscall(431, fd, 1 /* FSCONFIG_SET_STRING */, "source", "none", 0));
}
ESCAPE(BARE, mount_picked) { ATTEMPT(syscall(433, AT_FDCWD, "/dev/shm", 0)); }
ESCAPE(BARE, tree_opened) { ATTEMPT(syscall(428, AT_FDCWD, "/dev/shm", 1 /* OPEN_TREE_CLONE */)); }
ESCAPE(BARE, tree_moved) {
  long fd = syscall(428, AT_FDCWD, "/dev/shm", 1);
  STEP(fd);
  MUST(mkdir("tree", 0755));
  long moved = syscall(429, fd, "", AT_FDCWD, "tree", 4 /* MOVE_MOUNT_F_EMPTY_PATH */);
  if (moved == 0) umount2("tree", MNT_DETACH);
  ATTEMPT(moved);
}
ESCAPE(CHROOT, mount_attributes) {
  uint64_t attr[4] = {0, 1 /* MOUNT_ATTR_RDONLY */, 0, 0};
  ATTEMPT(syscall(442, AT_FDCWD, "/fixed", 0, attr, sizeof attr));
}
ESCAPE(BARE, mounts_listed) {
  uint64_t request[4] = {24, 0xffffffffffffffff, 0}, ids[8];
  ATTEMPT(syscall(458, request, ids, 8, 0));
}
