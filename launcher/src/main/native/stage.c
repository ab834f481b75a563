/*
 * The front's side of the stage: the clone, the id maps, the hand-over of the listener. What runs in the clone is in guest.c.
 */
#include "stage.h"

#include "guest.h"
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/nsfs.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STAGE_AREA (32ul << 20) /* address space only: pages appear as they are used */
#define STAGE_ARENA_START 4096ul

static uint32_t futex_read(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

void *stage_alloc(struct stage *stage, size_t length)
{
    size_t used = (stage->page->arena_used + 15) & ~(size_t)15;
    if (length > STAGE_AREA - STAGE_ARENA_START - used)
        return NULL;
    stage->page->arena_used = used + length;
    return (char *)stage->page + STAGE_ARENA_START + used;
}

bool stage_kernel_is_new_enough(void)
{
    /* A null filter: EFAULT if the flags are known, EINVAL if one is not, before anything happens (seccomp(2)). */
    struct utsname name;
    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, GUEST_FILTER_FLAGS, NULL);
    if (errno == EFAULT)
        return true;
    uname(&name);
    uint32_t notify = SECCOMP_RET_USER_NOTIF;
    if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &notify))
        complain("this kernel (%s) has no seccomp user notification (%s); Linux 5.19 or newer is needed, and a container "
                 "around redoubt must allow seccomp(2)",
                 name.release, strerror(errno));
    else
        complain("this kernel (%s) has no WAIT_KILLABLE_RECV; Linux 5.19 or newer is needed", name.release);
    return false;
}

/* ---------------------------------------------------------------------------------------------------------- namespaces */

static bool file_is(const char *path, char value)
{
    char byte = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool same = fd >= 0 && read(fd, &byte, 1) == 1 && byte == value;
    if (fd >= 0)
        close(fd);
    return same;
}

/* What an operator has to change: each of these is one distribution's way to switch user namespaces off. */
const char *namespace_advice(int error)
{
    if (file_is("/proc/sys/user/max_user_namespaces", '0'))
        return "Allow it with: sysctl -w user.max_user_namespaces=15000";
    if (file_is("/proc/sys/kernel/unprivileged_userns_clone", '0'))
        return "Allow it with: sysctl -w kernel.unprivileged_userns_clone=1";
    if (file_is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", '1'))
        return "Allow it with: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0";
    if (error == ENOSPC)
        return "A limit is reached: see /proc/sys/user/max_*_namespaces";
    if (error == EPERM)
        return "Inside a chroot or a container: it must allow clone(2) with CLONE_NEWUSER";
    return "See user_namespaces(7)";
}

static int write_file(pid_t pid, const char *name, const char *text)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int result = write(fd, text, strlen(text)) < 0 ? -errno : 0;
    close(fd);
    return result;
}

static const char *given_map[2]; /* uid, gid; null: none given */

void stage_map(const char *uids, const char *gids)
{
    given_map[0] = uids;
    given_map[1] = gids;
}

/* newuidmap(1) may map the ranges of /etc/subuid, which an ordinary user may not. */
static int run_map_program(const char *program, pid_t pid, const char *map)
{
    char number[16], *copy = strdup(map), *rest = copy, *word, *argv[1024] = {(char *)(uintptr_t)program, number};
    int count = 2, status = 0;
    snprintf(number, sizeof number, "%d", pid);
    while (count < 1023 && (word = strsep(&rest, " \n")))
        if (*word)
            argv[count++] = word;
    pid_t child = fork();
    if (child == 0) {
        dup2(standard_error.fd, 2);
        execvp(program, argv);
        _exit(errno == ENOENT ? 127 : 126);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    free(copy);
    if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    if (child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 127)
        complain("%s is missing, which maps the ids of /etc/subuid and /etc/subgid: apt-get install uidmap", program);
    return -EPERM;
}

/* Our own id alone, once, everybody may map. */
static bool is_own_id(const char *map, uid_t own)
{
    unsigned inside, outside, size;
    int end = 0;
    return sscanf(map, "%u %u %u %n", &inside, &outside, &size, &end) == 3 && !map[end] && outside == own && size == 1;
}

bool stage_maps_ranges(void)
{
    return geteuid() != 0 && ((given_map[0] && !is_own_id(given_map[0], geteuid())) || (given_map[1] && !is_own_id(given_map[1], getegid())));
}

static int write_given_map(pid_t pid, const char *file, uid_t id, const char *map)
{
    if (geteuid() == 0)
        return write_file(pid, file, map);
    if (!is_own_id(map, id))
        return run_map_program(strcmp(file, "uid_map") ? "newgidmap" : "newuidmap", pid, map);
    write_file(pid, "setgroups", "deny");
    return write_file(pid, file, map);
}

/*
 * Root maps a range that no other program uses, so that a guest is nobody on the host. Everybody else has one id to give
 * away, and the kernel wants setgroups(2) off before it takes that map (user_namespaces(7)).
 */
static int write_map(pid_t pid, const char *file, uid_t id)
{
    char text[64];
    const char *given = given_map[strcmp(file, "uid_map") ? 1 : 0];
    if (given)
        return write_given_map(pid, file, id, given);
    if (geteuid() == 0 && write_file(pid, file, "0 100000 65536") == 0)
        return 0;
    write_file(pid, "setgroups", "deny");
    snprintf(text, sizeof text, "0 %u 1", id);
    return write_file(pid, file, text);
}

static bool make_area(struct stage *stage)
{
    void *area = mmap(NULL, STAGE_AREA, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (area == MAP_FAILED) {
        complain("cannot map memory for the sandbox: %s", strerror(errno));
        return false;
    }
    stage->page = area;
    stage->page->status = STAGE_NO_STATUS;
    stage->page->is_detached = stage->is_detached;
    return true;
}

static bool make_socket(struct stage *stage, int *theirs)
{
    int pair[2], one = 1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) ||
        setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &one, sizeof one)) {
        complain("cannot make a socket: %s", strerror(errno));
        return false;
    }
    stage->socket = pair[0];
    *theirs = pair[1];
    return true;
}

