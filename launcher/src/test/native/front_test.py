#!/usr/bin/env python3
"""Tests redoubt-front and the stub against a sentry in C. Usage: front_test.py DIRECTORY_OF_THE_BUILD [NAME...]

Runs as root or as an ordinary user; both should be tried. Every process of a test carries a tag in its environment, by which
the ones left behind are found.
"""
import os, pty, select, shutil, signal, subprocess, sys, tempfile, termios, time, unittest

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(sys.argv.pop(1))
WORK = tempfile.mkdtemp(prefix="front-test-")
os.chmod(WORK, 0o755)
FRONT = BUILD + "/redoubt-front"


def compile_c(name, source, *flags):
    subprocess.run(["gcc", "-O1", "-Wall", "-Wextra", "-Werror", *flags, "-o", f"{WORK}/{name}", f"{HERE}/{source}"], check=True)


class Front(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        compile_c("fake", "fake-sentry.c", "-static")
        compile_c("static", "guest.c", "-static")
        compile_c("static-pie", "guest.c", "-static-pie")
        compile_c("dynamic", "guest.c")
        compile_c("aligned", "guest.c", "-DALIGNMENT=65536", "-Wl,-z,max-page-size=0x200000")
        compile_c("packed", "guest.c", "-Wl,-z,noseparate-code")
        for name, text in ("script", f"#!{WORK}/static"), ("script-argument", f"#! {WORK}/static -x y z"):
            with open(f"{WORK}/{name}", "w") as file:
                file.write(text + "\nrest\n")
            os.chmod(f"{WORK}/{name}", 0o755)

    def setUp(self):
        self.tag = f"REDOUBT_TAG={os.getpid()}.{time.monotonic_ns()}"
        self.started = []

    def tearDown(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait()
            for stream in process.stdout, process.stderr:
                if stream:
                    stream.close()
        self.assertGone()

    def environment(self, **more):
        key, value = self.tag.split("=")
        mine = dict(PATH=os.environ["PATH"], HOME="/home/caller", GONE="1", REDOUBT_JAVA=f"{WORK}/fake",
                    REDOUBT_STUB=BUILD + "/stub", LD_PRELOAD="")
        return {**mine, key: value, **more}

    def start(self, *arguments, prefix=(), env={}, **more):
        more = dict(dict(stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE), **more)
        process = subprocess.Popen([*prefix, FRONT, *arguments], env=self.environment(**env), **more)
        self.started.append(process)
        return process

    def run_front(self, *arguments, **more):
        process = self.start(*arguments, **more)
        out, err = process.communicate(timeout=20)
        return process.returncode, (out or b"").decode(), (err or b"").decode()

    def start_sleeper(self, *options, **more):
        process = self.start("do", *options, f"{WORK}/static", "sleep", **more)
        self.assertEqual(b"up\n", process.stdout.readline(), )
        return process

    def ours(self):
        # pid to name of everything that carries the tag, zombies of ours included.
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as file:
                    if self.tag.encode() not in file.read().split(b"\0"):
                        continue
                with open(f"/proc/{pid}/cmdline", "rb") as file:
                    words = file.read().split(b"\0")
                name = "front"
                if b"io.redoubt.gofer.GoferMain" in words:
                    name = "gofer"
                elif b"io.redoubt.launcher.Main" in words:
                    name = "sentry"
                elif words[-2:-1] == [b"sleep"] and words[0] != FRONT.encode():
                    name = "guest"
                found[int(pid)] = name
            except OSError:
                pass
        return found

    def pid_of(self, name):
        (pid,) = (pid for pid, its in self.ours().items() if its == name)
        return pid

    def assertGone(self, seconds=1.0):
        until = time.monotonic() + seconds
        while self.ours() and time.monotonic() < until:
            time.sleep(0.01)
        self.assertEqual({}, self.ours())

    # ---- what a program sees

    def test_programs_of_each_kind(self):
        for kind in "static", "static-pie", "dynamic", "aligned", "packed":
            with self.subTest(kind):
                program = f"{WORK}/{kind}"
                code, out, err = self.run_front("do", program, "a", "b c")
                self.assertEqual((3, ""), (code, err))
                self.assertEqual(f"[{program}][a][b c]\nexecfn={program} secure=0 uid=0 aligned=1 local=7 brk=1 stack=1 "
                                 "SANDBOX=1 HOME=/nowhere GONE=(null)\n", out)

    def test_shebang(self):
        code, out, _ = self.run_front("do", f"{WORK}/script", "a")
        self.assertEqual((3, f"[{WORK}/static][{WORK}/script][a]"), (code, out.split("\n")[0]))
        code, out, _ = self.run_front("do", f"{WORK}/script-argument", "a")
        self.assertEqual((4, f"[{WORK}/static][-x y z][{WORK}/script-argument][a]"), (code, out.split("\n")[0]))

    def test_coreutils(self):
        self.assertEqual((0, "", ""), self.run_front("do", "/bin/true"))
        self.assertEqual((1, "", ""), self.run_front("do", "/bin/false"))
        self.assertEqual((0, "x\n", ""), self.run_front("do", "/bin/sh", "-c", "/bin/echo x"))

    def test_stage(self):
        for options in [], ["-b"]:
            process = self.start_sleeper(*options)
            guest = self.pid_of("guest")
            with open(f"/proc/{guest}/status") as file:
                status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
            for name in "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "SigBlk", "SigCgt":
                self.assertEqual(0, int(status[name], 16), name)
            self.assertEqual(("1", "2"), (status["NoNewPrivs"], status["Seccomp"]))
            self.assertEqual("1" if options else "2", status["NSpid"].split()[-1])
            with open(f"/proc/{guest}/mountinfo") as file:
                (mount,) = file.readlines()
            self.assertIn(" / / ro,nosuid,nodev,noexec", mount)
            self.assertEqual([], os.listdir(f"/proc/{guest}/root/"))
            with open(f"/proc/{guest}/limits") as file:
                limits = {line[:26].strip(): line[26:].split()[:2] for line in file}
            self.assertEqual(["1", "1"], limits["Max core file size"])
            self.assertEqual(["1048576"] * 2, limits["Max stack size"])
            self.assertEqual(limits["Max open files"][1], limits["Max open files"][0])
            for space in "user", "pid", "mnt", "net", "ipc", "uts", "cgroup":
                self.assertNotEqual(os.readlink(f"/proc/self/ns/{space}"), os.readlink(f"/proc/{guest}/ns/{space}"))
            with open(f"/proc/{guest}/uid_map") as file:
                self.assertEqual(["0", "100000", "65536"] if os.geteuid() == 0 else ["0", str(os.geteuid()), "1"],
                                 file.read().split())
            # stdio that the fake sentry injected; the stub is close-on-exec and so is the listener
            self.assertEqual({"0", "1", "2"}, set(os.listdir(f"/proc/{guest}/fd")) - {"10"})
            # pid 1 of a namespace is immune to signals that it does not handle, as in any container
            os.kill(guest, signal.SIGKILL)
            self.assertEqual(137, process.wait(5))

    def test_what_the_jvms_inherit(self):
        # The last three are words of the front to its sentry, and not to be had from anybody else.
        process = self.start_sleeper(env=dict(JAVA_TOOL_OPTIONS="-version", REDOUBT_PROC="0", REDOUBT_FDS="20",
                                              REDOUBT_LISTEN_FDS="3"))
        for name, fds in ("sentry", {0, 1, 2, 3, 4, 5, 6, 7, 8}), ("gofer", {0, 1, 2, 4}):
            pid = self.pid_of(name)
            with open(f"/proc/{pid}/environ") as file:
                keys = {entry.split("=")[0] for entry in file.read().split("\0") if entry}
            ours = {"REDOUBT_JAVA", "REDOUBT_STUB", "REDOUBT_TAG", "REDOUBT_NOFILE", "REDOUBT_FDS", "REDOUBT_PROC", "MALLOC_ARENA_MAX",
                    "MALLOC_TOP_PAD_"}
            self.assertEqual({"PATH", "HOME", "LANG", "LC_ALL"} | ours, keys)
            with open(f"/proc/{pid}/environ") as file:
                self.assertIn("REDOUBT_FDS=111\0", file.read())
            self.assertEqual("/dev/null", os.readlink(f"/proc/{pid}/fd/1"))
            self.assertEqual(pid, os.getsid(pid))
            held = {int(fd) for fd in os.listdir(f"/proc/{pid}/fd")}
            self.assertLessEqual(fds, held)
            if name == "gofer":
                self.assertEqual(fds, held)
        process.terminate()

    def test_other_commands_get_the_terminal_and_no_sandbox(self):
        code, out, err = self.run_front("profile", "x")
        self.assertEqual((0, ""), (code, err))
        self.assertEqual(["io.redoubt.launcher.Main", "profile", "x"], out.split()[-3:])

    # ---- endings

    def test_signal_of_the_guest_is_the_exit_code(self):
        self.assertEqual(139, self.run_front("do", f"{WORK}/static", "die", "11")[0])
        self.assertEqual(137, self.run_front("do", f"{WORK}/static", "die", "9")[0])
        # pid 1 of a namespace is immune to its own default signals
        self.assertEqual(3, self.run_front("do", "-b", f"{WORK}/static", "die", "15")[0])

    def test_signals_are_forwarded(self):
        for number in signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGALRM:
            process = self.start_sleeper()
            process.send_signal(number)
            self.assertEqual(128 + number, process.wait(5))

    def test_ignored_signals_stay_ignored(self):
        process = self.start_sleeper(prefix=["nohup"])
        process.send_signal(signal.SIGHUP)
        time.sleep(0.1)
        self.assertIsNone(process.poll())
        process.terminate()
        self.assertEqual(143, process.wait(5))

    def test_kill_9_of_any(self):
        for victim, message in ("front", None), ("sentry", "the sentry died (signal 9); the sandbox was killed"), (
                "gofer", "the gofer died (signal 9); the sandbox was killed"):
            for options in [], ["-b"]:
                with self.subTest(victim=victim, options=options):
                    process = self.start_sleeper(*options)
                    self.assertGreaterEqual(len(self.ours()), 4)
                    os.kill(process.pid if victim == "front" else self.pid_of(victim), signal.SIGKILL)
                    _, err = process.communicate(timeout=5)
                    self.assertEqual(-9 if victim == "front" else 1, process.returncode)
                    if message:
                        self.assertEqual(f"redoubt: {message}\n", err.decode())
                    self.assertGone()

    def test_kill_9_during_the_start(self):
        for millis in range(0, 20):
            process = self.start("do", f"{WORK}/static", "sleep")
            time.sleep(millis / 1000)
            process.kill()
            process.wait()
            self.assertGone(5)  # a child that was just forked must first get the processor: on a busy machine that takes a while

    def test_hung_sentry_and_interrupt(self):
        for where in "hang-start", "hang-go":
            for number in signal.SIGINT, signal.SIGTERM:
                process = self.start("do", f"{WORK}/static", "sleep", env=dict(REDOUBT_FAKE=where))
                time.sleep(0.2)
                self.assertIsNone(process.poll())
                process.send_signal(number)
                self.assertEqual(128 + number, process.wait(2))
                self.assertGone()

    def test_hung_sentry_at_the_end(self):
        process = self.start("do", "/bin/false", env=dict(REDOUBT_FAKE="hang-done"))
        time.sleep(0.5)
        self.assertIsNone(process.poll())
        process.terminate()
        self.assertEqual(1, process.wait(2))

    def test_an_installation_takes_no_program_from_the_environment(self):
        # As in a build tree but for the file that says that it is one.
        front = f"{WORK}/installed/bin/redoubt-front"
        os.makedirs(os.path.dirname(front))
        shutil.copy(FRONT, front)
        env = self.environment(REDOUBT_DIST=os.path.dirname(BUILD), REDOUBT_JAVA_HOME="/usr", REDOUBT_FDS="9", REDOUBT_NOFILE="1:1",
                               LD_PRELOAD="/x", JAVA_TOOL_OPTIONS="-version")
        for command in ["do", "/bin/true"], ["profile"]:
            done = subprocess.run([front, *command], env=env, capture_output=True, text=True, timeout=20)
            self.assertEqual((1, "", f"redoubt: no Java runtime: {WORK}/installed/runtime/bin/java is not there."
                              " Install Redoubt again, as a whole\n"), (done.returncode, done.stdout, done.stderr))
        java = f"{WORK}/installed/runtime/bin/java"
        os.makedirs(os.path.dirname(java))
        with open(java, "w") as file:
            file.write("#!/bin/sh\nunset PWD\n/usr/bin/env\n")
        os.chmod(java, 0o755)
        done = subprocess.run([front, "profile"], env=env, capture_output=True, text=True, timeout=20)
        keys = {line.split("=")[0] for line in done.stdout.splitlines()}
        self.assertEqual({"PATH", "HOME", "LANG", "LC_ALL", "MALLOC_ARENA_MAX", "MALLOC_TOP_PAD_", "REDOUBT_PROC"}, keys)

    def test_failures_are_told(self):
        self.assertEqual((42, "", "redoubt: no such bundle: x\n"),
                         self.run_front("do", "x", env=dict(REDOUBT_FAKE="fail")))
        self.assertEqual((1, "", "redoubt: the sentry died (signal 6); the sandbox was killed\n"),
                         self.run_front("do", "x", env=dict(REDOUBT_FAKE="die")))
        code, _, err = self.run_front("do", "x", env=dict(REDOUBT_JAVA="/nonexistent"))
        self.assertEqual((1, "redoubt: REDOUBT_JAVA is not an executable file: /nonexistent\n"), (code, err))

    def test_shim_killed(self):
        process = self.start_sleeper()
        with open(f"/proc/{self.pid_of('guest')}/stat") as file:
            shim = int(file.read().split()[3])
        os.kill(shim, signal.SIGKILL)
        self.assertEqual(137, process.wait(5))

    def test_inside_another_user_namespace(self):
        # As root of a container: there are no 65,536 ids to give away, one must do.
        code, out, err = self.run_front("do", f"{WORK}/dynamic", prefix=["unshare", "-Ur"])
        self.assertEqual((1, ""), (code, err))
        self.assertIn(" uid=0 ", out)

    def test_no_user_namespaces(self):
        command = 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"'
        code, _, err = self.run_front("do", "/bin/true", prefix=["unshare", "-Ur", "sh", "-c", command, "sh"])
        self.assertEqual((1, "redoubt: cannot create a user namespace: No space left on device. "
                             "Allow it with: sysctl -w user.max_user_namespaces=15000\n"), (code, err))

    def test_program_not_found(self):
        self.assertEqual(127, self.run_front("do", "/nonexistent")[0])

    def test_environment_is_the_callers(self):
        _, out, _ = self.run_front("do", "/usr/bin/env")
        self.assertIn("SANDBOX=1\n", out)
        self.assertNotIn("REDOUBT_NOFILE", out)
        self.assertNotIn("GONE", out)
        self.assertEqual(1, out.count("HOME="))

    def test_limits_that_cannot_be_set_are_told(self):
        code, _, err = self.run_front("do", "/bin/true", env=dict(REDOUBT_FAKE_RLIMIT="99:1:1"))
        self.assertEqual((1, "redoubt: an rlimit is not NUMBER:SOFT:HARD; the sandbox was killed\n"), (code, err))

    def test_closed_stdio(self):
        for redirect in "<&-", ">&-", "2>&-", "<&- >&- 2>&-", ">/dev/full", "2>/dev/full":
            with self.subTest(redirect):
                command = f'exec "$@" {redirect}'
                code, _, _ = self.run_front("do", "/bin/false", prefix=["sh", "-c", command, "sh"],
                                            env=dict(REDOUBT_VERBOSE="1"))
                self.assertEqual(1, code)

    def test_broken_pipe(self):
        read, write = os.pipe()
        os.close(read)
        code, _, _ = self.run_front("do", "/bin/true", stderr=write, env=dict(REDOUBT_VERBOSE="1"))
        os.close(write)
        self.assertEqual(0, code)

    def test_stderr_that_nobody_reads(self):
        # With the pipe full the sandbox goes on, and ends when it is told to.
        read, write = os.pipe()
        os.set_blocking(write, False)
        try:
            while True:
                os.write(write, b"x" * 4096)
        except BlockingIOError:
            os.set_blocking(write, True)
        process = self.start("do", "/bin/true", stderr=write, env=dict(REDOUBT_VERBOSE="1"))
        time.sleep(0.5)
        self.assertIsNone(process.poll())  # "stats" cannot be printed: as any program, it waits
        self.assertEqual(["front"], list(self.ours().values()))
        process.send_signal(signal.SIGINT)
        self.assertEqual(-signal.SIGINT, process.wait(2))
        os.close(read)
        os.close(write)

    def test_stop_and_continue(self):
        process = self.start_sleeper()
        process.send_signal(signal.SIGTSTP)
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        self.assertTrue(os.WIFSTOPPED(status))
        guest = self.pid_of("guest")
        state = lambda: open(f"/proc/{guest}/stat").read().split()[2]
        process.send_signal(signal.SIGCONT)
        process.terminate()
        self.assertEqual(143, process.wait(5))

    # ---- terminal

    def with_terminal(self, *arguments, env={}):
        # Starts in a session whose terminal is a pty; returns the process and the master.
        master, slave = pty.openpty()
        attributes = termios.tcgetattr(slave)
        termios.tcsetwinsize(master, (33, 77))
        process = self.start(*arguments, stdin=slave, stdout=slave, stderr=slave, env=env, start_new_session=True,
                             preexec_fn=lambda: __import__("fcntl").ioctl(0, termios.TIOCSCTTY, 0))
        return process, master, slave, attributes

    def read_until(self, master, text, seconds=5):
        got = b""
        until = time.monotonic() + seconds
        while text not in got and time.monotonic() < until:
            if select.select([master], [], [], 0.1)[0]:
                got += os.read(master, 4096)
        self.assertIn(text, got)
        return got

    def assertRestored(self, slave, attributes):
        until = time.monotonic() + 1
        while termios.tcgetattr(slave) != attributes and time.monotonic() < until:
            time.sleep(0.01)
        self.assertEqual(attributes, termios.tcgetattr(slave))

    def close_terminal(self, master, slave):
        os.close(master)
        os.close(slave)

    def test_terminal(self):
        process, master, slave, before = self.with_terminal("do", "-t", f"{WORK}/static", "read",
                                                            env=dict(REDOUBT_VERBOSE="1"))
        self.read_until(master, b"winsize 33 77")
        self.assertEqual(0, termios.tcgetattr(slave)[3] & (termios.ICANON | termios.ECHO | termios.ISIG))
        termios.tcsetwinsize(master, (44, 88))
        self.read_until(master, b"winsize 44 88")
        os.write(master, b"\x03")  # a byte like any other now
        self.read_until(master, b"read 1 \x03\n")
        self.read_until(master, b"stats\r\n")  # cooked again
        self.assertEqual(0, process.wait(5))
        self.assertRestored(slave, before)
        self.close_terminal(master, slave)

    def test_terminal_is_restored_after_kill_9(self):
        for victim in "front", "sentry", "gofer":
            process, master, slave, before = self.with_terminal("do", "-t", f"{WORK}/static", "sleep")
            self.read_until(master, b"up")
            self.assertNotEqual(before, termios.tcgetattr(slave))
            os.kill(process.pid if victim == "front" else self.pid_of(victim), signal.SIGKILL)
            process.wait(5)
            self.assertRestored(slave, before)
            self.assertGone()
            self.close_terminal(master, slave)

    def test_terminal_hangs_up(self):
        process, master, slave, _ = self.with_terminal("do", "-t", f"{WORK}/static", "sleep")
        self.read_until(master, b"up")
        self.close_terminal(master, slave)
        self.assertEqual(129, process.wait(5))

    def test_interrupt_key_without_console(self):
        process, master, slave, _ = self.with_terminal("do", f"{WORK}/static", "sleep")
        self.read_until(master, b"up")
        os.write(master, b"\x03")
        self.assertEqual(130, process.wait(5))
        self.close_terminal(master, slave)


if __name__ == "__main__":
    try:
        unittest.main(verbosity=1)
    finally:
        subprocess.run(["rm", "-rf", WORK])
