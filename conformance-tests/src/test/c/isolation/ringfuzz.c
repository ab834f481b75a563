/*
 * ringfuzz SECONDS: a process whose two threads write nonsense into the memory that it shares with the sandbox, as fast as they can,
 * beside one that makes calls and looks at what they return. Prints "calls N wrong N identity N" of the second.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* launcher/src/main/native/ring.h */
#define REGION 0x183000
#define WORDS (0x63000 / 4)
#define PAYLOADS (0x3000 / 4)
#define PAYLOAD (0x3000 / 4)
#define HAS_PAYLOAD 0x10000

static long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static unsigned next(unsigned *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

/* Calls that may have a payload. */
static const unsigned short with[] = {0, 1, 2, 4, 5, 6, 7, 17, 18, 21, 44, 45, 79, 89, 217, 232, 257, 262, 281, 332};

#define BYTES 200000
static char buffer[BYTES];

/* A file that is used so often that the sandbox maps it here; the other process makes it shorter and longer. */
static void use(int fd)
{
    for (int i = 0; i < 2000; i++) {
        pread(fd, buffer, 1000, i * 50);
        pwrite(fd, buffer, 1000, i * 50);
    }
}

/* Mostly words that mean something: states, numbers of calls, small arguments, addresses. */
static void *scribble(void *argument)
{
    unsigned seed = (unsigned)(long)argument;
    volatile unsigned *word = (volatile unsigned *)REGION;
    for (unsigned beat = 0;; beat++) {
        word[1024 + beat % 32 * 64 + 30]++; /* as if a thread waited there */
        unsigned slot = 1024 + next(&seed) % 32 * 64, r = next(&seed);
        switch (r & 15) {
        case 0: word[slot] = 1; break;
        case 1: word[slot] = next(&seed) % 9; break;
        case 2: word[slot + 1] = next(&seed) % 450; break;
        case 3: word[slot + 2 + next(&seed) % 14] = next(&seed); break;
        case 4: word[slot + 2 + next(&seed) % 14] = next(&seed) % 8; break;
        case 5: word[64] = ~0u; break;
        case 6: word[next(&seed) % WORDS] = r; break;
        case 7: word[0] = 1; break;
        /* Calls that say that they have a payload, and lengths of all sizes in it; ranges for its own trampoline. */
        case 8: word[slot + 1] = HAS_PAYLOAD | (next(&seed) % 450); break;
        case 9: word[slot + 1] = HAS_PAYLOAD | with[next(&seed) % (sizeof with / sizeof *with)]; break;
        case 10: word[PAYLOADS + next(&seed) % 32 * PAYLOAD + next(&seed) % 4] = next(&seed) << 8; break;
        case 11: word[PAYLOADS + next(&seed) % 32 * PAYLOAD + next(&seed) % 4] = next(&seed) % 14000; break;
        case 12: word[PAYLOADS + next(&seed) % 32 * PAYLOAD + 4 + next(&seed) % (PAYLOAD - 4)] = next(&seed); break;
        case 13: word[128 + next(&seed) % 70] = next(&seed) % 300; break;
        default: word[slot] = 1; break;
        }
    }
    return NULL;
}

static void fuzz(void)
{
    pthread_t thread;
    /* It will make calls that nobody has thought of: not to a descriptor of anybody else. */
    for (int i = 0; i < 100; i++)
        close(i);
    int fd = open("/dev/null", O_RDWR);
    for (int i = 0; i < 3000; i++)
        lseek(fd, 0, SEEK_CUR);
    use(open("ringfuzz-both", O_RDWR));
    if (syscall(SYS_madvise, REGION, WORDS * 4, MADV_NORMAL))
        _exit(3);
    setresuid(12345, 12345, 12345);
    pthread_create(&thread, NULL, scribble, (void *)1L);
    scribble((void *)2L);
}

int main(int argc, char **argv)
{
    int seconds = argc > 1 ? atoi(argv[1]) : 3, status;
    long calls = 0, wrong = 0, identity = 0;
    int fd = open("ringfuzz-file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    int both = open("ringfuzz-both", O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || both < 0 || pwrite(fd, buffer, BYTES, 0) != BYTES || pwrite(both, buffer, BYTES, 0) != BYTES)
        return 2;
    pid_t pid = fork();
    if (pid == 0)
        fuzz();
    for (long end = now_ms() + seconds * 1000L; now_ms() < end;) {
        wrong += ftruncate(both, 0) != 0 || pread(both, buffer, 1000, 0) < 0 || ftruncate(both, BYTES) != 0;
        for (int i = 0; i < 100; i++, calls++) {
            wrong += lseek(fd, i, SEEK_SET) != i;
            identity += geteuid() != 0;
            int missing = open("ringfuzz-missing", O_RDONLY);
            wrong += missing != -1 || errno != ENOENT;
            int is = -1;
            wrong += pwrite(fd, &i, sizeof i, i * 2000) != sizeof i || pread(fd, &is, sizeof is, i * 2000) != sizeof is || is != i;
        }
    }
    /* It may have ended by what it made its own calls do; it cannot have touched a file of the other's identity. */
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    struct flock lock = {.l_type = F_WRLCK};
    wrong += fcntl(fd, F_GETLK, &lock) != 0;
    unlink("ringfuzz-file");
    unlink("ringfuzz-both");
    printf("calls %ld wrong %ld identity %ld\n", calls, wrong, identity);
    return WIFEXITED(status) && WEXITSTATUS(status) == 3 ? 3 : 0;
}
