load lib
load postgresql

setup_more() {
	need_program sqlite3
	sqlite3 db "CREATE TABLE contacts(asn INTEGER, contact TEXT, note TEXT, \"od\"\"d\" REAL);
		INSERT INTO contacts VALUES(64500,'A@example.com','n1',1.5),(64501,'c@example.com',NULL,2),(64502,'x',1,1),(64502,'y',2,2)"
}

teardown() {
	stop_postgresql
}

# A server with a table.
start_contacts() {
	start_postgresql
	printf 'host: %s\nuser: intelmq\ndatabase: postgres\nsslmode: disable\nengine: postgresql\n' "$PWD/pg" > pg.yaml
	psql -q -h "$PWD/pg" -U intelmq postgres <<- 'END'
		CREATE TABLE contacts(asn bigint, contact text, note text, flag boolean, score numeric);
		INSERT INTO contacts VALUES(64500,'A@example.com','n1',true,1.5),(64502,'x','1',false,1),(64502,'y','2',false,1);
	END
}

@test "generic-db-lookup: the columns of the row become fields, no row changes nothing" {
	run -0 imq-generic-db-lookup -e sqlite -d db <<< $'{"source.asn":64500}\n{"source.asn":64599}\n{}'
	[ "$output" = '{"source.asn":64500,"source.abuse_contact":"a@example.com","comment":"n1"}
{"source.asn":64599}
{}' ]
}

@test "generic-db-lookup: fields that are there stay, --overwrite replaces them, NULL removes" {
	event='{"source.asn":64501,"comment":"old"}'
	run -0 imq-generic-db-lookup -e sqlite -d db <<< "$event"
	[ "$output" = '{"source.asn":64501,"comment":"old","source.abuse_contact":"c@example.com"}' ]
	run -0 imq-generic-db-lookup -e sqlite -d db --overwrite <<< "$event"
	[ "$output" = '{"source.asn":64501,"source.abuse_contact":"c@example.com"}' ]
}

@test "generic-db-lookup: columns may have any name and several may be matched" {
	run -0 imq-generic-db-lookup -e SQLite -d db -r '{"od\"d":"extra.odd"}' -m '{"source.asn":"asn","comment":"note"}' \
		<<< '{"source.asn":64500,"comment":"n1"}'
	[ "$output" = '{"source.asn":64500,"comment":"n1","extra.odd":1.5}' ]
}

@test "generic-db-lookup: more than one row rejects the event, mistakes end the command at the start" {
	run -3 --separate-stderr imq-generic-db-lookup -e sqlite -d db <<< '{"source.asn":64502}'
	[ "$stderr" = 'imq-generic-db-lookup: -:1: contacts: more than one row' ]
	run -2 --separate-stderr imq-generic-db-lookup -e sqlite -d db -t nope <<< '{}'
	[ "$stderr" = 'imq-generic-db-lookup: db: no such table: nope' ]
	run -2 --separate-stderr imq-generic-db-lookup -e sqlite -d db -r '{"nope":"comment"}' <<< '{}'
	[ "$stderr" = 'imq-generic-db-lookup: db: no such column: nope' ]
	run -2 imq-generic-db-lookup -e oracle <<< '{}'
	run -2 imq-generic-db-lookup -e sqlite -d missing <<< '{}'
	[ ! -e missing ]
}

@test "generic-db-lookup: hostile values and names are data" {
	run -0 imq-generic-db-lookup -e sqlite -d db -m '{"comment":"contact"}' -r '{"note":"extra.n"}' <<< "{\"comment\":\"' OR 1=1 --\"}"
	[ "$output" = "{\"comment\":\"' OR 1=1 --\"}" ]
	run -2 imq-generic-db-lookup -e sqlite -d db -t 'contacts"; DROP TABLE contacts; --' <<< '{"source.asn":1}'
	[ "$(sqlite3 db 'SELECT count(*) FROM contacts')" = 4 ]
}

@test "generic-db-lookup: PostgreSQL answers as SQLite does, with its own types" {
	start_contacts
	run -3 --separate-stderr imq-generic-db-lookup --config pg.yaml <<< $'{"source.asn":64500}\n{"source.asn":64599}\n{"source.asn":64502}'
	[ "$output" = '{"source.asn":64500,"source.abuse_contact":"a@example.com","comment":"n1"}
{"source.asn":64599}' ]
	[ "$stderr" = 'imq-generic-db-lookup: -:3: contacts: more than one row' ]
	run -3 --separate-stderr imq-generic-db-lookup --config pg.yaml -m '{"comment":"asn"}' -r '{"flag":"extra.f","score":"extra.s"}' \
		<<< $'{"comment":"none"}\n{"comment":"64500"}'
	[ "$output" = '{"comment":"64500","extra.f":true,"extra.s":1.5}' ]
	[[ "$stderr" == *'-:1: PostgreSQL: ERROR:  invalid input syntax for type bigint: "none"' ]]
}

@test "generic-db-lookup: a server that goes away is status 5, one that comes back is asked again" {
	start_contacts
	mkfifo in
	imq-generic-db-lookup --config pg.yaml --cache-ttl 0 in > out 2> err &
	command=$!
	exec 5> in
	echo '{"source.asn":64500}' >&5
	wait_until grep -q n1 out
	(cd / && as_postgres "$pgbin/pg_ctl" -D "$BATS_TEST_TMPDIR/pg" -m fast -w restart -l "$BATS_TEST_TMPDIR/pg/log" > /dev/null 3>&- 4>&- 5>&-)
	echo '{"source.asn":64500,"extra.n":2}' >&5
	wait_until grep -q '"extra.n":2,"source.abuse_contact"' out
	(cd / && as_postgres "$pgbin/pg_ctl" -D "$BATS_TEST_TMPDIR/pg" -m fast -w stop > /dev/null)
	echo '{"source.asn":64500}' >&5
	status=0
	wait "$command" || status=$?
	[ "$status" = 5 ]
	exec 5>&-
}
