load lib

numbers() { # FROM TO
	seq "$1" "$2" | sed 's/.*/{"extra.n":&}/'
}

@test "deduplicator: an event passes once, raw and time.observation do not count" {
	run -0 imq-deduplicator <<< '{"source.ip":"192.0.2.1","raw":"eA==","time.observation":"2026-01-01T00:00:00+00:00"}
{"raw":"eQ==","source.ip":"192.0.2.1"}'
	[ "$output" = '{"source.ip":"192.0.2.1","raw":"eA==","time.observation":"2026-01-01T00:00:00+00:00"}' ]
}

@test "deduplicator: with a whitelist only the keys count, and events without them are all the same" {
	run -0 imq-deduplicator --filter-type whitelist --filter-keys source.ip \
		<<< $'{"comment":"c"}\n{"comment":"d"}\n{"source.ip":"192.0.2.1"}'
	[ "$output" = $'{"comment":"c"}\n{"source.ip":"192.0.2.1"}' ]
}

@test "deduplicator: 1, 1.0, a text and true are four different values" {
	printf '{"extra.a":%s}\n' 1 1.0 '"1"' true > events
	run -0 imq-deduplicator events
	[ "$output" = "$(cat events)" ]
}

@test "deduplicator: spelling, order of fields and values, and nesting do not matter" {
	run -0 imq-deduplicator <<< '{"extra.a":1e2,"comment":"x","source.ip":["192.0.2.1","192.0.2.2"]}
{"comment":"\u0078","source.ip":["192.0.2.2","192.0.2.1"],"extra.a":100.0}
{"extra":{"a":100.0},"comment":"x","source.ip":["192.0.2.1","192.0.2.2"],"feed.name":"-"}'
	[ "$output" = '{"extra.a":1e2,"comment":"x","source.ip":["192.0.2.1","192.0.2.2"]}' ]
}

@test "deduplicator: an array below extra has an order and is not its only element" {
	printf '{"extra.a":%s}\n' '["p","q"]' '["q","p"]' '[ "p", "q" ]' '"p"' '["p"]' '["p","-"]' > events
	run -0 imq-deduplicator events
	[ "${#lines[@]}" = 5 ]
	run -0 imq-deduplicator --filter-type whitelist --filter-keys extra.a events
	[ "${#lines[@]}" = 5 ]
	sed 's/"extra.a":\(.*\)}/"extra":{"a":\1}}/' events > nested
	run -0 imq-deduplicator events nested
	[ "${#lines[@]}" = 5 ]
}

@test "deduplicator: a number counts by its value, however it is written" {
	printf '{"extra.a":%s}\n' 0.5 0.50 5e-1 100.0 1e2 0.0 0.00 > events
	run -0 imq-deduplicator events
	[ "$output" = $'{"extra.a":0.5}\n{"extra.a":100.0}\n{"extra.a":0.0}' ]
}

@test "deduplicator: a nested extra key can be left out by its whole name only" {
	run -0 imq-deduplicator --filter-keys extra.a.b <<< $'{"extra":{"a":{"b":1},"c":1}}\n{"extra":{"a":{"b":2},"c":1}}'
	[ "${#lines[@]}" = 1 ]
	run -0 imq-deduplicator --filter-keys extra <<< $'{"extra":{"a":1}}\n{"extra":{"a":2}}'
	[ "${#lines[@]}" = 2 ]
}

@test "deduplicator: after the time to live an event passes again, repeats do not prolong it" {
	IMQ_NOW=2026-01-01T00:00:00+00:00 imq-deduplicator --ttl 1h --state s <<< '{"comment":"a"}' > /dev/null
	IMQ_NOW=2026-01-01T00:59:00+00:00 run -0 imq-deduplicator --ttl 1h --state s <<< '{"comment":"a"}'
	[ "$output" = "" ]
	IMQ_NOW=2026-01-01T01:00:01+00:00 run -0 imq-deduplicator --ttl 1h --state s <<< '{"comment":"a"}'
	[ "$output" = '{"comment":"a"}' ]
}

@test "deduplicator: bypass passes everything" {
	run -0 imq-deduplicator --bypass <<< $'{}\n{}'
	[ "$output" = $'{}\n{}' ]
}

@test "deduplicator: a full memory forgets the oldest, says so once, and goes on" {
	numbers 1 3000 > events
	run -0 --separate-stderr imq-deduplicator --limit 100 --stats events
	[ "${#lines[@]}" = 3000 ]
	[ "${#stderr_lines[@]}" = 2 ]
	[[ "${stderr_lines[0]}" == *'more than 100 keys to remember'* ]]
	[[ "${stderr_lines[1]}" == *'"state_keys":100,"state_forgotten":2900}' ]]
}

@test "deduplicator: a batch that comes again after a crash is neither lost nor taken for seen" {
	{ numbers 1 50; echo; numbers 51 100; echo; } > two
	IMQ_BATCH=1 imq-deduplicator --state s two > /dev/null
	numbers 51 100 > second
	{ cat second; echo; } > again
	IMQ_BATCH=2 imq-deduplicator --state s again > out
	cmp out again
	{ numbers 1 50; echo; } > first
	IMQ_BATCH=3 imq-deduplicator --state s first > out
	[ "$(cat out)" = "" ]
}

@test "deduplicator: killed in mid-run the state opens, and the unfinished batch passes whole" {
	mkfifo pipe
	IMQ_BATCH=1 imq-deduplicator --state s < pipe > out &
	pid=$!
	exec 7> pipe
	{ numbers 1 1000; echo; numbers 1001 1500; } >&7
	wait_until grep -q '^{"extra.n":1500}' out
	kill -9 $pid
	wait $pid || true
	exec 7>&-
	{ numbers 900 1500; echo; } > again
	IMQ_BATCH=2 imq-deduplicator --state s again > out2
	{ numbers 1001 1500; echo; } | cmp - out2
}

@test "deduplicator: under a pump the end of input commits nothing" {
	IMQ_BATCH=1 imq-deduplicator --state s <<< '{"comment":"a"}' > /dev/null
	IMQ_BATCH=1 run -0 imq-deduplicator --state s <<< '{"comment":"a"}'
	[ "$output" = '{"comment":"a"}' ]
}

@test "deduplicator: a state that another process uses is refused, as is one of another command or another kind" {
	mkfifo pipe
	imq-deduplicator --state s < pipe > out &
	exec 7> pipe
	echo '{}' >&7
	wait_until test -s out
	run -2 --separate-stderr imq-deduplicator --state s <<< '{}'
	[[ "$stderr" == *"another process is using this state"* ]]
	exec 7>&-
	wait
	echo 'not a database, but long enough to be looked at as if it were one, which takes a hundred bytes and more' > junk
	run -2 --separate-stderr imq-deduplicator --state junk <<< '{}'
	[ "$output" = "" ]
	run -2 --separate-stderr imq-deduplicator --state http://localhost <<< '{}'
	[[ "$stderr" == *"a file, or redis://"* ]]
}

@test "deduplicator: a broken line is rejected and counted, the next one goes on" {
	run -3 --separate-stderr imq-deduplicator --stats <<< $'{"a"\n{}\n{}'
	[ "$output" = '{}' ]
	[[ "$stderr" == *'"in":3,"created":0,"out":1,"dropped":1,"merged":0,"rejected":1,"pending":0'* ]]
}
