/* access, faccessat2, chmod, chown, and what an unprivileged user may do. */
#include "harness.h"
#include <grp.h>

/* Runs the rest of the block as uid 12345, gid 12345, without groups. */
#define AS_USER                                                                                    \
  for (pid_t user_ = fork(); user_ != -2; user_ = -2)                                              \
    if (user_ > 0)                                                                                 \
      reap("as user", user_);                                                                      \
    else                                                                                           \
      for (become_user();; _exit(0))

static void become_user(void) {
  MUST(setgroups(0, NULL));
  MUST(setgid(12345));
  MUST(setuid(12345));
}

CASE(access_as_root) {
  put("f", "x");
  chmod("f", 0);
  MUST(mkdir("d", 0));
  SHOW(access("f", F_OK));
  SHOW(access("f", R_OK));
  SHOW(access("f", W_OK));
  SHOW(access("f", X_OK));
  chmod("f", 0100);
  SHOW(access("f", X_OK));
  chmod("f", 0001);
  SHOW(access("f", X_OK));
  SHOW(access("d", R_OK | W_OK | X_OK));
  SHOW(access("missing", F_OK));
  SHOW(access("f/x", F_OK));
  SHOW(access("f", 8));
  SHOW(access("", F_OK));
  SHOW(access(BAD_POINTER, F_OK));
}

CASE(access_as_user) {
  put("f", "x");
  mode_t modes[] = {0, 0444, 0222, 0111, 0004, 0040, 0400, 0777};
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    chmod("f", modes[i]);
    AS_USER {
      say("mode %04o: r=%d w=%d x=%d", modes[i], access("f", R_OK), access("f", W_OK), access("f", X_OK));
    }
  }
}

CASE(access_as_owner_and_group) {
  put("f", "x");
  MUST(chown("f", 12345, 0));
  chmod("f", 0077);
  AS_USER { say("owner, 0077: r=%d", access("f", R_OK)); }
  MUST(chown("f", 0, 12345));
  chmod("f", 0707);
  AS_USER { say("group, 0707: r=%d", access("f", R_OK)); }
  chmod("f", 0070);
  AS_USER { say("group, 0070: r=%d", access("f", R_OK)); }
}

CASE(supplementary_groups_count) {
  put("f", "x");
  MUST(chown("f", 0, 777));
  chmod("f", 0040);
  pid_t pid = fork();
  if (pid == 0) {
    gid_t groups[] = {500, 777};
    MUST(setgroups(2, groups));
    MUST(setgid(12345));
    MUST(setuid(12345));
    OK(open("f", O_RDONLY));
    _exit(0);
  }
  reap("member", pid);
  AS_USER { OK(open("f", O_RDONLY)); }
}

CASE(faccessat_flags) {
  put("f", "x");
  MUST(symlink("missing", "dangling"));
  int fd = MUST(open("f", O_RDONLY));
  int dir = MUST(open(".", O_RDONLY));
  SHOW(syscall(SYS_faccessat2, dir, "f", R_OK, 0));
  SHOW(syscall(SYS_faccessat2, dir, "dangling", F_OK, 0));
  SHOW(syscall(SYS_faccessat2, dir, "dangling", F_OK, AT_SYMLINK_NOFOLLOW));
  SHOW(syscall(SYS_faccessat2, fd, "", R_OK, AT_EMPTY_PATH));
  SHOW(syscall(SYS_faccessat2, fd, "", R_OK, 0));
  SHOW(syscall(SYS_faccessat2, fd, "f", R_OK, 0));
  SHOW(syscall(SYS_faccessat2, 77, "f", R_OK, 0));
  SHOW(syscall(SYS_faccessat2, dir, "f", R_OK, 0x8000));
  SHOW(syscall(SYS_faccessat2, dir, "f", R_OK, AT_EACCESS));
  SHOW(syscall(SYS_faccessat, dir, "f", 8));
}

CASE(access_uses_real_ids) {
  put("f", "x");
  chmod("f", 0400);
  pid_t pid = fork();
  if (pid == 0) {
    MUST(setresuid(12345, 0, 0));
    SHOW(access("f", R_OK));
    SHOW(syscall(SYS_faccessat2, AT_FDCWD, "f", R_OK, AT_EACCESS));
    _exit(0);
  }
  reap("child", pid);
}

