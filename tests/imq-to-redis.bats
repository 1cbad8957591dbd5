load lib
load redis

setup_more() {
	start_redis
}

teardown() {
	stop_redis
}

to_redis() {
	imq-to-redis --redis-server-port "$redis_port" --redis-queue list "$@"
}

@test "to-redis: events are pushed on the left, with their type and raw" {
	printf '%s\n' '{"source.ip":"192.0.2.1","raw":"eA=="}' '{"source.ip":"192.0.2.2","__path":"_default","extra.a":"-"}' > events
	run -0 --separate-stderr to_redis --stats events
	[ -z "$output" ]
	[[ "$stderr" == *'"in":2,"created":0,"out":2,"dropped":0,"merged":0,"rejected":0,"pending":0'* ]]
	[ "$(redis LRANGE list 0 -1)" = '{"source.ip":"192.0.2.2","__type":"Event"}
{"source.ip":"192.0.2.1","raw":"eA==","__type":"Event"}' ]
}

@test "to-redis: nested, without type, to another database, by socket" {
	to_redis --hierarchical-output --no-message-with-type --redis-db 7 --redis-server-ip "$PWD/redis.sock" <<< '{"source.ip":"192.0.2.1"}'
	[ "$(redis-cli -p "$redis_port" -n 7 LRANGE list 0 -1)" = '{"source":{"ip":"192.0.2.1"}}' ]
}

@test "to-redis: a password, from a file, never shown" {
	redis CONFIG SET requirepass 'p&s#w/' > /dev/null
	echo "redis_password: 'p&s#w/'" > config
	to_redis --config config <<< '{"source.ip":"192.0.2.1"}'
	[ "$(redis-cli -p "$redis_port" -a 'p&s#w/' --no-auth-warning -n 2 LLEN list)" = 1 ]
	echo 'redis_password: wrong' > config
	run -2 to_redis --config config <<< '{"source.ip":"192.0.2.1"}'
	[[ "$output" != *wrong* || "$output" == *'username-password pair'* ]]
}

@test "to-redis: a barrier goes on once the server has the events before it" {
	mkfifo in out
	to_redis < in > out 3>&- &
	writer=$!
	exec 7> in 8< out
	printf '%s\n' '{"source.ip":"192.0.2.1"}' '' >&7
	read -r line <&8
	[ -z "$line" ]
	[ "$(redis LLEN list)" = 1 ]
	exec 7>&- 8<&-
	wait "$writer"
}

@test "to-redis: what is no event is rejected, the others are pushed" {
	printf '%s\n' 'no json' '{"source.ip":"192.0.2.1"}' > events
	run -3 to_redis events
	[ "$(redis LLEN list)" = 1 ]
}

@test "to-redis: a key that is no list ends it after some tries, and passes no barrier on" {
	redis SET list text > /dev/null
	run -5 --separate-stderr to_redis <<< $'{"source.ip":"192.0.2.1"}\n'
	[ -z "$output" ]
	[[ "$stderr" == *WRONGTYPE* ]]
}

@test "to-redis: no queue and no server are told" {
	run -2 imq-to-redis
	[ "$output" = 'imq-to-redis: --redis-queue is missing' ]
	run -5 imq-to-redis --redis-server-port 1 --redis-queue list
	[ "$output" = 'imq-to-redis: redis://127.0.0.1:1/2: Connection refused' ]
}
