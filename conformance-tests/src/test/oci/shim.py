#!/usr/bin/env python3
"""What a shim is to a runtime: the process that its orphans come to. Usage: shim.py run SCRIPT | recvtty SOCKET INPUT [keep]

run: runs a shell script, reaps every orphan, and writes "PID CODE" of each to $EXITS; what still lives 10 s after the script is
killed and named on stdout. recvtty: takes a terminal's master from a socket, sets its size to 33 by 77 unless it is to keep the
one it has, types INPUT, and prints all that comes until it is closed.
"""
import array, ctypes, fcntl, os, signal, socket, struct, sys, termios

PR_SET_CHILD_SUBREAPER = 36


def run(script):
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    code = 1
    shell = os.fork()
    if shell == 0:
        os.execv("/bin/sh", ["sh", "-c", script])
    signal.signal(signal.SIGALRM, lambda *_: kill_rest())
    while True:
        try:
            pid, status = os.wait()
        except ChildProcessError:
            return code
        if pid == shell:
            code = os.waitstatus_to_exitcode(status)
            signal.alarm(10)
        else:
            result = os.waitstatus_to_exitcode(status)
            with open(os.environ["EXITS"], "a") as exits:
                exits.write(f"{pid} {result if result >= 0 else 128 - result}\n")


def kill_rest():
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        for pid in file.read().split():
            with open(f"/proc/{pid}/comm") as name:
                print("still alive:", name.read().strip(), flush=True)
            os.kill(int(pid), signal.SIGKILL)
    signal.alarm(1)


def recvtty(path, text, keep=None):
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(1)
    print("listening", flush=True)
    connection, _ = listener.accept()
    data, ancillary, _, _ = connection.recvmsg(4096, 1024)
    (master,) = array.array("i", ancillary[0][2])
    if not keep:
        fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 77, 0, 0))
    os.write(master, text.encode().decode("unicode_escape").encode())
    while True:
        try:
            out = os.read(master, 4096)
        except OSError:
            return 0
        if not out:
            return 0
        sys.stdout.buffer.write(out)
        sys.stdout.flush()


sys.exit(run(sys.argv[2]) if sys.argv[1] == "run" else recvtty(*sys.argv[2:]))
