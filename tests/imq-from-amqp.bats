load lib
load rabbitmq

# imq-from-amqp at a RabbitMQ of our own; $q is a queue of the test's own.

setup_file() {
	start_rabbitmq
}

teardown_file() {
	stop_rabbitmq
}

setup_more() {
	q=q$BATS_TEST_NUMBER
	export IMQ_NOW=2026-11-25T10:00:00.5+00:00
}

teardown() {
	[ -z "${reader:-}" ] || kill -9 "$reader" 2> /dev/null || true
}

amqp() {
	python3 "$IMQ_ROOT/tests/amqp.py" "$rabbitmq" "$@"
}

from_amqp() {
	imq-from-amqp --connection-port "${rabbitmq##*:}" --queue-name "$q" "$@"
}

@test "from-amqp: each message is a report with its bytes, and is acknowledged" {
	amqp declare "$q"
	printf 'abc\xff' | amqp publish '' "$q"
	printf 'a\n\n\0b\n' | amqp publish '' "$q"
	run -0 --separate-stderr from_amqp --drain --name 'AMQP Feed' --stats
	[ "${lines[0]}" = '{"time.observation":"2026-11-25T10:00:00+00:00","raw":"YWJj/w==","feed.name":"AMQP Feed","feed.accuracy":100.0,"__type":"Report"}' ]
	[ "$(jq -r .raw <<< "${lines[1]}" | base64 -d | od -An -c | tr -d ' ')" = 'a\n\n\0b\n' ]
	[[ "$stderr" == *'"in":0,"created":2,"out":2,"dropped":0,"merged":0,"rejected":0,"pending":0'* ]]
	[ -z "$(amqp get "$q")" ]
}

@test "from-amqp: an empty message gives no report and is acknowledged, a message of a dash gives one" {
	amqp declare "$q"
	amqp publish '' "$q" < /dev/null
	printf -- - | amqp publish '' "$q"
	run -0 from_amqp --drain
	[ "$(jq -r .raw <<< "$output")" = LQ== ]
	[ -z "$(amqp get "$q")" ]
}

@test "from-amqp: messages of IntelMQ are handed on as they are, an event without raw too" {
	amqp declare "$q"
	echo '{"source.ip":"192.0.2.1","__type":"Event","__path":"elsewhere","extra.none":null}' | amqp publish '' "$q"
	printf '{"raw":"eA==",\n "__type": "Report"}' | amqp publish '' "$q"
	run -0 from_amqp --drain --expect-intelmq-message --name F
	[ "$output" = '{"source.ip":"192.0.2.1","__type":"Event"}
{"raw":"eA==",  "__type": "Report"}' ]
	[ -z "$(amqp get "$q")" ]
}

@test "from-amqp: what is no message of IntelMQ is rejected, and the next one goes on" {
	amqp declare "$q"
	for body in 'no json' '{"source.ip":"192.0.2.1"}' '{"__type":"Other"}' $'"\xff"' '[]' ''; do
		printf '%s' "$body" | amqp publish '' "$q"
	done
	echo '{"source.ip":"192.0.2.1","__type":"Event"}' | amqp publish '' "$q"
	run -3 --separate-stderr from_amqp --drain --expect-intelmq-message --rejects rejects --stats
	[ "$output" = '{"source.ip":"192.0.2.1","__type":"Event"}' ]
	[ "$(wc -l < rejects)" = 6 ]
	[ "$(jq -c '[.file, .record]' rejects | sed -n 2p)" = "[\"$q\",{\"source.ip\":\"192.0.2.1\"}]" ]
	[[ "$stderr" == *'"in":6,"created":1,"out":1,"dropped":0,"merged":0,"rejected":6,"pending":0'* ]]
	[ -z "$(amqp get "$q")" ]
}

@test "from-amqp: many messages come in order, and with --to to a queue" {
	amqp declare "$q"
	seq -f '{"extra.n":%.0f}' 5000 | imq-queue put "amqp://$rabbitmq#$q"
	run -0 from_amqp --drain --to sqlite:q.db#one
	[ -z "$output" ]
	[ "$(imq-queue count sqlite:q.db#one)" = 5000 ]
	imq-queue get sqlite:q.db#one | jq -r '.raw | @base64d | fromjson | ."extra.n"' | cmp - <(seq 5000)
}

@test "from-amqp: what could not be written is not acknowledged" {
	amqp declare "$q"
	echo x | amqp publish '' "$q"
	run -4 sh -c 'imq-from-amqp --connection-port "$0" --queue-name "$1" --drain > /dev/full' "${rabbitmq##*:}" "$q"
	echo sqlite > file
	run -4 from_amqp --drain --to sqlite:file/q.db#one
	[ "$(amqp get "$q" | jq -r .body)" = x ]
}

@test "from-amqp: it waits for messages, and ends with SIGTERM" {
	amqp declare "$q"
	imq-from-amqp --connection-port "${rabbitmq##*:}" --queue-name "$q" > out 3>&- &
	reader=$!
	echo one | amqp publish '' "$q"
	wait_until grep -q raw out
	echo two | amqp publish '' "$q"
	wait_until sh -c '[ "$(wc -l < out)" = 2 ]'
	kill "$reader"
	wait "$reader"
	[ -z "$(amqp get "$q")" ]
}

@test "from-amqp: a named exchange is declared" {
	amqp declare "$q"
	from_amqp --drain --exchange-name "ex$q" --exchange-type direct
	amqp exchange "ex$q" direct 1
}

@test "from-amqp: it comes back to a broker that was away" {
	amqp declare "$q"
	imq-from-amqp --connection-port "${rabbitmq##*:}" --queue-name "$q" > out 2> err 3>&- &
	reader=$!
	echo one | amqp publish '' "$q"
	wait_until grep -q raw out
	kill_rabbitmq
	wait_until test -s err
	run_rabbitmq
	amqp declare "$q" # a broker killed that soon may have forgotten it
	echo two | amqp publish '' "$q"
	wait_until sh -c "[ \"\$(wc -l < out)\" = 2 ] || ! kill -0 $reader"
	if kill -0 "$reader"; then
		[ "$(jq -r '.raw | @base64d' out | xargs)" = 'one two' ]
	else # it took the broker longer to come back than it is waited for, and the message is still there
		status=0
		wait "$reader" || status=$?
		[ "$status" = 5 ]
		[ -n "$(amqp get "$q")" ]
	fi
}

@test "from-amqp: no queue, one that is not there, a wrong login and an absent broker are told" {
	run -2 imq-from-amqp
	[ "$output" = 'imq-from-amqp: --queue-name is missing' ]
	run -2 from_amqp
	[[ "$output" == *NOT_FOUND* ]]
	run -2 from_amqp --username guest --config <(echo 'password: wrong')
	[[ "$output" == *ACCESS_REFUSED* ]]
	run -5 imq-from-amqp --queue-name "$q" --connection-port 1 --connection-attempts 1
	run -5 imq-from-amqp --queue-name "$q" --connection-port 1 --connection-attempts 1 --use-ssl
	run -2 from_amqp --connection-port 70000
}
