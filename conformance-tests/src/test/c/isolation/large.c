/*
 * large: reads a file of /tmp by pread(2), first much of it at a time, which the host kernel may do itself, and then little, by the
 * same call in the program. Prints "good" when all returned what they should.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BYTES (1 << 20)

int main(void)
{
    static char written[BYTES], buffer[BYTES];
    char name[] = "/tmp/large-XXXXXX";
    memset(written, 'x', sizeof written);
    int fd = mkstemp(name), wrong = fd < 0 || write(fd, written, BYTES) != BYTES || unlink(name);
    for (int i = 0; i < 20100 && !wrong; i++) {
        size_t size = i < 100 ? BYTES : 1;
        memset(buffer, 0, size);
        wrong += pread(fd, buffer, size, 0) != (ssize_t)size || memcmp(buffer, written, size) != 0;
    }
    return wrong ? 1 : puts("good") < 0;
}
