# Loaded by tests that need Kafka: `load kafka`, then start_kafka TOPIC... in the test, stop_kafka in teardown. Debian has no Kafka server:
# it is the mock cluster inside of librdkafka. Sets $kafka to the address of one of its brokers.
start_kafka() {
	mkfifo kafka.life
	python3 "$IMQ_ROOT/tests/kafka.py" "$@" < kafka.life > kafka.address 2> kafka.log 3>&- &
	exec 8> kafka.life
	wait_until test -s kafka.address
	kafka=$(cut -d , -f 1 kafka.address)
}

stop_kafka() {
	exec 8>&-
}
