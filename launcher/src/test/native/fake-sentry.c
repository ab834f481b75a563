/*
 * Stands in for the two JVMs in the tests of front and stub: REDOUBT_JAVA points here. It does with the guest what the sentry
 * does as far as exec and loading go, and lets everything else continue on descriptors that it injects, so the guest is not
 * isolated at all. Usage below the front: do [-t] [-b] PROGRAM ARGS; REDOUBT_FAKE=hang-start|hang-go|hang-done|fail|die to misbehave.
 */
#define _GNU_SOURCE
#include "../../main/native/frames.h"
#include "../../main/native/stub.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

static int listener = -1, stub = -1, console = -1, guest;
static char program[4096]; /* that of the pending exec */
static bool is_started;

#define MUST(x) must((long)(x), #x)
static long must(long result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "fake sentry: %s: %s\n", what, strerror(errno));
        exit(3);
    }
    return result;
}

static void send_frame(uint32_t type, const void *payload, uint32_t length)
{
    uint32_t header[2] = {type, length};
    MUST(write(3, header, 8));
    if (length)
        MUST(write(3, payload, length));
}

static int receive_frame(uint32_t *type, char *payload, int *fd)
{
    uint32_t header[2];
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec part = {header, 8};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    if (recvmsg(3, &message, MSG_WAITALL) != 8)
        exit(4);
    struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message);
    *fd = -1;
    if (cmsg)
        memcpy(fd, CMSG_DATA(cmsg), sizeof *fd);
    if (header[1] && recv(3, payload, header[1], MSG_WAITALL) != (ssize_t)header[1])
        exit(4);
    *type = header[0];
    return (int)header[1];
}

static void peek(int pid, unsigned long address, void *to, size_t length)
{
    struct iovec local = {to, length}, remote = {(void *)address, length};
    memset(to, 0, length);
    if (process_vm_readv(pid, &local, 1, &remote, 1, 0) < 0) {
        /* the string ends near the end of a mapping */
        size_t page = 4096 - (address & 4095);
        local.iov_len = remote.iov_len = length < page ? length : page;
        MUST(process_vm_readv(pid, &local, 1, &remote, 1, 0));
    }
}

static int add_fd(unsigned long long id, int fd, int at)
{
    struct seccomp_notif_addfd add = {.id = id, .srcfd = (unsigned)fd, .newfd = at < 0 ? 0 : (unsigned)at,
                                      .flags = at < 0 ? 0 : SECCOMP_ADDFD_FLAG_SETFD};
    return (int)MUST(ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add));
}

static void answer(unsigned long long id, long value, bool is_continue)
{
    struct seccomp_notif_resp response = {.id = id};
    response.flags = is_continue ? SECCOMP_USER_NOTIF_FLAG_CONTINUE : 0;
    if (value < 0)
        response.error = (int)value;
    else
        response.val = value;
    ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
}

/* Fills in one object; returns false if it is no ELF. interpreter gets PT_INTERP. */
static bool read_object(const char *path, struct stub_object *object, struct stub_plan *plan, char *interpreter, int *fd)
{
    Elf64_Ehdr header;
    Elf64_Phdr table[32];
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0 || read(*fd, &header, sizeof header) != sizeof header || memcmp(header.e_ident, ELFMAG, 4))
        return false;
    MUST(pread(*fd, table, sizeof table, (off_t)header.e_phoff));
    object->is_fixed = header.e_type == ET_EXEC;
    object->entry = header.e_entry;
    uint64_t low = ~0ull, high = 0, phdr = 0;
    for (int i = 0; i < header.e_phnum; i++) {
        const Elf64_Phdr *p = &table[i];
        if (p->p_type == PT_INTERP && interpreter)
            MUST(pread(*fd, interpreter, p->p_filesz, (off_t)p->p_offset));
        if (p->p_type != PT_LOAD)
            continue;
        uint32_t prot = (p->p_flags & PF_R ? PROT_READ : 0) | (p->p_flags & PF_W ? PROT_WRITE : 0) |
                        (p->p_flags & PF_X ? PROT_EXEC : 0);
        object->segment[object->segment_count++] = (struct stub_segment){p->p_vaddr, p->p_memsz, p->p_filesz, p->p_offset, prot, 0};
        if (p->p_vaddr < low)
            low = p->p_vaddr & ~4095ull;
        if (p->p_vaddr + p->p_memsz > high)
            high = p->p_vaddr + p->p_memsz;
        if (p->p_offset <= header.e_phoff && header.e_phoff < p->p_offset + p->p_filesz)
            phdr = header.e_phoff - p->p_offset + p->p_vaddr;
        while (p->p_align > 1ull << object->align_log2)
            object->align_log2++;
    }
    object->min_vaddr = low;
    object->span = ((high + 4095) & ~4095ull) - low;
    if (interpreter) {
        plan->entry = header.e_entry;
        plan->phdr = phdr;
        plan->phent = header.e_phentsize;
        plan->phnum = header.e_phnum;
    }
    return true;
}

