/*
 * often: makes the same calls so often that the ring tier has some thousands of them, also on a busy machine, where those come by
 * traps that are made while the poller has no CPU. Prints "good" when all returned what they should.
 * With an argument: looks at it, a file there, and for a name that is not there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int look(const char *directory)
{
    char file[4096], missing[4096];
    snprintf(file, sizeof file, "%s/file", directory);
    snprintf(missing, sizeof missing, "%s/missing", directory);
    int wrong = 0;
    for (int i = 0; i < 20000; i++) {
        struct stat st;
        wrong += stat(file, &st) != 0 || st.st_size != 4;
        wrong += access(missing, F_OK) == 0 || errno != ENOENT;
        int fd = open(file, O_RDONLY);
        wrong += fd < 0 || close(fd);
    }
    return wrong ? 1 : puts("good") < 0;
}

int main(int argc, char **argv)
{
    if (argc > 1)
        return look(argv[1]);
    int fd = open("/", O_RDONLY | O_DIRECTORY), wrong = fd < 0;
    struct stat st;
    for (int i = 0; i < 40000; i++) {
        wrong += lseek(fd, 0, SEEK_CUR) != 0;
        wrong += fstat(fd, &st) != 0 || !S_ISDIR(st.st_mode);
    }
    return wrong ? 1 : puts("good") < 0;
}
