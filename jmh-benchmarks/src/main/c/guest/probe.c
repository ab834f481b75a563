/*
 * What a guest can reach: tries every system call number, each with a few sets of arguments and a mark in the sixth, so that
 * a watcher on the host (watch.c) sees which of them arrive in the host kernel. What the calls return does not matter.
 *
 * The harness runs it in namespaces of its own even where the runtime makes none: as root, sethostname(NULL, 0) succeeds.
 */
#include "bench.h"
#include "mark.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LAST = 470, VARIANTS = 4, PATIENCE_US = 40000 };

static long buffer[1024];

/* Where zeroes and nonsense would be refused by a filter that looks at arguments. */
static const struct {
    int number;
    long a, b, c, d, e;
} sensible[] = {
    {SYS_mmap, 0, 4096, 3, 0x22, -1},
    {SYS_futex, (long)buffer, 129, 1, 0, 0},
    {SYS_madvise, 0, 0, 4, 0, 0},
    {SYS_prctl, 3, 0, 0, 0, 0},
    {SYS_arch_prctl, 0x1003, (long)buffer, 0, 0, 0},
    {SYS_clock_gettime, 1, (long)buffer, 0, 0, 0},
    {SYS_clock_nanosleep, 1, 0, (long)buffer, 0, 0},
    {SYS_clone, SIGCHLD, 0, 0, 0, 0},
    {SYS_mremap, 0, 4096, 4096, 1, 0},
    {SYS_rt_sigaction, SIGUSR1, 0, (long)buffer, 8, 0},
    {SYS_rt_sigprocmask, 0, 0, (long)buffer, 8, 0},
    {SYS_membarrier, 0, 0, 0, 0, 0},
    {SYS_getrandom, (long)buffer, 8, 0, 0, 0},
    {SYS_set_robust_list, (long)buffer, 24, 0, 0, 0},
    {SYS_socket, 1, 1, 0, 0, 0},
};

static void attempt(int number, int variant)
{
    long a = 0, b = 0, c = 0, d = 0, e = 0;
    if (variant == 0)
        a = b = c = d = e = -1;
    if (variant == 2)
        a = (long)buffer, b = 4096, c = 3, d = 0x22, e = -1;
    if (variant == 3)
        for (size_t i = 0; i < sizeof sensible / sizeof *sensible; i++)
            if (sensible[i].number == number)
                a = sensible[i].a, b = sensible[i].b, c = sensible[i].c, d = sensible[i].d, e = sensible[i].e;
    /* With zeroes these succeed and change the machine: a loaded crash kernel goes, process accounting ends. */
    if ((number == SYS_kexec_load || number == SYS_acct) && a == 0)
        return;
    syscall(number, a, b, c, d, e, MARK);
}

/* A child for each number, and a next one from the next variant on if a call ended it (exit) or did not return (pause). */
static void try(int number)
{
    for (int variant = 0; variant < VARIANTS;) {
        int status, ends[2];
        if (pipe(ends))
            return;
        pid_t pid = fork();
        if (pid < 0)
            return;
        if (pid == 0) {
            setpgid(0, 0);
            close(ends[0]);
            for (int v = variant; v < VARIANTS; v++) {
                char c = (char)v;
                if (write(ends[1], &c, 1) != 1)
                    _exit(1);
                attempt(number, v);
            }
            _exit(0);
        }
        close(ends[1]);
        for (int waited = 0; waitpid(pid, &status, WNOHANG) == 0; waited += 500) {
            usleep(500);
            if (waited > PATIENCE_US) {
                kill(-pid, SIGKILL);
                kill(pid, SIGKILL);
            }
        }
        kill(-pid, SIGKILL); /* what a probed clone made */
        char c;
        int last = variant;
        fcntl(ends[0], F_SETFL, O_NONBLOCK);
        while (read(ends[0], &c, 1) == 1)
            last = c;
        close(ends[0]);
        variant = last + 1;
    }
}

/*
 * Descriptor 0 as a pipe at its end. With zeroes as arguments fchmod, fchown, ftruncate and others change what stands
 * there, and that can be a device file of the host.
 */
static int plain_input(void)
{
    int ends[2];
    if (pipe(ends) || dup2(ends[0], 0))
        return -1;
    if (ends[0] != 0)
        close(ends[0]);
    return close(ends[1]);
}

/* probe [FIRST [LAST]] */
int probe_main(int argc, char **argv)
{
    int first = argc > 0 ? atoi(argv[0]) : 0, last = argc > 1 ? atoi(argv[1]) : LAST;
    if (plain_input()) {
        perror("a pipe as standard input");
        return 1;
    }
    signal(SIGTTOU, SIG_IGN);
    for (int number = first; number <= last; number++)
        try(number);
    printf("%d\n", last - first + 1);
    return 0;
}

/* mark CMD...: makes marked calls that cost nothing, and executes. By them the watcher knows a guest from its runtime. */
int mark_main(char **argv)
{
    syscall(SYS_getppid, 0, 0, 0, 0, 0, MARK);
    syscall(SYS_sched_yield, 0, 0, 0, 0, 0, MARK);
    syscall(SYS_gettid, 0, 0, 0, 0, 0, MARK);
    execvp(argv[0], argv);
    perror(argv[0]);
    return 127;
}

static long found;

static int count_file(const char *path, const struct stat *s, int type, struct FTW *where)
{
    (void)path, (void)s, (void)where;
    found += type == FTW_F;
    return 0;
}

static int count_device(const char *path, const struct stat *s, int type, struct FTW *where)
{
    (void)path, (void)where;
    found += type == FTW_F && (S_ISBLK(s->st_mode) || S_ISCHR(s->st_mode));
    return 0;
}

static int count_writable(const char *path, const struct stat *s, int type, struct FTW *where)
{
    (void)s, (void)where;
    int fd = type == FTW_F ? open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC) : -1;
    if (fd >= 0)
        close(fd);
    found += fd >= 0;
    return 0;
}

static long count(const char *path, int (*what)(const char *, const struct stat *, int, struct FTW *))
{
    found = 0;
    nftw(path, what, 16, FTW_PHYS);
    return found;
}

/* What of the host and its kernel can be seen, a line "NAME VALUE" each. */
int view_main(void)
{
    long processes = 0;
    DIR *proc = opendir("/proc");
    for (struct dirent *e; proc && (e = readdir(proc));)
        processes += e->d_name[0] >= '1' && e->d_name[0] <= '9';
    if (proc)
        closedir(proc);
    printf("processes %ld\n", processes);
    printf("devices %ld\n", count("/dev", count_device));
    printf("sysfs-files %ld\n", count("/sys", count_file));
    printf("sysctls-writable %ld\n", count("/proc/sys", count_writable));
    struct utsname name;
    uname(&name);
    printf("kernel %s\n", name.release);
    char line[256];
    FILE *status = fopen("/proc/self/status", "re");
    while (status && fgets(line, sizeof line, status))
        if (strncmp(line, "CapEff:", 7) == 0)
            printf("capabilities %d\n", __builtin_popcountll(strtoull(line + 7, NULL, 16)));
    if (status)
        fclose(status);
    return 0;
}
