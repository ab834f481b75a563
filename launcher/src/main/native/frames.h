/*
 * Frames on the control socket between the front and the sentry: u32 type, u32 length, payload, all little endian. A file
 * descriptor travels by SCM_RIGHTS with the first byte of the header (unix(7)).
 */
#ifndef REDOUBT_FRAMES_H
#define REDOUBT_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX_PAYLOAD (4u << 20)

enum frame_type {
    FRAME_PLAN = 1,     /* sentry: what to start */
    FRAME_FILTER = 2,   /* sentry: struct sock_filter[], before PLAN */
    FRAME_LISTENER = 3, /* front: i32 pid of the guest's first process, host name, newline, domain name; fd */
    FRAME_GO = 4,       /* sentry: it is receiving, the guest may exec */
    FRAME_FAIL = 5,     /* sentry: i32 exit code, text */
    FRAME_SIGNAL = 6,   /* front: i32 signal number */
    FRAME_WINSIZE = 7,  /* front: struct winsize */
    FRAME_CONSOLE = 8,  /* front: fd, a stream socket */
    FRAME_EXITED = 9,   /* front: i32 wait status of the guest's first process */
    FRAME_DONE = 10,    /* sentry: nothing more will come */
    FRAME_TEXT = 11,    /* sentry: u8 stream (1 or 2), text */
    FRAME_KILL = 12,    /* front: i32 signal number, for the first process alone */
    FRAME_CLIENT = 13,  /* front: fd, a connection that speaks these frames, with a front that wants to exec */
    FRAME_EXEC = 14,    /* exec: key and value pairs as in PLAN: what to run */
    FRAME_STDIO = 15,   /* exec: i32 number in the guest; fd */
    FRAME_UPDATE = 16,  /* update, in place of EXEC: LinuxResources as JSON; the answer is a PLAN of "cgroup.set" */
    FRAME_PROFILE = 17, /* sentry, after FILTER: u32 flags, struct sock_filter[]: linux.seccomp, to be loaded before the first exec */
    FRAME_GOFER = 18,   /* front: fd, the connection with another gofer than the one that was started first */
    FRAME_STATS = 19,   /* events, in place of EXEC; the answer is a TEXT: members of a JSON object */
    FRAME_ORPHANS = 23, /* front, before LISTENER, where pid 1 is the runtime's own: fd, the file of its children in /proc */
    /* Between the commands of a container and its monitor. */
    FRAME_START = 20, /* command: run the program */
    FRAME_DONE_OK = 21, /* monitor: done */
    FRAME_KEEP = 22,    /* exec: fd, a listener for the guard; no answer */
};

enum frame_result { FRAME_READY, FRAME_AGAIN, FRAME_END, FRAME_TOO_LONG };

struct frame_reader {
    int socket;
    uint32_t type;
    uint32_t length;
    size_t got; /* bytes of this frame so far, header included */
    unsigned char header[8];
    char *payload; /* FRAME_MAX_PAYLOAD bytes and one of zero, touched only as far as they are used */
};

/* Returns 0 or -errno. */
int frame_reader_open(struct frame_reader *reader, int socket);

/* Never blocks. FRAME_READY: type, length and payload are valid until the next call. */
enum frame_result frame_read(struct frame_reader *reader);

/*
 * Never blocks. fd is passed along unless it is negative. Returns 0, -EAGAIN if the socket is full (nothing was sent), or
 * another -errno. Only for frames so small that the kernel takes them whole or not at all.
 */
int frame_send(int socket, uint32_t type, const void *payload, uint32_t length, int fd);

/* The same for a frame of any size; waits until all of it is sent. */
int frame_send_all(int socket, uint32_t type, const void *payload, size_t length);

#endif
