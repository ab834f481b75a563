/*
 * storm FILE: a load of trapped calls from several processes and threads, which tells in FILE, a mapping that needs no call, how many
 * calls there were (word 0), and how many were answered with ENOSYS (word 1): as the kernel answers them when nobody listens any more.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static volatile unsigned *words;

static void *loop(void *nothing)
{
    struct stat status;
    char byte;
    int pipes[2];
    if (pipe(pipes))
        return nothing;
    for (unsigned i = 0;; i++) {
        int failed = 0;
        errno = 0;
        switch (i % 4) {
        case 0:
            failed = stat("/", &status);
            break;
        case 1:
            failed = write(pipes[1], "", 1) != 1;
            break;
        case 2:
            failed = read(pipes[0], &byte, 1) != 1;
            break;
        case 3:
            failed = access("/nothing", F_OK) && errno != ENOENT;
            break;
        }
        __atomic_fetch_add(&words[0], 1, __ATOMIC_RELAXED);
        if (failed && errno == ENOSYS)
            __atomic_fetch_add(&words[1], 1, __ATOMIC_RELAXED);
    }
}

int main(int argc, char **argv)
{
    int fd = argc > 1 ? open(argv[1], O_RDWR) : -1;
    words = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd < 0 || words == MAP_FAILED) {
        perror("storm");
        return 1;
    }
    for (int i = 0; i < 2; i++)
        if (fork() == 0)
            break;
    pthread_t thread;
    pthread_create(&thread, NULL, loop, NULL);
    loop(NULL);
}
