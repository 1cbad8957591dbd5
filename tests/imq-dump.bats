load lib

# Rejects as commands write them: two events, one record that is no JSON, and one of another command.
rejects() {
	imq-to-file --file out --single-key source.ip --rejects rejects <<< $'{"comment":"one"}\n{"comment":"two"\n{"comment":"tree"}' || true
	rm out
	echo '{"command":"imq-taxonomy","file":"events.ndjson","line":7,"reason":"so","record":{"classification.type": "spam"}}' >> rejects
}

intelmq_dump() {
	cat > bot.dump <<- 'END'
		{
		    "2026-01-02T03:04:05.000006": {
		        "bot_id": "taxo",
		        "message": "{\"classification.type\": \"spam\", \"__type\": \"Event\"}",
		        "source_queue": "taxo-queue",
		        "traceback": ["Traceback:\n", "ValueError: no good\n"]
		    },
		    "2026-01-01T03:04:05": {
		        "bot_id": "taxo",
		        "message": "eyJjb21tZW50IjogImEifQ==",
		        "message_type": "base64",
		        "source_queue": null,
		        "traceback": "one line"
		    },
		    "2026-01-03T03:04:05.1": {
		        "bot_id": "taxo",
		        "message": "/////w==",
		        "message_type": "base64",
		        "source_queue": "taxo-queue",
		        "traceback": "not decodable"
		    }
		}
	END
}

@test "dump: rejects are listed with their place, command and reason" {
	rejects
	run -0 --separate-stderr imq-dump rejects
	[ "${#lines[@]}" = 4 ]
	[ "${lines[0]}" = '  0: -:1 imq-to-file: source.ip: absent, and nothing else is to be written' ]
	[ "${lines[3]}" = '  3: events.ndjson:7 imq-taxonomy: so' ]
	run -0 imq-dump --command imq-taxonomy rejects
	[ "$output" = '  3: events.ndjson:7 imq-taxonomy: so' ]
	run -0 imq-dump --ids 1-2 --reason column rejects
	[ "${#lines[@]}" = 1 ]
	[[ "$output" == '  1: '* ]]
	run -1 imq-dump --reason nothing-like-this rejects
}

@test "dump: records are shown whole, cut where they are long, or as they are" {
	rejects
	run -0 imq-dump --show --ids 3 rejects
	[ "$output" = $'  3: events.ndjson:7 imq-taxonomy: so\n{\n  "classification.type": "spam"\n}' ]
	run -0 imq-dump --show --truncate 3 --ids 3 rejects
	[[ "$output" == *'"classification.type": "sp...[truncated]'* ]]
	run -0 imq-dump --records rejects
	[ "$output" = $'{"comment":"one"}\n{"comment":"two"\n{"comment":"tree"}\n{"classification.type": "spam"}' ]
}

@test "dump: what is replayed is removed, what came meanwhile and was not chosen stays" {
	rejects
	run -0 --separate-stderr imq-dump --replay --command imq-taxonomy rejects
	[ "$output" = '{"classification.type": "spam","classification.taxonomy":"abusive-content"}' ]
	[ "$(wc -l < rejects)" = 3 ]
	run -0 imq-dump --replay --ids 0,2 rejects -- sh -c 'cat; echo "{\"command\":\"late\",\"record\":{}}" >> rejects'
	[ "$output" = $'{"comment":"one"}\n{"comment":"tree"}' ]
	[ "$(jq -r .command rejects)" = $'imq-to-file\nlate' ]
	[ "$(ls rejects*)" = rejects ]
}

@test "dump: what a command rejects again goes back into the file, the others do not" {
	rejects
	run -3 --separate-stderr imq-dump --replay --ids 0,2,3 rejects -- imq-to-file --file out --single-key comment
	[ "$(cat out)" = $'one\ntree' ]
	[ "$(jq -c '[.command, .line, .record]' rejects)" = $'["imq-to-file",2,null]\n["imq-to-file",3,{"classification.type":"spam"}]' ]
	[ "$(ls rejects*)" = rejects ]
}

@test "dump: a command that fails, is killed or is not there leaves all as it was" {
	rejects
	cp rejects before
	for command in 'exit 1' 'kill -9 $$' 'head -n 1 > /dev/null; exit 4'; do
		run -4 --separate-stderr imq-dump --replay --ids 0 rejects -- sh -c "$command"
		[[ "$stderr" == *'the records stay where they are'* ]]
		cmp before rejects
	done
	run -4 imq-dump --replay --ids 0 rejects -- ./no-such-program
	cmp before rejects
	run -3 --separate-stderr imq-dump --replay --ids 1 rejects -- cat
	[[ "$stderr" == *'1 records are no events'* ]]
	cmp before rejects
}

