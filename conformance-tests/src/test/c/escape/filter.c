/* The filter itself: other entries into the kernel, every number, the stub's own call, filters and dispatchers that a guest brings. */
#include "escape.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <ucontext.h>

/* launcher/src/main/native/stub.h */
#define STUB_CALL 29285

static long int80(long call, long a, long b, long c) {
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(call), "b"(a), "c"(b), "d"(c), "S"(0), "D"(0) : "memory", "r8", "r9", "r10", "r11");
  if (result < 0 && result > -4096) {
    errno = -result;
    return -1;
  }
  return result;
}
static char *low(size_t length, int protection) {
  void *at = mmap(NULL, length, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
  if (at == MAP_FAILED) broken("mmap MAP_32BIT");
  return at;
}

/* Kernels without CONFIG_IA32_EMULATION, or with ia32_emulation=0, have no such gate: then it faults, for everybody. */
static void needs_i386(void) {
  pid_t pid = MUST(fork());
  if (pid == 0) {
    int80(20, 0, 0, 0);
    _exit(0);
  }
  int status = wait_for(pid);
  if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSEGV) return;
  if (here != SANDBOX) lacking("the 32-bit gate (ia32_emulation)");
  held("the host kernel has no gate for it");
}

ESCAPE(USER, i386_getpid) {
  needs_i386();
  ATTEMPT(int80(20, 0, 0, 0));
}
ESCAPE(USER, i386_open) {
  needs_i386();
  char *path = low(4096, PROT_READ | PROT_WRITE);
  strcpy(path, "/");
  ATTEMPT(int80(5, (long)path, 0, 0));
}
ESCAPE(USER, i386_execve) {
  needs_i386();
  REACHES(EFAULT, int80(11, 8, 0, 0));
}
ESCAPE(USER, i386_socket) {
  needs_i386();
  uint32_t *arguments = (uint32_t *)low(4096, PROT_READ | PROT_WRITE);
  arguments[0] = AF_INET;
  arguments[1] = SOCK_DGRAM;
  ATTEMPT(int80(102, 1, (long)arguments, 0));
}
ESCAPE(USER, i386_in_compatibility_mode) {
  needs_i386();
  /* A far return to a 32-bit code segment, int 0x80 there, and a far jump back. */
  static const unsigned char code[] = {0xb8, 20, 0, 0, 0, 0xcd, 0x80, 0xea, 0, 0, 0, 0, 0x33, 0};
  char *at = low(4096, PROT_READ | PROT_WRITE | PROT_EXEC);
  memcpy(at, code, sizeof code);
  at[64] = 0xc3; /* ret */
  uint32_t back = (uint32_t)(uintptr_t)(at + 64);
  memcpy(at + 8, &back, 4);
  long result;
  __asm__ volatile(
      "movq %%rsp, %%r12\n" /* the stack pointer has 32 bits there */
      "leaq 2048(%1), %%rsp\n"
      "leaq 1f(%%rip), %%rax\n"
      "pushq %%rax\n"
      "pushq $0x23\n"
      "pushq %1\n"
      "lretq\n"
      "1: movq %%r12, %%rsp\n"
      : "=&a"(result)
      : "r"(at)
      : "memory", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "cc");
  if (result > 0) out("getpid is %ld", result);
  errno = -(int)result;
  refused("getpid");
}
ESCAPE(USER, i386_with_a_handler) {
  needs_i386();
  /* SIGSYS that is ignored or handled must not make a call of it that failed. */
  signal(SIGSYS, SIG_IGN);
  ATTEMPT(int80(20, 0, 0, 0));
}
ESCAPE(USER, i386_many_numbers) {
  needs_i386();
  static const int numbers[] = {3, 4, 5, 7, 11, 20, 26, 54, 90, 91, 102, 113, 117, 123, 125, 166, 192, 195, 220, 243, 295, 310, 336,
                                341, 347, 357, 358, 359, 362, 386, 425, 435};
  int answered = 0;
  for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    pid_t pid = MUST(fork());
    if (pid == 0) _exit(int80(numbers[i], -1, -1, -1) == -1 && errno == ENOSYS);
    int status = wait_for(pid);
    answered += !(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) && status != 1 << 8;
  }
  if (answered > 0) out("%d calls of i386 were answered", answered);
  held("none was answered");
}
ESCAPE(USER, x32_getpid) { ATTEMPT(syscall(0x40000000 + SYS_getpid)); }
ESCAPE(USER, x32_execve) { REACHES(EFAULT, syscall(0x40000000 + 520, 8L, 0L, 0L)); }
ESCAPE(USER, x32_numbers_of_x86_64) {
  for (long call = 0; call < 0x200; call++) {
    pid_t pid = call % 16 != 0 ? 0 : MUST(fork());
    if (pid == 0 && call % 16 == 0) {
      alarm(2);
      for (long i = call; i < call + 16; i++)
        if (syscall(0x40000000 + i, -1L, -1L, -1L, -1L, -1L, -1L) != -1 || errno != ENOSYS) _exit(1);
      _exit(0);
    }
    if (call % 16 != 0) continue;
    int status = wait_for(pid);
    if (!(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) && status != 0) out("one of %ld was answered", call);
  }
  if (here != SANDBOX) lacking("CONFIG_X86_X32_ABI");
  held("none was answered");
}
ESCAPE(BARE, number_with_high_bits) {
  /* The kernel looks at 32 bits of it, and so must everybody else. */
  uint32_t array[18] = {2, 4, 4, 1};
  long result;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(0x7700000000000000 | SYS_bpf), "D"(0L), "S"(array), "d"(sizeof array)
                   : "rcx", "r11", "memory");
  errno = result < 0 ? -result : 0;
  ATTEMPT(result < 0 ? -1 : result);
}

