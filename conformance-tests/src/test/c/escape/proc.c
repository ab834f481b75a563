/*
 * What /proc and /sys tell and allow about the host, and the magic links by which a process leads to its files. Files of the machine
 * are opened and not written: that they can be opened for writing is enough.
 */
#include "escape.h"

static char where[4300];

/* Ends the case if `/proc/PID/END` is worth taking. */
#define LOOK(function, format, ...)                                                                \
  static void function(const char *pid) {                                                          \
    snprintf(where, sizeof where, "/proc/%s/" format, pid, ##__VA_ARGS__);                         \
    if (loot_at(where)) out("read %.50s", where);                                                  \
  }
LOOK(look_root, "root%s", host("secret"))
LOOK(look_cwd, "cwd/secret")
LOOK(look_up_from_cwd, "cwd/shared/../secret")
LOOK(look_file, "fd/5")
LOOK(look_directory, "fd/6/secret")
LOOK(look_cmdline, "cmdline")
LOOK(look_environ, "environ")
LOOK(look_task_root, "task/%s/root%s", pid, host("secret"))

#define NOT_IN_ANY(function)                                                                       \
  each_process(function);                                                                          \
  held("in no process")

ESCAPE(CHROOT, root_of_a_process) { NOT_IN_ANY(look_root); }
ESCAPE(CHROOT, root_of_a_thread) { NOT_IN_ANY(look_task_root); }
ESCAPE(CHROOT, cwd_of_a_process) { NOT_IN_ANY(look_cwd); }
ESCAPE(CHROOT, cwd_of_a_process_and_up) { NOT_IN_ANY(look_up_from_cwd); }
ESCAPE(CHROOT, file_of_a_process) { NOT_IN_ANY(look_file); }
ESCAPE(CHROOT, directory_of_a_process) { NOT_IN_ANY(look_directory); }
ESCAPE(CHROOT, arguments_of_a_process) { NOT_IN_ANY(look_cmdline); }
ESCAPE(CHROOT, environment_of_a_process) { NOT_IN_ANY(look_environ); }

static void look_memory(const char *pid) {
  char bytes[64] = "";
  snprintf(where, sizeof where, "/proc/%s/mem", pid);
  int fd = open(where, O_RDONLY | O_CLOEXEC);
  if (fd == -1) return;
  long n = pread(fd, bytes, sizeof bytes, (uintptr_t)LOOT_ADDRESS);
  close(fd);
  if (n > 0 && is_loot(bytes, n)) out("read %s", where);
}
ESCAPE(CHROOT, memory_of_a_process) { NOT_IN_ANY(look_memory); }

static void look_mapped(const char *pid) {
  snprintf(where, sizeof where, "/proc/%s/map_files", pid);
  DIR *files = opendir(where);
  for (struct dirent *e; files != NULL && (e = readdir(files)) != NULL;) {
    char path[600];
    snprintf(path, sizeof path, "%.50s/%s", where, e->d_name);
    struct stat st;
    if (e->d_name[0] != '.' && stat(path, &st) == 0 && st.st_size < 100 && loot_at(path)) out("read %s", path);
  }
  if (files != NULL) closedir(files);
}
ESCAPE(CHROOT, mapping_of_a_process) { NOT_IN_ANY(look_mapped); }

static int is_program_of_the_host(int fd) {
  char end[64] = "";
  struct stat st;
  return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 64 &&
         pread(fd, end, sizeof end, st.st_size - sizeof end) == sizeof end && is_loot(end, sizeof end);
}
static void look_program(const char *pid) {
  snprintf(where, sizeof where, "/proc/%s/exe", pid);
  int fd = open(where, O_RDONLY | O_CLOEXEC);
  if (fd == -1) return;
  if (is_program_of_the_host(fd)) out("read %s", where);
  close(fd);
}
ESCAPE(CHROOT, program_of_a_process) { NOT_IN_ANY(look_program); }

ESCAPE(CHROOT, program_overwritten) {
  /*
   * CVE-2019-5736: a path-only descriptor of the runtime's program outlives the process that runs it, and is opened again for
   * writing by its magic link. In the weak place the program is a copy that a child runs; in a sandbox anything that runs.
   */
  char link[64];
  long pid = here == SANDBOX ? 1 : fork();
  if (pid == 0) {
    snprintf(where, sizeof where, "/proc/%ld/exe", number("victim"));
    int from = open(where, O_RDONLY | O_CLOEXEC), to = open("runtime", O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
    char bytes[65536];
    for (long n; (n = read(from, bytes, sizeof bytes)) > 0;)
      if (write(to, bytes, n) != n) _exit(1);
    close(to);
    execl("runtime", "runtime", "@sleep", NULL);
    _exit(1);
  }
  if (here != SANDBOX) sleep_ms(100);
  for (long end = here == SANDBOX ? 64 : pid; pid <= end; pid++) {
    snprintf(where, sizeof where, "/proc/%ld/exe", pid);
    int fd = open(where, O_PATH | O_CLOEXEC), readable = open(where, O_RDONLY | O_CLOEXEC);
    if (fd == -1) continue;
    int is_host = readable != -1 && is_program_of_the_host(readable);
    close(readable);
    if (here != SANDBOX) {
      kill(pid, SIGKILL);
      wait_for(pid);
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    int writable = open(link, O_WRONLY | O_CLOEXEC);
    if (writable != -1 && is_host) out("%s is open for writing", where);
    close(fd);
    if (writable != -1) close(writable);
  }
  held("no program but its own");
}

static void sees_in(const char *path, const char *text) {
  static char bytes[1 << 18];
  size_t at = 0;
  int fd = STEP(open(path, O_RDONLY | O_CLOEXEC));
  for (long n; at < sizeof bytes - 1 && (n = read(fd, bytes + at, sizeof bytes - 1 - at)) > 0;) at += n;
  if (memmem(bytes, at, text, strlen(text)) != NULL) out("%s shows %s", path, text);
  held("%s does not show it", path);
}
ESCAPE(BARE, paths_of_the_host_in_mountinfo) { sees_in("/proc/self/mountinfo", fact("dir")); }
ESCAPE(BARE, paths_of_the_host_in_mounts) { sees_in("/proc/self/mounts", fact("dir")); }
ESCAPE(BARE, paths_of_the_host_in_maps) {
  if (mmap(NULL, 4096, PROT_READ, MAP_SHARED, MUST(open(shared("allowed"), O_RDONLY)), 0) == MAP_FAILED) broken("mmap");
  sees_in("/proc/self/maps", fact("dir"));
}
ESCAPE(BARE, sockets_of_the_host_in_unix) { sees_in("/proc/net/unix", "redoubt-escape"); }
ESCAPE(BARE, sockets_of_the_host_in_tcp) {
  char port[16];
  snprintf(port, sizeof port, "0100007F:%04lX", number("tcp"));
  sees_in("/proc/net/tcp", port);
}
ESCAPE(BARE, shared_memory_of_the_host_in_sysvipc) {
  char key[16];
  snprintf(key, sizeof key, "%ld", number("key"));
  sees_in("/proc/sysvipc/shm", key);
}

/* Neither of them needs to be written to. */
static void can_open(const char *path, int flags) {
  int fd = open(path, flags | O_NONBLOCK | O_CLOEXEC);
  if (fd == -1 && errno == ENOENT && here != SANDBOX) lacking("%s", path);
  ATTEMPT(fd);
}
#define CAN_WRITE(name, path)                                                                      \
  ESCAPE(BARE, name) { can_open(path, O_WRONLY); }
CAN_WRITE(core_pattern, "/proc/sys/kernel/core_pattern")
CAN_WRITE(module_loader, "/proc/sys/kernel/modprobe")
CAN_WRITE(panic_at_will, "/proc/sys/kernel/panic")
CAN_WRITE(address_randomisation, "/proc/sys/kernel/randomize_va_space")
CAN_WRITE(cache_dropper, "/proc/sys/vm/drop_caches")
CAN_WRITE(overcommit, "/proc/sys/vm/overcommit_memory")
CAN_WRITE(suid_dumps, "/proc/sys/fs/suid_dumpable")
CAN_WRITE(binary_formats, "/proc/sys/fs/binfmt_misc/register")
CAN_WRITE(sysrq, "/proc/sysrq-trigger")
CAN_WRITE(sysrq_mask, "/proc/sys/kernel/sysrq")
CAN_WRITE(interrupt_affinity, "/proc/irq/default_smp_affinity")
CAN_WRITE(page_merging, "/sys/kernel/mm/ksm/run")
CAN_WRITE(huge_pages, "/sys/kernel/mm/transparent_hugepage/enabled")
CAN_WRITE(hotplug_program, "/sys/kernel/uevent_helper")
CAN_WRITE(suspend, "/sys/power/state")
CAN_WRITE(cpu_offline, "/sys/devices/system/cpu/cpu1/online")
#define CAN_READ(name, path)                                                                       \
  ESCAPE(BARE, name) { can_open(path, O_RDONLY); }
CAN_READ(kernel_memory, "/proc/kcore")
CAN_READ(kernel_messages, "/proc/kmsg")
CAN_READ(page_flags, "/proc/kpageflags")
CAN_READ(page_counts, "/proc/kpagecount")
CAN_READ(kernel_allocations, "/proc/vmallocinfo")
CAN_READ(kernel_slabs, "/proc/slabinfo")
CAN_READ(page_types, "/proc/pagetypeinfo")
CAN_READ(keys_of_the_host, "/proc/keys")
CAN_READ(timers_of_the_host, "/proc/timer_list")
CAN_READ(device_tree, "/sys/firmware/acpi/tables/DSDT")

ESCAPE(BARE, addresses_of_the_kernel) {
  FILE *symbols = fopen("/proc/kallsyms", "r");
  char line[300];
  if (symbols == NULL) refused("/proc/kallsyms");
  while (fgets(line, sizeof line, symbols) != NULL)
    if (strtoul(line, NULL, 16) != 0 && strtoul(line, NULL, 16) >> 60 == 0xf) out("/proc/kallsyms shows addresses");
  held("only zeroes");
}
ESCAPE(BARE, addresses_of_the_machine) {
  FILE *ranges = fopen("/proc/iomem", "r");
  char line[300];
  if (ranges == NULL) refused("/proc/iomem");
  while (fgets(line, sizeof line, ranges) != NULL)
    if (strtoul(line + strcspn(line, "-") + (strchr(line, '-') != NULL), NULL, 16) != 0) out("/proc/iomem shows addresses");
  held("only zeroes");
}
ESCAPE(BARE, page_frames_of_its_own) {
  uint64_t entry = 0;
  volatile char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  *page = 1;
  int fd = STEP(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  STEP(pread(fd, &entry, 8, (uintptr_t)page / 4096 * 8));
  if ((entry & 0x7fffffffffffff) != 0) out("frame %#lx", (long)(entry & 0x7fffffffffffff));
  held("no frame number");
}

static void can_write_below(const char *path, const char *name, int depth) {
  DIR *entries = opendir(path);
  for (struct dirent *e; entries != NULL && (e = readdir(entries)) != NULL;) {
    char below[4200];
    if (e->d_name[0] == '.') continue;
    snprintf(below, sizeof below, "%.3000s/%s", path, e->d_name);
    if (e->d_type == DT_DIR && depth > 0) can_write_below(below, name, depth - 1);
    /* A sandbox has a name of its own: hostname_of_the_host says whether it is. */
    if (strcmp(e->d_name, "hostname") == 0 || strcmp(e->d_name, "domainname") == 0) continue;
    if (e->d_type != DT_REG || (name != NULL && strcmp(e->d_name, name) != 0)) continue;
    int fd = open(below, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd != -1) out("%s is open for writing", below);
  }
  if (entries != NULL) closedir(entries);
}
ESCAPE(BARE, control_groups) {
  can_write_below("/sys/fs/cgroup", "cgroup.procs", 1);
  held("no such file");
}
ESCAPE(BARE, program_run_at_the_end_of_a_group) {
  can_write_below("/sys/fs/cgroup", "release_agent", 1);
  if (here != SANDBOX) lacking("control groups version 1");
  held("no such file");
}
ESCAPE(BARE, parameters_of_modules) {
  can_write_below("/sys/module", NULL, 2);
  held("no such file");
}
ESCAPE(BARE, switches_of_the_kernel) {
  can_write_below("/proc/sys/kernel", NULL, 1);
  held("no such file");
}
