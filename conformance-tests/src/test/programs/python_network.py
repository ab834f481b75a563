# needs: python3
# timeout: 90
import asyncio, http.server, os, select, socket, struct, tempfile, threading, urllib.error, urllib.request

directory = tempfile.mkdtemp()
os.chdir(directory)
with open("large", "wb") as f:
    f.write(bytes(range(256)) * 8192)


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(sum(body)).encode())


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://localhost:{server.server_port}/"
print(urllib.request.urlopen(url + "large").read() == bytes(range(256)) * 8192)
print(urllib.request.urlopen(url, data=b"\x01" * 500000).read())
try:
    urllib.request.urlopen(url + "missing")
except urllib.error.HTTPError as e:
    print(e.code)
server.shutdown()


async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def client(port, n):
    reader, writer = await asyncio.open_connection("localhost", port)
    total = 0
    for i in range(10):
        writer.write(bytes([n]) * 1000)
        await writer.drain()
        total += len(await reader.readexactly(1000))
    writer.write_eof()
    rest = await reader.read()
    writer.close()
    return total, rest


class Datagrams(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.transport.sendto(data.upper(), address)


class Answer(asyncio.DatagramProtocol):
    def __init__(self):
        self.got = asyncio.get_running_loop().create_future()

    def datagram_received(self, data, address):
        self.got.set_result(data)


async def main():
    tcp = await asyncio.start_server(echo, "127.0.0.1", 0)
    port = tcp.sockets[0].getsockname()[1]
    print(set(await asyncio.gather(*(client(port, n) for n in range(40)))))
    tcp.close()
    loop = asyncio.get_running_loop()
    server, _ = await loop.create_datagram_endpoint(Datagrams, ("::1", 0))
    transport, answer = await loop.create_datagram_endpoint(Answer, remote_addr=server.get_extra_info("sockname")[:2])
    transport.sendto(b"datagram")
    print(await answer.got)
    try:
        await asyncio.open_connection("127.0.0.1", port)
    except OSError as e:
        print(type(e).__name__)


asyncio.run(main())

listener = socket.create_server(("127.0.0.1", 0))
children = []
for i in range(3):
    pid = os.fork()
    if pid == 0:
        with socket.create_connection(listener.getsockname()) as s:
            s.sendall(struct.pack("!I", i) * 1000)
        os._exit(0)
    children.append(pid)
poller = select.epoll()
poller.register(listener, select.EPOLLIN)
buffers, ended = {}, []
while len(ended) < 3:
    for fd, _ in poller.poll():
        if fd == listener.fileno():
            s, _ = listener.accept()
            s.setblocking(False)
            poller.register(s, select.EPOLLIN | select.EPOLLET | select.EPOLLRDHUP)
            buffers[s.fileno()] = (s, bytearray())
            continue
        s, data = buffers[fd]
        while True:
            try:
                part = s.recv(777)
            except BlockingIOError:
                break
            if not part:
                ended.append(bytes(data))
                s.close()
                break
            data += part
print(sorted((len(d), d[:4]) for d in ended))
for pid in children:
    print(os.waitpid(pid, 0)[1])
print([name for _, name in socket.if_nameindex() if name == "lo"], socket.gethostbyname("localhost"))
