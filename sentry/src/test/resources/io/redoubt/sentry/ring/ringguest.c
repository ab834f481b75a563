/*
 * A program whose system calls are rewritten while it waits for a command. Its trampoline counts, and makes the real
 * call; but getppid has a made-up result there, and lseek, when told so, is interrupted once.
 *
 * The functions are those of libraries: the first four glibc's read, close, lseek and getppid, then glibc's syscall(2),
 * musl's __syscall_cp_asm, and one that cannot be rewritten.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096
#define TRAMPOLINE_PAGE ((void *)0x180000)
#define GETPPID 110
#define MADE_UP 4242

#define FUNCTION(name, body)                                                                                           \
  __asm__(".text\n.p2align 4\n.globl " #name "\n" #name ":\n" body);                                                   \
  extern char name##_ip[];                                                                                             \
  long name(long, ...)

unsigned long entered;
int interruptions;

FUNCTION(trampoline, "trampoline_ip: incq entered(%rip)\n"
                     "cmp $110, %eax\n"
                     "je 1f\n"
                     "cmp $8, %eax\n"
                     "jne 2f\n"
                     "cmpl $0, interruptions(%rip)\n"
                     "je 2f\n"
                     "decl interruptions(%rip)\n"
                     "mov $-4, %rax\n"
                     "add $2, %rcx\n"
                     "jmp *%rcx\n"
                     "1: mov $4242, %eax\n"
                     "add $2, %rcx\n"
                     "2: jmp *%rcx\n");

#define SYSCALL(name) "syscall\n" #name "_ip:\n"

FUNCTION(a_read, "cmpb $0, interruptions(%rip)\n"
                 "jne 1f\n"
                 "xor %eax, %eax\n" SYSCALL(a_read) "cmp $-4095, %rax\n"
                 "jae 1f\n"
                 "ret\n"
                 ".p2align 4\n"
                 "1: ret\n");
FUNCTION(a_close, "mov $3, %eax\n" SYSCALL(a_close) "ret\n");
FUNCTION(a_lseek, "mov $8, %eax\n" SYSCALL(a_lseek) "ret\n");
FUNCTION(a_getppid, "mov $110, %eax\n" SYSCALL(a_getppid) "ret\n");
FUNCTION(a_syscall, "mov %rdi, %rax\n"
                    "mov %rsi, %rdi\n"
                    "mov %rdx, %rsi\n"
                    "mov %rcx, %rdx\n"
                    "mov %r8, %r10\n"
                    "mov %r9, %r8\n"
                    "mov 8(%rsp), %r9\n" SYSCALL(a_syscall) "ret\n");
FUNCTION(a_cancellable, "mov (%rdi), %eax\n"
                        "test %eax, %eax\n"
                        "jnz 1f\n"
                        "mov %rdi, %r11\n"
                        "mov %rsi, %rax\n"
                        "mov %rdx, %rdi\n"
                        "mov %rcx, %rsi\n"
                        "mov %r8, %rdx\n"
                        "mov %r9, %r10\n"
                        "mov 8(%rsp), %r8\n"
                        "mov 16(%rsp), %r9\n"
                        "mov %r11, 8(%rsp)\n" SYSCALL(a_cancellable) "ret\n"
                        "1: mov $-125, %rax\n"
                        "ret\n");
FUNCTION(a_popped, "push $110\n"
                   "pop %rax\n" SYSCALL(a_popped) ".rept 150\n"
                                                  "test %eax, %eax\n"
                                                  ".endr\n"
                                                  "ret\n");

/* Its mov is in two pages. */
__asm__(".p2align 12\n.fill 4094, 1, 0xcc\n");
__asm__("a_straddling: mov $110, %eax\n" SYSCALL(a_straddling) "ret\n");
extern char a_straddling_ip[];
long a_straddling(long, ...);

static const unsigned char code[] = {0xb8, GETPPID, 0, 0, 0, 0x0f, 0x05, 0xc3};

static void site(const char *name, const void *ip, int nr) {
  printf("site %s %lx %d\n", name, (unsigned long)ip, nr);
}

/* A site that is code of no program: the bytes of a_getppid in some mapping. */
static void stray(const char *name, int fd, int protection, int flags) {
  unsigned char *p = mmap(NULL, PAGE, protection, flags, fd, 0);
  if (p == MAP_FAILED) {
    perror(name);
    exit(1);
  }
  if (flags & MAP_ANONYMOUS) {
    memcpy(p, code, sizeof code);
  }
  site(name, p + 7, GETPPID);
}

int main(void) {
  void **page =
      mmap(TRAMPOLINE_PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  int file = memfd_create("file", 0);
  if (page != TRAMPOLINE_PAGE || file < 0 || pwrite(file, code, sizeof code, 0) != sizeof code) {
    perror("set-up");
    return 1;
  }
  page[1] = (void *)trampoline;
  mprotect(page, PAGE, PROT_READ | PROT_EXEC);
  site("read", a_read_ip, 0);
  site("close", a_close_ip, 3);
  site("lseek", a_lseek_ip, 8);
  site("getppid", a_getppid_ip, GETPPID);
  site("syscall", a_syscall_ip, 8);
  site("cancellable", a_cancellable_ip, 8);
  site("popped", a_popped_ip, GETPPID);
  site("straddling", a_straddling_ip, GETPPID);
  site("no-call", a_popped_ip + 2, GETPPID);
  site("unmapped", (void *)4096, GETPPID);
  stray("anonymous", -1, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS);
  stray("shared", file, PROT_READ | PROT_EXEC, MAP_SHARED);
  stray("writable", file, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE);
  stray("no-program", file, PROT_READ | PROT_EXEC, MAP_PRIVATE);
  printf("ready\n");
  fflush(stdout);

  char command;
  int zero = 0;
  unsigned long before = 0;
  while (a_read(0L, (long)&command, 1L) == 1) {
    long a = 0, b = 0;
    switch (command) {
    case 'r': /* only the read of this command */
      break;
    case 'c':
      a = a_close((long)dup(0));
      b = a_close(-1L);
      break;
    case 'l':
      a = a_lseek((long)file, 5L, (long)SEEK_SET);
      b = a_lseek(-1L, 0L, (long)SEEK_SET);
      break;
    case 'i':
      interruptions = 1;
      a = a_lseek((long)file, 6L, (long)SEEK_SET);
      b = interruptions;
      break;
    case 'p':
      a = a_getppid(0L);
      b = a_popped(0L) == getppid();
      break;
    case 's':
      a = a_syscall(8L, (long)file, 7L, (long)SEEK_SET);
      b = a_syscall((long)GETPPID);
      break;
    case 't':
      a = a_straddling(0L);
      break;
    case 'm':
      a = a_cancellable((long)&zero, 8L, (long)file, 9L, (long)SEEK_SET, 0L, 0L, 0L);
      zero = 1;
      b = a_cancellable((long)&zero, 8L, (long)file, 0L, (long)SEEK_SET, 0L, 0L, 0L);
      zero = 0;
      break;
    case 'w': /* the C library's own */
      a = read(0, &command, 1);
      b = command;
      break;
    case 'f': {
      pid_t child = fork();
      if (child == 0) {
        _exit(a_getppid(0L) == MADE_UP ? 7 : 8);
      }
      int status = 0;
      waitpid(child, &status, 0);
      a = WEXITSTATUS(status);
      break;
    }
    }
    printf("%ld %ld %lu\n", a, b, entered - before);
    fflush(stdout);
    before = entered;
  }
  return 0;
}
