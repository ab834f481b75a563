/*
 * Paths and descriptors: to a file outside of what was granted, to change what was granted read-only, and to leave on the host what
 * no guest should. Files of the tree outside may be written by all: only the wall keeps a guest from them.
 */
#include "escape.h"

#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

static void take(const char *path) {
  int fd = STEP(open(path, O_RDONLY | O_CLOEXEC));
  if (loot_in(fd)) out("read a file of the host");
  held("another file");
}
ESCAPE(BARE, path_of_the_host) { take(host("secret")); }
ESCAPE(BARE, path_of_the_host_by_dotdot) {
  char path[4200];
  snprintf(path, sizeof path, "../../../../../../../../../../../../../../../..%s", host("secret"));
  take(path);
}
ESCAPE(BARE, up_from_a_bind) { take(shared("../secret")); }
ESCAPE(BARE, up_from_the_root) { take(here == SANDBOX ? "/../secret" : host("root/../secret")); }
ESCAPE(BARE, link_left_by_the_host) { take(shared("link-absolute")); }
ESCAPE(BARE, link_left_by_the_host_relative) { take(shared("link-relative")); }
ESCAPE(BARE, link_left_by_the_host_on_the_way) { take(shared("link-directory/secret")); }
ESCAPE(CHROOT, link_left_by_the_host_magic) {
  char path[4200];
  snprintf(path, sizeof path, "/shared/link-magic%s", host("secret"));
  take(path);
}
ESCAPE(BARE, link_made_in_a_bind) {
  unlink(shared("made-absolute"));
  STEP(symlink(host("secret"), shared("made-absolute")));
  take(shared("made-absolute"));
}
ESCAPE(BARE, link_made_in_a_bind_relative) {
  unlink(shared("made-relative"));
  STEP(symlink("../../../../../secret", shared("made-relative")));
  take(here == SANDBOX ? shared("made-relative") : shared("link-relative"));
}
ESCAPE(BARE, link_made_in_the_root) {
  MUST(symlink(host("secret"), "link"));
  take("link");
}
ESCAPE(BARE, path_with_openat2) {
  /* A resolution that the sentry may not know must not become one that nobody bounds. */
  struct open_how how = {.flags = O_RDONLY, .resolve = RESOLVE_NO_XDEV};
  int directory = MUST(open(shared("."), O_RDONLY | O_DIRECTORY));
  how.resolve = 0;
  int fd = syscall(SYS_openat2, directory, "../secret", &how, sizeof how);
  STEP(fd);
  if (loot_in(fd)) out("read a file of the host");
  held("another file");
}
ESCAPE(BARE, path_from_a_descriptor) {
  int directory = MUST(open(shared("."), O_PATH | O_DIRECTORY));
  int fd = STEP(openat(directory, "../secret", O_RDONLY));
  if (loot_in(fd)) out("read a file of the host");
  held("another file");
}
ESCAPE(BARE, hard_link_to_the_host) {
  STEP(linkat(AT_FDCWD, host("secret"), AT_FDCWD, host("root/hard"), 0));
  take(host("root/hard"));
}
ESCAPE(BARE, hard_link_through_a_link) {
  unlink(shared("hard"));
  /* In the weak place both are of one file system; there the link is followed. */
  STEP(linkat(AT_FDCWD, shared("link-absolute"), AT_FDCWD, shared("hard"), AT_SYMLINK_FOLLOW));
  take(shared("hard"));
}
ESCAPE(BARE, renamed_out_of_a_bind) {
  char to[300];
  snprintf(to, sizeof to, "../outside/%s.new", case_name);
  int fd = STEP(open(named(shared("."), ""), O_WRONLY | O_CREAT, 0666));
  close(fd);
  STEP(rename(named(shared("."), ""), shared(to)));
  tried("renamed");
}
ESCAPE(BARE, written_outside_by_its_path) {
  int fd = STEP(open(named(host("outside"), ""), O_WRONLY | O_APPEND));
  MUST(write(fd, "changed", 7));
  tried("wrote");
}
ESCAPE(BARE, made_outside_through_a_link) {
  char path[300];
  snprintf(path, sizeof path, "link-directory/outside/%s.new", case_name);
  STEP(open(shared(path), O_WRONLY | O_CREAT, 0666));
  tried("made");
}
ESCAPE(BARE, made_outside_by_mkdir) {
  char path[300];
  snprintf(path, sizeof path, "link-directory/outside/%s.new", case_name);
  STEP(mkdir(shared(path), 0777));
  tried("made");
}
ESCAPE(BARE, removed_outside_through_a_link) {
  char path[300];
  snprintf(path, sizeof path, "link-directory/outside/%s", case_name);
  STEP(truncate(shared(path), 0));
  tried("truncated");
}

