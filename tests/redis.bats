load lib
load redis

# Caches and states in Redis; imq-deduplicator.bats and imq-rdap.bats have the rest.
teardown() {
	stop_redis
}

numbers() { # FROM TO
	seq "$1" "$2" | sed 's/.*/{"extra.n":&}/'
}

dedup() {
	imq-deduplicator --state "redis://$redis/6" "$@"
}

# IntelMQ's hash of the event of that number.
imq_hash() {
	python3 -c 'import hashlib, sys; print(hashlib.sha256(b"extra.n\xc0" + sys.argv[1].encode() + b"\xc0").hexdigest())' "$1"
}

@test "redis: a state outlives its process, with its times to live" {
	start_redis
	IMQ_NOW=2026-01-01T00:00:00+00:00 dedup --ttl 1h <<< '{"comment":"a"}' > /dev/null
	IMQ_NOW=2026-01-01T00:59:00+00:00 run -0 dedup --ttl 1h <<< $'{"comment":"a"}\n{"comment":"b"}'
	[ "$output" = '{"comment":"b"}' ]
	IMQ_NOW=2026-01-01T01:00:01+00:00 run -0 dedup --ttl 1h <<< $'{"comment":"a"}\n{"comment":"b"}'
	[ "$output" = '{"comment":"a"}' ]
	[ "$(redis-cli -p "$redis_port" -n 6 hlen imq-state:imq-deduplicator)" -eq 2 ]
}

@test "redis: a batch that comes again after a crash is neither lost nor taken for seen" {
	start_redis
	{ numbers 1 50; echo; numbers 51 100; echo; } > two
	IMQ_BATCH=1 dedup two > /dev/null
	{ numbers 51 100; echo; } > again
	IMQ_BATCH=2 dedup again > out
	cmp out again
	{ numbers 1 50; echo; } > first
	IMQ_BATCH=3 dedup first > out
	[ "$(cat out)" = "" ]
}

@test "redis: killed again and again, groups count each event once" {
	start_redis
	awk 'BEGIN { srand(7); for (b = 0; b < 40; b++) { for (i = 0; i < 200; i++)
		printf "{\"extra.group\":%d,\"extra.number\":%d}\n", rand() * 150, b * 200 + i; print "" } }' > batches
	export IMQ_NOW=2026-11-25T10:00:00+00:00
	seed=${IMQ_TEST_SEED:-$RANDOM}
	echo "IMQ_TEST_SEED=$seed"
	state=redis://$redis/3#groups
	python3 "$IMQ_ROOT/tests/kill-pump.py" "$seed" batches imq-aggregate --fields extra.group --threshold 1 --state "$state" > got
	[ ! -s got ]
	export IMQ_NOW=2026-11-25T12:00:00+00:00
	IMQ_BATCH=41 imq-aggregate --fields extra.group --threshold 1 --state "$state" <<< '' > groups
	[ "$(grep -c count groups)" = 150 ]
	[ "$(sed -n 's/.*"extra.count":\([0-9]*\).*/\1/p' groups | awk '{ n += $1 } END { print n }')" = 8000 ]
}

@test "redis: two states of one server are told apart by their names, a password is used, a socket will do" {
	export REDISCLI_AUTH='pa:s s'
	start_redis 'requirepass "pa:s s"'
	url=redis://:pa%3as%20s@$redis/1
	imq-deduplicator --state "$url#one" <<< '{}' > /dev/null
	run -0 imq-deduplicator --state "$url#two" <<< '{}'
	[ "$output" = '{}' ]
	run -0 imq-deduplicator --state "$url#one" <<< '{}'
	[ -z "$output" ]
	run -2 --separate-stderr imq-deduplicator --state "redis://:wrong@$redis/1" <<< '{}'
	[[ "$stderr" != *wrong@* ]]
	redis-cli -p "$redis_port" config set requirepass '' > /dev/null
	run -0 imq-deduplicator --state "redis:$PWD/redis.sock?db=1#one" <<< '{}'
	[ -z "$output" ]
}

