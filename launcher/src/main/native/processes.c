/* ps, and who a signal to all is for. */
#include "processes.h"

#include "oci.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool namespace_of(const char *pid, char *name, size_t size)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%.20s/ns/pid", pid);
    ssize_t n = readlink(path, name, size - 1);
    name[n < 0 ? 0 : n] = 0;
    return n > 0;
}

void processes_each(const struct container *container, int argument, void (*visit)(pid_t pid, int argument))
{
    char pid[16], wanted[64], its[64];
    pid_t init = container_pid(container);
    snprintf(pid, sizeof pid, "%d", init);
    if (!init || !namespace_of(pid, wanted, sizeof wanted))
        return;
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    while (processes && (entry = readdir(processes)))
        if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && namespace_of(entry->d_name, its, sizeof its) &&
            strcmp(its, wanted) == 0)
            visit(atoi(entry->d_name), argument);
    if (processes)
        closedir(processes);
}

static pid_t *pids;
static size_t count;

static void collect(pid_t pid, int unused)
{
    (void)unused;
    pids = realloc(pids, (count + 1) * sizeof *pids);
    if (!pids)
        abort();
    pids[count++] = pid;
}

static bool is_ours(long pid)
{
    for (size_t i = 0; i < count; i++)
        if (pids[i] == pid)
            return true;
    return false;
}

/* Runs ps with the user's options and keeps the lines whose PID column is one of ours. */
static int print_table(char **options)
{
    static char program[] = "ps", all[] = "-ef", *usual[] = {program, all, NULL};
    int output[2], status;
    if (pipe(output))
        oci_fail("cannot make a pipe: %s", strerror(errno));
    pid_t pid = fork();
    if (pid == 0) {
        dup2(output[1], 1);
        close(output[0]);
        close(output[1]);
        options[-1] = program;
        char **argv = *options ? options - 1 : usual;
        execvp("ps", argv);
        fprintf(stderr, "redoubt: cannot run ps: %s; install it (apt-get install procps)\n", strerror(errno));
        _exit(127);
    }
    close(output[1]);
    FILE *lines = fdopen(output[0], "r");
    char *line = NULL;
    size_t size = 0;
    int column = -1;
    while (lines && getline(&line, &size, lines) > 0) {
        char *words = strdup(line), *rest = words, *word;
        bool is_title = column < 0, keep = is_title;
        for (int k = 0; (word = strsep(&rest, " \t\n"));) {
            if (!*word)
                continue;
            if (is_title && strcmp(word, "PID") == 0)
                column = k;
            else if (!is_title && k == column)
                keep = is_ours(atol(word));
            k++;
        }
        if (is_title && column < 0)
            oci_fail("ps does not print a column PID: give it other options");
        if (keep)
            fputs(line, stdout);
        free(words);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int command_ps(void)
{
    struct container container;
    container_require(&container, false);
    const char *format = oci.format ? oci.format : "table";
    if (strcmp(format, "json") && strcmp(format, "table"))
        oci_fail("invalid format option");
    processes_each(&container, 0, collect);
    if (strcmp(format, "table") == 0)
        return print_table(oci.words + 1);
    printf("[");
    for (size_t i = 0; i < count; i++)
        printf("%s%d", i ? "," : "", pids[i]);
    puts("]");
    return 0;
}
