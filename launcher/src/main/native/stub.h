/*
 * What the sentry and the stub say to each other while a program is being loaded.
 *
 * The same layout is written by io.redoubt.sentry.mm; the asserts below pin every offset, so that neither side can move
 * alone. All numbers are little endian, addresses are as in the ELF file ("unbiased") unless said otherwise.
 */
#ifndef REDOUBT_STUB_H
#define REDOUBT_STUB_H

#include <stddef.h>
#include <stdint.h>

/* A system call number that no kernel has. It always traps; the sentry honours it only for a task that is loading, or for its trampoline. */
#define STUB_CALL 29285

enum stub_op {
    STUB_LOAD = 1, /* rsi = buffer, rdx = its size; returns the length of the plan written there, or -errno. What stays of the stub:
                      r10 = signal_enter, r8 = the page for its table, 64 handlers by signal number, which is not mapped yet */
    STUB_DONE = 2, /* the program is about to get control: the task stops being one that is loading. rsi = 1 if the trampoline is there */
    STUB_SEGMENTS = 4, /* rsi = number of an object, rdx = of a segment, r10 = room for STUB_WINDOW of them: writes that and those behind it,
                          returns how many bytes */
    STUB_ATTACH = 3, /* of the trampoline (ring.h), at any time: an fd for the one mmap of a ring region that follows, or -errno */
    STUB_MAP = 5, /* of the trampoline, when it was told to map a file: an fd for the one mmap that follows, or -errno */
};

#define STUB_RING 1 /* in flags: bring the trampoline in */

#define STUB_MARK 0x72656462 /* by this the container's own filter knows a call of the stub: ContainerProfile */
#define STUB_MAGIC 0x54425452u /* "RTBT" */
#define STUB_BUFFER 16384
#define STUB_WINDOW 8

struct stub_segment {
    uint64_t vaddr;
    uint64_t memsz;
    uint64_t filesz;
    uint64_t offset;
    uint32_t prot; /* PROT_*, not PF_* */
    uint32_t reserved;
};

/* A program or an interpreter: one ELF file. */
struct stub_object {
    int32_t fd;
    uint32_t segment_count; /* of all, also where that is more than STUB_WINDOW */
    uint64_t min_vaddr; /* page aligned */
    uint64_t span;      /* page aligned; everything from min_vaddr on */
    uint32_t is_fixed;  /* ET_EXEC: goes exactly where it says */
    uint32_t align_log2; /* largest p_align of a PT_LOAD, for ET_DYN; 0 to 12 mean a page */
    uint64_t entry;
    struct stub_segment segment[STUB_WINDOW]; /* the first ones; more by STUB_SEGMENTS */
};

struct stub_plan {
    uint32_t magic;
    uint32_t object_count; /* 1: the program; 2: the program and its interpreter */
    uint64_t entry;        /* AT_ENTRY */
    uint64_t phdr;         /* AT_PHDR */
    uint64_t phent;        /* AT_PHENT */
    uint64_t phnum;        /* AT_PHNUM */
    uint32_t uid, euid, gid, egid, secure;
    uint32_t argv_prefix; /* how many strings go in front of the kernel's argv (the interpreter of a #! and so on) */
    uint32_t argv_drop;   /* how many of the kernel's argv go away first: 0 or 1 */
    uint32_t strings_offset;
    uint32_t strings_length; /* execfn NUL, argv_prefix strings each with NUL, comm NUL */
    uint32_t flags;
    struct stub_object object[2];
};

_Static_assert(sizeof(struct stub_segment) == 40, "segment");
_Static_assert(sizeof(struct stub_object) == 360, "object");
_Static_assert(offsetof(struct stub_object, segment) == 40, "segments");
_Static_assert(offsetof(struct stub_plan, uid) == 40, "credentials");
_Static_assert(offsetof(struct stub_plan, strings_offset) == 68, "strings");
_Static_assert(offsetof(struct stub_plan, object) == 80, "objects");
_Static_assert(sizeof(struct stub_plan) == 800, "plan");

#endif
