/* What processes of a host share by name or number: System V and POSIX objects. */
#include "escape.h"

#include <mqueue.h>
#include <semaphore.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

static void attach(int id) {
  char *at = shmat(id, NULL, SHM_RDONLY);
  if (at == (char *)-1) return;
  if (is_loot(at, 64)) out("read shared memory of the host");
  shmdt(at);
}
ESCAPE(USER, shared_memory_by_key) {
  attach(STEP(shmget(number("key"), 0, 0)));
  held("another one");
}
ESCAPE(USER, shared_memory_by_number) {
  for (int id = 0; id < 4096; id++) attach(id);
  held("none of them");
}
ESCAPE(USER, shared_memory_by_index) {
  struct shmid_ds ds;
  for (int i = 0; i < 256; i++) {
    int id = shmctl(i, SHM_STAT, &ds);
    if (id != -1 && ds.shm_perm.__key == number("key")) out("found shared memory of the host");
  }
  held("none of them");
}
ESCAPE(USER, semaphore_of_the_host) {
  int id = STEP(semget(number("key"), 0, 0));
  if (semctl(id, 0, GETVAL) == 42) out("read a semaphore of the host");
  held("another one");
}
ESCAPE(USER, message_queue_of_the_host) {
  struct {
    long type;
    char text[64];
  } message = {0};
  int id = STEP(msgget(number("key"), 0));
  STEP(msgrcv(id, &message, sizeof message.text, 0, IPC_NOWAIT));
  if (is_loot(message.text, sizeof message.text)) out("took a message of the host");
  held("another one");
}
ESCAPE(USER, posix_queue_of_the_host) {
  char text[8192];
  mqd_t queue = STEP(mq_open("/redoubt-escape", O_RDONLY | O_NONBLOCK));
  long n = STEP(mq_receive(queue, text, sizeof text, NULL));
  if (is_loot(text, n)) out("took a message of the host");
  held("another one");
}
ESCAPE(USER, posix_memory_of_the_host) {
  int fd = STEP(shm_open("/redoubt-escape", O_RDONLY, 0));
  if (loot_in(fd)) out("read shared memory of the host");
  held("another one");
}
ESCAPE(USER, posix_memory_by_its_path) {
  if (loot_at("/dev/shm/redoubt-escape")) out("read shared memory of the host");
  refused("/dev/shm/redoubt-escape");
}
ESCAPE(BARE, files_of_the_host_watched) {
  int fd = MUST(inotify_init1(IN_NONBLOCK));
  ATTEMPT(inotify_add_watch(fd, host("secret"), IN_ALL_EVENTS));
}
