"""A person at a terminal: starts a command on a pseudo terminal, types, and says what came back.

    session.py COMMAND...      COMMAND must be, or become, an interactive bash
"""
import fcntl, os, pty, re, select, struct, sys, termios, time

pid, fd = pty.fork()
if pid == 0:
    os.environ.update(TERM="xterm", PS1="$ ")
    os.execvp(sys.argv[1], sys.argv[1:])


def resize(rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def type(text):
    os.write(fd, text)


def until(pattern, seconds=20):
    """What was printed up to the pattern, or all there was until the time was over."""
    seen, end = b"", time.time() + seconds
    while not re.search(pattern, seen) and time.time() < end:
        if select.select([fd], [], [], 0.2)[0]:
            try:
                seen += os.read(fd, 1000)
            except OSError:
                break
    return seen


def check(what, pattern, seconds=20):
    """And then the prompt: what is typed before it comes when the shell is not reading, and may be thrown away with a Ctrl-C."""
    during(what, pattern + rb"(?s:.*)\$ $", seconds)


def during(what, pattern, seconds=20):
    seen = until(pattern, seconds)
    found = re.search(pattern, seen) is not None
    print(what, found if found else seen, flush=True)


resize(30, 100)
during("prompt", rb"\$ $")
type(b"stty size; tty | cut -c1-8; [ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo 'a term''inal'\n")
check("size", rb"30 100\r\n/dev/pts\r\na terminal\r\n")
type(b"echo abX\x7fcd\n")
check("erase", rb"[\r\n]abcd\r\n")
type(b"echo 1\x013\x01\x0b\x15echo 13\x1b[D2\n")
check("cursor keys", rb"[\r\n]123\r\n")
type(b"\x1b[A\n")
check("history", rb"[\r\n]123\r\n")
type(b"ech\t one\n")
check("completion", rb"[\r\n]one\r\n")
type(b"echo not run")
during("typed", rb"not run$")
time.sleep(0.3)  # readline forgets a Ctrl-C that comes while it is busy with a key
type(b"\x03")
check("interrupt at the prompt", rb"\^C")
type(b"sh -c 'echo start''ed; exec sleep 100'\n")
during("job", rb"[\r\n]started\r\n")
time.sleep(0.3)
type(b"\x03")
check("interrupt of a job", rb"\^C")
type(b"echo status $?\n")
check("its status", rb"[\r\n]status 130\r\n")
type(b"sh -c 'echo start''ed; exec sleep 100'\n")
during("job", rb"[\r\n]started\r\n")
time.sleep(0.3)
type(b"\x1a")
check("stop", rb"Stopped")
type(b"jobs; bg; jobs\n")
check("background", rb"Running")
type(b"kill %1; sleep 0.3; echo\n")
check("terminated", rb"Terminated")
type(b"cat\n")
time.sleep(0.3)
type(b"a line\n")
during("echoed by cat", rb"a line\r\na line\r\n")
type(b"\x04")
during("end of file", rb"\$ $")
type(b"trap 'echo res''ized to $(stty size)' WINCH; echo arm''ed\n")
check("trap", rb"[\r\n]armed\r\n")
time.sleep(0.3)
resize(40, 120)
time.sleep(0.3)
type(b"\n")
check("resized", rb"resized to 40 120")
type(b"trap - WINCH; stty -echo; echo qui''et\n")
check("echo off", rb"[\r\n]quiet\r\n")
type(b"read -s x; echo got $x\n")
time.sleep(0.3)
type(b"secret\n")
check("read without echo", rb"got secret\r\n")
type(b"stty echo; seq 1 3000 | tail -n 1\n")
check("long output", rb"[\r\n]3000\r\n")
type(b"exit 12\n")
until(rb"never", 5)
print("exit", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
