/* Mappings and page faults. */
#include "bench.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, BLOCK = 64 * 1024, FAULTS = 1024 };

static const char *const NAME = "bench-mapped";
static int fd = -1;
static char *area = MAP_FAILED;
static volatile char sink;

static void touch(volatile char *p, long bytes, bool write)
{
    for (long i = 0; i < bytes; i += PAGE)
        if (write)
            p[i] = 1;
        else
            sink = p[i];
}

static int64_t anonymous(long n, long argument)
{
    (void)argument;
    while (n-- > 0) {
        char *p = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        must(p != MAP_FAILED, "mmap");
        touch(p, BLOCK, true);
        munmap(p, BLOCK);
    }
    return 0;
}

static void make_file(long argument)
{
    static const char zeroes[BLOCK];
    (void)argument;
    fd = open(NAME, O_RDWR | O_CREAT | O_TRUNC, 0600);
    must(fd >= 0, "open");
    must(write(fd, zeroes, BLOCK) == BLOCK, "write");
}

static int64_t file(long n, long argument)
{
    (void)argument;
    while (n-- > 0) {
        char *p = mmap(NULL, BLOCK, PROT_READ, MAP_PRIVATE, fd, 0);
        must(p != MAP_FAILED, "mmap");
        touch(p, BLOCK, false);
        munmap(p, BLOCK);
    }
    return 0;
}

static void map_area(long argument)
{
    (void)argument;
    area = mmap(NULL, FAULTS * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(area != MAP_FAILED, "mmap");
    madvise(area, FAULTS * PAGE, MADV_NOHUGEPAGE); /* a fault for each page; where it is refused the kernel's choice */
}

/* One operation is one fault; giving the pages back is a call for each 1,024 of them. */
static int64_t faults(long n, long argument)
{
    (void)argument;
    while (n > 0) {
        long some = n < FAULTS ? n : FAULTS;
        must(madvise(area, FAULTS * PAGE, MADV_DONTNEED) == 0, "madvise");
        touch(area, some * PAGE, true);
        n -= some;
    }
    return 0;
}

static int64_t protect(long n, long argument)
{
    (void)argument;
    for (; n > 0; n--)
        must(mprotect(area, PAGE, n & 1 ? PROT_READ : PROT_READ | PROT_WRITE) == 0, "mprotect");
    must(mprotect(area, PAGE, PROT_READ | PROT_WRITE) == 0, "mprotect");
    return 0;
}

static void clean(void)
{
    if (fd >= 0)
        close(fd);
    fd = -1;
    unlink(NAME);
    if (area != MAP_FAILED)
        munmap(area, FAULTS * PAGE);
    area = MAP_FAILED;
}

const struct benchmark memory_benchmarks[] = {
    {"mmap.anonymous", NULL, anonymous, NULL, 0}, {"mmap.file", make_file, file, clean, 0},
    {"page-fault", map_area, faults, clean, 0},   {"mprotect", map_area, protect, clean, 0},
    {NULL, NULL, NULL, NULL, 0},
};
