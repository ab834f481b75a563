/* Signals: handlers, masks, queues, siginfo, stacks, groups, permissions, stops. */
#include "harness.h"
#include <pthread.h>

static volatile sig_atomic_t handled, last;

static void count(int number) {
  handled++;
  last = number;
}

static void on(int number, void (*handler)(int), int flags) {
  struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
  MUST(sigaction(number, &action, NULL));
}

static void block(int how, int number) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  MUST(sigprocmask(how, &set, NULL));
}

static void wait_for_signal(void) {
  while (!handled) sleep_ms(1);
}

CASE(handler_runs) {
  on(SIGUSR1, count, 0);
  SHOW(raise(SIGUSR1));
  say("handled %d, last %s", handled, signal_name(last));
  SHOW(kill(getpid(), SIGUSR1));
  SHOW(handled);
}

CASE(sigaction_reports_the_old_one) {
  struct sigaction old, action = {.sa_handler = count, .sa_flags = SA_RESTART | SA_NODEFER};
  sigaddset(&action.sa_mask, SIGUSR2);
  SHOW(sigaction(SIGUSR1, &action, &old));
  SHOW(old.sa_handler == SIG_DFL);
  SHOW(sigaction(SIGUSR1, NULL, &old));
  say("handler %d flags %#x masked %d", old.sa_handler == count, old.sa_flags & (SA_RESTART | SA_NODEFER | SA_SIGINFO), sigismember(&old.sa_mask, SIGUSR2));
}

CASE(sigaction_errors) {
  struct sigaction action = {.sa_handler = count};
  SHOW(sigaction(SIGKILL, &action, NULL));
  SHOW(sigaction(SIGSTOP, &action, NULL));
  SHOW(sigaction(0, &action, NULL));
  SHOW(sigaction(65, &action, NULL));
  SHOW(sigaction(-1, &action, NULL));
  SHOW(syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4));
  SHOW(syscall(SYS_rt_sigaction, SIGUSR1, BAD_POINTER, NULL, 8));
  SHOW(syscall(SYS_rt_sigprocmask, 99, NULL, NULL, 8));
  sigset_t set;
  sigemptyset(&set);
  SHOW(syscall(SYS_rt_sigprocmask, 99, &set, NULL, 8));
  SHOW(syscall(SYS_rt_sigprocmask, SIG_BLOCK, BAD_POINTER, NULL, 8));
  SHOW(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &set, NULL, 9));
}

CASE(kill_errors) {
  SHOW(kill(getpid(), 0));
  SHOW(kill(getpid(), 65));
  SHOW(kill(getpid(), -1));
  SHOW(kill(999999, 0));
  SHOW(kill(-999999, 0));
  SHOW(kill(INT32_MIN, 0));
  SHOW(syscall(SYS_tkill, -1, 0));
  SHOW(syscall(SYS_tgkill, getpid(), -1, 0));
  SHOW(syscall(SYS_tgkill, getpid(), getpid(), 0));
  SHOW(syscall(SYS_tgkill, getpid() + 1, getpid(), 0));
}

CASE(kill_permissions) {
  pid_t other = fork();
  if (other == 0) {
    pause();
    _exit(0);
  }
  pid_t pid = fork();
  if (pid == 0) {
    MUST(setuid(12345));
    SHOW(kill(other, 0));
    SHOW(kill(other, SIGTERM));
    SHOW(kill(1, 0));
    SHOW(kill(getppid(), SIGUSR1));
    _exit(0);
  }
  reap("user", pid);
  SHOW(kill(other, SIGKILL));
  reap("other", other);
}

CASE(kill_a_group) {
  struct baton ready = new_baton();
  pid_t pids[3];
  for (int i = 0; i < 3; i++) {
    pids[i] = fork();
    if (pids[i] == 0) {
      setpgid(0, i == 0 ? 0 : pids[0]);
      pass(ready);
      pause();
      _exit(0);
    }
    await(ready);
  }
  SHOW(kill(-pids[0], SIGTERM));
  for (int i = 0; i < 3; i++) reap("member", pids[i]);
  SHOW(kill(-pids[0], SIGTERM));
}

CASE(kill_own_group) {
  on(SIGTERM, count, 0);
  SHOW(kill(0, SIGTERM));
  SHOW(handled);
}

