/* Threads: creation, TLS, names, exit, mutexes, condition variables, raw futex. */
#include "harness.h"
#include <linux/futex.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/prctl.h>

static void *double_it(void *argument) { return (void *)((long)argument * 2); }

CASE(create_and_join) {
  pthread_t t;
  void *result;
  SHOW(pthread_create(&t, NULL, double_it, (void *)21));
  SHOW(pthread_join(t, &result));
  SHOW((long)result);
}

CASE(two_hundred_at_once) {
  pthread_t t[200];
  long sum = 0;
  int failed = 0;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, 64 << 10);
  for (long i = 0; i < 200; i++) failed += pthread_create(&t[i], &attributes, double_it, (void *)i) != 0;
  for (int i = 0; i < 200; i++) {
    void *result;
    pthread_join(t[i], &result);
    sum += (long)result;
  }
  say("failed %d sum %ld", failed, sum);
}

CASE(five_hundred_one_after_another) {
  int failed = 0;
  for (int i = 0; i < 500; i++) {
    pthread_t t;
    if (pthread_create(&t, NULL, double_it, NULL) != 0 || pthread_join(t, NULL) != 0) failed++;
  }
  SHOW(failed);
}

static __thread int local = 5;

static void *touch_local(void *unused) {
  local += 10;
  say("in thread %d", local);
  return unused;
}

CASE(thread_local_storage) {
  pthread_t t;
  local = 6;
  pthread_create(&t, NULL, touch_local, NULL);
  pthread_join(t, NULL);
  say("in main %d", local);
}

static void *say_ids(void *argument) {
  pid_t tid = syscall(SYS_gettid);
  say("own tid %d, same pid %d, same parent %d", tid != getpid(), getpid() == *(pid_t *)argument, getppid() != 0);
  return NULL;
}

CASE(ids) {
  pthread_t t;
  pid_t pid = getpid();
  pthread_create(&t, NULL, say_ids, &pid);
  pthread_join(t, NULL);
}

static void *exit_all(void *unused) {
  exit(55);
  return unused;
}

static void *sleep_long(void *unused) {
  sleep(100);
  return unused;
}

CASE(exit_group_from_a_thread) {
  pid_t pid = fork();
  if (pid == 0) {
    pthread_t t;
    for (int i = 0; i < 5; i++) pthread_create(&t, NULL, sleep_long, NULL);
    pthread_create(&t, NULL, exit_all, NULL);
    sleep(100);
  }
  reap("child", pid);
}

static void *late_exit(void *unused) {
  sleep_ms(50);
  say("thread goes last");
  _exit(7);
  return unused;
}

CASE(main_thread_exits_first) {
  pid_t pid = fork();
  if (pid == 0) {
    pthread_t t;
    pthread_create(&t, NULL, late_exit, NULL);
    pthread_exit(NULL);
  }
  reap("child", pid);
}

static void *plain_return(void *unused) {
  sleep_ms(30);
  return unused;
}

CASE(last_thread_ends_the_process_with_zero) {
  pid_t pid = fork();
  if (pid == 0) {
    pthread_t t;
    pthread_create(&t, NULL, plain_return, NULL);
    syscall(SYS_exit, 9);
  }
  reap("child", pid);
}

CASE(killed_as_a_whole) {
  pid_t pid = fork();
  if (pid == 0) {
    pthread_t t;
    for (int i = 0; i < 5; i++) pthread_create(&t, NULL, sleep_long, NULL);
    raise(SIGTERM);
    _exit(1);
  }
  reap("child", pid);
}

static void *crash(void *unused) {
  *(volatile int *)BAD_POINTER = 1;
  return unused;
}

CASE(crash_of_a_thread_kills_all) {
  pid_t pid = fork();
  if (pid == 0) {
    pthread_t t;
    prctl(PR_SET_DUMPABLE, 0);
    pthread_create(&t, NULL, crash, NULL);
    sleep(100);
  }
  reap("child", pid);
}

