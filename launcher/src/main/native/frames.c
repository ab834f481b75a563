#include "frames.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>

int frame_reader_open(struct frame_reader *reader, int socket)
{
    memset(reader, 0, sizeof *reader);
    reader->socket = socket;
    void *payload = mmap(NULL, FRAME_MAX_PAYLOAD + 4096, PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (payload == MAP_FAILED)
        return -errno;
    reader->payload = payload;
    return 0;
}

enum frame_result frame_read(struct frame_reader *reader)
{
    size_t header = sizeof reader->header;
    if (reader->got >= header && reader->got == header + reader->length)
        reader->got = 0; /* the caller has seen the last one */
    for (;;) {
        char *into = (char *)reader->header + reader->got;
        size_t want = header - reader->got;
        if (reader->got >= header) {
            into = reader->payload + (reader->got - header);
            want = header + reader->length - reader->got;
        }
        if (want > 0) {
            /* recv without a control buffer: a descriptor that the sentry might send is dropped by the kernel. */
            ssize_t n = recv(reader->socket, into, want, MSG_DONTWAIT);
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0 && errno == EAGAIN)
                return FRAME_AGAIN;
            if (n <= 0)
                return FRAME_END;
            reader->got += (size_t)n;
        }
        if (reader->got == header && want > 0) {
            memcpy(&reader->type, reader->header, 4);
            memcpy(&reader->length, reader->header + 4, 4);
            if (reader->length > FRAME_MAX_PAYLOAD)
                return FRAME_TOO_LONG;
        }
        if (reader->got >= header && reader->got == header + reader->length) {
            reader->payload[reader->length] = 0;
            return FRAME_READY;
        }
    }
}

int frame_send(int socket, uint32_t type, const void *payload, uint32_t length, int fd)
{
    uint32_t header[2] = {type, length};
    struct iovec parts[2] = {{header, sizeof header}, {(void *)(uintptr_t)payload, length}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = length ? 2 : 1};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    if (fd >= 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&message);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(cmsg), &fd, sizeof fd);
    }
    ssize_t n;
    do
        n = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    return (size_t)n == sizeof header + length ? 0 : -EPIPE;
}

static int send_bytes(int socket, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = send(socket, bytes, length, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        bytes += n;
        length -= (size_t)n;
    }
    return 0;
}

int frame_send_all(int socket, uint32_t type, const void *payload, size_t length)
{
    uint32_t header[2] = {type, (uint32_t)length};
    if (length > FRAME_MAX_PAYLOAD)
        return -EMSGSIZE;
    int error = send_bytes(socket, (const char *)header, sizeof header);
    return error ? error : send_bytes(socket, payload, length);
}
