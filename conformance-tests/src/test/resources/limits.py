# Takes of each kind of thing as much as there is, says which errno ends it and after how many, gives all back, and does it once
# more: what is not given back is missing the second time. Started by ResourceLimitTest with small limits.
import ctypes, errno, fcntl, os, resource, select, socket, struct, time
libc = ctypes.CDLL(None, use_errno=True)
def call(f, *a):
    r = f(*a)
    if r < 0: raise OSError(ctypes.get_errno(), "")
    return r
def until(name, step, undo=lambda all: [os.close(f) for f in all]):
    counts = []
    for _ in range(2):
        all = []
        word = "none"
        try:
            while len(all) < 100000: all.append(step(len(all)))
        except OSError as e: word = errno.errorcode[e.errno]
        undo(all)
        counts.append(len(all))
    print(name, word, counts[0] if counts[0] == counts[1] else counts, flush=True)

resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, resource.getrlimit(resource.RLIMIT_NOFILE)[1]),)*2)
until("openFiles", lambda n: os.open("/etc/passwd", os.O_RDONLY))
e = select.epoll(); event = os.eventfd(0)
def item(n):
    f = os.dup(event); e.register(f); return f
def items(all):
    for f in all: e.unregister(f); os.close(f)
until("epollItems", item, items)
until("inotifyInstances", lambda n: call(libc.inotify_init1, 0))
i = call(libc.inotify_init1, 0); os.mkdir("/tmp/redoubt-limits")
def watch(n):
    p = "/tmp/redoubt-limits/%d" % n; open(p, "w").close(); return call(libc.inotify_add_watch, i, p.encode(), 2)
until("inotifyWatches", watch, lambda all: [call(libc.inotify_rm_watch, i, w) for w in all])
until("timers", lambda n: call(libc.timerfd_create, 1, 0))
until("unixSockets", lambda n: socket.socket(socket.AF_UNIX), lambda all: [s.close() for s in all])
for name in os.listdir("/tmp/redoubt-limits"): os.unlink("/tmp/redoubt-limits/" + name)
until("memoryInodes", lambda n: os.mkdir("/tmp/redoubt-limits/d%d" % n), lambda all: [os.rmdir("/tmp/redoubt-limits/d%d" % n) for n in range(len(all))])
open("/tmp/redoubt-limits/f", "w").close()
until("links", lambda n: os.link("/tmp/redoubt-limits/f", "/tmp/redoubt-limits/l%d" % n), lambda all: [os.unlink("/tmp/redoubt-limits/l%d" % n) for n in range(len(all))])
f = os.open("/tmp/redoubt-limits/f", os.O_RDWR)
until("fileLocks", lambda n: fcntl.lockf(f, fcntl.LOCK_EX, 1, n * 2), lambda all: fcntl.lockf(f, fcntl.LOCK_UN))
a, b = socket.socketpair()
def fly(n): socket.send_fds(a, [b"x"], [f])
def land(all):
    for _ in all:
        for g in socket.recv_fds(b, 1, 1)[1]: os.close(g)
until("filesInFlight", fly, land)
def fill(n):
    r, w = os.pipe(); fcntl.fcntl(w, 1031, 1 << 20); os.set_blocking(w, False)
    try:
        os.write(w, b"x" * (1 << 20))
    except OSError:
        os.close(r); os.close(w); raise
    return (r, w)
until("bufferBytes", fill, lambda all: [os.close(x) for p in all for x in p])
qs = []
def queue_step(n):
    q = call(libc.msgget, 0, 0o600); qs.append(q)
    for _ in range(2): call(libc.msgsnd, q, ctypes.c_char_p(struct.pack("q", 1) + b"x" * 8000), ctypes.c_size_t(8000), 0o4000)
def queue_undo(all):
    for q in qs: call(libc.msgctl, q, 0, 0)
    qs.clear()
until("messageBytes", queue_step, queue_undo)
def fork(n):
    pid = os.fork()
    if pid == 0:
        os.getppid(); os.stat("/"); time.sleep(60); os._exit(0)
    time.sleep(0.01)
    return pid
def reap(all):
    for p in all: os.kill(p, 9)
    for p in all: os.waitpid(p, 0)
until("tasks", fork, reap)
os.dup2(0, 3000)
until("descriptorSlots", fork, reap)
os.close(3000)
os.mkdir("/tmp/redoubt-mount")
until("mounts", lambda n: call(libc.mount, b"x", b"/tmp/redoubt-mount", b"tmpfs", 0, None), lambda all: [call(libc.umount2, b"/tmp/redoubt-mount", 0) for _ in all])
# All of it works once more: nothing was broken by being used up.
os.rmdir("/tmp/redoubt-mount")
import shutil
shutil.rmtree("/tmp/redoubt-limits")
