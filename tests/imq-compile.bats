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

@test "compile: null is as if a parameter were not there, but where null means something else than the default" {
	bot outputs.smtp.output 'text: null' 'smtp_username: null' 'fieldnames: null'
	run -0 imq-compile --command b runtime.yaml
	[ "$output" = 'imq-to-smtp --text=null' ]
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
	bot outputs.smtp_batch.output 'redis_cache_host: cache.example' 'redis_cache_port: 6380' 'redis_cache_db: 4' 'email_from: c@example.com' \
		'smtp_server: [localhost, 25]' 'testing_to: ""' 'bcc: []' 'limit_results: 10'
	run -0 imq-compile --command b runtime.yaml
	[ "$output" = "imq-to-smtp-batch --email-from=c@example.com '--smtp-server=[\"localhost\",25]' --testing-to= '--bcc=[]' --limit-results=10 '--state=redis://cache.example:6380/4#b'" ]
	botnet
	sed -i 's/^global: {/&redis_cache_password: "a@b c", /' runtime.yaml
	sed -i 's/experts.taxonomy.expert/experts.cymru_whois.expert/' runtime.yaml
	run -0 --separate-stderr imq-compile --output out runtime.yaml
	[ "$(jq -r .cache out/tax.yaml)" = 'redis://:a%40b%20c@127.0.0.1' ]
	run -1 grep -q 'a%40b' out/pipeline.sh
	sed -i 's|global: {|&redis_cache_host: "unix:///run/a b.sock", redis_cache_db: 7, |' runtime.yaml
	run -0 --separate-stderr imq-compile --output out runtime.yaml
	[ "$(jq -r .cache out/tax.yaml)" = 'redis:/run/a%20b.sock?db=7&password=a%40b%20c' ]
	[ "$(stat -c %a out/tax.yaml)" = 600 ]
	run -1 grep -q 'a%40b' out/pipeline.sh
	sed -i '/http_password/d' runtime.yaml
	run -2 --separate-stderr imq-compile runtime.yaml
	[[ "$stderr" == *'redis_cache_password is a secret: with --output FOLDER it gets a file of its own'* ]]
	# A parameter of imq's own that has a password in it.
	sed -i 's|^global: .*|global: {cache: "redis:/x?password=a%40b"}|' runtime.yaml
	run -0 --separate-stderr imq-compile --output out runtime.yaml
	[ "$(jq -r .cache out/tax.yaml)" = 'redis:/x?password=a%40b' ]
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
	run -1 grep -rq 'secret' out/pipeline.sh
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
	for bot in feodo-collector file-collector dedup one rest; do
		run -0 imq-compile --output out --pump "$bot" runtime.yaml
		shellcheck "out/$bot.sh"
		sh -n "out/$bot.sh"
	done
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
	grep -q 'from "amqp://mq.example?records=20&heartbeat=60#feodo-parser-queue"' out/pipeline.sh
	run -0 imq-compile --output out --queue 'amqp://mq.example?heartbeat=5&records=7#x-' runtime.yaml
	grep -q 'from "amqp://mq.example?heartbeat=5&records=7#x-feodo-parser-queue"' out/pipeline.sh
	run -0 imq-compile --output out --queue amqp://u:pw@mq.example runtime.yaml
	run -1 grep -q u:pw out/pipeline.sh
	[ "$(jq -r .from out/feodo-parser.queues.yaml)" = 'amqp://u:pw@mq.example?records=20&heartbeat=60#feodo-parser-queue' ]
	run -0 imq-compile --output out --queue intelmq runtime.yaml
	grep -q 'from "redis://127.0.0.1:6379/2#feodo-parser-queue"' out/pipeline.sh
}

