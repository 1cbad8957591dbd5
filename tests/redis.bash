# Loaded by tests that need Redis: `load redis`, then start_redis in the test, stop_redis in teardown.

# start_redis [CONFIGURATION LINE...]: a Redis of our own on a free port of loopback and on the socket ./redis.sock; sets $redis to
# host:port. redis CLI ARGUMENTS... talks to IntelMQ's database 2.
start_redis() {
	need_program redis-server
	redis_port=$(free_port)
	redis=127.0.0.1:$redis_port
	{
		printf '%s\n' "port $redis_port" 'bind 127.0.0.1' "unixsocket $PWD/redis.sock" "dir $PWD" 'save ""' 'loglevel warning' "$@"
	} > redis.conf
	redis-server redis.conf > redis.log 2>&1 3>&- &
	echo "$!" > redis.pid
	wait_until redis-cli -p "$redis_port" ping
}

redis() {
	redis-cli -p "$redis_port" -n 2 "$@"
}

stop_redis() {
	[ -s "$BATS_TEST_TMPDIR/redis.pid" ] || return 0
	kill -9 "$(cat "$BATS_TEST_TMPDIR/redis.pid")" 2> /dev/null || true
	rm -f "$BATS_TEST_TMPDIR/redis.pid"
}
