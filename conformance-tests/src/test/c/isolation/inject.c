/*
 * inject PID NUMBER: a thread of another process makes a system call of its own accord, as code that somebody has brought in
 * there would: with six arguments of zero. For the processes of a sandbox that have a filter of their own.
 *
 * The thread is one that waits in a call: the instruction before its next one is the call instruction, which is run once more
 * with another number in the register.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

static int fail(const char *what)
{
    fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
    return 1;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    pid_t tid = atoi(argv[1]);
    struct user_regs_struct regs;
    int status;
    if (ptrace(PTRACE_SEIZE, tid, 0, 0) || ptrace(PTRACE_INTERRUPT, tid, 0, 0) || waitpid(tid, &status, __WALL) != tid)
        return fail("seize");
    if (!WIFSTOPPED(status) || ptrace(PTRACE_GETREGS, tid, 0, &regs))
        return fail("registers");
    errno = 0;
    long code = ptrace(PTRACE_PEEKTEXT, tid, regs.rip - 2, 0);
    if (errno || (code & 0xffff) != 0x050f)
        return fail("not in a system call");
    regs.rip -= 2;
    regs.rax = strtoull(argv[2], NULL, 0);
    regs.orig_rax = -1ull;
    regs.rdi = regs.rsi = regs.rdx = regs.r10 = regs.r8 = regs.r9 = 0;
    if (ptrace(PTRACE_SETREGS, tid, 0, &regs) || ptrace(PTRACE_DETACH, tid, 0, 0))
        return fail("set registers");
    return 0;
}
