/*
 * Attempts to get out of a sandbox, or to see out of it. All files of this folder are one static program.
 *
 *   ESCAPE(BARE, packet_socket) { ATTEMPT(socket(AF_PACKET, SOCK_RAW, 0)); }
 *
 * Each case runs in a process of its own and ends with one line:
 *
 *   NAME: out WHAT       it got out, or saw something of outside
 *   NAME: held WHY       it was refused
 *   NAME: tried WHAT     only the world outside can tell: "world: happened NAME" is printed there if it worked
 *   NAME: lacking WHAT   the host kernel has no such thing, so that there is nothing to show in the weak place
 *
 * The same case is run in a weak place, where it must get out (else it proves nothing), and in the sandbox, where it must not.
 *
 *   escape world DIR CMD...   pid 1 of throw-away namespaces: makes in DIR what there is to be taken, runs CMD, looks what happened
 *   escape weak [CASE...]     the cases in their weak places
 *   escape sandbox [CASE...]  the cases in a sandbox whose root is DIR/root
 *   escape list               the names
 *
 * What runs in a weak place runs as root of a real machine: a case whose success would change the machine shows with a harmless
 * argument that it is past the check (EINVAL where others get EPERM), or is of the place NONE and says why.
 */
#ifndef ESCAPE_H
#define ESCAPE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum place {
  BARE,    /* root, with all capabilities, in the namespaces of the world */
  USER,    /* uid 1000 there */
  CHROOT,  /* root, chrooted to the directory that is the sandbox's root, with the same mounts */
  NONE,    /* nowhere: the case says why */
  SANDBOX, /* only of `here` */
};

struct escape {
  const char *name;
  enum place place;
  const char *file;
  int line;
  void (*run)(void);
};

#define ESCAPE(place, name)                                                                        \
  static void escape_##name(void);                                                                 \
  __attribute__((section("escapes"), used, aligned(8))) static const struct escape                 \
      entry_##name = {#name, place, __FILE__, __LINE__, escape_##name};                            \
  static void escape_##name(void)

extern const struct escape __start_escapes[], __stop_escapes[];

extern enum place here;       /* where the running case is */
extern const char *case_name; /* of the running case */
extern char self[];           /* a path to this program, to be executed */
extern char token[];          /* how everything begins that is worth taking; nowhere in this file as it is */

_Noreturn __attribute__((format(printf, 1, 2))) void out(const char *format, ...);
_Noreturn __attribute__((format(printf, 1, 2))) void held(const char *format, ...);
_Noreturn __attribute__((format(printf, 1, 2))) void tried(const char *format, ...);
_Noreturn __attribute__((format(printf, 1, 2))) void lacking(const char *format, ...);

/* Ends the case with errno: held, or in a weak place lacking where that is what errno says. */
_Noreturn void refused(const char *what);

/* A call that must not succeed. */
#define ATTEMPT(call) ((long)(call) == -1 ? refused(#call) : out("%s", #call))

/* A call that cannot succeed as it is made: this error says that the kernel had already found the caller worthy. */
#define REACHES(error, call)                                                                       \
  ((long)(call) != -1 || errno == (error) ? out("%s: reached", #call) : refused(#call))

/* In a weak place: nothing that makes the kernel load a module, so only what is there already: a word of a file of /proc. */
void only_if_listed(const char *path, const char *word);

/* In a weak place: root has this capability there, which it may not have in a container that the tests run in. */
void only_with(int capability);

/* A step on the way; that it fails is the end of the attempt. */
#define STEP(call)                                                                                 \
  ({                                                                                               \
    __auto_type step_ = (call);                                                                    \
    if ((long)step_ == -1) refused(#call);                                                         \
    step_;                                                                                         \
  })

/* Something that has nothing to do with the attempt, and works everywhere; else the case is broken. */
#define MUST(call)                                                                                 \
  ({                                                                                               \
    __auto_type must_ = (call);                                                                    \
    if ((long)must_ == -1) broken(#call);                                                          \
    must_;                                                                                         \
  })
_Noreturn void broken(const char *what);

/* Facts about the world outside, written by it; the guest knows them all. */
const char *fact(const char *name);
long number(const char *name);

/* Paths; valid for the next few calls. */
const char *host(const char *path);   /* the world's directory by its name outside, wherever we are */
const char *shared(const char *path); /* what is bound writable, by its name here */
const char *fixed(const char *path);  /* what is bound read-only, by its name here */
const char *named(const char *directory, const char *end); /* DIRECTORY/CASE_NAME END */

int is_loot(const void *bytes, size_t length);
int loot_in(int fd);            /* within the first bytes that can be read */
int loot_at(const char *path);

/* Calls `look` for every process in /proc but the case itself. */
void each_process(void (*look)(const char *pid));

long now_ms(void);
void sleep_ms(long ms);
long race_ms(void);            /* how long a race is run; in a weak place until it is won, on a busy machine too */
int is_won(const char *path); /* whether that is so: the file was written to, or is there at all */
int wait_for(pid_t pid); /* the wait status */

/* A thread that does something over and over until the case ends. */
void over_and_over(void (*step)(void));

#define LOOT_ADDRESS ((char *)0x5ec2e70000) /* a page of the victim */

int world(int argc, char **argv);

#endif
