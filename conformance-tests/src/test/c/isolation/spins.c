/*
 * spins [FD]: is in code of its own nearly all the time, and makes a call now and then, whose result it checks: each byte that it reads
 * is the next one. Without a descriptor it makes none. Ends at the end of the file: 0, or 1 when something was not as it should be.
 */
#include <stdlib.h>
#include <unistd.h>

static void spin(void)
{
    for (volatile int i = 0; i < 300000; i++)
        ;
}

int main(int argc, char **argv)
{
    if (argc < 2)
        for (;;)
            spin();
    unsigned char byte, next = 0;
    if (write(1, "ready\n", 6) != 6)
        return 1;
    for (;;) {
        spin();
        ssize_t n = read(atoi(argv[1]), &byte, 1);
        if (n != 1)
            return n != 0;
        if (byte != next++)
            return 1;
    }
}