@test "compile: states and numbered sinks behind RabbitMQ or Kafka get a spool, others do not" {
	cat > runtime.yaml <<- 'END'
		tax:
		  {group: Expert, name: t, description: t, enabled: true, module: intelmq.bots.experts.taxonomy.expert,
		    parameters: {destination_queues: {_default: [count-queue, sql-queue], other: [file-queue]}}}
		count:
		  {group: Expert, name: c, description: c, enabled: true, module: intelmq.bots.experts.aggregate.expert,
		    parameters: {destination_queues: [file-queue]}}
		sql:
		  {group: Output, name: s, description: s, enabled: true, module: intelmq.bots.outputs.sql.output,
		    parameters: {engine: sqlite, database: db, table: events}}
		file:
		  {group: Output, name: f, description: f, enabled: true, module: intelmq.bots.outputs.file.output, parameters: {file: f}}
	END
	spools() {
		grep -o '^.*)$\|spool ".*"' | grep -B1 spool | tr -d ')\t' | grep -v '^-' | xargs
	}
	for kind in amqp://mq.example amqps://mq.example kafka://mq.example 'kafka://mq.example?group=x#'; do
		imq-compile --queue "$kind" runtime.yaml > script
		[ "$(spools < script)" = 'count spool $IMQ_STATE/count.spool sql spool $IMQ_STATE/sql.spool' ]
		sh -n script
	done
	for kind in sqlite intelmq redis://mq.example; do
		imq-compile --queue "$kind" runtime.yaml > script
		[ -z "$(spools < script)" ]
	done
	# Also where it is not the first of its pipeline, and in a branch.
	sed -i 's/count-queue, sql-queue\], other: \[file-queue/sql-queue], other: [file-queue/; s/\[file-queue\]}}$/[own-queue]}}/' runtime.yaml
	echo 'own: {group: Output, module: intelmq.bots.outputs.file.output, parameters: {file: g}}' >> runtime.yaml
	imq-compile --queue amqp://mq.example runtime.yaml > script
	grep -q 'tax | (sql, other: file)' script
	[ "$(spools < script)" = 'tax spool $IMQ_STATE/tax.spool count spool $IMQ_STATE/count.spool' ]
	run -0 imq-compile --check runtime.yaml
	# IntelMQ's own broker, for one bot.
	sed -i '1i global: {source_pipeline_broker: amqp}' runtime.yaml
	run -0 --separate-stderr imq-compile --pump count runtime.yaml
	[ "$(grep -c 'spool "$IMQ_STATE/count.spool"' <<< "$output")" = 1 ]
	run -0 --separate-stderr imq-compile --pump tax runtime.yaml
	[[ "$output" != *spool* ]]
}

@test "compile: --systemd writes a service per pipeline, a timer for the scheduled one" {
	botnet
	run -2 imq-compile --systemd units runtime.yaml
	run -0 imq-compile --output out --systemd units runtime.yaml
	grep -q "ExecStart=/bin/sh \"$PWD/out/pipeline.sh\" feodo-parser" units/imq-feodo-parser.service
	[ -e units/imq-file-collector.timer ]
	[ -e units/imq.target ]
	run -1 grep -q WantedBy units/imq-off.service
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
	[ "$stderr" = 'imq-compile: twice.yaml:3: key "a": given twice' ]
	for text in $'global: {}\na: {}\nglobal: {}' $'a:\n  module: x\n  module: x' $'a:\n  parameters:\n\n    {b: 1, b: 1}' $'a:\n  parameters:\n    b: {c: 1, c: 1}'; do
		printf '%s\n' "$text" > twice.yaml
		run -2 --separate-stderr imq-compile --check twice.yaml
		[[ "$stderr" == 'imq-compile: twice.yaml:'[34]': key '*': given twice' ]]
	done
	for text in 'a: [' 'a: {b: c' '[1, 2]' '- a' 'a: &x [*x]' $'a:\n\tmodule: x' $'\xff\xfe\x01' 'a: 5'; do
		printf '%s\n' "$text" > broken.yaml
		run -2 --separate-stderr imq-compile --check broken.yaml
		[ -z "$output" ]
		[[ "$stderr" == 'imq-compile: broken.yaml'* ]]
	done
}

