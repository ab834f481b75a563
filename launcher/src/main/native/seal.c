/*
 * The root directories of root's sentry and gofer: each starts in a mount namespace of its own in which all is as on the host, for the
 * JVM to find its files, the sentry the configuration and the gofer its trees. Before the guest may exec, a child of the front, which
 * has the right to that, changes the root of that namespace to an empty one, and with it that of every thread in there
 * (pivot_root(2)). The installation stays where it was, read-only: for a class that no start needs.
 *
 * What the sentry holds open of /proc and /sys it keeps; they are parts of no tree any more, so that ".." leads nowhere. They are not
 * quite the host's: see own_proc.
 *
 * The gofer keeps its trees. Each it gives to that child and gets it back as a mount of its own, with all that is mounted below, whose
 * topmost directory is that of the tree (open_tree(2)): a ".." ends there, and a tree that is read-only the kernel keeps from being
 * changed. The same is done with the one directory that it needs of /proc, that of its own descriptors.
 */
#include "seal.h"

#include "jvm.h"
#include "output.h"
#include "passing.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NEW_ROOT "/proc" /* the mount point, because it is there everywhere */

/* In linux/mount.h, which cannot be included together with sys/mount.h of older C libraries. */
#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#define OPEN_TREE_CLOEXEC O_CLOEXEC
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
enum { FSCONFIG_STRING = 1, FSCONFIG_CREATE = 6 };
enum { ATTR_RDONLY = 0x1, ATTR_NOSUID = 0x2, ATTR_NODEV = 0x4, ATTR_NOEXEC = 0x8 };

#define HIDEPID "hidepid"
#define PTRACEABLE "ptraceable" /* of processes, those that who looks may trace: proc(5) */

/*
 * What root's sentry sees at /proc and /sys, and keeps of them. Who is root may write there what rules the host (core_pattern,
 * release_agent), whatever his capabilities: both are read-only. The memory of guests is written through a second /proc, with
 * processes and nothing else (subset=pid in proc(5)): its descriptor is what *fd becomes. In both there are only those processes that
 * it may trace: its guests. The runtime's own pid 1 is none of them, and the orphans that it is given are found otherwise: control.c.
 * What cannot be done, in a container in which /proc is partly covered, is left as it is.
 */
static void own_proc(int *fd)
{
    const unsigned long nothing = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    int context = (int)syscall(SYS_fsopen, "proc", 0);
    if (context >= 0 && !syscall(SYS_fsconfig, context, FSCONFIG_STRING, "subset", "pid", 0) && !syscall(SYS_fsconfig, context, FSCONFIG_STRING, HIDEPID, PTRACEABLE, 0) &&
        !syscall(SYS_fsconfig, context, FSCONFIG_CREATE, NULL, NULL, 0))
        *fd = (int)syscall(SYS_fsmount, context, 0, ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC);
    if (context >= 0)
        close(context);
    if (*fd >= 0 && mount("proc", "/proc", "proc", nothing, HIDEPID "=" PTRACEABLE) == 0)
        mount(NULL, "/proc", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | nothing, NULL);
    mount(NULL, "/sys", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | nothing, NULL);
}

bool seal_begin(bool is_gofer, int *proc)
{
    *proc = -1;
    /* Of the gofer a network without any interface, too. */
    int namespaces = CLONE_NEWNS | (is_gofer ? CLONE_NEWNET : 0);
    /* A user who may not has a sentry that may not do much either. */
    if (geteuid() != 0 || unshare(namespaces))
        return geteuid() != 0 || errno == EPERM;
    /* What is unmounted on the host is so in the gofer's trees, too, and not kept; what is mounted there later does not get into them. */
    if (mount("", "/", NULL, MS_REC | (is_gofer ? MS_SLAVE : MS_PRIVATE), NULL))
        return false;
    if (!is_gofer)
        own_proc(proc);
    return true;
}

/* All of the path; it is changed meanwhile. */
static int make_folders(char *path)
{
    for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        if (mkdir(path, 0555) && errno != EEXIST)
            return -1;
        *slash = '/';
    }
    return mkdir(path, 0555) && errno != EEXIST ? -1 : 0;
}

