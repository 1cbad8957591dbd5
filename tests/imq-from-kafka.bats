load lib
load kafka

# imq-from-kafka at librdkafka's mock cluster.

setup_more() {
	start_kafka in
}

teardown() {
	stop_kafka
}

from_kafka() {
	timeout 60 imq-from-kafka --bootstrap-servers "$kafka" --topic in "$@"
}

@test "from-kafka: records are reports, their offsets are committed, another group sees them again" {
	seq -f '{"extra.n":%.0f}' 500 | imq-queue put "kafka://$kafka#in"
	run -0 --separate-stderr from_kafka --drain --name Feed --stats
	[ "$(jq -r '.raw | @base64d' <<< "$output" | sort)" = "$(seq -f '{"extra.n":%.0f}' 500 | sort)" ]
	[ "$(jq -r '."feed.name" + .__type' <<< "${lines[0]}")" = FeedReport ]
	[[ "$stderr" == *'"in":0,"created":500,"out":500,"dropped":0,"merged":0,"rejected":0,"pending":0'* ]]
	run -0 from_kafka --drain
	[ -z "$output" ]
	run -0 from_kafka --drain --group-id other --to sqlite:q.db#one
	[ "$(imq-queue count sqlite:q.db#one)" = 500 ]
}

@test "from-kafka: events are handed on, others are rejected" {
	printf '%s\n' '{"source.ip":"192.0.2.1","__type":"Event"}' '{"source.ip":"192.0.2.2"}' | imq-queue put "kafka://$kafka#in"
	run -3 --separate-stderr from_kafka --drain --expect-intelmq-message --rejects rejects
	[ "$output" = '{"source.ip":"192.0.2.1","__type":"Event"}' ]
	[ "$(jq -r '.record."source.ip"' rejects)" = 192.0.2.2 ]
}

@test "from-kafka: what could not be written comes again" {
	echo '{"extra.n":1}' | imq-queue put "kafka://$kafka#in"
	run -4 sh -c 'timeout 60 imq-from-kafka --bootstrap-servers "$0" --topic in --drain > /dev/full' "$kafka"
	run -0 from_kafka --drain
	[ "$(jq -r '.raw | @base64d' <<< "$output")" = '{"extra.n":1}' ]
}

@test "from-kafka: what cannot be meant is told" {
	run -2 imq-from-kafka
	[ "$output" = 'imq-from-kafka: --topic is missing' ]
	run -2 imq-from-kafka --topic a,b
	[ "$output" = 'imq-from-kafka: --topic: one topic' ]
	run -2 imq-from-kafka --topic a --ssl-cafile nowhere
	[[ "$output" == *ssl.ca.location* ]]
}
