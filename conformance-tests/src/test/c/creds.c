/* User and group ids, groups, capabilities, prctl. */
#include "harness.h"
#include <grp.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static void say_ids(void) {
  uid_t r, e, s;
  getresuid(&r, &e, &s);
  gid_t gr, ge, gs;
  getresgid(&gr, &ge, &gs);
  say("uid %d %d %d gid %d %d %d", r, e, s, gr, ge, gs);
}

/* Runs a block in a child of its own and says how it ended. */
#define IN_CHILD                                                                                   \
  for (pid_t child_ = fork(); child_ != -2; child_ = -2)                                           \
    if (child_ > 0)                                                                                \
      reap("child", child_);                                                                       \
    else                                                                                           \
      for (;; _exit(0))

CASE(root_ids) {
  say_ids();
  SHOW(getuid());
  SHOW(geteuid());
  SHOW(getgid());
  SHOW(getegid());
  SHOW(setfsuid(-1));
}

CASE(setuid_as_root) {
  IN_CHILD {
    SHOW(setuid(1000));
    say_ids();
    SHOW(setuid(0));
    SHOW(setuid(1000));
    SHOW(setuid(1001));
    SHOW(setresuid(0, -1, -1));
    SHOW(seteuid(0));
  }
}

CASE(seteuid_and_back) {
  IN_CHILD {
    SHOW(seteuid(1000));
    say_ids();
    SHOW(setuid(1001));
    SHOW(seteuid(0));
    say_ids();
  }
}

CASE(setresuid) {
  IN_CHILD {
    SHOW(setresuid(1, 2, 3));
    say_ids();
    SHOW(setresuid(3, 1, 2));
    say_ids();
    SHOW(setresuid(4, -1, -1));
    SHOW(setresuid(-1, 3, -1));
    say_ids();
    SHOW(setreuid(2, -1));
    say_ids();
  }
}

CASE(setreuid) {
  IN_CHILD {
    SHOW(setreuid(10, 20));
    /* The saved id follows the effective one. */
    say_ids();
    SHOW(setreuid(20, 10));
    say_ids();
    SHOW(setreuid(30, -1));
  }
}

CASE(setgid_family) {
  IN_CHILD {
    SHOW(setgid(100));
    say_ids();
    SHOW(setresgid(1, 2, 3));
    say_ids();
    SHOW(setregid(-1, 5));
    say_ids();
    SHOW(setegid(1));
    say_ids();
  }
  IN_CHILD {
    MUST(setuid(1000));
    SHOW(setgid(100));
    SHOW(setresgid(-1, -1, 100));
    SHOW(setgid(0));
  }
}

CASE(negative_ids) {
  SHOW(setuid(-1));
  SHOW(setgid(-1));
  SHOW(setresuid(-1, -1, -1));
  SHOW(syscall(SYS_getresuid, BAD_POINTER, BAD_POINTER, BAD_POINTER));
}

CASE(groups) {
  gid_t list[10] = {5, 7, 7, 3};
  IN_CHILD {
    SHOW(setgroups(4, list));
    SHOW(getgroups(0, NULL));
    memset(list, 0, sizeof list);
    SHOW(getgroups(10, list));
    say("%d %d %d %d", list[0], list[1], list[2], list[3]);
    SHOW(getgroups(2, list));
    SHOW(getgroups(-1, list));
    SHOW(setgroups(0, NULL));
    SHOW(getgroups(10, list));
    SHOW(setgroups(65537, list));
    SHOW(setgroups(1, BAD_POINTER));
    MUST(setuid(1000));
    SHOW(setgroups(1, list));
    SHOW(setgroups(0, NULL));
  }
}

CASE(file_system_ids) {
  put("f", "x");
  chmod("f", 0600);
  IN_CHILD {
    SHOW(setfsuid(1000));
    SHOW(setfsuid(-1));
    SHOW(open("f", O_RDONLY));
    SHOW(setfsuid(0));
    SHOW(open("f", O_RDONLY));
    SHOW(setfsgid(50));
    SHOW(setfsgid(-1));
    int fd = MUST(open("g", O_WRONLY | O_CREAT, 0644));
    (void)fd;
    show_stat("g");
  }
}

static void say_caps(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  if (syscall(SYS_capget, &header, data) == -1)
    say("capget: %s", errno_name(errno));
  else
    say("effective %s permitted %s inheritable %s", data[0].effective ? "some" : "none", data[0].permitted ? "some" : "none",
        data[0].inheritable ? "some" : "none");
}

CASE(capabilities_follow_the_uid) {
  IN_CHILD {
    say_caps();
    MUST(seteuid(1000));
    say_caps();
    MUST(seteuid(0));
    say_caps();
    MUST(setuid(1000));
    say_caps();
  }
}