static void serve_load(const struct seccomp_notif *request)
{
    static union {
        struct stub_plan plan;
        char bytes[STUB_BUFFER];
    } buffer;
    struct stub_plan *plan = &buffer.plan;
    char interpreter[256] = "", script[4200] = "", word[256] = "", *file = program;
    memset(&buffer, 0, sizeof buffer);
    plan->magic = STUB_MAGIC;
    plan->secure = 0;
    char *strings = buffer.bytes + sizeof *plan, *at = strings;
    at = stpcpy(at, program) + 1;

    int fds[2];
    if (!read_object(program, &plan->object[0], plan, interpreter, &fds[0])) {
        /* "#!interpreter argument": both in front, and the script's path in place of argv[0] */
        MUST(pread(fds[0], script, sizeof script - 1, 0));
        char *argument = NULL;
        script[strcspn(script, "\n")] = 0;
        sscanf(script, "#!%255s", word);
        if ((argument = strchr(script + 2 + (script[2] == ' '), ' ')))
            argument++;
        at = stpcpy(at, word) + 1;
        if (argument)
            at = stpcpy(at, argument) + 1;
        at = stpcpy(at, program) + 1;
        plan->argv_prefix = argument ? 3 : 2;
        plan->argv_drop = 1;
        file = word;
        if (!read_object(word, &plan->object[0], plan, interpreter, &fds[0])) {
            answer(request->id, -ENOEXEC, false);
            return;
        }
    }
    const char *comm = strrchr(program, '/');
    at = stpcpy(at, comm ? comm + 1 : file) + 1;
    plan->object_count = 1;
    if (*interpreter) {
        plan->object_count = 2;
        if (!read_object(interpreter, &plan->object[1], plan, NULL, &fds[1]))
            exit(5);
    }
    for (uint32_t i = 0; i < plan->object_count; i++) {
        plan->object[i].fd = add_fd(request->id, fds[i], -1);
        close(fds[i]);
    }
    plan->strings_offset = sizeof *plan;
    plan->strings_length = (uint32_t)(at - strings);
    size_t length = (size_t)(at - buffer.bytes);
    struct iovec local = {&buffer, length}, remote = {(void *)request->data.args[1], length};
    MUST(process_vm_writev((int)request->pid, &local, 1, &remote, 1, 0));
    answer(request->id, (long)length, false);
}

static int open_stub(void)
{
    char bytes[65536], path[64];
    int from = (int)MUST(open(getenv("REDOUBT_STUB"), O_RDONLY));
    ssize_t length = MUST(read(from, bytes, sizeof bytes));
    int memory = (int)MUST(memfd_create("stub", MFD_ALLOW_SEALING | MFD_CLOEXEC));
    MUST(write(memory, bytes, (size_t)length));
    MUST(fchmod(memory, 0555));
    snprintf(path, sizeof path, "/proc/self/fd/%d", memory);
    return (int)MUST(open(path, O_RDONLY | O_CLOEXEC));
}

static void serve_execve(const struct seccomp_notif *request)
{
    char path[4096];
    peek((int)request->pid, request->data.args[0], path, sizeof path);
    path[sizeof path - 1] = 0;
    if (access(path, X_OK)) {
        answer(request->id, -errno, false);
        return;
    }
    strcpy(program, path);
    struct seccomp_notif_addfd add = {.id = request->id, .srcfd = (unsigned)stub, .newfd_flags = O_CLOEXEC};
    int injected = (int)MUST(ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add));
    if (!is_started)
        for (int fd = 0; fd < 3; fd++)
            if (fcntl(fd + 5, F_GETFD) >= 0)
                add_fd(request->id, console >= 0 ? console : fd + 5, fd);
    if (!is_started && injected < 3) {
        /* it sits where the guest wants its stdio: move it */
        add.newfd = 10;
        add.flags = SECCOMP_ADDFD_FLAG_SETFD;
        injected = (int)MUST(ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add));
    }
    is_started = true;
    int pid = (int)request->pid, status;
    MUST(ptrace(PTRACE_SEIZE, pid, 0, 0));
    MUST(ptrace(PTRACE_INTERRUPT, pid, 0, 0));
    answer(request->id, -ENOSYS, false);
    MUST(waitpid(pid, &status, __WALL));
    struct user_regs_struct r;
    MUST(ptrace(PTRACE_GETREGS, pid, 0, &r));
    r.rip -= 2;
    r.rax = SYS_execveat;
    r.orig_rax = ~0ull;
    r.rdi = (unsigned)injected;
    r.rsi = request->data.args[0] + strlen(path);
    r.rdx = request->data.args[1];
    r.r10 = request->data.args[2];
    r.r8 = AT_EMPTY_PATH;
    MUST(ptrace(PTRACE_SETREGS, pid, 0, &r));
    MUST(ptrace(PTRACE_DETACH, pid, 0, 0));
}

