/*
 * Counts the system calls that reach the host kernel from a command and from all that it starts.
 *
 *   watch-calls FILE CMD...
 *
 * FILE gets lines "WHO NUMBER COUNT", where WHO is
 *   marked   a guest's own call with the mark of guest/mark.h: it arrived in the host kernel as the guest made it
 *   guest    any call of a process that has made a marked one, and of its children
 *   own      a call of any other process: the runtime's
 *
 * The tracepoint is behind seccomp: a call that a filter answered or handed to somebody else is not seen, one that it allowed, or
 * that a supervisor let continue, is. Two small BPF programs follow forks and count, since one line a call in a trace would slow
 * down what is watched. Needs root.
 */
#define _GNU_SOURCE
#include "mark.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OWN = 1, GUEST = 2, MARKED = 3, TASKS = 65536, CALLS = 4096 };

struct key {
    uint32_t who, number;
};

static void must(int good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "watch-calls: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* ---- where tracepoints are described ---- */

struct tracepoints {
    int enter_id, fork_id, parent_offset, child_offset;
};

static int number_after(const char *text, const char *word)
{
    const char *at = strstr(text, word);
    return at ? atoi(at + strlen(word)) : -1;
}

static void read_format(const char *event, char *text, size_t size)
{
    char path[128];
    snprintf(path, sizeof path, "/sys/kernel/tracing/events/%s/format", event);
    FILE *f = fopen(path, "re");
    size_t length = f ? fread(text, 1, size - 1, f) : 0;
    text[length] = 0;
    if (f)
        fclose(f);
}

/* In a child with mounts of its own: tracefs may not be mounted here, and is not to stay. */
static struct tracepoints find_tracepoints(void)
{
    struct tracepoints t = {-1, -1, -1, -1};
    int fds[2];
    must(pipe(fds) == 0, "pipe");
    pid_t pid = fork();
    must(pid >= 0, "fork");
    if (pid == 0) {
        char text[4096];
        if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
            mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
        read_format("raw_syscalls/sys_enter", text, sizeof text);
        t.enter_id = number_after(text, "ID: ");
        read_format("sched/sched_process_fork", text, sizeof text);
        t.fork_id = number_after(text, "ID: ");
        t.parent_offset = number_after(text, "pid_t parent_pid;\toffset:");
        t.child_offset = number_after(text, "pid_t child_pid;\toffset:");
        _exit(write(fds[1], &t, sizeof t) != sizeof t);
    }
    close(fds[1]);
    must(read(fds[0], &t, sizeof t) == sizeof t, "read");
    close(fds[0]);
    waitpid(pid, NULL, 0);
    errno = ENOTSUP;
    must(t.enter_id >= 0 && t.fork_id >= 0 && t.parent_offset > 0 && t.child_offset > 0, "tracepoints of system calls and forks");
    return t;
}

/* ---- BPF ---- */

static int bpf(int command, union bpf_attr *attributes)
{
    return (int)syscall(SYS_bpf, command, attributes, sizeof *attributes);
}

static int make_map(uint32_t key, uint32_t value, uint32_t entries)
{
    union bpf_attr a = {.map_type = BPF_MAP_TYPE_HASH, .key_size = key, .value_size = value, .max_entries = entries};
    int fd = bpf(BPF_MAP_CREATE, &a);
    must(fd >= 0, "bpf: map (needs root)");
    return fd;
}

#define INSN(CODE, DST, SRC, OFF, IMM) ((struct bpf_insn){.code = (CODE), .dst_reg = (DST), .src_reg = (SRC), .off = (OFF), .imm = (IMM)})
#define MOV(DST, SRC) INSN(BPF_ALU64 | BPF_MOV | BPF_X, DST, SRC, 0, 0)
#define SET(DST, IMM) INSN(BPF_ALU64 | BPF_MOV | BPF_K, DST, 0, 0, IMM)
#define ADD(DST, IMM) INSN(BPF_ALU64 | BPF_ADD | BPF_K, DST, 0, 0, IMM)
#define LOAD(SIZE, DST, SRC, OFF) INSN(BPF_LDX | BPF_MEM | (SIZE), DST, SRC, OFF, 0)
#define STORE(SIZE, DST, OFF, SRC) INSN(BPF_STX | BPF_MEM | (SIZE), DST, SRC, OFF, 0)
#define MAP(DST, FD) INSN(BPF_LD | BPF_DW | BPF_IMM, DST, BPF_PSEUDO_MAP_FD, 0, FD), INSN(0, 0, 0, 0, 0)
#define CALL(FUNCTION) INSN(BPF_JMP | BPF_CALL, 0, 0, 0, FUNCTION)
#define IF_ZERO(REG, SKIP) INSN(BPF_JMP | BPF_JEQ | BPF_K, REG, 0, SKIP, 0)
#define IF_NOT_EQUAL(A, B, SKIP) INSN(BPF_JMP | BPF_JNE | BPF_X, A, B, SKIP, 0)
#define RETURN() SET(BPF_REG_0, 0), INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define FP BPF_REG_10

static void attach(const struct bpf_insn *code, size_t count, int tracepoint)
{
    static char log[16384];
    union bpf_attr a = {.prog_type = BPF_PROG_TYPE_TRACEPOINT,
                        .insns = (uint64_t)(uintptr_t)code,
                        .insn_cnt = (uint32_t)count,
                        .license = (uint64_t)(uintptr_t) "GPL",
                        .log_buf = (uint64_t)(uintptr_t)log,
                        .log_size = sizeof log,
                        .log_level = 1};
    int program = bpf(BPF_PROG_LOAD, &a);
    if (program < 0)
        fprintf(stderr, "%s", log);
    must(program >= 0, "bpf: program");
    struct perf_event_attr e = {.type = PERF_TYPE_TRACEPOINT, .size = sizeof e, .config = (uint64_t)tracepoint, .sample_period = 1};
    int event = (int)syscall(SYS_perf_event_open, &e, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
    must(event >= 0, "perf_event_open");
    must(ioctl(event, PERF_EVENT_IOC_SET_BPF, program) == 0 && ioctl(event, PERF_EVENT_IOC_ENABLE, 0) == 0, "bpf: attach");
}

/* A child is what its maker is. */
static void follow_forks(const struct tracepoints *t, int tasks)
{
    const struct bpf_insn code[] = {
        MOV(BPF_REG_6, BPF_REG_1),
        LOAD(BPF_W, BPF_REG_1, BPF_REG_6, (int16_t)t->parent_offset),
        STORE(BPF_W, FP, -4, BPF_REG_1),
        MAP(BPF_REG_1, tasks),
        MOV(BPF_REG_2, FP),
        ADD(BPF_REG_2, -4),
        CALL(BPF_FUNC_map_lookup_elem),
        IF_ZERO(BPF_REG_0, 12),
        LOAD(BPF_W, BPF_REG_1, BPF_REG_0, 0),
        STORE(BPF_W, FP, -12, BPF_REG_1),
        LOAD(BPF_W, BPF_REG_1, BPF_REG_6, (int16_t)t->child_offset),
        STORE(BPF_W, FP, -8, BPF_REG_1),
        MAP(BPF_REG_1, tasks),
        MOV(BPF_REG_2, FP),
        ADD(BPF_REG_2, -8),
        MOV(BPF_REG_3, FP),
        ADD(BPF_REG_3, -12),
        SET(BPF_REG_4, BPF_ANY),
        CALL(BPF_FUNC_map_update_elem),
        RETURN(),
    };
    attach(code, sizeof code / sizeof *code, t->fork_id);
}

static void count_calls(const struct tracepoints *t, int tasks, int counts)
{
    enum { NUMBER = 8, SIXTH = 16 + 5 * 8 };
    const struct bpf_insn code[] = {
        MOV(BPF_REG_6, BPF_REG_1),
        CALL(BPF_FUNC_get_current_pid_tgid),
        STORE(BPF_W, FP, -4, BPF_REG_0),
        MAP(BPF_REG_1, tasks),
        MOV(BPF_REG_2, FP),
        ADD(BPF_REG_2, -4),
        CALL(BPF_FUNC_map_lookup_elem),
        IF_ZERO(BPF_REG_0, 30),
        LOAD(BPF_W, BPF_REG_7, BPF_REG_0, 0),
        LOAD(BPF_DW, BPF_REG_8, BPF_REG_6, NUMBER),
        LOAD(BPF_DW, BPF_REG_1, BPF_REG_6, SIXTH),
        INSN(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_2, 0, 0, (int32_t)(uint32_t)MARK),
        INSN(0, 0, 0, 0, (int32_t)(MARK >> 32)),
        IF_NOT_EQUAL(BPF_REG_1, BPF_REG_2, 3),
        SET(BPF_REG_1, GUEST),
        STORE(BPF_W, BPF_REG_0, 0, BPF_REG_1), /* the map's own value: this task is a guest from now on */
        SET(BPF_REG_7, MARKED),
        STORE(BPF_W, FP, -16, BPF_REG_7),
        STORE(BPF_W, FP, -12, BPF_REG_8),
        MAP(BPF_REG_1, counts),
        MOV(BPF_REG_2, FP),
        ADD(BPF_REG_2, -16),
        CALL(BPF_FUNC_map_lookup_elem),
        SET(BPF_REG_1, 1),
        IF_ZERO(BPF_REG_0, 3),
        INSN(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_0, BPF_REG_1, 0, BPF_ADD),
        RETURN(),
        STORE(BPF_DW, FP, -24, BPF_REG_1),
        MAP(BPF_REG_1, counts),
        MOV(BPF_REG_2, FP),
        ADD(BPF_REG_2, -16),
        MOV(BPF_REG_3, FP),
        ADD(BPF_REG_3, -24),
        SET(BPF_REG_4, BPF_ANY),
        CALL(BPF_FUNC_map_update_elem),
        RETURN(),
    };
    attach(code, sizeof code / sizeof *code, t->enter_id);
}

static void dump(int counts, const char *path)
{
    static const char *const who[] = {"", "own", "guest", "marked"};
    FILE *f = fopen(path, "we");
    struct key key, next;
    uint64_t count;
    must(f != NULL, path);
    union bpf_attr a = {.map_fd = (uint32_t)counts, .next_key = (uint64_t)(uintptr_t)&next};
    while (bpf(BPF_MAP_GET_NEXT_KEY, &a) == 0) {
        key = next;
        union bpf_attr b = {.map_fd = (uint32_t)counts, .key = (uint64_t)(uintptr_t)&key, .value = (uint64_t)(uintptr_t)&count};
        if (bpf(BPF_MAP_LOOKUP_ELEM, &b) == 0)
            fprintf(f, "%s %u %llu\n", who[key.who], key.number, (unsigned long long)count);
        a.key = (uint64_t)(uintptr_t)&key;
    }
    must(fclose(f) == 0, path);
}

int main(int argc, char **argv)
{
    must(argc > 2, "usage: watch-calls FILE CMD...");
    struct tracepoints t = find_tracepoints();
    int tasks = make_map(4, 4, TASKS), counts = make_map(sizeof(struct key), 8, CALLS), fds[2], status;
    follow_forks(&t, tasks);
    count_calls(&t, tasks, counts);
    must(pipe(fds) == 0, "pipe");
    pid_t pid = fork();
    must(pid >= 0, "fork");
    if (pid == 0) {
        char c;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(fds[1]);
        if (read(fds[0], &c, 1) != 1)
            _exit(1);
        close(fds[0]);
        execvp(argv[2], argv + 2);
        fprintf(stderr, "%s: %s\n", argv[2], strerror(errno));
        _exit(127);
    }
    uint32_t key = (uint32_t)pid, own = OWN;
    union bpf_attr a = {.map_fd = (uint32_t)tasks, .key = (uint64_t)(uintptr_t)&key, .value = (uint64_t)(uintptr_t)&own};
    must(bpf(BPF_MAP_UPDATE_ELEM, &a) == 0, "bpf: first task");
    must(write(fds[1], "", 1) == 1, "write");
    must(waitpid(pid, &status, 0) == pid, "waitpid");
    dump(counts, argv[1]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
