load lib

# peer MODE: takes connections on a free port, and appends the events it gets to ./got. MODE: ok answers, split the answer in two packets,
# close after the third event without answering it (the first time), no: another answer to the second event (the first time), mute: none.
peer() {
	cat > peer.py << 'END_OF_PEER'
import socket, struct, sys, time
mode, separator = sys.argv[1], sys.argv[2].encode()
server = socket.create_server(("127.0.0.1", 0))
with open("port.new", "w") as f:
    f.write(str(server.getsockname()[1]))
import os
os.rename("port.new", "port")
bad = mode in ("close", "no")
while True:
    c, _ = server.accept()
    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    data, count = b"", 0
    while True:
        if separator:
            event, found, rest = data.partition(separator)
            if not found:
                event = None
        else:
            n = struct.unpack(">I", data[:4])[0] if len(data) >= 4 else 1 << 40
            event, rest = (data[4:4 + n], data[4 + n:]) if len(data) >= 4 + n else (None, b"")
        if event is None:
            more = c.recv(65536)
            if not more:
                break
            data += more
            continue
        data, count = rest, count + 1
        if bad and mode == "close" and count == 3:
            bad = False
            break
        if bad and mode == "no" and count == 2:
            bad = False
            c.sendall(b"No")
            break
        with open("got", "ab") as f:
            f.write(event + b"\n")
        if mode in ("ok", "close", "no"):
            c.sendall(b"Ok")
        elif mode == "split":
            c.sendall(b"O")
            time.sleep(0.01)
            c.sendall(b"k")
    c.close()
END_OF_PEER
	python3 peer.py "$1" "${2:-}" > peer.log 2>&1 3>&- &
	peer_pid=$!
	wait_until test -s port
	port=$(cat port)
}

teardown() {
	[ -z "${peer_pid:-}" ] || kill -9 "$peer_pid" 2> /dev/null || true
}

tcp() {
	imq-to-tcp --ip 127.0.0.1 --port "$port" "$@"
}

@test "to-tcp: each event with its length before it, raw and all, is answered" {
	peer ok
	run -0 --separate-stderr tcp --stats <<< $'{"extra.a":"é","raw":"cg==","source.ip":"192.0.2.1","__type":"Event"}\n{"comment":"b"}'
	[[ "$stderr" == *'"in":2,"created":0,"out":2,'*'"pending":0'* ]]
	[ "$(cat got)" = $'{"extra.a":"é","raw":"cg==","source.ip":"192.0.2.1"}\n{"comment":"b"}' ]
	tcp --hierarchical-output <<< '{"source.ip":"192.0.2.1"}'
	[ "$(tail -n 1 got)" = '{"source":{"ip":"192.0.2.1"}}' ]
}

@test "to-tcp: a separator behind each event, with and without answers" {
	peer ok $'\n'
	tcp --separator $'\n' <<< $'{"comment":"a"}\n{"comment":"b"}'
	[ "$(cat got)" = $'{"comment":"a"}\n{"comment":"b"}' ]
	kill -9 "$peer_pid"
	rm port
	peer mute $'\n'
	tcp --separator $'\n' --no-counterpart-is-intelmq <<< $'{"comment":"c"}'
	wait_until grep -q '"c"' got
}

@test "to-tcp: an answer in two packets is one, and many events are sent before theirs come" {
	peer split
	seq 1 200 | sed 's/.*/{"extra.n":&}/' > events
	run -0 --separate-stderr tcp --stats events
	[[ "$stderr" == *'"out":200,'* ]]
	cmp got events
}

@test "to-tcp: what was not answered when the connection broke is sent again, nothing is lost" {
	seq 1 50 | sed 's/.*/{"extra.n":&}/' > events
	for mode in close no; do
		rm -f port got
		peer "$mode"
		run -0 --separate-stderr tcp --stats events
		[[ "$stderr" == *'"out":50,'* ]]
		[ "$(sort -u got | wc -l)" = 50 ]
		kill -9 "$peer_pid"
	done
}

@test "to-tcp: a barrier comes out when all before it are answered" {
	peer ok
	mkfifo in
	tcp < in > out 3>&- &
	pid=$!
	exec 9> in
	printf '{"comment":"a"}\n\n' >&9
	wait_until test -s out
	[ "$(cat got)" = '{"comment":"a"}' ]
	kill -9 "$peer_pid"
	printf '{"comment":"b"}\n\n' >&9
	exec 9>&-
	status=0
	wait "$pid" || status=$?
	[ "$status" -eq 5 ]
	[ "$(wc -c < out)" -eq 1 ]
}

@test "to-tcp: nobody there, no place named" {
	printf '{}\n\n' > events
	run -5 --separate-stderr imq-to-tcp --ip 127.0.0.1 --port "$(free_port)" events
	[ -z "$output" ]
	[[ "$stderr" == *refused* ]]
	run -2 imq-to-tcp --port 1 <<< '{}'
	run -2 imq-to-tcp --ip 127.0.0.1 <<< '{}'
	run -2 imq-to-tcp --ip 127.0.0.1 --port 70000 <<< '{}'
}
