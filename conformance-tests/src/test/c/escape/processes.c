/*
 * Processes of the host: to trace, to read and write their memory, to change them, to send them signals. The victim and the prey
 * (of uid 1000) have pids that no guest process has; numbers that one does have are tried for what lies behind them on the host.
 */
#include "escape.h"

#include <linux/kcmp.h>
#include <mqueue.h>
#include <sys/ptrace.h>
#include <sys/resource.h>

static char bytes[64];

static long read_memory(pid_t pid) {
  struct iovec local = {bytes, sizeof bytes}, remote = {LOOT_ADDRESS, sizeof bytes};
  return syscall(SYS_process_vm_readv, pid, &local, 1, &remote, 1, 0);
}
ESCAPE(BARE, memory_read) {
  STEP(read_memory(number("victim")));
  if (is_loot(bytes, sizeof bytes)) out("read the memory of a process of the host");
  held("another process");
}
ESCAPE(BARE, memory_read_of_any_pid) {
  for (pid_t pid = 1; pid < 40000; pid = pid == 1000 ? 29900 : pid == 30100 ? 40000 : pid + 1)
    if (pid != getpid() && read_memory(pid) > 0 && is_loot(bytes, sizeof bytes)) out("read the memory of pid %d", pid);
  held("of none");
}
ESCAPE(BARE, memory_written) {
  struct iovec local = {(void *)case_name, strlen(case_name)}, remote = {LOOT_ADDRESS + 2048, strlen(case_name)};
  STEP(syscall(SYS_process_vm_writev, number("victim"), &local, 1, &remote, 1, 0));
  tried("wrote");
}
ESCAPE(BARE, traced) {
  long pid = number("victim");
  STEP(ptrace(PTRACE_SEIZE, pid, 0, 0));
  STEP(ptrace(PTRACE_INTERRUPT, pid, 0, 0));
  wait_for(pid);
  errno = 0;
  long word = ptrace(PTRACE_PEEKDATA, pid, LOOT_ADDRESS, 0);
  long is_theirs = memcmp(&word, token, sizeof word) == 0;
  ptrace(PTRACE_DETACH, pid, 0, 0);
  if (is_theirs) out("read the memory of a process of the host");
  held("not its memory");
}
ESCAPE(BARE, traced_any_pid) {
  for (pid_t pid = 29900; pid < 30100; pid++)
    if (ptrace(PTRACE_SEIZE, pid, 0, 0) == 0) {
      ptrace(PTRACE_DETACH, pid, 0, 0);
      out("attached to pid %d", pid);
    }
  held("to none");
}
ESCAPE(USER, traced_prey) {
  long pid = number("prey");
  STEP(ptrace(PTRACE_SEIZE, pid, 0, 0));
  ptrace(PTRACE_DETACH, pid, 0, 0);
  out("attached to a process of the same uid");
}
ESCAPE(BARE, pidfd) { ATTEMPT(syscall(434, number("victim"), 0)); }
ESCAPE(BARE, file_taken_by_pidfd) {
  int pidfd = STEP(syscall(434, number("victim"), 0));
  int fd = STEP(syscall(438, pidfd, 5, 0));
  char text[64] = "";
  pread(fd, text, sizeof text, 0);
  if (is_loot(text, sizeof text)) out("took a descriptor of a process of the host");
  held("another file");
}
ESCAPE(BARE, memory_advised) {
  int pidfd = STEP(syscall(434, number("victim"), 0));
  struct iovec remote = {LOOT_ADDRESS, 4096};
  ATTEMPT(syscall(440, pidfd, &remote, 1, 20 /* MADV_COLD */, 0));
}
ESCAPE(BARE, memory_reaped) {
  int pidfd = STEP(syscall(434, number("victim"), 0));
  REACHES(EINVAL, syscall(448, pidfd, 0)); /* of a process that does not die */
}
ESCAPE(BARE, objects_compared) { ATTEMPT(syscall(SYS_kcmp, number("victim"), number("prey"), KCMP_FILES, 0, 0)); }
ESCAPE(BARE, robust_list_of_another) {
  void *head;
  size_t length;
  ATTEMPT(syscall(SYS_get_robust_list, number("victim"), &head, &length));
}
ESCAPE(BARE, limits_of_another) {
  struct rlimit limit;
  ATTEMPT(prlimit(number("victim"), RLIMIT_NOFILE, NULL, &limit));
}
ESCAPE(BARE, affinity_of_another) {
  cpu_set_t set;
  STEP(sched_getaffinity(number("victim"), sizeof set, &set));
  ATTEMPT(sched_setaffinity(number("victim"), sizeof set, &set));
}
ESCAPE(BARE, priority_of_another) { ATTEMPT(setpriority(PRIO_PROCESS, number("victim"), 1)); }
ESCAPE(BARE, scheduler_of_another) {
  struct sched_param none = {0};
  ATTEMPT(sched_setscheduler(number("victim"), SCHED_BATCH, &none));
}
ESCAPE(BARE, io_priority_of_another) { ATTEMPT(syscall(SYS_ioprio_set, 1, number("victim"), 2 << 13)); }
ESCAPE(BARE, session_of_another) { ATTEMPT(getsid(number("victim"))); }
ESCAPE(BARE, capabilities_of_another) {
  uint32_t head[2] = {0x20080522, number("victim")}, data[6];
  ATTEMPT(syscall(SYS_capget, head, data));
}

