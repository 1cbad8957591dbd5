load lib
load kafka

# imq-to-kafka to librdkafka's mock cluster.

setup_more() {
	start_kafka out
}

teardown() {
	stop_kafka
	[ -z "${writer:-}" ] || kill "$writer" 2> /dev/null || true
}

to_kafka() {
	timeout 60 imq-to-kafka --bootstrap-servers "$kafka" --topic out "$@"
}

written() {
	timeout 60 imq-queue get "kafka://$kafka#out" | sort
}

@test "to-kafka: events are written, without raw and type" {
	printf '%s\n' '{"source.ip":"192.0.2.1","raw":"eA==","__type":"Event"}' '{"source.asn":64496,"extra.a":"-"}' > events
	run -0 --separate-stderr to_kafka --stats events
	[ -z "$output" ]
	[[ "$stderr" == *'"in":2,"created":0,"out":2,"dropped":0,"merged":0,"rejected":0,"pending":0'* ]]
	[ "$(written)" = $'{"source.asn":64496}\n{"source.ip":"192.0.2.1"}' ]
}

@test "to-kafka: nested, with type and raw; what is no event is rejected" {
	run -3 to_kafka --hierarchical-output --message-with-type --keep-raw-field <<< $'no json\n{"source.ip":"192.0.2.1","raw":"eA=="}'
	[ "$(written)" = '{"source":{"ip":"192.0.2.1"},"raw":"eA==","__type":"Event"}' ]
}

@test "to-kafka: a barrier goes on once the brokers have the events before it" {
	mkfifo in out
	to_kafka < in > out 3>&- &
	writer=$!
	exec 6> in 7< out
	printf '%s\n' '{"source.ip":"192.0.2.1"}' '' >&6
	read -r line <&7
	[ -z "$line" ]
	[ "$(written)" = '{"source.ip":"192.0.2.1"}' ]
	exec 6>&- 7<&-
	wait "$writer"
}

@test "to-kafka: 20,000 events arrive" {
	seq -f '{"extra.n":%.0f}' 20000 > events
	run -0 to_kafka events
	written | cmp - <(sort events)
}

@test "to-kafka: what cannot be meant is told" {
	run -2 imq-to-kafka
	[ "$output" = 'imq-to-kafka: --topic is missing' ]
	run -2 imq-to-kafka --topic a --ssl-certfile nowhere
	[[ "$output" == *ssl.certificate.location* ]]
}
