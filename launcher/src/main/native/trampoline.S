/*
 * What a rewritten call site jumps to. The stub copies the bytes between ring_image and ring_image_end to RING_TEXT in every
 * process; nothing here may depend on where it was linked.
 *
 * Entered with the registers of a system call, and rcx, which a system call destroys, at the site's own syscall instruction
 * (in its thunk, io.redoubt.sentry.ring.Thunk): a jump to it makes the real call, a jump behind it returns. Besides rcx only r11
 * is free, and the stack must not be touched: leaf functions keep data below it, and Go's stacks are tiny.
 *
 * Each step can be followed by a signal, whose handler may come here itself: it finds this thread's slot claimed and takes
 * another one, or none. A handler that never returns (longjmp) leaves the slot claimed, and so does a thread that is killed here. Who finds a
 * slot claimed by a call that was made with the stack pointer that it has itself knows that nobody will come back to that call: no
 * handler of its thread runs there while it is under way, and no other thread has that stack. It takes the slot over.
 */
#include "ring.h"

#if RING_SLOT_COUNT != 1 << RING_SLOT_BITS
#error "the hash below has as many values as there are slots"
#endif

#define FUTEX 202
#define CLOSE 3
#define MMAP 9
#define MUNMAP 11
#define MADVISE 28
#define STUB_CALL 0x7265
#define STUB_ATTACH 3
#define STUB_MAP 5
#define STUB_MARK 0x72656462
#define EAGAIN 11

        .section .rodata.ring, "a"
        .globl  ring_image, ring_image_end
        .balign 64
ring_image:
        .quad   0
        .quad   RING_CODE               /* RING_ENTER */
        .balign 64

/*
 * Claims the slot at r11 or jumps to `none`. SLOT_STACK is 0 from before a claim is given up until after the next one is there: a signal
 * in between must not find the stack pointer of the call before. A handler that leaves just there leaves a claim without one; then it is
 * SLOT_INTENT that says whose it is, which only who finds the slot free writes.
 */
        .macro  claim none
        cmpl    $0, SLOT_CLAIM(%r11)
        jne     91f
        movq    %rsp, SLOT_INTENT(%r11)
        lock btsl $0, SLOT_CLAIM(%r11)
        jnc     claimed
        movq    $0, SLOT_INTENT(%r11)           /* another thread was here first, and it is not ours */
        jmp     \none
91:     cmpq    %rsp, SLOT_STACK(%r11)
        je      92f
        cmpq    $0, SLOT_STACK(%r11)
        jne     \none
        cmpq    %rsp, SLOT_INTENT(%r11)
        jne     \none
92:     cmpl    $SLOT_FREE, SLOT_STATE(%r11)
        je      claimed
        cmpl    $SLOT_DONE, SLOT_STATE(%r11)
        jb      \none                           /* the sentry may have it still */
        movl    $SLOT_FREE, SLOT_STATE(%r11)
        jmp     claimed
        .endm

/*
 * Jumps to `none` unless \pointer is in memory that is there for good and, if \writes is 1, can be written; then r8 is how many
 * bytes of it follow. Changes edi.
 */
        .macro  room pointer, none, writes=0
        movl    RING_RANGES, %edi
97:     subl    $16, %edi
        js      \none
        cmpq    RING_RANGE(%rdi), \pointer
        jb      97b
        .if     \writes
        testb   $RING_RANGE_WRITABLE, RING_RANGE(%rdi)
        jz      97b
        .endif
        movq    RING_RANGE+8(%rdi), %r8
        subq    \pointer, %r8
        jbe     97b
        .endm

/* The arguments of the slot's call, as they were. */
        .macro  arguments
        movq    SLOT_ARGS(%r11), %rdi
        movq    SLOT_ARGS+8(%r11), %rsi
        movq    SLOT_ARGS+16(%r11), %rdx
        movq    SLOT_ARGS+24(%r11), %r10
        movq    SLOT_ARGS+32(%r11), %r8
        movq    SLOT_ARGS+40(%r11), %r9
        .endm

