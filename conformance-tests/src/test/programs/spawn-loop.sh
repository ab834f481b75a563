#!/bin/bash
# needs: gcc
# timeout: 120
cd "$(mktemp -d)" || exit 1
cat >spawn.c <<'END'
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void)
{
    char *argv[] = {"true", NULL}, *envp[] = {NULL};
    int bad = 0, status;
    for (int i = 0; i < 1000; i++) {
        pid_t pid;
        if (posix_spawn(&pid, "./child", NULL, NULL, argv, envp) != 0 || waitpid(pid, &status, 0) != pid || status != 0x500) bad++;
    }
    for (int i = 0; i < 1000; i++) {
        pid_t pid = vfork();
        if (pid == 0) {
            execve("./child", argv, envp);
            _exit(1);
        }
        if (waitpid(pid, &status, 0) != pid || status != 0x500) bad++;
    }
    printf("bad %d\n", bad);
    return 0;
}
END
echo 'int main(void) { return 5; }' >child.c
gcc -O1 -static -o child child.c && gcc -O1 -o spawn spawn.c 2>/dev/null && ./spawn