@test "compile: anchors, aliases and merge keys are what they stand for, in parameters, bots and queues" {
	cat > runtime.yaml <<- 'END'
	global: &g
	  overwrite: &yes true
	a: &a
	  module: intelmq.bots.experts.url.expert
	  parameters: &p
	    skip_fields: &skip [source.port, source.fqdn]
	    destination_queues: {_default: &q [b-queue]}
	b:
	  <<: *a
	  parameters:
	    <<: [*p, *g]
	    overwrite: false
	    destination_queues: {}
	END
	run -0 --separate-stderr imq-compile --command a runtime.yaml
	[ "$output" = "imq-url --overwrite '--skip-fields=[\"source.port\",\"source.fqdn\"]'" ]
	run -0 --separate-stderr imq-compile --command b runtime.yaml
	[ "$output" = "imq-url --no-overwrite '--skip-fields=[\"source.port\",\"source.fqdn\"]'" ]
	[ -z "$stderr" ]
}

@test "compile: aliases that stand for nothing, for themselves or for too much are told with their line" {
	printf 'a:\n  module: x\n  parameters: *p\n' > runtime.yaml
	run -2 --separate-stderr imq-compile --check runtime.yaml
	[ "$stderr" = 'imq-compile: runtime.yaml:3: alias "p": there is no such anchor before it' ]
	printf 'a: &a\n  module: x\n  parameters: *a\n' > runtime.yaml
	run -2 --separate-stderr imq-compile --check runtime.yaml
	[ "$stderr" = 'imq-compile: runtime.yaml:3: alias "a": it is a part of what it stands for' ]
	{
		echo 'a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]'
		for i in {1..30}; do
			printf 'a%d: &a%d [' "$i" "$i"
			printf '*a%d, ' $((i - 1)){,,,,,,,,,}
			echo ']'
		done
	} > runtime.yaml
	run -2 --separate-stderr imq-compile --check runtime.yaml
	[ "$stderr" = 'imq-compile: runtime.yaml:6: alias "a4": the aliases up to here stand for more than 16 MiB' ]
}

@test "compile: numbers are those of YAML 1.2" {
	bot experts.wait.expert 'queue_port: 0x1f' 'queue_db: 0o17' 'queue_size: 1_000' 'queue_name: yes'
	run -0 --separate-stderr imq-compile --command b runtime.yaml
	[ "$output" = 'imq-wait --queue-port=31 --queue-db=15 --queue-size=1000 --queue-name=yes' ]
}

@test "compile: a path's name may have a comma in it, or what JSON begins with, but no equals sign" {
	cat > runtime.yaml <<- 'END'
		s:
		  module: intelmq.bots.experts.sieve.expert
		  parameters: {file: x.sieve, destination_queues: {_default: [o], "one, two": [p], "[x": [q], " y": [o]}}
		o: {module: intelmq.bots.outputs.file.output, parameters: {source_queue: o, file: out}}
		p: {module: intelmq.bots.outputs.file.output, parameters: {source_queue: p, file: out-p}}
		q: {module: intelmq.bots.outputs.file.output, parameters: {source_queue: q, file: out-q}}
	END
	run -0 --separate-stderr imq-compile --command s runtime.yaml
	[ "$output" = "imq-sieve --file=x.sieve '--paths=[\"one, two\",\"[x\",\" y\"]'" ]
	printf '%s\n' 'if source.port == 1 { path "one, two" }' 'if source.port == 2 { path "[x" }' 'if source.port == 3 { path " y" }' > x.sieve
	run -0 imq-compile --output out runtime.yaml
	shellcheck out/pipeline.sh
	export IMQ_STATE=$PWD/state
	mkdir state
	printf '{"source.port":%d}\n' 1 2 3 4 | imq-queue put sqlite:state/queues.db#s-queue
	run -0 timeout 20 sh <(sed 's/exec imq-pump/& --drain/' out/pipeline.sh) s
	[ "$(imq-queue peek sqlite:state/queues.db#p)" = '{"source.port":1}' ]
	[ "$(imq-queue peek sqlite:state/queues.db#q)" = '{"source.port":2}' ]
	[ "$(imq-queue peek sqlite:state/queues.db#o | sort)" = $'{"source.port":3}\n{"source.port":4}' ]
	# Without queues between.
	sed -i 's/, " y": \[o\]//' runtime.yaml
	run -0 imq-compile --output out runtime.yaml
	grep -q -F "'one, two'='imq-to-file" out/pipeline.sh
	for name in a=b ''; do
		sed "s/one, two/$name/" runtime.yaml > other.yaml
		run -2 --separate-stderr imq-compile other.yaml
		[[ "$stderr" == *'other.yaml:3: bot "s": path "'$name'": no path may have an empty name, or one with "="'* ]]
		run -2 --separate-stderr imq-compile --pump s other.yaml
		[ "$stderr" = 'imq-compile: other.yaml:3: bot "s": path "'$name'": no path may have an empty name, or one with "="' ]
	done
}

