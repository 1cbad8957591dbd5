"""A proxy whose tunnels (CONNECT) all end at one port of loopback, whatever host they are for: the Internet of a test.

connect-proxy.py TARGET-PORT PORT-FILE     writes the port that it listens on into the file"""
import socket
import sys
import threading


def copy(source, sink):
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def tunnel(client):
    request = b""
    while b"\r\n\r\n" not in request:
        data = client.recv(4096)
        if not data:
            return
        request += data
    if not request.startswith(b"CONNECT "):
        client.sendall(b"HTTP/1.1 405 Only tunnels\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        client.close()
        return
    server = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    threading.Thread(target=copy, args=(client, server), daemon=True).start()
    copy(server, client)


listener = socket.create_server(("127.0.0.1", 0))
with open(sys.argv[2], "w") as f:
    print(listener.getsockname()[1], file=f)
while True:
    threading.Thread(target=tunnel, args=(listener.accept()[0],), daemon=True).start()