ESCAPE(CHROOT, handle_of_the_host) {
  /* The "shocker" of 2014: open_by_handle_at knows no root. */
  struct {
    struct file_handle head;
    unsigned char bytes[128];
  } h = {.head.handle_type = number("handle_type")};
  const char *hex = fact("handle");
  h.head.handle_bytes = strlen(hex) / 2;
  for (unsigned i = 0; i < h.head.handle_bytes; i++) sscanf(hex + 2 * i, "%2hhx", &h.head.f_handle[i]);
  int mount = MUST(open("/shared", O_RDONLY | O_DIRECTORY));
  int fd = STEP(open_by_handle_at(mount, &h.head, O_RDONLY));
  if (loot_in(fd)) out("read a file of the host");
  held("another file");
}
ESCAPE(CHROOT, handle_shown) {
  struct {
    struct file_handle head;
    unsigned char bytes[128];
  } h = {.head.handle_bytes = 128};
  int mount_id;
  ATTEMPT(name_to_handle_at(AT_FDCWD, "/shared/allowed", &h.head, &mount_id, 0));
}
ESCAPE(CHROOT, descriptor_left_open) {
  /* CVE-2024-21626, CVE-2016-9962: a directory of the host that whoever started the sandbox left open. */
  for (int fd = 3; fd < 1024; fd++) {
    int secret = openat(fd, "secret", O_RDONLY);
    if (secret != -1 && loot_in(secret)) out("descriptor %d is a directory of the host", fd);
  }
  held("none is open");
}
ESCAPE(CHROOT, descriptor_left_open_by_its_link) {
  char path[100];
  for (int fd = 3; fd < 256; fd++) {
    snprintf(path, sizeof path, "/proc/self/fd/%d/secret", fd);
    if (loot_at(path)) out("%s", path);
  }
  held("none is open");
}
ESCAPE(CHROOT, file_left_open) {
  char text[64] = "";
  for (int fd = 3; fd < 1024; fd++)
    if (pread(fd, text, sizeof text, 0) > 0 && is_loot(text, sizeof text)) out("descriptor %d is a file of the host", fd);
  held("none is open");
}