@test "compile: a full disk is seen" {
	bot experts.url.expert 'overwrite: true'
	run -4 --separate-stderr bash -c 'imq-compile --command b runtime.yaml > /dev/full'
	[ "$stderr" = 'imq-compile: stdout: No space left on device' ]
}

# Commands that only note what they are called with: `sleep`, and $1, which ends with the numbers in `statuses`, one after the other,
# and hangs then.
stubs() {
	mkdir -p stubs
	printf '#!/bin/sh\necho "sleep $*" >> log\n' > stubs/sleep
	cat > "stubs/$1" <<- 'END'
		#!/bin/sh
		echo run >> log
		read -r status rest < statuses
		echo "$rest" > statuses
		[ -n "$status" ] || exec tail -f /dev/null
		exit "$status"
	END
	chmod +x stubs/*
	rm -f log
	cat > runtime.yaml <<- END
		c:
		  module: intelmq.bots.collectors.file.collector_file
		  group: Collector
		  parameters: {path: in, destination_queues: [o-queue], $2}
		o: {group: Output, module: intelmq.bots.outputs.file.output, parameters: {file: o}}
	END
	run -0 imq-compile --output out runtime.yaml
	shellcheck out/pipeline.sh
	export IMQ_STATE=$PWD/state
}

@test "compile: a collector that fails is tried again after error_retry_delay, error_max_retries times, before it rests" {
	stubs imq-from-file 'rate_limit: 7'
	echo 0 5 5 0 5 5 5 5 0 3 > statuses
	PATH=$PWD/stubs:$PATH sh out/pipeline.sh c 2> messages 3>&- &
	wait_until eval '[ "$(grep -c run log)" = 11 ]'
	kill $!
	wait $!
	[ "$(xargs < log)" = 'run sleep 7 run sleep 15 run sleep 15 run sleep 7 run sleep 15 run sleep 15 run sleep 15 run sleep 7 run sleep 7 run sleep 7 run' ]
	[ "$(sed -n '3p;6p;7p' messages)" = 'pipeline c: exit status 5, again in 15 s
pipeline c: exit status 5, again in 7 s
pipeline c: exit status 3, again in 7 s' ]
	stubs imq-from-file 'rate_limit: 7, error_max_retries: 1, error_retry_delay: 2'
	echo 5 5 4 4 0 2 > statuses
	PATH=$PWD/stubs:$PATH run -2 sh out/pipeline.sh c
	# A queue that is away (4) is waited for.
	[ "$(xargs < log)" = 'run sleep 2 run sleep 7 run sleep 2 run sleep 2 run sleep 7 run' ]
	stubs imq-from-file 'rate_limit: 7, error_max_retries: 0'
	echo 5 2 > statuses
	PATH=$PWD/stubs:$PATH run -2 sh out/pipeline.sh c
	[ "$(xargs < log)" = 'run sleep 7 run' ]
}

@test "compile: with error_procedure: stop a collector that fails stays down" {
	stubs imq-from-file 'error_procedure: stop, error_max_retries: 1'
	sed -i 's/^o:.*/o: {group: Output, enabled: false, module: intelmq.bots.outputs.file.output, parameters: {file: o}}/' runtime.yaml
	run -0 imq-compile --output out --systemd units runtime.yaml
	echo 5 0 5 5 > statuses
	PATH=$PWD/stubs:$PATH run -0 --separate-stderr sh out/pipeline.sh
	[ "$(xargs < log)" = 'run sleep 15 run sleep 300 run sleep 15 run' ]
	[ "${stderr##*$'\n'}" = 'pipeline c: exit status 1, not started again' ]
	grep -q '^RestartPreventExitStatus=1 2$' units/imq-c.service
}

