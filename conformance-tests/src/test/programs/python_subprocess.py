# needs: python3
import os, signal, subprocess, sys

print(subprocess.run(["echo", "hello"], capture_output=True, text=True).stdout.strip())
r = subprocess.run("echo out; echo err >&2; exit 7", shell=True, capture_output=True, text=True)
print(r.stdout.strip(), r.stderr.strip(), r.returncode)
p = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
print(len(p.communicate(b"x" * 300000)[0]), p.returncode)
a = subprocess.Popen(["seq", "1", "1000"], stdout=subprocess.PIPE)
b = subprocess.Popen(["grep", "-c", "7"], stdin=a.stdout, stdout=subprocess.PIPE)
a.stdout.close()
print(b.communicate()[0].decode().strip(), a.wait())
p = subprocess.Popen(["sleep", "100"])
print(p.poll())
p.terminate()
print(p.wait())
try:
    subprocess.run(["sleep", "100"], timeout=0.1)
except subprocess.TimeoutExpired:
    print("timed out")
try:
    subprocess.run(["/no/such/program"])
except FileNotFoundError as e:
    print("not found", e.errno)
try:
    subprocess.check_call(["false"])
except subprocess.CalledProcessError as e:
    print("failed", e.returncode)
print(subprocess.run(["sh", "-c", "pwd; echo $X"], cwd="/usr", env={"X": "value", "PATH": os.environ["PATH"]},
                     capture_output=True, text=True).stdout.split())
r, w = os.pipe()
p = subprocess.Popen(["sh", "-c", f"echo through the descriptor >&{w}"], pass_fds=[w])
os.close(w)
print(os.read(r, 100).decode().strip(), p.wait())
p = subprocess.Popen(["sh", "-c", "kill -9 $$"])
print(p.wait() == -signal.SIGKILL)
p = subprocess.Popen(["sleep", "100"], start_new_session=True)
print(os.getpgid(p.pid) == p.pid, os.getsid(p.pid) == p.pid)
os.killpg(p.pid, signal.SIGINT)
print(p.wait())
print(sorted(len(subprocess.run([sys.executable, "-c", f"print('x' * {n})"], capture_output=True).stdout) for n in range(3)))
print(os.system("exit 3") >> 8, os.popen("echo popen").read().strip())
pid = os.posix_spawn("/bin/true", ["true"], os.environ)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
sys.exit(5)
