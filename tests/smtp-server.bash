# Loaded by tests of answers that a mail server seldom gives: `load smtp-server`, then start_smtp_server [PLAN LINE...] in the test,
# stop_smtp_server in teardown; see tests/smtp-server.py.

# Sets $smtp_port.
start_smtp_server() {
	rm -f port said mails
	printf '%s\n' "$@" > plan
	python3 "$IMQ_ROOT/tests/smtp-server.py" port > server.log 2>&1 3>&- &
	smtp_server_pid=$!
	wait_until test -s port
	smtp_port=$(cat port)
}

stop_smtp_server() {
	[ -z "${smtp_server_pid:-}" ] || kill "$smtp_server_pid" 2> /dev/null || true
	smtp_server_pid=
}

# said VERB: how often the server was told that.
said() {
	grep -c "^[0-9]* $1" said
}
