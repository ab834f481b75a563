/* System V shared memory, semaphores, message queues. */
#include "harness.h"
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

CASE(shared_memory) {
  struct shmid_ds ds;
  int id = REQUIRE(shmget(IPC_PRIVATE, 5000, IPC_CREAT | 0600));
  char *p = shmat(id, NULL, 0);
  SHOW(p == (void *)-1);
  SHOW(shmctl(id, IPC_STAT, &ds));
  say("size %zu attached %ld mode %o own creator %d", ds.shm_segsz, (long)ds.shm_nattch, ds.shm_perm.mode, ds.shm_cpid == getpid());
  pid_t pid = fork();
  if (pid == 0) {
    strcpy(p, "from the child");
    char *q = shmat(id, NULL, SHM_RDONLY);
    say("read-only sees %s", q);
    SHOW(shmdt(q));
    _exit(0);
  }
  reap("child", pid);
  say("%s", p);
  SHOW(shmctl(id, IPC_RMID, NULL));
  SHOW(shmctl(id, IPC_STAT, &ds));
  say("still %s", p);
  SHOW(shmdt(p));
  SHOW(shmctl(id, IPC_STAT, &ds));
  SHOW(shmdt(p));
}

CASE(shared_memory_keys) {
  key_t key = 0x52440000 | (getpid() & 0xffff);
  int id = REQUIRE(shmget(key, 4096, IPC_CREAT | IPC_EXCL | 0600));
  SHOW(shmget(key, 4096, IPC_CREAT | IPC_EXCL | 0600));
  SHOW(shmget(key, 4096, 0) == id);
  SHOW(shmget(key, 8192, 0));
  SHOW(shmctl(id, IPC_RMID, NULL));
  SHOW(shmget(key, 4096, 0));
  SHOW(shmget(IPC_PRIVATE, 0, IPC_CREAT | 0600));
  SHOW_AS("attach", shmat(-1, NULL, 0) == (void *)-1 ? -1 : 0);
  SHOW(shmctl(-1, IPC_RMID, NULL));
}

static int semop1(int id, int number, int op, int flags) {
  struct sembuf b = {number, op, flags};
  return semop(id, &b, 1);
}

CASE(semaphores) {
  int id = REQUIRE(semget(IPC_PRIVATE, 2, IPC_CREAT | 0600));
  SHOW(semctl(id, 0, SETVAL, 1));
  SHOW(semctl(id, 0, GETVAL));
  SHOW(semop1(id, 0, -1, IPC_NOWAIT));
  SHOW(semop1(id, 0, -1, IPC_NOWAIT));
  SHOW(semop1(id, 1, 0, IPC_NOWAIT));
  SHOW(semop1(id, 1, 5, 0));
  SHOW(semop1(id, 1, 0, IPC_NOWAIT));
  SHOW(semctl(id, 1, GETVAL));
  SHOW(semop1(id, 2, 1, 0));
  SHOW(semctl(id, 2, GETVAL));
  SHOW(semctl(id, 0, IPC_RMID));
  SHOW(semop1(id, 0, 1, 0));
}

CASE(semaphore_blocks_and_undoes) {
  int id = REQUIRE(semget(IPC_PRIVATE, 1, IPC_CREAT | 0600));
  pid_t pid = fork();
  if (pid == 0) {
    let_it_block();
    say("child raises");
    MUST(semop1(id, 0, 1, 0));
    _exit(0);
  }
  SHOW(semop1(id, 0, -1, 0));
  reap("child", pid);
  pid = fork();
  if (pid == 0) {
    MUST(semop1(id, 0, 3, SEM_UNDO));
    say("in child %d", semctl(id, 0, GETVAL));
    _exit(0);
  }
  reap("child", pid);
  SHOW(semctl(id, 0, GETVAL));
  pid = fork();
  if (pid == 0) {
    SHOW(semop1(id, 0, -1, 0));
    _exit(0);
  }
  let_it_block();
  MUST(semctl(id, 0, IPC_RMID));
  reap("waiter", pid);
}

struct message {
  long type;
  char text[16];
};

CASE(message_queues) {
  struct message m = {1, "first"};
  struct msqid_ds ds;
  int id = REQUIRE(msgget(IPC_PRIVATE, IPC_CREAT | 0600));
  SHOW(msgsnd(id, &m, 6, 0));
  m.type = 2;
  strcpy(m.text, "second");
  SHOW(msgsnd(id, &m, 7, 0));
  SHOW(msgctl(id, IPC_STAT, &ds));
  say("messages %lu bytes %lu", (long)ds.msg_qnum, (long)ds.__msg_cbytes);
  SHOW(msgrcv(id, &m, 16, 2, 0));
  say("%s", m.text);
  SHOW(msgrcv(id, &m, 3, 0, 0));
  SHOW(msgrcv(id, &m, 3, 0, MSG_NOERROR));
  say("%.3s", m.text);
  SHOW(msgrcv(id, &m, 16, 0, IPC_NOWAIT));
  m.type = 0;
  SHOW(msgsnd(id, &m, 1, 0));
  SHOW(msgctl(id, IPC_RMID, NULL));
  SHOW(msgsnd(id, &m, 1, 0));
}
