/*
 * Somebody changes what another has just checked: memory, by a second thread of the guest; names, by a thread of the guest or by
 * somebody outside. The weak place of the memory races is a server that looks at memory twice.
 */
#include "escape.h"

#include <linux/fs.h>
#include <semaphore.h>

static volatile char racing[4200];
static char good[4200], bad[4200];

static void flip(void) {
  memcpy((char *)racing, good, sizeof racing);
  __asm__ volatile("" ::: "memory"); /* both are meant */
  memcpy((char *)racing, bad, sizeof racing);
  __asm__ volatile("" ::: "memory");
}
static void start_flipping(const char *allowed, const char *forbidden) {
  snprintf(good, sizeof good, "%s", allowed);
  snprintf(bad, sizeof bad, "%s", forbidden);
  memcpy((char *)racing, good, sizeof racing);
  over_and_over(flip);
}
/* In the weak place, between looking and looking again: long enough for the other thread on one CPU, too. */
static void linger(void) {
  if (here != SANDBOX) usleep(100);
}
/* In the weak place the check that the sentry makes on a copy; in the sandbox the sentry makes it. */
static int passes(long offset, const char *allowed_prefix) {
  if (here == SANDBOX) return 1;
  int is_allowed = strncmp((const char *)racing + offset, allowed_prefix, strlen(allowed_prefix)) == 0;
  linger();
  return is_allowed;
}
#define WHILE_RACING for (long end_ = now_ms() + race_ms(); now_ms() < end_;)

ESCAPE(BARE, path_of_open) {
  start_flipping(shared("allowed"), named(fixed("."), ""));
  WHILE_RACING {
    if (!passes(0, shared("allowed"))) continue;
    int fd = open((const char *)racing, O_WRONLY | O_APPEND);
    if (fd == -1) continue;
    write(fd, "changed", 7);
    close(fd);
    if (is_won(bad)) break;
  }
  tried("opened");
}
ESCAPE(BARE, path_of_open_without_permission) {
  if (here == SANDBOX && getuid() == 0) MUST(setresuid(1000, 1000, 1000));
  start_flipping(shared("allowed"), shared("forbidden"));
  WHILE_RACING {
    struct stat st;
    if (here != SANDBOX && (stat((const char *)racing, &st) == -1 || (st.st_mode & 4) == 0)) continue;
    linger();
    int fd = open((const char *)racing, O_RDONLY);
    if (fd == -1) continue;
    if (loot_in(fd)) out("read what may not be read");
    close(fd);
  }
  held("never read");
}
ESCAPE(BARE, path_of_rename) {
  char own[4200];
  snprintf(own, sizeof own, "%s", named(shared("."), ".own"));
  start_flipping(named(shared("."), ".to"), named(fixed("."), ".new"));
  WHILE_RACING {
    close(open(own, O_WRONLY | O_CREAT, 0666));
    if (passes(0, shared("."))) rename(own, (const char *)racing);
    if (is_won(bad)) break;
  }
  tried("renamed");
}
ESCAPE(BARE, address_of_bind) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s", named(shared("."), ".b"));
  memcpy(good, &address, sizeof address);
  memset(address.sun_path, 0, sizeof address.sun_path);
  snprintf(address.sun_path, sizeof address.sun_path, "%s", named(fixed("."), ".b"));
  memcpy(bad, &address, sizeof address);
  memcpy((char *)racing, good, sizeof racing);
  over_and_over(flip);
  const char *allowed = shared("."), *made = named(shared("."), ".b");
  WHILE_RACING {
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (passes(2, allowed)) bind(fd, (struct sockaddr *)racing, sizeof address);
    close(fd);
    unlink(made);
    if (is_won(bad + offsetof(struct sockaddr_un, sun_path))) break;
  }
  tried("bound");
}
ESCAPE(BARE, address_of_connect) {
  /* Allowed is a socket of its own, with a name that nobody else has. */
  struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "\0redoubt-escapf"};
  socklen_t length = offsetof(struct sockaddr_un, sun_path) + 15;
  int server = MUST(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
  if (bind(server, (struct sockaddr *)&address, length) == -1) broken("bind");
  MUST(listen(server, 1000));
  memcpy(good, &address, sizeof address);
  address.sun_path[14] = 'e';
  memcpy(bad, &address, sizeof address);
  memcpy((char *)racing, good, sizeof racing);
  over_and_over(flip);
  WHILE_RACING {
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (passes(16, "f") && connect(fd, (struct sockaddr *)racing, length) == 0)
      send(fd, case_name, strlen(case_name), MSG_NOSIGNAL);
    struct sockaddr_un peer = {0};
    int is_the_host = here != SANDBOX && getpeername(fd, (struct sockaddr *)&peer, (socklen_t[]){sizeof peer}) == 0 &&
                      peer.sun_path[14] == 'e';
    close(fd);
    if (is_the_host) break;
    int accepted = accept4(server, NULL, NULL, SOCK_NONBLOCK);
    if (accepted != -1) close(accepted);
  }
  tried("connected");
}