@test "compile: a collector without a rate_limit rests as long as IntelMQ's; a scheduled one runs once, and retries too" {
	stubs imq-from-file 'postfix: .x'
	grep -q 'every 300 imq-from-file' out/pipeline.sh
	stubs imq-from-file 'rate_limit: 0'
	grep -q 'every 1 imq-from-file' out/pipeline.sh
	stubs imq-from-file 'run_mode: scheduled'
	echo 5 0 > statuses
	PATH=$PWD/stubs:$PATH run -0 sh out/pipeline.sh c
	[ "$(xargs < log)" = 'run sleep 15 run' ]
	stubs imq-from-file 'run_mode: scheduled'
	echo 5 5 5 5 0 > statuses
	PATH=$PWD/stubs:$PATH run -5 sh out/pipeline.sh c
	[ "$(xargs < log)" = 'run sleep 15 run sleep 15 run sleep 15 run' ]
}

# What `script` runs for a pipeline.
block() {
	sed -n "/^\t$1)\$/,/;;/p" script
}

@test "compile: a scheduled bot does not run while its last run is not over, nor what that has left behind" {
	stubs imq-from-file 'rate_limit: 7'
	sed -i 's/^  group: Collector/  run_mode: scheduled\n&/' runtime.yaml
	run -0 imq-compile --output out --systemd units runtime.yaml
	shellcheck out/pipeline.sh
	echo > statuses
	PATH=$PWD/stubs:$PATH sh out/pipeline.sh c 3>&- &
	script=$!
	wait_until test -s log
	PATH=$PWD/stubs:$PATH run -0 --separate-stderr sh out/pipeline.sh c
	[ "$stderr" = 'pipeline c: still running, not started again' ]
	[ -z "$output" ]
	# The script is killed, what it has started is not.
	child=$(pgrep -P "$script")
	kill -9 "$script"
	PATH=$PWD/stubs:$PATH run -0 --separate-stderr sh out/pipeline.sh c
	[ "$stderr" = 'pipeline c: still running, not started again' ]
	[ "$(xargs < log)" = run ]
	kill "$child"
	wait_until flock -n state/c.lock true
	echo 0 > statuses
	PATH=$PWD/stubs:$PATH run -0 --separate-stderr sh out/pipeline.sh c
	[ -z "$stderr" ]
	[ "$(xargs < log)" = 'run run' ]
	# A unit that is starting is not started again: Type=oneshot is that until its script has ended (systemd.service).
	grep -q '^Type=oneshot$' units/imq-c.service
	run -0 imq-compile --pump c --output out runtime.yaml
	shellcheck out/c.sh
	flock state/c.lock sh out/c.sh 2> messages
	[ "$(cat messages)" = 'pipeline c: still running, not started again' ]
}

@test "compile: what reads a source without an end ends when nothing is left, where it has a timer or pauses" {
	cat > runtime.yaml <<- 'END'
		one: {group: Collector, module: intelmq.bots.collectors.kafka.collector, run_mode: scheduled, parameters: {topic: t, destination_queues: [o-queue]}}
		two: {group: Collector, module: intelmq.bots.collectors.kafka.collector, parameters: {topic: t, rate_limit: 60, destination_queues: [o-queue]}}
		three: {group: Collector, module: intelmq.bots.collectors.amqp.collector_amqp, parameters: {queue_name: q, destination_queues: [o-queue]}}
		four: {group: Collector, module: intelmq.bots.collectors.amqp.collector_amqp, run_mode: scheduled, parameters: {queue_name: q, drain: true, destination_queues: [o-queue]}}
		o: {group: Output, module: intelmq.bots.outputs.file.output, parameters: {file: o}}
	END
	run -0 --separate-stderr imq-compile runtime.yaml
	echo "$output" > script
	[[ "$(block one)" == *'attempt imq-from-kafka '*' --drain '* ]]
	[[ "$(block two)" == *'every 60 imq-from-kafka '*' --drain '* ]]
	[[ "$(block three)" == *'every 1 imq-from-amqp '* && "$(block three)" != *--drain* ]]
	[ "$(block four | grep -o -- --drain)" = --drain ]
	[ "$(grep -o -- '--group-id=[a-z]*' <<< "$output" | xargs)" = '--group-id=one --group-id=two' ]
	sed -i 's/topic: t/topic: t, group_id: mine/' runtime.yaml
	run -0 imq-compile --command one runtime.yaml
	[ "$output" = 'imq-from-kafka --topic=t --group-id=mine' ]
}

