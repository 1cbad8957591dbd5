# Loaded by tests that need PostgreSQL: a private cluster in the test's folder, reached by its socket there.
# start_postgresql in the test sets $pg to the socket's folder; stop_postgresql in teardown.

as_postgres() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid postgres --regid postgres --clear-groups "$@"
	else
		"$@"
	fi
}

# start_postgresql [SETTING...]: the user is intelmq, the database postgres, nobody needs a password.
start_postgresql() {
	local folder setting settings="-c listen_addresses= -c unix_socket_directories=$BATS_TEST_TMPDIR/pg -c fsync=off"
	for pgbin in /usr/lib/postgresql/*/bin; do :; done # the last
	need_program "$pgbin/initdb"
	folder=$BATS_TEST_TMPDIR
	while [ "$folder" != / ] && [ "$(id -u)" = 0 ]; do
		chmod o+x "$folder"
		folder=$(dirname "$folder")
	done
	pg=$BATS_TEST_TMPDIR/pg
	mkdir "$pg"
	[ "$(id -u)" != 0 ] || chown postgres "$pg"
	for setting; do
		settings="$settings -c $setting"
	done
	(cd / && as_postgres "$pgbin/initdb" -D "$pg" -A trust -U intelmq --no-sync > /dev/null)
	printf '%s' "$settings" > pg-settings
	restart_postgresql
}

restart_postgresql() {
	(cd / && as_postgres "$pgbin/pg_ctl" -D "$pg" -w -l "$pg/log" -o "$(cat "$BATS_TEST_TMPDIR/pg-settings")" start \
		> /dev/null 3>&- 4>&-)
}

# stop_postgresql [MODE]
stop_postgresql() {
	[ ! -f "$BATS_TEST_TMPDIR/pg/postmaster.pid" ] ||
		(cd / && as_postgres "$pgbin/pg_ctl" -D "$BATS_TEST_TMPDIR/pg" -m "${1:-immediate}" stop > /dev/null 2>&1) || true
}

query() {
	psql -q -X -A -t -h "$pg" -U intelmq postgres -c "$1"
}

# Ends the server and all its processes with SIGKILL.
kill_postgresql() {
	local pid processes
	pid=$(head -n 1 "$BATS_TEST_TMPDIR/pg/postmaster.pid")
	processes="$pid $(cat "/proc/$pid/task/$pid/children")"
	# shellcheck disable=SC2086
	kill -9 $processes 2> /dev/null || true
	for pid in $processes; do
		wait_until test ! -e "/proc/$pid"
	done
}
