/* uname, sysinfo, sysconf, priorities, usage, random bytes. */
#include "harness.h"
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>
#include <sched.h>

CASE(uname) {
  struct utsname u;
  SHOW(uname(&u));
  say("%s %s", u.sysname, u.machine);
  say("release starts with a number %d, node has a name %d", isdigit(u.release[0]) != 0, u.nodename[0] != 0);
  SHOW(syscall(SYS_uname, BAD_POINTER));
}

CASE(hostname_of_root) {
  SHOW(sethostname(BAD_POINTER, 4));
  SHOW(sethostname("x", -1));
  SHOW(sethostname("x", 100));
  SHOW(setdomainname("x", 100));
}

CASE(sysinfo) {
  struct sysinfo s;
  SHOW(sysinfo(&s));
  say("uptime %d ram %d free %d procs %d unit %d", s.uptime > 0, s.totalram > 0, s.freeram <= s.totalram, s.procs > 0, s.mem_unit > 0);
  SHOW(syscall(SYS_sysinfo, BAD_POINTER));
}

CASE(sysconf) {
  cpu_set_t set;
  sched_getaffinity(0, sizeof set, &set);
  SHOW(sysconf(_SC_PAGESIZE));
  SHOW(sysconf(_SC_CLK_TCK));
  SHOW(sysconf(_SC_NPROCESSORS_ONLN) > 0);
  SHOW(sysconf(_SC_NPROCESSORS_CONF) >= sysconf(_SC_NPROCESSORS_ONLN));
  say("processors as in affinity %d", sysconf(_SC_NPROCESSORS_ONLN) == CPU_COUNT(&set));
  SHOW(sysconf(_SC_PHYS_PAGES) > 1000);
  SHOW(sysconf(_SC_OPEN_MAX) > 0);
  SHOW(pathconf(".", _PC_NAME_MAX));
  SHOW(pathconf(".", _PC_PATH_MAX));
  SHOW(pathconf(".", _PC_PIPE_BUF));
}

CASE(priority) {
  SHOW(getpriority(PRIO_PROCESS, 0));
  SHOW(setpriority(PRIO_PROCESS, 0, 5));
  SHOW(getpriority(PRIO_PROCESS, 0));
  SHOW(nice(3));
  SHOW(getpriority(PRIO_PROCESS, 0));
  SHOW(setpriority(PRIO_PROCESS, 0, 100));
  SHOW(getpriority(PRIO_PROCESS, 0));
  SHOW(getpriority(PRIO_PGRP, 0));
  SHOW(getpriority(99, 0));
  SHOW(setpriority(99, 0, 0));
  SHOW(getpriority(PRIO_PROCESS, 999999));
  SHOW(syscall(SYS_getpriority, PRIO_PROCESS, 0));
}

CASE(usage) {
  struct rusage usage;
  struct tms t;
  SHOW(getrusage(RUSAGE_SELF, &usage));
  say("max rss %d", usage.ru_maxrss > 0);
  SHOW(getrusage(RUSAGE_THREAD, &usage));
  SHOW(getrusage(99, &usage));
  SHOW(syscall(SYS_getrusage, RUSAGE_SELF, BAD_POINTER));
  OK(times(&t));
  SHOW(syscall(SYS_times, BAD_POINTER));
}

CASE(random_bytes) {
  unsigned char a[64], b[64], zero[64] = {0};
  SHOW(getrandom(a, sizeof a, 0));
  SHOW(getrandom(b, sizeof b, GRND_NONBLOCK));
  SHOW(memcmp(a, b, 64) == 0);
  SHOW(memcmp(a, zero, 64) == 0);
  SHOW(getrandom(a, 0, 0));
  SHOW(getrandom(a, 10, 0x100));
  SHOW(syscall(SYS_getrandom, BAD_POINTER, 10, 0));
}

CASE(getcpu) {
  unsigned cpu, node;
  SHOW(getcpu(&cpu, &node));
  cpu_set_t set;
  sched_getaffinity(0, sizeof set, &set);
  say("in the set %d", CPU_ISSET(cpu, &set) != 0);
}

CASE(membarrier_and_rseq) {
  say("membarrier query works %d", syscall(SYS_membarrier, 0, 0, 0) > 0);
  SHOW(syscall(SYS_membarrier, 0x10000, 0, 0));
  SHOW(syscall(SYS_rseq, BAD_POINTER, 5, 0, 0));
}

CASE(arch_prctl) {
  unsigned long fs = 0;
  SHOW(syscall(SYS_arch_prctl, 0x1003, &fs));
  say("fs base is set %d", fs != 0);
  SHOW(syscall(SYS_arch_prctl, 0x1003, BAD_POINTER));
  SHOW(syscall(SYS_arch_prctl, 0x9999, 0));
}

CASE(unknown_calls) {
  SHOW(syscall(333 + 12));
  SHOW(syscall(400));
  SHOW(syscall(600));
  SHOW(syscall(1000));
  SHOW(syscall(99999));
  SHOW(syscall(-1));
  SHOW(syscall(-100));
}

CASE(calls_that_were_removed) {
  SHOW(syscall(SYS__sysctl, NULL));
  SHOW(syscall(SYS_create_module, 0, 0));
  SHOW(syscall(SYS_get_kernel_syms, 0));
  SHOW(syscall(SYS_query_module, 0, 0, 0, 0, 0));
  SHOW(syscall(SYS_nfsservctl, 0, 0, 0));
  SHOW(syscall(SYS_getpmsg, 0, 0, 0, 0, 0));
  SHOW(syscall(SYS_putpmsg, 0, 0, 0, 0, 0));
  SHOW(syscall(SYS_afs_syscall));
  SHOW(syscall(SYS_tuxcall, 0, 0, 0));
  SHOW(syscall(SYS_security, 0, 0, 0));
  SHOW(syscall(SYS_vserver));
}
