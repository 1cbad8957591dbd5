"""A whois server for tests: whois.py PORTFILE LOG. Answers each line by the file of its name in ./whois, a slow one for
`slow...`, never for `silent...`, endlessly for `endless`; breaks the connection for `broken`. LOG gets the questions."""
import os
import socket
import struct
import sys
import threading
import time

listener = socket.create_server(("127.0.0.1", 0), backlog=200)
with open(sys.argv[1] + ".new", "w") as out:
    out.write(str(listener.getsockname()[1]))
os.rename(sys.argv[1] + ".new", sys.argv[1])
log = open(sys.argv[2], "a", buffering=1)


def talk(peer):
    with peer:
        query = b""
        while not query.endswith(b"\n"):
            got = peer.recv(4096)
            if not got:
                return
            query += got
        name = query.decode(errors="replace").rstrip("\n")
        log.write(name + "\n")
        if name.startswith("slow"):
            time.sleep(0.4)
        if name.startswith("silent"):
            time.sleep(20)
        if name == "broken":
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        try:
            while name == "endless":
                peer.sendall(b"x" * 65536)
            with open(os.path.join("whois", name.replace("/", "_")), "rb") as answer:
                for piece in answer:
                    peer.sendall(piece)
        except OSError:
            pass


while True:
    threading.Thread(target=talk, args=(listener.accept()[0],), daemon=True).start()
