#!/usr/bin/env python3
"""runc's recvtty in null mode, for its tests: takes terminals from a socket and throws away what comes out of them.

Usage: recvtty --pid-file FILE --mode null SOCKET
"""
import array, os, socket, sys, threading

if sys.argv[1] != "--pid-file" or sys.argv[4] != "null":
    sys.exit("recvtty: there is only the null mode here")
pid_file, socket_path = sys.argv[2], sys.argv[-1]


def drain(master):
    try:
        while os.read(master, 65536):
            pass
    except OSError:
        pass  # EIO: the last one has closed it
    os.close(master)


server = socket.socket(socket.AF_UNIX)
server.bind(socket_path)
server.listen(16)
with open(pid_file, "w") as file:
    file.write(str(os.getpid()))
while True:
    connection, _ = server.accept()
    _, control, _, _ = connection.recvmsg(4096, socket.CMSG_SPACE(4))
    connection.close()
    for _, _, data in control:
        threading.Thread(target=drain, args=(array.array("i", data)[0],), daemon=True).start()
