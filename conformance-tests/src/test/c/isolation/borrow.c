/*
 * borrow TID NUMBER ARGUMENT...: a thread of another process makes a system call, as code that somebody has brought in there would,
 * and then goes on with what it did. Prints what the call gave. An argument that begins with @ is a string, which is put on the
 * thread's stack, where it is not in use.
 *
 * The thread is one that waits in a call: the instruction before its next one is the call instruction, which is run once more.
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
    fprintf(stderr, "borrow: %s: %s\n", what, strerror(errno));
    return 1;
}

int main(int argc, char **argv)
{
    if (argc < 3 || argc > 9)
        return 2;
    pid_t tid = atoi(argv[1]);
    struct user_regs_struct before, regs;
    int status;
    if (ptrace(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACESYSGOOD) || ptrace(PTRACE_INTERRUPT, tid, 0, 0) || waitpid(tid, &status, __WALL) != tid)
        return fail("seize");
    if (!WIFSTOPPED(status) || ptrace(PTRACE_GETREGS, tid, 0, &before))
        return fail("registers");
    errno = 0;
    long code = ptrace(PTRACE_PEEKTEXT, tid, before.rip - 2, 0);
    if (errno || (code & 0xffff) != 0x050f)
        return fail("not in a system call");
    regs = before;
    regs.rip -= 2;
    regs.rax = strtoull(argv[2], NULL, 0);
    regs.orig_rax = -1ull;
    unsigned long long *arguments[] = {&regs.rdi, &regs.rsi, &regs.rdx, &regs.r10, &regs.r8, &regs.r9};
    unsigned long long at = (regs.rsp & ~15ull) - 4096;
    for (int i = 0; i < 6; i++) {
        const char *given = i + 3 < argc ? argv[i + 3] : "0";
        *arguments[i] = *given == '@' ? at : strtoull(given, NULL, 0);
        if (*given != '@')
            continue;
        for (size_t k = 0; k <= strlen(given + 1); k += sizeof(long)) {
            long word = 0;
            memcpy(&word, given + 1 + k, strnlen(given + 1 + k, sizeof word));
            if (ptrace(PTRACE_POKEDATA, tid, at, word))
                return fail("put a string");
            at += sizeof word;
        }
    }
    if (ptrace(PTRACE_SETREGS, tid, 0, &regs))
        return fail("set registers");
    /* Two stops: on the way in and on the way out. */
    for (int stops = 0; stops < 2;) {
        if (ptrace(PTRACE_SYSCALL, tid, 0, 0) || waitpid(tid, &status, __WALL) != tid)
            return fail("go on");
        if (!WIFSTOPPED(status)) {
            printf("died\n");
            return 0;
        }
        stops += WSTOPSIG(status) == (SIGTRAP | 0x80);
    }
    if (ptrace(PTRACE_GETREGS, tid, 0, &regs))
        return fail("read the result");
    printf("%lld\n", (long long)regs.rax);
    /* What it waited in it makes once more. */
    before.rip -= 2;
    before.rax = before.orig_rax;
    before.orig_rax = -1ull;
    if (ptrace(PTRACE_SETREGS, tid, 0, &before) || ptrace(PTRACE_DETACH, tid, 0, 0))
        return fail("set registers");
    return 0;
}
