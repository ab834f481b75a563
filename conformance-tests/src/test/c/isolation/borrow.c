/*
 * borrow TID NUMBER ARGUMENT...: a thread of another process makes a system call, as code that somebody has brought in there would,
 * and then goes on with what it did. Prints what the call gave. An argument that begins with @ is a string, which is put on the
 * thread's stack, where it is not in use; those that are not given are zero.
 *
 * A thread that is stopped in a call makes it with the call instruction that it has just used, and then its own once more, unless that
 * had come to its end. One that is stopped in code of its own goes on to its next call, and makes ours in place of that.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATIENCE_SECONDS = 5 };
#define NO_CALL (~0ull) /* in orig_rax */

static pid_t tid;
static volatile sig_atomic_t is_late;

static int fail(const char *what)
{
    fprintf(stderr, "borrow: %s: %s\n", what, strerror(errno));
    return 1;
}

static void on_alarm(int signal)
{
    (void)signal;
    is_late = true;
}

/*
 * On to the next stop at the beginning or the end of a call; signals that the thread gets meanwhile are its own. 0: there it is, with its
 * registers; DIED; else an exit code, and why has been said.
 */
enum { DIED = -1 };
static int to_next_stop(struct user_regs_struct *regs)
{
    int status, signal = 0;
    for (;;) {
        if (ptrace(PTRACE_SYSCALL, tid, 0, signal))
            return fail("go on");
        if (waitpid(tid, &status, __WALL) != tid) {
            if (!is_late)
                return fail("wait");
            fprintf(stderr, "borrow: thread %d makes no system call, or does not come back from it, within %d s\n", tid, PATIENCE_SECONDS);
            return 1;
        }
        if (!WIFSTOPPED(status))
            return DIED;
        if (WSTOPSIG(status) == (SIGTRAP | 0x80))
            return ptrace(PTRACE_GETREGS, tid, 0, regs) ? fail("registers") : 0;
        signal = status >> 16 ? 0 : WSTOPSIG(status);
    }
}

static int died(int result)
{
    if (result == DIED)
        printf("died\n");
    return result == DIED ? 0 : result;
}

/* By the stop: Linux's codes for a call that it would make again (include/linux/errno.h), and that of calls that it would not. */
static bool is_cut_short(long long result)
{
    return result == -512 || result == -513 || result == -514 || result == -516 || result == -EINTR;
}

int main(int argc, char **argv)
{
    if (argc < 3 || argc > 9)
        return 2;
    tid = atoi(argv[1]);
    struct user_regs_struct own, regs;
    int status, result;
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_alarm}, NULL);
    if (ptrace(PTRACE_SEIZE, tid, 0, PTRACE_O_TRACESYSGOOD) || ptrace(PTRACE_INTERRUPT, tid, 0, 0) || waitpid(tid, &status, __WALL) != tid)
        return fail("seize");
    /* A signal may come first. */
    while (WIFSTOPPED(status) && status >> 16 != PTRACE_EVENT_STOP)
        if (ptrace(PTRACE_CONT, tid, 0, WSTOPSIG(status)) || waitpid(tid, &status, __WALL) != tid)
            return fail("seize");
    if (!WIFSTOPPED(status) || ptrace(PTRACE_GETREGS, tid, 0, &own))
        return fail("registers");
    alarm(PATIENCE_SECONDS);

    bool is_in_call = own.orig_rax != NO_CALL;
    if (!is_in_call && (result = to_next_stop(&own)))
        return died(result);
    errno = 0;
    long code = ptrace(PTRACE_PEEKTEXT, tid, own.rip - 2, 0);
    if (errno || (code & 0xffff) != 0x050f)
        return fail("not a system call instruction");

    /* Own is what the thread is to go on with. */
    regs = own;
    bool is_made_again = !is_in_call || is_cut_short((long long)own.rax);
    if (is_made_again) {
        own.rax = own.orig_rax;
        own.rip -= 2;
    }
    own.orig_rax = NO_CALL;

    unsigned long long number = strtoull(argv[2], NULL, 0);
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
    if (is_in_call) {
        regs.rip -= 2;
        regs.rax = number;
        regs.orig_rax = NO_CALL;
    } else {
        regs.orig_rax = number; /* the kernel has not looked at it yet */
    }
    if (ptrace(PTRACE_SETREGS, tid, 0, &regs))
        return fail("set registers");
    if ((is_in_call && (result = to_next_stop(&regs))) || (result = to_next_stop(&regs)))
        return died(result);
    printf("%lld\n", (long long)regs.rax);
    if (ptrace(PTRACE_SETREGS, tid, 0, &own) || ptrace(PTRACE_DETACH, tid, 0, 0))
        return fail("set registers");
    return 0;
}
