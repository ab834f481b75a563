/* start, kill, delete, pause, resume: small requests to the monitor or to the kernel. None of them starts a JVM. */
#include "cgroup.h"
#include "container.h"
#include "frames.h"
#include "hooks.h"
#include "oci.h"
#include "processes.h"
#include "sweep.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Returns null if the monitor says that it is done, else what it says. */
static const char *ask(const struct container *container, uint32_t type, int32_t number)
{
    static struct frame_reader reader;
    int fd = container_connect(container);
    if (fd < 0)
        return "the monitor of the container does not answer";
    if (frame_reader_open(&reader, fd) || frame_send(fd, type, &number, sizeof number, -1))
        return "the monitor of the container does not answer";
    struct pollfd on = {.fd = fd, .events = POLLIN};
    for (;;) {
        if (poll(&on, 1, 30000) == 0)
            return "the monitor of the container did not answer within 30 s";
        enum frame_result result = frame_read(&reader);
        if (result == FRAME_AGAIN)
            continue;
        close(fd);
        if (result == FRAME_READY && reader.type == FRAME_DONE_OK)
            return NULL;
        return result == FRAME_READY && reader.length ? reader.payload : "the monitor of the container is gone";
    }
}

int command_start(void)
{
    struct container container;
    container_require(&container, true);
    switch (container_status(&container)) {
    case STATUS_CREATED:
        break;
    case STATUS_STOPPED:
        oci_fail("cannot start a container that has stopped");
    case STATUS_RUNNING:
        oci_fail("cannot start an already running container");
    default:
        oci_fail("cannot start a container in the %s state", status_names[container_status(&container)]);
    }
    const char *problem = ask(&container, FRAME_START, 0);
    if (!problem)
        problem = hooks_run(&container, "poststart", STATUS_RUNNING, 0, -1);
    if (problem)
        oci_fail("%s", problem);
    return 0;
}

/* ------------------------------------------------------------------------------------------------------------------ kill */

static void send_to(pid_t pid, int number)
{
    kill(pid, number);
}

int command_kill(void)
{
    struct container container;
    container_require(&container, false);
    if (oci.word_count > 2)
        oci_fail("kill: unexpected argument %s", oci.words[2]);
    const char *name = oci.word_count > 1 ? oci.words[1] : "TERM";
    int number = oci_signal(name);
    if (number < 0)
        oci_fail("unknown signal %s", name);
    enum status status = container_status(&container);
    pid_t init = container_pid(&container);
    if (oci.all) {
        processes_each(&container, number, send_to);
        return 0;
    }
    if (status == STATUS_STOPPED || !init)
        oci_fail("container not running");
    /*
     * By way of the sentry, which looks at once whether a call that it holds has to let go. It cannot when it is frozen or
     * the program has not been started; SIGKILL needs nobody.
     */
    if (number && number != SIGKILL && status == STATUS_RUNNING && ask(&container, FRAME_KILL, number) == NULL)
        return 0;
    if (kill(init, number))
        oci_fail(errno == ESRCH ? "no such process" : "cannot send signal %d: permission denied", number);
    return 0;
}

/* ---------------------------------------------------------------------------------------------------------------- delete */

int command_delete(void)
{
    struct container container;
    const char *id = oci_id();
    if (!container_open(&container, id, true)) {
        sweep();
        if (oci.force)
            return 0;
        oci_fail("container does not exist: %s (below %s)", id, oci_root());
    }
    container_become_owner(&container);
    enum status status = container_status(&container);
    if (!container_has_record(&container)) {
        if (container_is_ours(&container))
            container_remove(&container); /* whoever made it is dead: it held the lock that is ours now */
        if (oci.force)
            return 0;
        oci_fail("container does not exist: %s (below %s)", id, oci_root());
    }
    if (status == STATUS_RUNNING || status == STATUS_PAUSED || status == STATUS_CREATING)
        if (!oci.force)
            oci_fail("cannot delete container %s that is not stopped: %s", id, status_names[status]);
    container_destroy(&container);
    return 0;
}

/* ----------------------------------------------------------------------------------------------------------- pause, resume */

int command_pause(void)
{
    struct container container;
    container_require(&container, true);
    enum status status = container_status(&container);
    if (status != STATUS_RUNNING && status != STATUS_CREATED)
        oci_fail("container not running: %s", status_names[status]);
    const char *problem = cgroup_freeze(&container.record, true);
    if (problem)
        oci_fail("%s", problem);
    return 0;
}

int command_resume(void)
{
    struct container container;
    container_require(&container, true);
    if (container_status(&container) != STATUS_PAUSED)
        oci_fail("container not paused");
    const char *problem = cgroup_freeze(&container.record, false);
    if (problem)
        oci_fail("%s", problem);
    return 0;
}