/* Nodes that the host has left in the shared directory. */
static void read_disk(const char *path) {
  char sector[512];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd == -1 && errno == EPERM && here != SANDBOX) lacking("%s: a device group forbids it to all that the tests start", path);
  STEP(fd);
  STEP(read(fd, sector, sizeof sector));
  out("read the disk");
}
ESCAPE(BARE, disk_of_the_host) { read_disk(shared("disk")); }
ESCAPE(BARE, device_of_the_host) { ATTEMPT(open(shared("kernel-log"), O_RDONLY | O_NONBLOCK)); }
ESCAPE(BARE, tunnel_device_of_the_host) {
  only_if_listed("/proc/misc", "tun");
  ATTEMPT(open(shared("tunnel"), O_RDWR));
}
ESCAPE(BARE, disk_by_an_own_node) {
  struct stat st;
  dev_t number = lstat(shared("disk"), &st) == 0 && S_ISBLK(st.st_mode) ? st.st_rdev : makedev(254, 0);
  STEP(mknod("disk", S_IFBLK | 0666, number));
  read_disk("disk");
}
ESCAPE(BARE, kernel_log_by_an_own_node) {
  STEP(mknod("log", S_IFCHR | 0666, makedev(1, 11)));
  ATTEMPT(open("log", O_RDONLY | O_NONBLOCK));
}
ESCAPE(BARE, any_device_by_an_own_node) {
  /* Not null, zero, full, random, urandom, tty and ptmx, which a sandbox has its own of. */
  static const int numbers[][2] = {{1, 1}, {1, 2}, {1, 4}, {1, 10}, {1, 11}, {4, 0}, {4, 1}, {7, 0}, {10, 229}, {10, 232}, {10, 200},
                                   {10, 237}, {10, 183}, {10, 144}, {10, 61}, {13, 64}, {29, 0}, {108, 0}, {226, 0}, {511, 0}};
  for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    char name[32];
    snprintf(name, sizeof name, "c%u", i);
    if (here != SANDBOX && numbers[i][1] != 11) continue; /* a driver that is there */
    if (mknod(name, S_IFCHR | 0666, makedev(numbers[i][0], numbers[i][1])) == -1) continue;
    int fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd != -1) out("device %d:%d", numbers[i][0], numbers[i][1]);
  }
  held("none of them");
}
ESCAPE(BARE, node_left_in_a_bind) {
  STEP(mknod(named(shared("."), ".node"), S_IFCHR | 0666, makedev(1, 11)));
  tried("made");
}
ESCAPE(BARE, disk_node_left_in_a_bind) {
  STEP(mknod(named(shared("."), ".node"), S_IFBLK | 0666, makedev(254, 0)));
  tried("made");
}
ESCAPE(BARE, file_capabilities_left_in_a_bind) {
  struct vfs_cap_data all = {VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE, {{-1, 0}, {-1, 0}}};
  const char *path = named(shared("."), ".program");
  close(STEP(open(path, O_WRONLY | O_CREAT, 0755)));
  STEP(setxattr(path, "security.capability", &all, sizeof all, 0));
  tried("set");
}
ESCAPE(BARE, trusted_attribute_left_in_a_bind) {
  /* How an overlay of the host is told to look elsewhere. */
  const char *path = named(shared("."), ".directory");
  STEP(mkdir(path, 0777));
  ATTEMPT(setxattr(path, "trusted.overlay.redirect", "/", 1, 0));
}
ESCAPE(BARE, fifo_of_the_host) {
  int fd = STEP(open(shared("fifo"), O_WRONLY | O_NONBLOCK));
  STEP(write(fd, case_name, strlen(case_name)));
  tried("wrote");
}

