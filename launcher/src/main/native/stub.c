/*
 * The stub: the only program that the host kernel ever executes for a guest.
 *
 * The guest's host root is empty, so its execve(2) is turned into an execveat(2) of a sealed memfd that holds this file. The
 * kernel tears the old image down with all that exec means; then this code asks the sentry what the guest really wanted, maps
 * the program and its interpreter as fs/binfmt_elf.c would have, rewrites argv and the auxiliary vector, and jumps.
 *
 * Freestanding and position independent; no libc, no writable data, everything lives on the stack that the kernel made. The
 * plan comes from the sentry, which is trusted by the guest's side. Errors after the point of no return are fatal in Linux as
 * well; here they are exit code 127.
 */
#include "ring.h"
#include "stub.h"

#include <asm/hwcap2.h>
#include <asm/unistd.h>
#include <linux/auxvec.h>
#include <linux/mman.h>
#include <linux/prctl.h>

#define PAGE 4096ul
#define PAGE_DOWN(x) ((x) & ~(PAGE - 1))
#define PAGE_UP(x) PAGE_DOWN((x) + PAGE - 1)

typedef unsigned long ulong;

_Noreturn void stub_enter(ulong entry, ulong *stack);
void signal_enter(void);
extern char stub_handlers[] __attribute__((visibility("hidden")));

static inline long call6(long number, long a, long b, long c, long d, long e, long f)
{
    register long r10 __asm__("r10") = d;
    register long r8 __asm__("r8") = e;
    register long r9 __asm__("r9") = f;
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return result;
}

static inline long call3(long number, long a, long b, long c)
{
    return call6(number, a, b, c, 0, 0, 0);
}

static _Noreturn void fail(void)
{
    for (;;)
        call3(__NR_exit_group, 127, 0, 0);
}

static int is_error(long result)
{
    return (ulong)result > -PAGE;
}

static void map(ulong address, ulong length, int prot, int flags, int fd, ulong offset)
{
    long got = call6(__NR_mmap, (long)address, (long)length, prot, flags, fd, (long)offset);
    if (is_error(got) || (ulong)got != address)
        fail();
}

