/*
 * The system call instruction for Java: io.redoubt.host.Syscall.trap(). A JNI function in a library without libc, because linking
 * the same through java.lang.foreign costs each JVM 40 ms at its start. The kernel's answer is already the value or -errno.
 *
 * What a JVM says when its own filter (io.redoubt.host.Confinement) stops a call: which one that was, which nobody else can tell. And a
 * call that every thread has to make for itself, since the kernel has no word for all of them at once.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>

typedef long long jlong;
typedef int jint;

#define JNI_VERSION_1_8 0x00010008
#define SA_RESTORER 0x04000000
#define STANDARD_ERROR 2
#define NO_SUCH_CALL 0x7465 /* that no filter allows */

jlong Java_io_redoubt_host_Syscall_trap(void *env, void *class, jlong nr, jlong a, jlong b, jlong c, jlong d, jlong e, jlong f);
jlong Java_io_redoubt_host_Syscall_everyThread(void *env, void *class, jlong nr, jlong a, jlong b);
jint JNI_OnLoad(void *vm, void *reserved);

static jlong trap(jlong nr, jlong a, jlong b, jlong c, jlong d, jlong e, jlong f)
{
    jlong result;
    register jlong r10 __asm__("r10") = d;
    register jlong r8 __asm__("r8") = e;
    register jlong r9 __asm__("r9") = f;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "0"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

jlong Java_io_redoubt_host_Syscall_trap(void *env, void *class, jlong nr, jlong a, jlong b, jlong c, jlong d, jlong e, jlong f)
{
    (void)env;
    (void)class;
    return trap(nr, a, b, c, d, e, f);
}

/* ------------------------------------------------------------------------------------------------------- forbidden calls */

static char *put_text(char *at, const char *text)
{
    while (*text)
        *at++ = *text++;
    return at;
}

static char *put_number(char *at, unsigned long value, unsigned base)
{
    char digits[24];
    int n = 0;
    do
        digits[n++] = "0123456789abcdef"[value % base];
    while (value /= base);
    while (n)
        *at++ = digits[--n];
    return at;
}

/* Says what it was, and dies of the same signal: it is blocked in here, and the kernel does not take no for an answer then. */
static void forbidden(int number, siginfo_t *info, void *context)
{
    static const int arguments[] = {REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9};
    const ucontext_t *at_call = context;
    char line[256], *end = put_text(line, "redoubt: system call ");
    end = put_number(end, (unsigned)info->si_syscall, 10);
    end = put_text(end, " is not in this process's seccomp filter; its arguments:");
    for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++) {
        end = put_text(end, " 0x");
        end = put_number(end, (unsigned long)at_call->uc_mcontext.gregs[arguments[i]], 16);
    }
    *end++ = '\n';
    trap(SYS_write, STANDARD_ERROR, (jlong)(size_t)line, end - line, 0, 0, 0);
    (void)number;
    for (;;)
        trap(NO_SUCH_CALL, 0, 0, 0, 0, 0, 0);
}

/* Never reached by a return of the handler, but the kernel wants one. */
static void restore(void)
{
    for (;;)
        trap(NO_SUCH_CALL, 0, 0, 0, 0, 0, 0);
}

/* --------------------------------------------------------------------------------------------------------- every thread */

#define SIGEVERY 48 /* a real-time signal that neither the JVM nor the C library uses */
#define THREADS_MAX 512
#define PATIENCE_SECONDS 10

static struct {
    jlong nr, a, b, result;
    int done; /* the id of the thread that has made the call last */
} every;

struct kernel_action {
    void (*handler)(int, siginfo_t *, void *);
    unsigned long flags;
    void (*restorer)(void);
    unsigned long mask;
};

__attribute__((naked)) static void return_from_signal(void)
{
    __asm__ volatile("mov %0, %%eax\n\tsyscall" : : "i"(SYS_rt_sigreturn));
}

static void make_call(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)info;
    (void)context;
    every.result = trap(every.nr, every.a, every.b, 0, 0, 0, 0);
    __atomic_store_n(&every.done, (int)trap(SYS_gettid, 0, 0, 0, 0, 0, 0), __ATOMIC_RELEASE);
    trap(SYS_futex, (jlong)(size_t)&every.done, FUTEX_WAKE, 1, 0, 0, 0);
}

