#!/usr/bin/env python3
"""Writes a small MaxMind database (MaxMind DB File Format 2.0) for tests: mmdb.py FILE TYPE < {"192.0.2.0/24": {record}, …}"""
import ipaddress
import json
import struct
import sys


def control(kind, size):
    first, extra = (kind << 5, b"") if kind <= 7 else (0, bytes([kind - 7]))
    if size < 29:
        return bytes([first | size]) + extra
    if size < 285:
        return bytes([first | 29]) + extra + bytes([size - 29])
    return bytes([first | 30]) + extra + struct.pack(">H", size - 285)


class U16(int):
    """Written in 16 bits, which readers insist on in the metadata."""


class U64(int):
    """Written in 64 bits."""


def encode(value):
    if isinstance(value, bool):
        return control(14, int(value))
    if isinstance(value, str):
        data = value.encode()
        return control(2, len(data)) + data
    if isinstance(value, float):
        return control(3, 8) + struct.pack(">d", value)
    if isinstance(value, int):
        data = value.to_bytes((value.bit_length() + 7) // 8, "big")
        kind = 5 if isinstance(value, U16) else 9 if isinstance(value, U64) or value >= 1 << 32 else 6
        return control(kind, len(data)) + data
    if isinstance(value, list):
        return control(11, len(value)) + b"".join(map(encode, value))
    return control(7, len(value)) + b"".join(encode(k) + encode(v) for k, v in value.items())


def main():
    path, kind = sys.argv[1:]
    data, offsets, tree = b"", {}, [[None, None]]
    for network, record in json.load(sys.stdin).items():
        raw = encode(record)
        if raw not in offsets:
            offsets[raw] = len(data)
            data += raw
        net = ipaddress.ip_network(network)
        bits, length = int(net.network_address), net.prefixlen + (96 if net.version == 4 else 0)
        node = 0
        for i in range(length):
            bit = bits >> 127 - i & 1
            if i == length - 1:
                tree[node][bit] = ("data", offsets[raw])
            else:
                if tree[node][bit] is None:
                    tree.append([None, None])
                    tree[node][bit] = len(tree) - 1
                node = tree[node][bit]
    count = len(tree)
    out = b""
    for node in tree:
        for record in node:
            number = count if record is None else count + 16 + record[1] if isinstance(record, tuple) else record
            out += struct.pack(">I", number)[1:]
    meta = {"node_count": count, "record_size": U16(24), "ip_version": U16(6), "database_type": kind,
            "languages": ["en"], "binary_format_major_version": U16(2), "binary_format_minor_version": U16(0),
            "build_epoch": U64(1764064800), "description": {"en": "for tests"}}
    with open(path, "wb") as file:
        file.write(out + bytes(16) + data + b"\xab\xcd\xefMaxMind.com" + encode(meta))


main()
