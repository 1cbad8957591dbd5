"""Stands before a broker, and can be taken away from it. Prints its port.

amqp-proxy.py BROKER [PORT]     instead of handing on an acknowledgement (basic.ack, AMQP 0-9-1 1.8.3.13) it sends SIGKILL to the process
                                whose number is in the file acknowledger, if there is one, and removes the file"""
import os
import signal
import socket
import struct
import sys
import threading


def read(file, size):
    data = file.read(size)
    if len(data) < size:
        raise EOFError
    return data


def to_broker(client, broker):
    file = client.makefile('rb')
    broker.sendall(read(file, 8))  # the protocol header
    while True:
        head = read(file, 7)
        kind, _, size = struct.unpack('>BHI', head)
        body = read(file, size + 1)
        if kind == 1 and body[:4] == struct.pack('>HH', 60, 80) and os.path.exists('acknowledger'):
            pid = int(open('acknowledger').read())
            os.unlink('acknowledger')
            os.kill(pid, signal.SIGKILL)
            raise EOFError
        broker.sendall(head + body)


def to_client(client, broker):
    while (data := broker.recv(65536)):
        client.sendall(data)


def hand_on(way, client, broker):
    try:
        way(client, broker)
    except (EOFError, OSError):
        pass
    for end in client, broker:
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


host, port = sys.argv[1].rsplit(':', 1)
server = socket.create_server(('127.0.0.1', int(sys.argv[2]) if len(sys.argv) > 2 else 0))
print(server.getsockname()[1], flush=True)
while True:
    client, broker = server.accept()[0], socket.create_connection((host, int(port)))
    for way in to_broker, to_client:
        threading.Thread(target=hand_on, args=(way, client, broker), daemon=True).start()