/* ------------------------------------------------------------------------------------------------- namespaces of others */

static const struct {
    const char *type, *file;
    int flag;
} shareable[] = {
    {"network", "net", CLONE_NEWNET}, {"ipc", "ipc", CLONE_NEWIPC}, {"uts", "uts", CLONE_NEWUTS}, {"pid", "pid_for_children", CLONE_NEWPID},
};
#define SHAREABLE (sizeof shareable / sizeof *shareable)

static int shared[SHAREABLE] = {-1, -1, -1, -1}; /* descriptors of what is to be joined */

const char *stage_share(const char *type, const char *path)
{
    static char problem[4352];
    for (size_t i = 0; i < SHAREABLE; i++) {
        if (strcmp(shareable[i].type, type))
            continue;
        shared[i] = open(path, O_RDONLY | O_CLOEXEC);
        if (shared[i] >= 0 && ioctl(shared[i], NS_GET_NSTYPE) == shareable[i].flag)
            return NULL;
        snprintf(problem, sizeof problem, "namespace path: lstat %s: %s", path,
                 shared[i] < 0 ? errno == ENOENT ? "no such file or directory" : strerror(errno) : "not a namespace of that type");
        return problem;
    }
    snprintf(problem, sizeof problem, "a %s namespace cannot be joined: the sandbox needs its own", type);
    return problem;
}

/*
 * Goes into what is shared, and back with the second call: they belong to a user namespace further out than the stage's, which
 * the stage can therefore not join, but a child inherits.
 */
static bool visit_shared(bool enter)
{
    static int own[SHAREABLE];
    for (size_t i = 0; i < SHAREABLE; i++) {
        char path[64];
        if (shared[i] < 0)
            continue;
        if (enter) {
            snprintf(path, sizeof path, "/proc/self/ns/%s", shareable[i].file);
            own[i] = open(path, O_RDONLY | O_CLOEXEC);
        }
        if (own[i] < 0 || setns(enter ? shared[i] : own[i], shareable[i].flag)) {
            complain("cannot join the %s namespace: %s", shareable[i].type, strerror(errno));
            return false;
        }
        if (!enter)
            close(own[i]);
    }
    return true;
}

static bool clone_stage(struct stage *stage)
{
    int theirs;
    if (!make_socket(stage, &theirs) || !visit_shared(true))
        return false;

    /* clone(2) itself, as fork: the C library has no threads here whose state could be half copied. */
    unsigned long flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |
                          CLONE_NEWCGROUP | CLONE_PIDFD | SIGCHLD | (stage->is_detached ? CLONE_PARENT : 0);
    for (size_t i = 0; i < SHAREABLE; i++)
        if (shared[i] >= 0)
            flags &= ~(unsigned long)shareable[i].flag;
    long pid = syscall(SYS_clone, flags, NULL, &stage->pidfd, NULL, 0);
    if (pid == 0)
        guest_main(stage->page, theirs);
    int error = errno;
    close(theirs);
    if (!visit_shared(false))
        return false;
    if (pid < 0) {
        complain("cannot create a user namespace: %s. %s", strerror(error), namespace_advice(error));
        return false;
    }
    stage->pid = (pid_t)pid;

    const char *step = "uid_map";
    error = write_map(stage->pid, step, geteuid());
    if (!error)
        error = write_map(stage->pid, step = "gid_map", getegid());
    if (error) {
        complain("cannot write %s of the sandbox: %s. %s", step, strerror(-error), namespace_advice(-error));
        return false;
    }
    stage_release(stage);
    return true;
}

