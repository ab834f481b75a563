/*
 * Calls that no guest may ever have, or not with these arguments. Each is tried in a process of its own; the line says what
 * it returned, or which signal ended it. In the sandbox none may succeed. Never run it bare: as root some would.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/io.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRY(name, call)                                                                            \
  do {                                                                                             \
    fflush(stdout);                                                                                \
    pid_t pid_ = fork();                                                                           \
    if (pid_ == 0) {                                                                               \
      errno = 0;                                                                                   \
      long result_ = (long)(call);                                                                 \
      if (result_ == -1)                                                                           \
        printf("%s: -1 %s\n", name, strerrorname_np(errno));                                       \
      else                                                                                         \
        printf("%s: succeeded with %ld\n", name, result_);                                         \
      fflush(stdout);                                                                              \
      _exit(0);                                                                                    \
    }                                                                                              \
    int status_;                                                                                   \
    waitpid(pid_, &status_, 0);                                                                    \
    if (WIFSIGNALED(status_)) printf("%s: killed by SIG%s\n", name, sigabbrev_np(WTERMSIG(status_))); \
  } while (0)

static long int80(long number) {
  long result;
  __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(0), "c"(0), "d"(0) : "memory");
  if (result < 0) {
    errno = -result;
    return -1;
  }
  return result;
}

static long filter_that_answers(unsigned flags) {
  struct sock_filter code[] = {{BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | 1}};
  struct sock_fprog program = {1, code};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

int main(int argc, char **argv) {
  if (argc != 2 || strcmp(argv[1], "--in-a-sandbox") != 0) {
    fprintf(stderr, "this would mount over / and set the clock: only with --in-a-sandbox\n");
    return 1;
  }
  char b[4096] = "";
  unsigned long attr[16] = {0};

  TRY("mount of a disk", mount("/dev/vda", "/mnt", "ext4", 0, NULL));
  TRY("mount of a device file system", mount("none", "/mnt", "devtmpfs", 0, NULL));
  TRY("mount of a network file system", mount("127.0.0.1:/", "/mnt", "nfs", 0, "addr=127.0.0.1"));
  TRY("mount by fuse", mount("none", "/mnt", "fuse", 0, "fd=0,rootmode=40000,user_id=0,group_id=0"));
  TRY("pivot_root", syscall(SYS_pivot_root, "/", "/"));
  TRY("open_tree", syscall(428, AT_FDCWD, "/", 1));
  TRY("move_mount", syscall(429, -1, "", AT_FDCWD, "/", 4));
  TRY("fsopen", syscall(430, "tmpfs", 0));
  TRY("fsmount", syscall(432, -1, 0, 0));
  TRY("mount_setattr", syscall(442, AT_FDCWD, "/", 0, attr, 32));
  TRY("unshare user", unshare(CLONE_NEWUSER));
  TRY("unshare mount", unshare(CLONE_NEWNS));
  TRY("unshare pid", unshare(CLONE_NEWPID));
  TRY("unshare net", unshare(CLONE_NEWNET));
  TRY("clone user", syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
  TRY("clone pid", syscall(SYS_clone, CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0));
  TRY("clone3", syscall(SYS_clone3, attr, 64));
  TRY("setns", syscall(SYS_setns, 0, 0));
  TRY("bpf", syscall(SYS_bpf, 5, attr, sizeof attr));
  TRY("kexec_load", syscall(SYS_kexec_load, 0, 0, NULL, 0));
  TRY("kexec_file_load", syscall(SYS_kexec_file_load, -1, -1, 0, NULL, 0));
  TRY("init_module", syscall(SYS_init_module, b, 1, ""));
  TRY("finit_module", syscall(SYS_finit_module, 0, "", 0));
  TRY("delete_module", syscall(SYS_delete_module, "x", 0));
  TRY("io_uring_setup", syscall(425, 1, attr));
  TRY("io_uring_enter", syscall(426, 0, 0, 0, 0, NULL, 0));
  TRY("io_uring_register", syscall(427, 0, 0, NULL, 0));
  TRY("io_setup", syscall(SYS_io_setup, 0x7fffffff, attr));
  TRY("userfaultfd", syscall(SYS_userfaultfd, 0));
  TRY("perf_event_open", syscall(SYS_perf_event_open, attr, 0, -1, -1, 0));
  TRY("keyctl", syscall(SYS_keyctl, 0, -3, 0));
  TRY("add_key", syscall(SYS_add_key, "user", "x", "y", 1, -3));
  TRY("request_key", syscall(SYS_request_key, "user", "x", NULL, 0));
  TRY("open_by_handle_at", syscall(SYS_open_by_handle_at, AT_FDCWD, b, 0));
  TRY("name_to_handle_at and open", syscall(SYS_open_by_handle_at, 0, attr, O_RDONLY));
  TRY("reboot", syscall(SYS_reboot, 0, 0, 0, NULL));
  TRY("swapon", syscall(SYS_swapon, "/x", 0));
  TRY("swapoff", syscall(SYS_swapoff, "/x"));
  TRY("acct", syscall(SYS_acct, "/x"));
  TRY("quotactl", syscall(SYS_quotactl, 0, "/x", 0, NULL));
  TRY("iopl", iopl(3));
  TRY("ioperm", ioperm(0x80, 1, 1));
  TRY("modify_ldt", syscall(SYS_modify_ldt, 1, attr, 16));
  TRY("vhangup", syscall(SYS_vhangup));
  TRY("settimeofday", syscall(SYS_settimeofday, attr, NULL));
  TRY("adjtimex", syscall(SYS_adjtimex, (void *)8));
  TRY("lookup_dcookie", syscall(SYS_lookup_dcookie, 0L, b, 10));
  TRY("fanotify_init", syscall(SYS_fanotify_init, 0, 0));
  TRY("move_pages", syscall(SYS_move_pages, 1, 1, attr, NULL, attr, 0));
  TRY("filter with a listener", filter_that_answers(SECCOMP_FILTER_FLAG_NEW_LISTENER));
  TRY("packet socket", socket(AF_PACKET, SOCK_RAW, 0));
  TRY("vsock socket", socket(AF_VSOCK, SOCK_STREAM, 0));
  TRY("alg socket", socket(AF_ALG, SOCK_SEQPACKET, 0));
  TRY("bluetooth socket", socket(AF_BLUETOOTH, SOCK_RAW, 0));
  TRY("x32 call", syscall(0x40000000 + SYS_getpid));
  TRY("i386 call", int80(20));
  TRY("i386 exec", int80(11));
  TRY("memory of the kernel", syscall(SYS_write, 1, (void *)0xffffffff81000000, 100));
  TRY("low page", mmap(0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED ? -1 : 0);
  return 0;
}