/* No weak place: no kernel has such calls. 512 to 547 are those of x32, without its bit; old kernels made them. */
ESCAPE(NONE, numbers_past_the_table) {
  static const long numbers[] = {1024, 4095, 4096, 0x7265, 0xffff, 0x10000, 0x3fffffff, -1, -2, -4096, INT32_MIN, 0x20000001, 0x100000000 + 1023};
  static char buffer[4096];
  for (long i = 472; i < 1024 + (long)(sizeof numbers / sizeof *numbers); i++) {
    long number = i < 1024 ? i : numbers[i - 1024];
    for (int kind = 0; kind < 3; kind++) {
      long a = (long[]){-1, 0, (long)buffer}[kind];
      if (syscall(number, a, a, a, a, a, a) != -1 || errno != ENOSYS) out("%ld was answered: %s", number, strerror(errno));
    }
  }
  for (unsigned i = 0; i < sizeof buffer; i++)
    if (buffer[i]) out("the buffer was written");
  held("none was answered");
}

/*
 * The page of the old vsyscalls is left in every process by the kernel; a call of one of its three entries is made by the fault, by the
 * number that the entry stands for. No weak place: on Linux as well a number in rax means nothing there.
 */
static long vsyscall(unsigned long address, long number, long a, long b, long c) {
  long result;
  __asm__ volatile("call *%1"
                   : "=a"(result)
                   : "r"(address), "a"(number), "D"(a), "S"(b), "d"(c)
                   : "rcx", "r8", "r9", "r10", "r11", "memory");
  return result;
}
ESCAPE(NONE, vsyscall_page_with_other_numbers) {
  static const long numbers[] = {SYS_bpf, SYS_execve, SYS_openat, SYS_ptrace, SYS_getuid, 0x40000000 + SYS_getpid};
  static const unsigned long entries[] = {0, 0x400, 0x800, 2, 9, 0xc00, 0xff8, 0xfff};
  int seen = 0;
  for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
    for (unsigned k = 0; k < sizeof entries / sizeof *entries; k++) {
      pid_t pid = MUST(fork());
      if (pid == 0) {
        struct timeval now = {0};
        long r = vsyscall(0xffffffffff600000 + entries[k], numbers[i], k == 0 ? (long)&now : 0, 0, 0);
        /* gettimeofday and getcpu return 0, time the time. */
        _exit(k == 1 ? r < now_ms() / 1000000 && r < 1000000000 : r != 0);
      }
      int status = wait_for(pid);
      int faulted = WIFSIGNALED(status) && (WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGSYS);
      if (!faulted && (status != 0 || k > 2)) out("entry %#lx with %ld: %#x", entries[k], numbers[i], status);
      seen += status == 0;
    }
  held("%d were the clock's", seen);
}

static sigjmp_buf faulted;
static void on_fault(int signal) { siglongjmp(faulted, signal); }
ESCAPE(BARE, performance_counter_read_directly) {
  /* The counters count for all who run on the CPU; a process may read them that has an event of its own mapped. */
  uint32_t attr[32] = {0 /* PERF_TYPE_HARDWARE */, sizeof attr};
  int fd = syscall(SYS_perf_event_open, attr, 0, -1, -1, 0);
  if (here != SANDBOX && fd < 0) lacking("a performance counter of the CPU");
  if (fd >= 0 && mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && here != SANDBOX) lacking("mapped counters");
  signal(SIGSEGV, on_fault);
  signal(SIGILL, on_fault);
  if (sigsetjmp(faulted, 1) == 0) {
    uint32_t low, high;
    __asm__ volatile("rdpmc" : "=a"(low), "=d"(high) : "c"(0));
    out("it is %u", low ^ high);
  }
  held("it faults");
}

