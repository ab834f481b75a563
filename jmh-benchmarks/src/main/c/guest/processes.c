/* Processes and threads, and how two of them take turns. */
#include "bench.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void reap(pid_t pid)
{
    int status;
    must(pid > 0, "fork");
    must(waitpid(pid, &status, 0) == pid && status == 0, "child");
}

static int64_t fork_wait(long n, long argument)
{
    (void)argument;
    while (n-- > 0) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        reap(pid);
    }
    return 0;
}

static int64_t fork_exec(long n, long argument)
{
    (void)argument;
    while (n-- > 0) {
        pid_t pid = fork();
        if (pid == 0) {
            execl(self, self, "exit", (char *)NULL);
            _exit(127);
        }
        reap(pid);
    }
    return 0;
}

/* libc's posix_spawn is clone(CLONE_VM | CLONE_VFORK). */
static int64_t vfork_exec(long n, long argument)
{
    char *words[] = {(char *)(uintptr_t)self, "exit", NULL};
    (void)argument;
    while (n-- > 0) {
        pid_t pid;
        errno = posix_spawn(&pid, self, NULL, NULL, words, environ);
        must(errno == 0, "posix_spawn");
        reap(pid);
    }
    return 0;
}

static void *nothing(void *argument)
{
    return argument;
}

static int64_t threads(long n, long argument)
{
    (void)argument;
    while (n-- > 0) {
        pthread_t thread;
        errno = pthread_create(&thread, NULL, nothing, NULL);
        must(errno == 0, "pthread_create");
        pthread_join(thread, NULL);
    }
    return 0;
}

static _Atomic uint32_t turn;

static void await(uint32_t mine)
{
    uint32_t seen;
    while ((seen = turn) != mine)
        syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void pass(uint32_t to)
{
    turn = to;
    syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void *other(void *count)
{
    for (long n = *(long *)count; n > 0; n--) {
        await(1);
        pass(0);
    }
    return NULL;
}

/* With `argument` on one CPU, so that a turn is a context switch; otherwise where the scheduler puts them. */
static int64_t futex(long n, long argument)
{
    cpu_set_t all, one;
    CPU_ZERO(&one);
    must(sched_getaffinity(0, sizeof all, &all) == 0, "sched_getaffinity");
    for (int i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET(i, &all))
            CPU_SET(i, &one);
    if (argument)
        sched_setaffinity(0, sizeof one, &one);
    pthread_t thread;
    errno = pthread_create(&thread, NULL, other, &n);
    must(errno == 0, "pthread_create");
    for (long i = 0; i < n; i++) {
        pass(1);
        await(0);
    }
    pthread_join(thread, NULL);
    sched_setaffinity(0, sizeof all, &all);
    return 0;
}

const struct benchmark process_benchmarks[] = {
    {"fork-wait", NULL, fork_wait, NULL, 0},        {"fork-exec-wait", NULL, fork_exec, NULL, 0},
    {"vfork-exec-wait", NULL, vfork_exec, NULL, 0}, {"thread-create-join", NULL, threads, NULL, 0},
    {"futex.ping-pong", NULL, futex, NULL, 0},      {"futex.context-switch", NULL, futex, NULL, 1},
    {NULL, NULL, NULL, NULL, 0},
};