CASE(names) {
  char name[32] = "";
  SHOW(pthread_setname_np(pthread_self(), "fifteen letters"));
  SHOW(prctl(PR_GET_NAME, name));
  say("%s", name);
  SHOW(pthread_setname_np(pthread_self(), "sixteen letters!"));
  SHOW(prctl(PR_SET_NAME, "cut after fifteen"));
  SHOW(prctl(PR_GET_NAME, name));
  say("%s", name);
  say_content("/proc/self/comm");
  SHOW(prctl(PR_SET_NAME, BAD_POINTER));
}

static void *with_name(void *argument) {
  prctl(PR_SET_NAME, "worker");
  pass(*(struct baton *)argument);
  sleep_ms(2000);
  return NULL;
}

CASE(names_in_proc) {
  char line[300], path[100];
  struct baton named = new_baton();
  pthread_t t;
  pthread_create(&t, NULL, with_name, &named);
  await(named);
  DIR *dir = opendir("/proc/self/task");
  for (struct dirent *e; (e = readdir(dir)) != NULL;)
    if (e->d_name[0] != '.' && atoi(e->d_name) != getpid()) {
      sprintf(path, "/proc/self/task/%.20s/comm", e->d_name);
      int fd = open(path, O_RDONLY);
      ssize_t n = read(fd, line, sizeof line);
      say_bytes("comm", line, n);
    }
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static long counter;

static void *count_with_mutex(void *unused) {
  for (int i = 0; i < 20000; i++) {
    pthread_mutex_lock(&mutex);
    counter++;
    pthread_mutex_unlock(&mutex);
  }
  return unused;
}

CASE(mutex) {
  pthread_t t[4];
  for (int i = 0; i < 4; i++) pthread_create(&t[i], NULL, count_with_mutex, NULL);
  for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
  SHOW(counter);
}

static void *ping_pong(void *argument) {
  long me = (long)argument;
  pthread_mutex_lock(&mutex);
  for (int i = 0; i < 500; i++) {
    while (counter % 2 != me) pthread_cond_wait(&condition, &mutex);
    counter++;
    pthread_cond_broadcast(&condition);
  }
  pthread_mutex_unlock(&mutex);
  return NULL;
}

CASE(condition_variables) {
  pthread_t t[2];
  counter = 0;
  for (long i = 0; i < 2; i++) pthread_create(&t[i], NULL, ping_pong, (void *)i);
  for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
  SHOW(counter);
}

CASE(timed_waits) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  t.tv_nsec += 50000000;
  if (t.tv_nsec >= 1000000000) t.tv_sec++, t.tv_nsec -= 1000000000;
  long start = now_ms();
  pthread_mutex_lock(&mutex);
  SHOW(pthread_cond_timedwait(&condition, &mutex, &t));
  say_took("50 ms", start, 50);
  sem_t semaphore;
  sem_init(&semaphore, 0, 0);
  SHOW(sem_timedwait(&semaphore, &t));
  SHOW(sem_post(&semaphore));
  SHOW(sem_wait(&semaphore));
}

static void *die_with_lock(void *argument) {
  pthread_mutex_lock(argument);
  return NULL;
}

CASE(robust_mutex) {
  pthread_mutexattr_t attributes;
  pthread_mutex_t robust;
  pthread_t t;
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutex_init(&robust, &attributes);
  pthread_create(&t, NULL, die_with_lock, &robust);
  pthread_join(t, NULL);
  SHOW(pthread_mutex_lock(&robust));
  SHOW(pthread_mutex_consistent(&robust));
  SHOW(pthread_mutex_unlock(&robust));
  SHOW(pthread_mutex_lock(&robust));
}

