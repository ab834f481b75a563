/* poll and epoll over many descriptors of which one is ready, and an event counter. */
#include "bench.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { MOST = 1000 };

static int fds[MOST], count, epoll = -1;
static struct pollfd polled[MOST];

static void open_fds(long n)
{
    for (count = 0; count < n; count++) {
        fds[count] = eventfd(count == n - 1, EFD_CLOEXEC | EFD_NONBLOCK); /* the last one is ready */
        must(fds[count] >= 0, "eventfd");
        polled[count] = (struct pollfd){.fd = fds[count], .events = POLLIN};
    }
}

static void open_epoll(long n)
{
    open_fds(n);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    must(epoll >= 0, "epoll_create1");
    for (int i = 0; i < count; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.fd = fds[i]};
        must(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &e) == 0, "epoll_ctl");
    }
}

static int64_t polls(long n, long fds_wanted)
{
    while (n-- > 0)
        must(poll(polled, (nfds_t)fds_wanted, 1000) == 1, "poll");
    return 0;
}

static int64_t epolls(long n, long fds_wanted)
{
    struct epoll_event e;
    (void)fds_wanted;
    while (n-- > 0)
        must(epoll_wait(epoll, &e, 1, 1000) == 1, "epoll_wait");
    return 0;
}

static int64_t counter(long n, long argument)
{
    uint64_t value = 1;
    (void)argument;
    while (n-- > 0)
        must(write(fds[0], &value, 8) == 8 && read(fds[0], &value, 8) == 8, "eventfd");
    return 0;
}

static void clean(void)
{
    for (int i = 0; i < count; i++)
        close(fds[i]);
    count = 0;
    if (epoll >= 0)
        close(epoll);
    epoll = -1;
}

const struct benchmark poll_benchmarks[] = {
    {"poll.1", open_fds, polls, clean, 1},          {"poll.100", open_fds, polls, clean, 100},
    {"poll.1000", open_fds, polls, clean, 1000},    {"epoll.1", open_epoll, epolls, clean, 1},
    {"epoll.100", open_epoll, epolls, clean, 100},  {"epoll.1000", open_epoll, epolls, clean, 1000},
    {"eventfd.write-read", open_fds, counter, clean, 1}, {NULL, NULL, NULL, NULL, 0},
};
