load lib
load rabbitmq

# imq-pump --spool: states and numbered sinks right behind RabbitMQ.

setup_file() {
	start_rabbitmq
}

teardown_file() {
	stop_rabbitmq
}

teardown() {
	for file in "$BATS_TEST_TMPDIR"/*.pid; do
		[ ! -s "$file" ] || kill "$(cat "$file")" || true
	done
}

# Passes records on. The first line of the file `kills` is how many barriers it passes on before it takes that line and kills the pump
# instead of passing on the next one: whatever is before it has noted that batch, and the pump has not.
setup_more() {
	cat > killer <<- 'END'
		#!/usr/bin/python3
		import os, signal, sys
		for line in sys.stdin.buffer:
		    left = [int(number) for number in open("kills")] if line == b"\n" else []
		    if left:
		        open("kills", "w").writelines(f"{number}\n" for number in ([left[0] - 1] if left[0] else []) + left[1:])
		    if left and not left[0]:
		        os.kill(os.getppid(), signal.SIGKILL)
		        sys.exit()
		    sys.stdout.buffer.write(line)
		    if line == b"\n":
		        sys.stdout.buffer.flush()
	END
	chmod +x killer
	touch kills
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

# The same, with messages of seven records.
packed() {
	echo "amqp://$rabbitmq?records=7#$BATS_TEST_NUMBER-$1"
}

# How many records the queue in the file holds.
spooled() {
	imq-queue count "sqlite:spool#$BATS_TEST_NUMBER-in"
}

# Runs a pump until it is done: again whenever it was killed, KILLS times, over the same batch or a later one.
pump_killed() {
	local kills=$1
	shift
	printf '%s\n' 0 0 1 2 0 | head -n "$kills" > kills
	for _ in $(seq "$kills"); do
		run -137 imq-pump --from "$(queue in)" --drain "$@"
	done
	run -0 imq-pump --from "$(queue in)" --drain "$@"
}

# Sets $proxy to the address of one before the broker; again at the same port with it as an argument.
start_proxy() {
	python3 "$IMQ_ROOT/tests/amqp-proxy.py" "$rabbitmq" "$@" > port 3>&- &
	echo $! > proxy.pid
	wait_until test -s port
	proxy=127.0.0.1:$(cat port)
}

stop_proxy() {
	kill "$(cat proxy.pid)"
	wait "$(cat proxy.pid)" 2> /dev/null || true
	rm proxy.pid port
}

# As wait_until, for what a pump does behind a pause: that is as long as the broker was away before.
wait_for_pump() {
	wait_until "$@" || wait_until "$@" || wait_until "$@"
}

@test "spool: records pass by way of the file, in order; none stay in it, and its numbers go on" {
	events 1 2500 | imq-queue put "$(queue in)"
	run -0 --separate-stderr imq-pump --from "$(queue in)" --spool spool --to "$(queue out)" --drain --stats -- imq-taxonomy '|' cat
	[[ "$stderr" == *'"in":2500,"created":0,"out":2500,'* ]]
	waiting in 0
	[ "$(spooled)" = 0 ]
	imq-queue get "$(queue out)" > got
	events 1 2500 | imq-taxonomy | cmp - got
	printf '%s\n' '#!/bin/sh' 'echo "{\"n\":$IMQ_BATCH}"' 'exec cat' > number
	chmod +x number
	for i in 1 2; do
		imq-queue put "$(queue in)" <<< '{}'
		imq-pump --from "$(queue in)" --spool spool --drain -- ./number | jq 'select(.n).n' > "number$i"
	done
	[ "$(cat number2)" -eq $(($(cat number1) + 1)) ]
}

@test "spool: what is behind it in one file is committed together" {
	events 1 6000 | imq-queue put "$(queue in)"
	pump_killed 5 --spool spool --to sqlite:spool#out -- imq-deduplicator --state dedup --filter-type whitelist --filter-keys extra.number '|' ./killer
	imq-queue get sqlite:spool#out > got
	events 1 6000 | cmp - got
}

@test "spool: a pump that is killed once the groups are stored counts no event twice" {
	echo 2026-11-25T10:00:00+00:00 > now
	export IMQ_NOW=@now
	aggregate=(imq-aggregate --fields extra.number --threshold 1 --state groups)
	for i in $(seq 20); do events 1 300; done | imq-queue put "$(queue in)"
	pump_killed 5 --spool spool --to sqlite:q#out -- "${aggregate[@]}" '|' ./killer
	echo 2026-11-25T12:00:00+00:00 > now
	imq-queue put "$(queue in)" <<< '{"extra.number":0}'
	run -0 imq-pump --from "$(queue in)" --spool spool --to sqlite:q#out --drain -- "${aggregate[@]}"
	[ "$(imq-queue get sqlite:q#out | jq '."extra.count"' | uniq -c | xargs)" = '300 20' ]
}

@test "spool: without it, such a pump counts what was in flight twice" {
	echo 2026-11-25T10:00:00+00:00 > now
	export IMQ_NOW=@now
	aggregate=(imq-aggregate --fields extra.number --threshold 1 --state groups)
	for i in $(seq 20); do events 1 10; done | imq-queue put "$(queue in)"
	echo 0 > kills
	run -137 imq-pump --from "$(queue in)" --to sqlite:q#out --drain -- "${aggregate[@]}" '|' ./killer
	echo 2026-11-25T10:00:01+00:00 > now
	run -0 imq-pump --from "$(queue in)" --to sqlite:q#out --drain -- "${aggregate[@]}"
	echo 2026-11-25T12:00:00+00:00 > now
	imq-queue put "$(queue in)" <<< '{"extra.number":0}'
	run -0 imq-pump --from "$(queue in)" --to sqlite:q#out --drain -- "${aggregate[@]}"
	[ "$(imq-queue get sqlite:q#out | jq '."extra.count"' | sort -n | tail -n 1)" -gt 20 ]
}

@test "spool: a pump that is killed once a deduplicator has noted its events loses none" {
	deduplicate=(imq-deduplicator --state dedup --filter-type whitelist --filter-keys extra.number)
	for i in 1 2; do events 1 3000; done | imq-queue put "$(queue in)"
	pump_killed 5 --spool spool --to sqlite:q#out -- "${deduplicate[@]}" '|' ./killer
	imq-queue get sqlite:q#out > got
	events 1 3000 | cmp - got
}

@test "spool: a pump that is killed once a database has its rows stores none of them again" {
	events 1 6000 | sed 's/"extra.number"/"source.asn"/' | imq-queue put "$(queue in)"
	pump_killed 5 --spool spool -- imq-to-sql --database db --create-schema --batch-name x '|' ./killer
	[ "$(sqlite3 db 'SELECT count(*), count(DISTINCT "source.asn") FROM events')" = '6000|6000' ]
}

@test "spool: behind a new file numbers are beyond those that a state has" {
	deduplicate=(imq-deduplicator --state dedup --filter-type whitelist --filter-keys extra.number)
	events 1 100 | imq-queue put "$(queue in)"
	run -0 imq-pump --from "$(queue in)" --to sqlite:q#out --drain -- "${deduplicate[@]}"
	events 1 200 | imq-queue put "$(queue in)"
	pump_killed 2 --spool spool --to sqlite:q#out -- "${deduplicate[@]}" '|' ./killer
	[[ "$output" != *undoing* ]]
	imq-queue get sqlite:q#out > got
	events 1 200 | cmp - got
	# And without it again.
	events 101 300 | imq-queue put "$(queue in)"
	run -0 imq-pump --from "$(queue in)" --to sqlite:q#out --drain -- "${deduplicate[@]}"
	[[ "$output" != *undoing* ]]
	imq-queue get sqlite:q#out > got
	events 201 300 | cmp - got
}

@test "spool: killed between the file and the acknowledgement, a pump gets that one batch again, and loses nothing" {
	start_proxy
	events 1 300 | imq-queue put "$(queue in)"
	run -137 sh -c "echo \$\$ > acknowledger; exec imq-pump --from amqp://$proxy#$BATS_TEST_NUMBER-in --spool spool --batch-size 100 --to sqlite:spool#out -- cat"
	# The kill may come a little later.
	count=$(($(spooled) + $(imq-queue count sqlite:spool#out)))
	[ "$count" -ge 1 ]
	wait_until waiting in 300
	run -0 imq-pump --from "$(queue in)" --spool spool --batch-size 100 --to sqlite:spool#out --drain -- cat
	imq-queue get sqlite:spool#out > got
	(events 1 "$count"; events 1 300) > wanted
	cmp wanted got
}

@test "spool: of messages with several records none is left half acknowledged" {
	for i in 1 2 3; do events 1 100 | imq-queue put "$(packed in)"; done
	pump_killed 3 --spool spool --batch-size 30 --to sqlite:q#out -- imq-taxonomy '|' ./killer
	imq-queue get sqlite:q#out > got
	for i in 1 2 3; do events 1 100; done | imq-taxonomy | cmp - got
	# A batch of the broker's that would end within a message.
	for i in 1 2; do events 1 999 | imq-queue put "$(packed in)"; done
	echo 0 > kills
	run -137 imq-pump --from "$(queue in)" --spool spool --to sqlite:q#out --drain -- imq-taxonomy '|' ./killer
	[ "$(spooled)" = 999 ]
	run -0 imq-pump --from "$(queue in)" --spool spool --to sqlite:q#out --drain -- imq-taxonomy
	imq-queue get sqlite:q#out > got
	for i in 1 2; do events 1 999; done | imq-taxonomy | cmp - got
}

@test "spool: the one record that kills a stage is set aside" {
	printf '%s\n' '#!/usr/bin/python3' 'import os, signal, sys' 'for line in sys.stdin.buffer:' \
		'    if b"\"extra.number\":13," in line:' '        os.kill(os.getpid(), signal.SIGSEGV)' \
		'    sys.stdout.buffer.write(line)' '    if line == b"\n":' '        sys.stdout.buffer.flush()' > fragile
	chmod +x fragile
	events 1 60 | imq-queue put "$(queue in)"
	run -3 imq-pump --from "$(queue in)" --spool spool --to sqlite:q#out --drain --rejects bad -- ./fragile
	[ "$(jq '.record."extra.number"' bad)" = 13 ]
	[ "$(jq -r .file bad)" = "$(queue in)" ]
	imq-queue get sqlite:q#out > got
	events 1 60 | grep -v ':13,' | cmp - got
}

@test "spool: while the broker is away, what is in the file passes and windows close; once it is back, the rest" {
	start_proxy
	remote=amqp://$proxy#$BATS_TEST_NUMBER-in
	echo 2026-11-25T10:00:00+00:00 > now
	export IMQ_NOW=@now
	aggregate=(imq-aggregate --fields extra.number --threshold 1 --state groups)
	events 1 10 | imq-queue put "sqlite:spool#$BATS_TEST_NUMBER-in"
	events 11 20 | imq-queue put "$remote"
	stop_proxy
	# Away at the start …
	imq-pump --from "$remote" --spool spool --to sqlite:q#out --status status -- "${aggregate[@]}" 2> log 3>&- &
	echo $! > pump.pid
	wait_until sh -c "[ \"\$(imq-queue count 'sqlite:spool#$BATS_TEST_NUMBER-in')\" = 0 ]"
	[ "$(imq-queue count sqlite:q#out)" = 0 ]
	echo 2026-11-25T12:00:00+00:00 > next
	mv next now
	wait_until sh -c '[ "$(imq-queue count sqlite:q#out)" = 10 ]'
	grep -q 'amqp 127.0.0.1' log
	[[ "$(jq -r .error status)" == 'amqp 127.0.0.1'* ]]
	# … and back.
	start_proxy "${proxy##*:}"
	wait_for_pump waiting in 0
	# Away and back while it runs.
	stop_proxy
	echo 2026-11-25T14:00:00+00:00 > next
	mv next now
	wait_until sh -c '[ "$(imq-queue count sqlite:q#out)" = 20 ]'
	start_proxy "${proxy##*:}"
	events 21 30 | imq-queue put "$(queue in)"
	wait_for_pump sh -c "[ \"\$(jq .in status)\" = 30 ]"
	kill "$(cat pump.pid)"
	wait "$(cat pump.pid)"
	rm pump.pid
	imq-queue get sqlite:q#out | jq '."extra.number"' > got
	seq 20 | cmp - got
}

@test "spool: with --drain a broker that is away is told, unless there are records in the file" {
	run -5 imq-pump --from amqp://127.0.0.1:1#in --spool spool --drain -- cat
	events 1 3 | imq-queue put sqlite:spool#in
	run -5 --separate-stderr imq-pump --from amqp://127.0.0.1:1#in --spool spool --drain --tries 2 -- cat
	[ "$output" = "$(events 1 3)" ]
	[[ "$stderr" == *'giving up after 2 failures'* ]]
}

@test "spool: a full disk under the file loses nothing, and holds the queue up no longer than it lasts" {
	# 3 MB
	awk 'BEGIN { for (i = 0; i < 1000; i++) pad = pad "x"; for (i = 0; i < 3000; i++) printf "{\"n\":%d,\"pad\":\"%s\"}\n", i, pad }' > events
	imq-queue put "$(queue in)" < events
	run -4 sh -c "trap '' XFSZ; ulimit -f 400; exec imq-pump --from '$(queue in)' --spool spool --to sqlite:q#out --drain --tries 3 -- cat"
	[[ "$output" == *'spool: '* ]]
	wait_until waiting in 3000
	run -0 imq-pump --from "$(queue in)" --spool spool --to sqlite:q#out --drain -- cat
	imq-queue get sqlite:q#out | jq .n > got
	seq 0 2999 | cmp - got
}

@test "spool: a file has one pump, a name may have any characters, and what keeps numbers needs none" {
	mkfifo gate
	events 1 3 | imq-queue put "$(queue in)"
	imq-pump --from "$(queue in)" --spool 'a#b?c%20d' --status status -- sh -c 'read -r line < gate; exec cat' > got 3>&- &
	echo $! > pump.pid
	wait_until test -e 'a#b?c%20d'
	run -2 imq-pump --from "$(queue in)" --spool 'a#b?c%20d' --drain -- cat
	[[ "$output" == *'another process takes from the queue'* ]]
	echo go > gate
	events 1 3 > wanted
	wait_until cmp got wanted
	kill "$(cat pump.pid)"
	wait "$(cat pump.pid)"
	rm pump.pid
	[ "$(jq -r .from status)" = "$(queue in)" ]
	[ "$(jq -c '[.in, .waiting, .spooled]' status)" = '[3,0,0]' ]
	run -2 imq-pump --from sqlite:q#in --spool spool -- cat
	[[ "$output" == *'keeps the numbers of batches itself'* ]]
	run -2 imq-pump --from "$(queue in)" --spool no/such/folder -- cat
	[[ "$output" == *'no/such/folder: '* ]]
}

@test "spool: a bot of IntelMQ's with a state and RabbitMQ as its broker has one" {
	cat > runtime.yaml <<- END
		global:
		  source_pipeline_broker: amqp
		  source_pipeline_port: ${rabbitmq##*:}
		  destination_pipeline_broker: amqp
		  destination_pipeline_port: ${rabbitmq##*:}
		dedup:
		  group: Expert
		  module: intelmq.bots.experts.deduplicator.expert
		  parameters: {filter_type: whitelist, filter_keys: extra.number, source_queue: $BATS_TEST_NUMBER-in,
		    destination_queues: [$BATS_TEST_NUMBER-out]}
	END
	for i in 1 2; do events 1 30; done | imq-queue put "$(queue in)"
	IMQ_STATE=$PWD/state imq-pump --bot dedup runtime.yaml > log 2>&1 3>&- &
	echo $! > pump.pid
	wait_until waiting out 30
	wait_until sh -c "[ \"\$(imq-queue count 'sqlite:state/dedup.spool#$BATS_TEST_NUMBER-in')\" = 0 ]"
	kill "$(cat pump.pid)"
	wait "$(cat pump.pid)"
	rm pump.pid
	imq-queue get "$(queue out)" > got
	events 1 30 | cmp - got
	imq-queue list sqlite:state/dedup.spool > list
	[ "$(cat list)" = "$BATS_TEST_NUMBER-in"$'\t0\t0' ]
}

@test "spool: killed again and again, a pump and its stages lose nothing, and count twice no more than one batch a kill" {
	seed=${IMQ_TEST_SEED:-$RANDOM}
	echo "IMQ_TEST_SEED=$seed"
	echo 2026-11-25T10:00:00+00:00 > now
	export IMQ_NOW=@now
	aggregate=(imq-aggregate --fields extra.number --threshold 1 --state groups)
	for i in $(seq 50); do events 1 200; done | imq-queue put "$(queue in)"
	python3 "$IMQ_ROOT/tests/chaos.py" "$seed" 6 imq-pump --from "$(queue in)" --spool spool --to sqlite:q#out --drain --batch-size 200 -- \
		imq-taxonomy '|' "${aggregate[@]}"
	echo 2026-11-25T12:00:00+00:00 > now
	imq-queue put "$(queue in)" <<< '{"extra.number":0}'
	run -0 imq-pump --from "$(queue in)" --spool spool --to sqlite:q#out --drain -- imq-taxonomy '|' "${aggregate[@]}"
	imq-queue get sqlite:q#out | jq '."extra.count"' | sort -n > counts
	[ "$(wc -l < counts)" = 200 ]
	[ "$(head -n 1 counts)" -ge 50 ]
	[ "$(awk '{ sum += $1 } END { print sum }' counts)" -le $((10000 + 6 * 200)) ]
}
