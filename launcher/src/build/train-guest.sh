# What the training sandbox runs: the calls of ordinary programs, often enough for the JVM to have a profile of them.
# Every program is optional: the machine that builds may not have it.
i=0
while [ $i -lt 40 ]; do
  /bin/true
  i=$((i + 1))
done
ls -lR /etc >/dev/null 2>&1
find /usr/lib -maxdepth 2 >/dev/null 2>&1
cat /proc/self/maps /proc/self/status /proc/meminfo /proc/mounts >/dev/null 2>&1
seq 1 2000 | sort -n | tail -n 1 >/tmp/redoubt-train 2>/dev/null
cp -r /etc/apt /tmp/redoubt-train.d 2>/dev/null && rm -rf /tmp/redoubt-train.d
ls -lR /proc/self/ >/dev/null 2>&1
# Many calls from one place, as the ring tier serves them.
dd if=/bin/sh of=/dev/null bs=1 count=5000 2>/dev/null
# A tree of the host that is passed through, as a container's root is.
if cd /tmp/bound 2>/dev/null; then
  cp /bin/sh program && ./program -c 'echo text >file; mkdir -p a/b; mv file a/b; ln -s a link; cat link/b/file; ls -lR; chmod 700 a; touch a' >/dev/null 2>&1
  i=0
  while [ $i -lt 20 ]; do
    ./program -c :
    i=$((i + 1))
  done
  rm -rf a link program
  cd /
fi
(sleep 0.05 & wait)
command -v python3 >/dev/null 2>&1 && python3 -c 'import os, sys, json, socket, subprocess, threading
t = threading.Thread(target=os.getpid); t.start(); t.join()
subprocess.run(["/bin/true"])
listener = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(listener.getsockname())
server = listener.accept()[0]
for i in range(100):
    client.sendall(b"x" * 100); server.recv(1000)
datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); datagrams.bind(("127.0.0.1", 0))
datagrams.sendto(b"x", datagrams.getsockname()); datagrams.recvfrom(10)
socket.if_nameindex()' 2>/dev/null
exit 0
