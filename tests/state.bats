load lib

# Commands with a state under a pump that kills them at random and sends batches again: what comes out must be what an
# undisturbed run prints, not an event more or less. A failing run is repeated with its seed.
setup_more() {
	awk 'BEGIN { srand(7); for (b = 0; b < 40; b++) { for (i = 0; i < 200; i++)
		printf "{\"extra.group\":%d,\"extra.number\":%d}\n", rand() * 150, b * 200 + i; print "" } }' > batches
	export IMQ_NOW=2026-11-25T10:00:00+00:00
	seed=${IMQ_TEST_SEED:-$RANDOM}
	echo "IMQ_TEST_SEED=$seed"
}

# Compares COMMAND under the pump with COMMAND left alone.
survives() {
	IMQ_BATCH=1 "$@" --state calm < batches | grep . > wanted || true
	python3 "$IMQ_ROOT/tests/kill-pump.py" "$seed" batches "$@" --state killed > got
	cmp wanted got
}

@test "state: killed again and again, the deduplicator passes each event once" {
	survives imq-deduplicator --filter-type whitelist --filter-keys extra.group
	[ "$(wc -l < got)" = 150 ]
}

@test "state: killed again and again, the threshold is reached by the same events" {
	survives imq-threshold --filter-type whitelist --filter-keys extra.group --threshold 40
	[ -s got ]
}

@test "state: killed again and again, groups count each event once" {
	survives imq-aggregate --fields extra.group --threshold 1
	[ ! -s got ]
	export IMQ_NOW=2026-11-25T12:00:00+00:00
	IMQ_BATCH=41 imq-aggregate --fields extra.group --threshold 1 --state killed <<< '' > groups
	[ "$(grep -c count groups)" = 150 ]
	[ "$(sed -n 's/.*"extra.count":\([0-9]*\).*/\1/p' groups | awk '{ n += $1 } END { print n }')" = 8000 ]
}

@test "state: half a record, of a neighbour that was killed, is no reject: it comes again" {
	printf '{"extra.group":1}\n{"extra.gro' > half
	run -0 env IMQ_BATCH=1 imq-deduplicator --rejects bad half
	[ "$output" = '{"extra.group":1}' ]
	[ ! -s bad ]
	run -3 imq-deduplicator --rejects bad half
	[ "$(wc -l < bad)" = 1 ]
}

@test "state: a batch that comes again has the moment that it had, and comes out as it did" {
	aggregate=(imq-aggregate --fields comment --timespan '1 minute' --threshold 1 --state state)
	event() { printf '{"comment":"%s","time.observation":"%s"}\n\n' "$@"; }
	echo 2026-11-25T10:00:00+00:00 > now
	export IMQ_NOW=@$PWD/now
	IMQ_BATCH=1 run -0 "${aggregate[@]}" < <(event a 2026-11-25T10:00:00+00:00)
	[ -z "${output//[$'\n']/}" ]
	# In batch 2 the minute is not over; nobody knows whether what came out was stored.
	echo 2026-11-25T10:00:59+00:00 > now
	IMQ_BATCH=2 run -0 "${aggregate[@]}" < <(event a 2026-11-25T10:00:30+00:00)
	first=$output
	echo 2026-11-25T10:05:00+00:00 > now
	IMQ_BATCH=2 run -0 "${aggregate[@]}" < <(event a 2026-11-25T10:00:30+00:00)
	[ "$output" = "$first" ]
	# Killed before it was committed again: the moment is still known.
	IMQ_BATCH=2 run -0 "${aggregate[@]}" < <(event a 2026-11-25T10:00:30+00:00 | head -n 1)
	IMQ_BATCH=2 run -0 "${aggregate[@]}" < <(event a 2026-11-25T10:00:30+00:00)
	[ "$output" = "$first" ]
	# Batch 3 is new, and has its own.
	IMQ_BATCH=3 run -0 "${aggregate[@]}" < <(echo)
	[ "$(jq -r '."extra.count"' <<< "$output")" = 2 ]
}
