load lib
load postgresql
load rabbitmq

# A pipeline of six commands, with states, branches and a database, in which each process is killed at random moments, again and again.
# The long form, of a quarter of an hour:  EVENTS=1000000 KILLS=20 bats tests/chaos.bats
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
	[ "$("$@" "SELECT count(*) FROM events WHERE $count IS NOT NULL")" -gt 50 ]
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

@test "chaos: events come from RabbitMQ, which is killed as well: each is stored, and once, as equal ones are dropped" {
	make_events
	start_rabbitmq
	export -f kill_rabbitmq run_rabbitmq in_namespace wait_until
	python3 "$IMQ_ROOT/tests/kill-each.py" "$seed" "$kills" events "amqp://$rabbitmq#in" 'kill_rabbitmq; run_rabbitmq' \
		++ imq-pump --from "amqp://$rabbitmq#in" --to sqlite:q#in --batch-size 100 -- cat \
		++ imq-pump --from sqlite:q#in --batch-size 100 -- imq-deduplicator --state dedup --filter-type whitelist --filter-keys extra.number '|' \
			imq-to-sql -d db --create-schema --batch-name chaos
	[ "$(sqlite3 db "SELECT count(*), count(DISTINCT json_extract(extra, '\$.number')) FROM events")" = "$((events / 2))|$((events / 2))" ]
}

# ---- sinks ----

@test "chaos: a sink that refuses one event of a batch: it is set aside, all others are stored once" {
	events=2000
	make_events
	pipeline imq-to-sql -d db --batch-name chaos --rejects bad
	imq-to-sql -d db --create-schema < /dev/null
	sqlite3 db "CREATE TRIGGER no BEFORE INSERT ON events WHEN json_extract(NEW.extra, '\$.number') = 13 AND json_extract(NEW.extra, '\$.count') IS NULL
		BEGIN SELECT RAISE(ABORT, 'not this one'); END"
	imq-queue put sqlite:q#in < events
	run -3 "${words[0]}" --drain "${words[@]:1}"
	[[ "$output" == *'not this one'* ]]
	[ "$(jq -c '[.command, .record."extra.number"]' bad)" = '["imq-to-sql",13]' ]
	[ "$(imq-queue count sqlite:q#in)" = 0 ]
	number="json_extract(extra, '\$.number')" count="json_extract(extra, '\$.count')"
	[ "$(sqlite3 db "SELECT count(*), count(DISTINCT $number) FROM events WHERE $count IS NULL")" = '999|999' ]
}

# rss PID...: the memory of processes in kilobytes, at the most so far.
rss() {
	local pid
	for pid; do
		awk '/VmHWM/ { print $2 }' "/proc/$pid/status"
	done | sort -n | tail -n 1
}

locked() {
	[ "$(query "SELECT count(*) FROM pg_locks WHERE NOT granted")" -gt 0 ]
}

@test "chaos: a database that takes nothing holds up the queue, in constant memory, until it takes again" {
	start_postgresql
	database=(imq-to-sql --engine postgresql --host "$pg" -d postgres --sslmode disable --create-schema)
	"${database[@]}" < /dev/null
	# 30 MB; sanitizers take memory of their own.
	awk 'BEGIN { for (i = 0; i < 1000; i++) pad = pad "x"; for (i = 0; i < 30000; i++) printf "{\"extra.number\":%d,\"comment\":\"%s\"}\n", i, pad }' |
		imq-queue put sqlite:q#in
	limit=40000
	[ -z "${ASAN_OPTIONS:-}" ] || limit=500000
	mkfifo lock
	psql -q -h "$pg" -U intelmq postgres < lock > /dev/null 3>&- &
	exec 9> lock
	echo 'BEGIN; LOCK TABLE events;' >&9
	wait_until eval '[ "$(query "SELECT count(*) FROM pg_locks WHERE granted AND relation = '"'events'"'::regclass")" -gt 0 ]'
	imq-pump --from sqlite:q#in --drain --batch-bytes 1M -- imq-taxonomy '|' "${database[@]:0:9}" 3>&- 9>&- &
	pump=$!
	wait_until locked
	[ "$(imq-queue count sqlite:q#in)" -gt 25000 ]
	# shellcheck disable=SC2046 # a process each
	[ "$(rss "$pump" $(cat "/proc/$pump/task/$pump/children"))" -lt "$limit" ]
	echo 'COMMIT;' >&9
	exec 9>&-
	wait "$pump"
	[ "$(query "SELECT count(*), count(DISTINCT CAST(extra->>'number' AS integer)) FROM events")" = '30000|30000' ]
}
