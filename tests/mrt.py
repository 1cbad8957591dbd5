#!/usr/bin/env python3
"""Writes a dump of a routing table (MRT, RFC 6396) for tests: mrt.py < '{"networks": [["192.0.2.0/24", [[kind, [number, …]], …]], …]}'

Kinds of path segments: 1 set, 2 sequence, 3 confederation. "v1": true writes the old TABLE_DUMP."""
import ipaddress
import json
import struct
import sys


def path(segments, width):
    return b"".join(struct.pack("BB", kind, len(numbers)) + b"".join(n.to_bytes(width, "big") for n in numbers)
                    for kind, numbers in segments)


def attributes(segments, width):
    if segments is None:
        return b"\x40\x01\x01\x00"
    value = path(segments, width)
    return b"\x40\x01\x01\x00" + b"\x50\x02" + struct.pack(">H", len(value)) + value


def record(kind, subtype, body):
    sys.stdout.buffer.write(struct.pack(">IHHI", 1764115200, kind, subtype, len(body)) + body)


def main():
    spec = json.load(sys.stdin)
    if not spec.get("v1"):
        record(13, 1, b"\0\0\0\0\0\0\0\0")
    for i, (network, segments) in enumerate(spec["networks"]):
        net = ipaddress.ip_network(network)
        raw = net.network_address.packed
        if spec.get("v1"):
            attr = attributes(segments, 2)
            record(12, 1 if net.version == 4 else 2, struct.pack(">HH", 0, i) + raw + bytes([net.prefixlen, 1]) +
                   b"\0" * (4 + len(raw) + 2) + struct.pack(">H", len(attr)) + attr)
        else:
            attr = attributes(segments, 4)
            entry = struct.pack(">HIH", 0, 0, len(attr)) + attr
            record(13, 2 if net.version == 4 else 4, struct.pack(">IB", i, net.prefixlen) +
                   raw[:(net.prefixlen + 7) // 8] + struct.pack(">H", 1) + entry)


main()
