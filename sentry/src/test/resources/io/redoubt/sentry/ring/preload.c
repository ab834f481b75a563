/*
 * Gives any program a trampoline, and stops it before its main function so that it can be rewritten: the process that
 * the test started, not what that one starts. It counts, in a file that is mapped at COUNT_PAGE. The trampoline makes the real call; but where the thunk behind it repeats
 * a call that was interrupted, each second one is.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096
#define TRAMPOLINE_PAGE ((void *)0x180000)
#define COUNT_PAGE ((void *)0x181000)

extern char trampoline[];

__asm__(".text\n"
        ".globl trampoline\n"
        "trampoline:\n"
        "lock incq 0x181000\n"
        "cmpl $0xfcf88348, 2(%rcx)\n" /* cmp $-4, %rax */
        "jne 1f\n"
        "lock incl 0x180010\n"
        "testl $1, 0x180010\n"
        "jz 1f\n"
        "mov $-4, %rax\n"
        "add $2, %rcx\n"
        "1: jmp *%rcx\n");

__attribute__((constructor)) static void stop(void) {
  const char *parent = getenv("REWRITTEN_BY");
  const char *file = getenv("REWRITTEN_COUNT");
  int fd = file == NULL ? -1 : open(file, O_RDWR | O_CLOEXEC);
  void **page = mmap(TRAMPOLINE_PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
                     -1, 0);
  void *count = mmap(COUNT_PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0);
  if (page != TRAMPOLINE_PAGE || count != COUNT_PAGE || parent == NULL) {
    _exit(99);
  }
  close(fd);
  page[1] = trampoline;
  if (getppid() == atoi(parent)) {
    raise(SIGSTOP);
  }
}
