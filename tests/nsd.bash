# shellcheck shell=bash disable=SC2034,SC2016 # the tests use what is set here; $ORIGIN is a zone's
# Loaded by tests that need a name server: `load nsd`, then start_nsd in the test, stop_nsd in teardown.
# Zones are the files in ./zones, each named after its origin (without the dot at the end).

PATH=$PATH:/usr/sbin

# start_nsd [CONFIGURATION]: an NSD of our own on a free port of loopback; sets $dns_port, and $dns to what --nameserver takes.
# CONFIGURATION goes into its server section. It needs no root.
start_nsd() {
	local zone
	need_program nsd
	mkdir -p zones nsd
	dns_port=$(free_port)
	{
		cat <<- END
			server:
				ip-address: 127.0.0.1
				port: $dns_port
				username: ""
				zonesdir: "$PWD/zones"
				database: ""
				pidfile: "$PWD/nsd/pid"
				xfrdfile: "$PWD/nsd/xfrd"
				zonelistfile: "$PWD/nsd/zonelist"
				xfrdir: "$PWD/nsd"
				logfile: "$PWD/nsd/log"
				server-count: 1
				tcp-count: 100
				rrl-ratelimit: 0
				rrl-whitelist-ratelimit: 0
				minimal-responses: no
				${1:-}
			remote-control:
				control-enable: no
		END
		for zone in zones/*; do
			printf 'zone:\n\tname: "%s"\n\tzonefile: "%s"\n' "${zone#zones/}" "${zone#zones/}"
		done
	} > nsd/conf
	nsd -c "$PWD/nsd/conf" || { cat nsd/log >&2; return 1; }
	dns=127.0.0.1#$dns_port
	wait_until nsd_answers || { cat nsd/log >&2; return 1; }
}

nsd_answers() {
	python3 - "$dns_port" <<- 'END'
		import socket, sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.settimeout(0.5)
		s.sendto(b"\0\1\0\0\0\1\0\0\0\0\0\0\0\0\1\0\1", ("127.0.0.1", int(sys.argv[1])))
		s.recv(512)
	END
}

stop_nsd() {
	local pid
	if [ -s "$BATS_TEST_TMPDIR/misbehaving" ]; then
		while read -r pid; do
			kill "$pid" 2> /dev/null || true
		done < "$BATS_TEST_TMPDIR/misbehaving"
	fi
	stop_nsd_only
}

stop_nsd_only() {
	local pid
	[ -s "$BATS_TEST_TMPDIR/nsd/pid" ] || return 0
	pid=$(cat "$BATS_TEST_TMPDIR/nsd/pid")
	kill "$pid" 2> /dev/null || return 0
	wait_until gone "$pid"
}

gone() {
	! kill -0 "$1" 2> /dev/null
}

# zone NAME: makes a zone of the records on stdin.
zone() {
	mkdir -p zones
	{
		printf '$ORIGIN %s.\n$TTL 300\n@ 600 SOA ns.%s. root.%s. 1 3600 600 86400 120\n@ NS ns.%s.\n' "$1" "$1" "$1" "$1"
		cat
	} > "zones/$1"
}

# misbehave MODE...: starts the servers of dns-server.py; sets $server_MODE to what --nameserver takes, and stop_nsd stops them.
misbehave() {
	local mode
	for mode; do
		python3 "$IMQ_ROOT/tests/dns-server.py" "$mode" 2> "$mode.err" &
		echo $! >> misbehaving
		wait_until test -s "$mode.port"
		declare -g "server_$mode=127.0.0.1#$(cat "$mode.port")"
	done
}
