/*
 * check: one line a feature. Each is tried, not concluded from a version, where trying it leaves nothing behind. What a sandbox cannot
 * be without is "no", with what to do; what only some need, or what makes it faster, is "--".
 */
#include "check.h"

#include "guest.h"
#include "jvm.h"
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static bool is_complete = true;

static void line(const char *mark, const char *feature, const char *format, va_list more)
{
    printf("%-3s %-*s", mark, *format ? 32 : 0, feature);
    vprintf(format, more);
    printf("\n");
    fflush(stdout);
}

static void yes(const char *feature, const char *format, ...)
{
    va_list more;
    va_start(more, format);
    line("ok", feature, format, more);
    va_end(more);
}

static void no(const char *feature, const char *format, ...)
{
    va_list more;
    va_start(more, format);
    line("no", feature, format, more);
    va_end(more);
    is_complete = false;
}

static void without(const char *feature, const char *format, ...)
{
    va_list more;
    va_start(more, format);
    line("--", feature, format, more);
    va_end(more);
}

/* The number in a file, or otherwise. */
static long number_in(const char *path, long otherwise)
{
    char text[32];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return otherwise;
    text[n] = 0;
    return strtol(text, NULL, 10);
}

/* --------------------------------------------------------------------------------------------------------------- kernel */

static void kernel(void)
{
    struct utsname name;
    int major = 0, minor = 0;
    uname(&name);
    sscanf(name.release, "%d.%d", &major, &minor);

    uint32_t notify = SECCOMP_RET_USER_NOTIF;
    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, GUEST_FILTER_FLAGS, NULL);
    if (errno == EFAULT)
        yes("seccomp user notification", "Linux %s", name.release);
    else if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &notify))
        no("seccomp user notification", "%s: a container around redoubt must allow seccomp(2), else Linux 5.19 or newer is needed", strerror(errno));
    else
        no("seccomp user notification", "Linux %s has no WAIT_KILLABLE_RECV: boot 5.19 or newer", name.release);

    if (major > 6 || (major == 6 && minor >= 6))
        yes("wake-up on the same CPU", "a call takes the fast way");
    else
        without("wake-up on the same CPU", "each call takes some 40 us more: boot Linux 6.6 or newer");

    long landlock = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (landlock >= 2)
        yes("landlock", "version %ld: the gofer opens files in the trees that it is given, and no others", landlock);
    else
        without("landlock", "%s: a user's gofer can open what that user can. %s", landlock < 0 ? strerror(errno) : "too old",
                landlock < 0 && errno == EOPNOTSUPP ? "Boot with landlock in lsm=" : "Boot Linux 5.19 or newer, built with CONFIG_SECURITY_LANDLOCK");

    long scope = number_in("/proc/sys/kernel/yama/ptrace_scope", 0);
    if (scope < 3)
        yes("ptrace of a guest", "yama.ptrace_scope is %ld", scope);
    else
        no("ptrace of a guest", "kernel.yama.ptrace_scope is 3, which lasts until a boot: set it to 1 or 2 in /etc/sysctl.d and boot");

    int fd = (int)syscall(SYS_memfd_create, "redoubt-check", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    struct stat status;
    if (fd >= 0 && fstat(fd, &status) == 0 && (status.st_mode & S_IXUSR))
        yes("programs in memory", "memfd_create(2)");
    else
        no("programs in memory", "a memfd cannot be executed: sysctl -w vm.memfd_noexec=0");
    if (fd >= 0)
        close(fd);
}

/* ----------------------------------------------------------------------------------------------------------- namespaces */

/* 0 or the errno with which a clone with these flags fails. */
static int try_namespaces(unsigned long flags)
{
    long pid = syscall(SYS_clone, flags | SIGCHLD, NULL, NULL, NULL, 0);
    if (pid == 0)
        _exit(0);
    if (pid < 0)
        return errno;
    waitpid((pid_t)pid, NULL, __WALL);
    return 0;
}

static void namespaces(void)
{
    static const struct {
        const char *name;
        unsigned long flag;
    } all[] = {{"pid namespaces", CLONE_NEWPID},     {"mount namespaces", CLONE_NEWNS}, {"network namespaces", CLONE_NEWNET},
               {"ipc namespaces", CLONE_NEWIPC},     {"uts namespaces", CLONE_NEWUTS},  {"cgroup namespaces", CLONE_NEWCGROUP}};
    int error = try_namespaces(CLONE_NEWUSER);
    if (error) {
        no("user namespaces", "%s. %s", strerror(error), namespace_advice(error));
        return;
    }
    yes("user namespaces", "");
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        error = try_namespaces(CLONE_NEWUSER | all[i].flag);
        if (error == EINVAL)
            no(all[i].name, "this kernel was built without them: boot a distribution's kernel");
        else if (error)
            no(all[i].name, "%s. %s", strerror(error), namespace_advice(error));
        else
            yes(all[i].name, "");
    }
}

