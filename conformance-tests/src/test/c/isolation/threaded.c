/* threaded: calls that were made a few times before a thread was, and then often. Prints "good" when all returned what they should. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static int fd, wrong;

static void work(int n)
{
    for (int i = 0; i < n; i++) {
        struct stat st;
        wrong += lseek(fd, 0, SEEK_CUR) != 0;
        wrong += fstat(fd, &st) != 0 || !S_ISDIR(st.st_mode);
    }
}

static void *thread(void *none)
{
    work(20000);
    return none;
}

int main(void)
{
    pthread_t t;
    fd = open("/", O_RDONLY | O_DIRECTORY);
    wrong = fd < 0;
    work(5);
    if (pthread_create(&t, NULL, thread, NULL) || pthread_join(t, NULL))
        return 1;
    work(20000);
    return wrong ? 1 : puts("good") < 0;
}
