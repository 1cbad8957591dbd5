load lib
load kafka

# imq-pump and imq-queue over Kafka: librdkafka's mock cluster.

setup_more() {
	start_kafka in out empty
}

teardown() {
	stop_kafka
}

events() {
	seq -f '{"extra.number":%.0f,"classification.type":"scanner"}' "$1" "$2"
}

queue() {
	echo "kafka://$kafka#$1"
}

@test "kafka: records go in, are counted and looked at, and come out once" {
	events 1 3000 | imq-queue put "$(queue in)"
	[ "$(imq-queue count "$(queue in)")" = 3000 ]
	[ "$(imq-queue peek -n 5 "$(queue in)" | grep -c number)" = 5 ]
	imq-queue get "$(queue in)" | sort > got
	events 1 3000 | sort | cmp - got
	[ "$(imq-queue count "$(queue in)")" = 0 ]
	[ "$(imq-queue count "kafka://$kafka?group=other#in")" = 3000 ]
}

@test "kafka: records go through a pipeline" {
	events 1 2500 | imq-queue put "$(queue in)"
	run -0 --separate-stderr imq-pump --from "$(queue in)" --to "$(queue out)" --drain --stats -- imq-taxonomy '|' cat
	[[ "$stderr" == *'"in":2500,"created":0,"out":2500,'* ]]
	imq-queue get "$(queue out)" | sort > got
	events 1 2500 | imq-taxonomy | sort | cmp - got
}

@test "kafka: absent brokers and wrong settings are told" {
	run -2 imq-queue put "kafka://$kafka?no.such.setting=1#in"
	[[ "$output" == *'No such configuration property: "no.such.setting"'* ]]
	run -4 imq-queue put "kafka://127.0.0.1:1?message.timeout.ms=500#in" <<< '{"a":1}'
	[[ "$output" == *'imq-queue: kafka 127.0.0.1:1: '* ]]
	[ -z "$(imq-queue get "$(queue empty)")" ]
}
