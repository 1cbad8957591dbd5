load lib
load rabbitmq

# imq-to-amqp to a RabbitMQ of our own; $q is a queue of the test's own.

setup_file() {
	start_rabbitmq
}

teardown_file() {
	stop_rabbitmq
}

setup_more() {
	q=q$BATS_TEST_NUMBER
}

teardown() {
	[ -z "${writer:-}" ] || kill "$writer" 2> /dev/null || true
}

amqp() {
	python3 "$IMQ_ROOT/tests/amqp.py" "$rabbitmq" "$@"
}

to_amqp() {
	imq-to-amqp --connection-port "${rabbitmq##*:}" "$@"
}

@test "to-amqp: events go to the queue of their routing key, lasting, as JSON without raw" {
	amqp declare "$q"
	printf '%s\n' '{"source.ip":"192.0.2.1","raw":"eA==","__type":"Event"}' '{"source.asn":64496,"extra.a":"-"}' > events
	run -0 --separate-stderr to_amqp --routing-key "$q" --stats events
	[ -z "$output" ]
	[[ "$stderr" == *'"in":2,"created":0,"out":2,"dropped":0,"merged":0,"rejected":0,"pending":0'* ]]
	[ "$(amqp get "$q")" = "{\"exchange\": \"\", \"key\": \"$q\", \"type\": \"application/json\", \"mode\": 2, \"body\": \"{\\\"source.ip\\\":\\\"192.0.2.1\\\"}\"}
{\"exchange\": \"\", \"key\": \"$q\", \"type\": \"application/json\", \"mode\": 2, \"body\": \"{\\\"source.asn\\\":64496}\"}" ]
}

@test "to-amqp: a routing key made of the event, an exchange that is declared, nested, with type and raw" {
	amqp declare "$q"
	to_amqp --exchange-name "ex$q" --routing-key a < /dev/null
	amqp bind "$q" "ex$q" 'a.#'
	event='{"classification.type":"phishing","extra.a":"é","raw":"cg==","source.ip":"192.0.2.1"}'
	to_amqp --exchange-name "ex$q" --routing-key 'a.{ev[classification.type]}' --format-routing-key --message-hierarchical-output \
		--message-with-type --keep-raw-field --content-type text/x --delivery-mode 1 <<< "$event"
	[ "$(amqp get "$q" | jq -c '[.exchange, .key, .type, .mode]')" = "[\"ex$q\",\"a.phishing\",\"text/x\",1]" ]
	amqp exchange "ex$q" topic 1
	to_amqp --exchange-name "ex$q" --routing-key 'a.{ev[source.ip]}' --format-routing-key --hierarchical-output --with-type \
		--keep-raw-field <<< "$event"
	[ "$(amqp get "$q" | jq -r .body)" = '{"classification":{"type":"phishing"},"extra":{"a":"é"},"raw":"cg==","source":{"ip":"192.0.2.1"},"__type":"Event"}' ]
	to_amqp --exchange-name "fan$q" --exchange-type fanout --no-exchange-durable --routing-key '' < /dev/null
	amqp exchange "fan$q" fanout 0
}

@test "to-amqp: braces in a routing key, the other spelling of options, one field alone" {
	amqp declare "{$q}64496"
	to_amqp --routing-key "{{$q}}{ev[source.asn]}" --format-routing-key --single-key raw <<< '{"source.asn":64496,"raw":"aGk="}'
	[ "$(amqp get "{$q}64496" | jq -r .body)" = hi ]
	amqp declare "{ev}$q"
	to_amqp --routing-key "{ev}$q" --message-hierarchical <<< '{"source.asn":64496}'
	[ "$(amqp get "{ev}$q" | jq -r .body)" = '{"source":{"asn":64496}}' ]
}

@test "to-amqp: an event that no queue takes is rejected as it came, the others are delivered" {
	amqp declare "$q"
	for n in $(seq 300); do
		printf '{"extra.n":%d,"extra.key":"%s","raw":"eA=="}\n' "$n" "$([ $((n % 3)) = 0 ] && echo nobody || echo "$q")"
	done > events
	run -3 --separate-stderr to_amqp --routing-key '{ev[extra.key]}' --format-routing-key --rejects rejects --stats events
	[[ "$stderr" == *'"in":300,"created":0,"out":200,"dropped":0,"merged":0,"rejected":100,"pending":0'* ]]
	[ "$(amqp get "$q" | wc -l)" = 200 ]
	[ "$(jq -c '[.line, .reason, .record]' rejects | sed -n 2p)" = '[6,"no queue is bound to the exchange \"\" for the routing key \"nobody\"",{"extra.n":6,"extra.key":"nobody","raw":"eA=="}]' ]
	[ "$(jq -c .record rejects | cmp - <(grep nobody events) && echo same)" = same ]
}

@test "to-amqp: equal events that no queue takes are all rejected" {
	yes '{"source.asn":64496}' | head -n 5000 > events
	run -3 --separate-stderr to_amqp --routing-key nobody --rejects rejects --stats events
	[[ "$stderr" == *'"in":5000,"created":0,"out":0,"dropped":0,"merged":0,"rejected":5000,"pending":0'* ]]
	[ "$(wc -l < rejects)" = 5000 ]
}

@test "to-amqp: a missing field, an endless routing key and what is no event are rejected" {
	amqp declare "$q"
	amqp declare "$(printf 'x%.0s' $(seq 255))"
	{
		echo 'no json'
		echo '{"source.asn":1}'
		echo "{\"extra.key\":\"$(printf 'x%.0s' $(seq 256))\"}"
		echo "{\"extra.key\":\"$(printf 'x%.0s' $(seq 255))\"}"
		echo "{\"extra.key\":\"$q\"}"
	} > events
	run -3 --separate-stderr to_amqp --routing-key '{ev[extra.key]}' --format-routing-key --rejects rejects events
	[ "$(jq -r .line rejects | xargs)" = '1 2 3' ]
	[[ "$stderr" == *'a routing key has at most 255 bytes, this would have 256'* ]]
	[ "$(amqp get "$q" | wc -l)" = 1 ]
}

@test "to-amqp: a barrier goes on once the broker has confirmed the events before it" {
	amqp declare "$q"
	mkfifo in out
	to_amqp --routing-key "$q" < in > out 3>&- &
	writer=$!
	exec 7> in 8< out
	printf '%s\n' '{"source.ip":"192.0.2.1"}' '' >&7
	read -r line <&8
	[ -z "$line" ]
	[ "$(amqp get "$q" | wc -l)" = 1 ]
	exec 7>&- 8<&-
	wait "$writer"
}

@test "to-amqp: a queue that is full refuses: no barrier comes out, and it ends after some tries" {
	amqp declare "$q" x-max-length=1 x-overflow=reject-publish
	printf '{"extra.n":%d}\n' 1 2 3 > events
	echo >> events
	run -5 --separate-stderr to_amqp --routing-key "$q" events
	[ -z "$output" ]
	[[ "$stderr" == *'the broker refused a record'* ]]
}

@test "to-amqp: 20,000 events arrive, in order" {
	amqp declare "$q"
	seq -f '{"extra.n":%.0f}' 20000 > events
	run -0 to_amqp --routing-key "$q" events
	amqp get "$q" | jq -r .body | cmp - events
}

@test "to-amqp: a broker that is away for a while gets all events once it is back" {
	amqp declare "$q"
	mkfifo in out
	to_amqp --routing-key "$q" < in > out 2> err 3>&- &
	writer=$!
	exec 7> in 8< out
	printf '%s\n' '{"extra.n":1}' '' >&7
	read -r line <&8
	kill_rabbitmq
	printf '%s\n' '{"extra.n":2}' '' >&7
	wait_until test -s err
	run_rabbitmq 7>&- 8<&- # the node must not hold our end of the FIFO
	exec 7>&-
	cat <&8 > barriers
	exec 8<&-
	if wait "$writer"; then
		[ "$(wc -l < barriers)" = 1 ]
		[ "$(amqp get "$q" | jq -r .body)" = $'{"extra.n":1}\n{"extra.n":2}' ]
	else # the broker took longer to come back than it is waited for: then it must have said so, and passed on no barrier
		[ ! -s barriers ]
	fi
}

@test "to-amqp: what cannot be meant, a wrong login and an absent broker are told" {
	run -2 imq-to-amqp
	[ "$output" = 'imq-to-amqp: --routing-key is missing' ]
	run -2 imq-to-amqp --routing-key '{ev[source.ip}' --format-routing-key
	run -2 imq-to-amqp --routing-key '{msg[source.ip]}' --format-routing-key
	run -2 imq-to-amqp --routing-key '{matches[source.ip][0]}' --format-routing-key
	run -2 imq-to-amqp --routing-key '{ev[no.such.field]}' --format-routing-key
	run -2 imq-to-amqp --routing-key x --delivery-mode 3
	run -2 imq-to-amqp --routing-key x --connection-port 0
	run -2 imq-to-amqp --routing-key x --connection-host a/b
	run -2 imq-to-amqp --routing-key x --connection-attempts 0
	run -2 to_amqp --routing-key x --connection-vhost nowhere --connection-attempts 1
	[[ "$output" == *nowhere* ]]
	printf 'username: "a@b/c"\npassword: "s:/?#@&%%41"\n' > config
	run -2 to_amqp --routing-key x --config config --connection-attempts 1
	[[ "$output" == *ACCESS_REFUSED* && "$output" != *'s:/'* ]]
	run -5 --separate-stderr imq-to-amqp --routing-key x --connection-port 1 --connection-attempts 2 <<< $'{"source.asn":1}\n'
	[ -z "$output" ]
	[ "$(grep -c 'amqp 127.0.0.1: ' <<< "$stderr")" -ge 1 ]
	run -2 to_amqp --exchange-name amq.direct --routing-key x --connection-attempts 1
	[[ "$output" == *PRECONDITION_FAILED* ]]
}
