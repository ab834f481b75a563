/*
 * The program that the overhead harness runs in every runtime: static, so that it needs nothing from the root file system.
 *
 *   in a runtime                                       on the host
 *     micro [OPTIONS] [NAME...]  ns per operation        guard CMD...          no child survives it
 *     time CMD...     wall time of a command             startup N CMD...      times of N starts at once
 *     first           the time at its first instruction
 *     idle            says "ready" and waits
 *     exit            does nothing
 *     probe           tries each system call number
 *     mark CMD...     a command that is known to be a guest
 *     view            what can be seen of the host
 */
#include "bench.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

const char *self;

int64_t now(int clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv)
{
    /* CLOCK_REALTIME, because some runtimes count CLOCK_MONOTONIC from their own start. */
    int64_t first = now(CLOCK_REALTIME);
    const char *what = argc > 1 ? argv[1] : "";
    self = argv[0];
    if (strcmp(what, "exit") == 0)
        return 0;
    if (strcmp(what, "first") == 0) {
        printf("%lld\n", (long long)first);
        return 0;
    }
    if (strcmp(what, "idle") == 0) {
        if (write(1, "ready\n", 6) != 6)
            return 1;
        for (;;)
            pause();
    }
    if (strcmp(what, "micro") == 0)
        return micro_main(argc - 2, argv + 2);
    if (strcmp(what, "time") == 0 && argc > 2)
        return time_main(argc - 2, argv + 2);
    if (strcmp(what, "startup") == 0 && argc > 3)
        return startup_main(argc - 2, argv + 2);
    if (strcmp(what, "oci-commands") == 0 && argc > 4)
        return oci_commands_main(argc - 2, argv + 2);
    if (strcmp(what, "guard") == 0 && argc > 2)
        return guard_main(argc - 2, argv + 2);
    if (strcmp(what, "probe") == 0)
        return probe_main(argc - 2, argv + 2);
    if (strcmp(what, "mark") == 0 && argc > 2)
        return mark_main(argv + 2);
    if (strcmp(what, "view") == 0)
        return view_main();
    fprintf(stderr, "usage: %s micro|time|first|idle|exit|probe|mark|view|guard|startup ...\n", argv[0]);
    return 2;
}
