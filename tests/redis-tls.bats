load lib
load redis
load tls

# Redis over TLS: queues, states and caches.

teardown() {
	stop_redis
}

# A Redis that speaks TLS on a second port, $secure, with the certificate of that name and further lines of configuration.
start_secure() { # NAME [CONFIGURATION LINE...]
	make_certificates
	secure=$(free_port)
	start_redis "tls-port $secure" "tls-cert-file $PWD/$1.pem" "tls-key-file $PWD/$1.key" "tls-ca-cert-file $PWD/ca.pem" "${@:2}"
}

events() {
	seq -f '{"extra.number":%.0f,"classification.type":"scanner","__type":"Event"}' "$1" "$2"
}

@test "redis-tls: records go through a queue, a password is used" {
	start_secure server 'tls-auth-clients no'
	url="rediss://localhost:$secure/2?cafile=$PWD/ca.pem"
	events 1 5000 | imq-queue put "$url#in"
	[ "$(redis LLEN in)" = 5000 ]
	run -0 --separate-stderr imq-pump --from "$url#in" --to "$url#out" --drain --stats -- imq-taxonomy
	[[ "$stderr" == *'"in":5000,'*'"out":5000,'* ]]
	imq-queue get "$url#out" > got
	events 1 5000 | imq-taxonomy | cmp - got
	redis CONFIG SET requirepass 'a/b' > /dev/null
	[ "$(imq-queue count "rediss://:a%2fb@127.0.0.1:$secure/2?cafile=$PWD/ca.pem#in")" = 0 ]
	run -2 imq-queue count "$url#in"
	[[ "$output" == *"rediss://localhost:$secure/2: NOAUTH"* ]]
}

@test "redis-tls: records as long as many packets come back whole" {
	start_secure server 'tls-auth-clients no'
	python3 -c 'for n in range(30): print("{\"raw\":\"%s\",\"__type\":\"Event\"}" % (chr(97 + n % 26) * (n * 70001)))' > long
	imq-queue put "rediss://127.0.0.1:$secure?cafile=$PWD/ca.pem#q" < long
	imq-queue get "rediss://127.0.0.1:$secure?cafile=$PWD/ca.pem#q" | cmp - long
}

@test "redis-tls: a state and a cache" {
	start_secure server 'tls-auth-clients no'
	for keys in own intelmq; do
		state="rediss://127.0.0.1:$secure/6?cafile=$PWD/ca.pem"
		run -0 imq-deduplicator --keys $keys --state "$state" <<< $'{"comment":"a"}\n{"comment":"a"}'
		[ "$output" = '{"comment":"a"}' ]
		run -0 imq-deduplicator --keys $keys --state "$state" <<< '{"comment":"a"}'
		[ -z "$output" ]
	done
	run -0 imq-reverse-dns --cache "rediss://127.0.0.1:$secure/5?cafile=$PWD/ca.pem" <<< '{"comment":"a"}'
	[ "$output" = '{"comment":"a"}' ]
}

@test "redis-tls: a certificate that nobody known has signed, or of another host, is refused; verify=false takes it" {
	start_secure server 'tls-auth-clients no'
	for trust in '' "?cafile=$PWD/stranger.pem"; do
		run -2 imq-queue count "rediss://localhost:$secure/2$trust#q"
		[[ "$output" == *"rediss://localhost:$secure/2: the server's certificate is refused: "*certificate* ]]
		run -2 imq-deduplicator --state "rediss://localhost:$secure/2$trust" <<< '{}'
		[[ "$output" == *'certificate is refused'* ]]
	done
	[ "$(imq-queue count "rediss://localhost:$secure?verify=false#q")" = 0 ]
	stop_redis
	start_secure elsewhere 'tls-auth-clients no'
	run -2 imq-queue count "rediss://localhost:$secure/2?cafile=$PWD/ca.pem#q"
	[[ "$output" == *"certificate is refused: "*hostname* ]]
	run -2 imq-queue count "rediss://127.0.0.1:$secure/2?cafile=$PWD/ca.pem#q"
	[[ "$output" == *"certificate is refused: "*'IP address'* ]]
	[ "$(imq-queue count "rediss://127.0.0.1:$secure?cafile=$PWD/ca.pem&verify=false#q")" = 0 ]
}

@test "redis-tls: a certificate of our own where the server asks for one" {
	start_secure server
	url="rediss://127.0.0.1:$secure/2?cafile=$PWD/ca.pem"
	[ "$(imq-queue count "$url&certfile=$PWD/client.pem&keyfile=$PWD/client.key#q")" = 0 ]
	[ "$(imq-queue count "$url&certfile=$PWD/both.pem#q")" = 0 ]
	run -2 imq-queue count "$url#q"
	[[ "$output" == *': TLS: '*'certificate required'* ]]
	run -2 imq-queue count "$url&certfile=$PWD/stranger.pem&keyfile=$PWD/stranger.key#q"
	[[ "$output" == *': TLS: '* ]]
}

@test "redis-tls: files that are missing or do not fit are told" {
	start_secure server 'tls-auth-clients no'
	url="rediss://127.0.0.1:$secure?cafile=$PWD/ca.pem"
	run -2 imq-queue count "rediss://127.0.0.1:$secure?cafile=$PWD/none#q"
	[[ "$output" == *"cafile $PWD/none: No such file or directory" ]]
	run -2 imq-queue count "$url&certfile=$PWD/none#q"
	[[ "$output" == *"certfile $PWD/none: No such file or directory" ]]
	run -2 imq-queue count "$url&certfile=$PWD/client.pem&keyfile=$PWD/server.key#q"
	[[ "$output" == *"keyfile $PWD/server.key: key values mismatch" ]]
	run -2 imq-queue count "$url&keyfile=$PWD/server.key#q"
	[[ "$output" == *'there is no certfile' ]]
}

@test "redis-tls: a server that goes away is away, and is waited for when it is" {
	start_secure server 'tls-auth-clients no'
	url="rediss://localhost:$secure/2?cafile=$PWD/ca.pem"
	stop_redis
	run -5 imq-deduplicator --state "$url" <<< '{}'
	start_redis "$(grep ^tls-port redis.conf)" "$(grep ^tls-cert redis.conf)" "$(grep ^tls-key redis.conf)" 'tls-auth-clients no'
	events 1 3 | imq-queue put "$url#in"
	imq-pump --from "$url#in" --to sqlite:q#out -- cat 3>&- 2> log &
	pump=$!
	wait_until sh -c '[ "$(imq-queue count sqlite:q#out)" = 3 ]'
	stop_redis
	wait_until grep -q "rediss://localhost:$secure/2: " log
	redis-server redis.conf > redis.log 2>&1 3>&- &
	echo "$!" > redis.pid
	wait_until redis PING
	events 4 5 | imq-queue put "$url#in"
	wait_until sh -c '[ "$(imq-queue count sqlite:q#out)" = 5 ]'
	kill "$pump"
	wait "$pump"
	[ "$(imq-queue get sqlite:q#out)" = "$(events 1 5)" ]
}

@test "redis-tls: a port without TLS is told at once, and that is for people to mend" {
	start_redis
	run -2 timeout 8 imq-queue count "rediss://$redis/2?verify=false#q"
	[ "$output" = "imq-queue: rediss://$redis/2: the server does not speak TLS at this port" ]
	run -2 timeout 8 imq-deduplicator --state "rediss://$redis" <<< '{}'
	[[ "$output" == *"rediss://$redis/6: the server does not speak TLS at this port" ]]
	redis CONFIG SET requirepass x > /dev/null
	run -2 timeout 8 imq-queue count "rediss://$redis/2#q"
	[[ "$output" == *'does not speak TLS at this port' ]]
}

# Whether there is a connection to port $1 of loopback, and a second one that our side has closed.
has_looked() {
	awk -v port="$(printf ':%04X$' "$1")" '$3 ~ port { n[$4]++ } END { exit !(n["01"] == 1 && n["05"] == 1) }' /proc/net/tcp
}

@test "redis-tls: a server that takes its time is waited for" {
	start_secure server 'tls-auth-clients no'
	kill -STOP "$(cat redis.pid)"
	imq-queue count "rediss://127.0.0.1:$secure?cafile=$PWD/ca.pem#q" > got 2> err 3>&- &
	pid=$!
	# It has tried whether the server talks without TLS, and waits on.
	wait_until has_looked "$secure"
	kill -CONT "$(cat redis.pid)"
	wait "$pid"
	[ "$(cat got)" = 0 ]
	[ ! -s err ]
}

@test "redis-tls: imq-to-redis and imq-from-redis" {
	start_secure server
	tls=(--use-ssl --redis-server-port "$secure" --redis-queue list --ssl-ca-certificate ca.pem)
	own=(--ssl-client-certificate client.pem --ssl-client-certificate-key client.key)
	events 1 3 | imq-to-redis "${tls[@]}" "${own[@]}"
	[ "$(redis LLEN list)" = 3 ]
	imq-from-redis "${tls[@]}" --ssl-client-certificate both.pem --drain --expect-intelmq-message | cmp - <(events 1 3)
	run -2 imq-to-redis "${tls[@]}" <<< '{}'
	[[ "$output" == *'TLS: '*'certificate required'* ]]
	run -2 imq-to-redis "${tls[@]}" "${own[@]}" --ssl-ca-certificate stranger.pem <<< '{}'
	[[ "$output" == *'certificate is refused: '* ]]
	run -2 imq-to-redis --use-ssl --redis-queue list --redis-server-ip "$PWD/redis.sock" <<< '{}'
	[ "$output" = 'imq-to-redis: --use-ssl: not over a Unix socket' ]
}