@test "redis: behind a socket with a password, what is compiled runs, and the password is in files of the owner alone" {
	export REDISCLI_AUTH='pa:s s&#?'
	start_redis 'requirepass "pa:s s&#?"'
	cat > runtime.yaml <<- END
		global: {source_pipeline_host: $PWD/redis.sock, source_pipeline_password: '$REDISCLI_AUTH', redis_cache_host: $PWD/redis.sock,
		  redis_cache_password: '$REDISCLI_AUTH', redis_cache_db: 4}
		a:
		  module: intelmq.bots.experts.deduplicator.expert
		  parameters: {keys: intelmq, filter_type: whitelist, filter_keys: comment, destination_queues: [o]}
		o: {module: intelmq.bots.outputs.file.output, parameters: {source_queue: o, file: $PWD/got}}
	END
	run -0 --separate-stderr imq-compile --output out --queue intelmq --state-dir "$PWD/state" runtime.yaml
	[ "$(jq -r .from out/a.queues.yaml)" = "redis:$PWD/redis.sock?db=2&password=pa%3As%20s%26%23%3F#a-queue" ]
	[ "$(stat -c %a out/*.yaml | sort -u)" = 600 ]
	redis lpush a-queue '{"comment":"a","__type":"Event"}' '{"comment":"a","__type":"Event"}' > /dev/null
	run -0 sh <(sed "s/exec imq-pump/& --drain/; s|^here=.*|here=$PWD/out|" out/pipeline.sh) a
	[ "$(cat got)" = '{"comment":"a"}' ]
	[ "$(redis llen a-queue)" = 0 ]
	[ "$(redis-cli -p "$redis_port" -n 4 keys '*' | wc -l)" -gt 0 ]
	grep -q "\"redis:$PWD/redis.sock?db=2#a-queue\"" state/a.status
	run -1 grep -r 'pa%3As' out/pipeline.sh state
	url="redis:$PWD/redis.sock?password=wrong"
	run -2 --separate-stderr imq-queue list "$url#x"
	[[ "$stderr" != *wrong* ]]
}

@test "redis: who opens a state takes it over, what the other has then is refused" {
	start_redis
	mkfifo pipe
	imq-deduplicator --state "redis://$redis" < pipe > out 2> err 3>&- &
	pid=$!
	exec 7> pipe
	printf '{}\n\n' >&7
	wait_until test -s out
	run -0 dedup <<< $'{}\n{"comment":"b"}'
	[ "$output" = '{"comment":"b"}' ]
	printf '{"comment":"c"}\n\n' >&7
	exec 7>&-
	status=0
	wait "$pid" || status=$?
	[ "$status" -eq 4 ]
	grep -q 'another process has taken over this state' err
}

@test "redis: a state of another command, a wrong URL and a server that is not there are refused" {
	start_redis
	imq-threshold --state "redis://$redis#x" --threshold 2 --filter-keys comment --filter-type whitelist <<< '{}'
	run -2 --separate-stderr imq-deduplicator --state "redis://$redis#x" <<< '{}'
	[[ "$stderr" == *'imq-state:x is a state of imq-threshold'* ]]
	for url in rediss:/x redis:x redis://localhost:0 redis://localhost/x "redis://localhost?db=x" "redis:/x?a=1" \
		"redis://localhost?verify=false" "rediss://localhost?verify=maybe" "redis://localhost?typed=false" http://x; do
		run -2 --separate-stderr imq-deduplicator --state "$url" <<< '{}'
		[ -z "$output" ]
	done
	run -5 --separate-stderr imq-deduplicator --state "redis://127.0.0.1:$(free_port)" <<< '{}'
	[[ "$stderr" == *refused* ]]
}

@test "redis: a server that goes away ends the command, nothing is taken for kept" {
	start_redis
	mkfifo pipe
	IMQ_BATCH=1 imq-deduplicator --state "redis://$redis" < pipe > out 2> err 3>&- &
	pid=$!
	exec 7> pipe
	printf '{}\n\n' >&7
	wait_until test -s out
	wait_until grep -qx '' out
	stop_redis
	printf '{"comment":"c"}\n\n' >&7
	exec 7>&-
	status=0
	wait "$pid" || status=$?
	[ "$status" -eq 4 ]
	[ "$(cat out)" = $'{}\n\n{"comment":"c"}' ] || [ "$(cat out)" = '{}' ]
}

