"""The mock cluster that librdkafka has inside (Debian has no Kafka server): prints its address, runs until stdin ends."""
import ctypes
import sys

k = ctypes.CDLL("librdkafka.so.1")
for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_mock_cluster_new"):
    getattr(k, name).restype = ctypes.c_void_p
k.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
error = ctypes.create_string_buffer(256)
handle = ctypes.c_void_p(k.rd_kafka_new(0, ctypes.c_void_p(k.rd_kafka_conf_new()), error, 256))
cluster = ctypes.c_void_p(k.rd_kafka_mock_cluster_new(handle, 2))
for topic in sys.argv[1:]:
    k.rd_kafka_mock_topic_create(cluster, topic.encode(), 3, 1)
print(k.rd_kafka_mock_cluster_bootstraps(cluster).decode(), flush=True)
sys.stdin.read()