@test "compile: names of queues are data, whatever is in them, and so are parts of URLs" {
	cat > runtime.yaml <<- 'END'
		global: {source_pipeline_password: "p@s/s$(touch pwned)", destination_pipeline_password: "p@s/s$(touch pwned)", source_pipeline_host: "::1"}
		a: {group: Expert, module: intelmq.bots.experts.url.expert, parameters: {source_queue: "q$(touch pwned)`touch pwned`\"#1", destination_queues: [x-queue]}}
		x: {group: Output, module: site.bots.outputs.own}
	END
	run -0 imq-compile --output out runtime.yaml
	shellcheck out/pipeline.sh
	run -1 grep -q 'p@s' out/pipeline.sh
	[ "$(jq -r '.to[0]' out/a.queues.yaml)" = 'redis://:p%40s%2Fs%24%28touch%20pwned%29@127.0.0.1:6379/2#x-queue' ]
	grep -q -F -- '--from "sqlite:$IMQ_STATE/queues.db#q%24%28touch%20pwned%29%60touch%20pwned%60%22%231"' out/pipeline.sh
	run -0 imq-compile --output out --queue 'sqlite:$(touch pwned)`touch pwned`q.db' runtime.yaml
	PATH=$PWD:$PATH
	printf '#!/bin/sh\nprintf "%%s\\n" "$@"\n' > imq-pump
	chmod +x imq-pump
	IMQ_STATE=$PWD/state run -0 sh out/pipeline.sh a
	[ ! -e pwned ]
	[ "${lines[1]}" = 'sqlite:$(touch pwned)`touch pwned`q.db#q%24%28touch%20pwned%29%60touch%20pwned%60%22%231' ]
	run -0 imq-compile --output out --queue intelmq runtime.yaml
	[ "$(jq -r .from out/a.queues.yaml)" = 'redis://:p%40s%2Fs%24%28touch%20pwned%29@[::1]:6379/2#q%24%28touch%20pwned%29%60touch%20pwned%60%22%231' ]
}

@test "compile: the settings of IntelMQ's brokers are those of its queues; a broker that is none is told" {
	cat > runtime.yaml <<- 'END'
		global:
		  source_pipeline_broker: AMQP
		  source_pipeline_host: mq.example
		  source_pipeline_username: me
		  source_pipeline_password: null
		  source_pipeline_ssl: true
		  source_pipeline_amqp_virtual_host: a/b
		  source_pipeline_amqp_exchange: ex
		  destination_pipeline_broker: redis
		  destination_pipeline_host: unix:///run/redis.sock
		a: {group: Expert, module: intelmq.bots.experts.url.expert, parameters: {destination_queues: [x-queue]}}
		x: {group: Output, module: site.bots.outputs.own}
	END
	run -0 --separate-stderr imq-compile --queue intelmq runtime.yaml
	[[ "$output" == *'--from "amqps://mq.example:5672/a%2Fb?exchange=ex#a-queue"'* ]]
	told='runtime.yaml:6: warning: bot "a": source_pipeline_port is not given, and is 5672 with TLS too; RabbitMQ'"'s own for TLS is 5671"
	[[ "$stderr" == *"$told"* ]]
	[[ "$stderr" != *destination_pipeline_port* ]]
	sed 's/^  source_pipeline_host:.*/&\n  source_pipeline_port: 5671/' runtime.yaml > port.yaml
	run -0 --separate-stderr imq-compile --queue intelmq port.yaml
	[[ "$output" == *'--from "amqps://mq.example:5671/a%2Fb?exchange=ex#a-queue"'* ]]
	[[ "$stderr" != *_pipeline_port* ]]
	[[ "$output" == *'--to "redis:/run/redis.sock?db=2#x-queue"'* ]]
	echo '  destination_pipeline_password: x' | sed -i '/destination_pipeline_host/r /dev/stdin' runtime.yaml
	run -2 --separate-stderr imq-compile runtime.yaml
	[[ "$stderr" == *'runtime.yaml:12: bot "a": its queue has a password: with --output FOLDER it gets a file of its own' ]]
	sed -i 's/destination_pipeline_broker: redis/destination_pipeline_broker: pythonlist/' runtime.yaml
	run -2 --separate-stderr imq-compile runtime.yaml
	[[ "$stderr" == *'runtime.yaml:12: bot "a": destination_pipeline_broker is redis or amqp, not "pythonlist"' ]]
}