@test "redis: keys of a running IntelMQ: its hash, its value, its time to live" {
	start_redis
	redis-cli -p "$redis_port" -n 4 set ef4805642a2b024fb5197d21b86558b6ab73376d8fa8fbf243d43c45d63a7d58 hash ex 3600 > /dev/null
	run -0 imq-deduplicator --keys intelmq --state "redis://$redis/4" --filter-type whitelist --filter-keys source.ip \
		<<< $'{"source.ip":"127.0.0.8","destination.ip":"127.0.0.7","__type":"Event"}'
	[ -z "$output" ]
	cat > events <<- 'END'
		{"source.ip":"1.2.3.4"}
		{"source.port":80}
		{"comment":"it's ä","feed.accuracy":100.0,"source.tor_node":true,"extra.l":[1,"a",null],"time.observation":"2026-01-01T00:00:00+00:00"}
		{"extra":{"l":[1, "a",null]},"source.tor_node":true,"feed.accuracy":1e2,"comment":"it's \u00e4"}
		{"feed.url":"https://example.com/","raw":"bG9yZW0gaXBzdW0=","feed.name":"Example"}
	END
	run -0 imq-deduplicator --keys intelmq --filter-keys '' --state "redis://$redis" --ttl 100 events
	[ "$output" = "$(sed 4d events)" ]
	for hash in bb396f4e9ca6553f0abd4323e420171dcd95947c5f0c2ec8268b6cf361e1a237 \
		054b3975305dda222c272cec6c4f4833acbe03849fd2ca405b36093f7f16a9a8 \
		5cf62f7e1148a0ce39f76a6d0bf369dc19b217f545620c2b9716bf0328c60fbb \
		d04aa050afdc58a39329c78c3b59ce6fb6f11effe180fe8084b4f1e89007de71; do
		[ "$(redis-cli -p "$redis_port" -n 6 get $hash)" = hash ]
		[ "$(redis-cli -p "$redis_port" -n 6 ttl $hash)" -gt 90 ]
	done
	[ "$(redis-cli -p "$redis_port" -n 6 dbsize)" = 4 ]
	run -0 imq-deduplicator --keys intelmq --filter-keys '' --state "redis://$redis" --ttl 0 events
	[ -z "$output" ]
	run -0 imq-deduplicator --keys intelmq --filter-type whitelist --filter-keys comment --state "redis://$redis" --ttl 0 events
	[ "$(redis-cli -p "$redis_port" -n 6 ttl 343a34425e4d0d944e129127eca0a2e428300d5265e5b28de279489cd83fff55)" = -1 ]
	[ "$(redis-cli -p "$redis_port" -n 6 exists e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855)" = 1 ]
}

@test "redis: keys of a running IntelMQ: extra is taken apart one level deep" {
	start_redis
	printf '%s\n' '{"extra":{"a":{"b":1},"c":[1,2]}}' '{"extra.a":{"b":1},"extra.c":[1,2]}' > events
	run -0 imq-deduplicator --keys intelmq --filter-keys '' --state "redis://$redis" events
	[ "$output" = '{"extra":{"a":{"b":1},"c":[1,2]}}' ]
	[ "$(redis-cli -p "$redis_port" -n 6 keys '*')" = aabb5273df24d5fb46c02158149fb312d9bef79ba91920c099aedfddad303cd6 ]
}

