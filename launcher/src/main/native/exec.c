/*
 * exec: one more program in a container. This is a front as well, but its sentry is the container's, reached through the monitor's
 * socket; the stage goes into the namespaces that are there, and loads a filter whose listener that sentry gets.
 */
#include "cgroup.h"
#include "front.h"
#include "monitor.h"
#include "oci.h"
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define EXEC_FAILED 255 /* as runc: 1 could be the program's */

static char *request;
static size_t request_length;

static void add_bytes(const char *bytes, size_t length)
{
    request = realloc(request, request_length + length);
    if (!request)
        abort();
    memcpy(request + request_length, bytes, length);
    request_length += length;
}

static void add(const char *key, const char *value)
{
    add_bytes(key, strlen(key) + 1);
    add_bytes(value, strlen(value) + 1);
}

static void add_list(const char *key, const char **list)
{
    for (; list && *list; list++)
        add(key, *list);
}

static char *process;
static int process_error;

/* Whole, and now: whoever gave us the file removes it when we return. Its name may be that of a descriptor of ours. */
void exec_read_process(void)
{
    size_t length = 0;
    int fd = open(oci.process, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        process_error = errno;
        return;
    }
    for (ssize_t n = 1; n > 0 && length < FRAME_MAX_PAYLOAD / 2; length += (size_t)(n > 0 ? n : 0)) {
        process = realloc(process, length + 65537);
        if (!process)
            abort();
        n = read(fd, process + length, 65536);
        process[length + (size_t)(n > 0 ? n : 0)] = 0;
    }
    close(fd);
    if (strlen(process) != length)
        process_error = EILSEQ;
}

static void add_process(void)
{
    if (process_error == EILSEQ)
        oci_fail("%s: not JSON", oci.process);
    if (process_error)
        oci_fail("cannot open the process file %s: %s", oci.process, strerror(process_error));
    add("process", process);
    free(process);
}

static void make_request(void)
{
    const char *hook = getenv("REDOUBT_HOOK");
    if (hook)
        add("hook", hook);
    if (oci.process) {
        if (oci.word_count > 1)
            oci_fail("exec: a command and --process exclude each other");
        add_process();
    } else if (oci.word_count < 2) {
        oci_fail("exec args cannot be empty: give a command, or --process FILE");
    }
    for (int i = 1; i < oci.word_count; i++)
        add("arg", oci.words[i]);
    add_list("env", oci.lists[LIST_ENV]);
    add_list("gid", oci.lists[LIST_GIDS]);
    add_list("cap", oci.lists[LIST_CAPS]);
    if (oci.cwd)
        add("cwd", oci.cwd);
    if (oci.user)
        add("user", oci.user);
    if (oci.tty)
        add("tty", "1");
    if (oci.no_new_privs)
        add("noNewPrivileges", "1");
}

/* The monitor takes the first frame and hands the connection on; all that follows is for the sentry. */
static void send_request(void)
{
    bool is_hook = front.control.socket >= 0;
    int socket_fd = is_hook ? front.control.socket : container_connect(front.exec_in);
    bool sent = socket_fd >= 0 && frame_reader_open(&front.control, socket_fd) == 0 &&
                (is_hook || frame_send(socket_fd, FRAME_CLIENT, NULL, 0, -1) == 0);
    for (int32_t fd = 0; fd < 3 && sent && !oci.console_socket; fd++)
        if (!front.closed[fd])
            sent = frame_send(socket_fd, FRAME_STDIO, &fd, sizeof fd, fd) == 0;
    for (int32_t i = 0; i < oci.preserved && sent; i++) {
        int32_t number = 3 + i;
        if (preserved_fd(i) >= 0)
            sent = frame_send(socket_fd, FRAME_STDIO, &number, sizeof number, preserved_fd(i)) == 0;
    }
    if (!sent || frame_send_all(socket_fd, FRAME_EXEC, request, request_length)) {
        complain("the monitor of the container does not answer");
        finish(EXEC_FAILED);
    }
}

static _Noreturn void be_front(pid_t init)
{
    if (!open_signals()) {
        complain("cannot make a signalfd: %s", strerror(errno));
        finish(EXEC_FAILED);
    }
    front.stage.is_detached = front.is_monitor;
    send_request();
    if (!stage_join(&front.stage, init))
        finish(EXEC_FAILED);
    loop();
}

int command_exec(void)
{
    static struct container container;
    oci.failed = EXEC_FAILED;
    container_require(&container, false);
    front.exec_in = &container;
    enum status status = container_status(&container);
    if (status == STATUS_STOPPED)
        oci_fail("cannot exec in a stopped container");
    if (status == STATUS_PAUSED && !oci.ignore_paused)
        oci_fail("cannot exec in a paused container");
    if (status == STATUS_CREATING)
        oci_fail("cannot exec in a container that is being created");
    if (oci.console_socket && !oci.detach)
        oci_fail("cannot use console socket if runc will not detach or allocate tty");
    pid_t init = container_pid(&container);
    make_request();
    if (!oci.detach) {
        output_open(front.closed[1], front.closed[2]);
        be_front(init);
    }

    int report[2], errors[2];
    if (oci.console_socket)
        oci.console_socket = oci_absolute(oci.console_socket);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, report) || pipe2(errors, O_CLOEXEC))
        oci_fail("cannot make a socket: %s", strerror(errno));
    pid_t helper = fork();
    if (helper == 0) {
        close(report[0]);
        close(errors[0]);
        monitor_become("redoubt-exec", report[1], errors[1]);
        be_front(init);
    }
    close(report[1]);
    close(errors[1]);
    pid_t pid = helper > 0 ? monitor_await(report[0]) : 0;
    if (!pid)
        monitor_failed(helper, errors[0], "exec failed: the program could not be started");
    if (oci.pid_file)
        oci_write_pid_file(oci.pid_file, pid);
    send(report[0], "", 1, MSG_NOSIGNAL); /* a program that has ended by now is no failure */
    return 0;
}
