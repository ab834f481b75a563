/* A guest that says what it sees of itself; built static, dynamic, static-pie and with large alignment. */
#include <signal.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#ifndef ALIGNMENT
#define ALIGNMENT 64
#endif
static alignas(ALIGNMENT) char aligned[3 * ALIGNMENT] = {1};
static char zeroes[100000];
static __thread int local = 7;

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "sleep") == 0) {
        (void)!write(1, "up\n", 3);
        for (;;)
            pause();
    }
    if (argc > 1 && strcmp(argv[1], "read") == 0) {
        char line[100];
        ssize_t n = read(0, line, sizeof line - 1);
        printf("read %zd %.*s\n", n, (int)(n < 0 ? 0 : n), line);
        return 0;
    }
    if (argc > 2 && strcmp(argv[1], "die") == 0)
        kill(getpid(), atoi(argv[2]));
    for (int i = 0; i < argc; i++)
        printf("[%s]", argv[i]);
    for (unsigned i = 0; i < sizeof zeroes; i++)
        if (zeroes[i])
            puts(" bss is not zero");
    void *break_before = sbrk(4096);
    printf("\nexecfn=%s secure=%lu uid=%lu aligned=%d local=%d brk=%d stack=%d SANDBOX=%s HOME=%s GONE=%s\n",
           (char *)getauxval(AT_EXECFN), getauxval(AT_SECURE), getauxval(AT_UID),
           (uintptr_t)aligned % ALIGNMENT == 0 && aligned[0] == 1, local, break_before != (void *)-1,
           (uintptr_t)__builtin_frame_address(0) % 16 == 0, getenv("SANDBOX"), getenv("HOME"), getenv("GONE"));
    return argc;
}
