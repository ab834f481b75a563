/*
 * The system call instruction for Java: io.redoubt.host.Syscall.trap(). A JNI function in a library without libc, because linking
 * the same through java.lang.foreign costs each JVM 40 ms at its start. The kernel's answer is already the value or -errno.
 *
 * And what a JVM says when its own filter (io.redoubt.host.Confinement) stops a call: which one that was, which nobody else can tell.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <ucontext.h>

typedef long long jlong;
typedef int jint;

#define JNI_VERSION_1_8 0x00010008
#define SA_RESTORER 0x04000000
#define STANDARD_ERROR 2
#define NO_SUCH_CALL 0x7465 /* that no filter allows */

jlong Java_io_redoubt_host_Syscall_trap(void *env, void *class, jlong nr, jlong a, jlong b, jlong c, jlong d, jlong e, jlong f);
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

/* The library is loaded before the filter is; the filter lets nobody change this handler (JvmCalls). */
jint JNI_OnLoad(void *vm, void *reserved)
{
    struct {
        void (*handler)(int, siginfo_t *, void *);
        unsigned long flags;
        void (*restorer)(void);
        unsigned long mask;
    } action = {forbidden, SA_SIGINFO | SA_RESTORER, restore, ~0ul};
    (void)vm;
    (void)reserved;
    trap(SYS_rt_sigaction, SIGSYS, (jlong)(size_t)&action, 0, sizeof action.mask, 0, 0);
    return JNI_VERSION_1_8;
}
