load lib
load redis

# imq-pump and imq-queue over Redis, as IntelMQ uses it.

setup_more() {
	start_redis
	url=redis://$redis/2
}

teardown() {
	stop_redis
}

events() {
	seq -f '{"extra.number":%.0f,"classification.type":"scanner","__type":"Event"}' "$1" "$2"
}

@test "redis: records go in and come out in order, and are looked at" {
	events 1 3000 | imq-queue put "$url#a"
	[ "$(redis LINDEX a -1)" = "$(events 1 1)" ]
	[ "$(imq-queue count "$url#a")" = 3000 ]
	[ "$(imq-queue peek -n 2 "$url#a")" = "$(events 1 2)" ]
	[ "$(imq-queue get -n 10 "$url#a")" = "$(events 1 10)" ]
	imq-queue move -n 10 "$url#a" "$url#b"
	[ "$(imq-queue list "$url" | sort)" = $'a\t2980\t0\nb\t10\t0' ]
	imq-queue get "$url#a" > got
	events 21 3000 | cmp - got
	imq-queue clear "$url#b"
	[ -z "$(imq-queue list "$url")" ]
}

@test "redis: by socket, with a password, in another database" {
	redis CONFIG SET requirepass 'a/b#c' > /dev/null
	events 1 3 | imq-queue put "redis://:a%2fb%23c@$redis/7#a"
	run -2 imq-queue count "redis:$PWD/redis.sock?db=7#a"
	[[ "$output" == *'NOAUTH Authentication required.' ]]
	[ "$(redis-cli -p "$redis_port" -a 'a/b#c' --no-auth-warning -n 7 LLEN a)" = 3 ]
	redis-cli -p "$redis_port" -a 'a/b#c' --no-auth-warning CONFIG SET requirepass '' > /dev/null
	[ "$(imq-queue count "redis:$PWD/redis.sock?db=7#a")" = 3 ]
	run -2 imq-queue count "redis://$redis/x#a"
	[ "$output" = 'imq-queue: redis: no number of a database: "x"' ]
	run -5 imq-queue count redis://127.0.0.1:1/2#a
	[ "$output" = 'imq-queue: redis://127.0.0.1:1/2: Connection refused' ]
}

@test "redis: events get the type that IntelMQ wants, reports and nested names are left alone" {
	printf '%s\n' '{"a":1}' '{}' '{"__type":"Report","raw":""}' '{"extra":{"__type":"x"}} ' '{"t":"\"__type\":"}' | imq-queue put "$url#a"
	[ "$(imq-queue get "$url#a")" = '{"a":1,"__type":"Event"}
{"__type":"Event"}
{"__type":"Report","raw":""}
{"extra":{"__type":"x"},"__type":"Event"}
{"t":"\"__type\":","__type":"Event"}' ]
}

@test "redis: what an IntelMQ bot had in hand comes first, and what is in flight lies where a bot looks for it" {
	redis LPUSH in-internal '{"a":1}' > /dev/null
	redis LPUSH in '{"a":2}' > /dev/null
	redis LPUSH in '{"a":3}' > /dev/null
	run -4 imq-pump --from "$url#in" --drain --tries 1 -- sh -c 'read -r line; exit 4'
	[ "$(redis LRANGE in-internal 0 -1)" = '{"a":1}' ]
	run -0 imq-pump --from "$url#in" --drain -- cat
	[ "$output" = $'{"a":1}\n{"a":2}\n{"a":3}' ]
	redis LPUSH in '{"a":4}' > /dev/null
	redis LPUSH in '{"a":5}' > /dev/null
	run -4 imq-pump --from "$url#in" --drain --tries 1 -- sh -c 'read -r line; exit 4'
	[ "$(redis LRANGE in-internal 0 -1)" = $'{"a":5}\n{"a":4}' ]
	[ "$(redis LLEN in)" = 0 ]
}

@test "redis: empty, broken and many-lined messages do not hold up the queue" {
	redis LPUSH in '' > /dev/null
	redis LPUSH in 'no json' > /dev/null
	redis LPUSH in $'{"classification.type":\n"spam"}\n' > /dev/null
	run -3 imq-pump --from "$url#in" --to "$url#out" --drain -- imq-taxonomy --rejects bad
	[ "$(redis LRANGE out 0 -1)" = '{"classification.type": "spam","classification.taxonomy":"abusive-content","__type":"Event"}' ]
	[ "$(wc -l < bad)" = 2 ]
	[ "$(redis EXISTS in in-internal)" = 0 ]
}

@test "redis: a list that is something else is told, nothing is lost" {
	events 1 3 | imq-queue put "$url#in"
	redis SET out text > /dev/null
	run -4 imq-pump --from "$url#in" --to "$url#out" --drain --tries 2 -- cat
	[[ "$output" == *'"out" is no list: it is of type string'* ]]
	[ "$(imq-queue count "$url#in")" = 3 ]
	redis DEL out > /dev/null
	imq-pump --from "$url#in" --to "$url#out" --drain -- cat
	[ "$(imq-queue get "$url#out")" = "$(events 1 3)" ]
}

@test "redis: the one record that kills a stage is set aside" {
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
	events 1 60 | imq-queue put "$url#in"
	run -3 imq-pump --from "$url#in" --to "$url#out" --drain --rejects bad -- ./fragile
	[ "$(jq '.record."extra.number"' bad)" = 13 ]
	imq-queue get "$url#out" > got
	events 1 60 | grep -v ':13,' | cmp - got
}

@test "redis: a server that goes away and comes back is waited for" {
	events 1 3 | imq-queue put "$url#in"
	imq-pump --from "$url#in" --to sqlite:q#out -- cat 3>&- 2> log &
	pump=$!
	wait_until sh -c '[ "$(imq-queue count sqlite:q#out)" = 3 ]'
	stop_redis
	wait_until grep -q 'redis://127.0.0.1:[0-9]*/2: ' log
	redis-server redis.conf > redis.log 2>&1 3>&- &
	echo "$!" > redis.pid
	wait_until redis PING
	events 4 5 | imq-queue put "$url#in"
	wait_until sh -c '[ "$(imq-queue count sqlite:q#out)" = 5 ]'
	kill "$pump"
	wait "$pump"
	[ "$(imq-queue get sqlite:q#out)" = "$(events 1 5)" ]
}

@test "redis: killed again and again, every record passes exactly once between lists of one database" {
	seed=${IMQ_TEST_SEED:-$RANDOM}
	echo "IMQ_TEST_SEED=$seed"
	events 1 20000 | imq-queue put "$url#in"
	python3 "$IMQ_ROOT/tests/chaos.py" "$seed" 6 imq-pump --from "$url#in" --to "$url#out" --drain --batch-size 200 -- \
		imq-taxonomy '|' imq-deduplicator --state dedup --filter-type whitelist --filter-keys extra.number '|' cat
	imq-queue get "$url#out" > got
	events 1 20000 | imq-taxonomy | cmp - got
}
