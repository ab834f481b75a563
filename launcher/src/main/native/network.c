/*
 * The front's side, and what runs in the maker. It is started by the first request, so that a sandbox without sockets has no
 * such process. By then nothing of the guest's namespace can be trusted less than at the start: a guest has no capabilities, so
 * the namespace is as the kernel made it.
 */
#include "network.h"

#include "output.h"
#include "passing.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/nsfs.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAKER_FD 3

bool network_open(struct network *network, int *theirs)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
        complain("cannot make sockets: %s", strerror(errno));
        return false;
    }
    network->socket = pair[0];
    *theirs = pair[1];
    return true;
}

static int open_namespace(pid_t pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/ns/%s", pid, name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* What 0 of a user namespace is out here: user_namespaces(7), "INSIDE OUTSIDE COUNT" in each line. Nobody's if it is not mapped. */
static unsigned root_of(pid_t pid, const char *name)
{
    char path[64];
    unsigned inside, outside, count, root = 65534;
    snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
    FILE *map = fopen(path, "re");
    while (map && fscanf(map, "%u %u %u", &inside, &outside, &count) == 3)
        if (inside == 0)
            root = outside;
    if (map)
        fclose(map);
    return root;
}

/* Whether it is the network of this host's processes: ours, or that of pid 1. A container can be made to join that by its path. */
static bool is_network_of_host(int network_namespace)
{
    struct stat joined, ours;
    if (fstat(network_namespace, &joined) || stat("/proc/self/ns/net", &ours))
        return true;
    if (joined.st_dev == ours.st_dev && joined.st_ino == ours.st_ino)
        return true;
    return stat("/proc/1/ns/net", &ours) == 0 && joined.st_dev == ours.st_dev && joined.st_ino == ours.st_ino;
}

void network_enter_of(struct network *network, pid_t guest)
{
    if (network->is_raw) {
        network->root_uid = root_of(guest, "uid_map");
        network->root_gid = root_of(guest, "gid_map");
    }
    network->user_namespace = open_namespace(guest, "user");
    network->network_namespace = open_namespace(guest, "net");
    network->is_raw = network->is_raw && !is_network_of_host(network->network_namespace);
}

/* ------------------------------------------------------------------------------------------------------------- the maker */

int network_set_up_loopback(void)
{
    struct ifreq lo = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int result = ioctl(fd, SIOCGIFFLAGS, &lo);
    if (result == 0 && !(lo.ifr_flags & IFF_UP)) {
        lo.ifr_flags |= IFF_UP;
        result = ioctl(fd, SIOCSIFFLAGS, &lo);
    }
    close(fd);
    return result;
}

/* Echo requests by SOCK_DGRAM are for the groups in here (icmp(7)); who of the guest may do it is the sentry's business. */
static void allow_ping(gid_t group)
{
    char range[32];
    int length = snprintf(range, sizeof range, "%u %u", group, group);
    int fd = open("/proc/sys/net/ipv4/ping_group_range", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        if (write(fd, range, (size_t)length) < 0)
            errno = 0; /* then there is no ping */
        close(fd);
    }
}

static int set_capabilities(unsigned set)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{.effective = set, .permitted = set}};
    return (int)syscall(SYS_capset, &header, data);
}

/* Whether the network namespace belongs to the sandbox's user namespace: capabilities in there are then good for it. */
static bool is_own_network(const struct network *network)
{
    struct stat ours, owners;
    int owner = ioctl(network->network_namespace, NS_GET_USERNS);
    bool is_own = owner >= 0 && fstat(owner, &owners) == 0 && fstat(network->user_namespace, &ours) == 0 &&
                  owners.st_dev == ours.st_dev && owners.st_ino == ours.st_ino;
    if (owner >= 0)
        close(owner);
    return is_own;
}

/*
 * Raw sockets are for who has CAP_NET_RAW in the user namespace that the network namespace belongs to. If that is one further out
 * (a pod's, which the container was made to join) we stay there, in the network namespace, as the user that the guest's root is
 * there, and keep that capability alone.
 */
