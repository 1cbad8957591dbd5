load lib
load redis

setup_more() {
	export IMQ_NOW=2026-11-25T10:00:00.5+00:00
	start_redis
}

teardown() {
	[ -z "${reader:-}" ] || kill -9 "$reader" 2> /dev/null || true
	stop_redis
}

from_redis() {
	imq-from-redis --redis-server-port "$redis_port" --redis-queue list "$@"
}

@test "from-redis: each element is a report with its bytes, the first pushed comes first" {
	printf 'a\n\n\0b\n\xff' | redis -x LPUSH list > /dev/null
	redis LPUSH list second '' > /dev/null
	run -0 --separate-stderr from_redis --drain --name Feed --stats
	[ "$(jq -r .raw <<< "${lines[0]}" | base64 -d | od -An -c | tr -d ' ')" = 'a\n\n\0b\n377' ]
	[ "${lines[1]}" = '{"time.observation":"2026-11-25T10:00:00+00:00","raw":"c2Vjb25k","feed.name":"Feed","feed.accuracy":100.0,"__type":"Report"}' ]
	[[ "$stderr" == *'"in":0,"created":2,"out":2,"dropped":0,"merged":0,"rejected":0,"pending":0'* ]]
	[ -z "$(redis LRANGE list 0 -1)$(redis LRANGE list-internal 0 -1)" ]
}

@test "from-redis: by socket, from another database, a password" {
	redis-cli -p "$redis_port" -n 7 LPUSH list x > /dev/null
	run -0 from_redis --drain --redis-db 7 --redis-server-ip "$PWD/redis.sock"
	[ "$(jq -r .raw <<< "$output")" = eA== ]
	redis CONFIG SET requirepass 'p&s#w/' > /dev/null
	redis-cli -p "$redis_port" -a 'p&s#w/' --no-auth-warning -n 2 LPUSH list y > /dev/null
	echo "redis_password: 'p&s#w/'" > config
	run -0 from_redis --drain --config config
	[ "$(jq -r .raw <<< "$output")" = eQ== ]
}

@test "from-redis: what imq-to-redis has pushed is handed on, what is no message is rejected" {
	imq-to-redis --redis-server-port "$redis_port" --redis-queue list <<< '{"source.ip":"192.0.2.1"}'
	redis LPUSH list 'no json' > /dev/null
	run -3 --separate-stderr from_redis --drain --expect-intelmq-message --rejects rejects
	[ "$output" = '{"source.ip":"192.0.2.1","__type":"Event"}' ]
	[ "$(jq -r '.record_base64 | @base64d' rejects)" = 'no json' ]
	[ "$(redis EXISTS list list-internal)" = 0 ]
}

@test "from-redis: 5,000 elements go to a queue in order" {
	seq 5000 | xargs -n 1000 redis-cli -p "$redis_port" -n 2 LPUSH list > /dev/null
	run -0 from_redis --drain --to sqlite:q.db#one
	imq-queue get sqlite:q.db#one | jq -r '.raw | @base64d' | cmp - <(seq 5000)
}

@test "from-redis: what could not be written stays, and comes again" {
	redis LPUSH list one two > /dev/null
	run -4 sh -c 'imq-from-redis --redis-server-port "$0" --redis-queue list --drain > /dev/full' "$redis_port"
	[ "$(redis LRANGE list-internal 0 -1)" = $'two\none' ]
	run -0 from_redis --drain
	[ "$(jq -r '.raw | @base64d' <<< "$output" | xargs)" = 'one two' ]
	[ "$(redis EXISTS list list-internal)" = 0 ]
}

@test "from-redis: it waits for elements, and ends with SIGTERM" {
	imq-from-redis --redis-server-port "$redis_port" --redis-queue list > out 3>&- &
	reader=$!
	redis LPUSH list one > /dev/null
	wait_until grep -q raw out
	kill "$reader"
	wait "$reader"
	[ "$(redis EXISTS list list-internal)" = 0 ]
}

@test "from-redis: it comes back to a server that was away, and gives up on one that stays away" {
	imq-from-redis --redis-server-port "$redis_port" --redis-queue list > out 2> err 3>&- &
	reader=$!
	redis LPUSH list one > /dev/null
	wait_until grep -q raw out
	kill -9 "$(cat redis.pid)"
	wait_until test -s err
	redis-server redis.conf > redis.log 2>&1 3>&- &
	echo "$!" > redis.pid
	wait_until redis-cli -p "$redis_port" ping
	redis LPUSH list two > /dev/null
	wait_until sh -c '[ "$(wc -l < out)" = 2 ]'
	kill -9 "$(cat redis.pid)"
	status=0
	wait "$reader" || status=$?
	[ "$status" = 5 ]
}

@test "from-redis: no list, a key that is none, and an absent server are told" {
	run -2 imq-from-redis
	[ "$output" = 'imq-from-redis: --redis-queue is missing' ]
	run -2 from_redis --redis-server-port 0
	run -5 from_redis --redis-server-port 1
	[ "$output" = 'imq-from-redis: redis://127.0.0.1:1/2: Connection refused' ]
	redis SET list text > /dev/null
	run -5 from_redis --drain
	[[ "$output" == *WRONGTYPE* ]]
}
