/*
 * First and last instructions of the stub. The kernel enters with rsp at argc and everything else zero (x86-64 psABI 3.4.1);
 * the program that follows must find the same.
 */
        .text
        .globl  _start
        .type   _start, @function
_start:
        xorl    %ebp, %ebp
        movq    %rsp, %rdi
        call    stub_main               /* does not return */
        hlt
        .size   _start, . - _start

/* void stub_enter(entry rdi, stack rsi): leave nothing of the stub in the registers, and go. */
        .globl  stub_enter
        .type   stub_enter, @function
stub_enter:
        movq    %rsi, %rsp
        pushq   %rdi                    /* popped by ret: rsp is at argc again */
        xorl    %eax, %eax
        xorl    %ebx, %ebx
        xorl    %ecx, %ecx
        xorl    %edx, %edx              /* rdx: a function for atexit, none */
        xorl    %esi, %esi
        xorl    %edi, %edi
        xorl    %ebp, %ebp              /* the outermost frame */
        xorl    %r8d, %r8d
        xorl    %r9d, %r9d
        xorl    %r10d, %r10d
        xorl    %r11d, %r11d
        xorl    %r12d, %r12d
        xorl    %r13d, %r13d
        xorl    %r14d, %r14d
        xorl    %r15d, %r15d
        ret
        .size   stub_enter, . - stub_enter

/*
 * What the host kernel calls in place of a handler that the guest installed without SA_RESTART (see SignalActions in the sentry;
 * there the host kernel has it with SA_RESTART). It stays in the process for good; it uses no stack, and only registers that a
 * handler may change as well.
 *
 * A call whose notification a signal cuts short before the sentry has received it never began. The host kernel would answer EINTR,
 * which Linux has for few calls; with SA_RESTART it makes the call again after the handler, as if the signal had come just
 * before it. What is left is to give EINTR where the program counts on it: for calls that wait in the host kernel itself. Those are
 * found here by the state that is going to be restored: about to make the call (again). If the signal did come just before the first
 * time, that EINTR is early, but no program can tell.
 *
 * rdi signal, rsi siginfo, rdx ucontext: offsets of struct sigcontext in it. stub_handlers[signal] is the guest's handler.
 */
#define UC_R10 56
#define UC_RSI 112
#define UC_RDX 136
#define UC_RAX 144
#define UC_RIP 168
#define EINTR 4
        .globl  signal_enter
        .type   signal_enter, @function
signal_enter:
        movq    UC_RAX(%rdx), %rax
        cmpq    $202, %rax              /* futex: FUTEX_WAIT and FUTEX_WAIT_BITSET without a timeout */
        je      1f
        movq    UC_RDX(%rdx), %rcx
        cmpq    $61, %rax               /* wait4: without WNOHANG in its third argument */
        je      2f
        movq    UC_R10(%rdx), %rcx
        cmpq    $247, %rax              /* waitid: in its fourth */
        je      2f
        jmp     9f
1:      cmpq    $0, UC_R10(%rdx)
        jne     9f
        movl    UC_RSI(%rdx), %ecx
        andl    $0x7f, %ecx             /* without FUTEX_PRIVATE_FLAG and FUTEX_CLOCK_REALTIME */
        jz      3f
        cmpl    $9, %ecx
        je      3f
        jmp     9f
2:      testb   $1, %cl
        jnz     9f
3:      movq    UC_RIP(%rdx), %rcx
        cmpw    $0x050f, (%rcx)         /* syscall */
        jne     9f
        addq    $2, UC_RIP(%rdx)
        movq    $-EINTR, UC_RAX(%rdx)
9:      leaq    stub_handlers(%rip), %rcx
        movl    %edi, %eax
        jmpq    *(%rcx,%rax,8)
        .size   signal_enter, . - signal_enter

        .section .note.GNU-stack, "", @progbits
