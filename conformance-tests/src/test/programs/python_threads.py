# needs: python3
import concurrent.futures, multiprocessing, os, queue, threading, time


def square(x):
    return x * x


def worker(q, out):
    while (x := q.get()) is not None:
        out.put(x + 1)


def add(value, lock):
    for _ in range(500):
        with lock:
            value.value += 1


def send(conn):
    conn.send({"pid differs": True, "data": list(range(5))})
    conn.close()


if __name__ == "__main__":
    total, lock = 0, threading.Lock()

    def count():
        global total
        for _ in range(1000):
            with lock:
                total += 1

    threads = [threading.Thread(target=count) for _ in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    print("threads", total)
    event, seen = threading.Event(), []
    t = threading.Thread(target=lambda: seen.append(event.wait(10)))
    t.start()
    time.sleep(0.05)
    event.set()
    t.join()
    print("event", seen, event.wait(0.01), threading.Event().wait(0.01))
    q = queue.Queue(maxsize=3)
    threading.Thread(target=lambda: [q.put(i) for i in range(10)]).start()
    print("queue", [q.get() for _ in range(10)])
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        print("pool", sum(pool.map(square, range(100))))
    timer = threading.Timer(0.02, lambda: seen.append("timer"))
    timer.start()
    timer.join()
    print(seen, threading.active_count())
    for method in ("fork", "spawn", "forkserver"):
        context = multiprocessing.get_context(method)
        with context.Pool(3) as pool:
            print(method, pool.map(square, range(10)))
        value, l = context.Value("i", 0), context.Lock()
        processes = [context.Process(target=add, args=(value, l)) for _ in range(3)]
        for p in processes:
            p.start()
        for p in processes:
            p.join()
        print(method, "value", value.value, [p.exitcode for p in processes])
    q, out = multiprocessing.Queue(), multiprocessing.Queue()
    p = multiprocessing.Process(target=worker, args=(q, out))
    p.start()
    for i in range(100):
        q.put(i)
    q.put(None)
    print("queue", sum(out.get() for _ in range(100)))
    p.join()
    here, there = multiprocessing.Pipe()
    p = multiprocessing.Process(target=send, args=(there,))
    p.start()
    print("pipe", here.recv())
    p.join()
    array = multiprocessing.Array("d", 10)
    array[3] = 1.5
    print(array[:5])
    from multiprocessing import shared_memory

    shm = shared_memory.SharedMemory(create=True, size=100)
    other = shared_memory.SharedMemory(name=shm.name)
    shm.buf[:5] = b"hello"
    print(bytes(other.buf[:5]))
    other.close()
    shm.close()
    shm.unlink()
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        print("processes", sum(pool.map(square, range(20))))
    p = multiprocessing.Process(target=time.sleep, args=(100,))
    p.start()
    p.terminate()
    p.join()
    print("terminated", p.exitcode)
