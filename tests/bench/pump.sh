#!/bin/sh
# Events from queue to queue through three filters, and through a plain pipe of five: events a second, and CPU time of all processes
# together; then into databases. EVENTS sets how many. Redis, RabbitMQ and PostgreSQL are started, on free ports and a socket, and left
# out where they are not installed.
# Usage: tests/bench/pump.sh, after `make all build/bench/events`.
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
PATH=$root/bin:$PATH
events=${EVENTS:-200000}
work=$(mktemp -d)
cd "$work"
BATS_FILE_TMPDIR=$work
pids='' rabbitmq=''
trap 'kill -9 $pids 2> /dev/null || true; stop_broker; stop_database; rm -rf "$work"' EXIT

"$root/${O:-build}/bench/events" "$events" > records
echo "$events events, $(stat -c %s records) bytes"

stop_broker() {
	[ ! -s rabbitmq/group ] || bash ./node "$root" stop_rabbitmq > /dev/null || true
}

stop_database() {
	[ ! -e pg/postmaster.pid ] || bash ./cluster "$root" stop_postgresql
}

# rate LABEL COMMAND...
rate() {
	label=$1
	shift
	/usr/bin/time -o time -f '%e %U %S' "$@"
	awk -v n="$events" -v label="$label" '{ printf "%-64s %7.2f s %9d/s  %6.2f s of CPU, %9d/s on two cores\n", label, $1, n / $1, $2 + $3, 2 * n / ($2 + $3) }' time
}

through() {
	rate "$1" imq-pump --from "$2" --to "$3" --drain -- imq-taxonomy '|' imq-url '|' imq-field-reducer --type blacklist --keys extra.none
}

rate 'five filters, plain pipe' sh -c 'imq-taxonomy < records | imq-url | imq-field-reducer --type blacklist --keys extra.none |
	imq-filter --filter-key extra.none --filter-value x --filter-action drop | imq-taxonomy > /dev/null'
rate 'sqlite: put' sh -c 'imq-queue put sqlite:queues#in < records'
through 'sqlite: queue, three filters, queue' sqlite:queues#in sqlite:queues#out
if command -v redis-server > /dev/null; then
	port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
	redis-server --port "$port" --bind 127.0.0.1 --save '' --dir "$work" > /dev/null &
	pids="$pids $!"
	until redis-cli -p "$port" ping > /dev/null 2>&1; do :; done
	rate 'redis: put (CPU without the server)' sh -c "imq-queue put redis://127.0.0.1:$port/2#in < records"
	through 'redis: queue, three filters, queue' "redis://127.0.0.1:$port/2#in" "redis://127.0.0.1:$port/2#out"
	redis-cli -p "$port" shutdown nosave || true
fi
if command -v rabbitmq-server > /dev/null; then
	cat > node <<- 'END'
		bats_require_minimum_version() { :; }
		. "$1/tests/lib.bash"
		. "$1/tests/rabbitmq.bash"
		rabbitmq_folder=$PWD/rabbitmq
		"$2"
		echo "rabbitmq=${rabbitmq:-} ERL_EPMD_PORT=$ERL_EPMD_PORT"
	END
	export BATS_FILE_TMPDIR ERL_EPMD_PORT=1
	eval "$(bash ./node "$root" start_rabbitmq)"
	for settings in '' '?queue_type=quorum' '?records=20' '?queue_type=quorum&records=20'; do
		rate "rabbitmq$settings: put, confirmed" sh -c "imq-queue put 'amqp://$rabbitmq$settings#in$settings' < records"
		through "rabbitmq$settings: queue, three filters, queue" "amqp://$rabbitmq$settings#in$settings" "amqp://$rabbitmq$settings#out$settings"
	done
fi
rate 'to-sql: SQLite' imq-to-sql -d events.db --create-schema records
if [ -n "$(find /usr/lib/postgresql -name initdb 2> /dev/null)" ]; then
	cat > cluster <<- 'END'
		bats_require_minimum_version() { :; }
		BATS_TEST_TMPDIR=$PWD
		. "$1/tests/lib.bash"
		. "$1/tests/postgresql.bash"
		pgbin=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
		"$2"
	END
	bash ./cluster "$root" start_postgresql
	rate 'to-sql: PostgreSQL (CPU without the server)' imq-to-sql -e postgresql --host "$work/pg" -d postgres --sslmode disable --create-schema records
fi
