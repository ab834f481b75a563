/*
 * Files: in the working directory ("file"), in /dev/shm ("tmpfs"), and the devices null and zero. Reads are of what is in the
 * page cache. What is made here is removed by each benchmark's clean.
 */
#include "bench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { FILE_BYTES = 16 << 20, MIB = 1 << 20, ENTRIES = 1000 };

static const char *const NAME = "bench-file", *const OTHER = "bench-other", *const DIRECTORY = "bench-directory";
static const char *const SHARED_MEMORY = "/dev/shm/bench-file";
static char buffer[MIB];
static int fd = -1;

/* Makes and opens a file with 16 MiB in it. */
static void open_full(const char *path)
{
    fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    must(fd >= 0, "open");
    memset(buffer, 'x', sizeof buffer);
    for (int i = 0; i < FILE_BYTES / MIB; i++)
        must(write(fd, buffer, MIB) == MIB, "write");
    must(lseek(fd, 0, SEEK_SET) == 0, "lseek");
}

static void open_device(const char *path, int how)
{
    fd = open(path, how | O_CLOEXEC);
    must(fd >= 0, "open");
}

static void on_file(long size) { (void)size, open_full(NAME); }
static void on_tmpfs(long size) { (void)size, open_full(SHARED_MEMORY); }
static void on_zero(long size) { (void)size, open_device("/dev/zero", O_RDONLY); }
static void on_null(long size) { (void)size, open_device("/dev/null", O_WRONLY); }

static void clean(void)
{
    if (fd >= 0)
        close(fd);
    fd = -1;
    unlink(NAME);
    unlink(OTHER);
    unlink(SHARED_MEMORY);
}

static int64_t reads(long n, long size)
{
    while (n-- > 0) {
        ssize_t got = read(fd, buffer, (size_t)size);
        if (got == size)
            continue;
        must(got >= 0 && lseek(fd, 0, SEEK_SET) == 0, "read"); /* the end: begin again */
    }
    return 0;
}

static int64_t preads(long n, long size)
{
    while (n-- > 0)
        must(pread(fd, buffer, (size_t)size, 4096) == size, "pread");
    return 0;
}

/* Over the same bytes again, so that no run grows the file. */
static int64_t writes(long n, long size)
{
    for (long left = FILE_BYTES / size; n-- > 0; left--) {
        if (left == 0) {
            must(lseek(fd, 0, SEEK_SET) == 0, "lseek");
            left = FILE_BYTES / size;
        }
        must(write(fd, buffer, (size_t)size) == size, "write");
    }
    must(lseek(fd, 0, SEEK_SET) == 0, "lseek");
    return 0;
}

static int64_t device_writes(long n, long size)
{
    while (n-- > 0)
        must(write(fd, buffer, (size_t)size) == size, "write");
    return 0;
}

static int64_t read_syscall(long n, long size)
{
    while (n-- > 0)
        must(syscall(SYS_pread64, fd, buffer, size, 4096L) == size, "pread");
    return 0;
}

static int64_t lseeks(long n, long argument)
{
    (void)argument;
    while (n-- > 0)
        must(lseek(fd, n & 4095, SEEK_SET) >= 0, "lseek");
    return 0;
}

static int64_t open_close(long n, long argument)
{
    (void)argument;
    while (n-- > 0) {
        int other = open(NAME, O_RDONLY);
        must(other >= 0, "open");
        close(other);
    }
    return 0;
}

static int64_t stats(long n, long argument)
{
    struct stat s;
    (void)argument;
    while (n-- > 0)
        must(stat(NAME, &s) == 0, "stat");
    return 0;
}

/* A deep path of the root file system, which all runtimes have. */
static int64_t stat_root(long n, long argument)
{
    struct stat s;
    (void)argument;
    while (n-- > 0)
        must(stat("/usr/include/linux/netfilter/ipset/../../../stdio.h", &s) == 0 || errno == ENOENT, "stat");
    return 0;
}

static int64_t fstats(long n, long argument)
{
    struct stat s;
    (void)argument;
    while (n-- > 0)
        must(fstat(fd, &s) == 0, "fstat");
    return 0;
}

static int64_t access_missing(long n, long argument)
{
    (void)argument;
    while (n-- > 0)
        must(access("no-such-name", F_OK) != 0, "access");
    return 0;
}

static int64_t create_unlink(long n, long argument)
{
    (void)argument;
    while (n-- > 0) {
        int other = open(OTHER, O_RDWR | O_CREAT | O_EXCL, 0600);
        must(other >= 0, "create");
        close(other);
        must(unlink(OTHER) == 0, "unlink");
    }
    return 0;
}

static int64_t renames(long n, long argument)
{
    (void)argument;
    while (n-- > 0) {
        must(rename(NAME, OTHER) == 0, "rename");
        must(rename(OTHER, NAME) == 0, "rename");
    }
    return 0;
}

static void fill_directory(long argument)
{
    char path[64];
    (void)argument;
    must(mkdir(DIRECTORY, 0700) == 0 || errno == EEXIST, "mkdir");
    for (int i = 0; i < ENTRIES; i++) {
        snprintf(path, sizeof path, "%s/entry-%d", DIRECTORY, i);
        int other = open(path, O_WRONLY | O_CREAT, 0600);
        must(other >= 0, "create");
        close(other);
    }
}

static int64_t getdents(long n, long argument)
{
    (void)argument;
    while (n-- > 0) {
        int entries = 0;
        DIR *d = opendir(DIRECTORY);
        must(d != NULL, "opendir");
        while (readdir(d))
            entries++;
        closedir(d);
        must(entries >= ENTRIES, "readdir");
    }
    return 0;
}

static void empty_directory(void)
{
    char path[64];
    for (int i = 0; i < ENTRIES; i++) {
        snprintf(path, sizeof path, "%s/entry-%d", DIRECTORY, i);
        unlink(path);
    }
    rmdir(DIRECTORY);
}

#define SIZES(name, prepare, run)                                                                                  \
    {name ".1", prepare, run, clean, 1}, {name ".4k", prepare, run, clean, 4096},                                  \
        {name ".64k", prepare, run, clean, 65536}, {name ".1m", prepare, run, clean, MIB}

const struct benchmark file_benchmarks[] = {
    {"open-close", on_file, open_close, clean, 0},
    {"stat", on_file, stats, clean, 0},
    {"stat.root", NULL, stat_root, NULL, 0},
    {"fstat", on_file, fstats, clean, 0},
    {"access.missing", NULL, access_missing, NULL, 0},
    {"lseek", on_file, lseeks, clean, 0},
    {"getdents.1000", fill_directory, getdents, empty_directory, 0},
    {"create-unlink", NULL, create_unlink, clean, 0},
    {"rename.twice", on_file, renames, clean, 0},
    SIZES("read.file", on_file, reads),
    SIZES("read.tmpfs", on_tmpfs, reads),
    SIZES("read.zero", on_zero, reads),
    SIZES("pread.file", on_file, preads),
    SIZES("pread.tmpfs", on_tmpfs, preads),
    {"pread.file.1.syscall", on_file, read_syscall, clean, 1},
    SIZES("write.file", on_file, writes),
    SIZES("write.tmpfs", on_tmpfs, writes),
    SIZES("write.null", on_null, device_writes),
    {NULL, NULL, NULL, NULL, 0},
};