/* What a filter answers, or a sentry that has no such call; anything else is the host kernel's own opinion of the arguments. */
static int is_refusal(int error) { return error == ENOSYS || error == EPERM || error == EACCES; }
ESCAPE(USER, every_number_that_is_denied) {
  static const int numbers[] = {
      SYS_bpf,          SYS_io_uring_setup, SYS_io_uring_register, SYS_io_uring_enter, SYS_userfaultfd,   SYS_add_key,
      SYS_request_key,  SYS_keyctl,         SYS_clone3,            449 /* futex_waitv */, 454 /* futex_wake */, SYS_modify_ldt,
      447 /* memfd_secret */, SYS_pkey_free, 446, 445, 444, 459, 460, 461, 462 /* mseal */, SYS_perf_event_open};
  long page = (long)mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int answered = 0, last = 0;
  for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
    for (int kind = 0; kind < 4; kind++) {
      long a = (long[]){-1, 0, page, 1}[kind];
      pid_t pid = MUST(fork());
      if (pid == 0) {
        if (numbers[i] == SYS_clone3 && kind != 0) _exit(0); /* would be a child */
        _exit(!(syscall(numbers[i], a, kind == 3 ? page : a, a, a, a, a) == -1 && is_refusal(errno)));
      }
      int status = wait_for(pid);
      if (status != 0) answered++, last = numbers[i];
    }
  if (answered > 0) out("%d were answered by the kernel, the last %d", answered, last);
  held("each was refused");
}

/* The sentry honours it only for a task that is loading. No weak place: no kernel has such a call. */
static void stub_call(long operation) {
  static char buffer[16384];
  memset(buffer, 'x', sizeof buffer);
  long result = syscall(STUB_CALL, operation, buffer, sizeof buffer, buffer, buffer, buffer);
  int error = errno;
  for (unsigned i = 0; i < sizeof buffer; i++)
    if (buffer[i] != 'x') out("the buffer was written");
  if (result != -1) out("it returned %ld", result);
  errno = error;
  refused("the stub's call");
}
ESCAPE(NONE, stub_call_to_load) { stub_call(1); }
ESCAPE(NONE, stub_call_to_be_done) { stub_call(2); }
ESCAPE(NONE, stub_call_of_any_kind) {
  for (long operation = -2; operation < 64; operation++)
    for (int i = 0; i < 3; i++) {
      long pointer = (long[]){0, -1, (long)case_name}[i];
      /* 3 gives a process memory to share with the sandbox, once, which is for it alone: RingFuzzTest has it. */
      if (operation == 3) continue;
      if (syscall(STUB_CALL, operation, pointer, 1L << 40, pointer, pointer, pointer) != -1) out("operation %ld", operation);
    }
  held("none of them");
}
static void *stub_thread(void *unused) {
  long end = now_ms() + 100;
  while (now_ms() < end) syscall(STUB_CALL, 1L, unused, 16384L);
  return NULL;
}
ESCAPE(NONE, stub_call_while_another_thread_executes) {
  /* Pending is the exec of one task; its neighbours must not be served in its place. */
  for (int i = 0; i < 10; i++) {
    pid_t pid = MUST(fork());
    if (pid == 0) {
      static char buffer[16384];
      pthread_t thread;
      pthread_create(&thread, NULL, stub_thread, buffer);
      execl(self, self, "list", "quiet", NULL);
      _exit(90);
    }
    int status = wait_for(pid);
    if (status != 0) out("status %#x", status);
  }
  held("each was executed");
}

static long filter(unsigned flags, uint32_t answer) {
  struct sock_filter code[] = {{BPF_LD | BPF_W | BPF_ABS, 0, 0, 0},
                               {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_bpf},
                               {BPF_RET | BPF_K, 0, 0, answer},
                               {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW}};
  struct sock_fprog program = {4, code};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}
