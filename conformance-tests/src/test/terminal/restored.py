"""The caller's terminal is as it was when a command has ended, and when it was killed.

    restored.py COMMAND...     COMMAND reads a shell script as its last argument
"""
import os, pty, signal, subprocess, sys, termios, time

master, slave = pty.openpty()
before = termios.tcgetattr(slave)


def start(script):
    def own_terminal():
        os.setsid()
        import fcntl

        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    return subprocess.Popen(sys.argv[1:] + [script], stdin=slave, stdout=slave, stderr=slave, preexec_fn=own_terminal)


def same():
    return termios.tcgetattr(slave) == before


print("exit", start("stty raw -echo; exit 3").wait(), same())
p = start("stty raw -echo; sleep 100")
time.sleep(2)
p.send_signal(signal.SIGTERM)
print("ended by TERM", p.wait() != 0, same())
