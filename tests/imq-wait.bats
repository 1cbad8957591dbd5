load lib
load tls

setup_more() {
	redis_pid=
}

teardown() {
	[ -z "$redis_pid" ] || kill "$redis_pid"
}

start_redis() {
	need_program redis-server
	port=$(free_port)
	redis-server --port "$port" --bind 127.0.0.1 --save '' --dir "$PWD" "$@" > redis.log 3>&- &
	redis_pid=$!
	wait_until redis-cli -p "$port" ping
}

@test "wait: without parameters events pass at once and unchanged" {
	run -0 imq-wait <<< $'{"comment" : "x"}\n\n{}'
	[ "$output" = $'{"comment" : "x"}\n\n{}' ]
}

@test "wait: --sleep-time passes before each event" {
	before=$(date +%s%N)
	run -0 imq-wait --sleep-time 0.05 <<< $'{}\n{}\n{}'
	[ "${#lines[@]}" -eq 3 ]
	[ $(($(date +%s%N) - before)) -ge 150000000 ]
}

# Whether process $1 handles SIGTERM by now.
handles_term() {
	awk '/^SigCgt:/ { exit !index("4567cdef", substr($2, length($2) - 3, 1)) }' "/proc/$1/status"
}

@test "wait: SIGTERM ends the waiting and loses nothing" {
	printf '{"comment":"%s"}\n' 1 2 3 > in
	imq-wait --sleep-time 3600 in > out 2> err 3>&- &
	pid=$!
	wait_until handles_term "$pid"
	[ ! -s out ]
	kill -TERM "$pid"
	wait "$pid"
	cmp in out
}

is_asking() {
	redis-cli -p "$port" client list | grep -q cmd=llen
}

@test "wait: events wait while the list is longer than --queue-size" {
	start_redis
	redis-cli -p "$port" -n 2 rpush list a b > /dev/null
	imq-wait --queue-name list --queue-port "$port" --queue-size 1 --sleep-time 3600 <<< '{}' > out 3>&- &
	pid=$!
	wait_until is_asking
	[ ! -s out ]
	redis-cli -p "$port" -n 2 lpop list > /dev/null
	wait "$pid"
	[ "$(cat out)" = '{}' ]
}

@test "wait: a list that is not there is short, a password is used" {
	start_redis --requirepass secret
	printf 'queue_name: none\nqueue_port: %s\nqueue_password: secret\n' "$port" > config
	run -0 imq-wait --config config <<< '{}'
	[ "$output" = '{}' ]
	sed -i 's/secret/wrong/' config
	run -2 --separate-stderr imq-wait --config config <<< '{}'
	[[ "$stderr" == "imq-wait: redis://localhost:$port/2: WRONGPASS "* ]]
	[[ "$stderr" != *wrong* ]]
}

@test "wait: over TLS the list is looked at too, and a socket will do" {
	make_certificates
	tls=$(free_port)
	start_redis --tls-port "$tls" --tls-cert-file server.pem --tls-key-file server.key --tls-ca-cert-file ca.pem --unixsocket "$PWD/redis.sock"
	redis-cli -p "$port" -n 2 rpush list a b > /dev/null
	wait_with=(imq-wait --queue-name list --queue-size 1 --queue-port "$tls" --use-ssl --ssl-ca-certificate ca.pem)
	"${wait_with[@]}" --ssl-client-certificate both.pem <<< '{}' > out 3>&- &
	pid=$!
	wait_until is_asking
	[ ! -s out ]
	redis-cli -p "$port" -n 2 lpop list > /dev/null
	wait "$pid"
	[ "$(cat out)" = '{}' ]
	run -2 --separate-stderr "${wait_with[@]}" <<< '{}'
	[[ "$stderr" == "imq-wait: rediss://localhost:$tls/2: TLS: "*certificate* ]]
	run -2 --separate-stderr imq-wait --queue-name list --queue-port "$tls" --use-ssl <<< '{}'
	[[ "$stderr" == *"the server's certificate is refused"* ]]
	run -0 imq-wait --queue-name list --queue-size 1 --queue-host "$PWD/redis.sock" <<< '{}'
	[ "$output" = '{}' ]
	run -2 --separate-stderr imq-wait --queue-name list --use-ssl --queue-host "$PWD/redis.sock" <<< '{}'
	[ "$stderr" = 'imq-wait: --use-ssl: not over a Unix socket' ]
}

@test "wait: a server that is not there is told about and asked again" {
	port=$(free_port)
	imq-wait --queue-name list --queue-port "$port" <<< '{}' > out 2> err 3>&- &
	pid=$!
	wait_until grep -q "imq-wait: redis://localhost:$port/2: Connection refused" err
	kill -TERM "$pid"
	wait "$pid"
	[ "$(cat out)" = '{}' ]
}

@test "wait: a time that is none is refused" {
	run -2 imq-wait --sleep-time soon <<< '{}'
	run -2 imq-wait --queue-name x --queue-port 0 <<< '{}'
}
