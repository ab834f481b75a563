#include "terminal.h"

#include "passing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* One message with a byte or more and exactly one descriptor: that is what recvtty, go-runc and conmon expect. */
static int send_master(int socket_fd, int master)
{
    static const char name[] = "/dev/ptmx";
    return pass(socket_fd, name, sizeof name - 1, master, 0) ? 0 : -errno;
}

/* By way of /proc, because a path of a socket has room for 107 bytes only. */
static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int file = open(path, O_PATH | O_CLOEXEC);
    if (file < 0)
        return -errno;
    snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d", file);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), error = 0;
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address))
        error = errno;
    close(file);
    if (!error)
        return fd;
    if (fd >= 0)
        close(fd);
    return -error;
}

const char *terminal_make(const char *console_socket, const struct winsize *size)
{
    static char problem[512];
    int zero = 0, master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
    int slave = master < 0 || ioctl(master, TIOCSPTLCK, &zero) ? -1 : ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0) {
        snprintf(problem, sizeof problem, "cannot make a pseudoterminal: %s", strerror(errno));
        return problem;
    }
    if (size && size->ws_row)
        ioctl(master, TIOCSWINSZ, size);
    int socket_fd = connect_to(console_socket);
    int error = socket_fd < 0 ? socket_fd : send_master(socket_fd, master);
    if (error) {
        snprintf(problem, sizeof problem, "cannot send the terminal to --console-socket %s: %s", console_socket, strerror(-error));
        return problem;
    }
    close(socket_fd);
    close(master);
    ioctl(slave, TIOCSCTTY, 0);
    dup2(slave, 0);
    dup2(slave, 1);
    close(slave);
    return NULL;
}