/* A vector that grows after its length has been counted: what is written past the first count is what the copier had there before. */
static char many[4096];
static struct iovec vector[8];
static void grow(void) {
  for (int i = 0; i < 8; i++) ((volatile struct iovec *)vector)[i].iov_len = 8;
  for (int i = 0; i < 8; i++) ((volatile struct iovec *)vector)[i].iov_len = sizeof many;
}
static char scratch[8 * sizeof many];
static long naive_gather(int fd) {
  long total = 0, at = 0;
  memset(scratch, 'Z', sizeof scratch); /* of somebody else's call */
  for (int i = 0; i < 8; i++) total += ((volatile struct iovec *)vector)[i].iov_len;
  linger();
  for (int i = 0; i < 8; i++) {
    size_t length = ((volatile struct iovec *)vector)[i].iov_len;
    if (at + length > sizeof scratch) break;
    memcpy(scratch + at, vector[i].iov_base, length);
    at += length;
  }
  return write(fd, scratch, total);
}
static void gather(int (*make)(int *), long (*send_all)(int)) {
  static char got[65536];
  int in, fd = make(&in);
  memset(many, 'A', sizeof many);
  for (int i = 0; i < 8; i++) vector[i] = (struct iovec){many, 8};
  over_and_over(grow);
  WHILE_RACING {
    long n = here == SANDBOX ? send_all(fd) : naive_gather(fd);
    if (n <= 0) continue;
    n = read(in, got, sizeof got);
    for (long i = 0; i < n; i++)
      if (got[i] != 'A') out("a byte of somebody else: %#x", got[i]);
  }
  held("only its own bytes");
}
static int make_pipe(int *in) {
  int fds[2];
  MUST(pipe2(fds, O_NONBLOCK));
  *in = fds[0];
  return fds[1];
}
static int make_pair(int *in) {
  int fds[2];
  MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds));
  *in = fds[0];
  return fds[1];
}
static long send_by_writev(int fd) { return writev(fd, vector, 8); }
static long send_by_sendmsg(int fd) {
  struct msghdr message = {.msg_iov = vector, .msg_iovlen = 8};
  return sendmsg(fd, &message, 0);
}
ESCAPE(USER, vector_of_writev) { gather(make_pipe, send_by_writev); }
ESCAPE(USER, vector_of_sendmsg) { gather(make_pair, send_by_sendmsg); }

/* A descriptor in a control message that changes: only those that the sender has may arrive. */
static int passed[2];
static struct {
  struct cmsghdr head;
  volatile int fd;
  int pad;
} control = {{CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}, 0, 0};
static void change_passed(void) {
  control.fd = passed[0];
  control.fd = passed[1];
}
ESCAPE(BARE, descriptor_of_sendmsg) {
  /* passed[0] is its own, [1] one that it has closed but the host's table may still have: see planted.c. */
  int pair[2];
  char byte = 'x', from[CMSG_SPACE(sizeof(int))], text[16] = "";
  struct iovec iov = {&byte, 1};
  passed[0] = MUST(open("own", O_RDWR | O_CREAT, 0666));
  passed[1] = MUST(dup2(MUST(open(shared("allowed"), O_RDONLY)), 80));
  if (mmap(NULL, 4096, PROT_READ, MAP_SHARED, 80, 0) == MAP_FAILED) broken("mmap");
  if (here == SANDBOX) close(80);
  control.fd = passed[0];
  MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair));
  over_and_over(change_passed);
  WHILE_RACING {
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = CMSG_SPACE(sizeof(int))};
    if (here != SANDBOX && control.fd != passed[0]) continue;
    linger();
    if (sendmsg(pair[0], &message, 0) != 1) continue;
    message = (struct msghdr){.msg_iov = &iov, .msg_iovlen = 1, .msg_control = from, .msg_controllen = sizeof from};
    if (recvmsg(pair[1], &message, 0) != 1 || CMSG_FIRSTHDR(&message) == NULL) continue;
    int fd = *(int *)CMSG_DATA(CMSG_FIRSTHDR(&message));
    if (pread(fd, text, sizeof text, 0) > 0) out("another descriptor came");
    close(fd);
  }
  held("only its own came");
}

