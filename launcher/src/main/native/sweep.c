/*
 * A container in the foreground is deleted by the front that ran it, and one whose command has not come to its end by its monitor.
 * Should that process be killed, nobody is left who would: a batch system that ends a job kills all of its processes at once, and may
 * never ask for the container again, or by a name that it never had (newer versions of Slurm put -1 in place of the task's number).
 * So the next command that makes a container below that root, lists them, or does not find the one that it was asked for, removes
 * them all.
 */
#include "sweep.h"

#include "cgroup.h"
#include "container.h"
#include "hooks.h"
#include "oci.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define GONE_TIMEOUT_MILLIS 10000
#define FOREIGN_SECONDS 30

/* Waits for a process to end. */
static bool await_end(pid_t pid)
{
    int pidfd = pid ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    struct pollfd on = {.fd = pidfd, .events = POLLIN};
    bool ended = pidfd < 0 || poll(&on, 1, GONE_TIMEOUT_MILLIS) > 0;
    if (pidfd >= 0)
        close(pidfd);
    return ended;
}

void container_destroy(struct container *container)
{
    pid_t init = container_pid(container), monitor = container_process(container, "monitor");
    if (init) {
        if (container_status(container) == STATUS_PAUSED)
            cgroup_freeze(&container->record, false);
        kill(init, SIGKILL);
        await_end(init);
    } else if (monitor && container_status(container) == STATUS_CREATING) {
        kill(monitor, SIGTERM); /* nothing else ends a front whose program has not been started; a monitor has lost its command */
    }
    /* It ends by itself when init has ended, and takes the sentry and the gofer with it. */
    if (!await_end(monitor))
        kill(monitor, SIGKILL);
    /* The guard, and what a monitor that was killed has left. */
    cgroup_kill(&container->record);
    if (!cgroup_remove(&container->record))
        oci_log("warning", "a control group of the container cannot be removed: it still has processes or groups in it");
    const char *problem = hooks_run(container, "poststop", STATUS_STOPPED, 0, -1);
    if (problem)
        oci_log("warning", problem);
    container_remove(container);
}

/*
 * The lock is ours. No record: whoever made the folder died before it wrote one, or has yet to lock it, and then makes it again. But
 * other runtimes have the same root: containerd keeps the containers of all that its shim runs in one.
 * A process of another pid namespace, which ours need not show, is asked for by its socket; not so one of ours, whose children may
 * have that socket until they have died of its death.
 */
static bool is_left_behind(const struct container *container)
{
    if (!container_has_record(container))
        return container_is_ours(container);
    if (!record_get(&container->record, "foreground") && container_is_kept(container))
        return false;
    if (container_process(container, "monitor"))
        return false;
    if (record_number(&container->record, "monitor.namespace") == own_pid_namespace())
        return true;
    int fd = container_connect(container);
    if (fd >= 0)
        close(fd);
    return fd == -ECONNREFUSED || fd == -ENOENT;
}

static void visit(const char *id)
{
    struct container container;
    struct stat status;
    if (!container_open_idle(&container, id))
        return;
    bool is_ours = fstat(container.dir, &status) == 0 && status.st_uid == geteuid();
    pid_t child = is_ours ? 0 : geteuid() == 0 ? fork() : -1;
    if (child == 0) {
        if (!is_ours) {
            container_become_owner(&container);
            alarm(FOREIGN_SECONDS); /* his hooks, and what he made of the socket, must not hold root up */
        }
        if (is_left_behind(&container))
            container_destroy(&container);
        if (!is_ours)
            _exit(0);
    }
    while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    container_close(&container);
}

void sweep(void)
{
    container_each(visit);
}
