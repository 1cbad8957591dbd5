# Loaded by tests of outputs that post: `load web-sink`, then start_sink in the test, stop_sink in teardown.

# start_sink: tests/web-sink.py on a free port of loopback; sets $port and $sink, its URL.
start_sink() {
	rm -f port
	python3 "$IMQ_ROOT/tests/web-sink.py" port > sink.log 2>&1 3>&- &
	sink_pid=$!
	wait_until test -s port
	port=$(cat port)
	sink=http://127.0.0.1:$port
}

stop_sink() {
	[ -z "${sink_pid:-}" ] || kill -9 "$sink_pid" 2> /dev/null || true
	sink_pid=
}
