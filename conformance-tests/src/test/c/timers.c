/* alarm, setitimer, POSIX timers, clocks. */
#include "harness.h"

static volatile sig_atomic_t handled, value;

static void count(__attribute__((unused)) int number) { handled++; }

static void take(__attribute__((unused)) int number, siginfo_t *info, __attribute__((unused)) void *context) {
  handled++;
  value = info->si_value.sival_int;
}

CASE(alarm_seconds) {
  signal(SIGALRM, count);
  SHOW(alarm(100));
  SHOW(alarm(50));
  SHOW(alarm(0));
  SHOW(alarm(0));
}

CASE(alarm_fires) {
  signal(SIGALRM, count);
  long start = now_ms();
  alarm(1);
  SHOW(pause());
  say_took("1 s", start, 1000);
  SHOW(handled);
}

CASE(alarm_kills) {
  pid_t pid = fork();
  if (pid == 0) {
    struct itimerval t = {{0, 0}, {0, 20000}};
    setitimer(ITIMER_REAL, &t, NULL);
    for (;;) pause();
  }
  reap("child", pid);
}

CASE(alarm_is_not_inherited) {
  alarm(100);
  pid_t pid = fork();
  if (pid == 0) {
    SHOW(alarm(0));
    _exit(0);
  }
  reap("child", pid);
  say("own alarm still runs %d", alarm(0) > 90);
}

CASE(itimer_real) {
  struct itimerval t = {{0, 20000}, {0, 20000}}, old, now;
  struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART};
  sigaction(SIGALRM, &action, NULL);
  SHOW(setitimer(ITIMER_REAL, &t, NULL));
  while (handled < 3) pause();
  SHOW(getitimer(ITIMER_REAL, &now));
  say("interval %ld", now.it_interval.tv_usec);
  memset(&t, 0, sizeof t);
  SHOW(setitimer(ITIMER_REAL, &t, &old));
  say("interval %ld", old.it_interval.tv_usec);
  int before = handled;
  sleep_ms(50);
  SHOW(handled == before);
}

CASE(itimer_virtual) {
  struct itimerval t = {{0, 0}, {0, 20000}};
  signal(SIGVTALRM, count);
  signal(SIGPROF, count);
  SHOW(setitimer(ITIMER_VIRTUAL, &t, NULL));
  long start = now_ms();
  while (!handled && now_ms() < start + 5000) {
  }
  SHOW(handled);
  handled = 0;
  SHOW(setitimer(ITIMER_PROF, &t, NULL));
  while (!handled && now_ms() < start + 9000) {
  }
  SHOW(handled);
}

CASE(itimer_errors) {
  struct itimerval bad = {{0, 0}, {0, 1000000}}, now;
  SHOW(setitimer(ITIMER_REAL, &bad, NULL));
  bad.it_value.tv_usec = -1;
  SHOW(setitimer(ITIMER_REAL, &bad, NULL));
  bad.it_value.tv_usec = 0;
  SHOW(syscall(SYS_setitimer, 99, &bad, NULL));
  SHOW(syscall(SYS_getitimer, 99, &now));
  SHOW(syscall(SYS_setitimer, ITIMER_REAL, BAD_POINTER, NULL));
  SHOW(syscall(SYS_getitimer, ITIMER_REAL, BAD_POINTER));
}

CASE(posix_timer) {
  timer_t timer;
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 77};
  struct sigaction action = {.sa_sigaction = take, .sa_flags = SA_SIGINFO};
  sigaction(SIGRTMIN, &action, NULL);
  SHOW(timer_create(CLOCK_MONOTONIC, &event, &timer));
  struct itimerspec t = {{0, 0}, {0, 30000000}}, now;
  SHOW(timer_settime(timer, 0, &t, NULL));
  while (!handled) pause();
  SHOW(value);
  SHOW(timer_gettime(timer, &now));
  say("rest %ld", now.it_value.tv_nsec);
  SHOW(timer_getoverrun(timer));
  SHOW(timer_delete(timer));
}

