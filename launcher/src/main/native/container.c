#include "container.h"

#include "cgroup.h"
#include "oci.h"
#include "sweep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_RECORD (64l << 20) /* several times what a plan holds */

const char *const status_names[] = {"creating", "created", "running", "paused", "stopped"};

/* ---------------------------------------------------------------------------------------------------------------- record */

const char *record_get(const struct record *record, const char *key)
{
    for (size_t i = 0; i < record->count; i++)
        if (strcmp(record->keys[i], key) == 0)
            return record->values[i];
    return NULL;
}

static char *copy(const char *text)
{
    char *made = strdup(text);
    if (!made)
        abort();
    return made;
}

void record_add(struct record *record, const char *key, const char *value)
{
    if (record->count % 32 == 0) {
        record->keys = realloc(record->keys, (record->count + 32) * sizeof(char *));
        record->values = realloc(record->values, (record->count + 32) * sizeof(char *));
        if (!record->keys || !record->values)
            abort();
    }
    record->keys[record->count] = copy(key);
    record->values[record->count++] = copy(value);
}

void record_set(struct record *record, const char *key, const char *value)
{
    for (size_t i = 0; i < record->count; i++)
        if (strcmp(record->keys[i], key) == 0) {
            free(record->values[i]);
            record->values[i] = copy(value);
            return;
        }
    record_add(record, key, value);
}

void record_set_number(struct record *record, const char *key, unsigned long long value)
{
    char text[32];
    snprintf(text, sizeof text, "%llu", value);
    record_set(record, key, text);
}

unsigned long long record_number(const struct record *record, const char *key)
{
    const char *text = record_get(record, key);
    return text ? strtoull(text, NULL, 10) : 0;
}

static void record_parse(struct record *record, char *text)
{
    char *line;
    while ((line = strsep(&text, "\n"))) {
        char *blank = strchr(line, ' ');
        if (!blank)
            continue;
        *blank = 0;
        record_add(record, line, blank + 1);
    }
}

static char *read_all(int dir, const char *name)
{
    struct stat status;
    int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    char *text = NULL;
    /* It may be another user's folder: no file that grows without end, and none that is not one. */
    bool is_record = fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size <= MAX_RECORD;
    if (is_record && (text = calloc(1, (size_t)status.st_size + 1))) {
        ssize_t n = read(fd, text, (size_t)status.st_size);
        text[n < 0 ? 0 : n] = 0;
    }
    if (fd >= 0)
        close(fd);
    return text;
}

