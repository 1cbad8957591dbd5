load lib

# bot MODULE [PARAMETER...]: a runtime.yaml with one bot called b.
bot() {
	printf 'b:\n  module: intelmq.bots.%s\n  parameters:\n' "$1" > runtime.yaml
	shift
	printf '    %s\n' "$@" >> runtime.yaml
}

@test "compile: a bot becomes its command with its parameters as options" {
	bot experts.url.expert 'overwrite: true' 'skip_fields: [source.port, source.fqdn]'
	run -0 --separate-stderr imq-compile --command b runtime.yaml
	[ "$output" = "imq-url --overwrite '--skip-fields=[\"source.port\",\"source.fqdn\"]'" ]
	[ -z "$stderr" ]
	bot experts.deduplicator.expert 'bypass: false' 'filter_type: whitelist' 'filter_keys: "source.ip,source.port"'
	run -0 imq-compile -c b runtime.yaml
	[ "$output" = 'imq-deduplicator --no-bypass --filter-type=whitelist --filter-keys=source.ip,source.port' ]
}

@test "compile: redis_cache_* become a cache in Redis where they are given, and only there" {
	bot experts.cymru_whois.expert 'redis_cache_host: cache.example' 'redis_cache_port: 6380' 'redis_cache_db: 7' 'redis_cache_ttl: 60'
	run -0 --separate-stderr imq-compile --command b runtime.yaml
	[[ "$output" == *' --cache=redis://cache.example:6380/7' ]]
	bot experts.cymru_whois.expert 'redis_cache_host: /run/redis.sock' 'redis_cache_db: 7'
	run -0 --separate-stderr imq-compile --command b runtime.yaml
	[ "$output" = "imq-cymru-whois '--cache=redis:/run/redis.sock?db=7'" ]
	bot experts.cymru_whois.expert 'redis_cache_ttl: 60' 'redis_cache_password: null'
	run -0 imq-compile --command b runtime.yaml
	[[ "$output" != *--cache=* ]]
	bot experts.taxonomy.expert 'redis_cache_host: cache.example'
	run -0 imq-compile --command b runtime.yaml
	[ "$output" = imq-taxonomy ]
	bot experts.deduplicator.expert 'redis_cache_host: cache.example'
	run -0 imq-compile --command b runtime.yaml
	[ "$output" = imq-deduplicator ]
	bot experts.deduplicator.expert 'redis_cache_host: cache.example' 'keys: intelmq'
	run -0 imq-compile --command b runtime.yaml
	[ "$output" = 'imq-deduplicator --keys=intelmq --state=redis://cache.example' ]
	botnet
	echo 'global: {redis_cache_password: "a@b c"}' >> runtime.yaml
	sed -i 's/experts.taxonomy.expert/experts.cymru_whois.expert/' runtime.yaml
	run -0 --separate-stderr imq-compile --output out runtime.yaml
	[ "$(jq -r .cache out/tax.yaml)" = 'redis://:a%40b%20c@127.0.0.1' ]
	run -1 grep -q 'a%40b' out/pipeline.sh
}

@test "compile: a parser becomes imq-parse with its module" {
	bot parsers.openphish.parser 'default_fields: {"feed.code": "op"}'
	run -0 imq-compile --command b runtime.yaml
	[ "$output" = "imq-parse intelmq.bots.parsers.openphish.parser '--default-fields={\"feed.code\":\"op\"}'" ]
}

@test "compile: what it prints runs" {
	bot experts.filter.expert 'filter_key: comment' "filter_value: \"it's \$HOME; \\\\ \\\"q\\\"\"" 'filter_action: keep'
	run -0 --separate-stderr imq-compile --command b runtime.yaml
	line=$output
	run -0 sh -c "$line" <<< '{"comment":"it'"'"'s $HOME; \\ \"q\""}'
	[ -n "$output" ]
	run -0 sh -c "$line" <<< '{"comment":"its"}'
	[ -z "$output" ]
}

@test "compile: named paths become --paths" {
	bot experts.sieve.expert 'file: x.sieve' 'destination_queues: {_default: [q], one: [r], "two words": [s], _on_error: [t]}'
	run -0 imq-compile --command b runtime.yaml
	[ "$output" = "imq-sieve --file=x.sieve '--paths=one,two words,_on_error'" ]
}

@test "compile: global parameters count where the command has them and the bot says nothing" {
	bot experts.rdap.expert 'http_timeout_sec: 3'
	printf 'global:\n  http_user_agent: mine\n  http_timeout_sec: 9\n  statistics_host: localhost\n  of_no_command: 1\n' >> runtime.yaml
	run -0 --separate-stderr imq-compile --command b runtime.yaml
	[ "$output" = 'imq-rdap --http-user-agent=mine --http-timeout-sec=3' ]
	bot experts.url.expert 'rate_limit: 5' 'logging_level: DEBUG' 'error_max_retries: 3'
	run -0 --separate-stderr imq-compile --command b runtime.yaml
	[ "$output" = imq-url ]
}

