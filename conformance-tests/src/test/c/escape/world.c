/*
 * The world outside of the sandbox: everything that a case might take, and somebody who notices.
 *
 * It is pid 1 of namespaces of its own (unshare --mount --pid --net --ipc --uts --cgroup), in which all of the machine's file
 * systems are made read-only first. The sandbox is started in there too: what gets out of it is still in here.
 */
#include "escape.h"

#include <ctype.h>
#include <linux/sched.h>
#include <mqueue.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define ORIGINAL "original\n"
#define VICTIM 30001 /* past the pids that a sandbox gives to its own */
#define PREY 30002
#define KEY 0x5ec2e7
#define RACE_FILE "shared/race"

/* What the signals SIGRTMIN+1 and on are sent by: signals.c. */
extern const char *const signal_names[];

static const char *directory; /* of the world */

static _Noreturn void fail(const char *what) {
  dprintf(2, "world: %s: %s\n", what, strerror(errno));
  exit(1);
}

#define DO(call)                                                                                   \
  ({                                                                                               \
    __auto_type done_ = (call);                                                                    \
    if ((long)done_ == -1) fail(#call);                                                            \
    done_;                                                                                         \
  })

static const char *in(const char *path) {
  static char paths[8][4096];
  static int next;
  char *whole = paths[next++ % 8];
  snprintf(whole, sizeof paths[0], "%s/%s", directory, path);
  return whole;
}

static void happened(const char *name, size_t length) {
  char line[300] = "world: happened ";
  size_t at = strlen(line);
  for (size_t i = 0; i < length && i < 200 && (isalnum((unsigned char)name[i]) || name[i] == '_'); i++) line[at++] = name[i];
  line[at++] = '\n';
  if (write(1, line, at) == -1) _exit(98);
}

static void put(const char *path, const char *content, mode_t mode) {
  int fd = DO(open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (write(fd, content, strlen(content)) == -1) fail(path);
  DO(fchmod(fd, mode));
  close(fd);
}

static void make_directory(const char *path, mode_t mode) {
  if (mkdir(path, mode) == -1 && errno != EEXIST) fail(path);
  DO(chmod(path, mode));
}

static void copy_self(const char *path, mode_t mode, const char *end) {
  char bytes[65536];
  int from = DO(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  int to = DO(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0700));
  for (long n; (n = read(from, bytes, sizeof bytes)) > 0;)
    if (write(to, bytes, n) != n) fail(path);
  if (write(to, end, strlen(end)) == -1) fail(path);
  DO(fchmod(to, mode));
  close(from);
  close(to);
}

/* struct mount_attr of linux/mount.h, which quarrels with sys/mount.h. */
static void set_read_only(const char *path, int is_read_only) {
  uint64_t attr[4] = {is_read_only ? 1 : 0, is_read_only ? 0 : 1, 0, 0};
  if (syscall(442, AT_FDCWD, path, 0x8000 /* AT_RECURSIVE */, attr, sizeof attr) == -1) fail(path);
}

static void make_files(void) {
  /* Whoever started this may have forgotten one: nothing below may be the machine's. */
  DO(unshare(CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP));
  DO(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
  set_read_only("/", 1);
  set_read_only("/proc", 0);
  set_read_only("/sys", 0);
  DO(mount("tmpfs", directory, "tmpfs", 0, "mode=0755"));
  DO(mount("tmpfs", "/dev/shm", "tmpfs", 0, "mode=1777"));
  DO(mount("tmpfs", "/run", "tmpfs", 0, "mode=0755"));
  make_directory(in("root"), 0755);
  for (const char *const *name = (const char *const[]){"tmp", "proc", "dev", "sys", "shared", "fixed", "plain", NULL}; *name; name++) {
    char path[100];
    snprintf(path, sizeof path, "root/%s", *name);
    make_directory(in(path), 0777);
  }
  make_directory(in("shared"), 0777);
  make_directory(in("fixed"), 0777);
  make_directory(in("fixed/directory"), 0777);
  make_directory(in("outside"), 0777);
  make_directory(in("work"), 0777);
  put(in("secret"), token, 0644);
  put(in("shared/allowed"), "allowed\n", 0666);
  put(in("shared/forbidden"), token, 0600);
  for (const struct escape *e = __start_escapes; e < __stop_escapes; e++) {
    char path[300];
    snprintf(path, sizeof path, "fixed/%s", e->name);
    put(in(path), ORIGINAL, 0666);
    snprintf(path, sizeof path, "outside/%s", e->name);
    put(in(path), ORIGINAL, 0666);
  }
  copy_self(in("root/escape"), 0755, "");
  copy_self(in("victim"), 0755, token);
  copy_self(in("shared/suid"), 04755, "");
  /* What somebody outside may have left in a shared directory. */
  DO(symlink(in("secret"), in("shared/link-absolute")));
  DO(symlink("../secret", in("shared/link-relative")));
  DO(symlink(directory, in("shared/link-directory")));
  DO(symlink("/proc/1/root", in("shared/link-magic")));
  DO(mkfifo(in("shared/fifo"), 0666));
  DO(chmod(in("shared/fifo"), 0666));
  struct stat disk;
  char name[64] = "";
  FILE *partitions = fopen("/proc/partitions", "r");
  int major_number = 0, minor_number = 0;
  for (char line[200]; partitions != NULL && fgets(line, sizeof line, partitions) != NULL;)
    if (sscanf(line, "%d %d %*d %63s", &major_number, &minor_number, name) == 3) break;
  if (partitions != NULL) fclose(partitions);
  DO(mknod(in("shared/disk"), S_IFBLK | 0666, makedev(major_number, minor_number)));
  DO(mknod(in("shared/kernel-log"), S_IFCHR | 0666, makedev(1, 11)));
  DO(mknod(in("shared/tunnel"), S_IFCHR | 0666, makedev(10, 200)));
  DO(chmod(in("shared/disk"), 0666));
  DO(chmod(in("shared/kernel-log"), 0666));
  DO(chmod(in("shared/tunnel"), 0666));
  if (stat(in("shared/disk"), &disk) == -1) fail("disk");
  /* For the one who renames. */
  make_directory(in("shared/swap"), 0777);
  put(in("shared/swap/secret"), "inside\n", 0666);
  DO(symlink(directory, in("shared/swap-other")));
  make_directory(in("shared/up"), 0777);
  put(in("shared/up/secret"), "inside\n", 0666);
  DO(symlink("..", in("shared/up-other")));
  make_directory(in("shared/wanderer"), 0777);
  make_directory(in("root/plain/wanderer"), 0777);
  put(in("shared/shrinks"), ORIGINAL, 0666);
}

static void network_up(void) {
  struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
  int fd = DO(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  DO(ioctl(fd, SIOCSIFFLAGS, &lo));
  close(fd);
}

static pid_t fork_as(pid_t pid) {
  struct clone_args args = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&pid, .set_tid_size = 1};
  return DO(syscall(SYS_clone3, &args, sizeof args));
}

static volatile sig_atomic_t seen[64];

static void notice(int number) {
  if (number < SIGRTMIN || seen[number - SIGRTMIN]) return;
  seen[number - SIGRTMIN] = 1;
  for (int i = 0; signal_names[i] != NULL; i++)
    if (i + 1 == number - SIGRTMIN) happened(signal_names[i], strlen(signal_names[i]));
}

/* A process of the host with a secret in everything that it has. */
static void victim(void) {
  for (int n = SIGRTMIN; n <= SIGRTMAX; n++) signal(n, notice);
  signal(SIGIO, SIG_IGN);
  directory = getenv("ESCAPE_WORLD");
  char *page = mmap(LOOT_ADDRESS, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (page == MAP_FAILED) fail("page");
  strcpy(page, token);
  int secret = DO(open(in("secret"), O_RDONLY));
  DO(dup2(secret, 5));
  if (mmap(NULL, 4096, PROT_READ, MAP_SHARED, secret, 0) == MAP_FAILED) fail("map");
  if (secret != 5) close(secret);
  int top = DO(open(directory, O_RDONLY | O_DIRECTORY));
  DO(dup2(top, 6));
  DO(chdir(directory));
  for (;;) {
    sleep_ms(20);
    if (page[2048] != 0) {
      happened(page + 2048, strlen(page + 2048));
      page[2048] = 0;
    }
  }
}

static void start_victim(const char *program, pid_t pid, uid_t uid) {
  if (fork_as(pid) == 0) {
    setsid();
    if (setgid(uid) == -1 || setuid(uid) == -1) fail("setuid");
    setenv("SECRET", token, 1);
    execl(program, "victim", "@victim", token, NULL);
    fail(program);
  }
}

static int unix_server(const char *name, size_t length, int type) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  memcpy(address.sun_path, name, length);
  int fd = DO(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  DO(bind(fd, (struct sockaddr *)&address, offsetof(struct sockaddr_un, sun_path) + length));
  if (type == SOCK_STREAM) DO(listen(fd, 100));
  return fd;
}

static int port_of(int fd) {
  struct sockaddr_in address;
  socklen_t length = sizeof address;
  DO(getsockname(fd, (struct sockaddr *)&address, &length));
  return ntohs(address.sin_port);
}

static int inet_server(int type) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int fd = DO(socket(AF_INET, type | SOCK_CLOEXEC, 0));
  DO(bind(fd, (struct sockaddr *)&address, sizeof address));
  if (type == SOCK_STREAM) DO(listen(fd, 100));
  return fd;
}

static void give(int to, int fd) {
  char control[CMSG_SPACE(sizeof fd)] = "", byte = 'x';
  struct iovec iov = {&byte, 1};
  struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  memcpy(CMSG_DATA(header), &fd, sizeof fd);
  sendmsg(to, &message, MSG_NOSIGNAL);
}

/* Notices who talks to services of the host: they say their name. */
static _Noreturn void serve(int *fds, int count, int accomplice) {
  struct pollfd polls[16];
  int top = DO(open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (;;) {
    for (int i = 0; i < count; i++) polls[i] = (struct pollfd){fds[i], POLLIN, 0};
    poll(polls, count, -1);
    for (int i = 0; i < count; i++) {
      char text[100];
      if ((polls[i].revents & POLLIN) == 0) continue;
      int type = 0, fd = fds[i];
      socklen_t length = sizeof type;
      if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM) {
        fd = accept4(fds[i], NULL, NULL, SOCK_CLOEXEC);
        if (fds[i] == accomplice) give(fd, top);
        struct timeval patience = {2, 0};
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      }
      long n = read(fd, text, sizeof text);
      if (n > 0) happened(text, n);
      if (fd != fds[i]) close(fd);
    }
  }
}

/* Somebody outside who renames and truncates in the shared directories while the guest uses them. */
static _Noreturn void race(void) {
  struct stat st;
  char zeroes[65536] = "";
  int shrinks = DO(open(in("shared/shrinks"), O_RDWR | O_CLOEXEC));
  for (int i = 0;; i++) {
    if (stat(in(RACE_FILE), &st) == -1) {
      sleep_ms(3);
      continue;
    }
    syscall(SYS_renameat2, AT_FDCWD, in("shared/swap"), AT_FDCWD, in("shared/swap-other"), 2 /* RENAME_EXCHANGE */);
    syscall(SYS_renameat2, AT_FDCWD, in("shared/up"), AT_FDCWD, in("shared/up-other"), 2);
    rename(in("root/plain/wanderer"), in("wanderer"));
    rename(in("shared/wanderer"), in("work/wanderer"));
    ftruncate(shrinks, 0);
    usleep(i % 7 * 100);
    pwrite(shrinks, zeroes, sizeof zeroes, 0);
    rename(in("wanderer"), in("root/plain/wanderer"));
    rename(in("work/wanderer"), in("shared/wanderer"));
    usleep(i % 5 * 100);
  }
}

static void make_ipc(void) {
  int shm = DO(shmget(KEY, 4096, IPC_CREAT | 0666));
  char *at = shmat(shm, NULL, 0);
  strcpy(at, token);
  shmdt(at);
  int sem = DO(semget(KEY, 1, IPC_CREAT | 0666));
  DO(semctl(sem, 0, SETVAL, 42));
  struct {
    long type;
    char text[64];
  } message = {.type = 1};
  strcpy(message.text, token);
  int msg = DO(msgget(KEY, IPC_CREAT | 0666));
  DO(msgsnd(msg, &message, sizeof message.text, 0));
  mqd_t queue = DO(mq_open("/redoubt-escape", O_RDWR | O_CREAT | O_CLOEXEC, 0666, NULL));
  DO(fchmod(queue, 0666));
  DO(mq_send(queue, token, strlen(token), 0));
  close(queue);
  put("/dev/shm/redoubt-escape", token, 0644);
}

static void write_facts(int tcp, int udp) {
  char text[4096], handle[600] = "";
  struct {
    struct file_handle head;
    unsigned char bytes[128];
  } h = {.head.handle_bytes = 128};
  int mount_id;
  DO(name_to_handle_at(AT_FDCWD, in("secret"), &h.head, &mount_id, 0));
  for (unsigned i = 0; i < h.head.handle_bytes; i++) sprintf(handle + 2 * i, "%02x", h.head.f_handle[i]);
  const char *ms = getenv("ESCAPE_RACE_MS");
  snprintf(text, sizeof text,
           "dir=%s\nvictim=%d\nprey=%d\nkey=%d\ntcp=%d\nudp=%d\nhandle_type=%d\nhandle=%s\nrace=%s\n", directory, VICTIM, PREY, KEY,
           tcp, udp, h.head.handle_type, handle, ms != NULL ? ms : "150");
  put(in("root/facts"), text, 0644);
}

static struct timespec made; /* before this nothing is the doing of a guest */

static void check_original(const char *where) {
  DIR *files = opendir(in(where));
  for (struct dirent *e; files != NULL && (e = readdir(files)) != NULL;) {
    char path[600], bytes[64] = "";
    struct stat st;
    if (e->d_name[0] == '.' || strcmp(e->d_name, "directory") == 0) continue;
    snprintf(path, sizeof path, "%s/%s", where, e->d_name);
    int fd = open(in(path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int same = fd != -1 && fstat(fd, &st) == 0 && read(fd, bytes, sizeof bytes) == (long)strlen(ORIGINAL) &&
               strcmp(bytes, ORIGINAL) == 0 && st.st_mode == (S_IFREG | 0666) && st.st_uid == 0 && st.st_nlink == 1 &&
               flistxattr(fd, bytes, sizeof bytes) <= 0 &&
               (st.st_ctim.tv_sec < made.tv_sec || (st.st_ctim.tv_sec == made.tv_sec && st.st_ctim.tv_nsec <= made.tv_nsec));
    if (!same) happened(e->d_name, strlen(e->d_name));
    if (fd != -1) close(fd);
  }
  if (files != NULL) closedir(files);
}

/* What a guest may not leave in a directory that it may write: devices, programs that give root. */
static void check_shared(void) {
  static const char *const own[] = {"disk", "kernel-log", "tunnel", "suid", NULL};
  DIR *files = opendir(in("shared"));
  for (struct dirent *e; files != NULL && (e = readdir(files)) != NULL;) {
    char path[600], value[64];
    struct stat st;
    int is_own = e->d_name[0] == '.';
    for (int i = 0; own[i] != NULL; i++) is_own |= strcmp(own[i], e->d_name) == 0;
    snprintf(path, sizeof path, "shared/%s", e->d_name);
    if (is_own || lstat(in(path), &st) == -1) continue;
    if (S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode) || (S_ISREG(st.st_mode) && (st.st_mode & S_ISUID) && st.st_uid == 0) ||
        (S_ISREG(st.st_mode) && getxattr(in(path), "security.capability", value, sizeof value) > 0))
      happened(e->d_name, strlen(e->d_name));
  }
  if (files != NULL) closedir(files);
}

static void check(void) {
  char name[200] = "";
  check_original("fixed");
  check_original("outside");
  check_shared();
  gethostname(name, sizeof name);
  if (strcmp(name, "world") != 0) happened(name, strlen(name));
  getdomainname(name, sizeof name);
  if (strcmp(name, "world") != 0) happened(name, strlen(name));
  if (!loot_at(in("secret"))) happened("secret_changed", 14);
  for (int pid = VICTIM; pid <= PREY; pid++)
    if (kill(pid, 0) == -1 || waitpid(pid, NULL, WNOHANG) != 0) happened("victim_killed", 13);
}

int world(int argc, char **argv) {
  if (argc < 2 || getpid() != 1) {
    fprintf(stderr, "only as pid 1 of namespaces of its own\n");
    return 1;
  }
  directory = argv[0];
  setenv("ESCAPE_WORLD", directory, 1);
  umask(0);
  make_files();
  network_up();
  make_ipc();
  DO(sethostname("world", 5));
  DO(setdomainname("world", 5));
  int abstract = unix_server("\0redoubt-escape", 15, SOCK_STREAM);
  int datagrams = unix_server("\0redoubt-escape-datagrams", 25, SOCK_DGRAM);
  int tcp = inet_server(SOCK_STREAM), udp = inet_server(SOCK_DGRAM);
  int through_bind = unix_server(in("shared/socket"), strlen(in("shared/socket")), SOCK_STREAM);
  int accomplice = unix_server(in("shared/accomplice"), strlen(in("shared/accomplice")), SOCK_STREAM);
  int elsewhere = unix_server(in("socket"), strlen(in("socket")), SOCK_STREAM);
  int fifo = DO(open(in("shared/fifo"), O_RDWR | O_CLOEXEC | O_NONBLOCK));
  write_facts(port_of(tcp), port_of(udp));
  int fds[] = {abstract, datagrams, tcp, udp, through_bind, accomplice, elsewhere, fifo};
  for (int n = SIGRTMIN; n <= SIGRTMAX; n++) signal(n, SIG_IGN);
  if (DO(fork()) == 0) serve(fds, sizeof fds / sizeof *fds, accomplice);
  if (DO(fork()) == 0) race();
  for (unsigned i = 0; i < sizeof fds / sizeof *fds; i++) close(fds[i]);
  start_victim(in("victim"), VICTIM, 0);
  start_victim(in("victim"), PREY, 1000);
  sleep_ms(30);
  clock_gettime(CLOCK_REALTIME_COARSE, &made);
  sleep_ms(10); /* more than a tick, by which files may be stamped */
  /* Descriptors that a careless caller leaves open: CVE-2024-21626. */
  int top = DO(open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)), secret = DO(open(in("secret"), O_RDONLY | O_CLOEXEC));
  int input[2];
  DO(pipe2(input, O_CLOEXEC));
  pid_t command = DO(fork());
  if (command == 0) {
    for (int n = SIGRTMIN; n <= SIGRTMAX; n++) signal(n, SIG_DFL); /* what reaches a sentry shall be seen */
    DO(setsid());
    DO(dup2(top, 18));
    DO(dup2(secret, 19));
    DO(dup2(input[0], 0));
    DO(chdir("/"));
    execv(argv[1], argv + 1);
    fail(argv[1]);
  }
  int status = 0;
  for (pid_t pid; (pid = waitpid(-1, &status, 0)) != command;) {
    if (pid == -1 && errno != EINTR) fail("waitpid");
    if (pid == VICTIM || pid == PREY) happened("victim_killed", 13);
  }
  sleep_ms(30); /* for what is on its way */
  check();
  dprintf(1, "world: end %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
  return 0;
}

int helper(int argc, char **argv) {
  if (strcmp(argv[0], "@victim") == 0) victim();
  if (strcmp(argv[0], "@sleep") == 0) sleep_ms(20000);
  if (strcmp(argv[0], "@root") == 0) { /* whether it has the host's root: accounting is switched by nobody else */
    setresuid(0, 0, 0);
    return syscall(SYS_acct, NULL) == 0 ? 0 : 1;
  }
  if (strcmp(argv[0], "@leave") == 0 && argc > 1) { /* a set-uid program */
    setresuid(0, 0, 0);
    int fd = open(argv[1], O_WRONLY | O_CREAT, 0755);
    return fchmod(fd, 04755);
  }
  if (strcmp(argv[0], "@descriptor") == 0 && argc > 1) { /* whether a descriptor number is good for anything: planted.c */
    extern int any_call_on(int fd);
    return any_call_on(atoi(argv[1]));
  }
  return 95;
}
