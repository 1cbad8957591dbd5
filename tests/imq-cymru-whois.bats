load lib
load nsd

teardown() {
	stop_nsd
}

serve() {
	zone asn.cymru.com <<- 'END'
		4.3.2.1.origin TXT "64500 64501 | 1.2.0.0/16 | AU | apnic | 2011-08-11"
		4.3.2.1.origin TXT "64502 | 1.2.3.0/24 | DE | ripencc |"
		5.3.2.1.origin TXT "64502 | 1.2.3.0/24 | DE | ripencc | 2012-02-03"
		6.3.2.1.origin TXT "64503 64504 | 1.2.3.0/24 | EU | iana | never"
		7.3.2.1.origin TXT "64505 | 9.9.9.0/24 | DE | arin | 2012-02-03"
		8.3.2.1.origin TXT "too | few"
		9.3.2.1.origin TXT "NA | NA | | other | NA"
		10.3.2.1.origin TXT "64506 | 1.2.3.0" "/24 | DE | ripencc | 2012-02-03"
		11.3.2.1.origin TXT "99999999999 | 1.2.3.0/33 | D\010E | \"arin\" | 2012-02-03"
		12.3.2.1.origin TXT "64507 | 1.2.3.0/24 | AT | lacnic | 2012-02-03"
		13.3.2.1.origin TXT "64508 | 1.2.3.0/24 | AT | afrinic | 2012-02-03"
		14.3.2.1.origin TXT "64509 | 1.2.3.0/24 | AT | ripencc | 2012-02-03"
		AS64502 TXT "64502 | DE | ripencc | 2002-01-04 | EXAMPLE, DE"
		AS64503 TXT "64503 | EU"
		AS64506 TXT "64506 | DE | ripencc | 2002-01-04 | Ex\195\131\194\164mple, DE"
		AS64507 TXT "64507 | AT | ripencc | 2002-01-04 | Ex\195\164mple, AT"
		AS64508 TXT "64508 | AT | ripencc | 2002-01-04 | Ex\228mple, AT"
		AS64509 TXT "64509 | AT | ripencc | 2002-01-04 | \027[31mred"
		1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.origin6 TXT "NA | 2001:db8::/32 | | other | NA"
	END
	start_nsd
}

cymru() {
	imq-cymru-whois --nameserver "$dns" "$@"
}

events() {
	printf '{"source.ip":"1.2.3.%s"}\n' "$@"
}

# One event's fields without the address.
found() {
	jq -c 'del(."source.ip") | with_entries(.key |= ltrimstr("source."))'
}

@test "cymru: the most specific network, its AS and the name of that are added" {
	serve
	run -0 --separate-stderr cymru < <(events 4)
	[ "$output" = '{"source.ip":"1.2.3.4","source.asn":64502,"source.network":"1.2.3.0/24","source.geolocation.cc":"DE","source.registry":"RIPE","source.as_name":"EXAMPLE, DE"}' ]
	[ -z "$stderr" ]
	run -0 cymru < <(events 5)
	[ "$(found <<< "$output")" = '{"asn":64502,"network":"1.2.3.0/24","geolocation.cc":"DE","registry":"RIPE","allocated":"2012-02-03T00:00:00+00:00","as_name":"EXAMPLE, DE"}' ]
	run -0 cymru <<< '{"destination.ip":"2001:db8::1"}'
	[ "$output" = '{"destination.ip":"2001:db8::1","destination.network":"2001:db8::/32"}' ]
}

@test "cymru: nothing known leaves the event as it is" {
	serve
	run -0 --separate-stderr cymru --stats < <(events 9 99; echo '{"source.ip":"::ffff:1.2.3.4"}')
	[ "$output" = "$(events 9 99; echo '{"source.ip":"::ffff:1.2.3.4"}')" ]
	[ "$(jq .failed <<< "$stderr")" = 0 ]
}

@test "cymru: what the event has stays, --overwrite replaces it" {
	serve
	event='{"source.ip":"1.2.3.5","source.geolocation.cc":"AA","source.asn":1}'
	run -0 cymru <<< "$event"
	[ "$(jq -c '[."source.asn",."source.geolocation.cc",."source.registry"]' <<< "$output")" = '[1,"AA","RIPE"]' ]
	run -0 cymru --overwrite <<< "$event"
	[ "$(jq -c '[."source.asn",."source.geolocation.cc",."source.registry"]' <<< "$output")" = '[64502,"DE","RIPE"]' ]
}

