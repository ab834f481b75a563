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

        .section .note.GNU-stack, "", @progbits
