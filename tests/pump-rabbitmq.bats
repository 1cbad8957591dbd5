load lib
load rabbitmq

# imq-pump and imq-queue over RabbitMQ.

setup_file() {
	start_rabbitmq
}

teardown_file() {
	stop_rabbitmq
}

teardown() {
	[ ! -s "$BATS_TEST_TMPDIR/pump.pid" ] || kill -9 "$(cat "$BATS_TEST_TMPDIR/pump.pid")" || true
}

events() {
	seq -f '{"extra.number":%.0f,"classification.type":"scanner","__type":"Event"}' "$1" "$2"
}

# The URL of a queue of this test.
queue() {
	echo "amqp://$rabbitmq#$BATS_TEST_NUMBER-$1"
}

waiting() {
	[ "$(imq-queue count "$(queue "$1")")" = "$2" ]
}

@test "rabbitmq: records go in and come out in order, and are looked at" {
	events 1 5000 | imq-queue put "$(queue a)"
	waiting a 5000
	[ "$(imq-queue peek -n 2 "$(queue a)")" = "$(events 1 2)" ]
	[ "$(imq-queue get -n 10 "$(queue a)")" = "$(events 1 10)" ]
	imq-queue move -n 10 "$(queue a)" "$(queue b)"
	[ "$(imq-queue get "$(queue b)")" = "$(events 11 20)" ]
	imq-queue get "$(queue a)" > got
	events 21 5000 | cmp - got
	events 1 5 | imq-queue put "$(queue a)"
	imq-queue clear "$(queue a)"
	waiting a 0
}

@test "rabbitmq: records go through a pipeline" {
	events 1 2500 | imq-queue put "$(queue in)"
	run -0 --separate-stderr imq-pump --from "$(queue in)" --to "$(queue out)" --drain --stats -- imq-taxonomy '|' cat
	[[ "$stderr" == *'"in":2500,"created":0,"out":2500,'* ]]
	imq-queue get "$(queue out)" > got
	events 1 2500 | imq-taxonomy | cmp - got
}

@test "rabbitmq: with records=N a message holds several, and each is taken by itself" {
	packed="amqp://$rabbitmq?records=7#$BATS_TEST_NUMBER-in"
	events 1 100 | imq-queue put "$packed"
	[ "$(imq-queue count "$packed")" = 15 ]
	[ "$(imq-queue peek -n 9 "$packed")" = "$(events 1 9)" ]
	[ "$(imq-queue get -n 10 "$packed")" = "$(events 1 10)" ]
	# The message that was done in part comes again, whole.
	[ "$(imq-queue get -n 5 "$packed")" = "$(events 8 12)" ]
	imq-pump --from "$packed" --to "amqp://$rabbitmq?records=1000#$BATS_TEST_NUMBER-out" --drain --batch-size 10 -- cat
	[ "$(imq-queue count "$(queue out)")" = 10 ]
	[ "$(imq-queue get "$(queue out)")" = "$(events 8 100)" ]
	imq-queue get "$packed" | cmp - /dev/null
}

@test "rabbitmq: messages of one record and of several in one queue, for imq-from-amqp too" {
	events 1 3 | imq-queue put "$(queue in)"
	events 4 6 | imq-queue put "amqp://$rabbitmq?records=2#$BATS_TEST_NUMBER-in"
	python3 "$IMQ_ROOT/tests/amqp.py" "$rabbitmq" publish '' "$BATS_TEST_NUMBER-in" <<< $'{"extra.number":7,\n"classification.type":"scanner","__type":"Event"}'
	[ "$(imq-queue peek -n 9 "$(queue in)" | tail -n 1)" = '{"extra.number":7, "classification.type":"scanner","__type":"Event"}' ]
	run -0 imq-from-amqp --connection-port "${rabbitmq##*:}" --queue-name "$BATS_TEST_NUMBER-in" --drain --expect-intelmq-message
	[ "$(jq '."extra.number"' <<< "$output" | xargs)" = '1 2 3 4 5 6 7' ]
}

@test "rabbitmq: what is no number of records, no heartbeat or no kind of queue is told" {
	for setting in records=0 records=many records=10001 heartbeat=-1; do
		run -2 imq-queue put "amqp://$rabbitmq?$setting#a"
		[[ "$output" == *"amqp: ${setting%%=*}: from "* ]]
	done
	run -2 imq-queue put "amqp://$rabbitmq?queue_type=nonesuch#$BATS_TEST_NUMBER" <<< '{}'
	[[ "$output" == *PRECONDITION_FAILED* ]]
}

@test "rabbitmq: not more is looked at than a broker can give back in a moment" {
	events 1 1001 | imq-queue put "$(queue in)"
	run -4 --separate-stderr imq-queue peek -n 99999 "$(queue in)"
	[ "$output" = "$(events 1 1000)" ]
	[ "$stderr" = 'imq-queue: amqp 127.0.0.1: no more than 1000 messages are looked at' ]
	[ "$(imq-queue get "$(queue in)")" = "$(events 1 1001)" ]
}

@test "rabbitmq: a quorum queue" {
	events 1 300 | imq-queue put "amqp://$rabbitmq?queue_type=quorum#$BATS_TEST_NUMBER-in"
	imq-pump --from "$(queue in)" --to "amqp://$rabbitmq?queue_type=quorum&records=10#$BATS_TEST_NUMBER-out" --drain -- cat
	[ "$(imq-queue get "$(queue out)")" = "$(events 1 300)" ]
	# Declared otherwise, it is one of the other kind.
	run -1 python3 "$IMQ_ROOT/tests/amqp.py" "$rabbitmq" declare "$BATS_TEST_NUMBER-out" x-queue-type=classic
}