/* ---- RING_CODE ---- */
        cmpl    $0, RING_ATTACHED
        je      unattached
        cmpl    $0, RING_AWAKE
        je      real
        cmpl    $RING_NUMBERS, %eax
        jae     real
        btl     %eax, RING_SERVED
        jnc     real

        /*
         * A slot by where the stack is: another one for most threads, and mostly the same again. The highest bits of a
         * product, because stacks are often a power of two and a little apart. (%fs is not set yet when the dynamic linker
         * makes its calls, and many virtual machines do not have rdfsbase.)
         */
        movq    %rsp, %r11
        shrq    $16, %r11
        imull   $0x9e3779b1, %r11d, %r11d
        shrl    $(32 - RING_SLOT_BITS), %r11d
        shll    $RING_SLOT_SHIFT, %r11d
        addl    $RING_SLOTS, %r11d
        claim   beside
beside: xorl    $(1 << RING_SLOT_SHIFT), %r11d
        claim   real

claimed:
        movq    %rsp, SLOT_STACK(%r11)
        movq    %rcx, SLOT_LINK(%r11)
        cmpl    $0, SLOT_SEEN(%r11)
        je      first_use
publish:
        movl    %eax, SLOT_NR(%r11)
        movq    %rdi, SLOT_ARGS(%r11)
        movq    %rsi, SLOT_ARGS+8(%r11)
        movq    %rdx, SLOT_ARGS+16(%r11)
        movq    %r10, SLOT_ARGS+24(%r11)
        movq    %r8, SLOT_ARGS+32(%r11)
        movq    %r9, SLOT_ARGS+40(%r11)
        cmpl    $0, RING_RANGES
        jne     payload
plain:  movl    RING_SPINS, %ecx
        movl    $SLOT_CALLED, SLOT_STATE(%r11)  /* stores are seen in their order: the sentry finds all of it */

        /*
         * The sentry may go to sleep at any moment: it clears RING_AWAKE and then looks at all slots once more. Either it
         * finds this one there, or this loop sees the word cleared and takes the call back.
         */
spin:   cmpl    $SLOT_DONE, SLOT_STATE(%r11)
        jae     finished
        cmpl    $0, RING_AWAKE
        je      take_back
        pause
        movl    %ecx, SLOT_BEAT(%r11)           /* still here, and not in a handler that may not come back */
        decl    %ecx
        jg      spin

take_back:
        movl    $SLOT_CALLED, %eax
        xorl    %ecx, %ecx
        lock cmpxchgl %ecx, SLOT_STATE(%r11)
        je      not_taken
        cmpl    $SLOT_DONE, %eax
        jae     finished

        /* It is being served, so the poller has a CPU: look longer. Who sleeps is woken on the poller's CPU, in its way. */
        movl    RING_SPINS, %ecx
        shll    $3, %ecx
1:      cmpl    $SLOT_SERVING, SLOT_STATE(%r11)
        jne     finished
        pause
        decl    %ecx
        jg      1b

        /* That takes very long: sleep. The sentry wakes whom it finds WAITED. */
        movl    $SLOT_SERVING, %eax
        movl    $SLOT_WAITED, %ecx
        lock cmpxchgl %ecx, SLOT_STATE(%r11)
        je      sleep
        cmpl    $SLOT_WAITED, %eax
        jne     finished
sleep:  movq    %rdi, SLOT_SAVED(%r11)
        movq    %rsi, SLOT_SAVED+8(%r11)
        movq    %rdx, SLOT_SAVED+16(%r11)
        movq    %r10, SLOT_SAVED+24(%r11)
        leaq    SLOT_STATE(%r11), %rdi
        xorl    %esi, %esi              /* FUTEX_WAIT, not private: the sentry is another process */
        movl    $SLOT_WAITED, %edx
        xorl    %r10d, %r10d