/* 0 when it has made the call or is no more, else -errno. */
static jlong in_thread(jlong pid, int tid)
{
    struct timespec timeout = {PATIENCE_SECONDS, 0};
    every.done = 0;
    jlong r = trap(SYS_tgkill, pid, tid, SIGEVERY, 0, 0, 0);
    if (r)
        return r == -ESRCH ? 0 : r;
    while (__atomic_load_n(&every.done, __ATOMIC_ACQUIRE) != tid) {
        r = trap(SYS_futex, (jlong)(size_t)&every.done, FUTEX_WAIT, 0, (jlong)(size_t)&timeout, 0, 0);
        if (r == -ETIMEDOUT)
            return trap(SYS_tgkill, pid, tid, 0, 0, 0, 0) == -ESRCH ? 0 : r;
    }
    return every.result < 0 ? every.result : 0;
}

static int decimal(const char *text)
{
    int value = 0;
    while (*text >= '0' && *text <= '9')
        value = value * 10 + *text++ - '0';
    return *text ? 0 : value;
}

static int is_in(const int *tids, int count, int tid)
{
    while (count && tids[count - 1] != tid)
        count--;
    return count;
}

/* One look at all threads. How many were new, or -errno. */
static jlong one_pass(jlong task, jlong pid, int *tids, int *count)
{
    char buffer[4096] __attribute__((aligned(8)));
    int before = *count;
    jlong n = trap(SYS_lseek, task, 0, SEEK_SET, 0, 0, 0);
    while (n >= 0 && (n = trap(SYS_getdents64, task, (jlong)(size_t)buffer, sizeof buffer, 0, 0, 0)) > 0)
        for (jlong at = 0; at < n; at += *(unsigned short *)(buffer + at + 16)) {
            int tid = decimal(buffer + at + 19); /* struct linux_dirent64, getdents(2) */
            if (!tid || is_in(tids, *count, tid))
                continue;
            jlong r = *count == THREADS_MAX ? -E2BIG : in_thread(pid, tid);
            if (r < 0)
                return r;
            tids[(*count)++] = tid;
        }
    return n < 0 ? n : *count - before;
}

/*
 * Has every thread of this process make a call, itself included, as the C library does it for setuid(2) (nptl(7)): by a signal whose
 * handler makes it. A thread that is started meanwhile is found by another pass; one that is started by a thread that has made the
 * call inherits what there is to inherit. 0, or -errno of the first in which it failed.
 */
jlong Java_io_redoubt_host_Syscall_everyThread(void *env, void *class, jlong nr, jlong a, jlong b)
{
    struct kernel_action action = {make_call, SA_SIGINFO | SA_RESTART | SA_RESTORER, return_from_signal, ~0ul}, ignore = {0};
    int tids[THREADS_MAX], count = 0;
    jlong r, pid = trap(SYS_getpid, 0, 0, 0, 0, 0, 0);
    /* Once: the call may be one after which it cannot be opened. */
    jlong task = trap(SYS_open, (jlong)(size_t) "/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0, 0, 0);
    (void)env;
    (void)class;
    every.nr = nr;
    every.a = a;
    every.b = b;
    ignore.handler = (void (*)(int, siginfo_t *, void *))(size_t)1; /* SIG_IGN */
    r = task < 0 ? task : trap(SYS_rt_sigaction, SIGEVERY, (jlong)(size_t)&action, 0, sizeof action.mask, 0, 0);
    if (r == 0)
        while ((r = one_pass(task, pid, tids, &count)) > 0)
            ;
    trap(SYS_rt_sigaction, SIGEVERY, (jlong)(size_t)&ignore, 0, sizeof action.mask, 0, 0);
    trap(SYS_close, task, 0, 0, 0, 0, 0);
    return r;
}

/* --------------------------------------------------------------------------------------------------------------- loading */

/* The library is loaded before the filter is; the filter lets nobody change this handler (JvmCalls). */
jint JNI_OnLoad(void *vm, void *reserved)
{
    struct kernel_action action = {forbidden, SA_SIGINFO | SA_RESTORER, restore, ~0ul};
    (void)vm;
    (void)reserved;
    trap(SYS_rt_sigaction, SIGSYS, (jlong)(size_t)&action, 0, sizeof action.mask, 0, 0);
    return JNI_VERSION_1_8;
}
