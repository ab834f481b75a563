/*
 * From the clone to the guest's execve. Order matters here; each step says why it stands where it does.
 *
 * There is nothing to clean up and nobody to print for: a step that fails leaves its name and errno in the shared page and the
 * process exits; the front sees the exit and explains.
 */
#include "guest.h"
#include "network.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/futex.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

const char guest_step_filter[] = "load the seccomp filter";

static _Noreturn void fail(struct stage_page *page, const char *step)
{
    page->failed_errno = errno;
    page->failed = step;
    _exit(1);
}

static void must(struct stage_page *page, const char *step, long result)
{
    if (result < 0)
        fail(page, step);
}

/* One byte from the front. End of file means that the front is gone: then nobody must go on. */
static void await_front(int socket)
{
    char byte;
    ssize_t n;
    do
        n = read(socket, &byte, 1);
    while (n < 0 && errno == EINTR);
    if (n != 1)
        _exit(1);
}

/* Everything but fd keep; negative: everything. */
static void close_all_but(struct stage_page *page, int keep)
{
    if (keep > 0)
        must(page, "close the front's files", syscall(SYS_close_range, 0u, (unsigned)keep - 1, 0));
    must(page, "close the front's files", syscall(SYS_close_range, (unsigned)(keep + 1), ~0u, 0));
}

/*
 * An empty directory for a root, in which nothing can be made. The old root goes away with all that was mounted on it
 * (pivot_root(2), "pivot_root(., .)"). /proc is the mount point because it is there wherever the front could write our maps;
 * only this mount namespace ever sees it covered.
 */
static void empty_root(struct stage_page *page)
{
    must(page, "make the sandbox's mounts private", mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL));
    must(page, "mount an empty root", mount("none", "/proc", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
                                            "size=4k,nr_inodes=2,mode=555"));
    must(page, "enter the empty root", chdir("/proc"));
    must(page, "change to the empty root", syscall(SYS_pivot_root, ".", "."));
    must(page, "leave the old root", umount2(".", MNT_DETACH));
    must(page, "enter the new root", chdir("/"));
    must(page, "make the root read-only",
         mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
}

/* What an exec could give back; nothing that this process has now. */
static void empty_bounding_set(struct stage_page *page)
{
    for (int capability = 0; prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0; capability++)
        ;
    if (errno != EINVAL) /* EINVAL: past the last one that this kernel has */
        fail(page, "empty the capability bounding set");
}

