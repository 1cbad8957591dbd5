#!/usr/bin/env python3
"""A name server that misbehaves, for tests: dns-server.py MODE writes its port to the file `MODE.port` and each
question to `MODE.log`. The modes are the functions' names: what they return is sent to the client, for UDP and TCP."""
import os
import random
import socket
import struct
import sys
import threading

log = open(sys.argv[1] + ".log", "w", buffering=1)
count = {}


def parse(query):
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1"))
        at += 1 + query[at]
    return ".".join(labels), struct.unpack(">H", query[at + 1:at + 3])[0], query[12:at + 5]


def reply(query, flags=0x8180, data=(), ident=None, question=None, kind=None, tail=b""):
    name, qtype, asked = parse(query)
    records = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind or qtype, 1, 60, len(d)) + d for d in data)
    return (ident or query[:2]) + struct.pack(">HHHHH", flags, 1, len(data), 0, 0) + (question or asked) + records + tail


def host(text):
    return b"".join(bytes([len(l)]) + l.encode() for l in text.split(".")) + b"\0"


def good(query, tcp=False):
    """PTR: the name itself; A: 192.0.2.7."""
    name, qtype, _ = parse(query)
    return [reply(query, data=[host("h-" + name.split(".")[0] + ".example") if qtype == 12 else bytes([192, 0, 2, 7])])]


def silent(query, tcp):
    return []


def servfail(query, tcp):
    return [reply(query, 0x8182)]


def refused(query, tcp):
    return [reply(query, 0x8185)]


def lame(query, tcp):
    return [reply(query, 0x8000)]


def second(query, tcp):
    """Answers no question but the second time."""
    name = parse(query)[0]
    count[name] = count.get(name, 0) + 1
    return good(query) if count[name] > 1 else []


def noedns(query, tcp):
    """Does not know EDNS."""
    return good(query) if query[11] == 0 else [query[:2] + struct.pack(">HHHHH", 0x8181, 0, 0, 0, 0)]


def forged(query, tcp):
    """Wrong answers by wrong id, question, type, not a reply; then the right one."""
    bad = [host("forged.example")]
    name = parse(query)[0]
    return [reply(query, data=bad, ident=bytes([query[0] ^ 1, query[1]])),
            reply(query, data=bad, question=host("other.example") + b"\0\x0c\0\1"),
            reply(query, data=bad, question=host(name) + b"\0\1\0\1"),
            reply(query, flags=0x0100, data=bad),
            b"", b"\0", query[:2], query[:11]] + good(query)


def truncated(query, tcp):
    """Over UDP only that it is truncated, with an answer that must not be taken."""
    return good(query) if tcp else [reply(query, flags=0x8380)]


def notcp(query, tcp):
    return [] if tcp else [reply(query, flags=0x8380)]


def garbage(query, tcp):
    """Half a record, and then anything."""
    return [reply(query, data=[b"\xc0\x0c"])[:-4] + b"\xff\xff" + bytes(random.randrange(256) for _ in range(20))]


def loop(query, tcp):
    """Each name is an alias of the next."""
    name = parse(query)[0]
    n = int(name.split("-")[1].split(".")[0]) if name.startswith("x-") else 0
    return [reply(query, data=[host("x-%d.example" % (n + 1))], kind=5)]


def odd(query, tcp):
    """Names that are none of hosts, then one."""
    return [reply(query, data=[b"\x07a b.com\0", b"\x04a.b\x01\0", b"\x00", host("1.2.3.4"), host("OK_1.example")])]


mode = globals()[sys.argv[1]]
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
while True:
    udp.bind(("127.0.0.1", 0))
    try:
        tcp.bind(udp.getsockname())
        break
    except OSError:
        udp.close()
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
tcp.listen(50)


def note(query, peer, how):
    log.write("%s %s %d %d %d\n" % (how, parse(query)[0], parse(query)[1], peer[1], query[0] << 8 | query[1]))


def serve_one(peer, address):
    with peer, peer.makefile("rb") as stream:
        while True:
            head = stream.read(2)
            if len(head) < 2:
                return
            query = stream.read(struct.unpack(">H", head)[0])
            note(query, address, "tcp")
            for answer in mode(query, True):
                peer.sendall(struct.pack(">H", len(answer)) + answer)


def serve_tcp():
    while True:
        threading.Thread(target=serve_one, args=tcp.accept(), daemon=True).start()


threading.Thread(target=serve_tcp, daemon=True).start()
with open(sys.argv[1] + ".port.new", "w") as out:
    out.write(str(udp.getsockname()[1]))
os.rename(sys.argv[1] + ".port.new", sys.argv[1] + ".port")
while True:
    query, peer = udp.recvfrom(4096)
    note(query, peer, "udp")
    for answer in mode(query, False):
        udp.sendto(answer, peer)
