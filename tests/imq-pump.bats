load lib

# Events with a number each: events FIRST LAST.
events() {
	seq -f '{"extra.number":%.0f,"classification.type":"scanner"}' "$1" "$2"
}

# Whether so many records wait on a queue.
waiting() {
	[ "$(imq-queue count "sqlite:q#$1")" = "$2" ]
}

# A pump in the background, ended by teardown at the latest.
start_pump() {
	imq-pump "$@" 3>&- &
	pump=$!
	echo "$pump" > pump.pid
}

stop_pump() {
	kill "$pump"
	wait "$pump"
	rm pump.pid
}

teardown() {
	[ ! -s "$BATS_TEST_TMPDIR/pump.pid" ] || kill -9 "$(cat "$BATS_TEST_TMPDIR/pump.pid")" || true
}

pump() {
	imq-pump --from sqlite:q#in --to sqlite:q#out --drain "$@"
}

out() {
	imq-queue get sqlite:q#out
}

@test "pump: records go through a pipeline, in order, and the source is empty" {
	events 1 2500 | imq-queue put sqlite:q#in
	run -0 --separate-stderr pump --stats -- imq-taxonomy '|' imq-filter --filter-key extra.number --filter-value 7 --filter-action drop
	[[ "$stderr" == '{"command":"imq-pump","in":2500,"created":0,"out":2499,"dropped":1,"merged":0,"rejected":0,"pending":0,"batch":3,"restarts":0}' ]]
	[ "$(imq-queue count sqlite:q#in)" = 0 ]
	out > got
	events 1 2500 | grep -v ':7,' | imq-taxonomy | cmp - got
}

@test "pump: batches are numbered on and on" {
	cat > numbers <<- 'END'
		#!/bin/sh
		while read -r line; do echo "${line:+{\"n\":$IMQ_BATCH\}}"; [ "$line" ] || IMQ_BATCH=$((IMQ_BATCH + 1)); done
	END
	chmod +x numbers
	events 1 3 | imq-queue put sqlite:q#in
	pump --batch-size 2 -- ./numbers
	events 1 1 | imq-queue put sqlite:q#in
	pump -- ./numbers
	[ "$(out)" = $'{"n":1}\n{"n":1}\n{"n":2}\n{"n":3}' ]
}

@test "pump: without --to, stdout is the sink, and nothing but records goes there" {
	events 1 3 | imq-queue put sqlite:q#in
	run -0 --separate-stderr imq-pump --from sqlite:q#in --drain --batch-size 2 -- cat
	[ "$output" = "$(events 1 3)" ]
	[ -z "$stderr" ]
}

@test "pump: a broken stdout ends it, and the batch comes again" {
	events 1 3 | imq-queue put sqlite:q#in
	run -4 --separate-stderr sh -c 'exec imq-pump --from sqlite:q#in --drain -- cat > /dev/full'
	[[ "$stderr" == *'stdout: No space left on device'* ]]
	run -0 imq-pump --from sqlite:q#in --drain -- cat
	[ "$output" = "$(events 1 3)" ]
}

@test "pump: several sinks get a copy each, other files too" {
	events 1 3 | imq-queue put sqlite:q#in
	pump --to sqlite:q#more --to sqlite:other#out -- cat
	for queue in q#out q#more other#out; do
		[ "$(imq-queue get "sqlite:$queue")" = "$(events 1 3)" ]
	done
}

@test "pump: with --load-balance sinks take turns" {
	events 1 5 | imq-queue put sqlite:q#in
	pump --to sqlite:q#more --load-balance -- cat
	[ "$(out)" = "$(events 1 5 | sed -n 'p;n')" ]
	[ "$(imq-queue get sqlite:q#more)" = "$(events 1 5 | sed -n 'n;p')" ]
}

@test "pump: records of a path go to its queue, without the tag; one without a queue is rejected" {
	printf '%s\n' '{"a":1}' '{"a":2,"__path":"cert"}' '{"a":3,"__path":["_default","cert"]}' '{"a":4,"__path":"nowhere"}' \
		'{"a":"\"__path\":1"}' | imq-queue put sqlite:q#in
	run -3 --separate-stderr pump --path cert=sqlite:q#cert --rejects bad -- cat
	[ "$(out)" = $'{"a":1}\n{"a":3}\n{"a":"\\"__path\\":1"}' ]
	[ "$(imq-queue get sqlite:q#cert)" = $'{"a":2}\n{"a":3}' ]
	[ "$(jq -c '[.reason, .record.a]' bad)" = '["no --path of this name",4]' ]
}

@test "pump: copies with --by get equal keys, each with its own state" {
	for i in 1 2 3; do events 1 500; done | imq-queue put sqlite:q#in
	pump --jobs 3 --by extra.number --batch-size 700 -- imq-deduplicator --filter-type whitelist --filter-keys extra.number --state 'state-{job}'
	[ "$(ls state-?)" = $'state-0\nstate-1\nstate-2' ]
	out | sort > got
	events 1 500 | sort | cmp - got
}

@test "pump: copies without --by keep the order" {
	events 1 1000 | imq-queue put sqlite:q#in
	pump --jobs 4 --batch-size 99 -- imq-taxonomy
	out > got
	events 1 1000 | imq-taxonomy | cmp - got
}

@test "pump: in an idle pump time passes, and windows close" {
	echo 2026-11-25T10:00:00+00:00 > now
	export IMQ_NOW=@now
	for i in 1 2 3; do events 1 10; done | imq-queue put sqlite:q#in
	start_pump --from sqlite:q#in --to sqlite:q#out -- imq-aggregate --fields extra.number --threshold 1 --state state
	wait_until waiting in 0
	echo 2026-11-25T12:00:00+00:00 > next
	mv next now
	wait_until waiting out 10
	stop_pump
	[ "$(out | grep -c '"extra.count":3')" = 10 ]
}

@test "pump: SIGTERM ends it cleanly after the batch in hand, and its stages with it" {
	events 1 10 | imq-queue put sqlite:q#in
	start_pump --from sqlite:q#in --to sqlite:q#out -- imq-taxonomy '|' cat
	wait_until waiting out 10
	stop_pump
	[ "$(out | wc -l)" = 10 ]
}

@test "pump: a command that cannot be started, or refuses its options, ends it" {
	events 1 3 | imq-queue put sqlite:q#in
	run -2 --separate-stderr pump -- imq-no-such-command
	[[ "$stderr" == *'imq-no-such-command: No such file or directory'* ]]
	run -2 --separate-stderr pump -- imq-taxonomy '|' imq-taxonomy --no-such-option
	[[ "$stderr" == *'unknown option'* ]]
	[ "$(imq-queue count sqlite:q#in)" = 3 ]
}

@test "pump: what is missing or wrong is said" {
	run -2 imq-pump -- cat
	[ "$output" = 'imq-pump: --from is missing' ]
	run -2 imq-pump --from sqlite:q#in
	[[ "$output" == 'imq-pump: no command:'* ]]
	run -2 imq-pump --from sqlite:q#in -- cat '|'
	[ "$output" = 'imq-pump: a stage of the pipeline is empty' ]
	run -2 imq-pump --from nosql:q#in -- cat
	[ "$output" = 'imq-pump: not the URL of a queue: "nosql:q#in"' ]
	run -2 imq-pump --from sqlite:q -- cat
	[[ "$output" == *'the name of the queue is missing'* ]]
	run -2 imq-pump --from sqlite:q#in --path sqlite:q#a -- cat
	[[ "$output" == *'NAME=QUEUE is wanted'* ]]
	echo text > other
	run -2 imq-pump --from sqlite:other#in -- cat
	[[ "$output" == *'other: file is not a database'* ]]
	sqlite3 third 'CREATE TABLE t(a)'
	run -2 imq-pump --from sqlite:third#in -- cat
	[[ "$output" == *'third: not a file of queues'* ]]
}

@test "pump: a queue has one reader" {
	start_pump --from sqlite:q#in -- cat
	wait_until imq-queue count sqlite:q#in
	wait_until sh -c '! imq-queue get sqlite:q#in'
	run -2 pump -- cat
	[[ "$output" == *'another process takes from the queue "in"'* ]]
	stop_pump
	run -0 pump -- cat
}

# A stage that dies over the record with number 13.
fragile() {
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
}

@test "pump: the one record that kills a stage is found and set aside, all others pass once" {
	fragile
	events 1 100 | imq-queue put sqlite:q#in
	run -3 --separate-stderr pump --rejects bad -- imq-taxonomy '|' ./fragile '|' imq-taxonomy
	[[ "$stderr" == *'./fragile: killed by signal 11'* ]]
	out > got
	events 1 100 | grep -v ':13,' | imq-taxonomy | cmp - got
	[ "$(jq -c '[.command, .record."extra.number"]' bad)" = '["imq-pump",13]' ]
	[ "$(imq-queue count sqlite:q#in)" = 0 ]
}

@test "pump: without --rejects such a record stops the queue, and nothing is lost" {
	fragile
	events 13 14 | imq-queue put sqlite:q#in
	run -4 pump --tries 9 -- ./fragile
	[[ "$output" == *'with --rejects it would be set aside'* ]]
	[[ "$output" == *'giving up after 9 failures'* ]]
	[ "$(imq-queue count sqlite:q#in)" = 2 ]
}

@test "pump: where nothing passes, records are not to blame" {
	events 1 4 | imq-queue put sqlite:q#in
	run -4 pump --tries 12 --rejects bad -- sh -c 'exit 7'
	[[ "$output" == *'even over an empty batch'* ]]
	[ ! -s bad ]
	[ "$(imq-queue count sqlite:q#in)" = 4 ]
}

@test "pump: a stage whose disk is full is waited for" {
	events 1 4 | imq-queue put sqlite:q#in
	cat > later <<- 'END'
		#!/bin/sh
		[ -e tried ] || { touch tried; exit 4; }
		exec cat
	END
	chmod +x later
	run -0 pump --rejects bad -- ./later
	[[ "$output" == *'./later: ended with status 4'* ]]
	[ ! -s bad ]
	[ "$(out)" = "$(events 1 4)" ]
}

@test "pump: a stage whose server is away at the start is waited for, as long as it takes" {
	events 1 4 | imq-queue put sqlite:q#in
	cat > later <<- 'END'
		#!/bin/sh
		echo x >> tries
		[ "$(wc -l < tries)" -gt 6 ] || exec imq-deduplicator --state redis://127.0.0.1:1
		exec cat
	END
	chmod +x later
	run -0 pump -- ./later
	[[ "$output" == *'./later: ended with status 5'* ]]
	[ "$(out)" = "$(events 1 4)" ]
}

@test "pump: a queue whose server is away is another status than a mistake" {
	run -5 imq-pump --from redis://127.0.0.1:1#in -- cat
	[[ "$output" == *refused* ]]
	run -5 imq-pump --from amqp://127.0.0.1:1#in -- cat
}

@test "pump: a barrier that does not come back is a failure" {
	events 1 4 | imq-queue put sqlite:q#in
	cat > stuck <<- 'END'
		#!/bin/sh
		[ -e tried ] || { touch tried; exec tail -f /dev/null; }
		exec cat
	END
	chmod +x stuck
	run -0 pump --barrier-timeout 0.3 -- ./stuck
	[[ "$output" == *'no barrier came back in 0.3 seconds'* ]]
	[ "$(out)" = "$(events 1 4)" ]
}

@test "pump: a sink whose disk is full holds up the queue, and loses nothing" {
	events 1 20000 | imq-queue put sqlite:q#in
	run -4 sh -c "trap '' XFSZ; ulimit -f 400; exec imq-pump --from sqlite:q#in --to sqlite:other#out --drain --tries 3 -- imq-taxonomy"
	[[ "$output" == *'other: '* ]]
	run -0 imq-pump --from sqlite:q#in --to sqlite:other#out --drain -- imq-taxonomy
	imq-queue get sqlite:other#out > got
	events 1 20000 | imq-taxonomy | cmp - got
}

@test "pump: a full disk under the queue itself loses nothing either" {
	events 1 20000 | imq-queue put sqlite:q#in
	run -4 sh -c "trap '' XFSZ; ulimit -f 1200; exec imq-pump --from sqlite:q#in --to sqlite:q#out --drain --tries 3 -- imq-format-field --strip-columns feed.name '|' cat"
	run -0 pump -- cat
	out > got
	events 1 20000 | cmp - got
}

@test "pump: a disk that is full at the start, under a queue, a state, a cache or a database, is no mistake of whoever calls" {
	for words in 'imq-pump --from sqlite:a#q --drain -- cat' 'imq-queue put sqlite:b#q' 'imq-from-file --path . --to sqlite:c#q' \
		'imq-deduplicator --state d' 'imq-rdap --cache e' 'imq-to-sql -d f --create-schema'; do
		run -4 sh -c "trap '' XFSZ; ulimit -f 0; exec $words < /dev/null"
	done
	run -2 imq-deduplicator --state absent/state < /dev/null
}

@test "pump: while a sink is at its high-water mark nothing is taken, and memory stays as it is" {
	events 1 5000 | imq-queue put sqlite:q#in
	start_pump --from sqlite:q#in --to sqlite:q#out --high-water 1500 -- cat
	wait_until waiting out 2000
	[ "$(imq-queue count sqlite:q#in)" = 3000 ]
	imq-queue get --count 1000 sqlite:q#out > /dev/null
	wait_until waiting out 2000
	stop_pump
	[ "$(imq-queue count sqlite:q#in)" = 2000 ]
}

@test "pump: a stopped stage holds up the source, and memory stays as it is" {
	# 60 MB; sanitizers take memory of their own.
	awk 'BEGIN { for (i = 0; i < 1000; i++) pad = pad "x"; for (i = 0; i < 60000; i++) printf "{\"n\":%d,\"pad\":\"%s\"}\n", i, pad }' |
		imq-queue put sqlite:q#in
	limit=40000
	[ -z "${ASAN_OPTIONS:-}" ] || limit=500000
	mkfifo gate
	start_pump --from sqlite:q#in --batch-size 100000 --batch-bytes 1M -- sh -c 'read -r line < gate; exec cat' > got
	wait_until sh -c '[ "$(imq-queue list sqlite:q | cut -f 3)" -gt 0 ]'
	[ "$(awk '/VmRSS/ { print $2 }' "/proc/$pump/status")" -lt "$limit" ]
	echo go > gate
	wait_until waiting in 0
	[ "$(awk '/VmHWM/ { print $2 }' "/proc/$pump/status")" -lt "$limit" ]
	stop_pump
	[ "$(wc -l < got)" = 60000 ]
}

# ---- kill -9 ----

chaos() {
	seed=${IMQ_TEST_SEED:-$RANDOM}
	echo "IMQ_TEST_SEED=$seed"
	python3 "$IMQ_ROOT/tests/chaos.py" "$seed" "$@"
}

@test "pump: killed again and again, it and its stages, every record passes exactly once between queues of one file" {
	events 1 20000 | imq-queue put sqlite:q#in
	chaos 6 imq-pump --from sqlite:q#in --to sqlite:q#out --drain --batch-size 200 -- \
		imq-taxonomy '|' imq-deduplicator --state dedup --filter-type whitelist --filter-keys extra.number '|' cat
	out > got
	events 1 20000 | imq-taxonomy | cmp - got
}

@test "pump: killed again and again, groups count each event once" {
	echo 2026-11-25T10:00:00+00:00 > now
	export IMQ_NOW=@now
	for i in $(seq 100); do events 1 200; done | imq-queue put sqlite:q#in
	chaos 6 imq-pump --from sqlite:q#in --to sqlite:q#out --drain --batch-size 200 -- \
		imq-taxonomy '|' imq-aggregate --fields extra.number --threshold 1 --state groups
	[ "$(imq-queue count sqlite:q#out)" = 0 ]
	echo 2026-11-25T12:00:00+00:00 > now
	echo '{"extra.number":0}' | imq-queue put sqlite:q#in
	pump -- imq-taxonomy '|' imq-aggregate --fields extra.number --threshold 1 --state groups
	out > got
	[ "$(grep -c '"extra.count":100[,}]' got)" = 200 ]
	[ "$(wc -l < got)" = 200 ]
}

@test "pump: killed again and again, an output gets every record" {
	events 1 20000 | imq-queue put sqlite:q#in
	chaos 6 imq-pump --from sqlite:q#in --drain --batch-size 200 -- imq-taxonomy '|' imq-to-file --file got
	events 1 20000 | imq-taxonomy | sort > wanted
	grep '}$' got | sort -u | cmp - wanted
	# Twice at most what was in flight at one of the kills.
	[ "$(wc -l < got)" -le $((20000 + 6 * 201)) ]
}
