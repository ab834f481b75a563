# needs: python3
import array, os, select, selectors, socket, socketserver, struct, sys, tempfile, threading, time

os.chdir(tempfile.mkdtemp())


class Upper(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line.upper())


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


server = Server("sock", Upper)
threading.Thread(target=server.serve_forever, daemon=True).start()
clients = [socket.socket(socket.AF_UNIX) for _ in range(10)]
for i, c in enumerate(clients):
    c.connect("sock")
    c.sendall(f"client {i}\n".encode())
for c in clients:
    print(c.makefile().readline().strip())
server.shutdown()

a, b = socket.socketpair()
with open("f", "w+") as f:
    f.write("passed")
    f.flush()
    socket.send_fds(a, [b"fd"], [f.fileno()])
data, fds, flags, _ = socket.recv_fds(b, 100, 5)
print(data, len(fds), os.pread(fds[0], 10, 0))
print(struct.unpack("3i", b.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0] == os.getpid())

sel = selectors.DefaultSelector()
pairs = [socket.socketpair() for _ in range(20)]
for i, (x, y) in enumerate(pairs):
    sel.register(x, selectors.EVENT_READ, i)
for i in (3, 7, 11):
    pairs[i][1].send(b"!")
print(sorted(key.data for key, _ in sel.select(1)))
print(sel.select(0.01) != [])

ep = select.epoll()
r, w = os.pipe()
ep.register(r, select.EPOLLIN | select.EPOLLET)
os.write(w, b"x")
print(len(ep.poll(1)), len(ep.poll(0.01)))

d1 = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
d1.bind("\0abstract-redoubt-test")
d2 = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
d2.sendto(b"datagram", "\0abstract-redoubt-test")
print(d1.recv(100))
d1.settimeout(0.05)
try:
    d1.recv(1)
except TimeoutError:
    print("timeout")
try:
    socket.socket(socket.AF_UNIX).connect("missing")
except FileNotFoundError:
    print("missing")
try:
    socket.socket(socket.AF_UNIX).connect("f")
except ConnectionRefusedError:
    print("refused")

r, w = os.pipe()
os.set_blocking(w, False)
total = 0
try:
    while True:
        total += os.write(w, b"x" * 4096)
except BlockingIOError:
    print(total)
print(len(os.read(r, 1 << 20)))
sys.exit(0)