CASE(chmod_values) {
  put("f", "x");
  SHOW(chmod("f", 0));
  show_stat("f");
  SHOW(chmod("f", 07777));
  show_stat("f");
  SHOW(chmod("f", 0100644));
  show_stat("f");
  SHOW(chmod("f", 0xffff));
  show_stat("f");
  MUST(symlink("f", "l"));
  SHOW(chmod("l", 0600));
  show_stat("f");
  show_stat("l");
}

CASE(chmod_errors) {
  put("f", "x");
  MUST(symlink("loop", "loop"));
  SHOW(chmod("missing", 0));
  SHOW(chmod("f/x", 0));
  SHOW(chmod("loop", 0));
  SHOW(chmod("", 0));
  SHOW(chmod(BAD_POINTER, 0));
  SHOW(fchmod(77, 0));
  SHOW(syscall(SYS_fchmodat, 77, "f", 0));
  SHOW(syscall(SYS_fchmodat, AT_FDCWD, "f", 0640));
  show_stat("f");
  AS_USER { SHOW(chmod("f", 0777)); }
}

CASE(chmod_by_owner_drops_setgid_of_foreign_group) {
  put("f", "x");
  MUST(chown("f", 12345, 0));
  AS_USER { SHOW(chmod("f", 06755)); }
  show_stat("f");
}

CASE(chown_values) {
  put("f", "x");
  SHOW(chown("f", 12, 34));
  show_stat("f");
  SHOW(chown("f", -1, 56));
  show_stat("f");
  SHOW(chown("f", 78, -1));
  show_stat("f");
  SHOW(chown("f", -1, -1));
  show_stat("f");
  MUST(symlink("f", "l"));
  SHOW(lchown("l", 9, 9));
  show_stat("l");
  show_stat("f");
  int fd = MUST(open("f", O_RDONLY));
  SHOW(fchown(fd, 0, 0));
  show_stat("f");
  SHOW(fchownat(fd, "", 5, 5, AT_EMPTY_PATH));
  show_stat("f");
}

CASE(chown_clears_set_id_bits) {
  put("f", "x");
  chmod("f", 06755);
  SHOW(chown("f", 1, 1));
  show_stat("f");
  chmod("f", 02644);
  SHOW(chown("f", 2, 2));
  show_stat("f");
  MUST(mkdir("d", 0755));
  chmod("d", 06755);
  SHOW(chown("d", 1, 1));
  show_stat("d");
}

CASE(chown_errors) {
  put("f", "x");
  SHOW(chown("missing", 0, 0));
  SHOW(chown("f/x", 0, 0));
  SHOW(chown("", 0, 0));
  SHOW(chown(BAD_POINTER, 0, 0));
  SHOW(fchown(77, 0, 0));
  SHOW(fchownat(AT_FDCWD, "f", 0, 0, 0x8000));
  SHOW(fchownat(77, "f", 0, 0, 0));
}

CASE(chown_as_user) {
  put("f", "x");
  MUST(chown("f", 12345, 12345));
  AS_USER {
    SHOW(chown("f", 12345, 12345));
    SHOW(chown("f", 0, -1));
    SHOW(chown("f", -1, 0));
    SHOW(chown("f", -1, -1));
    SHOW(chown("..", -1, -1));
  }
}

CASE(open_as_user) {
  put("f", "x");
  chmod("f", 0644);
  AS_USER {
    OK(open("f", O_RDONLY));
    OK(open("f", O_WRONLY));
    OK(open("f", O_RDWR));
    OK(open("f", O_RDONLY | O_TRUNC));
    OK(open("f", O_PATH));
    OK(open("new", O_WRONLY | O_CREAT, 0644));
    OK(open("f", O_RDONLY | O_NOATIME));
    OK(open("f", O_WRONLY | O_CREAT, 0644));
  }
}