@test "cymru: an AS that many addresses share is asked for once, all is remembered" {
	serve
	run -0 --separate-stderr cymru --stats < <(events 4 5 4 5)
	[ "$(jq -c '[.dns.questions,.lookups]' <<< "$stderr")" = '[3,2]' ]
	cymru --cache cache < <(events 4 99) > /dev/null
	run -0 --separate-stderr cymru --cache cache --stats < <(events 4 99 5)
	[ "$(jq -c '[.dns.questions,.lookups]' <<< "$stderr")" = '[1,1]' ]
	[ "$(jq -s -c 'map(."source.as_name")' <<< "$output")" = '["EXAMPLE, DE",null,"EXAMPLE, DE"]' ]
}

@test "cymru: values that a field does not take are left out, the others are taken" {
	serve
	run -0 cymru < <(events 6)
	[ "$(found <<< "$output")" = '{"asn":64503,"network":"1.2.3.0/24","geolocation.cc":"EU"}' ]
	run -0 cymru < <(events 7)
	[ "$(jq -c '[."source.asn",."source.network"]' <<< "$output")" = '[64505,null]' ]
	run -0 cymru < <(events 10)
	[ "$(jq -r '."source.network"' <<< "$output")" = 1.2.3.0/24 ]
	run -0 cymru < <(events 11)
	[ "$(found <<< "$output")" = '{"registry":"ARIN","allocated":"2012-02-03T00:00:00+00:00"}' ]
}

@test "cymru: names of AS come out as UTF-8, encoded once, without controls" {
	serve
	run -0 cymru < <(events 10 12 13 14)
	[ "$(jq -r '."source.as_name" // "-"' <<< "$output" | paste -sd';')" = 'Exämple, DE;Exämple, AT;Exämple, AT;-' ]
}

@test "cymru: an answer without enough columns and a server that is silent are failures, not remembered" {
	serve
	misbehave silent
	run -0 --separate-stderr cymru --stats --window 1 < <(events 8 8)
	[ "$output" = "$(events 8 8)" ]
	[[ "$stderr" == 'imq-cymru-whois: cymru 1.2.3.8: the answer has too few columns'* ]]
	[ "$(tail -n 1 <<< "$stderr" | jq -c '[.lookups,.failed]')" = '[2,2]' ]
	run -3 --separate-stderr imq-cymru-whois --nameserver "$server_silent" --dns-timeout 0.1 --dns-tries 2 --on-failure reject < <(events 4)
	[[ "$stderr" == *'no name server answered'* ]]
}

@test "cymru: many addresses stay in order" {
	serve
	for i in $(seq 300); do events $((i % 15)); done > many
	run -0 --separate-stderr cymru --stats many
	[ "$(jq -r '."source.ip"' <<< "$output")" = "$(jq -r '."source.ip"' many)" ]
	[ "$(tail -n 1 <<< "$stderr" | jq -c "[.in,.out]")" = "[300,300]" ]
}

# A bulk whois server that answers by ./whois.answers (an address, a tab, a row) and writes what it is asked to ./whois.log. MODE: ok, cut (the
# first connection ends in the middle), silent, flood, closed.
whois() {
	cat > whois.py <<- 'END'
		import socket, sys
		mode = sys.argv[1]
		known = dict(line.rstrip("\n").split("\t", 1) for line in open("whois.answers"))
		server = socket.create_server(("127.0.0.1", 0))
		import os
		open("whois.new", "w").write(str(server.getsockname()[1]))
		os.rename("whois.new", "whois.port")
		count = 0
		while True:
		    peer, _ = server.accept()
		    count += 1
		    with peer:
		        lines = []
		        for line in peer.makefile("r"):
		            lines.append(line.strip())
		            if lines[-1] == "end":
		                break
		        open("whois.log", "a").write("\n".join(lines) + "\n")
		        asked = [l for l in lines if l not in ("begin", "verbose", "end")]
		        if mode == "closed":
		            continue
		        if mode == "silent":
		            peer.recv(1)
		        peer.sendall(b"Bulk mode; whois.cymru.com [2026-11-26 00:00:00 +0000]\n")
		        if mode == "flood":
		            try:
		                for _ in range(1000):
		                    peer.sendall(b"x" * 65536)
		            except OSError:
		                continue
		        if mode == "cut" and count == 1:
		            peer.sendall(known[asked[0]].encode() + b"\n64500 | 1.2")
		            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
		            continue
		        for address in reversed(asked):
		            for row in known.get(address, "").split("&"):
		                peer.sendall(row.encode() + b"\n")
	END
	cat > whois.answers <<- 'END'
		1.2.3.4	64500 64501 | 1.2.3.4          | 1.2.0.0/16          | AU | apnic    | 2011-08-11 | OTHER, AU&64502   | 1.2.3.4          | 1.2.3.0/24          | DE | ripencc  | 2012-02-03 | EXAMPLE | X, DE
		1.2.3.5	64502   | 1.2.3.5          | 1.2.3.0/24          | DE | ripencc  | 2012-02-03 | EXAMPLE, DE
		1.2.3.6	NA      | 1.2.3.6          | NA                  |    | other    |            | NA
		1.2.3.7	Error: no ASN or IP match on line 7.
		2001:db8::1	64503   | 2001:db8::1      | 2001:db8::/32       | AT | ripencc  | 2012-02-03 | SIX, AT
	END
	python3 whois.py "$1" 2> whois.err &
	echo $! >> misbehaving
	wait_until test -s whois.port
	whois=127.0.0.1#$(cat whois.port)
}