/* Names that change. */
static char one[4200], other[4200];
static void exchange(void) { syscall(SYS_renameat2, AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE); }
static void exchange_with_a_link(const char *target, const char *from) {
  char inside[4300], name[300], there[4300];
  snprintf(one, sizeof one, "%s", named(shared("."), ".one"));
  snprintf(other, sizeof other, "%s", named(shared("."), ".other"));
  snprintf(name, sizeof name, "%s.new", case_name);
  snprintf(inside, sizeof inside, "%s/%s", one, name);
  snprintf(there, sizeof there, "%s/%s", from, name);
  MUST(mkdir(one, 0777));
  MUST(symlink(target, other));
  over_and_over(exchange);
  WHILE_RACING {
    int fd = open(inside, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (fd != -1) close(fd);
    if (is_won(there)) break;
  }
  tried("made files");
}
ESCAPE(BARE, link_to_the_host_comes_and_goes) { exchange_with_a_link(host("outside"), host("outside")); }
ESCAPE(BARE, link_to_a_fixed_tree_comes_and_goes) { exchange_with_a_link(fixed("."), fixed(".")); }
ESCAPE(BARE, link_up_comes_and_goes) { exchange_with_a_link("../outside", host("outside")); }

static char deep[4200], flat[4200];
static void move(void) {
  rename(deep, flat);
  rename(flat, deep);
}
ESCAPE(BARE, directory_moves_under_the_one_who_climbs) {
  /* CVE-2015-2925: whoever is below, and goes up, must not pass the top. */
  char top[4200];
  snprintf(top, sizeof top, "%s", named(shared("."), ".top"));
  snprintf(deep, sizeof deep, "%s/a/b/c", top);
  snprintf(flat, sizeof flat, "%s", named(shared("."), ".flat"));
  MUST(mkdir(top, 0777));
  MUST(mkdir(strcat(strcpy(bad, top), "/a"), 0777));
  MUST(mkdir(strcat(strcpy(bad, top), "/a/b"), 0777));
  MUST(mkdir(deep, 0777));
  over_and_over(move);
  WHILE_RACING {
    if (chdir(deep) == -1 && chdir(flat) == -1) continue;
    if (loot_at("../../secret") || loot_at("../../../secret") || loot_at("../../../../../secret")) out("read a file of the host");
  }
  held("never got there");
}
static void let_the_host_race(void) { close(MUST(open(shared("race"), O_WRONLY | O_CREAT, 0666))); }
ESCAPE(BARE, host_exchanges_a_directory_and_a_link) {
  let_the_host_race();
  WHILE_RACING if (loot_at(shared("swap/secret"))) out("read a file of the host");
  held("never got there");
}
ESCAPE(BARE, host_exchanges_a_directory_and_a_way_up) {
  let_the_host_race();
  WHILE_RACING if (loot_at(shared("up/secret"))) out("read a file of the host");
  held("never got there");
}
ESCAPE(CHROOT, host_moves_a_directory_of_the_root_out) {
  /* Who is in it then is outside of the chroot. */
  let_the_host_race();
  WHILE_RACING {
    if (chdir("/plain/wanderer") == -1) continue;
    for (int i = 0; i < 20; i++)
      if (loot_at("../secret")) out("read a file of the host");
  }
  held("never got there");
}
ESCAPE(BARE, host_moves_a_directory_of_a_bind_out) {
  let_the_host_race();
  WHILE_RACING {
    if (chdir(shared("wanderer")) == -1) continue;
    for (int i = 0; i < 20; i++)
      if (loot_at("../../secret")) out("read a file of the host");
  }
  held("never got there");
}

/*
 * An exec is made by way of a descriptor that the sentry plants, as mmap is: whoever exchanges the one for the other has a program of
 * its own run with the rights of a set-id one. That program is written by hand; it says 50 as root and 51 as anybody else. The weak
 * place runs it as root.
 */
static const unsigned char says_who_it_is[] = {
    0x7f, 'E', 'L', 'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0,                          /* 64 bits, little endian */
    2, 0, 62, 0, 1, 0, 0, 0, 0x78, 0, 0x40, 0, 0, 0, 0, 0,                            /* ET_EXEC, x86-64, entry 0x400078 */
    64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,                                  /* program headers at 64 */
    0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 0, 0, 0, 0, 0, 0,                                 /* one of them */
    1, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,                                   /* PT_LOAD, readable and executable */
    0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0,                             /* at 0x400000 */
    0x94, 0, 0, 0, 0, 0, 0, 0, 0x94, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 0,  /* all of the file */
    0xb8, 107, 0, 0, 0, 0x0f, 0x05,                                                   /* geteuid */
    0x85, 0xc0, 0xbf, 51, 0, 0, 0, 0x75, 0x05, 0xbf, 50, 0, 0, 0,                     /* 51, or 50 for 0 */
    0xb8, 231, 0, 0, 0, 0x0f, 0x05};                                                  /* exit_group */
static int own_program;
static void *plants(void *unused) {
  for (;;)
    for (int fd = 0; fd < 8; fd++) {
      if (dup2(own_program, fd) == -1) continue;
      void *at = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
      if (at != MAP_FAILED) munmap(at, 4096);
      close(fd);
    }
  return unused;
}
ESCAPE(BARE, descriptor_of_an_exec_replaced) {
  const char *set_id = shared("suid");
  int fd = MUST(open(named(shared("."), ".program"), O_WRONLY | O_CREAT, 0755));
  MUST(write(fd, says_who_it_is, sizeof says_who_it_is));
  close(fd);
  WHILE_RACING {
    pid_t pid = MUST(fork());
    if (pid == 0) {
      if (here != SANDBOX) {
        execl(named(shared("."), ".program"), "x", NULL);
        _exit(90);
      }
      if (getuid() == 0 && setresuid(1000, 1000, 1000) == -1) _exit(91);
      own_program = MUST(fcntl(MUST(open(named(shared("."), ".program"), O_RDONLY)), F_DUPFD, 100));
      pthread_t threads[2];
      for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, plants, NULL);
      for (;;) execl(set_id, "suid", "@root", NULL);
    }
    int status = wait_for(pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 50) out("its own program ran as root");
    if (!WIFEXITED(status) || (WEXITSTATUS(status) != 1 && WEXITSTATUS(status) != 51)) out("status %#x", status);
  }
  held("it never was");
}

