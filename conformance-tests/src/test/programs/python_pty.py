# needs: python3
import fcntl, os, pty, select, signal, struct, subprocess, sys, termios, time, tty


def until(fd, text, timeout=10):
    seen, end = b"", time.time() + timeout
    while text not in seen and time.time() < end:
        if select.select([fd], [], [], 0.2)[0]:
            try:
                seen += os.read(fd, 1000)
            except OSError:
                break
    return seen


pid, fd = pty.fork()
if pid == 0:
    os.environ["PS1"] = "$ "
    os.execlp("bash", "bash", "--norc", "--noprofile", "--noediting", "-i")
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
until(fd, b"$ ")
shell = os.tcgetpgrp(fd)


def until_running():
    """Waits for the shell to have given the terminal to a job."""
    end = time.time() + 10
    while os.tcgetpgrp(fd) == shell and time.time() < end:
        time.sleep(0.01)
    time.sleep(0.1)


os.write(fd, b"stty -echo; PS1=; stty size; tty | cut -c1-8\n")
print(b"30 100" in until(fd, b"/dev/pts\r\n"))
os.write(fd, b"sleep 100\n")
until_running()
os.write(fd, b"\x03")
os.write(fd, b"echo after interrupt $?\n")
print(b"after interrupt 130" in until(fd, b"after interrupt 130"))
os.write(fd, b"sleep 100\n")
until_running()
os.write(fd, b"\x1a")
print(b"Stopped" in until(fd, b"Stopped"))
os.write(fd, b"jobs; kill %1; sleep 0.3; echo\n")
print(b"Terminated" in until(fd, b"Terminated"))
os.write(fd, b"cat\nline for cat\n\x04echo cat ended\n")
seen = until(fd, b"cat ended")
print(b"line for cat" in seen, b"cat ended" in seen)
os.write(fd, b"trap 'echo resized' WINCH; echo armed\n")
until(fd, b"armed\r\n")
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
os.write(fd, b"\n")
print(b"resized" in until(fd, b"resized"))
os.write(fd, b"exit 12\n")
until(fd, b"never", 1)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))

master, slave = pty.openpty()
tty.setraw(slave)
os.write(master, b"raw\x03")
print(os.read(slave, 10))
p = subprocess.Popen(["sh", "-c", "[ -t 0 ] && echo terminal"], stdin=slave, stdout=subprocess.PIPE)
print(p.communicate()[0])
os.close(slave)
sys.exit(0)