bool stage_start(struct stage *stage)
{
    return make_area(stage) && clone_stage(stage);
}

bool stage_again(struct stage *stage)
{
    syscall(SYS_pidfd_send_signal, stage->pidfd, SIGKILL, NULL, 0);
    if (!stage->is_detached)
        waitpid(stage->pid, NULL, __WALL);
    close(stage->pidfd);
    close(stage->socket);
    stage->page->failed = NULL;
    return clone_stage(stage);
}

bool stage_join(struct stage *stage, pid_t init)
{
    int theirs, pidfd = (int)syscall(SYS_pidfd_open, init, 0);
    if (pidfd < 0) {
        complain("cannot join the container: %s", strerror(errno));
        return false;
    }
    if (!make_area(stage) || !make_socket(stage, &theirs))
        return false;
    uint32_t *joined = &stage->page->joined;
    long between = syscall(SYS_clone, SIGCHLD | (stage->is_detached ? CLONE_PARENT : 0), NULL, NULL, NULL, 0);
    if (between == 0)
        guest_join(stage->page, theirs, pidfd);
    close(theirs);
    close(pidfd);
    struct timespec timeout = {10, 0};
    if (between > 0 && !futex_read(joined))
        syscall(SYS_futex, joined, FUTEX_WAIT, 0, &timeout, NULL, 0);
    if (between > 0 && !stage->is_detached)
        waitpid((pid_t)between, NULL, __WALL);
    uint32_t pid = futex_read(joined);
    stage->pidfd = pid && pid != STAGE_NOT_JOINED ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    if (stage->pidfd < 0) {
        stage_explain(stage);
        return false;
    }
    stage->pid = (pid_t)pid;
    stage_release(stage);
    return true;
}

void stage_release(struct stage *stage)
{
    /* If the stage has died its pidfd says so; nothing to learn here. */
    send(stage->socket, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void stage_explain(const struct stage *stage)
{
    const char *step = stage->page->failed;
    int error = stage->page->failed_errno;
    if (!step)
        complain("the sandbox's first process died before the program was started");
    else if (step == guest_step_filter && error == EBUSY)
        complain("cannot load the seccomp filter: another supervisor already listens to this process's system calls; "
                 "redoubt cannot run inside such a sandbox");
    else if (error == EPERM || error == EACCES)
        complain("cannot %s: %s. %s", step, strerror(error), namespace_advice(error));
    else
        complain("cannot %s: %s", step, strerror(error));
}

/* ------------------------------------------------------------------------------------------------------------ listener */

pid_t stage_read_ready(struct stage *stage)
{
    char byte;
    struct iovec part = {&byte, 1};
    union {
        char bytes[CMSG_SPACE(sizeof(struct ucred))];
        struct cmsghdr align;
    } control;
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    ssize_t n = recvmsg(stage->socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    struct cmsghdr *cmsg = n == 1 ? CMSG_FIRSTHDR(&message) : NULL;
    if (!cmsg || cmsg->cmsg_type != SCM_CREDENTIALS)
        return -1;
    /* The kernel fills in the sender's pid and translates it into our pid namespace (unix(7), pid_namespaces(7)). */
    struct ucred sender;
    memcpy(&sender, CMSG_DATA(cmsg), sizeof sender);
    return sender.pid;
}

int stage_take_listener(struct stage *stage, pid_t guest, int timeout_millis)
{
    struct timespec timeout = {timeout_millis / 1000, timeout_millis % 1000 * 1000000L};
    uint32_t *word = &stage->page->listener;
    if (!futex_read(word))
        syscall(SYS_futex, word, FUTEX_WAIT, 0, &timeout, NULL, 0);
    uint32_t published = futex_read(word);
    if (!published)
        return -EAGAIN;
    /*
     * guest cannot be somebody else by now: it is held at its futex and its parent, pid 1, would have to reap it first. The
     * guest's own copy is close-on-exec, so after this the listener lives on our side alone.
     */
    int pidfd = (int)syscall(SYS_pidfd_open, guest, 0);
    if (pidfd < 0)
        return -errno;
    int listener = (int)syscall(SYS_pidfd_getfd, pidfd, (int)published - 1, 0);
    int error = errno;
    close(pidfd);
    return listener < 0 ? -error : listener;
}

void stage_go(struct stage *stage)
{
    __atomic_store_n(&stage->page->go, 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, &stage->page->go, FUTEX_WAKE, 1, NULL, NULL, 0);
}