/*
 * Threads around exec. No weak place: Linux does this right. What is asked is that the sentry does too, and lives.
 */
static void *executes(void *argument) {
  execl(self, self, "list", "quiet", argument, NULL);
  return NULL;
}
static void each_round(void (*game)(void)) {
  long end = now_ms() + 2 * race_ms();
  while (now_ms() < end) {
    pid_t pid = MUST(fork());
    if (pid == 0) {
      game();
      _exit(90);
    }
    long patience = now_ms() + 5000;
    int status = 0, got;
    while ((got = waitpid(pid, &status, WNOHANG)) == 0 && now_ms() < patience) sleep_ms(1);
    if (got == 0) out("a process hangs");
    if (status != 0) out("status %#x", status);
  }
  if (open("after", O_WRONLY | O_CREAT, 0666) == -1) out("nobody answers any more");
  held("each was executed");
}
static void two_execute(void) {
  pthread_t threads[3];
  for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, executes, NULL);
  executes(NULL);
}
ESCAPE(NONE, several_threads_execute) { each_round(two_execute); }
static void *clones(void *unused) {
  for (;;) {
    pid_t pid = fork();
    if (pid == 0) _exit(0);
    if (pid > 0) waitpid(pid, NULL, 0);
  }
  return unused;
}
static void one_clones(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, clones, NULL);
  executes(NULL);
}
ESCAPE(NONE, one_thread_clones_while_another_executes) { each_round(one_clones); }
static void vforks(void) {
  pthread_t thread;
  pid_t pid = vfork();
  if (pid == 0) {
    execl(self, self, "list", "quiet", NULL);
    _exit(1);
  }
  pthread_create(&thread, NULL, executes, NULL);
  waitpid(pid, NULL, 0);
  executes(NULL);
}
ESCAPE(NONE, vfork_and_execute) { each_round(vforks); }
static void *flips(void *unused) {
  for (;;) flip();
  return unused;
}
static void path_flips(void) {
  pthread_t thread;
  snprintf(good, sizeof good, "%s", self);
  snprintf(bad, sizeof bad, "%s", "/facts"); /* no program */
  memcpy((char *)racing, good, sizeof racing);
  pthread_create(&thread, NULL, flips, NULL);
  for (;;) execl((const char *)racing, self, "list", "quiet", NULL);
}
ESCAPE(NONE, path_of_execve) { each_round(path_flips); }
static char *arguments[] = {self, "list", "quiet", NULL};
static void *changes_arguments(void *unused) {
  for (;;) {
    ((char *volatile *)arguments)[2] = "quiet";
    ((char *volatile *)arguments)[2] = (char *)8;
    ((char *volatile *)arguments)[3] = (char *)-8;
    ((char *volatile *)arguments)[3] = NULL;
  }
  return unused;
}
static void arguments_change(void) {
  pthread_t thread;
  pthread_create(&thread, NULL, changes_arguments, NULL);
  for (;;) execv(self, arguments);
}
ESCAPE(NONE, arguments_of_execve) { each_round(arguments_change); }