CASE(robust_mutex_of_a_killed_process) {
  pthread_mutexattr_t attributes;
  pthread_mutex_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pthread_mutexattr_init(&attributes);
  pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
  pthread_mutex_init(shared, &attributes);
  struct baton locked = new_baton();
  pid_t pid = fork();
  if (pid == 0) {
    pthread_mutex_lock(shared);
    pass(locked);
    pause();
  }
  await(locked);
  SHOW(pthread_mutex_trylock(shared));
  kill(pid, SIGKILL);
  SHOW(pthread_mutex_lock(shared));
  reap("holder", pid);
}

static int word;

static long futex(int *at, int operation, int value, struct timespec *timeout, int *at2, int value3) {
  return syscall(SYS_futex, at, operation, value, timeout, at2, value3);
}

CASE(futex_basics) {
  struct timespec t = {0, 20000000}, bad = {0, 1000000000};
  SHOW(futex(&word, FUTEX_WAIT, 1, NULL, NULL, 0));
  SHOW(futex(&word, FUTEX_WAIT, 0, &t, NULL, 0));
  SHOW(futex(&word, FUTEX_WAIT, 0, &bad, NULL, 0));
  SHOW(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0));
  SHOW(futex(&word, 99, 0, NULL, NULL, 0));
  SHOW(futex((int *)((char *)&word + 1), FUTEX_WAIT, 0, &t, NULL, 0));
  SHOW(futex(BAD_POINTER, FUTEX_WAIT, 0, &t, NULL, 0));
  SHOW(futex(&word, FUTEX_WAIT, 0, BAD_POINTER, NULL, 0));
  SHOW(futex(&word, FUTEX_WAIT_BITSET, 0, &t, NULL, 0));
}

static void *futex_wait(__attribute__((unused)) void *unused) {
  return (void *)futex(&word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
}

CASE(futex_wake_counts) {
  pthread_t t[5];
  for (int i = 0; i < 5; i++) pthread_create(&t[i], NULL, futex_wait, NULL);
  let_it_block();
  SHOW(futex(&word, FUTEX_WAKE_PRIVATE, 2, NULL, NULL, 0));
  SHOW(futex(&word, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0));
  for (int i = 0; i < 5; i++) pthread_join(t[i], NULL);
}

CASE(futex_requeue) {
  static int other;
  pthread_t t[4];
  for (int i = 0; i < 4; i++) pthread_create(&t[i], NULL, futex_wait, NULL);
  let_it_block();
  SHOW(syscall(SYS_futex, &word, FUTEX_CMP_REQUEUE_PRIVATE, 1, 100, &other, 5));
  SHOW(syscall(SYS_futex, &word, FUTEX_CMP_REQUEUE_PRIVATE, 1, 100, &other, 0));
  SHOW(futex(&word, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0));
  SHOW(futex(&other, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0));
  for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
}

CASE(futex_between_processes) {
  int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  pid_t pid = fork();
  if (pid == 0) _exit(futex(shared, FUTEX_WAIT, 0, NULL, NULL, 0) == 0 ? 0 : 1);
  let_it_block();
  SHOW(futex(shared, FUTEX_WAKE, 1, NULL, NULL, 0));
  reap("waiter", pid);
}

CASE(fork_in_a_threaded_process) {
  pthread_t t;
  pthread_create(&t, NULL, sleep_long, NULL);
  pid_t pid = fork();
  if (pid == 0) {
    DIR *dir = opendir("/proc/self/task");
    int tasks = 0;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) tasks += e->d_name[0] != '.';
    say("tasks %d", tasks);
    _exit(0);
  }
  reap("child", pid);
}

static void *child_of_thread(void *unused) {
  pid_t pid = fork();
  if (pid == 0) _exit(12);
  reap("reaped by the thread that forked", pid);
  pid = fork();
  if (pid == 0) _exit(13);
  *(pid_t *)unused = pid;
  return NULL;
}

CASE(children_belong_to_the_process) {
  pthread_t t;
  pid_t pid;
  pthread_create(&t, NULL, child_of_thread, &pid);
  pthread_join(t, NULL);
  reap("reaped by another thread", pid);
}

