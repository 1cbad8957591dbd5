load lib
load postgresql
load rabbitmq

# A pipeline of six commands, with states, branches and a database, in which each process is killed at random moments, again and again.
# The long form, of up to an hour:  EVENTS=1000000 KILLS=20 bats tests/chaos.bats
# A failing run is repeated with its IMQ_TEST_SEED, as far as time repeats.

setup_more() {
	events=${EVENTS:-20000}
	kills=${KILLS:-3}
	seed=${IMQ_TEST_SEED:-$RANDOM}
	echo "IMQ_TEST_SEED=$seed"
}

teardown() {
	stop_postgresql
	stop_rabbitmq
}

# Every event comes twice, far apart: half of them are left when equal ones are dropped.
make_events() {
	awk -v n="$events" 'BEGIN { for (i = 0; i < n; i++) { number = i * 7919 % (n / 2)
		printf "{\"extra.number\":%d,\"extra.group\":%d,\"classification.type\":\"scanner\",\"source.url\":\"http://192.0.2.%d/%d\",\"extra.gone\":1}\n",
			number, number % 50, number % 250, number } }' > events
}

# pipeline SINK OPTION...: the words of a pump that takes from sqlite:q#in.
pipeline() {
	words=(imq-pump --from sqlite:q#in --batch-size 100 --
		imq-taxonomy '|' imq-deduplicator --state dedup --filter-type whitelist --filter-keys extra.number --ttl 1000000 '|' imq-url '|'
		imq-route _default=cat "_default=imq-aggregate --fields extra.group --threshold 1 --timespan '1 second' --state groups" '|'
		imq-field-reducer --type blacklist --keys extra.gone '|' "$@")
}

# The windows that are still open are closed by an event in the future.
close_windows() {
	echo '{"extra.number":-1,"extra.group":-1}' | imq-queue put sqlite:q#in
	IMQ_NOW=2040-01-01T00:00:00+00:00 "${words[0]}" --drain "${words[@]:1}"
}

# check SQL...: what the database has, asked by the command SQL: each event in one row, and in the groups' counts once.
check() {
	[ "$("$@" "SELECT count(*), count(DISTINCT $number) FROM events WHERE $count IS NULL AND $number >= 0" | tr '|' ' ')" = "$((events / 2)) $((events / 2))" ]
	[ "$("$@" "SELECT sum(CAST($count AS integer)) FROM events WHERE $count IS NOT NULL AND $number >= 0")" = $((events / 2)) ]
	# Windows closed while processes were killed, not only at the end.
	[ "$("$@" "SELECT count(*) FROM events WHERE $count IS NOT NULL")" -gt 100 ]
}

with_sqlite() {
	pipeline imq-to-sql -d db --create-schema --batch-name chaos
	number="json_extract(extra, '\$.number')" count="json_extract(extra, '\$.count')"
}

@test "chaos: each process of a pipeline of six into SQLite is killed: each event is stored once, groups count each once" {
	make_events
	with_sqlite
	python3 "$IMQ_ROOT/tests/kill-each.py" "$seed" "$kills" events sqlite:q#in ++ "${words[@]}"
	close_windows
	check sqlite3 db
}

@test "chaos: the same into PostgreSQL, whose server is killed as well" {
	make_events
	start_postgresql
	pipeline imq-to-sql --engine postgresql --host "$pg" -d postgres --sslmode disable --create-schema --batch-name chaos
	number="CAST(extra->>'number' AS integer)" count="extra->>'count'"
	export pg pgbin
	export -f kill_postgresql restart_postgresql as_postgres wait_until
	python3 "$IMQ_ROOT/tests/kill-each.py" "$seed" "$kills" events sqlite:q#in 'kill_postgresql; restart_postgresql' ++ "${words[@]}"
	close_windows
	check query
}
