/*
 * changes DIR: makes, changes and removes files and directories there, so often that the ring tier has some thousands of these calls.
 * Prints "good" when all returned what they should. By system calls of their own, so that it does not matter which a libc chooses.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int argc, char **argv)
{
    int wrong = argc != 2 || chdir(argv[1]);
    struct timespec times[2] = {{.tv_sec = 1}, {.tv_sec = 2}};
    for (int i = 0; i < 4000 && !wrong; i++) {
        struct stat st;
        int fd = (int)syscall(SYS_open, "a", O_RDWR | O_CREAT | O_EXCL, 0600);
        wrong += fd < 0 || close(fd);
        wrong += syscall(SYS_chmod, "a", 0640) != 0;
        wrong += syscall(SYS_utimensat, AT_FDCWD, "a", times, 0) != 0;
        wrong += syscall(SYS_rename, "a", "b") != 0;
        wrong += stat("b", &st) != 0 || (st.st_mode & 0777) != 0640 || st.st_mtim.tv_sec != 2;
        wrong += syscall(SYS_unlink, "b") != 0 || stat("b", &st) == 0;
        wrong += syscall(SYS_mkdir, "d", 0700) != 0 || syscall(SYS_rmdir, "d") != 0;
    }
    return wrong ? 1 : puts("good") < 0;
}
