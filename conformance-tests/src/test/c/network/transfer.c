/*
 * transfer receive PORT | transfer send ADDRESS PORT BYTES: so much over one TCP connection, and the checksum of what was sent and of
 * what came. The receiver answers with its own checksum, so that the way back is used as well, after the sender has shut its half.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static uint64_t words[8192];
static uint64_t state = 88172645463325252u, sum = 14695981039346656037u;
static uint64_t total;

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* FNV-1a, a byte at a time: where the stream is cut makes no difference. */
static void add(const unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sum = (sum ^ bytes[i]) * 1099511628211u;
    total += count;
}

static void fill(void)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        words[i] = state;
    }
}

static void receive(int port)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int server = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(server, (struct sockaddr *)&here, sizeof here) || listen(server, 1))
        fail("listen");
    int fd = accept(server, NULL, NULL);
    ssize_t n;
    while ((n = read(fd, words, sizeof words)) > 0)
        add((unsigned char *)words, (size_t)n);
    if (n < 0 || write(fd, &sum, sizeof sum) != sizeof sum)
        fail("receive");
}

static void send_all(const char *address, int port, uint64_t bytes)
{
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    inet_pton(AF_INET, address, &there.sin_addr);
    int fd;
    for (int tries = 0;; tries++) {
        fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&there, sizeof there) == 0)
            break;
        if (errno != ECONNREFUSED || tries == 1000)
            fail("connect");
        close(fd);
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    while (total < bytes) {
        fill();
        size_t size = bytes - total < sizeof words ? (size_t)(bytes - total) : sizeof words;
        for (size_t done = 0; done < size;) {
            ssize_t n = write(fd, (char *)words + done, size - done);
            if (n <= 0)
                fail("send");
            done += (size_t)n;
        }
        add((unsigned char *)words, size);
    }
    shutdown(fd, SHUT_WR);
    uint64_t theirs = 0;
    if (recv(fd, &theirs, sizeof theirs, MSG_WAITALL) != sizeof theirs || theirs != sum)
        fail("the receiver has another checksum");
}

int main(int argc, char **argv)
{
    if (argc == 3)
        receive(atoi(argv[2]));
    else if (argc == 5)
        send_all(argv[2], atoi(argv[3]), strtoull(argv[4], NULL, 10));
    else
        return 2;
    printf("%llu %016llx\n", (unsigned long long)total, (unsigned long long)sum);
    return 0;
}
