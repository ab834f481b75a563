/*
 * often: makes the same calls so often that the ring tier has some thousands of them, also on a busy machine, where those come by
 * traps that are made while the poller has no CPU. Prints "good" when all returned what they should.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void)
{
    int fd = open("/", O_RDONLY | O_DIRECTORY), wrong = fd < 0;
    struct stat st;
    for (int i = 0; i < 40000; i++) {
        wrong += lseek(fd, 0, SEEK_CUR) != 0;
        wrong += fstat(fd, &st) != 0 || !S_ISDIR(st.st_mode);
    }
    return wrong ? 1 : puts("good") < 0;
}
