# shellcheck disable=SC2046 # postgres_options are words
load lib
load postgresql

teardown() {
	stop_postgresql
}

event='{"__type":"Event","classification.identifier":"zeus","classification.type":"infected-system","source.asn":64496,"source.ip":"192.0.2.1","feed.name":"Example Feed"}'

postgres_options() {
	echo --engine postgresql --host "$pg" -d postgres --sslmode disable
}

@test "to-sql: an event is a row, extra one column of JSON" {
	printf '%s\n' "$event" '{"source.ip":"192.0.2.2","extra.a":1,"extra.b.c":"\u00e9","source.tor_node":true,"feed.accuracy":100.0}' > events
	run -0 imq-to-sql -d db --create-schema < events
	[ -z "$output" ]
	run -0 sqlite3 db 'SELECT id, "classification.identifier", "source.asn", "source.ip" FROM events'
	[ "$output" = $'1|zeus|64496|192.0.2.1\n2|||192.0.2.2' ]
	run -0 sqlite3 db 'SELECT extra, "source.tor_node", "feed.accuracy" FROM events WHERE id = 2'
	[ "$output" = '{"a":1,"b.c":"\u00e9"}|1|100.0' ]
}

@test "to-sql: --fields takes those alone, and those that are there" {
	run -0 imq-to-sql -d db --create-schema -f source.ip,raw,comment <<< '{"source.ip":"192.0.2.1","raw":"YQ==","feed.name":"x","extra.a":1}'
	run -0 sqlite3 db 'SELECT "source.ip", raw, comment, "feed.name", extra FROM events'
	[ "$output" = '192.0.2.1|YQ==|||' ]
	run -2 imq-to-sql -d db -f source.ip,no.such <<< '{}'
	[ "$output" = 'imq-to-sql: --fields: no column "no.such" in events' ]
}

@test "to-sql: without --message-jsondict-as-string members of extra are columns" {
	sqlite3 db 'CREATE TABLE t("source.ip" text, "extra.a" integer, "odd ""name" text)'
	run -0 imq-to-sql -d db -t t --no-message-jsondict-as-string <<< '{"source.ip":"192.0.2.1","extra.a":5,"odd \"name":"x"}'
	run -0 sqlite3 db 'SELECT * FROM t'
	[ "$output" = '192.0.2.1|5|x' ]
}

@test "to-sql: an event that has no column, or nothing, is rejected; the others are stored" {
	run -0 imq-to-sql -d db --create-schema < /dev/null
	printf '%s\n' '{"source.ip":"192.0.2.1"}' '{"source.ip":"192.0.2.2","no.such":1}' '{}' 'x' '{"source.ip":"192.0.2.3"}' > events
	run -3 --separate-stderr imq-to-sql -d db --rejects rejects --stats < events
	[[ "$stderr" == *'imq-to-sql: -:2: no column "no.such" in events'* ]]
	[ "$(sqlite3 db 'SELECT "source.ip" FROM events' | xargs)" = '192.0.2.1 192.0.2.3' ]
	[ "$(wc -l < rejects)" = 3 ]
	tail -n 1 <<< "$stderr" | jq -e '.in == 5 and .out == 2 and .rejected == 3 and .pending == 0'
}

@test "to-sql: what a table does not take is rejected, row by row" {
	sqlite3 db 'CREATE TABLE t("source.ip" text NOT NULL UNIQUE, comment text)'
	printf '%s\n' '{"source.ip":"192.0.2.1"}' '{"comment":"none"}' '{"source.ip":"192.0.2.1"}' '{"source.ip":"192.0.2.2"}' > events
	run -3 --separate-stderr imq-to-sql -d db -t t < events
	[[ "$stderr" == *':2: SQLite: NOT NULL'*':3: SQLite: UNIQUE'* ]]
	[ "$(sqlite3 db 'SELECT "source.ip" FROM t' | xargs)" = '192.0.2.1 192.0.2.2' ]
}

