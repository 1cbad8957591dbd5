load lib

event() { # PORT MINUTE
	printf '{"source.port":%s,"time.source":"2026-01-01T00:%s:00+00:00"}\n' "$1" "$2"
}

@test "aggregate: a group goes out once, with count and times; smaller ones are dropped, the counts add up" {
	{ event 1 00; event 2 01; event 1 05; } > events
	run -0 --separate-stderr imq-aggregate --fields source.port --threshold 2 --stats events
	[ "$output" = '{"source.port":1,"time.source":"2026-01-01T00:00:00+00:00","extra.count":2,"extra.time_end":"2026-01-01T00:05:00+00:00"}' ]
	[[ "$stderr" == *'"in":3,"created":1,"out":1,"dropped":1,"merged":2,"rejected":0,"pending":0'* ]]
}

@test "aggregate: a new window begins when the time span is over" {
	{ event 1 00; event 1 05; event 1 20; } > events
	run -0 imq-aggregate --fields source.port --threshold 1 --timespan '10 minutes' events
	[[ "${lines[0]}" == *'"extra.count":2,'* ]]
	[[ "${lines[1]}" == *'"extra.count":1,'* ]]
}

@test "aggregate: extra.count counts, one that is no number is rejected" {
	run -3 --separate-stderr imq-aggregate --threshold 4 <<< $'{"extra.count":3}\n{"extra.count":"x"}\n{}'
	[[ "$output" == '{"extra.count":4,'* ]]
}

@test "aggregate: under a pump groups wait for their time, and a batch sent again is not counted twice" {
	printf '{"source.port":1}\n\n' > 'batch'
	IMQ_NOW=2026-01-01T00:00:00+00:00 IMQ_BATCH=1 imq-aggregate --threshold 3 --state s batch > out
	IMQ_NOW=2026-01-01T00:00:00+00:00 IMQ_BATCH=1 imq-aggregate --threshold 3 --state s batch > out
	IMQ_NOW=2026-01-01T00:10:00+00:00 IMQ_BATCH=2 imq-aggregate --threshold 2 --state s batch > out
	[ "$(cat out)" = "" ]
	echo > empty
	IMQ_NOW=2026-01-01T01:00:01+00:00 IMQ_BATCH=3 run -0 imq-aggregate --threshold 2 --state s empty
	[ "${lines[0]}" = '{"source.port":1,"time.source":"2026-01-01T00:00:00+00:00","extra.count":2,"extra.time_end":"2026-01-01T00:10:00+00:00"}' ]
}

@test "aggregate: what is no time span is refused" {
	run -2 imq-aggregate --timespan 4hours <<< '{}'
}
