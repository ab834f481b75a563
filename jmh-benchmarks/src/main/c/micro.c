/*
 * What single things cost: run on bare Linux and in a sandbox, the same program, and compared by overhead.py.
 *
 *   micro NAME          prints the median of five batches in ns per operation
 *   micro time CMD...   runs a command and prints its wall time in ns, after its output
 *   micro exit          does nothing: what "exec" executes
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BATCHES 5

static const char *self;

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static void must(int good, const char *what)
{
    if (!good) {
        fprintf(stderr, "micro: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

/* A call that a sandbox has to answer itself, and whose answer it knows at once. */
static void trap(int n)
{
    while (n-- > 0)
        syscall(SYS_getuid);
}

static void anonymous(int n)
{
    enum { BYTES = 64 * 1024 };
    while (n-- > 0) {
        char *p = mmap(NULL, BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        must(p != MAP_FAILED, "mmap");
        for (int i = 0; i < BYTES; i += 4096)
            p[i] = 1;
        munmap(p, BYTES);
    }
}

static volatile uint64_t sink;

static void cpu(int n)
{
    uint64_t x = 88172645463325252ull;
    double y = 1;
    while (n-- > 0) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        y = y * 1.0000001 + (double)(x & 7);
    }
    sink = x + (uint64_t)y;
}

/* Half of it in order, half at random, in more than the caches hold. */
static void memory(int n)
{
    enum { WORDS = 8 << 20 };
    static uint64_t *words;
    if (!words) {
        words = mmap(NULL, WORDS * 8ul, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        must(words != MAP_FAILED, "mmap");
        memset(words, 1, WORDS * 8ul);
    }
    uint64_t x = 1, sum = 0;
    for (int i = 0; i < n; i++) {
        x = x * 6364136223846793005ull + 1442695040888963407ull;
        sum += words[x >> 41] + words[i & (WORDS - 1)]++;
    }
    sink = sum;
}

/* ---- two threads that take turns ---- */

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
    for (int n = *(int *)count; n > 0; n--) {
        await(1);
        pass(0);
    }
    return NULL;
}

static void futex(int n)
{
    /* On one CPU: across two, what is measured is how deeply they sleep. */
    cpu_set_t all, one;
    CPU_ZERO(&one);
    if (sched_getaffinity(0, sizeof all, &all) == 0)
        for (int i = 0; i < CPU_SETSIZE; i++)
            if (CPU_ISSET(i, &all)) {
                CPU_SET(i, &one);
                break;
            }
    sched_setaffinity(0, sizeof one, &one);
    pthread_t thread;
    must(pthread_create(&thread, NULL, other, &n) == 0, "pthread_create");
    for (int i = 0; i < n; i++) {
        pass(1);
        await(0);
    }
    pthread_join(thread, NULL);
    sched_setaffinity(0, sizeof all, &all);
}

/* ---- processes ---- */

static void reap(pid_t pid)
{
    int status;
    must(pid > 0, "fork");
    must(waitpid(pid, &status, 0) == pid && status == 0, "child");
}

static void fork_exit(int n)
{
    while (n-- > 0) {
        pid_t pid = fork();
        if (pid == 0)
            _exit(0);
        reap(pid);
    }
}

static void fork_exec(int n)
{
    while (n-- > 0) {
        pid_t pid = fork();
        if (pid == 0) {
            execl(self, self, "exit", (char *)NULL);
            _exit(127);
        }
        reap(pid);
    }
}

static const struct {
    const char *name;
    void (*run)(int);
    int warm, batch;
} all[] = {
    {"trap", trap, 100000, 40000},     {"mmap", anonymous, 2000, 4000},   {"futex", futex, 5000, 20000},
    {"cpu", cpu, 1000000, 50000000},   {"memory", memory, 1000000, 8000000}, {"fork", fork_exit, 300, 300},
    {"exec", fork_exec, 100, 100},
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int time_command(char **argv)
{
    int status;
    int64_t start = now();
    pid_t pid = fork();
    if (pid == 0) {
        execvp(argv[0], argv);
        perror(argv[0]);
        _exit(127);
    }
    must(pid > 0 && waitpid(pid, &status, 0) == pid, "time");
    printf("%lld\n", (long long)(now() - start));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
    self = argv[0];
    if (argc == 2 && strcmp(argv[1], "exit") == 0)
        return 0;
    if (argc > 2 && strcmp(argv[1], "time") == 0)
        return time_command(argv + 2);
    for (size_t i = 0; argc == 2 && i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i].name, argv[1]) == 0) {
            double batches[BATCHES];
            all[i].run(all[i].warm);
            for (int b = 0; b < BATCHES; b++) {
                int64_t start = now();
                all[i].run(all[i].batch);
                batches[b] = (double)(now() - start) / all[i].batch;
            }
            qsort(batches, BATCHES, sizeof *batches, by_value);
            printf("%.2f\n", batches[BATCHES / 2]);
            return 0;
        }
    fprintf(stderr, "usage: micro trap|mmap|futex|cpu|memory|fork|exec, or micro time CMD...\n");
    return 2;
}