@test "compile: a branch of imq-route finds its config file" {
	cat > runtime.yaml <<- 'END'
		a:
		  group: Expert
		  module: intelmq.bots.experts.taxonomy.expert
		  parameters: {destination_queues: [one-queue, two-queue]}
		one: {group: Expert, module: intelmq.bots.experts.url.expert, parameters: {skip_fields: [source.fqdn], destination_queues: [end-queue]}}
		end: {group: Output, module: intelmq.bots.outputs.file.output, parameters: {file: one}}
		two: {group: Output, module: intelmq.bots.outputs.file.output, parameters: {file: two}}
	END
	run -0 imq-compile --output out runtime.yaml
	sed -i 's/exec imq-pump/exec imq-pump --drain/' out/pipeline.sh
	mkdir state
	echo '{"classification.type":"spam","source.url":"http://example.com:80/"}' | imq-queue put sqlite:state/queues.db#a-queue
	IMQ_STATE=$PWD/state run -0 sh out/pipeline.sh a
	[ "$(jq -c '[."source.port", ."source.fqdn"]' one)" = '[80,null]' ]
	[ -s two ]
}

@test "compile: collectors put their reports on the queues of the path _default, with load_balance on one in turn" {
	cat > runtime.yaml <<- 'END'
		c:
		  group: Collector
		  module: intelmq.bots.collectors.file.collector_file
		  run_mode: scheduled
		  parameters: {path: in, load_balance: true, destination_queues: {_default: [a-queue, b-queue], other: [o-queue]}}
		a: {group: Output, module: intelmq.bots.outputs.file.output, parameters: {file: o}}
		b: {group: Output, module: intelmq.bots.outputs.file.output, parameters: {file: o}}
		o: {group: Output, module: intelmq.bots.outputs.file.output, parameters: {file: o}}
	END
	run -0 --separate-stderr imq-compile --output out runtime.yaml
	[[ "$stderr" == *'runtime.yaml:5: warning: bot "c": collectors send nothing to the path "other"'* ]]
	mkdir in
	for i in 1 2 3; do echo "$i" > "in/$i.csv"; done
	IMQ_STATE=$PWD/state run -0 sh out/pipeline.sh c
	[ "$(imq-queue get sqlite:state/queues.db#a-queue | jq -r .raw | base64 -d | xargs)" = '1 3' ]
	[ "$(imq-queue get sqlite:state/queues.db#b-queue | jq -r .raw | base64 -d | xargs)" = 2 ]
	[ -z "$(imq-queue get sqlite:state/queues.db#o-queue)" ]
	sed -i 's/load_balance: true, //' runtime.yaml
	run -0 imq-compile --output out runtime.yaml
	IMQ_STATE=$PWD/state run -0 sh out/pipeline.sh c
	[ "$(imq-queue get sqlite:state/queues.db#b-queue | jq -r .raw | base64 -d | xargs)" = '1 2 3' ]
}