/* -------------------------------------------------------------------------------------------------------- control groups */

static void control_groups(void)
{
    bool is_unified = access("/sys/fs/cgroup/cgroup.controllers", R_OK) == 0;
    bool has_v1 = access("/sys/fs/cgroup/memory/cgroup.procs", R_OK) == 0;
    const char *version = is_unified ? "version 2" : has_v1 ? "version 1 or hybrid" : NULL;
    if (!version)
        without("control groups", "nothing at /sys/fs/cgroup: containers have no limits. mount -t cgroup2 cgroup2 /sys/fs/cgroup");
    else if (access(is_unified ? "/sys/fs/cgroup/cgroup.procs" : "/sys/fs/cgroup/memory/cgroup.procs", W_OK) == 0)
        yes("control groups", "%s", version);
    else
        without("control groups", "%s, not writable for this user: containers have no limits of their own unless systemd delegates (Delegate=yes)", version);
}

/* ----------------------------------------------------------------------------------------------------------- installation */

/* Runs a program to its end, at most 30 s, with its output to nowhere. Its exit code, or -1. */
static int run(char **words)
{
    int status = -1;
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR | O_CLOEXEC);
        for (int i = 0; i < 3; i++)
            dup2(null, i);
        for (const char *const *name = (const char *const[]){"JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", NULL}; *name; name++)
            unsetenv(*name);
        alarm(30); /* kept by execve */
        execv(words[0], words);
        _exit(127);
    }
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return pid > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool installation(void)
{
    if (!jvm_find()) {
        no("installation", "incomplete: run ./redoubt install again");
        return false;
    }
    yes("installation", "%s", jvm_home());
    static const char *const names[] = {"sentry", "gofer"};
    for (int i = 0; i < 2; i++) {
        char feature[64], **words = jvm_cache_check(names[i]);
        snprintf(feature, sizeof feature, "start-up cache of the %s", names[i]);
        if (words && run(words) == 0)
            yes(feature, "");
        else
            without(feature, "%s: a start takes twice as long. Run ./redoubt install again, on this machine", words ? "not usable" : "not there");
    }
    return true;
}

static void sandbox(void)
{
    struct timespec begin, end;
    char self[] = "/proc/self/exe", path[4096], verb[] = "do", dashes[] = "--", program[] = "/bin/sh", option[] = "-c", nothing[] = ":";
    ssize_t length = readlink(self, path, sizeof path - 1);
    path[length < 0 ? 0 : length] = 0;
    char *words[] = {path, verb, dashes, program, option, nothing, NULL};
    clock_gettime(CLOCK_MONOTONIC, &begin);
    int code = run(words);
    clock_gettime(CLOCK_MONOTONIC, &end);
    long millis = (end.tv_sec - begin.tv_sec) * 1000 + (end.tv_nsec - begin.tv_nsec) / 1000000;
    if (code == 0)
        yes("a sandbox", "a shell in one took %ld ms from start to end", millis);
    else
        no("a sandbox", "it did not run: redoubt do -- /bin/sh -c : says why");
}

int check_main(int argc, char **argv)
{
    if (argc > 1) {
        bool asks = strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0;
        fprintf(asks ? stdout : stderr,
                "Usage: redoubt check\n\nSays whether this machine can run sandboxes. ok: it is there; no: it is not, and what to do; --: not there, and\n"
                "not needed. The exit code is 1 when a line says no.\n");
        return asks ? 0 : 1;
    }
    kernel();
    namespaces();
    control_groups();
    if (installation() && is_complete)
        sandbox();
    printf(is_complete ? "This machine can run sandboxes.\n" : "This machine cannot run sandboxes before each \"no\" is mended.\n");
    return is_complete ? 0 : 1;
}

_Noreturn void uninstall_main(char **argv)
{
    char script[4200], shell[] = "/bin/sh", *words[8] = {shell, script};
    snprintf(script, sizeof script, "%s/etc/uninstall.sh", jvm_home());
    int count = 2;
    for (char **word = argv + 1; *word && count < 7; word++)
        words[count++] = *word;
    execv(shell, words);
    fprintf(stderr, "redoubt: cannot start %s: %s\n", script, strerror(errno));
    exit(1);
}
