/*
 * Parts of the host kernel that no guest may reach: the filter answers, or the sentry does. Where success would change the machine
 * the argument is one that the kernel refuses after it has looked whether the caller may (REACHES).
 */
#include "escape.h"

#include <linux/perf_event.h>
#include <sys/io.h>
#include <sys/klog.h>
#include <sys/timex.h>

static uint32_t words[64];

ESCAPE(BARE, bpf_map) {
  uint32_t array[18] = {2, 4, 4, 1};
  ATTEMPT(syscall(SYS_bpf, 0, array, sizeof array));
}
ESCAPE(BARE, bpf_program) {
  uint64_t code[] = {0xb7, 0x95}; /* r0 = 0; exit */
  uint64_t load[16] = {1 | (uint64_t)2 << 32, (uintptr_t)code, (uintptr_t) "GPL"};
  ATTEMPT(syscall(SYS_bpf, 5, load, sizeof load));
}
ESCAPE(BARE, perf_of_all_tenants) {
  struct perf_event_attr clock = {.type = PERF_TYPE_SOFTWARE, .size = sizeof clock, .config = PERF_COUNT_SW_CPU_CLOCK};
  ATTEMPT(syscall(SYS_perf_event_open, &clock, -1, 0, -1, 0));
}
ESCAPE(BARE, perf_of_itself) {
  struct perf_event_attr clock = {.type = PERF_TYPE_SOFTWARE, .size = sizeof clock, .config = PERF_COUNT_SW_TASK_CLOCK,
                                  .exclude_kernel = 1};
  ATTEMPT(syscall(SYS_perf_event_open, &clock, 0, -1, -1, 0));
}
static int is_io_uring_off(long result) {
  return result == -1 && errno == EPERM && here != SANDBOX; /* kernel.io_uring_disabled */
}
ESCAPE(BARE, io_uring) {
  long ring = syscall(425, 1, words);
  if (is_io_uring_off(ring)) lacking("io_uring");
  ATTEMPT(ring);
}
ESCAPE(BARE, io_uring_without_fd) {
  long result = syscall(427, -1, 99, NULL, 0);
  if (is_io_uring_off(result)) lacking("io_uring");
  REACHES(EINVAL, result);
}
ESCAPE(BARE, userfaultfd) { ATTEMPT(syscall(SYS_userfaultfd, O_CLOEXEC)); }
ESCAPE(BARE, key_added) { ATTEMPT(syscall(SYS_add_key, "user", "redoubt", "x", 1, -2)); }
ESCAPE(BARE, keyring_of_its_own) { ATTEMPT(syscall(SYS_keyctl, 0, -2, 1)); }
ESCAPE(BARE, key_requested) { REACHES(ENOKEY, syscall(SYS_request_key, "user", "no such key", NULL, 0)); }
ESCAPE(BARE, kexec_image) { REACHES(EINVAL, syscall(SYS_kexec_load, 0, 0, NULL, 0xffff)); }
ESCAPE(BARE, kexec_file) { REACHES(EINVAL, syscall(SYS_kexec_file_load, -1, -1, 0, NULL, 0xffff0000)); }
ESCAPE(BARE, module_in_memory) { REACHES(ENOEXEC, syscall(SYS_init_module, "x", 1, "")); }
ESCAPE(BARE, module_in_a_file) { REACHES(EBADF, syscall(SYS_finit_module, -1, "", 0)); }
ESCAPE(BARE, module_removed) { REACHES(ENOENT, syscall(SYS_delete_module, "no_such_module", O_NONBLOCK)); }
ESCAPE(BARE, all_io_ports) { ATTEMPT(iopl(3)); }
ESCAPE(BARE, one_io_port) { ATTEMPT(ioperm(0x80, 1, 1)); }
ESCAPE(BARE, swap_on) { REACHES(ENOENT, syscall(SYS_swapon, "no such file", 0)); }
ESCAPE(BARE, swap_off) { REACHES(ENOENT, syscall(SYS_swapoff, "no such file")); }
ESCAPE(BARE, reboot) { REACHES(EINVAL, syscall(SYS_reboot, 1, 2, 3, NULL)); }
ESCAPE(BARE, clock_set) { ATTEMPT(syscall(SYS_settimeofday, NULL, NULL)); /* sets nothing, for who may */ }
ESCAPE(BARE, clock_slewed) {
  struct timex bad = {.modes = ADJ_TICK, .tick = 1};
  REACHES(EINVAL, adjtimex(&bad));
}
ESCAPE(BARE, clock_slewed_by_id) {
  struct timex bad = {.modes = ADJ_TICK, .tick = 1};
  REACHES(EINVAL, clock_adjtime(CLOCK_REALTIME, &bad));
}
ESCAPE(BARE, hostname_of_the_host) {
  sethostname(case_name, strlen(case_name));
  tried("sethostname");
}
ESCAPE(BARE, domain_of_the_host) {
  setdomainname(case_name, strlen(case_name));
  tried("setdomainname");
}
ESCAPE(BARE, accounting) { ATTEMPT(syscall(SYS_acct, NULL)); }
ESCAPE(BARE, quotas) { ATTEMPT(syscall(SYS_quotactl, 0x80000100 /* QCMD(Q_SYNC, USRQUOTA) */, NULL, 0, NULL)); }
ESCAPE(BARE, kernel_log) { ATTEMPT(klogctl(10 /* SYSLOG_ACTION_SIZE_BUFFER */, NULL, 0) > 0 ? 0 : -1); }
ESCAPE(BARE, kernel_log_read) {
  static char log[1 << 20];
  ATTEMPT(klogctl(3 /* SYSLOG_ACTION_READ_ALL */, log, sizeof log) > 0 ? 0 : -1);
}
ESCAPE(BARE, hang_up) { ATTEMPT(syscall(SYS_vhangup)); /* of a session without a terminal */ }
ESCAPE(USER, descriptor_table) {
  uint32_t segment[4] = {0, 0, 0xfffff, 0x51};
  ATTEMPT(syscall(SYS_modify_ldt, 1, segment, sizeof segment));
}
ESCAPE(BARE, fanotify) { ATTEMPT(syscall(SYS_fanotify_init, 0, 0)); }
ESCAPE(BARE, landlock) { ATTEMPT(syscall(444, NULL, 0, 1)); }
ESCAPE(USER, secret_memory) { ATTEMPT(syscall(447, 0)); }
ESCAPE(USER, huge_page_file) { ATTEMPT(memfd_create("x", MFD_HUGETLB)); }
ESCAPE(BARE, real_time_scheduling) {
  struct sched_param first = {.sched_priority = 1};
  ATTEMPT(sched_setscheduler(0, SCHED_FIFO, &first));
}
ESCAPE(BARE, deadline_scheduling) {
  uint32_t attr[12] = {48, SCHED_DEADLINE};
  uint64_t times[3] = {1000000, 100000000, 100000000};
  memcpy(attr + 6, times, sizeof times);
  long set = syscall(SYS_sched_setattr, 0, attr, 0);
  if (set == -1 && (errno == EPERM || errno == EBUSY) && here != SANDBOX) lacking("all CPUs are needed for that");
  ATTEMPT(set);
}
static void spoil(int advice) {
  /* An address where nothing is: no page is lost. */
  unsigned char state;
  void *nothing = (void *)0x10000;
  if (mincore(nothing, 4096, &state) != -1 || errno != ENOMEM) broken("there is something at 64 KiB");
  if (madvise(nothing, 4096, advice) == -1 && errno == EINVAL && here != SANDBOX) lacking("CONFIG_MEMORY_FAILURE");
  REACHES(EFAULT, madvise(nothing, 4096, advice));
}
ESCAPE(BARE, memory_errors) { spoil(100 /* MADV_HWPOISON */); }
ESCAPE(BARE, memory_offlined) { spoil(101 /* MADV_SOFT_OFFLINE */); }
ESCAPE(USER, pages_merged) {
  /* How long a write to a merged page takes tells what others hold. */
  void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (madvise(page, 4096, MADV_MERGEABLE) == 0 || errno != EINVAL) ATTEMPT(madvise(page, 4096, MADV_MERGEABLE));
  if (here != SANDBOX) lacking("CONFIG_KSM");
  held("EINVAL");
}
ESCAPE(BARE, all_pages_merged) { ATTEMPT(prctl(67 /* PR_SET_MEMORY_MERGE */, 1, 0, 0, 0)); }
ESCAPE(USER, priority_inheritance) { ATTEMPT(syscall(SYS_futex, words, 6 /* FUTEX_LOCK_PI */, 0, NULL, NULL, 0)); }
ESCAPE(USER, requeue_to_inheritance) {
  REACHES(EINVAL, syscall(SYS_futex, words, 12 /* FUTEX_CMP_REQUEUE_PI */, 2, NULL, words + 1, 0));
}
ESCAPE(USER, wait_vector) { REACHES(EINVAL, syscall(449, NULL, 0, 0, NULL, 0)); }
ESCAPE(USER, clone3) {
  uint64_t args[11] = {0};
  args[4] = SIGCHLD;
  long pid = syscall(SYS_clone3, args, sizeof args);
  if (pid == 0) _exit(0);
  ATTEMPT(pid);
}
ESCAPE(USER, barrier_on_all_cpus) { ATTEMPT(syscall(SYS_membarrier, 2 /* GLOBAL_EXPEDITED */, 0, 0)); }
ESCAPE(BARE, program_break_moved) {
  only_with(24 /* CAP_SYS_RESOURCE */);
  REACHES(EINVAL, prctl(PR_SET_MM, 99, 0, 0, 0));
}
ESCAPE(BARE, io_flusher) {
  only_with(24 /* CAP_SYS_RESOURCE */);
  ATTEMPT(prctl(57 /* PR_SET_IO_FLUSHER */, 1, 0, 0, 0));
}
ESCAPE(BARE, memory_policy_of_others) {
  unsigned long nodes = 1;
  ATTEMPT(syscall(SYS_migrate_pages, number("victim"), 64, &nodes, &nodes));
}
ESCAPE(BARE, pages_of_others_moved) {
  void *page = LOOT_ADDRESS;
  int status = -1;
  ATTEMPT(syscall(SYS_move_pages, number("victim"), 1, &page, NULL, &status, 0));
}
ESCAPE(USER, core_dump) {
  /* A core pattern that is a pipe runs a program of the host on what the guest wrote. */
  struct {
    unsigned long soft, hard;
  } limit = {1 << 20, 1 << 20};
  if (syscall(SYS_prlimit64, 0, 4 /* RLIMIT_CORE */, &limit, NULL) == -1 && here != SANDBOX) lacking("core dumps");
  pid_t pid = MUST(fork());
  if (pid == 0) {
    signal(SIGQUIT, SIG_DFL);
    raise(SIGQUIT);
    _exit(0);
  }
  int status = wait_for(pid);
  if (WIFSIGNALED(status) && WCOREDUMP(status)) out("the host kernel dumped core");
  held("no core");
}