bulk() {
	imq-cymru-whois --bulk --bulk-server "$whois" "$@"
}

@test "cymru: --bulk asks for many addresses in one connection" {
	whois ok
	run -0 --separate-stderr bulk < <(events 4 5 6 5; echo '{"destination.ip":"2001:db8::1"}')
	[ "$(head -n 1 <<< "$output" | found)" = '{"asn":64502,"network":"1.2.3.0/24","geolocation.cc":"DE","registry":"RIPE","allocated":"2012-02-03T00:00:00+00:00","as_name":"EXAMPLE | X, DE"}' ]
	[ "$(jq -r '."source.asn" // ."destination.asn" // "-"' <<< "$output" | paste -sd' ')" = '64502 64502 - 64502 64503' ]
	[ -z "$stderr" ]
	[ "$(paste -sd' ' whois.log)" = 'begin verbose 1.2.3.4 1.2.3.5 1.2.3.6 2001:db8::1 end' ]
}

@test "cymru: --bulk finds its server by the DNS" {
	whois ok
	zone w.example <<< 'whois A 127.0.0.1'
	start_nsd
	run -0 imq-cymru-whois --bulk --bulk-server "whois.w.example#${whois#*#}" --nameserver "$dns" < <(events 5)
	[ "$(jq '."source.asn"' <<< "$output")" = 64502 ]
	run -0 --separate-stderr imq-cymru-whois --bulk --bulk-server "nothing.w.example" --nameserver "$dns" < <(events 5)
	[[ "$stderr" == *'nothing.w.example: no such host'* ]]
}

@test "cymru: --bulk asks again for what a broken connection left open" {
	whois cut
	run -0 --separate-stderr bulk < <(events 5 4)
	[ "$(jq '."source.asn"' <<< "$output" | paste -sd' ')" = '64502 64502' ]
	[ -z "$stderr" ]
	[ "$(paste -sd' ' whois.log)" = 'begin verbose 1.2.3.5 1.2.3.4 end begin verbose 1.2.3.4 end' ]
}

@test "cymru: --bulk with a server that is silent, closes, floods or says nothing of an address fails for these events only" {
	for mode in silent closed flood; do
		rm -f whois.port
		whois "$mode"
		run -0 --separate-stderr bulk --bulk-timeout 0.5 --stats < <(events 5)
		[ "$output" = "$(events 5)" ]
		[ "$(tail -n 1 <<< "$stderr" | jq .failed)" = 1 ]
	done
	rm -f whois.port
	whois ok
	run -0 --separate-stderr bulk --stats < <(events 7 5 99)
	[ "$(jq '."source.asn"' <<< "$output" | paste -sd' ')" = 'null 64502 null' ]
	[ "$(tail -n 1 <<< "$stderr" | jq .failed)" = 2 ]
	run -2 imq-cymru-whois --bulk-server '#43' < /dev/null
	run -2 imq-cymru-whois --bulk-server 'a#0' < /dev/null
}

@test "cymru: --bulk, thousands of addresses, in order" {
	whois ok
	awk 'BEGIN { for (i = 0; i < 3000; i++) { a = sprintf("10.0.%d.%d", i / 256, i % 256); printf "%s\t%d | %s | 10.0.0.0/8 | AT | ripencc | 2012-02-03 | A\n", a, i + 1, a > "whois.answers"; printf "{\"source.ip\":\"%s\"}\n", a > "many" } }'
	kill "$(tail -n 1 misbehaving)"
	rm whois.port
	python3 whois.py ok &
	echo $! >> misbehaving
	wait_until test -s whois.port
	whois=127.0.0.1#$(cat whois.port)
	run -0 bulk many
	[ "$(jq '."source.asn"' <<< "$output")" = "$(seq 3000)" ]
	[ "$(grep -c begin whois.log)" -le 6 ]
}
