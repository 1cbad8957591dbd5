load lib

event='{"source.ip":"192.0.2.1","extra.a.b":"x","extra.l":[1,2],"raw":"aGk=","source.asn":64496,"feed.accuracy":100.0,"source.tor_node":true,"__type":"Event"}'

teardown() {
	[ -z "${pid:-}" ] || kill "$pid" 2> /dev/null || true
}

@test "to-file: events are appended, without raw and type, nothing goes to stdout" {
	echo old > out
	run -0 --separate-stderr imq-to-file --file out --stats <<< "$event"$'\n{ "source.ip" : "192.0.2.2" }'
	[ -z "$output" ]
	[ "$(cat out)" = $'old\n{"source.ip":"192.0.2.1","extra.a.b":"x","extra.l":[1,2],"source.asn":64496,"feed.accuracy":100.0,"source.tor_node":true}\n{ "source.ip" : "192.0.2.2" }' ]
	[[ "$stderr" == *'"in":2,"created":0,"out":2,"dropped":0,"merged":0,"rejected":0,'* ]]
}

@test "to-file: --hierarchical-output nests, with what cannot be nested kept flat" {
	imq-to-file --file out --hierarchical-output --message-with-type --keep-raw-field <<< "$event"
	[ "$(cat out)" = '{"source":{"ip":"192.0.2.1","asn":64496,"tor_node":true},"extra":{"a":{"b":"x"},"l":[1,2]},"raw":"aGk=","feed":{"accuracy":100.0},"__type":"Event"}' ]
	imq-to-file --file clash --hierarchical-output <<< '{"extra.a.b.a":1,"extra.a":"é","extra.n":null}'
	[ "$(cat clash)" = '{"extra":{"a":"é","a.b":{"a":1}}}' ]
}

