#!/bin/bash
# needs: gcc
cd "$(mktemp -d)" || exit 1
cat >threads.c <<'END'
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
static pthread_barrier_t barrier;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long total;
static void *work(void *p)
{
    char name[32], text[16];
    snprintf(name, sizeof name, "f%ld", (long)p);
    pthread_barrier_wait(&barrier);
    for (int i = 0; i < 20; i++) {
        int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);
        int n = snprintf(text, sizeof text, "%ld", (long)p + i);
        if (write(fd, text, n) != n || lseek(fd, 0, SEEK_SET) != 0) exit(1);
        char back[16] = "";
        if (read(fd, back, sizeof back) != n) exit(2);
        close(fd);
        pthread_mutex_lock(&mutex);
        total += atol(back);
        pthread_mutex_unlock(&mutex);
    }
    unlink(name);
    pthread_barrier_wait(&barrier);
    return p;
}
int main(void)
{
    pthread_t t[200];
    long sum = 0;
    pthread_barrier_init(&barrier, NULL, 200);
    for (long i = 0; i < 200; i++)
        if (pthread_create(&t[i], NULL, work, (void *)i)) return 3;
    for (int i = 0; i < 200; i++) { void *r; pthread_join(t[i], &r); sum += (long)r; }
    printf("%ld %ld\n", total, sum);
    return 0;
}
END
gcc -O1 -pthread -o threads threads.c && ./threads && ./threads && ls