ESCAPE(USER, filter_with_a_listener) { ATTEMPT(filter(SECCOMP_FILTER_FLAG_NEW_LISTENER, SECCOMP_RET_USER_NOTIF)); }
ESCAPE(USER, filter_that_answers_first) {
  /* An answer of a filter is of higher precedence than a notification: the sentry would not hear of the call. */
  filter(0, SECCOMP_RET_ERRNO | 77);
  if (syscall(SYS_bpf, 0, NULL, 0) == -1 && errno == 77) out("it answers");
  held("it does not answer");
}
ESCAPE(BARE, filter_that_allows_more) {
  /* The strictest of several filters decides; one that says ALLOW must not open what another closed. */
  filter(0, SECCOMP_RET_ALLOW);
  uint32_t array[18] = {2, 4, 4, 1};
  ATTEMPT(syscall(SYS_bpf, 0, array, sizeof array));
}
ESCAPE(BARE, dispatch_of_its_own) {
  static char selector; /* SYSCALL_DISPATCH_FILTER_ALLOW */
  prctl(59 /* PR_SET_SYSCALL_USER_DISPATCH */, 1, 0, 0, &selector);
  uint32_t array[18] = {2, 4, 4, 1};
  ATTEMPT(syscall(SYS_bpf, 0, array, sizeof array));
}
ESCAPE(BARE, filter_looked_at) {
  /* The guest's own filter, read by a tracer: SECCOMP_GET_METADATA asks for the host's CAP_SYS_ADMIN. */
  pid_t pid = MUST(fork());
  if (pid == 0) {
    filter(0, SECCOMP_RET_ALLOW);
    for (;;) sleep_ms(100);
  }
  struct sock_filter code[4096];
  sleep_ms(20);
  STEP(syscall(SYS_ptrace, 0x4206 /* PTRACE_SEIZE */, pid, 0, 0));
  STEP(syscall(SYS_ptrace, 0x4207 /* PTRACE_INTERRUPT */, pid, 0, 0));
  wait_for(pid);
  ATTEMPT(syscall(SYS_ptrace, 0x420c /* PTRACE_SECCOMP_GET_FILTER */, pid, 0L, code));
}

/*
 * Random numbers and arguments. No weak place: as root of a machine they do harm, and that the kernel answers is what the cases
 * above show. What is asked here is that the sentry answers afterwards.
 */
static uint64_t state;
static uint64_t next(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return state;
}
static int is_left_out(long call) {
  /* What ends, stops or waits for the caller, and signals that would reach who runs the cases. */
  static const int left_out[] = {SYS_exit, SYS_exit_group, SYS_kill, SYS_tkill, SYS_tgkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo,
                                 424, SYS_fork, SYS_vfork, SYS_clone, SYS_pause, SYS_rt_sigsuspend, SYS_rt_sigreturn, SYS_alarm,
                                 SYS_setitimer, SYS_rt_sigaction, SYS_rt_sigprocmask};
  for (unsigned i = 0; i < sizeof left_out / sizeof *left_out; i++)
    if (left_out[i] == call) return 1;
  return 0;
}
static uint64_t argument(char *page) {
  switch (next() % 10) {
    case 0: return 0;
    case 1: return -1;
    case 2: return next() % 8;
    case 3: return next() % 1024;
    case 4: return (uintptr_t)page;
    case 5: return (uintptr_t)page + 4096 - next() % 64;
    case 6: return 1UL << next() % 64;
    case 7: return (uint64_t)AT_FDCWD;
    case 8: return 0xffffffff81000000 + next() % 4096;
    default: return next();
  }
}
static void storm(uint64_t seed, uint64_t base, uint64_t range) {
  long end = now_ms() + race_ms();
  for (int round = 0; now_ms() < end; round++) {
    pid_t pid = MUST(fork());
    if (pid == 0) {
      state = seed * 0x9e3779b97f4a7c15 + round + 1;
      char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      mprotect(page + 4096, 4096, PROT_NONE);
      int sink = open("sink", O_RDWR | O_CREAT, 0666); /* a storm may have left it closed to all */
      for (int fd = 0; fd < 3; fd++)
        if (dup2(sink, fd) == -1) close(fd);
      alarm(1);
      for (int i = 0; i < 300; i++) {
        uint64_t call = base + next() % range;
        for (int k = 0; k < 4096; k += 8) {
          uint64_t word = next() % 3 == 0 ? (uintptr_t)page : next();
          memcpy(page + k, &word, 8);
        }
        if (next() % 2 == 0) strcpy(page, "sink");
        if (!is_left_out(call)) syscall(call, argument(page), argument(page), argument(page), argument(page), argument(page), argument(page));
      }
      _exit(0);
    }
    /* A call may have been one that waits: it has a second. */
    long patience = now_ms() + 150;
    int status, got;
    while ((got = waitpid(pid, &status, WNOHANG)) == 0 && now_ms() < patience) sleep_ms(1);
    if (got == 0) {
      kill(pid, SIGKILL);
      wait_for(pid);
    }
  }
  char cwd[4096];
  if (getcwd(cwd, sizeof cwd) == NULL || open("after", O_WRONLY | O_CREAT, 0666) == -1) out("nobody answers any more");
  held("and the sentry answers");
}
ESCAPE(NONE, storm_of_calls) { storm(1, 0, 470); }
ESCAPE(NONE, storm_of_later_calls) { storm(2, 300, 170); }
ESCAPE(NONE, storm_of_numbers_past_the_table) { storm(3, 0, 0xffffffff); }
ESCAPE(NONE, storm_of_negative_numbers) { storm(4, (uint64_t)-600, 1200); }