@test "dump: records are removed, but not under another imq-dump" {
	rejects
	run -0 imq-dump --delete --ids 0-1 rejects
	[ "$(wc -l < rejects)" = 2 ]
	mkfifo go
	imq-dump --replay --ids 0 rejects -- sh -c 'cat > started; cat go' 3>&- &
	pid=$!
	wait_until test -s started
	run -4 --separate-stderr imq-dump --delete rejects
	[[ "$stderr" == *'another imq-dump is at work on it'* ]]
	echo > go
	wait "$pid"
	run -0 imq-dump --delete rejects
	[ -e rejects ]
	[ ! -s rejects ]
	run -1 imq-dump rejects
}

@test "dump: a writer that keeps the file open goes on behind what is left" {
	rejects
	exec 8>> rejects
	imq-dump --delete --ids 0-3 rejects
	echo '{"command":"imq-x","file":"-","line":1,"reason":"r","record":{}}' >&8
	exec 8>&-
	run -0 imq-dump rejects
	[ "$output" = '  0: -:1 imq-x: r' ]
	[ "$(head -c 1 rejects)" = '{' ]
}

@test "dump: an editor changes a record; what it leaves must be an event" {
	rejects
	cat > editor <<- 'END'
		#!/bin/sh
		sed -i 's/"two"/"three"}/; s/spam/phishing/' "$1"
	END
	chmod +x editor
	VISUAL=./editor run -0 imq-dump --edit 1 rejects
	VISUAL=./editor run -0 imq-dump --edit 3 rejects
	run -0 imq-dump --records --ids 1,3 rejects
	[ "$output" = $'{"comment":"three"}\n{   "classification.type": "phishing" }' ]
	[ "$(jq -c '[.command, .file, .line]' rejects | tail -n 1)" = '["imq-taxonomy","events.ndjson",7]' ]
	cp rejects before
	VISUAL=false run -4 imq-dump --edit 1 rejects
	printf '#!/bin/sh\necho no > "$1"\n' > editor
	VISUAL=./editor run -4 --separate-stderr imq-dump --edit 1 rejects
	[[ "$stderr" == *'is no event'* ]]
	cmp before rejects
	run -2 imq-dump --edit 99 rejects
}

@test "dump: IntelMQ's dump files are listed by time, decoded, replayed and emptied" {
	intelmq_dump
	run -0 --separate-stderr imq-dump bot.dump
	[ "$output" = $'  0: 2026-01-01T03:04:05 taxo: one line\n  1: 2026-01-02T03:04:05.000006 taxo: ValueError: no good\n  2: 2026-01-03T03:04:05.1 taxo: not decodable' ]
	run -3 imq-dump --replay bot.dump -- imq-taxonomy
	[[ "$output" == *'{"comment": "a","classification.taxonomy":"other","classification.type":"undetermined"}'* ]]
	[[ "$output" == *'"classification.taxonomy":"abusive-content"}'* ]]
	[ "$(jq -c keys bot.dump)" = '["2026-01-03T03:04:05.1"]' ]
	[ "$(sed -n 2p bot.dump)" = '    "2026-01-03T03:04:05.1": {' ]
	printf '#!/bin/sh\necho "{\\"comment\\":\\"ä\\"}" > "$1"\n' > editor
	chmod +x editor
	VISUAL=./editor imq-dump --edit 0 bot.dump
	[ "$(jq -r '.[] | .message, .message_type, .bot_id' bot.dump)" = $'{"comment":"ä"}\nnull\ntaxo' ]
	run -4 --separate-stderr imq-dump --replay bot.dump
	[[ "$stderr" == *'name a COMMAND'* ]]
	run -0 imq-dump --replay bot.dump -- cat
	[ "$output" = '{"comment":"ä"}' ]
	[ ! -e bot.dump ]
}

@test "dump: what is no dump, half a line, an interrupted change, wrong options" {
	printf '{"command":"imq-x","file":"-","line":1,"reason":"r","record":{}}\n{"command":"imq-x","fi' > half
	run -0 imq-dump half
	[[ "${lines[1]}" == '  1: '*'this line of the file is no reject' ]]
	imq-dump --delete --ids 1 half
	[ "$(wc -l < half)" = 1 ]
	printf '{"comm\n{"command":"imq-x","file":"-","line":1,"reason":"r","record":{}}\n' > 'head'
	run -0 imq-dump head
	[ "${#lines[@]}" = 2 ]
	echo old > half.imq-dump
	run -4 --separate-stderr imq-dump --delete half
	[[ "$stderr" == *'half.imq-dump: File exists'* ]]
	[ -s half ]
	for junk in '[1]' 'x' '{"a":1}' '"x"'; do
		echo "$junk" > junk
		run -4 imq-dump junk
	done
	run -4 imq-dump no-such-file
	run -2 imq-dump
	run -2 imq-dump half cat
	run -2 imq-dump --show --delete half
	run -2 imq-dump --ids 5 half
	run -2 imq-dump --ids x half
	python3 -c 'print("{" + ",".join("\"%d\": {\"message\": \"" % i + "\\u0000\\ud83d\\ude00" * 50 + "\"}" for i in range(50)) + "}")' > odd
	run -0 imq-dump --show odd
	run -1 grep -q $'[\x01-\x09]' <<< "$output"
}
