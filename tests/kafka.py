"""The mock cluster that librdkafka has inside (Debian has no Kafka server): prints its address, runs until stdin ends.

It speaks no TLS. With KAFKA_TLS, files of a certificate, its key, and an authority of which a client's certificate must be, it is reached by
TLS at 127.0.0.2, at the same ports, and says that its brokers are there."""
import ctypes
import os
import socket
import ssl
import sys
import threading

k = ctypes.CDLL("librdkafka.so.1")
for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_mock_cluster_new"):
    getattr(k, name).restype = ctypes.c_void_p
k.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
error = ctypes.create_string_buffer(256)
handle = ctypes.c_void_p(k.rd_kafka_new(0, ctypes.c_void_p(k.rd_kafka_conf_new()), error, 256))
cluster = ctypes.c_void_p(k.rd_kafka_mock_cluster_new(handle, 2))
for topic in sys.argv[1:]:
    k.rd_kafka_mock_topic_create(cluster, topic.encode(), 3, 1)


def pump(source, sink):
    """Hands on message by message: four bytes with the length, then so many."""
    stream = source.makefile("rb")
    try:
        while len(head := stream.read(4)) == 4:
            body = stream.read(int.from_bytes(head, "big"))
            sink.sendall(head + body.replace(b"127.0.0.1", b"127.0.0.2"))
    except OSError:
        pass
    for end in (source, sink):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(listener, port, context):
    while True:
        plain, _ = listener.accept()
        threading.Thread(target=join, args=(plain, port, context), daemon=True).start()


def join(plain, port, context):
    try:
        client = context.wrap_socket(plain, server_side=True)
    except OSError:
        return
    server = socket.create_connection(("127.0.0.1", port))
    threading.Thread(target=pump, args=(server, client), daemon=True).start()
    pump(client, server)


addresses = k.rd_kafka_mock_cluster_bootstraps(cluster).decode()
if tls := os.environ.get("KAFKA_TLS"):
    certificate, key, authority = tls.split()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    context.load_verify_locations(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    for address in addresses.split(","):
        port = int(address.rsplit(":", 1)[1])
        listener = socket.create_server(("127.0.0.2", port))
        threading.Thread(target=serve, args=(listener, port, context), daemon=True).start()
    addresses = addresses.replace("127.0.0.1", "127.0.0.2")
print(addresses, flush=True)
sys.stdin.read()
