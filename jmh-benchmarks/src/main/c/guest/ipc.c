/* Between two processes: round trips of one byte, and blocks of 64 KiB one way, over a pipe, AF_UNIX and TCP. */
#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BLOCK = 64 * 1024 };

/* The parent writes to `out` and reads from `in`; the helper has the other two ends. */
static int in = -1, out = -1, far_in = -1, far_out = -1, listener = -1;
static struct sockaddr_in address;
static char block[BLOCK];

static void close_all(void)
{
    int open[] = {in, out, far_in, far_out, listener};
    for (int i = 0; i < 5; i++) {
        bool known = open[i] < 0;
        for (int j = 0; j < i; j++)
            known |= open[j] == open[i];
        if (!known)
            close(open[i]);
    }
    in = out = far_in = far_out = listener = -1;
}

static void echo(void)
{
    char c;
    close(out);
    if (in != out)
        close(in);
    while (read(far_in, &c, 1) == 1 && write(far_out, &c, 1) == 1)
        ;
}

/* Reads all, and answers a byte for each block, so that the writer knows that it arrived. */
static void drain(void)
{
    size_t have = 0;
    close(out);
    if (in != out)
        close(in);
    for (;;) {
        ssize_t got = read(far_in, block, sizeof block);
        if (got <= 0)
            return;
        for (have += (size_t)got; have >= BLOCK; have -= BLOCK)
            if (write(far_out, block, 1) != 1)
                return;
    }
}

static void pipes(void)
{
    int there[2], back[2];
    must(pipe(there) == 0, "pipe");
    far_in = there[0], out = there[1];
    must(pipe(back) == 0, "pipe");
    in = back[0], far_out = back[1];
}

static void unix_sockets(void)
{
    int ends[2];
    must(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "socketpair");
    in = out = ends[0];
    far_in = far_out = ends[1];
}

static void listen_tcp(long argument)
{
    socklen_t length = sizeof address;
    (void)argument;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    must(listener >= 0, "socket(AF_INET)");
    address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    must(bind(listener, (struct sockaddr *)&address, sizeof address) == 0, "bind");
    must(listen(listener, 128) == 0, "listen");
    must(getsockname(listener, (struct sockaddr *)&address, &length) == 0, "getsockname");
}

static int connect_tcp(void)
{
    int s = socket(AF_INET, SOCK_STREAM, 0);
    must(s >= 0, "socket(AF_INET)");
    must(connect(s, (struct sockaddr *)&address, sizeof address) == 0, "connect");
    return s;
}

static void tcp_sockets(void)
{
    listen_tcp(0);
    in = out = connect_tcp();
    far_in = far_out = accept(listener, NULL, NULL);
    must(far_in >= 0, "accept");
    setsockopt(out, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    setsockopt(far_out, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

static void (*const connections[])(void) = {pipes, unix_sockets, tcp_sockets};

/* Only the helper may hold the far end: its death must be an end of file here. */
static void start(long which, void (*body)(void))
{
    connections[which]();
    helper(body);
    close(far_in);
    if (far_out != far_in)
        close(far_out);
    far_in = far_out = -1;
}

static void start_echo(long which) { start(which, echo); }
static void start_drain(long which) { start(which, drain); }

static int64_t ping_pong(long n, long which)
{
    char c = 'x';
    (void)which;
    while (n-- > 0)
        must(write(out, &c, 1) == 1 && read(in, &c, 1) == 1, "round trip");
    return 0;
}

/* At most 32 blocks under way. */
static int64_t throughput(long n, long which)
{
    long sent = 0, arrived = 0;
    char answers[64];
    (void)which;
    while (arrived < n) {
        if (sent < n && sent - arrived < 32) {
            for (size_t done = 0; done < BLOCK;) {
                ssize_t some = write(out, block + done, BLOCK - done);
                must(some > 0, "write");
                done += (size_t)some;
            }
            sent++;
            continue;
        }
        ssize_t got = read(in, answers, sizeof answers);
        must(got > 0, "read");
        arrived += got;
    }
    return 0;
}

/* Within one process: no switch, only the buffer. */
static void prepare_pipe(long size) { (void)size, pipes(); }

static int64_t write_read(long n, long size)
{
    while (n-- > 0)
        must(write(out, block, (size_t)size) == size && read(far_in, block, (size_t)size) == size, "pipe");
    return 0;
}

static int64_t connects(long n, long argument)
{
    (void)argument;
    while (n-- > 0) {
        int near = connect_tcp(), far = accept(listener, NULL, NULL);
        must(far >= 0, "accept");
        /* A reset instead of TIME_WAIT, or the ports run out. */
        setsockopt(near, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
        close(near);
        close(far);
    }
    return 0;
}

const struct benchmark ipc_benchmarks[] = {
    {"pipe.write-read.1", prepare_pipe, write_read, close_all, 1},
    {"pipe.write-read.4k", prepare_pipe, write_read, close_all, 4096},
    {"pipe.write-read.64k", prepare_pipe, write_read, close_all, BLOCK},
    {"pipe.ping-pong", start_echo, ping_pong, close_all, 0},
    {"pipe.throughput.64k", start_drain, throughput, close_all, 0},
    {"unix.ping-pong", start_echo, ping_pong, close_all, 1},
    {"unix.throughput.64k", start_drain, throughput, close_all, 1},
    {"tcp.ping-pong", start_echo, ping_pong, close_all, 2},
    {"tcp.throughput.64k", start_drain, throughput, close_all, 2},
    {"tcp.connect-accept-close", listen_tcp, connects, close_all, 0},
    {NULL, NULL, NULL, NULL, 0},
};