@test "to-sql: a barrier comes out when the rows are committed" {
	mkfifo in
	imq-to-sql -d db --create-schema < in > out &
	pid=$!
	exec 9> in
	printf '%s\n\n' '{"source.ip":"192.0.2.1"}' >&9
	wait_until test -s out
	[ "$(sqlite3 db 'SELECT count(*) FROM events')" = 1 ]
	kill -9 "$pid"
	exec 9>&-
	[ "$(sqlite3 db 'SELECT count(*) FROM events')" = 1 ]
}

@test "to-sql: a batch that was stored under this name is not stored again" {
	run -0 imq-to-sql -d db --create-schema < /dev/null
	printf '%s\n' '{"comment":"one"}' '' '{"comment":"two"}' '' > events
	IMQ_BATCH=7 run -0 imq-to-sql -d db --batch-name x < events
	head -n 2 events > first
	IMQ_BATCH=7 run -0 imq-to-sql -d db --batch-name x < first
	IMQ_BATCH=8 run -0 imq-to-sql -d db --batch-name x <<< $'{"comment":"two"}\n\n{"comment":"three"}\n'
	[ "$(sqlite3 db 'SELECT comment FROM events' | xargs)" = 'one two three' ]
	IMQ_BATCH=8 run -0 imq-to-sql -d db --batch-name other <<< $'{"comment":"four"}\n'
	[ "$(sqlite3 db 'SELECT count(*) FROM events')" = 4 ]
	[ "$(sqlite3 db "SELECT number FROM imq_batches WHERE name = 'x'")" = 9 ]
}

@test "to-sql: under a pump nothing is committed without a barrier" {
	run -0 imq-to-sql -d db --create-schema < /dev/null
	IMQ_BATCH=1 run -0 --separate-stderr imq-to-sql -d db --stats <<< '{"comment":"x"}'
	[ "$(sqlite3 db 'SELECT count(*) FROM events')" = 0 ]
}

@test "to-sql: PostgreSQL: types, extra, NUL in JSON, big AS numbers" {
	start_postgresql
	run -0 imq-to-sql $(postgres_options) --create-schema <<< "$event"
	printf '%s\n' '{"source.ip":"2001:db8::1","source.asn":4294967295,"time.source":"2026-01-02T03:04:05+00:00","extra.n":"a\u0000\\u0000","source.tor_node":false}' \
		'{"comment":"tab\tline\nback\\slash \\N","raw":"YQ=="}' > events
	run -0 imq-to-sql $(postgres_options) < events
	[ "$(query 'SELECT "source.ip", "source.asn", "time.source" AT TIME ZONE '"'UTC'"', extra, "source.tor_node" FROM events WHERE id = 2')" = \
		'2001:db8::1|4294967295|2026-01-02 03:04:05|{"n":"a\\u0000\\u0000"}|f' ]
	[ "$(query 'SELECT comment, "source.ip" IS NULL FROM events WHERE id = 3')" = $'tab\tline\nback\\slash \\N|t' ]
	[ "$(query 'SELECT "classification.identifier", "source.asn" FROM events WHERE id = 1')" = 'zeus|64496' ]
}

@test "to-sql: PostgreSQL: rows that the table refuses are rejected, all others stored, at any place" {
	start_postgresql
	run -0 imq-to-sql $(postgres_options) --create-schema < /dev/null
	for i in $(seq 300); do
		case $i in
		1 | 150 | 151 | 300) echo "{\"source.ip\":\"nonsense $i\"}" ;;
		77) echo '{"comment":"a\u0000b"}' ;;
		*) echo "{\"comment\":\"$i\"}" ;;
		esac
	done > events
	run -3 --separate-stderr imq-to-sql $(postgres_options) --rejects rejects --stats < events
	[[ "$stderr" == *'invalid input syntax for type inet: "nonsense 150"'* ]]
	[ "$(jq -r .line rejects | sort -n | xargs)" = '1 77 150 151 300' ]
	[ "$(query 'SELECT count(*) FROM events')" = 295 ]
	tail -n 1 <<< "$stderr" | jq -e '.in == 300 and .out == 295 and .rejected == 5 and .pending == 0'
}

