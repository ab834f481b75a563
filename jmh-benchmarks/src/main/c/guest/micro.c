/*
 * Runs benchmarks and prints one line for each as soon as it is known:
 *
 *   NAME NS NS NS ...     nanoseconds per operation, one figure a batch
 *   NAME ! REASON         it cannot be done here
 *
 * Warm-up is apart: at least 1,000 operations, so that a runtime that compiles its code has done so, but no longer than four
 * times its time.
 */
#include "bench.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const struct benchmark *const families[] = {call_benchmarks,    file_benchmarks, memory_benchmarks,
                                                   process_benchmarks, ipc_benchmarks,  poll_benchmarks};
enum { FAMILIES = sizeof families / sizeof *families, MAX_BATCHES = 100, MAX_HELPERS = 4 };

static jmp_buf failed;
static pid_t helpers[MAX_HELPERS];

void must(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stdout, " ! %s: %s\n", what, strerror(errno));
    longjmp(failed, 1);
}

pid_t helper(void (*body)(void))
{
    pid_t pid = fork();
    must(pid >= 0, "fork");
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (setjmp(failed) == 0)
            body();
        _exit(0);
    }
    for (int i = 0; i < MAX_HELPERS; i++)
        if (helpers[i] == 0) {
            helpers[i] = pid;
            break;
        }
    return pid;
}

static void end_helpers(void)
{
    for (int i = 0; i < MAX_HELPERS; i++)
        if (helpers[i] > 0) {
            kill(helpers[i], SIGKILL);
            waitpid(helpers[i], NULL, 0);
            helpers[i] = 0;
        }
}

static int64_t timed(const struct benchmark *b, long n)
{
    int64_t start = now(CLOCK_MONOTONIC), own = b->run(n, b->argument);
    return own ? own : now(CLOCK_MONOTONIC) - start;
}

/* Returns how many operations take about `batch` nanoseconds. */
static long warm_up(const struct benchmark *b, int64_t warm, int64_t batch)
{
    int64_t start = now(CLOCK_MONOTONIC), spent = 0, took = 1;
    long done = 0, n = 1;
    while ((spent < warm || done < 1000) && spent < 4 * warm) {
        took = timed(b, n);
        done += n;
        spent = now(CLOCK_MONOTONIC) - start;
        if (took < warm / 8)
            n *= 2;
    }
    took = timed(b, n);
    double per = (double)(took > 0 ? took : 1) / (double)n;
    long fits = (long)((double)batch / per);
    return fits < 1 ? 1 : fits;
}

static void measure(const struct benchmark *b, int64_t warm, int64_t batch, int batches)
{
    double figures[MAX_BATCHES];
    printf("%s", b->name);
    fflush(stdout); /* so that a hang has a name */
    if (setjmp(failed) == 0) {
        if (b->prepare)
            b->prepare(b->argument);
        long n = warm_up(b, warm, batch);
        for (int i = 0; i < batches; i++)
            figures[i] = (double)timed(b, n) / (double)n;
        for (int i = 0; i < batches; i++)
            printf(" %.2f", figures[i]);
        printf("\n");
    }
    fflush(stdout);
    end_helpers();
    if (b->clean)
        b->clean();
}

static bool wanted(const char *name, int argc, char **argv)
{
    for (int i = 0; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return true;
    return argc == 0;
}

/* micro [--list] [--warm MS] [--batch MS] [--batches N] [NAME...] */
int micro_main(int argc, char **argv)
{
    int64_t warm = 100, batch = 20;
    int batches = 5;
    bool list = false;
    while (argc > 0 && strncmp(argv[0], "--", 2) == 0) {
        if (strcmp(argv[0], "--list") == 0) {
            list = true;
            argc--, argv++;
            continue;
        }
        long value = argc > 1 ? atol(argv[1]) : 0;
        if (value < 1)
            return 2;
        if (strcmp(argv[0], "--warm") == 0)
            warm = value;
        else if (strcmp(argv[0], "--batch") == 0)
            batch = value;
        else if (strcmp(argv[0], "--batches") == 0)
            batches = value > MAX_BATCHES ? MAX_BATCHES : (int)value;
        else
            return 2;
        argc -= 2, argv += 2;
    }
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    signal(SIGPIPE, SIG_IGN);
    for (int f = 0; f < FAMILIES; f++)
        for (const struct benchmark *b = families[f]; b->name; b++) {
            if (list)
                printf("%s\n", b->name);
            else if (wanted(b->name, argc, argv))
                measure(b, warm * 1000000, batch * 1000000, batches);
        }
    return 0;
}