static void *read_pipe(void *argument) {
  char c;
  return (void *)read(*(int *)argument, &c, 1);
}

CASE(blocked_thread_does_not_block_others) {
  int p[2];
  void *result;
  pthread_t t[10];
  MUST(pipe(p));
  for (int i = 0; i < 10; i++) pthread_create(&t[i], NULL, read_pipe, &p[0]);
  let_it_block();
  say("main goes on");
  MUST(write(p[1], "0123456789", 10));
  long sum = 0;
  for (int i = 0; i < 10; i++) {
    pthread_join(t[i], &result);
    sum += (long)result;
  }
  SHOW(sum);
}

CASE(descriptors_are_shared) {
  pthread_t t;
  void *result;
  int p[2];
  MUST(pipe(p));
  MUST(write(p[1], "x", 1));
  pthread_create(&t, NULL, read_pipe, &p[0]);
  pthread_join(t, &result);
  SHOW((long)result);
}

static void *change_directory(void *unused) {
  MUST(chdir("d"));
  umask(0);
  return unused;
}

CASE(cwd_and_umask_are_shared) {
  pthread_t t;
  MUST(mkdir("d", 0755));
  pthread_create(&t, NULL, change_directory, NULL);
  pthread_join(t, NULL);
  put("f", "x");
  SHOW(access("../d/f", F_OK));
  SHOW(umask(022));
}

static void *own_directory(void *unused) {
  SHOW(unshare(CLONE_FS));
  MUST(chdir("/"));
  return unused;
}

CASE(unshare_fs) {
  pthread_t t;
  put("f", "x");
  pthread_create(&t, NULL, own_directory, NULL);
  pthread_join(t, NULL);
  SHOW(access("f", F_OK));
}

static pthread_barrier_t barrier;

static void *through_barrier(void *argument) {
  for (int i = 0; i < 50; i++)
    if (pthread_barrier_wait(&barrier) == PTHREAD_BARRIER_SERIAL_THREAD) __atomic_add_fetch((int *)argument, 1, __ATOMIC_SEQ_CST);
  return NULL;
}

CASE(barrier) {
  pthread_t t[4];
  int rounds = 0;
  pthread_barrier_init(&barrier, NULL, 4);
  for (int i = 0; i < 4; i++) pthread_create(&t[i], NULL, through_barrier, &rounds);
  for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
  SHOW(rounds);
}

static void *cancelled(void *unused) {
  char c;
  int p[2];
  MUST(pipe(p));
  read(p[0], &c, 1);
  return unused;
}

CASE(cancel_a_blocked_thread) {
  pthread_t t;
  void *result;
  pthread_create(&t, NULL, cancelled, NULL);
  let_it_block();
  SHOW(pthread_cancel(t));
  SHOW(pthread_join(t, &result));
  SHOW(result == PTHREAD_CANCELED);
}

CASE(scheduling_calls) {
  struct sched_param parameters;
  cpu_set_t set;
  SHOW(sched_yield());
  SHOW(sched_getscheduler(0));
  SHOW(sched_getparam(0, &parameters));
  SHOW(parameters.sched_priority);
  SHOW(sched_getaffinity(0, sizeof set, &set));
  say("some cpus %d", CPU_COUNT(&set) > 0);
  SHOW(sched_setaffinity(0, sizeof set, &set));
  SHOW(syscall(SYS_sched_getaffinity, 0, 1, &set));
  SHOW(syscall(SYS_sched_getaffinity, 0, 64, BAD_POINTER));
  CPU_ZERO(&set);
  SHOW(sched_setaffinity(0, sizeof set, &set));
  SHOW(sched_get_priority_max(SCHED_FIFO));
  SHOW(sched_get_priority_min(SCHED_FIFO));
  SHOW(sched_get_priority_max(99));
  SHOW(sched_getscheduler(-1));
}
