load lib

@test "threshold: the one event with which the count is reached passes" {
	printf '{"source.port":%s}\n' 1 1 2 1 1 > events
	run -0 imq-threshold --threshold 3 events
	[ "$output" = '{"source.port":1,"comment":"Threshold reached","extra.count":3}' ]
}

@test "threshold: a pause longer than the time to live starts the count anew, each event prolongs it" {
	for minute in 00 50; do
		IMQ_NOW=2026-01-01T00:$minute:00+00:00 run -0 imq-threshold --threshold 3 --state s <<< '{}'
		[ "$output" = "" ]
	done
	IMQ_NOW=2026-01-01T01:40:00+00:00 run -0 imq-threshold --threshold 3 --state s --add-keys '{}' <<< '{}'
	[ "$output" = '{"extra.count":3}' ]
	IMQ_NOW=2026-01-01T02:41:00+00:00 run -0 imq-threshold --threshold 2 --state s <<< '{}'
	[ "$output" = "" ]
}

@test "threshold: a batch sent again after a crash is not counted twice" {
	printf '{}\n{}\n\n' > 'batch'
	IMQ_BATCH=1 imq-threshold --threshold 4 --state s batch > /dev/null
	IMQ_BATCH=1 imq-threshold --threshold 4 --state s batch > /dev/null
	IMQ_BATCH=2 run -0 imq-threshold --threshold 4 --state s --add-keys '{}' batch
	[ "$output" = '{"extra.count":4}' ]
}

@test "threshold: nonsense in the options is refused" {
	run -2 imq-threshold --threshold 0 <<< '{}'
	run -2 imq-threshold --ttl 0 <<< '{}'
	run -2 imq-threshold --add-keys '[]' <<< '{}'
	run -2 imq-threshold --add-keys '{"no.such": 1}' <<< '{}'
}