static int enter_from_outside(const struct network *network)
{
    allow_ping(network->root_gid);
    if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || setresgid(network->root_gid, network->root_gid, network->root_gid) ||
        setresuid(network->root_uid, network->root_uid, network->root_uid))
        return -1;
    return set_capabilities(1u << CAP_NET_RAW | 1u << CAP_SETPCAP);
}

/*
 * The guest's network namespace is either one of its own, which belongs to its user namespace, or one that it was made to join,
 * which belongs to a user namespace outside. Root can enter both from here, everybody else only the first, from its user
 * namespace. That is entered in any case but one, that of enter_from_outside: in the ids of the guest, which sockets carry, we are
 * nobody outside.
 */
static int enter(const struct network *network)
{
    bool stays_out = network->is_raw && !is_own_network(network);
    bool inside = setns(network->network_namespace, CLONE_NEWNET) == 0;
    if (stays_out && inside)
        return enter_from_outside(network);
    if (setns(network->user_namespace, CLONE_NEWUSER))
        return -1;
    if (!inside && setns(network->network_namespace, CLONE_NEWNET))
        return -1;
    /* A namespace that is somebody else's is set up by whoever made it. */
    if (network_set_up_loopback() && errno != EPERM)
        return -1;
    allow_ping(0);
    return setresgid(0, 0, 0) || setresuid(0, 0, 0) ? -1 : 0;
}

static int drop_privileges(bool is_raw)
{
    for (int capability = 0; prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0; capability++)
        ;
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
    if (set_capabilities(is_raw ? 1u << CAP_NET_RAW : 0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return -1;

    /* Receive from the sentry, make a socket, send it, close it: SocketMakerProfile has it for people. */
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 7, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_close, 6, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 5, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_recvfrom, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sendmsg, 0, 2),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)), /* the descriptor, an int */
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MAKER_FD, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof rules / sizeof *rules, rules};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program);
}

static int make(const struct network_request *request, bool is_raw)
{
    bool internet = request->domain == AF_INET || request->domain == AF_INET6;
    if (request->domain == AF_PACKET && !is_raw)
        return -EPERM; /* as the kernel says of the others that take the capability */
    bool packet = request->domain == AF_PACKET && (request->type == SOCK_RAW || request->type == SOCK_DGRAM);
    if (!internet && !packet && (request->domain != AF_NETLINK || request->protocol != NETLINK_ROUTE))
        return -EAFNOSUPPORT;
    int fd = socket(request->domain, request->type | SOCK_CLOEXEC | SOCK_NONBLOCK, request->protocol);
    return fd < 0 ? -errno : fd;
}

static void answer(int fd)
{
    int32_t result = fd < 0 ? fd : 0;
    if (!pass(MAKER_FD, &result, sizeof result, fd, 0))
        _exit(1);
    if (fd >= 0)
        close(fd);
}

static _Noreturn void serve(int failure, bool is_raw)
{
    struct network_request request;
    for (;;) {
        ssize_t n = recv(MAKER_FD, &request, sizeof request, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n != sizeof request)
            _exit(0); /* the sentry is gone */
        answer(failure ? failure : make(&request, is_raw));
    }
}

static _Noreturn void become_maker(const struct network *network, pid_t front)
{
    prctl(PR_SET_NAME, "redoubt-net", 0, 0, 0);
    setsid(); /* the caller's ^C is not for us */
    int failure = enter(network) ? -errno : 0;
    if (dup2(network->socket, MAKER_FD) < 0 || syscall(SYS_close_range, MAKER_FD + 1u, ~0u, 0) ||
        syscall(SYS_close_range, 0u, MAKER_FD - 1u, 0))
        _exit(1);
    /* After the change of ids, which clears it. */
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    if (getppid() != front)
        _exit(1);
    if (drop_privileges(network->is_raw) && !failure)
        failure = -errno;
    serve(failure, network->is_raw);
}

void network_asked(struct network *network, short revents)
{
    pid_t front = getpid();
    pid_t pid = (revents & POLLHUP) ? -1 : fork();
    if (pid == 0)
        become_maker(network, front);
    /* A request that nobody answers ends with an end of file. */
    close(network->socket);
    network->socket = -1;
    if (pid > 0) {
        network->pid = pid;
        network->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    }
}
