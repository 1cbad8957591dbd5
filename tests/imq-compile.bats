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
	[ "$output" = "imq-sieve --file=x.sieve '--paths=one,two words'" ]
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
	run -0 --separate-stderr imq-compile --check runtime.yaml
	[ -z "$output$stderr" ]
}

@test "compile: what is wrong is told with its line, all of it by --check" {
	cat > runtime.yaml <<- 'END'
		good:
		  module: intelmq.bots.experts.url.expert
		typo:
		  module: intelmq.bots.experts.url.expert
		  parameters:
		    over_writ: true
		type:
		  module: intelmq.bots.experts.url.expert
		  parameters:
		    overwrite: sometimes
		unknown:
		  module: intelmq.bots.experts.no_such.expert
		empty:
		  enabled: true
	END
	run -2 --separate-stderr imq-compile --check runtime.yaml
	[ -z "$output" ]
	[ "$stderr" = 'imq-compile: runtime.yaml:6: unknown parameter "over_writ" of imq-url: did you mean "overwrite"?
imq-compile: runtime.yaml:10: overwrite: not true or false: "sometimes"
imq-compile: runtime.yaml:12: no command for module "intelmq.bots.experts.no_such.expert"
imq-compile: runtime.yaml:13: bot "empty" has no module' ]
	run -2 --separate-stderr imq-compile --command typo runtime.yaml
	[[ "$stderr" == *':6: '* ]]
	run -0 imq-compile --command good runtime.yaml
	[ "$output" = imq-url ]
	run -2 --separate-stderr imq-compile --command no-such runtime.yaml
	[ "$stderr" = 'imq-compile: runtime.yaml: no bot "no-such"' ]
}

@test "compile: wrong usage and files that are none" {
	run -2 imq-compile
	run -2 imq-compile runtime.yaml
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
