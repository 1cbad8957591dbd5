load lib

setup_more() {
	printf '%s\n' '# exits' '' ' 192.0.2.1 ' '2001:DB8::1' > nodes
}

@test "tor-nodes: listed addresses are marked" {
	run -0 imq-tor-nodes --database nodes <<< $'{"source.ip":"192.0.2.1","destination.ip":"192.0.2.2"}\n{"destination.ip":"2001:db8::1"}'
	[ "$output" = $'{"source.ip":"192.0.2.1","destination.ip":"192.0.2.2","source.tor_node":true}\n{"destination.ip":"2001:db8::1","destination.tor_node":true}' ]
}

@test "tor-nodes: a mark that is there stays, --overwrite sets it, none is ever taken away" {
	event='{"source.tor_node":false,"source.ip":"192.0.2.1","destination.ip":"192.0.2.2","destination.tor_node":true}'
	run -0 imq-tor-nodes -d nodes <<< "$event"
	[ "$output" = "$event" ]
	run -0 imq-tor-nodes -d nodes --overwrite <<< "$event"
	[ "$output" = '{"source.tor_node":true,"source.ip":"192.0.2.1","destination.ip":"192.0.2.2","destination.tor_node":true}' ]
}

@test "tor-nodes: of several addresses one is enough" {
	run -0 imq-tor-nodes -d nodes <<< '{"source.ip":["192.0.2.2","192.0.2.1"]}'
	[ "$output" = '{"source.ip":["192.0.2.2","192.0.2.1"],"source.tor_node":true}' ]
}

@test "tor-nodes: SIGHUP and, at a barrier, a new file bring a new list; a bad one is not taken" {
	mkfifo in
	IMQ_BATCH=1 imq-tor-nodes -d nodes < in > out 2> err 3>&- &
	pid=$!
	exec 7> in
	printf '{"source.ip":"192.0.2.9"}\n\n' >&7
	wait_until test -s out
	printf '192.0.2.9\n' > new
	mv new nodes
	printf '\n{"source.ip":"192.0.2.9"}\n\n' >&7
	wait_until grep -q true out
	rm nodes
	mkdir nodes
	kill -HUP "$pid"
	wait_until test -s err
	printf '{"destination.ip":"192.0.2.9"}\n' >&7
	exec 7>&-
	wait "$pid"
	[ "$(grep -c true out)" -eq 2 ]
}

@test "tor-nodes: without the list it does not start" {
	run -2 --separate-stderr imq-tor-nodes -d missing <<< '{}'
	[ "$stderr" = 'imq-tor-nodes: missing: No such file or directory' ]
}

@test "tor-nodes: lines that are no addresses are told and left out" {
	printf '%s\n' '192.0.2.1 x' '192.0.2.2' > odd
	head -c 100000 /dev/urandom >> odd
	run -0 --separate-stderr imq-tor-nodes -d odd <<< '{"source.ip":"192.0.2.2","destination.ip":17}'
	[ "$output" = '{"source.ip":"192.0.2.2","destination.ip":17,"source.tor_node":true}' ]
	[[ "$stderr" == 'imq-tor-nodes: odd:1: not an IP address: the line is left out'* ]]
}
