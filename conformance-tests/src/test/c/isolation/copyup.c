/* copyup FILE: reads much of a file that was there before, before and after it is written to and cut, through other descriptors. */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

static char b[300000];

static void show(const char *what, long n, int fd)
{
    printf("%s: %ld at %ld: %.7s\n", what, n, (long)lseek(fd, 0, SEEK_CUR), n > 6 ? b : "");
}

int main(int argc, char **argv)
{
    int fd = argc == 2 ? open(argv[1], O_RDONLY) : -1, writer = fd < 0 ? -1 : open(argv[1], O_RDWR);
    if (writer < 0)
        return 1;
    show("first", read(fd, b, sizeof b), fd);
    long written = pwrite(writer, "changed", 7, 300000), aside = pread(fd, b, sizeof b, 5); /* and nothing about the position between */
    show("aside", aside, fd);
    show("written", written, fd);
    show("behind", read(fd, b, sizeof b), fd);
    show("small", read(fd, b, 1000), fd);
    show("cut", ftruncate(writer, 700000), fd);
    show("rest", read(fd, b, sizeof b), fd);
    show("end", read(fd, b, sizeof b), fd);
    show("elsewhere", pread(fd, b, sizeof b, 300000), fd);
    return 0;
}