CASE(keep_capabilities) {
  IN_CHILD {
    SHOW(prctl(PR_GET_KEEPCAPS));
    SHOW(prctl(PR_SET_KEEPCAPS, 1));
    SHOW(prctl(PR_GET_KEEPCAPS));
    MUST(setuid(1000));
    say_caps();
    SHOW(prctl(PR_SET_KEEPCAPS, 2));
  }
}

CASE(capset_drops_and_cannot_raise) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  put("f", "x");
  chmod("f", 0);
  IN_CHILD {
    MUST(setgroups(0, NULL));
    MUST(chown("f", 7, 7));
    memset(data, 0, sizeof data);
    SHOW(syscall(SYS_capset, &header, data));
    say_caps();
    SHOW(open("f", O_RDONLY));
    SHOW(chown("f", 0, 0));
    SHOW(setuid(1000));
    data[0].permitted = 1;
    SHOW(syscall(SYS_capset, &header, data));
    SHOW(kill(getppid(), 0));
  }
}

CASE(capget_errors) {
  struct __user_cap_header_struct header = {0x12345678, 0};
  struct __user_cap_data_struct data[2];
  SHOW(syscall(SYS_capget, &header, data));
  say("version offered %#x", header.version);
  header.version = 0x12345678;
  SHOW(syscall(SYS_capget, &header, NULL));
  header.version = _LINUX_CAPABILITY_VERSION_3;
  header.pid = -1;
  SHOW(syscall(SYS_capget, &header, data));
  header.pid = 999999;
  SHOW(syscall(SYS_capget, &header, data));
  SHOW(syscall(SYS_capget, BAD_POINTER, data));
  header.pid = 0;
  SHOW(syscall(SYS_capget, &header, BAD_POINTER));
  SHOW(syscall(SYS_capset, &header, BAD_POINTER));
}

CASE(capability_of_chown_and_dac) {
  put("f", "x");
  chmod("f", 0);
  IN_CHILD {
    MUST(setuid(1000));
    SHOW(open("f", O_RDONLY));
    SHOW(chown("f", 1000, 1000));
    SHOW(chmod("f", 0777));
    SHOW(unlink("f"));
    SHOW(mknod("n", S_IFCHR | 0600, 0x103));
    SHOW(chroot("."));
    SHOW(sethostname("x", 1));
    SHOW(setpriority(0, 0, -5));
    SHOW(setgroups(0, NULL));
  }
}

CASE(bounding_set_and_ambient) {
  SHOW(prctl(PR_CAPBSET_READ, 9999, 0, 0, 0));
  SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, CAP_CHOWN, 0, 0));
  SHOW(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
  SHOW(prctl(PR_CAP_AMBIENT, 99, 0, 0, 0));
}

CASE(no_new_privileges_sticks) {
  IN_CHILD {
    SHOW(prctl(PR_SET_NO_NEW_PRIVS, 2, 0, 0, 0));
    SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    SHOW(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    SHOW(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
    pid_t pid = fork();
    if (pid == 0) _exit(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : 1);
    reap("grandchild", pid);
  }
}

CASE(prctl_values) {
  int value = -1;
  SHOW(prctl(PR_GET_DUMPABLE));
  SHOW(prctl(PR_SET_DUMPABLE, 0));
  SHOW(prctl(PR_GET_DUMPABLE));
  SHOW(prctl(PR_SET_DUMPABLE, 2));
  SHOW(prctl(PR_GET_TIMERSLACK) > 0);
  SHOW(prctl(PR_SET_TIMERSLACK, 1000));
  SHOW(prctl(PR_GET_TIMERSLACK));
  SHOW(prctl(PR_GET_TSC, &value));
  SHOW(value);
  SHOW(prctl(PR_SET_PDEATHSIG, 99));
  SHOW(prctl(PR_GET_PDEATHSIG, BAD_POINTER));
  SHOW(prctl(9999, 0, 0, 0, 0));
  SHOW(prctl(-1, 0, 0, 0, 0));
  SHOW(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
  SHOW(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
  SHOW(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
}

CASE(ids_over_fork_and_exec) {
  IN_CHILD {
    MUST(setresgid(1, 2, 3));
    MUST(setresuid(0, 20, 30));
    pid_t pid = fork();
    if (pid == 0) {
      say_ids();
      execl(harness_self, "creds", "@ids", (char *)NULL);
      _exit(1);
    }
    reap("grandchild", pid);
  }
}

HELPER(ids) { say_ids(); }

CASE(personality) {
  SHOW(syscall(SYS_personality, 0xffffffff));
  SHOW(syscall(SYS_personality, 0x0040000));
  SHOW(syscall(SYS_personality, 0xffffffff));
}
