load lib

event='{"source.ip":"192.0.2.1","event_description.text":"T\u00e4g | pipe\ttab \u200bsoft\u00ad","extra":{"l":["a",1],"none":null},"source.tor_node":false,"raw":"eA==","feed.accuracy":85.5,"__type":"Event"}'

# Takes COUNT datagrams into the file got, as lines of Python.
listen() {
	cat > listen.py << 'END'
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("127.0.0.1", 0))
s.settimeout(20)
print(s.getsockname()[1], flush=True)
with open("got", "w") as got:
    for _ in range(int(sys.argv[1])):
        print(ascii(s.recv(70000).decode()), file=got, flush=True)
END
	python3 listen.py "$1" > port 3>&- &
	listener=$!
	wait_until test -s port
	port=$(cat port)
}

teardown() {
	[ -z "${listener:-}" ] || kill "$listener" 2> /dev/null || true
}

@test "to-udp: delimited datagrams, with the header and delimiter as they are" {
	listen 2
	imq-to-udp --udp-host localhost --udp-port "$port" --format Delimited --header $'H\tX' --field-delimiter '|' <<< "$event"
	imq-to-udp --udp-host 127.0.0.1 --udp-port "$port" --format delimited --header '' --field-delimiter $'\t' --keep-raw-field <<< '{"raw":"eA==","comment":"b"}'
	wait "$listener"
	[ "$(sed -n 1p got)" = "\"H\\tX|source.ip:192.0.2.1|event_description.text:T\\xe4g | pipetab soft|source.tor_node:False|feed.accuracy:85.5|extra.l:['a', 1]\\n\"" ]
	[ "$(sed -n 2p got)" = "'\\traw:eA==\\tcomment:b\\n'" ]
}

@test "to-udp: JSON behind the header, raw only where it is asked for, and not missed" {
	listen 2
	imq-to-udp --udp-port "$port" --format json --header h <<< '{"source.ip":"192.0.2.1","time.observation":"2015-01-01T00:00:00+00:00","__type":"Event"}'
	imq-to-udp --udp-port "$port" --format JSON --keep-raw-field <<< '{"raw":"eA==","comment":"tab\tthere"}'
	wait "$listener"
	[ "$(sed -n 1p got)" = "'h{\"source.ip\":\"192.0.2.1\",\"time.observation\":\"2015-01-01T00:00:00+00:00\"}\\n'" ]
	[ "$(sed -n 2p got)" = "'<header text>{\"raw\":\"eA==\",\"comment\":\"tab\\\\tthere\"}\\n'" ]
}

@test "to-udp: an event that no datagram can hold is rejected, the next one goes" {
	listen 1
	{ printf '{"comment":"%s"}\n' "$(head -c 70000 /dev/zero | tr '\0' a)"; echo '{"comment":"b"}'; } > events
	run -3 --separate-stderr imq-to-udp --udp-port "$port" --format json --header '' --rejects rejects events
	[[ "$stderr" == *'Message too long'* ]]
	[ "$(jq '.record.comment | length' rejects)" = 70000 ]
	wait "$listener"
	[ "$(cat got)" = "'{\"comment\":\"b\"}\\n'" ]
}

@test "to-udp: options that cannot be are refused, a closed port is told" {
	run -2 imq-to-udp --format json <<< '{}'
	run -2 imq-to-udp --udp-port 70000 --format json <<< '{}'
	run -2 imq-to-udp --udp-port 5514 <<< '{}'
	run -2 imq-to-udp --udp-port 5514 --format xml <<< '{}'
	run -2 imq-to-udp --udp-port 5514 --format json --udp-host nowhere.invalid <<< '{}'
	for i in 1 2 3 4 5; do echo "{\"extra.n\":$i}"; done > events
	run --separate-stderr imq-to-udp --udp-port "$(free_port)" --format json events
	[[ "$stderr" == *'nobody takes datagrams there'* ]]
}