int container_write(struct container *container)
{
    int fd = openat(container->dir, "state.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    FILE *file = fdopen(fd, "w");
    if (!file)
        abort();
    for (size_t i = 0; i < container->record.count; i++)
        fprintf(file, "%s %s\n", container->record.keys[i], container->record.values[i]);
    int error = ferror(file) ? EIO : 0;
    if (fclose(file))
        error = errno;
    if (!error && renameat(container->dir, "state.new", container->dir, "state"))
        error = errno;
    return -error;
}

int container_keep(const struct container *container)
{
    int fd = openat(container->dir, "kept", O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

bool container_is_kept(const struct container *container)
{
    return faccessat(container->dir, "kept", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* ---------------------------------------------------------------------------------------------------------------- folder */

static int open_root(void)
{
    const char *root = oci_root();
    return open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* As mkdir -p: a runtime folder is gone after a boot. */
static int make_root(void)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s", oci_root());
    for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = 0;
        mkdir(path, 0711);
        *slash = '/';
    }
    if (mkdir(path, 0711) == 0 && geteuid() != 0)
        chmod(path, 0711 | S_ISVTX); /* or the session's cleaner takes it away */
    return open_root();
}

/*
 * A record is believed as far as its owner could have acted himself: root that is asked about the container of a user (Slurm does
 * that) becomes that user, before it signals a pid or removes a file because a record says so.
 */
void container_become_owner(const struct container *container)
{
    struct stat status;
    if (fstat(container->dir, &status) || (status.st_uid != geteuid() && geteuid() != 0))
        oci_fail("container %s belongs to another user", container->id);
    if (status.st_uid != geteuid() &&
        (setgroups(0, NULL) || setresgid(status.st_gid, status.st_gid, status.st_gid) ||
         setresuid(status.st_uid, status.st_uid, status.st_uid)))
        oci_fail("cannot act as the owner of container %s: %s", container->id, strerror(errno));
}

/* -1 with errno: ENOENT for none of that id, EWOULDBLOCK for one that somebody has locked. */
static int lock_folder(int root, const char *id, bool waits)
{
    for (;;) {
        struct stat here, there;
        int lock = openat(root, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
        if (lock < 0)
            return -1;
        int result;
        while ((result = flock(lock, waits ? LOCK_EX : LOCK_EX | LOCK_NB)) && errno == EINTR)
            ;
        if (result) {
            close(lock);
            errno = EWOULDBLOCK;
            return -1;
        }
        /* Who had the lock may have removed the folder. */
        if (fstat(lock, &here) == 0 && fstatat(root, id, &there, AT_SYMLINK_NOFOLLOW) == 0 && here.st_ino == there.st_ino &&
            here.st_dev == there.st_dev)
            return lock;
        close(lock);
    }
}

void container_make(struct container *container, const char *id)
{
    int root = make_root();
    if (root < 0)
        oci_fail("cannot open the state folder %s: %s; choose another with --root", oci_root(), strerror(errno));
    *container = (struct container){.id = id};
    do {
        if (mkdirat(root, id, 0700 | S_ISVTX)) { /* by that bit it is known for ours: container_is_ours */
            if (errno == EEXIST)
                oci_fail("container with given ID already exists: %s", id);
            oci_fail("cannot make the folder %s in %s: %s", id, oci_root(), strerror(errno));
        }
        container->lock = lock_folder(root, id, true);
    } while (container->lock < 0 && errno == ENOENT); /* swept away before we had it: sweep.c */
    container->dir = openat(root, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    close(root);
    if (container->lock < 0 || container->dir < 0)
        oci_fail("container %s: the state folder went away", id);
}

static bool open_folder(struct container *container, const char *id, bool locked, bool waits)
{
    int root = open_root();
    *container = (struct container){.id = id, .lock = -1, .dir = -1};
    if (root < 0)
        return false;
    if (locked)
        container->lock = lock_folder(root, id, waits);
    if (!locked || container->lock >= 0)
        container->dir = openat(root, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    close(root);
    if (container->dir < 0)
        return false;
    char *text = read_all(container->dir, "state");
    if (text)
        record_parse(&container->record, text);
    free(text);
    return true;
}

bool container_open(struct container *container, const char *id, bool locked)
{
    return open_folder(container, id, locked, true);
}

bool container_open_idle(struct container *container, const char *id)
{
    return open_folder(container, id, true, false);
}

void container_close(struct container *container)
{
    close(container->dir);
    if (container->lock >= 0)
        close(container->lock);
    for (size_t i = 0; i < container->record.count; i++) {
        free(container->record.keys[i]);
        free(container->record.values[i]);
    }
    free(container->record.keys);
    free(container->record.values);
    container->record = (struct record){0};
}

bool container_has_record(const struct container *container)
{
    return container->record.count > 0;
}

bool container_is_ours(const struct container *container)
{
    struct stat status;
    return container_has_record(container) || (fstat(container->dir, &status) == 0 && status.st_mode & S_ISVTX);
}

void container_require(struct container *container, bool locked)
{
    const char *id = oci_id();
    if (!container_open(container, id, locked) || !container_has_record(container)) {
        if (container->dir >= 0)
            container_close(container); /* a folder without a record that is unlocked is swept away */
        sweep();
        oci_fail("container does not exist: %s (below %s)", id, oci_root());
    }
    container_become_owner(container);
}

void container_remove(struct container *container)
{
    DIR *folder = fdopendir(dup(container->dir));
    struct dirent *entry;
    if (folder)
        rewinddir(folder);
    while (folder && (entry = readdir(folder)))
        if (entry->d_name[0] != '.')
            unlinkat(container->dir, entry->d_name, 0);
    if (folder)
        closedir(folder);
    int root = open_root();
    if (root >= 0) {
        unlinkat(root, container->id, AT_REMOVEDIR);
        close(root);
    }
}

static int is_container(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..") && entry->d_type == DT_DIR;
}

void container_each(void (*visit)(const char *id))
{
    struct dirent **entries;
    int count = scandir(oci_root(), &entries, is_container, alphasort);
    for (int i = 0; i < count; i++) {
        visit(entries[i]->d_name);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

/* ------------------------------------------------------------------------------------------------------------- processes */

/* State letter and start time (proc(5), fields 3 and 22) of a process; the letter is 0 when there is none. */
static char process_start(pid_t pid, unsigned long long *start)
{
    char path[64], text[1024], *after;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (n <= 0)
        return 0;
    text[n] = 0;
    after = strrchr(text, ')'); /* the name may hold anything */
    char letter = 0;
    if (!after || sscanf(after + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &letter,
                         start) != 2)
        return 0;
    return letter;
}

unsigned long long own_pid_namespace(void)
{
    struct stat status;
    return stat("/proc/self/ns/pid", &status) == 0 ? status.st_ino : 0;
}

void record_set_process(struct record *record, const char *key, pid_t pid)
{
    char name[32];
    unsigned long long start = 0;
    process_start(pid, &start);
    record_set_number(record, key, (unsigned long long)pid);
    snprintf(name, sizeof name, "%s.start", key);
    record_set_number(record, name, start);
}

pid_t container_process(const struct container *container, const char *key)
{
    char name[32];
    unsigned long long start;
    pid_t pid = (pid_t)record_number(&container->record, key);
    snprintf(name, sizeof name, "%s.start", key);
    char letter = pid > 0 ? process_start(pid, &start) : 0;
    bool lives = letter && letter != 'Z' && letter != 'X' && start == record_number(&container->record, name);
    return lives ? pid : 0;
}

pid_t container_pid(const struct container *container)
{
    return container_process(container, "pid");
}

enum status container_status(const struct container *container)
{
    const char *phase = record_get(&container->record, "phase");
    bool is_creating = phase && strcmp(phase, "creating") == 0;
    if (!container_pid(container)) /* it may have none yet */
        return is_creating && container_process(container, "monitor") ? STATUS_CREATING : STATUS_STOPPED;
    if (is_creating)
        return STATUS_CREATING;
    if (cgroup_is_frozen(&container->record))
        return STATUS_PAUSED;
    return phase && strcmp(phase, "running") == 0 ? STATUS_RUNNING : STATUS_CREATED;
}

/* ---------------------------------------------------------------------------------------------------------------- socket */

/* The path of a socket has room for 107 bytes, which a state folder may be longer than: through /proc it is always short. */
static struct sockaddr_un address(const struct container *container)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    snprintf(name.sun_path, sizeof name.sun_path, "/proc/self/fd/%d/control", container->dir);
    return name;
}

int container_connect(const struct container *container)
{
    struct sockaddr_un name = address(container);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&name, sizeof name) == 0)
        return fd;
    int error = errno;
    close(fd);
    return -error;
}

int container_listen(const struct container *container)
{
    struct sockaddr_un name = address(container);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&name, sizeof name) == 0 && listen(fd, 128) == 0)
        return fd;
    int error = errno;
    close(fd);
    return -error;
}