CASE(blocked_stays_pending) {
  sigset_t pending;
  on(SIGUSR1, count, 0);
  block(SIG_BLOCK, SIGUSR1);
  raise(SIGUSR1);
  raise(SIGUSR1);
  SHOW(handled);
  sigpending(&pending);
  SHOW(sigismember(&pending, SIGUSR1));
  SHOW(sigismember(&pending, SIGUSR2));
  block(SIG_UNBLOCK, SIGUSR1);
  SHOW(handled);
  sigpending(&pending);
  SHOW(sigismember(&pending, SIGUSR1));
}

CASE(kill_and_stop_cannot_be_blocked) {
  sigset_t all, now;
  sigfillset(&all);
  SHOW(sigprocmask(SIG_SETMASK, &all, NULL));
  SHOW(sigprocmask(SIG_SETMASK, NULL, &now));
  say("KILL %d STOP %d TERM %d", sigismember(&now, SIGKILL), sigismember(&now, SIGSTOP), sigismember(&now, SIGTERM));
}

static int order[10], order_count;

static void remember(int number) { order[order_count++] = number; }

CASE(delivery_order) {
  int numbers[] = {SIGTERM, SIGUSR1, SIGHUP, SIGRTMIN + 3, SIGRTMIN};
  sigset_t all;
  sigfillset(&all);
  for (int i = 0; i < 5; i++) {
    struct sigaction action = {.sa_handler = remember, .sa_mask = all};
    sigaction(numbers[i], &action, NULL);
    block(SIG_BLOCK, numbers[i]);
    raise(numbers[i]);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  for (int i = 0; i < order_count; i++) say("%s", order[i] >= SIGRTMIN ? (order[i] == SIGRTMIN ? "RTMIN" : "RTMIN+3") : signal_name(order[i]));
}

static int values[10], value_count;

static void take_value(int number, siginfo_t *info, __attribute__((unused)) void *context) {
  (void)number;
  values[value_count++] = info->si_value.sival_int;
}

CASE(realtime_signals_queue) {
  struct sigaction action = {.sa_sigaction = take_value, .sa_flags = SA_SIGINFO};
  sigaction(SIGRTMIN, &action, NULL);
  sigaction(SIGUSR1, &action, NULL);
  block(SIG_BLOCK, SIGRTMIN);
  block(SIG_BLOCK, SIGUSR1);
  for (int i = 1; i <= 4; i++) {
    union sigval value = {.sival_int = i};
    MUST(sigqueue(getpid(), SIGRTMIN, value));
    MUST(sigqueue(getpid(), SIGUSR1, value));
  }
  block(SIG_UNBLOCK, SIGRTMIN);
  say("RTMIN came %d times: %d %d %d %d", value_count, values[0], values[1], values[2], values[3]);
  value_count = 0;
  block(SIG_UNBLOCK, SIGUSR1);
  say("USR1 came %d times: %d", value_count, values[0]);
}

static void say_info(int number, siginfo_t *info, __attribute__((unused)) void *context) {
  say("%s code %d from self %d from child %d uid %d", signal_name(number), info->si_code, info->si_pid == getpid(),
      info->si_pid != getpid() && info->si_pid != 0, info->si_uid);
  handled++;
}

CASE(siginfo) {
  struct sigaction action = {.sa_sigaction = say_info, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &action, NULL);
  kill(getpid(), SIGUSR1);
  raise(SIGUSR1);
  union sigval value = {.sival_int = 1};
  sigqueue(getpid(), SIGUSR1, value);
  handled = 0;
  pid_t parent = getpid(), pid = fork();
  if (pid == 0) {
    kill(parent, SIGUSR1);
    _exit(0);
  }
  wait_for_signal();
  reap("child", pid);
}

static void say_child(int number, siginfo_t *info, __attribute__((unused)) void *context) {
  say("%s code %d status %d", signal_name(number), info->si_code, info->si_status);
  handled++;
}

CASE(sigchld_info) {
  struct sigaction action = {.sa_sigaction = say_child, .sa_flags = SA_SIGINFO | SA_RESTART};
  sigaction(SIGCHLD, &action, NULL);
  pid_t pid = fork();
  if (pid == 0) _exit(7);
  wait_for_signal();
  reap("child", pid);
  handled = 0;
  pid = fork();
  if (pid == 0) {
    for (;;) pause();
  }
  kill(pid, SIGSTOP);
  wait_for_signal();
  handled = 0;
  kill(pid, SIGCONT);
  wait_for_signal();
  handled = 0;
  kill(pid, SIGKILL);
  wait_for_signal();
  reap("child", pid);
}

CASE(sigchld_not_for_stops) {
  on(SIGCHLD, count, SA_NOCLDSTOP);
  pid_t pid = fork();
  if (pid == 0) {
    for (;;) pause();
  }
  int status;
  kill(pid, SIGSTOP);
  MUST(waitpid(pid, &status, WUNTRACED));
  kill(pid, SIGCONT);
  MUST(waitpid(pid, &status, WCONTINUED));
  SHOW(handled);
  kill(pid, SIGKILL);
  wait_for_signal();
  SHOW(handled);
  reap("child", pid);
}

static void nested(int number) {
  say("in %s", signal_name(number));
  if (number == SIGUSR1) {
    raise(SIGUSR1);
    raise(SIGUSR2);
    say("leaving %s", signal_name(number));
  }
}

CASE(own_signal_is_blocked_in_the_handler) {
  struct sigaction action = {.sa_handler = nested, .sa_flags = SA_RESETHAND};
  sigaction(SIGUSR1, &action, NULL);
  sigaction(SIGUSR2, &action, NULL);
  pid_t pid = fork();
  if (pid == 0) {
    raise(SIGUSR1);
    _exit(0);
  }
  reap("child", pid);
}

CASE(mask_during_the_handler) {
  struct sigaction action = {.sa_handler = nested};
  sigaddset(&action.sa_mask, SIGUSR2);
  action.sa_flags = SA_RESETHAND | SA_NODEFER;
  sigaction(SIGUSR1, &action, NULL);
  action.sa_flags = 0;
  sigaction(SIGUSR2, &action, NULL);
  pid_t pid = fork();
  if (pid == 0) {
    raise(SIGUSR1);
    _exit(0);
  }
  reap("child", pid);
}

CASE(sigsuspend) {
  sigset_t none, now;
  sigemptyset(&none);
  on(SIGUSR1, count, 0);
  block(SIG_BLOCK, SIGUSR1);
  raise(SIGUSR1);
  SHOW(sigsuspend(&none));
  SHOW(handled);
  sigprocmask(SIG_BLOCK, NULL, &now);
  SHOW(sigismember(&now, SIGUSR1));
  pid_t parent = getpid(), pid = fork();
  if (pid == 0) {
    let_it_block();
    kill(parent, SIGUSR1);
    _exit(0);
  }
  SHOW(sigsuspend(&none));
  SHOW(handled);
  reap("child", pid);
  SHOW(syscall(SYS_rt_sigsuspend, &none, 4));
}

CASE(pause_returns_after_a_handler) {
  on(SIGUSR1, count, SA_RESTART);
  pid_t parent = getpid(), pid = fork();
  if (pid == 0) {
    let_it_block();
    kill(parent, SIGUSR1);
    _exit(0);
  }
  SHOW(pause());
  SHOW(handled);
  reap("child", pid);
}

CASE(sigtimedwait) {
  sigset_t set;
  siginfo_t info;
  struct timespec t = {0, 30000000}, zero = {0, 0}, bad = {0, -1};
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigprocmask(SIG_BLOCK, &set, NULL);
  long start = now_ms();
  SHOW(sigtimedwait(&set, &info, &t));
  say_took("30 ms", start, 30);
  SHOW(sigtimedwait(&set, &info, &zero));
  SHOW(sigtimedwait(&set, &info, &bad));
  union sigval value = {.sival_int = 99};
  sigqueue(getpid(), SIGUSR1, value);
  SHOW(sigtimedwait(&set, &info, &zero) == SIGUSR1);
  say("code %d value %d", info.si_code, info.si_value.sival_int);
  pid_t parent = getpid(), pid = fork();
  if (pid == 0) {
    let_it_block();
    kill(parent, SIGUSR1);
    _exit(0);
  }
  SHOW(sigwaitinfo(&set, &info) == SIGUSR1);
  SHOW(info.si_pid == pid);
  reap("child", pid);
  on(SIGUSR2, count, 0);
  pid = fork();
  if (pid == 0) {
    let_it_block();
    kill(parent, SIGUSR2);
    _exit(0);
  }
  SHOW(sigwaitinfo(&set, &info));
  reap("child", pid);
}

CASE(masks_over_fork_and_exec) {
  on(SIGUSR1, count, 0);
  block(SIG_BLOCK, SIGUSR1);
  raise(SIGUSR1);
  pid_t pid = fork();
  if (pid == 0) {
    sigset_t set;
    sigprocmask(SIG_BLOCK, NULL, &set);
    say("blocked %d", sigismember(&set, SIGUSR1));
    sigpending(&set);
    say("pending %d", sigismember(&set, SIGUSR1));
    block(SIG_UNBLOCK, SIGUSR1);
    raise(SIGUSR1);
    say("handled %d", handled);
    _exit(0);
  }
  reap("child", pid);
}

static void on_fault(int number, siginfo_t *info, __attribute__((unused)) void *context) {
  say("%s code %d address %p", signal_name(number), info->si_code, info->si_addr);
  _exit(3);
}

CASE(segv_handler) {
  struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, NULL);
  sigaction(SIGFPE, &action, NULL);
  pid_t pid = fork();
  if (pid == 0) *(volatile int *)BAD_POINTER = 1;
  reap("child", pid);
  void *p = mmap((void *)0x200000000, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  pid = fork();
  if (pid == 0) *(volatile int *)p = 1;
  reap("child", pid);
}

static volatile char *protected_page;

static void unprotect(int number, siginfo_t *info, __attribute__((unused)) void *context) {
  (void)number;
  handled++;
  mprotect((void *)((unsigned long)info->si_addr & ~4095UL), 4096, PROT_READ | PROT_WRITE);
}

CASE(fault_is_repaired) {
  struct sigaction action = {.sa_sigaction = unprotect, .sa_flags = SA_SIGINFO};
  sigaction(SIGSEGV, &action, NULL);
  protected_page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  protected_page[100] = 'x';
  say("handled %d, now %c", handled, protected_page[100]);
}

static char *stack_low, *stack_high;

static void where_is_the_stack(__attribute__((unused)) int number) {
  char here;
  say("on the other stack %d", &here >= stack_low && &here < stack_high);
}

CASE(alternate_stack) {
  stack_t stack = {.ss_size = 64 << 10}, old;
  SHOW(sigaltstack(NULL, &old));
  SHOW(old.ss_flags == SS_DISABLE);
  stack_low = stack.ss_sp = malloc(stack.ss_size);
  stack_high = stack_low + stack.ss_size;
  SHOW(sigaltstack(&stack, NULL));
  on(SIGUSR1, where_is_the_stack, SA_ONSTACK);
  on(SIGUSR2, where_is_the_stack, 0);
  raise(SIGUSR1);
  raise(SIGUSR2);
  stack.ss_size = 100;
  SHOW(sigaltstack(&stack, NULL));
  stack.ss_flags = 0x40;
  SHOW(sigaltstack(&stack, NULL));
  SHOW(syscall(SYS_sigaltstack, BAD_POINTER, NULL));
}

static void deep(int number) {
  say("caught %s", signal_name(number));
  _exit(4);
}

static volatile int deep_enough;

static int recurse(volatile char *above) {
  volatile char frame[4096];
  frame[0] = above == NULL ? 1 : above[0];
  return deep_enough ? 0 : recurse(frame) + frame[0];
}

CASE(stack_overflow_is_caught_on_another_stack) {
  stack_t stack = {.ss_size = 64 << 10};
  stack.ss_sp = malloc(stack.ss_size);
  MUST(sigaltstack(&stack, NULL));
  on(SIGSEGV, deep, SA_ONSTACK);
  pid_t pid = fork();
  if (pid == 0) recurse(NULL);
  reap("child", pid);
}

CASE(ignored_signals) {
  signal(SIGTERM, SIG_IGN);
  SHOW(raise(SIGTERM));
  block(SIG_BLOCK, SIGTERM);
  raise(SIGTERM);
  sigset_t pending;
  sigpending(&pending);
  SHOW(sigismember(&pending, SIGTERM));
  signal(SIGUSR1, SIG_IGN);
  SHOW(raise(SIGUSR1));
  SHOW(raise(SIGCHLD));
  SHOW(raise(SIGURG));
  SHOW(raise(SIGWINCH));
  SHOW(raise(SIGCONT));
}

CASE(stop_is_undone_by_continue) {
  struct baton go = new_baton();
  on(SIGCONT, count, 0);
  pid_t pid = fork();
  if (pid == 0) {
    raise(SIGSTOP);
    say("goes on, handler ran %d", handled);
    pass(go);
    _exit(0);
  }
  int status;
  MUST(waitpid(pid, &status, WUNTRACED));
  say_status("child", status);
  SHOW(kill(pid, SIGTERM));
  sleep_ms(20);
  /* TERM waits for the child to go on. */
  SHOW(waitpid(pid, &status, WNOHANG));
  SHOW(kill(pid, SIGCONT));
  waitpid(pid, &status, 0);
  say("ended %d", WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

CASE(kill_ends_a_stopped_process) {
  pid_t pid = fork();
  if (pid == 0) {
    raise(SIGSTOP);
    _exit(0);
  }
  int status;
  MUST(waitpid(pid, &status, WUNTRACED));
  SHOW(kill(pid, SIGKILL));
  reap("child", pid);
}

CASE(continue_discards_pending_stops) {
  sigset_t pending;
  block(SIG_BLOCK, SIGTSTP);
  raise(SIGTSTP);
  sigpending(&pending);
  SHOW(sigismember(&pending, SIGTSTP));
  raise(SIGCONT);
  sigpending(&pending);
  SHOW(sigismember(&pending, SIGTSTP));
}

static pthread_t handler_thread;

static void note_thread(__attribute__((unused)) int number) {
  handler_thread = pthread_self();
  handled++;
}

static void *wait_blocked_signal(void *argument) {
  sigset_t none;
  sigemptyset(&none);
  pass(*(struct baton *)argument);
  sigsuspend(&none);
  return NULL;
}

CASE(process_signal_goes_to_a_thread_that_wants_it) {
  struct baton ready = new_baton();
  pthread_t t;
  on(SIGUSR1, note_thread, 0);
  block(SIG_BLOCK, SIGUSR1);
  pthread_create(&t, NULL, wait_blocked_signal, &ready);
  await(ready);
  let_it_block();
  kill(getpid(), SIGUSR1);
  pthread_join(t, NULL);
  say("in the other thread %d", pthread_equal(handler_thread, t));
}

static void *sleep_long(void *unused) {
  sleep(100);
  return unused;
}

CASE(signal_to_one_thread) {
  pthread_t t;
  on(SIGUSR1, note_thread, SA_RESTART);
  pthread_create(&t, NULL, sleep_long, NULL);
  let_it_block();
  SHOW(pthread_kill(t, SIGUSR1));
  wait_for_signal();
  say("in the thread %d", pthread_equal(handler_thread, t));
  SHOW(pthread_kill(t, 0));
}

CASE(signals_between_two_processes) {
  /* Each sends a signal when it has got one: no signal may be lost. */
  on(SIGUSR1, count, 0);
  block(SIG_BLOCK, SIGUSR1);
  sigset_t none, set;
  sigemptyset(&none);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  pid_t parent = getpid(), pid = fork();
  pid_t other = pid == 0 ? parent : pid;
  int number;
  for (int i = 0; i < 200; i++) {
    if (pid == 0) {
      sigwait(&set, &number);
      kill(other, SIGUSR1);
    } else {
      kill(other, SIGUSR1);
      sigwait(&set, &number);
    }
  }
  if (pid == 0) _exit(0);
  reap("child", pid);
}

CASE(rt_tgsigqueueinfo) {
  siginfo_t info = {.si_signo = SIGUSR1, .si_code = SI_QUEUE};
  info.si_value.sival_int = 5;
  struct sigaction action = {.sa_sigaction = take_value, .sa_flags = SA_SIGINFO};
  sigaction(SIGUSR1, &action, NULL);
  SHOW(syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), SIGUSR1, &info));
  SHOW(values[0]);
  SHOW(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, BAD_POINTER));
  SHOW(syscall(SYS_rt_sigqueueinfo, 999999, SIGUSR1, &info));
  info.si_code = SI_USER;
  pid_t parent = getpid(), pid = fork();
  if (pid == 0) {
    SHOW(syscall(SYS_rt_sigqueueinfo, parent, SIGUSR1, &info));
    _exit(0);
  }
  reap("child", pid);
}
