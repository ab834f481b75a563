/* Times of whole commands: one inside of a runtime, and many starts of a runtime at once from outside. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* time CMD...: its output to nowhere, its wall time in ns to standard output, its exit code. */
int time_main(int argc, char **argv)
{
    int status;
    (void)argc;
    int64_t start = now(CLOCK_MONOTONIC);
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(null, 1);
        execvp(argv[0], argv);
        fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid) {
        perror("time");
        return 1;
    }
    printf("%lld\n", (long long)(now(CLOCK_MONOTONIC) - start));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

struct start {
    char **words;
    pthread_barrier_t *together;
    int64_t first, output, end; /* ns since the start of this one */
    int status;
};

/* The command prints the time of its first instruction; the rest is seen from here. */
static void *start_one(void *argument)
{
    struct start *s = argument;
    char text[256];
    size_t length = 0;
    ssize_t got;
    int fds[2];
    posix_spawn_file_actions_t actions;
    pid_t pid;
    s->status = -1;
    pthread_barrier_wait(s->together);
    if (pipe2(fds, O_CLOEXEC))
        return NULL;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, fds[1], 1);
    int64_t begun = now(CLOCK_REALTIME);
    int failed = posix_spawnp(&pid, s->words[0], &actions, NULL, s->words, environ);
    close(fds[1]);
    if (failed == 0) {
        while (length < sizeof text - 1 && (got = read(fds[0], text + length, sizeof text - 1 - length)) > 0) {
            if (length == 0)
                s->output = now(CLOCK_REALTIME) - begun;
            length += (size_t)got;
        }
        waitpid(pid, &s->status, 0);
        s->end = now(CLOCK_REALTIME) - begun;
        text[length] = 0;
        s->first = strtoll(text, NULL, 10) - begun;
        if (length == 0)
            s->status = -1;
    }
    posix_spawn_file_actions_destroy(&actions);
    close(fds[0]);
    return NULL;
}

/* A copy of the words, with "{n}" replaced by the number of this start. */
static char **numbered(char **argv, int n)
{
    int count = 0;
    while (argv[count])
        count++;
    char **words = calloc((size_t)count + 1, sizeof *words);
    for (int i = 0; words && i < count; i++) {
        char *at = strstr(argv[i], "{n}");
        if (!at)
            words[i] = argv[i];
        else if (asprintf(&words[i], "%.*s%d%s", (int)(at - argv[i]), argv[i], n, at + 3) < 0)
            return NULL;
    }
    return words;
}

/* startup N CMD...: N at once; a line "FIRST OUTPUT END" for each, in ns since its start. Exit code 1 if one failed. */
int startup_main(int argc, char **argv)
{
    enum { MOST = 64 };
    int n = atoi(argv[0]), bad = 0;
    struct start starts[MOST];
    pthread_t threads[MOST];
    pthread_barrier_t together;
    (void)argc;
    if (n < 1 || n > MOST)
        return 2;
    pthread_barrier_init(&together, NULL, (unsigned)n);
    memset(starts, 0, sizeof starts);
    for (int i = 0; i < n; i++) {
        starts[i].words = numbered(argv + 1, i);
        starts[i].together = &together;
        if (!starts[i].words || pthread_create(&threads[i], NULL, start_one, &starts[i]))
            return 1;
    }
    for (int i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < n; i++)
        if (starts[i].status != 0)
            bad = 1;
        else
            printf("%lld %lld %lld\n", (long long)starts[i].first, (long long)starts[i].output, (long long)starts[i].end);
    return bad;
}

/* One command of a runtime to its end, with its output in a file. Its time in ns, or -1. */
static int64_t run_command(char **words, int output, int *status)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, output, 1);
    posix_spawn_file_actions_adddup2(&actions, output, 2);
    int64_t begun = now(CLOCK_MONOTONIC);
    int failed = posix_spawnp(&pid, words[0], &actions, NULL, words, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed || waitpid(pid, status, 0) != pid)
        return -1;
    return now(CLOCK_MONOTONIC) - begun;
}

/*
 * oci-commands BUNDLE ID RUNTIME...: create, start, delete and delete --force of a container whose program ends at once; the time of the
 * four, in ns. What passes between start and delete, while the program ends, is not in it. We are the subreaper, as a shim is, and
 * reap as it does: runsc takes a sandbox that nobody has reaped for a running one.
 */
int oci_commands_main(int argc, char **argv)
{
    enum { MOST = 32 };
    char *words[MOST], create[] = "create", option[] = "--bundle", start[] = "start", state[] = "state", delete[] = "delete",
                       force[] = "--force", *bundle = argv[0], *id = argv[1];
    char *commands[][5] = {{create, option, bundle, id}, {start, id}, {state, id}, {delete, id}, {delete, force, id}};
    int64_t total = 0;
    int count = 0, status;
    if (argc < 3 || argc > MOST - 8)
        return 2;
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    for (; argv[count + 2]; count++)
        words[count] = argv[count + 2];
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        bool is_waiting = commands[i][0] == state;
        memcpy(words + count, commands[i], sizeof commands[i]);
        words[count + 5] = NULL;
        char text[4096] = "";
        int64_t until = now(CLOCK_MONOTONIC) + 10000000000, took;
        do {
            int output = memfd_create("output", MFD_CLOEXEC);
            took = run_command(words, output, &status);
            ssize_t n = pread(output, text, sizeof text - 1, 0);
            text[n < 0 ? 0 : n] = 0;
            close(output);
            while (is_waiting && waitpid(-1, NULL, WNOHANG) > 0)
                ;
        } while (is_waiting && status == 0 && !strstr(text, "\"stopped\"") && now(CLOCK_MONOTONIC) < until);
        if (took < 0 || status != 0) {
            fprintf(stderr, "%s: %s\n", commands[i][0], text);
            return 1;
        }
        if (!is_waiting)
            total += took;
    }
    printf("%lld\n", (long long)total);
    return 0;
}
