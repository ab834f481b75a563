/*
 * The root directory of root's sentry: it starts in a mount namespace of its own in which all is as on the host, for the JVM to find
 * its files and the sentry the configuration. Before the guest may exec, a child of the front, which has the right to that, changes
 * the root of that namespace to an empty one, and with it that of every thread in there (pivot_root(2)). What the sentry holds open of
 * /proc and /sys it keeps; they are parts of no tree any more, so that ".." leads nowhere. The installation stays where it was,
 * read-only: for a class that no start needs.
 */
#include "seal.h"

#include "jvm.h"
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NEW_ROOT "/proc" /* the mount point, because it is there everywhere */

bool seal_begin(void)
{
    /* A user who may not has a sentry that may not do much either. */
    if (geteuid() != 0 || unshare(CLONE_NEWNS))
        return geteuid() != 0 || errno == EPERM;
    return mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
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