again:  movl    $FUTEX, %eax
        syscall                         /* destroys rcx and r11 */
        cmpl    $SLOT_DONE, SLOT_STATE(%rdi)
        jb      again                   /* a signal, or for nothing */
        leaq    -SLOT_STATE(%rdi), %r11
        movq    SLOT_SAVED(%r11), %rdi
        movq    SLOT_SAVED+8(%r11), %rsi
        movq    SLOT_SAVED+16(%r11), %rdx
        movq    SLOT_SAVED+24(%r11), %r10

finished:
        movq    SLOT_LINK(%r11), %rcx
        cmpl    $SLOT_TRAP, SLOT_STATE(%r11)
        je      not_served
        ja      copy_out
done:   movq    SLOT_RESULT(%r11), %rax
        movl    $SLOT_FREE, SLOT_STATE(%r11)
        movq    $0, SLOT_STACK(%r11)
        movl    $0, SLOT_CLAIM(%r11)    /* last: from here on the slot is another's */
        addq    $2, %rcx                /* behind the syscall instruction */
        jmp     *%rcx

not_served:
        movl    $SLOT_FREE, SLOT_STATE(%r11)
not_taken:
        movq    SLOT_LINK(%r11), %rcx
        movzwl  SLOT_NR(%r11), %eax
        movq    $0, SLOT_STACK(%r11)
        movl    $0, SLOT_CLAIM(%r11)
real:   jmp     *%rcx

first_use:
        movl    $1, SLOT_SEEN(%r11)
        movl    %r11d, %ecx
        shrl    $RING_SLOT_SHIFT, %ecx
        andl    $(RING_SLOT_COUNT - 1), %ecx
        lock btsl %ecx, RING_USED
        jmp     publish

/*
 * Small things go with the call, where they lie in memory that cannot go away: a path, or what is written, is copied to the slot's
 * payload, and what comes back from there. The registers of the arguments are free meanwhile, since the slot has them. Whatever does
 * not fit the rules goes without: the sentry then reaches for it as it does for a trap.
 */
payload:
        movl    %eax, %eax
        cmpl    $KINDS, %eax
        jae     plain
        movzbl  RING_TEXT + kinds - ring_image(%rax), %ecx
        testl   %ecx, %ecx
        jz      plain
        cld
        movl    %r11d, %eax
        subl    $RING_SLOTS, %eax
        imull   $(RING_PAYLOAD_BYTES >> RING_SLOT_SHIFT), %eax, %eax
        addl    $RING_PAYLOADS, %eax
        movq    $0, PAYLOAD_IN(%rax)            /* and no PAYLOAD_ROOM */
        testb   $KIND_IN_SI, %cl
        jnz     written
        testb   $KIND_OTHER, %cl
        jnz     other
        movq    %rsi, %r9                       /* where something goes to, and how much there is room for */
        movq    %rdx, %r10
        testb   $KIND_OUT_SI, %cl
        jnz     out
        movl    $STAT_BYTES, %r10d
        testb   $KIND_STAT_DX, %cl
        cmovnz  %rdx, %r9
        testb   $(KIND_STAT_SI | KIND_STAT_DX), %cl
        jz      2f
out:    room    %r9, 2f, 1
        cmpq    %r8, %r10
        cmova   %r8, %r10
        movl    $0x7fffffff, %r8d
        cmpq    %r8, %r10
        cmova   %r8, %r10
        movl    %r10d, PAYLOAD_WHOLE(%rax)
        cmpl    $PAYLOAD_MAX, %r10d
        jbe     1f
        movl    $PAYLOAD_MAX, %r10d
1:      movl    %r10d, PAYLOAD_ROOM(%rax)
2:      testb   $(KIND_PATH_DI | KIND_PATH_SI), %cl
        jz      filled
        testb   $KIND_PATH_DI, %cl
        jz      1f
        movq    SLOT_ARGS(%r11), %rsi
1:      room    %rsi, filled
        cmpq    $PAYLOAD_MAX, %r8
        jbe     1f
        movl    $PAYLOAD_MAX, %r8d