@test "to-sql: PostgreSQL: the connection is lost and made again; with --fail-on-errors it is not" {
	start_postgresql
	run -0 imq-to-sql $(postgres_options) --create-schema < /dev/null
	mkfifo in
	imq-to-sql $(postgres_options) < in > out 2> err &
	pid=$!
	exec 9> in
	echo '{"comment":"one"}' >&9
	wait_until eval '[ "$(query "SELECT count(*) FROM events")" = 1 ]'
	query "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'imq-to-sql'"
	echo '{"comment":"two"}' >&9
	exec 9>&-
	wait "$pid"
	[ "$(query 'SELECT count(*) FROM events')" = 2 ]
	imq-to-sql $(postgres_options) --fail-on-errors < in > out 2> err &
	pid=$!
	exec 9> in
	echo '{"comment":"three"}' >&9
	wait_until eval '[ "$(query "SELECT count(*) FROM events")" = 3 ]'
	query "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'imq-to-sql'"
	echo '{"comment":"four"}' >&9
	exec 9>&-
	status=0
	wait "$pid" || status=$?
	[ "$status" = 5 ]
}

@test "to-sql: PostgreSQL: raws in a table of their own, a batch once, a schema with a partition key" {
	start_postgresql
	run -0 imq-to-sql $(postgres_options) --create-schema --separate-raws --jsonb < /dev/null
	run -0 imq-to-sql $(postgres_options) --create-schema --separate-raws --jsonb < /dev/null
	IMQ_BATCH=3 run -0 imq-to-sql $(postgres_options) -t v_events --batch-name p <<< $'{"comment":"x","raw":"YQ=="}\n'
	IMQ_BATCH=3 run -0 imq-to-sql $(postgres_options) -t v_events --batch-name p <<< $'{"comment":"x","raw":"YQ=="}\n'
	[ "$(query 'SELECT comment, raw FROM v_events')" = 'x|YQ==' ]
	run -0 imq-to-sql $(postgres_options) -t parts --create-schema --partition-key time.observation < /dev/null
	run -3 imq-to-sql $(postgres_options) -t parts <<< $'{"comment":"x"}'
	[[ "$output" == *'null value in column "time.observation"'* ]]
}

@test "to-sql: what cannot be is said at the start" {
	run -2 imq-to-sql -d db < /dev/null
	[ "$output" = 'imq-to-sql: SQLite: no table events' ]
	run -2 imq-to-sql -d no/such/folder/db < /dev/null
	[[ "$output" == *'unable to open database file'* ]]
	run -2 imq-to-sql -e mssql < /dev/null
	run -5 imq-to-sql -e postgresql --host /no/such < /dev/null
	run -2 imq-to-sql -d db --jsonb < /dev/null
	run -2 imq-to-sql -d db --create-schema -t "a b" < /dev/null
	run -2 imq-to-sql -d db -t 'events; DROP TABLE events' < /dev/null
	[ "$output" = 'imq-to-sql: SQLite: no table "events; DROP TABLE events"' ]
}

@test "to-sql: the schema can be printed, for both" {
	imq-to-sql --print-schema > schema.sql
	sqlite3 db < schema.sql
	[ "$(sqlite3 db "SELECT count(*) FROM pragma_table_info('events')")" -gt 85 ]
	imq-to-sql -e postgresql --print-schema --separate-raws > schema.sql
	grep -q '"source.asn" bigint' schema.sql
	grep -q 'CREATE OR REPLACE TRIGGER tr_events' schema.sql
}

@test "to-sql: a full disk is seen, and the counts tell what is not stored" {
	run -0 imq-to-sql -d db --create-schema < /dev/null
	sqlite3 db "PRAGMA journal_mode=wal" > /dev/null
	yes '{"comment":"0123456789012345678901234567890123456789"}' | head -n 100000 > events
	run -4 --separate-stderr bash -c 'ulimit -f 2000; trap "" XFSZ; exec imq-to-sql -d db < events'
	[[ "$stderr" == *SQLite* ]]
}