/* Returns what could not be done, or null. In the sentry's namespace. */
static const char *change_root(const char *home)
{
    const unsigned long nothing = MS_NOSUID | MS_NODEV | MS_NOEXEC;
    char installation[PATH_MAX + sizeof NEW_ROOT];
    snprintf(installation, sizeof installation, NEW_ROOT "%s", home);
    if (mount("none", NEW_ROOT, "tmpfs", nothing, "size=64k,nr_inodes=64,mode=555"))
        return "mount an empty root";
    if (make_folders(installation) || mount(home, installation, NULL, MS_BIND, NULL) ||
        mount(NULL, installation, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | nothing, NULL))
        return "show the installation";
    if (chdir(NEW_ROOT) || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/"))
        return "change the root";
    if (mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | nothing, NULL))
        return "make the root read-only";
    return NULL;
}

/* Whether a process has the mount namespace that we have; true as well where it cannot be told. */
static bool shares_mounts(pid_t pid)
{
    char path[64];
    struct stat ours, theirs;
    snprintf(path, sizeof path, "/proc/%d/ns/mnt", pid);
    return stat("/proc/self/ns/mnt", &ours) || stat(path, &theirs) || (ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino);
}

/*
 * The namespace is kept for as long as we live: to take it apart takes milliseconds, which the sentry's end would have between the
 * close of the guests' listener, after which their calls fail, and the moment at which we hear of it.
 */
static bool keep_mounts(pid_t pid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/mnt", pid);
    return open(path, O_RDONLY | O_CLOEXEC) >= 0;
}

bool seal_root(pid_t pid, int pidfd)
{
    if (geteuid() != 0 || shares_mounts(pid))
        return true;
    const char *home = jvm_home();
    pid_t child = fork();
    if (child == 0) {
        const char *failed = setns(pidfd, CLONE_NEWNS) ? "enter its mount namespace" : change_root(home);
        if (failed)
            dprintf(2, "redoubt: cannot give the sentry an empty root: %s: %s\n", failed, strerror(errno));
        _exit(failed ? 1 : 0);
    }
    int status = -1;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0 && keep_mounts(pid);
}

/* --------------------------------------------------------------------------------------------------------------- the gofer */

static bool answer(int socket, int32_t word, int fd)
{
    return pass(socket, &word, sizeof word, fd, 0);
}

/* A mount of its own, or -1. set-id bits and device nodes mean nothing to who only opens for others. */
static int clone_tree(int fd, uint64_t attributes)
{
    struct {
        uint64_t set, clear, propagation, user_namespace;
    } change = {.set = attributes};
    int tree = (int)syscall(SYS_open_tree, fd, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
    if (tree >= 0 && syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &change, sizeof change)) {
        close(tree);
        return -1;
    }
    return tree;
}

/* Returns what could not be done, or null. All of it in memory before the first answer: who asks sends all before it listens. */
static const char *give_trees(pid_t pid, int pidfd, int socket, bool is_sealed)
{
    static int trees[GOFER_TREES_MAX];
    int count = 0, fd;
    int32_t flags;
    if (is_sealed && setns(pidfd, CLONE_NEWNS))
        return "enter its mount namespace";
    for (;; count++) {
        if (!receive_passed(socket, &flags, sizeof flags, &fd, 0)) /* flags of the protocol, and the tree */
            return "hear of its trees";
        if (flags == GOFER_TREES_END)
            break;
        if (count == GOFER_TREES_MAX)
            return "hold as many trees";
        if (is_sealed) {
            uint64_t nothing = ATTR_NOSUID | (flags & GOFER_TREE_DEVICES ? 0 : ATTR_NODEV) | (flags & GOFER_TREE_READ_ONLY ? ATTR_RDONLY : 0);
            trees[count] = clone_tree(fd, nothing);
            if (trees[count] < 0)
                return "make a mount of a tree";
        }
        close(fd);
    }
    if (!is_sealed)
        return answer(socket, 0, -1) ? NULL : "answer";
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    int links = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int own = links < 0 ? -1 : clone_tree(links, ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC);
    if (own < 0)
        return "make a mount of its own descriptors in /proc";
    const char *failed = change_root(jvm_home());
    if (failed)
        return failed;
    if (!answer(socket, 1, own))
        return "answer";
    for (int i = 0; i < count; i++)
        if (!answer(socket, 1, trees[i]))
            return "answer";
    return NULL;
}

bool seal_gofer(pid_t pid, int pidfd, int socket)
{
    bool is_sealed = !shares_mounts(pid);
    jvm_home();
    pid_t child = fork();
    if (child == 0) {
        const char *failed = give_trees(pid, pidfd, socket, is_sealed);
        if (failed)
            dprintf(2, "redoubt: cannot give the gofer a root of its own: %s: %s\n", failed, strerror(errno));
        _exit(failed ? 1 : 0);
    }
    int status = -1;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