1:      leaq    PAYLOAD_BYTES(%rax), %rdi
2:      movzbl  (%rsi), %ecx
        movb    %cl, (%rdi)
        incq    %rsi
        incq    %rdi
        testl   %ecx, %ecx
        jz      1f
        decl    %r8d
        jnz     2b
        jmp     filled                          /* no end in sight */
1:      subl    %eax, %edi
        subl    $PAYLOAD_BYTES, %edi
        movl    %edi, PAYLOAD_IN(%rax)
filled: cmpq    $0, PAYLOAD_IN(%rax)            /* or PAYLOAD_ROOM */
        je      emptied
flagged:
        orl     $SLOT_HAS_PAYLOAD, SLOT_NR(%r11)
emptied:
        arguments
        jmp     plain

written:
        cmpq    $RING_WRITABLE_FDS, %rdi
        jae     1f
        btl     %edi, RING_WRITABLE
        jc      whole
1:      cmpq    $PAYLOAD_MAX, %rdx
        ja      whole
        room    %rsi, emptied
        cmpq    %r8, %rdx
        ja      emptied
        movl    %edx, PAYLOAD_IN(%rax)
        movl    %edx, %ecx
        leaq    PAYLOAD_BYTES(%rax), %rdi
        rep movsb
        jmp     filled

/* The answer will be where to copy it to, or the sentry reaches for it: it may be much. */
whole:  room    %rsi, emptied
        cmpq    %r8, %rdx
        ja      emptied
        cmpq    $0x7fffffff, %rdx
        ja      emptied
        movl    %edx, PAYLOAD_WHOLE(%rax)
        jmp     flagged

other:  cmpb    $KIND_POLL, %cl
        je      polled
        movq    %rdi, %r9
        movq    %rsi, %r10
        cmpb    $KIND_GETCWD, %cl
        je      only
        movq    SLOT_ARGS+32(%r11), %r9
        movl    $STATX_BYTES, %r10d
        cmpb    $KIND_STATX, %cl
        movl    $KIND_PATH_SI, %ecx
        je      out
        movq    %rsi, %r9                       /* KIND_EVENTS */
        movl    %edx, %r10d
        imulq   $EVENT_BYTES, %r10, %r10
only:   xorl    %ecx, %ecx
        jmp     out

polled: cmpq    $(PAYLOAD_MAX / POLLFD_BYTES), %rsi
        ja      emptied
        movq    %rdi, %r9
        leal    (,%rsi,POLLFD_BYTES), %ecx
        room    %r9, emptied, 1
        cmpq    %r8, %rcx
        ja      emptied
        movl    %ecx, PAYLOAD_IN(%rax)
        movl    %ecx, PAYLOAD_ROOM(%rax)
        movq    %r9, %rsi
        leaq    PAYLOAD_BYTES(%rax), %rdi
        rep movsb
        jmp     filled

copy_out:
        movl    %r11d, %eax
        subl    $RING_SLOTS, %eax
        imull   $(RING_PAYLOAD_BYTES >> RING_SLOT_SHIFT), %eax, %eax
        addl    $RING_PAYLOADS, %eax
        cld
        movq    SLOT_ARGS+8(%r11), %rdi
        movzwl  SLOT_NR(%r11), %ecx
        movzbl  RING_TEXT + kinds - ring_image(%rcx), %ecx
        cmpl    $SLOT_DONE_WINDOW, SLOT_STATE(%r11)
        je      windowed
        ja      map
        testb   $KIND_STAT_DX, %cl
        cmovnz  SLOT_ARGS+16(%r11), %rdi
        cmpb    $KIND_POLL, %cl
        cmove   SLOT_ARGS(%r11), %rdi
        cmpb    $KIND_GETCWD, %cl
        cmove   SLOT_ARGS(%r11), %rdi
        cmpb    $KIND_STATX, %cl
        cmove   SLOT_ARGS+32(%r11), %rdi
        movl    PAYLOAD_OUT(%rax), %ecx
        leaq    PAYLOAD_BYTES(%rax), %rsi
copy:   rep movsb
        movq    SLOT_ARGS(%r11), %rdi
        movq    SLOT_ARGS+8(%r11), %rsi
        movq    SLOT_LINK(%r11), %rcx
        jmp     done