/* Signals: the victim says which it got, by the number. */
const char *const signal_names[] = {
    "signal_by_pid",       "signal_to_all",      "signal_to_a_group",    "signal_to_a_thread", "signal_to_a_thread_of_a_group",
    "signal_with_a_value", "signal_by_pidfd",    "signal_by_an_owner",   "signal_by_a_socket", "signal_by_a_timer",
    "signal_to_any_pid",   "signal_by_any_pidfd", "signal_by_a_lease",  NULL};

static int number_of_signal(void) {
  for (int i = 0; signal_names[i] != NULL; i++)
    if (strcmp(signal_names[i], case_name) == 0) return SIGRTMIN + 1 + i;
  errno = ENOENT;
  broken("no signal");
}

static void sent(long result) {
  if (result == -1) refused("send");
  tried("sent");
}
ESCAPE(BARE, signal_by_pid) { sent(kill(number("victim"), number_of_signal())); }
ESCAPE(USER, signal_to_all) { sent(kill(-1, number_of_signal())); }
ESCAPE(BARE, signal_to_a_group) { sent(kill(-number("victim"), number_of_signal())); }
ESCAPE(BARE, signal_to_a_thread) { sent(syscall(SYS_tkill, number("victim"), number_of_signal())); }
ESCAPE(BARE, signal_to_a_thread_of_a_group) { sent(syscall(SYS_tgkill, number("victim"), number("victim"), number_of_signal())); }
ESCAPE(BARE, signal_with_a_value) {
  siginfo_t info = {.si_code = SI_QUEUE};
  info.si_pid = getpid();
  info.si_signo = number_of_signal();
  sent(syscall(SYS_rt_sigqueueinfo, number("victim"), number_of_signal(), &info));
}
ESCAPE(BARE, signal_by_pidfd) {
  int pidfd = STEP(syscall(434, number("victim"), 0));
  sent(syscall(424, pidfd, number_of_signal(), NULL, 0));
}
ESCAPE(BARE, signal_by_any_pidfd) {
  /* /proc/PID is a pidfd too. */
  char path[64];
  snprintf(path, sizeof path, "/proc/%ld", number("victim"));
  int fd = STEP(open(path, O_RDONLY | O_DIRECTORY));
  sent(syscall(424, fd, number_of_signal(), NULL, 0));
}
static void arm(int fd) {
  struct f_owner_ex {
    int type, pid;
  } owner = {1 /* F_OWNER_PID */, number("victim")};
  STEP(fcntl(fd, F_SETSIG, number_of_signal()));
  STEP(fcntl(fd, F_SETFL, O_ASYNC | O_NONBLOCK));
  long set = fcntl(fd, 15 /* F_SETOWN_EX */, &owner);
  if (set == -1) set = fcntl(fd, F_SETOWN, owner.pid);
  STEP(set);
}
ESCAPE(BARE, signal_by_an_owner) {
  int fds[2];
  MUST(pipe(fds));
  arm(fds[0]);
  MUST(write(fds[1], "x", 1));
  tried("wrote");
}
ESCAPE(BARE, signal_by_a_socket) {
  int fds[2], pid = number("victim");
  MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
  arm(fds[0]);
  ioctl(fds[0], 0x8902 /* SIOCSPGRP */, &pid);
  MUST(write(fds[1], "x", 1));
  tried("wrote");
}
ESCAPE(BARE, signal_by_a_lease) {
  int fd = MUST(open("file", O_RDWR | O_CREAT, 0666));
  arm(fd);
  STEP(fcntl(fd, F_SETLEASE, F_WRLCK));
  MUST(fcntl(fd, F_SETSIG, number_of_signal()));
  /* Somebody opens it: the lease breaks, and its owner is told. */
  struct f_owner_ex {
    int type, pid;
  } owner = {1, number("victim")};
  STEP(fcntl(fd, 15, &owner));
  pid_t pid = MUST(fork());
  if (pid == 0) {
    open("file", O_WRONLY | O_NONBLOCK);
    _exit(0);
  }
  wait_for(pid);
  fcntl(fd, F_SETLEASE, F_UNLCK);
  tried("broke a lease");
}
ESCAPE(BARE, signal_by_a_timer) {
  /* Linux wants a thread of the own group; the weak place is the same call without that check, tgkill. */
  struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = number_of_signal()};
  struct itimerspec soon = {{0}, {0, 1000000}};
  int timer = -1;
  event._sigev_un._tid = number("victim");
  if (here != SANDBOX) sent(syscall(SYS_tgkill, number("victim"), number("victim"), number_of_signal()));
  STEP(syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer));
  STEP(syscall(SYS_timer_settime, timer, 0, &soon, NULL));
  sleep_ms(10);
  tried("armed");
}
ESCAPE(BARE, signal_to_any_pid) {
  /* Numbers below 1000 are those of the sandbox's own processes, of which the host has others. */
  for (pid_t pid = 1; pid < 40000; pid = pid == 1000 ? 29900 : pid == 30100 ? 40000 : pid + 1) kill(pid, number_of_signal());
  tried("sent");
}
