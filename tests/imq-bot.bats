load lib
load redis

setup_more() {
	export IMQ_STATE=$PWD/state INTELMQ_ROOT_DIR=$PWD/intelmq
	start_redis 'requirepass secret'
	export REDISCLI_AUTH=secret
	mkdir -p intelmq/etc path
	cat > intelmq/etc/runtime.yaml <<- END
		global:
		  source_pipeline_port: $redis_port
		  destination_pipeline_port: $redis_port
		  source_pipeline_password: secret
		  destination_pipeline_password: secret
		tax:
		  group: Expert
		  module: intelmq.bots.experts.taxonomy.expert
		  parameters: {destination_queues: {_default: [next-queue, copy-queue]}}
		filter:
		  group: Expert
		  module: intelmq.bots.experts.filter.expert
		  parameters:
		    filter_key: source.geolocation.cc
		    filter_value: AT
		    filter_action: keep
		    destination_queues: {_default: [at-queue], filter_no_match: [rest-queue]}
	END
	printf '#!%s/imq-bot\n' "${IMQ_BIN:-$IMQ_ROOT/bin}" > path/intelmq.bots.experts.taxonomy.expert
	chmod +x path/*
}

teardown() {
	[ ! -s pid ] || kill "$(cat pid)" 2> /dev/null || true
	stop_redis
}

event='{"classification.type": "spam", "__type": "Event"}'

@test "bot: a script named like the module stands for the bot between IntelMQ's own queues" {
	redis lpush tax-queue "$event"
	PATH=$PWD/path:$PATH intelmq.bots.experts.taxonomy.expert tax > log 2>&1 3>&- &
	echo $! > pid
	wait_until eval '[ "$(redis llen next-queue)" = 1 ]'
	wait_until eval '[ "$(redis llen tax-queue-internal)" = 0 ]'
	run -0 redis rpop next-queue
	[ "$(jq -r '."classification.taxonomy", .__type' <<< "$output" | xargs)" = 'abusive-content Event' ]
	[ "$(redis llen copy-queue)" = 1 ]
	# What intelmqctl looks at: the program, the script's path, the bot's name.
	[ "$(tr '\0' '\n' < "/proc/$(cat pid)/cmdline" | tail -n 2 | xargs)" = "$PWD/path/intelmq.bots.experts.taxonomy.expert tax" ]
	run -1 grep -q secret "/proc/$(cat pid)/cmdline"
	kill -HUP "$(cat pid)"
	redis lpush tax-queue "$event"
	wait_until eval '[ "$(redis llen copy-queue)" = 2 ]'
	kill "$(cat pid)"
	wait "$(cat pid)"
	[ "$(stat -c %a state/bots/tax.queues.yaml)" = 600 ]
}

@test "bot: imq-pump --bot sends named paths to their queues" {
	redis lpush filter-queue '{"source.geolocation.cc": "AT", "__type": "Event"}' '{"source.geolocation.cc": "DE", "__type": "Event"}'
	imq-pump --bot filter intelmq/etc/runtime.yaml > log 2>&1 3>&- &
	echo $! > pid
	wait_until eval '[ "$(redis llen at-queue)$(redis llen rest-queue)" = 11 ]'
	[ "$(redis rpop rest-queue | jq -r '."source.geolocation.cc"')" = DE ]
	kill "$(cat pid)"
	wait "$(cat pid)"
}

@test "bot: what cannot be run is told" {
	run -2 imq-bot
	run -2 imq-bot module
	run -2 --separate-stderr imq-bot module nobody
	[[ "$stderr" == *'no bot "nobody"'* ]]
	run -2 imq-pump --bot tax
	INTELMQ_ROOT_DIR=/no/such run -2 --separate-stderr imq-bot module tax
	[[ "$stderr" == *'/no/such/etc/runtime.yaml'* ]]
}