static void drop_capabilities(struct stage_page *page)
{
    must(page, "drop ambient capabilities", prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    must(page, "drop capabilities", syscall(SYS_capset, &header, none));
    must(page, "set no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
}

/*
 * pid 1 with a shim: the host kernel gives it every orphan of the sandbox. Its own exit kills whatever is left in the
 * namespace (pid_namespaces(7)), which is what ends a sandbox when the first program ends.
 */
static _Noreturn void reap(struct stage_page *page, pid_t guest)
{
    prctl(PR_SET_NAME, "redoubt-init", 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* the guest has the same uid: not for it to trace */
    for (;;) {
        int status;
        pid_t pid = wait4(-1, &status, __WALL, NULL);
        if (pid == guest) {
            page->status = status;
            _exit(0);
        }
        if (pid < 0 && errno != EINTR)
            _exit(1);
    }
}

static void futex_wait(const uint32_t *word, uint32_t value)
{
    syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

static _Noreturn void become_guest(struct stage_page *page, int socket)
{
    /* A session of its own in any case: with the shim it would be in pid 1's. */
    if (page->plan.has_shim)
        must(page, "make a session", setsid());

    /* A core pattern that is a pipe ignores 0 and would run a host program on what a guest wrote; 1 stops it (core(5)). */
    struct rlimit core = {1, 1}, files;
    must(page, "limit core dumps", setrlimit(RLIMIT_CORE, &core));
    /* The sentry plants descriptors for mappings at the guest's own numbers: its limit is the sentry's business. */
    must(page, "read the limit of open files", getrlimit(RLIMIT_NOFILE, &files));
    files.rlim_cur = files.rlim_max;
    must(page, "raise the limit of open files", setrlimit(RLIMIT_NOFILE, &files));

    /* Signals that the caller ignored stay ignored, as over any exec (nohup); but for those that the front has to change. */
    signal(SIGPIPE, SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);

    /* Tells the front which pid to watch; from here on it waits for the futex. Then no descriptor is left. */
    must(page, "call the front", send(socket, "", 1, MSG_NOSIGNAL));
    must(page, "close every file", syscall(SYS_close_range, 0u, ~0u, 0));

    /*
     * After the filter is loaded every call but futex waits for a sentry that has no listener yet. So the fd number is told in
     * shared memory, and the front fetches the descriptor by pidfd_getfd(2). The store is seen by the front's load because
     * both sides use the same page; a wake that comes before the wait is harmless, the wait then finds the word changed.
     */
    long listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, GUEST_FILTER_FLAGS, &page->plan.filter);
    must(page, guest_step_filter, listener);
    __atomic_store_n(&page->listener, (uint32_t)listener + 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, &page->listener, FUTEX_WAKE, 1, NULL, NULL, 0);
    while (!__atomic_load_n(&page->go, __ATOMIC_ACQUIRE))
        futex_wait(&page->go, 0);

    execve(page->plan.path, page->plan.argv, page->plan.envp);
    _exit(127);
}

/* Root of the sandbox's user namespace, in a session of its own, and still ours to trace. */
static void become_root(struct stage_page *page)
{
    /* Supplementary groups can only be given up where the map allows it; elsewhere they map to nobody. */
    if (setgroups(0, NULL) && errno != EPERM)
        fail(page, "drop supplementary groups");
    must(page, "become gid 0 of the sandbox", setresgid(0, 0, 0));
    must(page, "become uid 0 of the sandbox", setresuid(0, 0, 0));
    must(page, "make a session", setsid());

    /*
     * A change of credentials makes a process undumpable and clears the parent-death signal (prctl(2)), so both come after.
     * Dumpable: the front and the sentry must be able to pidfd_getfd, ptrace and read us without being root. If the front died
     * before PDEATHSIG was set, the read of the plan below is an end of file. A container that was detached has a parent that
     * ends at once; there the monitor and its guard see to it that it does not live alone (monitor.c).
     */
    must(page, "stay dumpable", prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
    if (!page->is_detached)
        must(page, "die with the front", prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0));
}

_Noreturn void guest_join(struct stage_page *page, int socket, int init)
{
    /* All at once, so that the kernel checks them against the user namespace that is joined (setns(2)). */
    int types = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
    if (setns(init, types)) {
        page->failed_errno = errno;
        page->failed = "join the namespaces of the container";
        __atomic_store_n(&page->joined, STAGE_NOT_JOINED, __ATOMIC_RELEASE);
        syscall(SYS_futex, &page->joined, FUTEX_WAKE, 1, NULL, NULL, 0);
        _exit(1);
    }
    /* A pid namespace is for children only. The child's parent is ours: whoever waits for it. */
    long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, 0);
    if (pid != 0) {
        page->failed_errno = errno;
        if (pid < 0)
            page->failed = "fork in the container";
        __atomic_store_n(&page->joined, pid < 0 ? STAGE_NOT_JOINED : (uint32_t)pid, __ATOMIC_RELEASE);
        syscall(SYS_futex, &page->joined, FUTEX_WAKE, 1, NULL, NULL, 0);
        _exit(0);
    }
    close_all_but(page, socket);
    await_front(socket);
    become_root(page);
    empty_bounding_set(page);
    await_front(socket);
    drop_capabilities(page);
    become_guest(page, socket);
}

/* The containers of a pod have their names by a namespace that they join, and only who is in there can ask. */
static void read_names(struct stage_page *page)
{
    struct utsname names;
    must(page, "read the host name", uname(&names));
    memcpy(page->hostname, names.nodename, sizeof page->hostname);
    memcpy(page->domainname, names.domainname, sizeof page->domainname);
}

_Noreturn void guest_main(struct stage_page *page, int socket)
{
    /* First of all the front's end of our socket, or its death would never be an end of file. */
    close_all_but(page, socket);
    await_front(socket); /* the id maps are written */
    become_root(page);

    /* All that needs no plan comes before it: the JVM takes longer to start than this. */
    empty_root(page);
    empty_bounding_set(page);
    /* Other containers may join this network namespace, and could not do it. One that was joined is set up by whoever made it. */
    if (page->is_detached && network_set_up_loopback() && errno != EPERM)
        must(page, "set up the loopback device", -1);
    await_front(socket);

    const struct stage_plan *plan = &page->plan;
    read_names(page);
    if (plan->hostname && *plan->hostname)
        must(page, "set the host name", sethostname(plan->hostname, strlen(plan->hostname)));
    drop_capabilities(page);
    if (!plan->has_shim)
        become_guest(page, socket);

    signal(SIGCHLD, SIG_DFL); /* ignored, children would vanish without a status */
    pid_t guest = fork();
    must(page, "fork the first process", guest);
    if (guest == 0)
        become_guest(page, socket);
    close(socket);
    reap(page, guest);
}