/* Reserves the whole span, so that what is mapped later lands in one piece; returns what to add to the file's addresses. */
static ulong reserve(const struct stub_object *object)
{
    if (object->is_fixed) {
        map(object->min_vaddr, object->span, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1,
            0);
        return 0;
    }
    /* A p_align above a page is a promise that the program's own aligned objects rely on: take more, give the ends back. */
    ulong align = object->align_log2 > 12 && object->align_log2 < 40 ? 1ul << object->align_log2 : PAGE;
    ulong want = object->span + (align - PAGE);
    long got = call6(__NR_mmap, 0, (long)want, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (is_error(got))
        fail();
    /* The bias itself must be a multiple of the alignment: min_vaddr need not be. */
    ulong bias = ((ulong)got - object->min_vaddr + align - 1) & -align;
    ulong start = bias + object->min_vaddr, end = start + object->span;
    if (start > (ulong)got)
        call3(__NR_munmap, got, (long)(start - (ulong)got), 0);
    if (end < (ulong)got + want)
        call3(__NR_munmap, (long)end, (long)((ulong)got + want - end), 0);
    return bias;
}

/* What lies behind the file's part of a segment: the rest of its last page, then whole pages. As elf_load() in fs/binfmt_elf.c. */
static void map_bss(const struct stub_segment *segment, ulong bias)
{
    if (segment->memsz == segment->filesz)
        return; /* what the file has behind it in the page stays */
    ulong file_end = bias + segment->vaddr + segment->filesz;
    ulong end = PAGE_UP(bias + segment->vaddr + segment->memsz);
    ulong anonymous = segment->filesz ? PAGE_UP(file_end) : PAGE_DOWN(bias + segment->vaddr);
    if (segment->filesz && (segment->prot & PROT_WRITE)) {
        volatile char *byte = (char *)file_end;
        while ((ulong)byte < anonymous)
            *byte++ = 0;
    }
    /* vm_brk_flags(): they can be written whatever the segment says, which shows where they reach further than the next one. */
    if (end > anonymous)
        map(anonymous, end - anonymous, PROT_READ | PROT_WRITE | ((int)segment->prot & PROT_EXEC),
            MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS, -1, 0);
}

/* True if one mmap can bring both in: in order, same distance between file and memory, no bss and no hole between them. */
static int continues(const struct stub_segment *first, const struct stub_segment *next)
{
    return next->filesz != 0 && next->vaddr >= first->vaddr + first->filesz && first->memsz == first->filesz && next->vaddr - next->offset == first->vaddr - first->offset &&
           PAGE_DOWN(next->vaddr) <= PAGE_UP(first->vaddr + first->filesz);
}

/*
 * Every mmap of a file traps to the sentry, mprotect does not. Linkers put the segments of a file one behind the other, so a
 * run of them is mapped by one call and the protections are set afterwards: two traps for a usual object, not four.
 */
static void load_window(const struct stub_object *object, uint32_t count, ulong bias)
{
    const struct stub_segment *segment = object->segment;
    for (uint32_t i = 0; i < count;) {
        uint32_t last = i;
        while (segment[i].filesz && last + 1 < count && continues(&segment[last], &segment[last + 1]))
            last++;
        if (segment[i].filesz) {
            ulong start = PAGE_DOWN(segment[i].vaddr);
            ulong end = PAGE_UP(segment[last].vaddr + segment[last].filesz);
            map(bias + start, end - start, (int)segment[i].prot, MAP_PRIVATE | MAP_FIXED, object->fd,
                PAGE_DOWN(segment[i].offset));
            for (uint32_t k = i + 1; k <= last; k++) {
                ulong from = PAGE_DOWN(segment[k].vaddr), to = PAGE_UP(segment[k].vaddr + segment[k].filesz);
                if (call3(__NR_mprotect, (long)(bias + from), (long)(to - from), (long)segment[k].prot))
                    fail();
            }
        }
        map_bss(&segment[last], bias);
        i = last + 1;
    }
}

/* Programs have four or five segments, and who has more than a plan has room for may have a thousand: they come by the window. */
static ulong load(struct stub_object *object, long number)
{
    ulong bias = reserve(object);
    uint32_t count = object->segment_count;
    for (uint32_t from = 0; from < count; from += STUB_WINDOW) {
        uint32_t here = count - from < STUB_WINDOW ? count - from : STUB_WINDOW;
        if (from && call6(STUB_CALL, STUB_SEGMENTS, number, from, (long)object->segment, 0, 0) != (long)(here * sizeof *object->segment))
            fail();
        load_window(object, here, bias);
    }
    call3(__NR_close, object->fd, 0, 0);
    return bias;
}

extern const char ring_image[] __attribute__((visibility("hidden"))), ring_image_end[] __attribute__((visibility("hidden")));

/*
 * Where rewritten call sites jump to (trampoline.S), at its fixed address. By calls that are native, so that it costs an exec
 * next to nothing. Without it the process has no ring tier: if the program is there already.
 */
static int bring_trampoline(void)
{
    long got = call6(__NR_mmap, RING_TEXT, 2 * PAGE, PROT_READ | PROT_WRITE,
        MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (got != RING_TEXT) {
        if (!is_error(got)) /* a kernel before 4.17 takes the address for a hint */
            call3(__NR_munmap, got, 2 * PAGE, 0);
        return 0;
    }
    char *to = (char *)RING_TEXT;
    for (const char *from = ring_image; from < ring_image_end; from++)
        *to++ = *from;
    if (call3(__NR_mprotect, RING_TEXT, PAGE, PROT_READ | PROT_EXEC) ||
        call3(__NR_madvise, RING_DATA, PAGE, MADV_WIPEONFORK)) {
        call3(__NR_munmap, RING_TEXT, 2 * PAGE, 0);
        return 0;
    }
    return 1;
}

static ulong length(const char *string)
{
    ulong n = 0;
    while (string[n])
        n++;
    return n;
}

/* The values that the kernel took from the stub's own ELF header and the host's credentials, and that must be the guest's. */
static ulong auxv_value(const struct stub_plan *plan, ulong type, ulong value, ulong bias, ulong base, ulong execfn)
{
    switch (type) {
    case AT_PHDR:
        return bias + plan->phdr;
    case AT_PHENT:
        return plan->phent;
    case AT_PHNUM:
        return plan->phnum;
    case AT_ENTRY:
        return bias + plan->entry;
    case AT_BASE:
        return base;
    case AT_EXECFN:
        return execfn;
    case AT_UID:
        return plan->uid;
    case AT_EUID:
        return plan->euid;
    case AT_GID:
        return plan->gid;
    case AT_EGID:
        return plan->egid;
    case AT_SECURE:
        return plan->secure;
    default:
        return value;
    }
}

__attribute__((used)) _Noreturn void stub_main(ulong *kernel_stack)
{
    union {
        struct stub_plan plan;
        char bytes[STUB_BUFFER];
    } buffer;
    struct stub_plan *plan = &buffer.plan;

    long got = call6(STUB_CALL, STUB_LOAD, (long)&buffer, sizeof buffer, (long)signal_enter, (long)stub_handlers, 0);
    if (is_error(got) || (ulong)got < sizeof *plan || (ulong)got > sizeof buffer || plan->magic != STUB_MAGIC ||
        plan->object_count < 1 || plan->object_count > 2 || plan->strings_offset > (ulong)got ||
        plan->strings_length > (ulong)got - plan->strings_offset)
        fail();

    ulong bias = load(&plan->object[0], 0);
    ulong base = 0, entry = bias + plan->entry;
    if (plan->object_count == 2) {
        base = load(&plan->object[1], 1);
        entry = base + plan->object[1].entry;
    }

    /* argc, argv, 0, envp, 0, auxv: as the kernel left them. */
    ulong argc = kernel_stack[0];
    ulong *argv = kernel_stack + 1, *envp = argv + argc + 1, *auxv = envp;
    while (*auxv++)
        ;
    ulong aux_words = 0;
    while (auxv[aux_words] != AT_NULL)
        aux_words += 2;
    aux_words += 2;
    ulong env_words = (ulong)(auxv - envp);
    ulong drop = plan->argv_drop < argc ? plan->argv_drop : argc;
    ulong new_argc = plan->argv_prefix + argc - drop;

    /* The new image goes below this frame; nothing above it is freed, the old strings up there stay in use. */
    ulong words = 1 + new_argc + 1 + env_words + aux_words;
    ulong size = (words * sizeof(ulong) + plan->strings_length + 15) & ~15ul;
    ulong *stack = (ulong *)(((ulong)__builtin_alloca(size + 32) + 15) & ~15ul);

    char *strings = (char *)(stack + words);
    const char *from = buffer.bytes + plan->strings_offset;
    for (ulong i = 0; i < plan->strings_length; i++)
        strings[i] = from[i];

    ulong *out = stack;
    char *string = strings;
    *out++ = new_argc;
    string += length(string) + 1; /* past execfn */
    for (uint32_t i = 0; i < plan->argv_prefix; i++) {
        *out++ = (ulong)string;
        string += length(string) + 1;
    }
    for (ulong i = drop; i < argc; i++)
        *out++ = argv[i];
    *out++ = 0;
    for (ulong i = 0; i < env_words; i++)
        *out++ = envp[i];
    for (ulong i = 0; i < aux_words; i += 2) {
        *out++ = auxv[i];
        *out++ = auxv_value(plan, auxv[i], auxv[i + 1], bias, base, (ulong)strings);
    }

    if (*string)
        call6(__NR_prctl, PR_SET_NAME, (long)string, 0, 0, STUB_MARK, 0);
    int has_trampoline = plan->flags & STUB_RING ? bring_trampoline() : 0;
    call3(STUB_CALL, STUB_DONE, has_trampoline, 0);
    stub_enter(entry, stack);
}