@test "redis: keys of a running IntelMQ: a batch that comes again is neither lost nor taken for seen" {
	start_redis
	keys=(imq-deduplicator --keys intelmq --state "redis://$redis")
	{ numbers 1 50; echo; numbers 40 100; echo; numbers 101 110; } > batches
	IMQ_BATCH=1 "${keys[@]}" batches > out
	{ numbers 1 50; echo; numbers 51 100; echo; numbers 101 110; } | cmp - out
	{ numbers 40 100; echo; numbers 101 110; echo; } > again
	IMQ_BATCH=2 "${keys[@]}" again > out
	{ numbers 51 100; echo; numbers 101 110; echo; } | cmp - out
	IMQ_BATCH=4 "${keys[@]}" again > out
	[ "$(cat out)" = '' ]
	[ "$(redis-cli -p "$redis_port" -n 6 dbsize)" = 111 ]
	run -2 --separate-stderr imq-deduplicator --keys intelmq --state file <<< '{}'
	[[ "$stderr" == *'--keys intelmq needs --state redis://'* ]]
}

@test "redis: keys of a running IntelMQ: thousands of events go in groups, in order, each once" {
	start_redis
	awk 'BEGIN { srand(3); for (i = 0; i < 5000; i++) {
		printf "{\"extra.n\":%d}\n", rand() * 2000
		if (i % 97 == 0) printf "{\"extra.n\":%d,\"__path\":\"other\"}\n", i % 3
		if (i % 1301 == 0) print "no JSON" } }' > events
	imq-deduplicator --keys intelmq --state "redis://$redis/5" --stats events > out 2> err || [ "$?" -eq 3 ]
	awk '/JSON/ { next } /path/ || !seen[$0]++' events | cmp - out
	[[ "$(tail -n 1 err)" == *'"rejected":4,"pending":0'* ]]
	[ "$(redis-cli -p "$redis_port" -n 5 dbsize)" = "$(grep -vc path out)" ]
	# Known to the other deduplicator all along: one less.
	redis-cli -p "$redis_port" -n 5 flushdb > /dev/null
	redis-cli -p "$redis_port" -n 5 set "$(imq_hash 17)" hash > /dev/null
	imq-deduplicator --keys intelmq --state "redis://$redis/5" events > less 2> err || [ "$?" -eq 3 ]
	grep -vx '{"extra.n":17}' out | cmp - less
}

@test "redis: keys of a running IntelMQ: what has come in goes out when nothing more comes" {
	start_redis
	mkfifo pipe
	imq-deduplicator --keys intelmq --state "redis://$redis" < pipe > out 2> err 3>&- &
	pid=$!
	exec 7> pipe
	for n in 1 2 3; do
		numbers 1 $n >&7
		wait_until sh -c "[ \$(wc -l < out) = $n ]"
		wait_until sh -c "[ \$(redis-cli -p $redis_port -n 6 dbsize) = $n ]"
	done
	# The server is started anew: asked again.
	stop_redis
	redis-server redis.conf > redis.log 2>&1 3>&- 7>&- &
	echo "$!" > redis.pid
	wait_until redis PING || { cat redis.log; false; }
	numbers 3 5 >&7
	wait_until sh -c '[ $(wc -l < out) = 6 ]'
	exec 7>&-
	wait "$pid"
	{ numbers 1 3; numbers 3 5; } | cmp - out
}

@test "redis: keys of a running IntelMQ: a server that goes away ends the command, which counts what it held" {
	start_redis
	mkfifo pipe
	imq-deduplicator --keys intelmq --state "redis://$redis" --stats < pipe > out 2> err 3>&- &
	pid=$!
	exec 7> pipe
	numbers 1 10 >&7
	wait_until sh -c '[ $(wc -l < out) = 10 ]'
	stop_redis
	numbers 11 600 >&7 || true # it may have ended already
	exec 7>&-
	status=0
	wait "$pid" || status=$?
	[ "$status" -eq 5 ]
	numbers 1 10 | cmp - out
	grep -q refused err
	tail -n 1 err | jq -e '.in == .out + .dropped + .rejected + .pending and .out == 10 and .pending > 0'
}

@test "redis: only commands that can use it are linked with its library" {
	need_program ldd
	grep -q hiredis <(ldd "$(command -v imq-deduplicator)")
	run -1 grep -E 'hiredis|libssl' <(ldd "$(command -v imq-taxonomy)")
}