@test "compile: a parameter beats the entry's own key, and that the global section" {
	cat > runtime.yaml <<- 'END'
		global: {name: all, rate_limit: 5, run_mode: continuous}
		a: {group: Collector, name: A, module: intelmq.bots.collectors.file.collector_file, run_mode: continuous, parameters: {run_mode: scheduled, destination_queues: [o-queue]}}
		b: {group: Collector, module: intelmq.bots.collectors.file.collector_file, run_mode: scheduled, parameters: {destination_queues: [o-queue], rate_limit: 6}}
		c: {group: Collector, name: C, enabled: 0, module: intelmq.bots.collectors.file.collector_file, parameters: {destination_queues: [o-queue], name: own}}
		o: {group: Output, module: intelmq.bots.outputs.file.output, parameters: {file: o}}
	END
	run -0 --separate-stderr imq-compile runtime.yaml
	echo "$output" > script
	[ "$(sh script --list)" = o ]
	[[ "$(block a)" == *'attempt imq-from-file --name=A '* ]]
	[[ "$(block b)" == *'attempt imq-from-file --name=all '* ]]
	[[ "$(block c)" == *'every 5 imq-from-file --name=own '* ]]
	INTELMQ_RUN_MODE=scheduled INTELMQ_RATE_LIMIT=9 run -0 --separate-stderr imq-compile runtime.yaml
	[[ "$output" != *'every 5'* ]]
}

@test "compile: settings that every bot of IntelMQ has are no mistake where they have no effect, and are told" {
	bot experts.taxonomy.expert 'http_proxy: http://p/' 'accuracy: 3' 'rate_limit: 3' 'logging_level: DEBUG' 'instances_threads: 4' 'destination_queues: [q]'
	echo 'o: {group: Output, module: intelmq.bots.outputs.file.output, parameters: {file: o, source_queue: q}}' >> runtime.yaml
	run -0 --separate-stderr imq-compile --check runtime.yaml
	[ "$(grep 'no effect' <<< "$stderr")" = 'imq-compile: runtime.yaml:4: warning: bot "b": http_proxy has no effect on imq-taxonomy
imq-compile: runtime.yaml:5: warning: bot "b": accuracy has no effect on imq-taxonomy
imq-compile: runtime.yaml:6: warning: bot "b": rate_limit has no effect on imq-taxonomy' ]
	bot experts.rdap.expert 'http_proxy: http://p/' 'rate_limit: 4'
	run -0 --separate-stderr imq-compile --command b runtime.yaml
	[ "$output" = 'imq-rdap --http-proxy=http://p/ --rate=0.25' ]
	bot experts.rdap.expert 'rate: 3' 'rate_limit: 4'
	run -0 --separate-stderr imq-compile --command b runtime.yaml
	[ "$output" = 'imq-rdap --rate=3' ]
}

@test "compile: values of common settings, and keys of entries, that are slips are told" {
	cat > runtime.yaml <<- 'END'
		a:
		  module: intelmq.bots.collectors.file.collector_file
		  parametres: {path: x}
		  parameters:
		    rate_limit: 1h
		    error_max_retries: -1
		    error_retry_delay: []
		    error_procedure: continue
		    load_balance: "yes"
		    error_dump_message: 2
		    destination_queues: [b-queue]
		b: {group: Output, module: intelmq.bots.outputs.file.output, parameters: {file: o, error_max_retries: null, rate_limit: 0.5, load_balance: false}}
	END
	run -2 --separate-stderr imq-compile --check runtime.yaml
	[ "$(grep -v 'has no\|has no effect' <<< "$stderr")" = 'imq-compile: runtime.yaml:3: warning: bot "a": "parametres" is ignored: did you mean "parameters"?
imq-compile: runtime.yaml:5: bot "a": rate_limit is a number from 0 on, not "1h"
imq-compile: runtime.yaml:6: bot "a": error_max_retries is a number from 0 on, not -1
imq-compile: runtime.yaml:7: bot "a": error_retry_delay is a number from 0 on, not []
imq-compile: runtime.yaml:9: bot "a": load_balance is true or false, not "yes"
imq-compile: runtime.yaml:10: bot "a": error_dump_message is true or false, not 2
imq-compile: runtime.yaml:8: bot "a": error_procedure is pass or stop, not "continue"' ]
}

@test "compile: without error_dump_message rejects are not kept" {
	bot experts.taxonomy.expert 'error_dump_message: false' 'destination_queues: [q]'
	echo 'o: {group: Output, module: intelmq.bots.outputs.file.output, parameters: {file: o, source_queue: q}}' >> runtime.yaml
	run -0 --separate-stderr imq-compile runtime.yaml
	[[ "$output" != *b.rejects* && "$output" == *o.rejects* ]]
}
