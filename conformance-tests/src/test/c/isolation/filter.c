/* filter PID FILE: the seccomp filter of a process, as an array of struct sock_filter (PTRACE_SECCOMP_GET_FILTER, for root alone). */
#include <errno.h>
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#ifndef PTRACE_SECCOMP_GET_FILTER
#define PTRACE_SECCOMP_GET_FILTER 0x420c
#endif

int main(int argc, char **argv)
{
    static struct sock_filter program[4096]; /* BPF_MAXINSNS */
    pid_t pid = argc == 3 ? atoi(argv[1]) : 0;
    int status;
    if (ptrace(PTRACE_SEIZE, pid, 0, 0) || ptrace(PTRACE_INTERRUPT, pid, 0, 0) || waitpid(pid, &status, __WALL) != pid) {
        fprintf(stderr, "filter: seize: %s\n", strerror(errno));
        return 1;
    }
    long length = ptrace(PTRACE_SECCOMP_GET_FILTER, pid, 0, program);
    if (length < 0)
        fprintf(stderr, "filter: get: %s\n", strerror(errno));
    ptrace(PTRACE_DETACH, pid, 0, 0);
    FILE *file = fopen(argv[2], "w");
    return length < 0 || !file || fwrite(program, sizeof *program, (size_t)length, file) != (size_t)length || fclose(file);
}
