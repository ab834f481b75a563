# needs: python3
import asyncio, os, signal, tempfile


async def main():
    print(await asyncio.gather(*(asyncio.sleep(0.01 * (3 - i), i) for i in range(3))))
    p = await asyncio.create_subprocess_exec("cat", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE)
    out, _ = await p.communicate(b"x" * 200000)
    print(len(out), p.returncode)
    p = await asyncio.create_subprocess_shell("echo $((6 * 7)); exit 3", stdout=asyncio.subprocess.PIPE)
    print((await p.stdout.read()).decode().strip(), await p.wait())
    ps = [await asyncio.create_subprocess_exec("sh", "-c", f"exit {i}") for i in range(10)]
    print([await p.wait() for p in ps])

    async def serve(reader, writer):
        while line := await reader.readline():
            writer.write(line.upper())
            await writer.drain()
        writer.close()

    path = os.path.join(tempfile.mkdtemp(), "sock")
    server = await asyncio.start_unix_server(serve, path)

    async def client(n):
        reader, writer = await asyncio.open_unix_connection(path)
        lines = []
        for i in range(20):
            writer.write(f"client {n} line {i}\n".encode())
            lines.append((await reader.readline()).decode().strip())
        writer.write_eof()
        rest = await reader.read()
        writer.close()
        return lines[-1], rest

    for answer in await asyncio.gather(*(client(n) for n in range(10))):
        print(answer)
    server.close()
    loop = asyncio.get_running_loop()
    got = asyncio.Event()
    loop.add_signal_handler(signal.SIGUSR1, got.set)
    os.kill(os.getpid(), signal.SIGUSR1)
    await asyncio.wait_for(got.wait(), 5)
    print("signal")
    r, w = os.pipe()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(r, "rb"))
    os.write(w, b"from a pipe\n")
    os.close(w)
    print(await reader.read())
    try:
        await asyncio.wait_for(asyncio.sleep(10), 0.05)
    except asyncio.TimeoutError:
        print("timeout")
    print(await loop.run_in_executor(None, sum, range(1000)))
    print(await asyncio.to_thread(os.getpid) == os.getpid())


asyncio.run(main())