/*
 * What was read is in a mapping of the file, or what is written belongs there. The pages are there for as long as the slot is in this
 * state: who makes the file shorter looks at it.
 */
windowed:
        movq    PAYLOAD_WINDOW(%rax), %rsi
        testb   $KIND_IN_SI, %cl
        jz      1f
        xchgq   %rsi, %rdi
1:      movq    SLOT_RESULT(%r11), %rcx
        jmp     copy

/*
 * The file that is used so much is lent for a mapping: made here, and the call once more. All that the caller had in registers that
 * system calls may change is in the slot; where that is, in RING_MAPS: no other thread is told to map anything meanwhile. A handler that
 * leaves here leaves the process without further mappings.
 */
map:    movl    %r11d, RING_MAPS
        movl    $STUB_CALL, %eax
        movl    $STUB_MAP, %edi
        syscall
        movq    %rax, %r8
        testq   %rax, %rax
        js      mapped
        movl    RING_MAPS, %ecx
        subl    $RING_SLOTS, %ecx
        imull   $(RING_PAYLOAD_BYTES >> RING_SLOT_SHIFT), %ecx, %ecx
        addl    $RING_PAYLOADS, %ecx
        movq    PAYLOAD_MAPPING(%rcx), %rdi
        movq    PAYLOAD_MAPPING+8(%rcx), %rsi
        movq    PAYLOAD_MAPPING+16(%rcx), %rdx
        movq    PAYLOAD_MAPPING+24(%rcx), %r10
        xorl    %r9d, %r9d
        movl    $MMAP, %eax
        syscall
        movq    %rax, %r10
        testq   %rax, %rax
        js      1f                      /* what is there is the program's */
        movl    $MADVISE, %eax
        movl    $10, %edx               /* MADV_DONTFORK */
        syscall
1:      movl    $CLOSE, %eax
        movl    %r8d, %edi
        movl    $STUB_MARK, %esi
        syscall
        movq    %r10, %rax
mapped: movl    RING_MAPS, %r11d
        movq    %rax, RING_MAPPED       /* after RING_MAPS was read: now another thread may be told to map something */
        movl    $SLOT_FREE, SLOT_STATE(%r11)
        movzwl  SLOT_NR(%r11), %eax
        arguments
        jmp     publish

/* The process has no region: after some calls it asks for one. */
unattached:
        cmpl    $0, RING_BUSY
        jne     busy
        lock incl RING_COUNT
        cmpl    $RING_PATIENCE, RING_COUNT
        jl      real
        movl    $1, %r11d
        xchgl   %r11d, RING_BUSY
        testl   %r11d, %r11d
        jnz     busy
        movq    %rsp, RING_STACK
attach: movq    %rax, RING_SAVED
        movq    %rcx, RING_SAVED+8
        movq    %rdi, RING_SAVED+16
        movq    %rsi, RING_SAVED+24
        movq    %rdx, RING_SAVED+32
        movq    %r10, RING_SAVED+40
        movq    %r8, RING_SAVED+48
        movq    %r9, RING_SAVED+56
        testl   %r11d, %r11d
        jz      ask
        movl    $MUNMAP, %eax           /* what may be there was mapped by the attempt before */
        movl    $RING_REGION, %edi
        movl    $RING_REGION_BYTES, %esi
        syscall
ask:    movl    $STUB_CALL, %eax
        movl    $STUB_ATTACH, %edi
        syscall                         /* an fd that can be mapped once, or -errno */
        testq   %rax, %rax
        js      refused
        movq    %rax, %r8
        movl    $MMAP, %eax
        movl    $RING_REGION, %edi
        movl    $RING_REGION_BYTES, %esi
        movl    $3, %edx                /* PROT_READ | PROT_WRITE */
        movl    $0x100001, %r10d        /* MAP_SHARED | MAP_FIXED_NOREPLACE */
        xorl    %r9d, %r9d
        syscall
        movq    %rax, %r10
        movl    $CLOSE, %eax            /* what was planted for that mmap: nothing of the host's stays */
        movl    %r8d, %edi
        movl    $STUB_MARK, %esi
        syscall
        cmpq    $RING_REGION, %r10
        jne     attach_failed
        movl    $MADVISE, %eax
        movl    $RING_REGION, %edi
        movl    $RING_REGION_BYTES, %esi
        movl    $10, %edx               /* MADV_DONTFORK */
        syscall
        testq   %rax, %rax
        jnz     attach_failed
        movl    $1, RING_ATTACHED
        jmp     attach_failed
