"""A client of AMQP 0-9-1 for tests, which sees and sets what imq's commands do not.

usage: amqp.py HOST:PORT declare QUEUE [ARGUMENT]...           an ARGUMENT is NAME=NUMBER or NAME=TEXT
       amqp.py HOST:PORT bind QUEUE EXCHANGE KEY
       amqp.py HOST:PORT publish EXCHANGE KEY < BODY
       amqp.py HOST:PORT get QUEUE                             each message as a line of JSON, until there are no more
       amqp.py HOST:PORT exchange NAME TYPE DURABLE            fails unless there is such an exchange; DURABLE: 0 or 1
"""
import json
import socket
import struct
import sys


def short(text):
    return struct.pack('>B', len(text.encode())) + text.encode()


def long_string(data):
    return struct.pack('>I', len(data)) + data


def table(pairs):
    out = b''
    for name, value in pairs:
        out += short(name) + (b'I' + struct.pack('>i', int(value)) if value.isdigit() else b'S' + long_string(value.encode()))
    return long_string(out)


class Client:
    def __init__(self, address):
        host, port = address.rsplit(':', 1)
        self.file = socket.create_connection((host, int(port)), 30).makefile('rwb')
        self.file.write(b'AMQP\0\0\x09\1')
        self.expect(10, 10)
        self.send(0, 10, 11, table([]) + short('PLAIN') + long_string(b'\0guest\0guest') + short('en_US'))
        tune = self.expect(10, 30)
        self.send(0, 10, 31, tune[:6] + b'\0\0')
        self.send(0, 10, 40, short('/') + short('') + b'\0')
        self.expect(10, 41)
        self.send(1, 20, 10, short(''))
        self.expect(20, 11)

    def frame(self, kind, channel, data):
        self.file.write(struct.pack('>BHI', kind, channel, len(data)) + data + b'\xce')

    def send(self, channel, group, method, arguments):
        self.frame(1, channel, struct.pack('>HH', group, method) + arguments)

    def read(self):
        self.file.flush()
        kind, _, size = struct.unpack('>BHI', self.file.read(7))
        data = self.file.read(size)
        assert self.file.read(1) == b'\xce'
        return kind, data

    def expect(self, group, *methods):
        """The arguments of the next method, and which of several it was."""
        kind, data = self.read()
        got = struct.unpack('>HH', data[:4])
        if kind != 1 or got[0] != group or got[1] not in methods:
            sys.exit('amqp.py: instead of an answer: %r' % data)
        return data[4:] if len(methods) == 1 else (got[1], data[4:])

    def declare(self, queue, arguments):
        self.send(1, 50, 10, b'\0\0' + short(queue) + b'\2' + table([a.split('=') for a in arguments]))
        self.expect(50, 11)

    def bind(self, queue, exchange, key):
        self.send(1, 50, 20, b'\0\0' + short(queue) + short(exchange) + short(key) + b'\0' + table([]))
        self.expect(50, 21)

    def exchange(self, name, kind, durable):
        self.send(1, 40, 10, b'\0\0' + short(name) + short(kind) + bytes([2 * int(durable)]) + table([]))
        self.expect(40, 11)

    def publish(self, exchange, key, body):
        self.send(1, 60, 40, b'\0\0' + short(exchange) + short(key) + b'\0')
        self.frame(2, 1, struct.pack('>HHQH', 60, 0, len(body), 0))
        for at in range(0, len(body), 100000):
            self.frame(3, 1, body[at:at + 100000])

    def get(self, queue):
        """One message, acknowledged; None: there is none."""
        self.send(1, 60, 70, b'\0\0' + short(queue) + b'\1')
        method, data = self.expect(60, 71, 72)
        if method == 72:
            return None
        at, names = 9, []
        for _ in range(2):
            names.append(data[at + 1:at + 1 + data[at]].decode())
            at += 1 + data[at]
        _, header = self.read()
        size, flags = struct.unpack('>QH', header[4:14])
        properties, content_type, mode = header[14:], None, None
        if flags & 0x8000:
            content_type, properties = properties[1:1 + properties[0]].decode(), properties[1 + properties[0]:]
        if flags & 0x1000:
            mode, properties = properties[0], properties[1:]
        assert not flags & 0x0fff and not properties
        body = b''
        while len(body) < size:
            body += self.read()[1]
        return {'exchange': names[0], 'key': names[1], 'type': content_type, 'mode': mode, 'body': body.decode('utf-8', 'backslashreplace')}

    def close(self):
        self.send(1, 20, 40, b'\0\0' + short('') + b'\0\0\0\0')
        self.expect(20, 41)


client, command, more = Client(sys.argv[1]), sys.argv[2], sys.argv[3:]
if command == 'declare':
    client.declare(more[0], more[1:])
elif command == 'publish':
    client.publish(more[0], more[1], sys.stdin.buffer.read())
elif command == 'get':
    while (message := client.get(more[0])):
        print(json.dumps(message, ensure_ascii=False))
else:
    getattr(client, command)(*more)
client.close()
