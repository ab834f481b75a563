package io.redoubt.sentry.trace;

import io.redoubt.seccomp.Syscalls;
import io.redoubt.sentry.kernel.SyscallTable;

/**
 * What the arguments of each call are, one letter each; a call that is not here has addresses, as
 * many as its arity.
 *
 * <pre>
 *   d int        u unsigned     l signed long   x address or bits   h number in hex   o octal mode
 *   p path       D directory fd, AT_FDCWD       v array of strings
 *   w buffer that is read, its size is the next argument            b buffer that is filled, its size is the result
 *   a socket address, its size is the next argument
 *   O open flags  G O_CLOEXEC and O_NONBLOCK     T AT_ flags         P PROT_    M MAP_    C CLONE_ and signal
 *   S signal      W whence      A access mode   F fcntl command     R resource limit     K socket type    Y address family
 *   E epoll operation
 * </pre>
 */
final class Signatures {
  private static final String TABLE =
      """
      read dbu write dwu open pOo close d stat px fstat dx lstat px poll xud lseek dlW mmap xuPMdh mprotect xuP munmap xu
      ioctl dxx pread64 dbul pwrite64 dwul readv dxd writev dxd access pA pipe x select dxxxx mremap xuuxx msync xux
      mincore xux madvise xud dup d dup2 dd getitimer dx alarm u setitimer dxx sendfile ddxu socket YKd connect dad
      accept dxx sendto dwuxau recvfrom dbuxxx sendmsg dxx recvmsg dxx shutdown dd bind dad listen dd getsockname dxx
      getpeername dxx socketpair YKdx setsockopt dddxd getsockopt dddxx clone Cxxxx execve pvx exit d wait4 dxxx kill dS
      uname x fcntl dFx flock dd fsync d fdatasync d truncate pu ftruncate du getdents dxu getcwd bu chdir p fchdir d
      rename pp mkdir po rmdir p creat po link pp unlink p symlink pp readlink pbu chmod po fchmod do chown pdd fchown ddd
      lchown pdd umask o getrlimit Rx sysinfo x setuid d setgid d setpgid dd setreuid dd setregid dd getgroups dx
      setgroups dx setresuid ddd setresgid ddd getpgid d setfsuid d setfsgid d getsid d utime px mknod pox personality x
      statfs px fstatfs dx getpriority dd setpriority ddd sched_setparam dx sched_getparam dx sched_setscheduler ddx
      sched_getscheduler d prctl dxxxx arch_prctl xx setrlimit Rx chroot p mount pppxx umount2 px sethostname wu
      setdomainname wu readahead dlu setxattr ppwux lsetxattr ppwux fsetxattr dpwux getxattr ppxu lgetxattr ppxu
      fgetxattr dpxu listxattr pxu llistxattr pxu flistxattr dxu removexattr pp lremovexattr pp fremovexattr dp tkill dS
      sched_setaffinity dux sched_getaffinity dux epoll_create d getdents64 dxu fadvise64 dlld timer_create dxx
      timer_settime xxxx exit_group d epoll_wait dxdd epoll_ctl dEdx tgkill ddS utimes px waitid ddxxx inotify_add_watch dpx
      inotify_rm_watch dd openat DpOo mkdirat Dpo mknodat Dpox fchownat DpddT futimesat Dpx newfstatat DpxT unlinkat DpT
      renameat DpDp linkat DpDpT symlinkat pDp readlinkat Dpbu fchmodat Dpo faccessat DpA pselect6 dxxxxx ppoll xuxxu
      unshare C set_robust_list xu splice dxdxux tee ddux sync_file_range dllx vmsplice dxux utimensat DpxT
      epoll_pwait dxddxu signalfd dxu timerfd_create dG eventfd d fallocate doll timerfd_settime dxxx timerfd_gettime dx
      accept4 dxxG signalfd4 dxuG eventfd2 dG epoll_create1 G dup3 ddG pipe2 xG inotify_init1 G preadv dxdl pwritev dxdl
      recvmmsg dxuxx prlimit64 dRxx syncfs d sendmmsg dxux renameat2 DpDpx memfd_create px execveat DpvxT
      copy_file_range dxdxux preadv2 dxdlxx pwritev2 dxdlxx statx DpTxx close_range uux openat2 Dpxu faccessat2 DpAT
      epoll_pwait2 dxdxxu fchmodat2 DpoT semget xdo semop dxu msgget xo msgsnd dxux msgrcv dxulx shmget xuo shmat dxx shmdt x
      shmctl ddx semctl dddx msgctl ddx
      """;

  private static final String ADDRESSES = "xxxxxx";

  private final String[] byNumber = new String[SyscallTable.SIZE];

  Signatures(SyscallTable table) {
    String name = null;
    for (int at = 0; at < TABLE.length(); ) {
      int end = at;
      while (TABLE.charAt(end) > ' ') {
        end++;
      }
      String word = TABLE.substring(at, end);
      if (name == null) {
        name = word;
      } else {
        byNumber[Syscalls.number(name)] = word;
        name = null;
      }
      at = end + 1;
    }
    for (int nr = 0; nr < SyscallTable.SIZE; nr++) {
      SyscallTable.Entry e = table.get(nr);
      if (byNumber[nr] == null && e != null) {
        byNumber[nr] = ADDRESSES.substring(0, e.arity());
      }
    }
  }

  /** The letters of a call. */
  String of(int nr) {
    String s = nr >= 0 && nr < byNumber.length ? byNumber[nr] : null;
    return s == null ? ADDRESSES : s;
  }
}