/* What was granted read-only; each has a file of its own there, that all may write. */
#define FIXED named(fixed("."), "")
#define CHANGED(call)                                                                              \
  STEP(call);                                                                                      \
  tried("%s", #call)
ESCAPE(BARE, fixed_opened_for_writing) {
  int fd = STEP(open(FIXED, O_WRONLY | O_APPEND));
  CHANGED(write(fd, "changed", 7));
}
ESCAPE(BARE, fixed_truncated) { CHANGED(truncate(FIXED, 0)); }
ESCAPE(BARE, fixed_truncated_by_open) { CHANGED(open(FIXED, O_RDONLY | O_TRUNC)); }
ESCAPE(BARE, fixed_mode_changed) { CHANGED(chmod(FIXED, 0600)); }
ESCAPE(BARE, fixed_mode_changed_by_descriptor) { CHANGED(fchmod(MUST(open(FIXED, O_RDONLY)), 0600)); }
ESCAPE(BARE, fixed_owner_changed) { CHANGED(lchown(FIXED, 1, 1)); }
ESCAPE(BARE, fixed_times_changed) { CHANGED(utimensat(AT_FDCWD, FIXED, NULL, 0)); }
ESCAPE(BARE, fixed_removed) {
  STEP(unlink(FIXED));
  STEP(mkdir(named(fixed("."), ".new"), 0777));
  tried("unlink");
}
ESCAPE(BARE, fixed_renamed) { CHANGED(rename(FIXED, named(fixed("."), ".new"))); }
ESCAPE(BARE, fixed_linked) { CHANGED(link(FIXED, named(fixed("."), ".new"))); }
ESCAPE(BARE, fixed_linked_into_a_writable_tree) {
  unlink(named(shared("."), ""));
  STEP(link(FIXED, named(shared("."), "")));
  int fd = STEP(open(named(shared("."), ""), O_WRONLY | O_APPEND));
  CHANGED(write(fd, "changed", 7));
}
ESCAPE(BARE, fixed_attribute_set) { CHANGED(setxattr(FIXED, "trusted.x", "y", 1, 0)); }
ESCAPE(BARE, fixed_flags_set) {
  int flags = FS_NODUMP_FL;
  CHANGED(ioctl(MUST(open(FIXED, O_RDONLY)), FS_IOC_SETFLAGS, &flags));
}
ESCAPE(BARE, fixed_directory_made_in) { CHANGED(mkdir(named(fixed("."), ".new"), 0777)); }
ESCAPE(BARE, fixed_file_made_in) { CHANGED(open(named(fixed("."), ".new"), O_WRONLY | O_CREAT, 0666)); }
ESCAPE(BARE, fixed_link_made_in) { CHANGED(symlink("x", named(fixed("."), ".new"))); }
ESCAPE(BARE, fixed_socket_made_in) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (snprintf(address.sun_path, sizeof address.sun_path, "%s", named(fixed("."), ".new")) >= (int)sizeof address.sun_path)
    broken("path");
  CHANGED(bind(MUST(socket(AF_UNIX, SOCK_STREAM, 0)), (struct sockaddr *)&address, sizeof address));
}
ESCAPE(BARE, fixed_opened_again) {
  /* A descriptor for reading, opened again for writing by its magic link. */
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", MUST(open(FIXED, O_RDONLY)));
  int fd = STEP(open(link, O_WRONLY | O_APPEND));
  CHANGED(write(fd, "changed", 7));
}
ESCAPE(BARE, fixed_opened_by_path_descriptor) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", MUST(open(FIXED, O_PATH)));
  int fd = STEP(open(link, O_RDWR | O_APPEND));
  CHANGED(write(fd, "changed", 7));
}
ESCAPE(BARE, fixed_allocated) { CHANGED(fallocate(STEP(open(FIXED, O_RDWR)), 0, 0, 100000)); }
ESCAPE(BARE, fixed_copied_over) {
  int from = MUST(open(shared("allowed"), O_RDONLY)), to = open(FIXED, here == SANDBOX ? O_RDONLY : O_WRONLY);
  STEP(to);
  CHANGED(copy_file_range(from, NULL, to, NULL, 8, 0));
}
ESCAPE(BARE, fixed_spliced_over) {
  /* CVE-2022-0847: a page of the file in a pipe, and then written to; the weak place writes by a descriptor. */
  int fds[2];
  loff_t at = 0;
  int fd = MUST(open(FIXED, O_RDONLY));
  MUST(pipe(fds));
  char page[4096] = "";
  for (int i = 0; i < 16; i++) write(fds[1], page, sizeof page);
  for (int i = 0; i < 16; i++) read(fds[0], page, sizeof page);
  splice(fd, &at, fds[1], NULL, 1, 0);
  write(fds[1], "changed", 7);
  if (here != SANDBOX) pwrite(MUST(open(FIXED, O_WRONLY)), "changed", 7, 0);
  tried("spliced");
}
ESCAPE(BARE, fixed_exchanged) {
  const char *other = named(shared("."), ".other");
  close(MUST(open(other, O_WRONLY | O_CREAT, 0666)));
  CHANGED(syscall(SYS_renameat2, AT_FDCWD, other, AT_FDCWD, FIXED, RENAME_EXCHANGE));
}
ESCAPE(BARE, fixed_mount_point_renamed) {
  long r = rename(here == SANDBOX ? "/fixed" : host("fixed/directory"), here == SANDBOX ? "/moved" : host("fixed/fixed_mount_point_renamed.new"));
  CHANGED(r);
}

ESCAPE(USER, set_id_program) {
  /* Of root, and set-uid: switches the host's accounting off, which only the host's root can. */
  pid_t pid = MUST(fork());
  if (pid == 0) {
    execl(shared("suid"), "suid", "@root", NULL);
    _exit(2);
  }
  int status = wait_for(pid);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) out("became root of the host");
  held("status %#x", status);
}
ESCAPE(USER, set_id_program_left_in_a_bind) {
  /* In the weak place by root: what a guest's root leaves, the host's root would have left. */
  const char *path = named(shared("."), ".program");
  if (here != SANDBOX) {
    path = shared("set_id_program_left_in_a_bind.program");
    pid_t pid = MUST(fork());
    if (pid == 0) {
      execl(shared("suid"), "suid", "@leave", path, NULL);
      _exit(2);
    }
    wait_for(pid);
    tried("left");
  }
  close(STEP(open(path, O_WRONLY | O_CREAT, 0755)));
  chown(path, 0, 0);
  STEP(chmod(path, 04755));
  tried("left");
}