@test "compile: every module that a command describes is found" {
	for command in "${IMQ_BIN:-$IMQ_ROOT/bin}"/imq-*; do
		"$command" --describe | jq -r '.modules[]'
	done | sort -u > modules
	[ "$(wc -l < modules)" -gt 30 ]
	n=0
	while read -r module; do
		n=$((n + 1))
		printf 'bot-%d:\n  module: %s\n' "$n" "$module"
	done < modules > runtime.yaml
	run --separate-stderr imq-compile --check runtime.yaml
	[[ "$stderr" != *'no command for module'* ]]
	[[ "$stderr" == *'bot "bot-1"'* ]]
}

@test "compile: what is wrong is told with its line, all of it by --check" {
	cat > runtime.yaml <<- 'END'
		good:
		  module: intelmq.bots.experts.url.expert
		  parameters: {destination_queues: [typo-queue]}
		typo:
		  module: intelmq.bots.experts.url.expert
		  parameters:
		    over_writ: true
		    destination_queues: {_default: [type-queue]}
		type:
		  module: intelmq.bots.experts.url.expert
		  parameters:
		    overwrite: sometimes
		    destination_queues: {other: [unknown-queue], _default: nobody-queue}
		unknown:
		  module: intelmq.bots.experts.urls.expert
		  group: Output
		empty:
		  enabled: true
		bad_name:
		  module: intelmq.bots.outputs.file.output
		  run_mode: sometimes
		  parameters: {file: x, source_queue: unknown-queue}
	END
	run -2 --separate-stderr imq-compile --check runtime.yaml
	[ -z "$output" ]
	[ "$(grep -v warning: <<< "$stderr")" = 'imq-compile: runtime.yaml:7: unknown parameter "over_writ" of imq-url: did you mean "overwrite"?
imq-compile: runtime.yaml:12: overwrite: not true or false: "sometimes"
imq-compile: runtime.yaml:13: bot "type": no bot reads its queue "nobody-queue"
imq-compile: runtime.yaml:15: bot "unknown" stays with IntelMQ: no command for module "intelmq.bots.experts.urls.expert": did you mean "intelmq.bots.experts.url.expert"?
imq-compile: runtime.yaml:17: bot "empty" has no module
imq-compile: runtime.yaml:17: bot "empty" has no (default) destination queue
imq-compile: runtime.yaml:19: bot "bad_name": its name may have letters, digits and dashes only
imq-compile: runtime.yaml:19: bot "bad_name": run_mode is continuous or scheduled, not "sometimes"
imq-compile: runtime.yaml:19: bot "bad_name" is not the only one to read queue "unknown-queue"' ]
	grep -q 'runtime.yaml:1: warning: bot "good": no bot writes its queue "good-queue"' <<< "$stderr"
	run -2 --separate-stderr imq-compile --command typo runtime.yaml
	[[ "$stderr" == *':7: '* ]]
	run -0 imq-compile --command good runtime.yaml
	[ "$output" = imq-url ]
	run -2 --separate-stderr imq-compile --command no-such runtime.yaml
	[ "$stderr" = 'imq-compile: runtime.yaml: no bot "no-such"' ]
}

@test "compile: error_procedure says what becomes of events whose lookup fails" {
	bot experts.ripe.expert 'mode: append'
	run -0 imq-compile --command b runtime.yaml
	[ "$output" = 'imq-ripe --mode=append --on-failure=reject' ]
	bot experts.ripe.expert 'error_procedure: stop'
	run -0 imq-compile --command b runtime.yaml
	[ "$output" = 'imq-ripe --on-failure=stop' ]
	bot experts.ripe.expert 'error_procedure: stop' 'on_failure: pass'
	run -0 imq-compile --command b runtime.yaml
	[ "$output" = 'imq-ripe --on-failure=pass' ]
	bot experts.rdap.expert
	run -0 imq-compile --command b runtime.yaml
	[ "$output" = imq-rdap ]
}

# A botnet with a fan-out, a fan-in, named paths, a secret, a bot of the site's own, a scheduled and a disabled one.
botnet() {
	cat > runtime.yaml <<- 'END'
		global: {http_timeout_sec: 20}
		feodo-collector:
		  group: Collector
		  name: Feodo Tracker
		  description: "every hour\n$(rm -rf /)"
		  module: intelmq.bots.collectors.http.collector_http
		  parameters:
		    http_url: https://feed.example/ipblocklist.json
		    http_username: me
		    http_password: "it's secret"
		    rate_limit: 3600
		    destination_queues: {_default: [feodo-parser-queue]}
		file-collector:
		  group: Collector
		  run_mode: scheduled
		  module: intelmq.bots.collectors.file.collector_file
		  parameters: {path: /tmp/in/, postfix: .csv, destination_queues: feodo-parser-queue}
		feodo-parser:
		  group: Parser
		  module: intelmq.bots.parsers.abusech.parser_feodotracker
		  parameters: {destination_queues: [dedup-queue]}
		dedup:
		  group: Expert
		  module: intelmq.bots.experts.deduplicator.expert
		  parameters: {filter_keys: source.ip, filter_type: whitelist, destination_queues: "tax-queue"}
		tax:
		  group: Expert
		  module: intelmq.bots.experts.taxonomy.expert
		  parameters: {destination_queues: {_default: filter-queue}}
		filter:
		  group: Expert
		  module: intelmq.bots.experts.filter.expert
		  parameters:
		    filter_key: source.geolocation.cc
		    filter_value: AT
		    filter_action: keep
		    destination_queues: {_default: [one-queue, two-queue], filter_no_match: [rest-queue]}
		one: {group: Output, module: intelmq.bots.outputs.file.output, parameters: {file: "it's 1"}}
		two:
		  group: Expert
		  module: intelmq.bots.experts.url.expert
		  parameters: {destination_queues: [own-queue]}
		rest: {group: Output, module: intelmq.bots.outputs.file.output, parameters: {file: rest}}
		own: {group: Output, module: site.bots.outputs.own}
		off: {group: Expert, enabled: false, module: intelmq.bots.experts.wait.expert, parameters: {destination_queues: [rest-queue]}}
	END
}

@test "compile: bots with one way to go run in one pipeline; where ways meet there are queues" {
	botnet
	run -0 --separate-stderr imq-compile --output out runtime.yaml
	[ -z "$output" ]
	[ "$(sh out/pipeline.sh --list | xargs)" = 'feodo-collector feodo-parser one two rest' ]
	grep -q '# feodo-parser | dedup | tax | filter$' out/pipeline.sh
	grep -q 'to "sqlite:$IMQ_STATE/queues.db#one-queue"' out/pipeline.sh
	grep -q 'path "filter_no_match=sqlite:$IMQ_STATE/queues.db#rest-queue"' out/pipeline.sh
	grep -q 'to "redis://127.0.0.1:6379/2#own-queue"' out/pipeline.sh
	grep -q '#   own: site.bots.outputs.own' out/pipeline.sh
	grep -q 'sh pipeline.sh file-collector' out/pipeline.sh
	grep -q 'every 3600 imq-from-http' out/pipeline.sh
	grep -q 'state "$IMQ_STATE/dedup.state"' out/pipeline.sh
}

@test "compile: a fan-out whose ends are outputs becomes imq-route" {
	botnet
	sed -i '/^off:/d; s/^own:.*/own: {group: Output, module: intelmq.bots.outputs.file.output, parameters: {file: own}}/' runtime.yaml
	run -0 imq-compile --output out runtime.yaml
	grep -q '# feodo-parser | dedup | tax | filter | (one, two | own, filter_no_match: rest)$' out/pipeline.sh
	[ "$(sh out/pipeline.sh --list | xargs)" = 'feodo-collector feodo-parser' ]
	grep -q "_default='imq-url " out/pipeline.sh
	shellcheck out/pipeline.sh
}

@test "compile: secrets go into files that others cannot read, never into the script" {
	botnet
	run -0 imq-compile --output out runtime.yaml
	! grep -rq 'secret' out/pipeline.sh
	[ "$(stat -c %a out/feodo-collector.yaml)" = 600 ]
	[ "$(jq -r .http_password out/feodo-collector.yaml)" = "it's secret" ]
	run -2 --separate-stderr imq-compile runtime.yaml
	[[ "$stderr" == *'http_password is a secret'* ]]
	sed -i '/http_password/d' runtime.yaml
	run -0 --separate-stderr imq-compile runtime.yaml
	[[ "$output" == '#!/bin/sh'* ]]
}

@test "compile: shellcheck has nothing to say about the script, nor the shell about its syntax" {
	need_program shellcheck
	botnet
	run -0 imq-compile --output out runtime.yaml
	shellcheck out/pipeline.sh
	sh -n out/pipeline.sh
	[ "$(grep 'rm -rf' out/pipeline.sh)" = $'\t# feodo-collector: every hour $(rm -rf /)' ]
}

@test "compile: a loop gets queues, and is told" {
	cat > runtime.yaml <<- 'END'
		a: {group: Expert, module: intelmq.bots.experts.url.expert, parameters: {destination_queues: [b-queue]}}
		b: {group: Expert, module: intelmq.bots.experts.url.expert, parameters: {destination_queues: [a-queue]}}
	END
	run -0 --separate-stderr imq-compile runtime.yaml
	[[ "$stderr" == *'records can come back to these bots: a, b'* ]]
	[ "$(grep -c 'exec imq-pump' <<< "$output")" = 2 ]
}

@test "compile: --queue says where queues are; passwords of theirs are secrets too" {
	botnet
	run -0 imq-compile --output out --queue amqp://mq.example runtime.yaml
	grep -q 'from "amqp://mq.example#feodo-parser-queue"' out/pipeline.sh
	run -0 imq-compile --output out --queue amqp://u:pw@mq.example runtime.yaml
	! grep -q pw out/pipeline.sh
	[ "$(jq -r .from out/feodo-parser.queues.yaml)" = amqp://u:pw@mq.example#feodo-parser-queue ]
	run -0 imq-compile --output out --queue intelmq runtime.yaml
	grep -q 'from "redis://127.0.0.1:6379/2#feodo-parser-queue"' out/pipeline.sh
}

@test "compile: --systemd writes a service per pipeline, a timer for the scheduled one" {
	botnet
	run -2 imq-compile --systemd units runtime.yaml
	run -0 imq-compile --output out --systemd units runtime.yaml
	grep -q "ExecStart=/bin/sh \"$PWD/out/pipeline.sh\" feodo-parser" units/imq-feodo-parser.service
	[ -e units/imq-file-collector.timer ]
	[ -e units/imq.target ]
	! grep -q WantedBy units/imq-off.service
}

@test "compile: --dot draws the graph" {
	botnet
	run -0 --separate-stderr imq-compile --dot runtime.yaml
	[[ "$output" == 'digraph imq {'*'"filter" -> "rest" [label="filter_no_match"'*'}' ]]
}

@test "compile: the three files of IntelMQ 2 do as well" {
	cat > runtime.conf <<- 'END'
		{"col": {"group": "Collector", "module": "intelmq.bots.collectors.file.collector_file",
			"parameters": {"feed": "F", "path": "/tmp/", "postfix": ".x"}},
		 "out": {"group": "Output", "module": "intelmq.bots.outputs.file.output", "parameters": {"file": "o"}}}
	END
	echo '{"col": {"destination-queues": ["q"]}, "out": {"source-queue": "q"}}' > pipeline.conf
	echo '{"broker": "redis", "destination_pipeline_db": 7, "source_pipeline_db": 7, "raw": "x"}' > defaults.conf
	run -0 --separate-stderr imq-compile --queue intelmq runtime.conf
	[[ "$output" == *'imq-from-file'*'--name=F'* ]]
	[[ "$output" == *'--to "redis://127.0.0.1:6379/7#q"'* ]]
	[[ "$output" == *'--from "redis://127.0.0.1:6379/7#q"'* ]]
}

@test "compile: INTELMQ_ variables beat the file" {
	bot experts.url.expert 'overwrite: true'
	INTELMQ_OVERWRITE=False run -0 imq-compile --command b runtime.yaml
	[ "$output" = 'imq-url --no-overwrite' ]
	INTELMQ_ROOT_DIR=/x run -0 imq-compile --command b runtime.yaml
	[ "$output" = 'imq-url --overwrite' ]
}

@test "compile: wrong usage and files that are none" {
	run -2 imq-compile
	printf 'a:\n  module: intelmq.bots.experts.url.expert\n' > runtime.yaml
	run -2 imq-compile --check --command a runtime.yaml
	run -2 --separate-stderr imq-compile --check no-such.yaml
	[ "$stderr" = 'imq-compile: no-such.yaml: No such file or directory' ]
	run -2 --separate-stderr imq-compile --check /dev/null
	[ "$stderr" = 'imq-compile: /dev/null: no bots in this file' ]
	printf 'a:\n  module: x\na:\n  module: y\n' > twice.yaml
	run -2 --separate-stderr imq-compile --check twice.yaml
	[ "$stderr" = 'imq-compile: twice.yaml:3: bot "a": given twice' ]
	for text in 'a: [' 'a: {b: c' '[1, 2]' '- a' 'a: &x [*x]' $'a:\n\tmodule: x' $'\xff\xfe\x01' 'a: 5'; do
		printf '%s\n' "$text" > broken.yaml
		run -2 --separate-stderr imq-compile --check broken.yaml
		[ -z "$output" ]
		[[ "$stderr" == 'imq-compile: broken.yaml'* ]]
	done
}

@test "compile: a full disk is seen" {
	bot experts.url.expert 'overwrite: true'
	run -4 --separate-stderr bash -c 'imq-compile --command b runtime.yaml > /dev/full'
	[ "$stderr" = 'imq-compile: stdout: No space left on device' ]
}
