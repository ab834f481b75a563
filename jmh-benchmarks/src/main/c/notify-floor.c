/*
 * The floor of the mechanism: a supervisor in C that answers getuid(2) by user notification and does nothing else.
 *
 *   notify-floor CMD...   runs a command whose getuid traps here
 *
 * Everything as Redoubt has it: flags of the filter, the synchronous wake-up, one thread in RECV.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

static void must(int good, const char *what)
{
    if (!good) {
        fprintf(stderr, "notify-floor: %s: %s\n", what, strerror(errno));
        exit(1);
    }
}

static int load_filter(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getuid, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof code / sizeof *code, code};
    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                        SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV |
                            SECCOMP_FILTER_FLAG_SPEC_ALLOW,
                        &program);
}

static void on_child(int signal)
{
    (void)signal; /* only ends RECV */
}

int main(int argc, char **argv)
{
    must(argc > 1, "usage: notify-floor CMD...");
    _Atomic int *listener = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    must(listener != MAP_FAILED, "mmap");
    sigaction(SIGCHLD, &(struct sigaction){.sa_handler = on_child}, NULL);
    pid_t pid = fork();
    must(pid >= 0, "fork");
    if (pid == 0) {
        int fd = load_filter();
        must(fd >= 0, "seccomp");
        listener[0] = fd;
        while (!listener[1])
            usleep(1000);
        close(fd);
        execvp(argv[1], argv + 1);
        _exit(127);
    }
    int status;
    while (!listener[0]) {
        usleep(1000);
        if (waitpid(pid, &status, WNOHANG) == pid)
            return 1;
    }
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    int fd = (int)syscall(SYS_pidfd_getfd, pidfd, listener[0], 0);
    must(fd >= 0, "pidfd_getfd");
    must(ioctl(fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) == 0 || errno == EINVAL, "flags");
    listener[1] = 1;
    for (;;) {
        struct seccomp_notif request;
        memset(&request, 0, sizeof request);
        if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &request)) {
            if (waitpid(pid, &status, WNOHANG) == pid)
                return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
            continue;
        }
        struct seccomp_notif_resp response = {.id = request.id};
        ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &response);
    }
}