@test "to-file: --message-with-type says of a report that it is one" {
	imq-to-file --file out --message-with-type --keep-raw-field <<< '{"raw":"aGk=","__type":"Report"}'
	imq-to-file --file out --message-with-type --hierarchical-output <<< '{"__type":"Report","feed.name":"F"}'
	imq-to-file --file out --message-with-type <<< '{"feed.name":"F"}'
	[ "$(cat out)" = '{"raw":"aGk=","__type":"Report"}
{"feed":{"name":"F"},"__type":"Report"}
{"feed.name":"F","__type":"Event"}' ]
}

@test "to-file: --message-jsondict-as-string makes extra one text" {
	imq-to-file --file out --message-jsondict-as-string <<< '{"extra.a":"é","source.ip":"192.0.2.1","extra.b.c":[1,"x"]}'
	[ "$(cat out)" = '{"source.ip":"192.0.2.1","extra":"{\"a\":\"é\",\"b.c\":[1,\"x\"]}"}' ]
}

@test "to-file: --single-key writes one field as text" {
	for key in source.ip source.asn source.tor_node extra.l raw extra feed.accuracy; do
		imq-to-file --file out --single-key "$key" <<< "$event"
	done
	[ "$(cat out)" = $'192.0.2.1\n64496\nTrue\n[1, 2]\nhi\n{"a": {"b": "x"}, "l": [1, 2]}\n100.0' ]
	imq-to-file --file output --single-key output <<< $'{"output":"\\"plain text\\""}\n{"output":"{\\"a\\":1}"}'
	[ "$(cat output)" = $'plain text\n{"a":1}' ]
	run -3 --separate-stderr imq-to-file --file none --single-key source.ip <<< '{"source.asn":1}'
	[ "$stderr" = 'imq-to-file: -:1: source.ip: absent, and nothing else is to be written' ]
	[ ! -s none ]
}

@test "to-file: --format-filename takes names from events" {
	imq-to-file --format-filename --file '{{x}}/{event[time.source]:%Y-%m-%d}-{event[source.asn]}-{event[extra.a.b]}.txt' << 'END'
{"time.source":"2024-05-06T07:08:10+00:00","source.asn":64496,"extra.a.b":"y"}
{"time.source":"2024-05-07T07:08:10+00:00"}
{"time.source":"2024-05-06T23:08:10.5+00:00","source.asn":64496,"extra.a.b":"y"}
END
	[ "$(ls '{x}')" = $'2024-05-06-64496-y.txt\n2024-05-07-None-None.txt' ]
	[ "$(wc -l < '{x}/2024-05-06-64496-y.txt')" -eq 2 ]
	imq-to-file --format-filename --file 'y-{event[time.source]}' <<< '{"time.source":"2024-05-06T07:08:10+00:00"}'
	[ -e 'y-2024-05-06 07:08:10' ]
}

@test "to-file: missing directories are made, the file is there before the first event" {
	run -0 imq-to-file --file a/b/c/out < /dev/null
	[ -f a/b/c/out ]
}

@test "to-file: a value in a name leads nowhere else" {
	mkdir -p base/in
	printf '{"extra.n":%s}\n' '"../../x"' '".."' '"."' '"/etc/passwd"' '"a\u0000b"' '""' "\"$(printf 'é%.0s' $(seq 200))\"" > events
	run -0 --separate-stderr imq-to-file --format-filename --file 'base/in/{event[extra.n]}' events
	[ "$(find . -type f -path './*/*' | sort)" = "$(printf './base/in/%s\n' None _ _. _._.._x _etc_passwd a_b "$(printf 'é%.0s' $(seq 100))" | sort)" ]
	imq-to-file --format-filename --file 'base/{event[extra.n]}{event[extra.n]}/f' <<< '{"extra.n":"."}'
	[ -f base/__/f ]
}

@test "to-file: FIFOs, devices and directories in the way of a name from an event reject it" {
	mkdir d
	mkfifo p
	ln -s /dev/full f
	printf '{"extra.n":"%s"}\n' d p f g > events
	run -3 --separate-stderr timeout 10 imq-to-file --format-filename --file '{event[extra.n]}' --stats events
	[ -s g ]
	[[ "$stderr" == *'"out":1,'*'"rejected":3,'* ]]
}

@test "to-file: more names than files may be open" {
	for i in $(seq 300) $(seq 300); do echo "{\"source.asn\":$i}"; done > events
	(ulimit -n 80; imq-to-file --format-filename --file 'd/{event[source.asn]}' events)
	[ "$(cat d/* | wc -l)" -eq 600 ]
	[ "$(ls d | wc -l)" -eq 300 ]
}

@test "to-file: a barrier comes out when everything before it is on disk" {
	need_program strace
	printf '%s\n\n' "$event" | ASAN_OPTIONS=detect_leaks=0 strace -f -o trace -e trace=fsync,fdatasync,write imq-to-file --file out > barriers
	[ "$(od -An -c barriers | tr -d ' ')" = '\n' ]
	awk '/write\(.*source.ip/ { w = NR } /fsync/ && !s { s = NR } /write\(1, "\\n"/ { b = NR } END { exit !(w && w < s && s < b) }' trace
}

@test "to-file: events are written as soon as nothing more comes" {
	mkfifo in
	imq-to-file --file out < in 3>&- &
	pid=$!
	exec 9> in
	echo "$event" >&9
	wait_until grep -q 192.0.2.1 out
	exec 9>&-
	wait "$pid"
	pid=
}

@test "to-file: SIGHUP opens the file anew after a rotation, SIGTERM loses nothing" {
	mkfifo in
	imq-to-file --file out < in 3>&- &
	pid=$!
	exec 9> in
	echo '{"source.asn":1}' >&9
	wait_until test -s out
	mv out out.1
	kill -HUP "$pid"
	echo '{"source.asn":2}' >&9
	wait_until test -s out
	echo '{"source.asn":3}' >&9
	kill "$pid"
	exec 9>&-
	wait "$pid"
	pid=
	[ "$(cat out.1 out)" = $'{"source.asn":1}\n{"source.asn":2}\n{"source.asn":3}' ]
}

@test "to-file: half a line that a killed writer left is ended first" {
	printf '{"source.as' > out
	imq-to-file --file out <<< '{"source.asn":1}'
	[ "$(cat out)" = $'{"source.as\n{"source.asn":1}' ]
}

@test "to-file: killed at any moment, whole lines stay" {
	yes "$event" | head -n 200000 > events
	imq-to-file --file out events 3>&- &
	pid=$!
	wait_until test -s out
	kill -9 "$pid"
	wait "$pid" || true
	pid=
	imq-to-file --file out <<< '{"source.asn":7}'
	[ "$(tail -n 1 out)" = '{"source.asn":7}' ]
	[ "$(jq -R 'fromjson? | 1' out | wc -l)" -ge "$(($(wc -l < out) - 1))" ]
}

@test "to-file: a full disk is seen, and no barrier follows" {
	run -4 --separate-stderr imq-to-file --file /dev/full <<< "$event"$'\n'
	[ -z "$output" ]
	[[ "$stderr" == 'imq-to-file: /dev/full: No space left on device' ]]
}

@test "to-file: a file that outgrows its limit ends with a whole line" {
	for i in $(seq 2000); do echo "{\"extra.n\":\"$i\"}"; done > events
	run -4 --separate-stderr sh -c 'trap "" XFSZ; ulimit -f 10; imq-to-file --file out events'
	[ "$(tail -c 1 out | od -An -c | tr -d ' ')" = '\n' ]
	[[ "$stderr" == *'out: File too large' ]]
}

@test "to-file: what cannot be written to is told at the start" {
	run -2 --separate-stderr imq-to-file < /dev/null
	[ "$stderr" = 'imq-to-file: --file is missing' ]
	run -2 imq-to-file --file . < /dev/null
	: > plain
	run -2 --separate-stderr imq-to-file --file plain/out < /dev/null
	[ "$stderr" = 'imq-to-file: plain/out: Not a directory' ]
	for name in '{event[nope]}' '{event[source.ip]' '}' '{x}' '{event[source.ip]:%Y}'; do
		run -2 imq-to-file --format-filename --file "$name" < /dev/null
	done
	run -2 imq-to-file --file out --single-key nope < /dev/null
}

@test "to-file: a file that is long enough becomes an old one, the oldest goes" {
	for i in 1 2 3 4 5; do
		printf '{"comment":"%d"}\n\n' "$i"
	done > events
	run -0 imq-to-file --file out --rotate-size 10 --rotate-keep 3 < events
	[ ! -s out ]
	[ "$(cat out.1 out.2 out.3 | jq -r .comment | xargs)" = '5 4 3' ]
	[ ! -e out.4 ]
	run -0 imq-to-file --file whole --rotate-size 1M < events
	[ "$(wc -l < whole)" = 5 ]
	[ ! -e whole.1 ]
	run -2 imq-to-file --file x --rotate-keep 0 < events
	yes '{"comment":"0123456789012345678901234567890123456789"}' | head -n 100000 > many
	run -0 imq-to-file --file long --rotate-size 1M --rotate-keep 100 < many
	[ "$(cat long long.* | wc -l)" = 100000 ]
	[ -e long.4 ]
}
