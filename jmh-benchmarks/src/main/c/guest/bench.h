/* Shared by the parts of the program that is run in every runtime. */
#ifndef BENCH_H
#define BENCH_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * One thing that is timed. `run` does it n times; `prepare` and `clean` are outside of the time and may be NULL.
 * A `run` that measures itself (the time of a sleep beyond what was asked) returns nanoseconds, all others 0.
 */
struct benchmark {
    const char *name;
    void (*prepare)(long argument);
    int64_t (*run)(long n, long argument);
    void (*clean)(void);
    long argument;
};

extern const struct benchmark call_benchmarks[], file_benchmarks[], memory_benchmarks[], process_benchmarks[],
    ipc_benchmarks[], poll_benchmarks[];

/* The path of this program, for what has to execute something. */
extern const char *self;

/* Ends the benchmark that is running, with a reason and errno's text, if what was done is not good. */
void must(bool good, const char *what);

/* A child of the running benchmark, killed and reaped at its end however it ends. */
pid_t helper(void (*body)(void));

int64_t now(int clock);

int micro_main(int argc, char **argv);
int time_main(int argc, char **argv);
int startup_main(int argc, char **argv);
int oci_commands_main(int argc, char **argv);
int guard_main(int argc, char **argv);
int probe_main(int argc, char **argv);
int view_main(void);
int mark_main(char **argv);

#endif
