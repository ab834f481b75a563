/* waits: says that it is there, and waits to be killed. */
#include <unistd.h>

int main(void)
{
    if (write(1, "ready\n", 6) != 6)
        return 1;
    for (;;)
        pause();
}
