/*
 * Makes system calls in a child each and prints what became of them: "NAME ok", "NAME ERRNO" or "NAME signal N".
 * Usage: calls NAME:NUMBER[:ARG...] ...; NUMBER of "thread" ends one thread of two by the call, "handler" prints what a SIGSYS
 * handler is told, "exec" executes this program again.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static long number, arguments[6];

static long make(void)
{
    return syscall(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

static void *make_in_thread(void *unused)
{
    make();
    return unused;
}

static void handle(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)context;
    printf("code %d call %d ", info->si_code, info->si_syscall);
}

static void child(const char *mode)
{
    if (strcmp(mode, "thread") == 0) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, make_in_thread, NULL))
            _exit(100);
        usleep(200000);
        _exit(7);
    }
    if (strcmp(mode, "exec") == 0) {
        char *argv[] = {"calls", NULL};
        execv("/bin/calls", argv);
        _exit(errno);
    }
    if (strcmp(mode, "handler") == 0) {
        struct sigaction action = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO};
        sigaction(SIGSYS, &action, NULL);
    }
    errno = 0;
    long result = make();
    fflush(stdout);
    _exit(result < 0 ? errno : 0);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOFBF, 4096);
    for (int i = 1; i < argc; i++) {
        char *rest = argv[i], *name = strsep(&rest, ":"), *mode = "", *word;
        int status, count = 0;
        memset(arguments, 0, sizeof arguments);
        word = strsep(&rest, ":");
        if (word && (word[0] < '0' || word[0] > '9')) {
            mode = word;
            word = strsep(&rest, ":");
        }
        number = word ? strtol(word, NULL, 0) : -1;
        while ((word = strsep(&rest, ":")) && count < 6)
            arguments[count++] = (long)strtoul(word, NULL, 0);
        printf("%s ", name);
        fflush(stdout);
        pid_t pid = fork();
        if (pid == 0)
            child(mode);
        if (pid < 0 || waitpid(pid, &status, 0) != pid)
            printf("fork %s\n", strerrorname_np(errno));
        else if (WIFSIGNALED(status))
            printf("signal %d\n", WTERMSIG(status));
        else if (WEXITSTATUS(status))
            printf("%s\n", WEXITSTATUS(status) == 7 && strcmp(mode, "thread") == 0 ? "lives" : strerrorname_np(WEXITSTATUS(status)));
        else
            printf("ok\n");
        fflush(stdout);
    }
    return 0;
}