@test "rabbitmq: the empty queue is noticed at once" {
	events 1 10 | imq-queue put "$(queue in)"
	run -0 timeout 4 imq-pump --from "$(queue in)" --to sqlite:q#out --drain -- cat
	[ "$(imq-queue count sqlite:q#out)" = 10 ]
}

@test "rabbitmq: heartbeats go on while a batch takes long" {
	events 1 3 | imq-queue put "$(queue in)"
	cat > slow <<- 'END'
		#!/bin/sh
		sleep 7
		exec cat
	END
	chmod +x slow
	settings='?heartbeat=1'
	run -0 imq-pump --from "amqp://$rabbitmq$settings#$BATS_TEST_NUMBER-in" --to "amqp://$rabbitmq$settings#$BATS_TEST_NUMBER-out" \
		--drain -- ./slow
	[ -z "$output" ]
	[ "$(imq-queue get "$(queue out)")" = "$(events 1 3)" ]
	run -1 grep -l 'missed heartbeats' "$rabbitmq_folder"/log/*
}

@test "rabbitmq: a wrong password, an absent queue and an absent broker are told" {
	run -2 imq-queue count "amqp://guest:wrong@$rabbitmq#a"
	[[ "$output" == *ACCESS_REFUSED* ]]
	[[ "$output" != *wrong* ]]
	run -2 imq-queue count "$(queue absent)"
	[[ "$output" == *NOT_FOUND* ]]
	run -5 imq-queue put amqp://127.0.0.1:1#a
	[[ "$output" == *'imq-queue: amqp 127.0.0.1: '* ]]
	run -4 imq-queue list "amqp://$rabbitmq"
	[[ "$output" == *'rabbitmqctl'* ]]
}

@test "rabbitmq: records that no queue takes are not lost" {
	run -4 imq-queue put "amqp://$rabbitmq?exchange=amq.topic#nobody" <<< '{"a":1}'
	[[ "$output" == *'no queue is bound'* ]]
}

@test "rabbitmq: the one record that kills a stage is set aside" {
	events 1 60 | imq-queue put "$(queue in)"
	cat > fragile <<- 'END'
		#!/usr/bin/python3
		import os, signal, sys
		for line in sys.stdin.buffer:
		    if b'"extra.number":13,' in line:
		        os.kill(os.getpid(), signal.SIGSEGV)
		    sys.stdout.buffer.write(line)
		    if line == b"\n":
		        sys.stdout.buffer.flush()
	END
	chmod +x fragile
	run -3 imq-pump --from "$(queue in)" --to "$(queue out)" --drain --rejects bad -- ./fragile
	[ "$(jq '.record."extra.number"' bad)" = 13 ]
	imq-queue get "$(queue out)" > got
	events 1 60 | grep -v ':13,' | cmp - got
}

@test "rabbitmq: killed again and again, a pump and its stages lose nothing" {
	seed=${IMQ_TEST_SEED:-$RANDOM}
	echo "IMQ_TEST_SEED=$seed"
	events 1 10000 | imq-queue put "$(queue in)"
	python3 "$IMQ_ROOT/tests/chaos.py" "$seed" 4 imq-pump --from "$(queue in)" --to "$(queue out)" --drain --batch-size 200 -- imq-taxonomy '|' cat
	imq-queue get "$(queue out)" > got
	events 1 10000 | imq-taxonomy | sort > wanted
	sort -u got | cmp - wanted
	[ "$(wc -l < got)" -le $((10000 + 4 * 200)) ]
}

@test "rabbitmq: the same with several records in a message, and batches that end within one" {
	seed=${IMQ_TEST_SEED:-$RANDOM}
	echo "IMQ_TEST_SEED=$seed"
	packed="amqp://$rabbitmq?records=30#$BATS_TEST_NUMBER"
	events 1 10000 | imq-queue put "$packed-in"
	python3 "$IMQ_ROOT/tests/chaos.py" "$seed" 4 imq-pump --from "$packed-in" --to "$packed-out" --drain --batch-size 200 -- imq-taxonomy '|' cat
	imq-queue get "$(queue out)" > got
	events 1 10000 | imq-taxonomy | sort > wanted
	sort -u got | cmp - wanted
	[ "$(wc -l < got)" -le $((10000 + 4 * 229)) ]
}

@test "rabbitmq: the broker killed and started again: nothing is lost" {
	echo 2026-11-25T10:00:00+00:00 > now
	export IMQ_NOW=@now
	for i in $(seq 50); do events 1 200; done | imq-queue put "$(queue in)"
	imq-pump --from "$(queue in)" --to sqlite:q#out --batch-size 100 -- imq-aggregate --fields extra.number --threshold 1 --state groups 3>&- 2> log &
	echo "$!" > pump.pid
	wait_until sh -c '[ -s groups-wal ]'
	kill_rabbitmq
	run_rabbitmq
	wait_until waiting in 0
	echo 2026-11-25T12:00:00+00:00 > next
	mv next now
	wait_until sh -c '[ "$(imq-queue count sqlite:q#out)" = 200 ]'
	# A broker that is killed forgets the acknowledgements it has not written yet, and sends those records again.
	[ "$(imq-queue get sqlite:q#out | jq '."extra.count"' | sort -n | head -n 1)" -ge 50 ]
}