CASE(posix_timer_interval_and_overrun) {
  timer_t timer;
  struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGRTMIN);
  sigprocmask(SIG_BLOCK, &set, NULL);
  MUST(timer_create(CLOCK_REALTIME, &event, &timer));
  struct itimerspec t = {{0, 10000000}, {0, 10000000}};
  MUST(timer_settime(timer, 0, &t, NULL));
  sleep_ms(105);
  siginfo_t info;
  SHOW(sigwaitinfo(&set, &info) == SIGRTMIN);
  say("code %d, overrun %d", info.si_code, timer_getoverrun(timer) >= 5);
}

CASE(posix_timer_none_and_errors) {
  timer_t timer, bad = (timer_t)9999L;
  struct sigevent none = {.sigev_notify = SIGEV_NONE}, wrong = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = 99};
  struct itimerspec t = {{0, 0}, {0, 1000000000}};
  SHOW(timer_create(CLOCK_MONOTONIC, &none, &timer));
  SHOW(timer_settime(timer, 0, &t, NULL));
  t.it_value.tv_nsec = 0;
  t.it_value.tv_sec = 100;
  SHOW(timer_settime(timer, 0, &t, NULL));
  SHOW(timer_gettime(timer, &t));
  say("running %d", t.it_value.tv_sec > 90);
  SHOW(syscall(SYS_timer_create, 99, &none, &timer));
  SHOW(syscall(SYS_timer_create, CLOCK_MONOTONIC, &wrong, &timer));
  SHOW(syscall(SYS_timer_create, CLOCK_MONOTONIC, BAD_POINTER, &timer));
  SHOW(syscall(SYS_timer_settime, bad, 0, &t, NULL));
  SHOW(syscall(SYS_timer_delete, bad));
  SHOW(syscall(SYS_timer_gettime, bad, &t));
}

CASE(clocks) {
  struct timespec a, b;
  int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW,
                  CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME};
  for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
    int r = clock_gettime(clocks[i], &a);
    clock_gettime(clocks[i], &b);
    say("clock %d: %d, goes forward %d", clocks[i], r, b.tv_sec > a.tv_sec || b.tv_nsec >= a.tv_nsec);
  }
  SHOW(clock_gettime(99, &a));
  SHOW(syscall(SYS_clock_gettime, CLOCK_REALTIME, BAD_POINTER));
  SHOW(clock_getres(CLOCK_MONOTONIC, &a));
  SHOW(a.tv_nsec);
  SHOW(clock_getres(99, &a));
  struct timeval tv;
  SHOW(gettimeofday(&tv, NULL));
  SHOW(tv.tv_sec - time(NULL) <= 0 && tv.tv_sec - time(NULL) >= -1);
}

CASE(clocks_to_sleep_on) {
  struct timespec t = {0, 1000};
  for (int clock = 0; clock < 18; clock++)
    if (clock != CLOCK_PROCESS_CPUTIME_ID) /* goes forward for who does not sleep only */
      say("sleep on clock %d: %s", clock, syscall(SYS_clock_nanosleep, clock, 0, &t, NULL) ? errno_name(errno) : "slept");
  t.tv_nsec = 0;
  SHOW(syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, &t, NULL));
  SHOW(syscall(SYS_clock_nanosleep, (int)(~(unsigned)getpid() << 3 | 2), 0, &t, NULL));
  SHOW(syscall(SYS_clock_nanosleep, (int)(~(unsigned)getpid() << 3 | 6), 0, &t, NULL));
  SHOW(syscall(SYS_clock_nanosleep, (int)(~4000000u << 3 | 2), 0, &t, NULL));
}

CASE(clock_set_is_refused_to_users) {
  pid_t pid = fork();
  if (pid == 0) {
    MUST(setuid(12345));
    struct timespec t = {1, 0};
    SHOW(clock_settime(CLOCK_REALTIME, &t));
    SHOW(clock_settime(CLOCK_MONOTONIC, &t));
    _exit(0);
  }
  reap("user", pid);
}

CASE(cpu_time_limit_of_sleep) {
  struct timespec a, b;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
  sleep_ms(50);
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
  say("sleep uses little %d", (b.tv_sec - a.tv_sec) * 1000000000L + b.tv_nsec - a.tv_nsec < 40000000);
}
