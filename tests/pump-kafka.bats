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

@test "kafka: with --spool, a pump that is killed once a deduplicator has noted its events loses none" {
	printf '%s\n' '#!/usr/bin/python3' 'import os, sys' 'for line in sys.stdin.buffer:' \
		'    if line == b"\n" and (left := open("kills").readlines()):' '        open("kills", "w").writelines(left[1:])' \
		'        os.kill(os.getppid(), 9)' '        sys.exit()' '    sys.stdout.buffer.write(line)' \
		'    if line == b"\n":' '        sys.stdout.buffer.flush()' > killer
	chmod +x killer
	pump=(imq-pump --from "kafka://$kafka?session.timeout.ms=6000&heartbeat.interval.ms=500#in" --spool spool --to sqlite:q#out --drain --batch-size 200 --
		imq-deduplicator --state dedup --filter-type whitelist --filter-keys extra.number '|' ./killer)
	for i in 1 2; do events 1 500; done | imq-queue put "$(queue in)"
	printf 'kill\nkill\n' > kills
	run -137 "${pump[@]}"
	run -137 "${pump[@]}"
	run -0 "${pump[@]}"
	[ "$(imq-queue count sqlite:spool#in)" = 0 ]
	[ "$(imq-queue count "$(queue in)")" = 0 ]
	imq-queue get sqlite:q#out | jq '."extra.number"' | sort -n > got
	seq 500 | cmp - got
}