static void serve_open(const struct seccomp_notif *request, unsigned long address, int flags, int mode)
{
    char path[4096];
    peek((int)request->pid, address, path, sizeof path);
    int fd = open(path, flags | O_CLOEXEC, mode);
    if (fd < 0) {
        answer(request->id, -errno, false);
        return;
    }
    answer(request->id, add_fd(request->id, fd, -1), false);
    close(fd);
}

static void serve(void)
{
    struct seccomp_notif request = {0};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request))
        return;
    const __u64 *args = request.data.args;
    switch (request.data.nr) {
    case SYS_execve:
        serve_execve(&request);
        break;
    case STUB_CALL:
        if (args[0] == STUB_LOAD)
            serve_load(&request);
        else
            answer(request.id, 0, false);
        break;
    case SYS_openat:
        serve_open(&request, args[1], (int)args[2], (int)args[3]);
        break;
    case SYS_open:
        serve_open(&request, args[0], (int)args[1], (int)args[2]);
        break;
    default:
        answer(request.id, 0, true);
    }
}

static bool misbehaves(const char *how)
{
    const char *set = getenv("REDOUBT_FAKE");
    return set && strcmp(set, how) == 0;
}

static void hang(const char *where)
{
    while (misbehaves(where))
        pause();
}

static void send_plan(char **argv)
{
#define PUT(k, v) (at = stpcpy(stpcpy(at, k) + 1, v) + 1)
    static char plan[65536];
    char *at = plan;
    const char *tty = "0", *shim = "1";
    for (; *argv && **argv == '-'; argv++) {
        if (strcmp(*argv, "-t") == 0)
            tty = "1";
        else if (strcmp(*argv, "-b") == 0)
            shim = "0";
    }
    for (; *argv; argv++)
        PUT("arg", *argv);
    PUT("env.inherit", "1");
    PUT("env", "SANDBOX=1");
    PUT("env", "HOME=/nowhere");
    PUT("env.unset", "GONE");
    PUT("hostname", "fake");
    PUT("shim", shim);
    PUT("tty", tty);
    PUT("rlimit", "3:1048576:1048576"); /* RLIMIT_STACK */
    if (getenv("REDOUBT_FAKE_RLIMIT"))
        PUT("rlimit", getenv("REDOUBT_FAKE_RLIMIT"));
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_futex, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
    };
    send_frame(FRAME_FILTER, filter, sizeof filter);
    send_frame(FRAME_PLAN, plan, (uint32_t)(at - plan));
}

static void handle_frame(void)
{
    static char payload[FRAME_MAX_PAYLOAD];
    uint32_t type;
    int fd, number;
    receive_frame(&type, payload, &fd);
    switch (type) {
    case FRAME_LISTENER:
        listener = fd;
        memcpy(&guest, payload, sizeof guest);
        ioctl(listener, SECCOMP_IOW(4, __u64), 1ul); /* SET_FLAGS, SYNC_WAKE_UP */
        hang("hang-go");
        send_frame(FRAME_GO, NULL, 0);
        break;
    case FRAME_CONSOLE:
        console = fd;
        break;
    case FRAME_WINSIZE:
        if (getenv("REDOUBT_VERBOSE"))
            fprintf(stderr, "winsize %d %d\n", ((unsigned short *)payload)[0], ((unsigned short *)payload)[1]);
        break;
    case FRAME_SIGNAL:
        memcpy(&number, payload, sizeof number);
        kill(guest, number);
        break;
    case FRAME_EXITED:
        hang("hang-done");
        if (getenv("REDOUBT_VERBOSE"))
            send_frame(FRAME_TEXT, "\2stats\n", 7);
        send_frame(FRAME_DONE, NULL, 0);
        break;
    }
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "io.redoubt.gofer.GoferMain") == 0) {
            char byte;
            for (;;)
                if (read(4, &byte, 1) <= 0) /* never: the sentry's end stays open */
                    return 0;
        }
    char **at = argv;
    while (*at && strcmp(*at, "do") != 0)
        at++;
    if (!*at) {
        for (int i = 1; i < argc; i++)
            puts(argv[i]);
        return 0;
    }
    hang("hang-start");
    if (misbehaves("die"))
        abort();
    if (misbehaves("fail")) {
        int code = 42;
        char payload[64];
        memcpy(payload, &code, 4);
        strcpy(payload + 4, "no such bundle: x");
        send_frame(FRAME_FAIL, payload, 4 + 17);
        pause();
    }
    stub = open_stub();
    send_plan(at + 1);
    for (;;) {
        struct pollfd on[] = {{.fd = 3, .events = POLLIN}, {.fd = listener, .events = POLLIN}};
        poll(on, 2, -1);
        if (on[1].revents & POLLIN)
            serve();
        else if (on[1].revents)
            listener = -1;
        if (on[0].revents)
            handle_frame();
    }
}