refused:
        cmpq    $-EAGAIN, %rax          /* not now: a child of vfork may be who asks */
        jne     attach_failed
        movl    $0, RING_COUNT
        movl    $0, RING_BUSY
attach_failed:
        movq    $0, RING_STACK
        movq    RING_SAVED, %rax
        movq    RING_SAVED+8, %rcx
        movq    RING_SAVED+16, %rdi
        movq    RING_SAVED+24, %rsi
        movq    RING_SAVED+32, %rdx
        movq    RING_SAVED+40, %r10
        movq    RING_SAVED+48, %r8
        movq    RING_SAVED+56, %r9
        jmp     real

/* Somebody asks, or has, in vain; or a handler has left who did, as `claim` has it, and then it is begun anew. */
busy:   cmpq    %rsp, RING_STACK
        jne     real
        movl    $1, %r11d
        jmp     attach

        .macro  kind number, what
        .org    kinds + \number
        .byte   \what
        .endm
kinds:  kind    0, KIND_OUT_SI                  /* read */
        kind    1, KIND_IN_SI                   /* write */
        kind    2, KIND_PATH_DI                 /* open */
        kind    4, (KIND_PATH_DI | KIND_STAT_SI) /* stat */
        kind    5, KIND_STAT_SI                 /* fstat */
        kind    6, (KIND_PATH_DI | KIND_STAT_SI) /* lstat */
        kind    7, KIND_POLL                    /* poll */
        kind    17, KIND_OUT_SI                 /* pread64 */
        kind    18, KIND_IN_SI                  /* pwrite64 */
        kind    21, KIND_PATH_DI                /* access */
        kind    44, KIND_IN_SI                  /* sendto */
        kind    45, KIND_OUT_SI                 /* recvfrom */
        kind    79, KIND_GETCWD                 /* getcwd */
        kind    82, KIND_PATH_DI                /* rename */
        kind    83, KIND_PATH_DI                /* mkdir */
        kind    84, KIND_PATH_DI                /* rmdir */
        kind    87, KIND_PATH_DI                /* unlink */
        kind    89, (KIND_PATH_DI | KIND_OUT_SI) /* readlink */
        kind    90, KIND_PATH_DI                /* chmod */
        kind    217, KIND_OUT_SI                /* getdents64 */
        kind    232, KIND_EVENTS                /* epoll_wait */
        kind    257, KIND_PATH_SI               /* openat */
        kind    258, KIND_PATH_SI               /* mkdirat */
        kind    260, KIND_PATH_SI               /* fchownat */
        kind    262, (KIND_PATH_SI | KIND_STAT_DX) /* newfstatat */
        kind    263, KIND_PATH_SI               /* unlinkat */
        kind    264, KIND_PATH_SI               /* renameat */
        kind    267, KIND_PATH_SI               /* readlinkat */
        kind    268, KIND_PATH_SI               /* fchmodat */
        kind    269, KIND_PATH_SI               /* faccessat */
        kind    280, KIND_PATH_SI               /* utimensat */
        kind    281, KIND_EVENTS                /* epoll_pwait */
        kind    316, KIND_PATH_SI               /* renameat2 */
        kind    332, KIND_STATX                 /* statx */
        kind    439, KIND_PATH_SI               /* faccessat2 */
        .org    kinds + KINDS
ring_image_end:
        .org    ring_image + (RING_THUNKS - RING_TEXT) /* an error if it is longer */

        .section .note.GNU-stack, "", @progbits