CASE(directory_permissions_as_user) {
  struct stat st;
  MUST(mkdir("d", 0755));
  put("d/f", "x");
  mode_t modes[] = {0, 0111, 0444, 0555, 0666, 0777};
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    chmod("d", modes[i]);
    AS_USER {
      say("mode %04o", modes[i]);
      SHOW(stat("d/f", &st));
      OK(open("d", O_RDONLY | O_DIRECTORY));
      OK(open("d/new", O_WRONLY | O_CREAT, 0644));
      SHOW(unlink("d/missing"));
      SHOW(unlink("d/new"));
      SHOW(chdir("d"));
    }
  }
}

CASE(sticky_directory) {
  MUST(mkdir("d", 0777));
  chmod("d", 01777);
  put("d/of_root", "x");
  chmod("d/of_root", 0666);
  put("d/of_user", "x");
  MUST(chown("d/of_user", 12345, 12345));
  AS_USER {
    SHOW(unlink("d/of_root"));
    SHOW(rename("d/of_root", "d/x"));
    SHOW(rename("d/of_user", "d/of_root"));
    SHOW(unlink("d/of_user"));
    SHOW(rmdir("d"));
  }
}

CASE(set_group_id_directory) {
  MUST(mkdir("d", 0755));
  MUST(chown("d", 0, 777));
  chmod("d", 02777);
  put("d/f", "x");
  MUST(mkdir("d/sub", 0755));
  show_stat("d/f");
  show_stat("d/sub");
  AS_USER {
    OK(open("d/g", O_WRONLY | O_CREAT, 02755));
    SHOW(mkdir("d/sub2", 0755));
  }
  show_stat("d/g");
  show_stat("d/sub2");
}

CASE(created_files_belong_to_effective_ids) {
  MUST(mkdir("d", 0777));
  chmod("d", 0777);
  AS_USER {
    put("d/f", "x");
    MUST(mkdir("d/sub", 0700));
    MUST(symlink("x", "d/link"));
    MUST(mkfifo("d/fifo", 0600));
  }
  show_stat("d/f");
  show_stat("d/sub");
  show_stat("d/link");
  show_stat("d/fifo");
}

CASE(mknod_as_root_and_user) {
  MUST(chmod(".", 0777));
  SHOW(mknod("f", S_IFREG | 0640, 0));
  show_stat("f");
  SHOW(mknod("g", 0600, 0));
  show_stat("g");
  SHOW(mknod("d", S_IFDIR | 0755, 0));
  SHOW(mknod("l", S_IFLNK | 0755, 0));
  SHOW(mknod("x", 0150000, 0));
  SHOW(mknod("f", S_IFREG | 0640, 0));
  SHOW(mknod("missing/f", S_IFREG, 0));
  AS_USER {
    SHOW(mknod("user_fifo", S_IFIFO | 0644, 0));
    SHOW(mknod("user_device", S_IFCHR | 0644, 0x103));
    SHOW(mknod("user_file", S_IFREG | 0644, 0));
  }
}

CASE(utimes_as_user) {
  put("f", "x");
  chmod("f", 0666);
  struct timespec t[] = {{100, 0}, {200, 0}};
  AS_USER {
    SHOW(utimensat(AT_FDCWD, "f", NULL, 0));
    SHOW(utimensat(AT_FDCWD, "f", t, 0));
  }
  chmod("f", 0644);
  AS_USER { SHOW(utimensat(AT_FDCWD, "f", NULL, 0)); }
}

CASE(exec_permission) {
  put("script", "#!/bin/true\n");
  chmod("script", 0644);
  SHOW(execl("./script", "script", (char *)NULL));
  chmod("script", 0755);
  MUST(mkdir("closed", 0700));
  put("closed/script", "#!/bin/true\n");
  chmod("closed/script", 0755);
  AS_USER { SHOW(execl("closed/script", "script", (char *)NULL)); }
}

CASE(fchmodat2) {
  put("f", "x");
  MUST(symlink("f", "l"));
  SHOW(syscall(452, AT_FDCWD, "f", 0600, 0));
  show_stat("f");
  SHOW(syscall(452, AT_FDCWD, "l", 0600, AT_SYMLINK_NOFOLLOW));
  int fd = MUST(open("f", O_RDONLY));
  SHOW(syscall(452, fd, "", 0640, AT_EMPTY_PATH));
  show_stat("f");
  SHOW(syscall(452, AT_FDCWD, "f", 0600, 0x8000));
}
