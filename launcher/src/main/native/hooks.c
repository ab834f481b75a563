#include "hooks.h"

#include "frames.h"
#include "json.h"
#include "oci.h"
#include "state.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the record: "hook NAME TIMEOUT "PATH"", "hook.arg "..."", "hook.env "..."". */
void hooks_add(struct record *record, const char *key, const char *value)
{
    const char *first = strchr(value, '\t'), *second = first ? strchr(first + 1, '\t') : NULL;
    char *line, *quoted = json_quote(strcmp(key, "hook") == 0 && second ? second + 1 : value);
    if (strcmp(key, "hook") == 0 && second) {
        if (asprintf(&line, "%.*s %.*s %s", (int)(first - value), value, (int)(second - first - 1), first + 1, quoted) < 0)
            abort();
        record_add(record, key, line);
        free(line);
    } else {
        record_add(record, key, quoted);
    }
    free(quoted);
}

static bool is_hook(const struct record *record, size_t at, const char *name)
{
    size_t length = strlen(name);
    return strcmp(record->keys[at], "hook") == 0 && strncmp(record->values[at], name, length) == 0 &&
           record->values[at][length] == ' ';
}

bool hooks_have(const struct record *record, const char *name)
{
    for (size_t i = 0; i < record->count; i++)
        if (is_hook(record, i, name))
            return true;
    return false;
}

static _Noreturn void become_hook(const char *path, char **argv, char **envp, int input, int output, pid_t init)
{
    setsid();
    if (init > 0) {
        int pidfd = (int)syscall(SYS_pidfd_open, init, 0);
        /* The tree is the runtime's, as before a pivot_root; what a hook mounts there is its own business. */
        if (pidfd < 0 || setns(pidfd, CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) || unshare(CLONE_NEWNS) ||
            mount("", "/", NULL, MS_REC | MS_PRIVATE, NULL)) {
            dprintf(output, "cannot join the container's namespaces: %s", strerror(errno));
            _exit(1);
        }
    }
    dup2(input, 0);
    dup2(output, 1);
    dup2(output, 2);
    syscall(SYS_close_range, 3u, ~0u, 0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    execve(path, argv, envp);
    dprintf(2, "%s: %s", path, strerror(errno));
    _exit(127);
}

/* startContainer: a program of the container's, run as an exec whose connection with the sentry is there already. */
static _Noreturn void become_exec(const struct container *container, const char *path, char **argv, char **envp, int input,
                                  int output, int sentry)
{
    size_t count = 0;
    char *arguments[4 + 2 * 4096 + 4] = {(char[]){"redoubt"}, (char[]){"--root"}, (char *)(uintptr_t)oci_root(), (char[]){"exec"}};
    char option[] = "-e", end[] = "--";
    for (count = 4; *envp && count < 4096; envp++) {
        arguments[count++] = option;
        arguments[count++] = *envp;
    }
    arguments[count++] = end;
    arguments[count++] = (char *)(uintptr_t)container->id;
    for (; *argv && count < 2 * 4096; argv++)
        arguments[count++] = *argv;
    setsid();
    dup2(input, 0);
    dup2(output, 1);
    dup2(output, 2);
    dup2(sentry, 3);
    syscall(SYS_close_range, 4u, ~0u, 0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    unsetenv("LISTEN_FDS");
    setenv("REDOUBT_HOOK", path, 1);
    execv("/proc/self/exe", arguments);
    dprintf(2, "cannot run a hook in the container: %s", strerror(errno));
    _exit(127);
}

/* Its state on stdin, a file so that nobody has to write while it reads; what it prints is kept for the message. */
static const char *run_one(const struct container *container, const char *path, char **argv, char **envp, int timeout_seconds,
                           const char *state, pid_t init, int sentry)
{
    static char problem[2048];
    char said[1024] = "";
    int input = (int)syscall(SYS_memfd_create, "redoubt-state", 1u), output[2];
    if (input < 0 || pipe2(output, O_CLOEXEC) || write(input, state, strlen(state)) < 0 || lseek(input, 0, SEEK_SET) < 0)
        return "cannot make a pipe for a hook";
    int ends[2] = {-1, -1};
    if (sentry >= 0 && (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) ||
                        frame_send(sentry, FRAME_CLIENT, NULL, 0, ends[0])))
        return "cannot ask the sentry to run a hook";
    pid_t pid = fork();
    if (pid == 0 && sentry >= 0)
        become_exec(container, path, argv, envp, input, output[1], ends[1]);
    if (pid == 0)
        become_hook(path, argv, envp, input, output[1], init);
    close(input);
    close(output[1]);
    if (sentry >= 0) {
        close(ends[0]);
        close(ends[1]);
    }
    int pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1, status = 0;
    struct pollfd on[2] = {{.fd = output[0], .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};
    long long until = state_now_millis() + timeout_seconds * 1000LL;
    size_t length = 0;
    bool timed_out = false;
    while (pidfd >= 0 && !on[1].revents) {
        long long left = until - state_now_millis();
        timed_out = timeout_seconds > 0 && left <= 0;
        if (timed_out)
            kill(pid, SIGKILL);
        poll(on, 2, timeout_seconds > 0 && !timed_out ? (int)left : -1);
        if (on[0].revents) {
            char rest[512];
            ssize_t n = read(output[0], rest, sizeof rest);
            if (n <= 0)
                on[0].fd = -1;
            for (ssize_t i = 0; i < n && length < sizeof said - 1; i++)
                said[length++] = rest[i];
        }
    }
    /* What it wrote just before its end; its own children may still hold the pipe. */
    fcntl(output[0], F_SETFL, O_NONBLOCK);
    ssize_t n = read(output[0], said + length, sizeof said - 1 - length);
    said[length + (n > 0 ? (size_t)n : 0)] = 0;
    close(output[0]);
    if (pidfd < 0)
        return "cannot start a hook";
    close(pidfd);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return NULL;
    if (timed_out)
        snprintf(problem, sizeof problem, "hook %s ran past its timeout of %d s", path, timeout_seconds);
    else
        snprintf(problem, sizeof problem, "hook %s: %s %d, stdout and stderr: %s", path,
                 WIFEXITED(status) ? "exit status" : "signal", WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), said);
    return problem;
}

const char *hooks_run(const struct container *container, const char *name, enum status status, pid_t init, int sentry)
{
    const struct record *record = &container->record;
    const char *problem = NULL;
    for (size_t i = 0; i < record->count && !problem; i++) {
        if (!is_hook(record, i, name))
            continue;
        int timeout = 0;
        char **argv = calloc(record->count + 2, sizeof(char *)), **envp = calloc(record->count + 1, sizeof(char *));
        size_t arguments = 0, variables = 0;
        if (!argv || !envp)
            abort();
        sscanf(record->values[i] + strlen(name), "%d", &timeout);
        char *path = json_unquote(strchr(record->values[i], '"'));
        for (size_t k = i + 1; k < record->count && strncmp(record->keys[k], "hook.", 5) == 0; k++) {
            if (strcmp(record->keys[k], "hook.arg") == 0)
                argv[arguments++] = json_unquote(record->values[k]);
            else
                envp[variables++] = json_unquote(record->values[k]);
        }
        if (!arguments)
            argv[0] = path;
        char *state = state_text(container, status);
        problem = run_one(container, path, argv, envp, timeout, state, init, sentry);
        free(state);
        free(argv);
        free(envp);
    }
    return problem;
}
