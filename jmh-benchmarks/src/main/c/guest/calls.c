/* Calls that do next to nothing, at call sites as libc has them and through syscall(2); clocks; computing. */
#include "bench.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define REPEAT(statement)            \
    {                                \
        (void)argument;              \
        for (long i = 0; i < n; i++) \
            statement;               \
        return 0;                    \
    }

static volatile uint64_t sink;

static int64_t getppid_libc(long n, long argument) REPEAT(getppid())
static int64_t getppid_syscall(long n, long argument) REPEAT(syscall(SYS_getppid))
static int64_t getpid_libc(long n, long argument) REPEAT(getpid())
static int64_t getpid_syscall(long n, long argument) REPEAT(syscall(SYS_getpid))
static int64_t getuid_libc(long n, long argument) REPEAT(getuid())
static int64_t getuid_syscall(long n, long argument) REPEAT(syscall(SYS_getuid))
static int64_t yield(long n, long argument) REPEAT(sched_yield())

static int64_t clock_libc(long n, long argument)
{
    struct timespec t;
    REPEAT(clock_gettime(CLOCK_MONOTONIC, &t))
}

static int64_t clock_syscall(long n, long argument)
{
    struct timespec t;
    REPEAT(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t))
}

/* What a sleep of 50 us takes beyond them. */
static int64_t sleep_slack(long n, long argument)
{
    const struct timespec t = {0, argument};
    int64_t start = now(CLOCK_MONOTONIC);
    for (long i = 0; i < n; i++)
        nanosleep(&t, NULL);
    int64_t slack = now(CLOCK_MONOTONIC) - start - n * argument;
    return slack > 0 ? slack : 1;
}

static void on_signal(int signal)
{
    sink += (uint64_t)signal;
}

static void prepare_signal(long argument)
{
    (void)argument;
    must(sigaction(SIGUSR1, &(struct sigaction){.sa_handler = on_signal}, NULL) == 0, "sigaction");
}

static int64_t signal_self(long n, long argument) REPEAT(raise(SIGUSR1))

static int64_t mask(long n, long argument)
{
    sigset_t set;
    sigemptyset(&set);
    REPEAT(sigprocmask(SIG_BLOCK, &set, NULL))
}

static int64_t cpu(long n, long argument)
{
    uint64_t x = 88172645463325252ull;
    double y = 1;
    (void)argument;
    while (n-- > 0) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        y = y * 1.0000001 + (double)(x & 7);
    }
    sink = x + (uint64_t)y;
    return 0;
}

/* Half of it in order, half at random, in more than the caches hold. */
static int64_t memory(long n, long argument)
{
    enum { WORDS = 8 << 20 };
    static uint64_t *words;
    (void)argument;
    if (!words) {
        void *p = mmap(NULL, WORDS * 8ul, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        must(p != MAP_FAILED, "mmap");
        words = p;
        memset(words, 1, WORDS * 8ul);
    }
    uint64_t x = 1, sum = 0;
    for (long i = 0; i < n; i++) {
        x = x * 6364136223846793005ull + 1442695040888963407ull;
        sum += words[x >> 41] + words[i & (WORDS - 1)]++;
    }
    sink = sum;
    return 0;
}

const struct benchmark call_benchmarks[] = {
    {"cpu", NULL, cpu, NULL, 0},
    {"memory", NULL, memory, NULL, 0},
    {"getppid.libc", NULL, getppid_libc, NULL, 0},
    {"getppid.syscall", NULL, getppid_syscall, NULL, 0},
    {"getpid.libc", NULL, getpid_libc, NULL, 0},
    {"getpid.syscall", NULL, getpid_syscall, NULL, 0},
    {"getuid.libc", NULL, getuid_libc, NULL, 0},
    {"getuid.syscall", NULL, getuid_syscall, NULL, 0},
    {"sched_yield", NULL, yield, NULL, 0},
    {"clock_gettime.libc", NULL, clock_libc, NULL, 0},
    {"clock_gettime.syscall", NULL, clock_syscall, NULL, 0},
    {"nanosleep.slack", NULL, sleep_slack, NULL, 50000},
    {"signal.self", prepare_signal, signal_self, NULL, 0},
    {"sigprocmask", NULL, mask, NULL, 0},
    {NULL, NULL, NULL, NULL, 0},
};
