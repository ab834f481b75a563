# needs: python3
import fcntl, glob, hashlib, mmap, os, pathlib, shutil, signal, sqlite3, stat, sys, tempfile, time, zipfile

os.chdir(tempfile.mkdtemp())

# sqlite3, with commits that are real
db = sqlite3.connect("db")
db.execute("create table t(a integer primary key, b text)")
for i in range(50):
    with db:
        db.execute("insert into t(b) values(?)", (f"row {i}",))
try:
    with db:
        db.execute("delete from t")
        raise RuntimeError
except RuntimeError:
    pass
print(db.execute("select count(*), sum(a) from t").fetchone(), db.execute("pragma integrity_check").fetchone())
db.execute("pragma journal_mode=wal")
if os.fork() == 0:
    other = sqlite3.connect("db", timeout=20)
    with other:
        other.execute("insert into t(b) values('child')")
    os._exit(0)
os.wait()
with db:
    db.execute("insert into t(b) values('parent')")
print(db.execute("select b from t order by a desc limit 2").fetchall())
db.close()
print(sorted(os.listdir(".")))

# tempfile
with tempfile.NamedTemporaryFile() as f:
    f.write(b"temporary")
    f.flush()
    print(os.path.getsize(f.name))
print(os.path.exists(f.name))
with tempfile.TemporaryFile() as f:
    f.write(b"unnamed")
    f.seek(0)
    print(f.read())
with tempfile.TemporaryDirectory() as d:
    pathlib.Path(d, "x").write_text("x")
print(os.path.exists(d))
with tempfile.SpooledTemporaryFile(10) as f:
    f.write(b"y" * 100)
    f.seek(0)
    print(len(f.read()))

# mmap
with open("m", "wb") as f:
    f.truncate(10000)
with open("m", "r+b") as f:
    m = mmap.mmap(f.fileno(), 0)
    m[5000:5005] = b"mmap!"
    m.flush()
    print(m.find(b"mmap"), f.seek(5000), f.read(5))
    m.resize(20000)
    print(len(m), os.path.getsize("m"))
    m.close()
a = mmap.mmap(-1, 4096)
if os.fork() == 0:
    a[:5] = b"child"
    os._exit(0)
os.wait()
print(a[:5])

# signals
got = []
signal.signal(signal.SIGUSR1, lambda n, f: got.append(n))
os.kill(os.getpid(), signal.SIGUSR1)
print(got == [signal.SIGUSR1])
signal.setitimer(signal.ITIMER_REAL, 0.05)
signal.signal(signal.SIGALRM, lambda n, f: got.append("alarm"))
time.sleep(0.15)
print(got[-1])
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2])
os.kill(os.getpid(), signal.SIGUSR2)
print(signal.SIGUSR2 in signal.sigpending(), signal.sigwait([signal.SIGUSR2]) == signal.SIGUSR2)


def raising(n, f):
    raise KeyboardInterrupt


signal.signal(signal.SIGALRM, raising)
signal.setitimer(signal.ITIMER_REAL, 0.05)
r, w = os.pipe()
try:
    os.read(r, 1)
except KeyboardInterrupt:
    print("interrupted by an exception")

# trees
for i in range(100):
    p = pathlib.Path("tree", str(i % 10), str(i))
    p.parent.mkdir(parents=True, exist_ok=True)
    p.write_text("x" * i)
print(sum(f.stat().st_size for f in pathlib.Path("tree").rglob("*") if f.is_file()))
shutil.copytree("tree", "copy")
shutil.make_archive("archive", "gztar", "tree")
shutil.unpack_archive("archive.tar.gz", "unpacked")
print(len(glob.glob("unpacked/*/*")), len(list(os.walk("copy"))))
with zipfile.ZipFile("z.zip", "w") as z:
    for f in sorted(pathlib.Path("tree/1").iterdir()):
        z.write(f)
print(len(zipfile.ZipFile("z.zip").namelist()), zipfile.ZipFile("z.zip").testzip())
shutil.rmtree("tree")
os.symlink("copy", "link")
print(os.path.islink("link"), os.path.isdir("link"), os.readlink("link"), os.path.realpath("link") == os.path.realpath("copy"))
os.chmod("m", 0o640)
print(stat.filemode(os.stat("m").st_mode))
with open("m") as f, open("m") as g:
    fcntl.flock(f, fcntl.LOCK_EX)
    try:
        fcntl.flock(g, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("locked")
print(hashlib.sha256(open("/etc/passwd", "rb").read()).hexdigest() == hashlib.file_digest(open("/etc/passwd", "rb"), "sha256").hexdigest()
      if sys.version_info >= (3, 11) else True)
with os.scandir("copy") as it:
    print(sorted(e.name for e in it if e.is_dir()))
fd = os.memfd_create("m")
os.write(fd, b"memfd")
print(os.pread(fd, 5, 0), os.sendfile(os.open("out", os.O_WRONLY | os.O_CREAT), fd, 0, 5), open("out").read())
os.environ["X"] = "y"
print(os.popen("echo $X").read().strip(), os.umask(0o22) == 0o22, os.cpu_count() > 0)
os.chdir("/")
