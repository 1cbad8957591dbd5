load lib
load nsd

teardown() {
	stop_nsd
}

# Names for 192.0.2.0/24 and some of 2001:db8::/32.
serve() {
	zone 2.0.192.in-addr.arpa <<- 'END'
		1 PTR one.example.com.
		2 PTR Upper.Example.COM.
		3 PTR 4.3.2.1.
		3 PTR ok.example.com.
		4 PTR 4.3.2.1.
		5 PTR xn--bcher-kva.example.
		6 TXT "no PTR"
		7 PTR b.example.com.
		7 PTR a.example.com.
		8 CNAME 8.sub
		8.sub PTR delegated.example.com.
		9 CNAME 9.2.0.192.elsewhere.example.
		10 CNAME 10
		11 CNAME nowhere.sub
		12 CNAME nowhere.invalid.
		13 1 PTR short.example.com.
		*.wild PTR wild.example.com.
		30.wild CNAME x.wild
		14 CNAME x.wild
		a.b.15 PTR below.example.com.
	END
	zone elsewhere.example <<< '9.2.0.192 PTR elsewhere.example.com.'
	for i in $(seq 100); do echo "200 PTR a-rather-long-name-to-fill-the-packet-$i.example.com."; done >> zones/2.0.192.in-addr.arpa
	zone 8.b.d.0.1.0.0.2.ip6.arpa <<< '1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR six.example.com.'
	start_nsd "$@"
}

reverse() {
	imq-reverse-dns --nameserver "$dns" "$@"
}

names() {
	jq -r '."source.reverse_dns" // "-"' | paste -sd' '
}

# Events for source.ip 192.0.2.N.
events() {
	printf '{"source.ip":"192.0.2.%s"}\n' "$@"
}

@test "reverse dns: the name of each address is added" {
	serve
	run -0 --separate-stderr reverse <<< '{"source.ip":"192.0.2.1","destination.ip":"2001:db8::1","source.port":1}'
	[ "$output" = '{"source.ip":"192.0.2.1","destination.ip":"2001:db8::1","source.port":1,"source.reverse_dns":"one.example.com","destination.reverse_dns":"six.example.com"}' ]
	[ -z "$stderr" ]
}

@test "reverse dns: names are normalised, useless ones passed over" {
	serve
	run -0 reverse < <(events 2 3 4 5)
	[ "$(names <<< "$output")" = 'upper.example.com ok.example.com - xn--bcher-kva.example' ]
}

@test "reverse dns: no name leaves the event as it is, and is remembered as long as the zone says" {
	serve
	run -0 --separate-stderr reverse --stats --window 1 < <(events 99 99 6 6 15)
	[ "$output" = "$(events 99 99 6 6 15)" ]
	[ "$(jq -c '[.lookups,.cached,.failed,.negative]' <<< "$stderr")" = '[3,2,0,5]' ]
	reverse --cache cache < <(events 99 1) > /dev/null
	run -0 --separate-stderr reverse --stats --cache cache < <(events 99 1)
	[ "$(jq .lookups <<< "$stderr")" = 0 ]
	IMQ_NOW=$(date -u -d '+200 seconds' +%FT%TZ) run -0 --separate-stderr reverse --stats --cache cache < <(events 99 1)
	[ "$(jq .lookups <<< "$stderr")" = 1 ]
	IMQ_NOW=$(date -u -d '+400 seconds' +%FT%TZ) run -0 --separate-stderr reverse --stats --cache cache < <(events 1)
	[ "$(jq .lookups <<< "$stderr")" = 1 ]
}

@test "reverse dns: a name is remembered for its time to live, at most --ttl" {
	serve
	reverse --cache cache --ttl 20 < <(events 1 13) > /dev/null
	run -0 --separate-stderr reverse --stats --cache cache < <(events 1)
	[ "$(jq .lookups <<< "$stderr")" = 0 ]
	IMQ_NOW=$(date -u -d '+5 seconds' +%FT%TZ) run -0 --separate-stderr reverse --stats --cache cache < <(events 13)
	[ "$(jq .lookups <<< "$stderr")" = 1 ]
	IMQ_NOW=$(date -u -d '+25 seconds' +%FT%TZ) run -0 --separate-stderr reverse --stats --cache cache < <(events 1)
	[ "$(jq .lookups <<< "$stderr")" = 1 ]
}

@test "reverse dns: an address gets its own name, not that of its network" {
	serve
	run -0 reverse --window 1 < <(events 1 2 99 7)
	[ "$(names <<< "$output" | cut -d' ' -f1-3)" = 'one.example.com upper.example.com -' ]
}

@test "reverse dns: a name that is there stays, --overwrite asks" {
	serve
	event='{"source.ip":"192.0.2.1","source.reverse_dns":"old.example"}'
	run -0 --separate-stderr reverse --stats <<< "$event"
	[ "$output" = "$event" ]
	[ "$(jq .lookups <<< "$stderr")" = 0 ]
	run -0 reverse --overwrite <<< "$event"
	[ "$(names <<< "$output")" = one.example.com ]
	run -0 reverse --overwrite <<< '{"source.ip":"192.0.2.99","source.reverse_dns":"old.example"}'
	[ "$(names <<< "$output")" = old.example ]
}

@test "reverse dns: several names and several addresses with --multiple" {
	serve
	run -0 reverse --multiple < <(events 1 7)
	[ "$(jq -c '."source.reverse_dns" | if type == "array" then sort else . end' <<< "$output" | paste -sd' ')" = \
		'"one.example.com" ["a.example.com","b.example.com"]' ]
	run -0 reverse --multiple <<< '{"source.ip":["192.0.2.5","192.0.2.99","192.0.2.1","192.0.2.5"]}'
	[ "$(jq -c '."source.reverse_dns"' <<< "$output")" = '["xn--bcher-kva.example","one.example.com"]' ]
	run -0 reverse <<< '{"source.ip":["192.0.2.5","192.0.2.1"]}'
	[ "$(names <<< "$output")" = xn--bcher-kva.example ]
}

@test "reverse dns: aliases are followed, in one reply and over several, and a loop ends" {
	serve
	run -0 --separate-stderr reverse --stats < <(events 8 9 10 11 12 14)
	[ "$(names <<< "$output")" = 'delegated.example.com elsewhere.example.com - - - wild.example.com' ]
	misbehave loop
	run -0 --separate-stderr imq-reverse-dns --nameserver "$server_loop" --stats < <(events 1)
	[ "$output" = "$(events 1)" ]
	[ "$(jq -c '[.failed,.negative]' <<< "$stderr")" = '[0,1]' ]
	[ "$(wc -l < loop.log)" -le 18 ]
}

@test "reverse dns: an IPv4-mapped address has the name of the IPv4 address" {
	serve
	run -0 reverse <<< '{"source.ip":"::ffff:192.0.2.1"}'
	[ "$(names <<< "$output")" = one.example.com ]
}

@test "reverse dns: what is too long for UDP is asked for over TCP" {
	serve
	run -0 --separate-stderr reverse --stats --multiple < <(events 200 1)
	[ "$(head -n 1 <<< "$output" | jq '."source.reverse_dns" | length')" = 100 ]
	[ "$(jq .dns.truncated <<< "$stderr")" = 1 ]
	misbehave truncated notcp
	for i in $(seq 100); do events "$i"; done > many
	run -0 --separate-stderr imq-reverse-dns --nameserver "$server_truncated" --stats many
	[ "$(names <<< "$output")" = "$(for i in $(seq 100); do echo "h-$i.example"; done | paste -sd' ')" ]
	[ "$(cut -d' ' -f1 truncated.log | sort | uniq -c | tr -s ' ' | paste -sd,)" = ' 100 tcp, 100 udp' ]
	run -0 --separate-stderr imq-reverse-dns --nameserver "$server_notcp" --dns-timeout 0.1 --dns-tries 2 < <(events 1)
	[ "$output" = "$(events 1)" ]
	[[ "$stderr" == *'ptr 192.0.2.1: no name server answered'* ]]
}

@test "reverse dns: the servers of IMQ_NAMESERVER are asked where --nameserver is not given" {
	serve
	IMQ_NAMESERVER="$dns" run -0 imq-reverse-dns < <(events 1)
	[ "$(names <<< "$output")" = one.example.com ]
	misbehave silent good
	IMQ_NAMESERVER="$server_silent, $server_good" run -0 imq-reverse-dns --dns-timeout 0.1 < <(events 1)
	[ "$(names <<< "$output")" = h-1.example ]
	IMQ_NAMESERVER="$server_silent" run -0 reverse < <(events 1)
	[ "$(names <<< "$output")" = one.example.com ]
	[ "$(wc -l < silent.log)" -eq 1 ]
	IMQ_NAMESERVER=nonsense run -2 imq-reverse-dns < /dev/null
	run -2 --separate-stderr imq-reverse-dns --nameserver ns.example < /dev/null
	[[ "$stderr" == *'"ns.example"'* ]]
	run -2 imq-reverse-dns --nameserver 127.0.0.1#0 < /dev/null
}

@test "reverse dns: a server that fails, refuses or is silent is left for the next one" {
	misbehave good servfail refused lame silent garbage
	for first in "$server_servfail" "$server_refused" "$server_lame" "$server_silent" "$server_garbage"; do
		run -0 --separate-stderr imq-reverse-dns --nameserver "$first" --nameserver "$server_good" --dns-timeout 0.2 --stats < <(events 1 2)
		[ "$(names <<< "$output")" = 'h-1.example h-2.example' ]
		[ "$(jq .failed <<< "$stderr")" = 0 ]
	done
}

@test "reverse dns: where no server can help the event passes and is counted, is rejected, or ends the run" {
	misbehave servfail refused silent garbage
	while read -r server reason; do
		run -0 --separate-stderr imq-reverse-dns --nameserver "$server" --dns-timeout 0.1 --dns-tries 2 --stats < <(events 1)
		[ "$output" = "$(events 1)" ]
		[[ "$stderr" == "imq-reverse-dns: ptr 192.0.2.1: $reason"* ]]
		[ "$(tail -n 1 <<< "$stderr" | jq .failed)" = 1 ]
	done <<- END
		$server_servfail the name server failed (SERVFAIL)
		$server_refused the name server refused
		$server_silent no name server answered
		$server_garbage the name server failed (SERVFAIL)
		127.0.0.1#$(free_port) no name server answered
	END
	run -3 --separate-stderr imq-reverse-dns --nameserver "$server_refused" --on-failure reject --rejects rejects < <(events 1)
	[ -z "$output" ]
	[ "$(jq -r .reason rejects)" = 'ptr 192.0.2.1: the name server refused' ]
	run -5 imq-reverse-dns --nameserver "$server_refused" --on-failure stop < <(events 1)
}

@test "reverse dns: a failure is not remembered for a day" {
	misbehave refused good
	imq-reverse-dns --nameserver "$server_refused" --cache cache < <(events 1 1) > /dev/null
	[ "$(wc -l < refused.log)" -eq 1 ]
	IMQ_NOW=$(date -u -d '+61 seconds' +%FT%TZ) run -0 imq-reverse-dns --nameserver "$server_good" --cache cache < <(events 1)
	[ "$(names <<< "$output")" = h-1.example ]
}

@test "reverse dns: lost questions are asked again, events stay in order, none is lost" {
	misbehave second
	for i in $(seq 250); do events "$i"; done > many
	run -0 --separate-stderr imq-reverse-dns --nameserver "$server_second" --dns-timeout 0.3 --stats many
	[ "$(names <<< "$output")" = "$(for i in $(seq 250); do echo "h-$i.example"; done | paste -sd' ')" ]
	[ "$(jq -c '[.in,.out,.failed]' <<< "$stderr")" = '[250,250,0]' ]
	[ "$(jq '.dns.timeouts >= 250' <<< "$stderr")" = true ]
}

@test "reverse dns: forged answers are not believed, and each question has a port and id by chance" {
	misbehave forged
	for i in $(seq 250); do events "$i"; done > many
	run -0 --separate-stderr imq-reverse-dns --nameserver "$server_forged" --stats --concurrency 5 many
	[ "$(names <<< "$output")" = "$(for i in $(seq 250); do echo "h-$i.example"; done | paste -sd' ')" ]
	[ "$(jq '.dns.strays >= 250' <<< "$stderr")" = true ]
	[ "$(cut -d' ' -f4 forged.log | sort -u | wc -l)" -ge 10 ]
	[ "$(cut -d' ' -f5 forged.log | sort -u | wc -l)" -ge 240 ]
}

@test "reverse dns: a server without EDNS is asked without" {
	misbehave noedns
	for i in $(seq 100); do events "$i"; done > many
	run -0 imq-reverse-dns --nameserver "$server_noedns" --concurrency 1 many
	[ "$(names <<< "$output")" = "$(for i in $(seq 100); do echo "h-$i.example"; done | paste -sd' ')" ]
	[ "$(wc -l < noedns.log)" -eq 101 ]
}

@test "reverse dns: names that no host has are passed over" {
	misbehave odd
	run -0 imq-reverse-dns --nameserver "$server_odd" --multiple < <(events 1)
	[ "$(names <<< "$output")" = 'ok_1.example' ]
}

@test "reverse dns: equal addresses are asked for once" {
	misbehave good
	run -0 --separate-stderr imq-reverse-dns --nameserver "$server_good" --stats < <(events 1 1 1 2 1)
	[ "$(wc -l < good.log)" -eq 2 ]
	[ "$(jq -c '.lookups,.coalesced + .cached' <<< "$stderr" | paste -sd' ')" = '2 3' ]
}

@test "reverse dns: a resolver that dies in mid-run costs no event, and the next one takes over" {
	misbehave good
	serve
	for i in $(seq 250); do echo "{\"source.ip\":\"192.0.2.1\",\"source.port\":$i}"; events "$i"; done > first
	mkfifo in
	imq-reverse-dns --nameserver "$dns" --nameserver "$server_good" --dns-timeout 0.3 --stats in > out 2> err &
	pid=$!
	exec 7> in
	cat first >&7
	wait_until grep -q one.example.com out
	stop_nsd_only
	for i in $(seq 250); do echo "{\"source.ip\":\"198.51.100.$i\"}"; done >&7
	exec 7>&-
	wait "$pid"
	[ "$(wc -l < out)" -eq 750 ]
	[ "$(jq -r '."source.ip"' out)" = "$(jq -r '."source.ip"' first; for i in $(seq 250); do echo "198.51.100.$i"; done)" ]
	[ "$(tail -n 250 out | names)" = "$(for i in $(seq 250); do echo "h-$i.example"; done | paste -sd' ')" ]
	[ "$(tail -n 1 err | jq '.in == .out and .failed == 0')" = true ]
}

@test "reverse dns: SIGTERM drains what is on its way" {
	misbehave second
	mkfifo in
	imq-reverse-dns --nameserver "$server_second" --dns-timeout 1 in > out &
	pid=$!
	exec 7> in
	events 1 2 >&7
	wait_until grep -q '^udp 2' second.log
	kill "$pid"
	exec 7>&-
	wait "$pid"
	[ "$(names < out)" = 'h-1.example h-2.example' ]
}

@test "reverse dns: a barrier comes out after all events before it" {
	misbehave second
	run -0 --keep-empty-lines imq-reverse-dns --nameserver "$server_second" --dns-timeout 0.3 < <(events 1; echo; events 1)
	[ -n "${lines[0]}" ]
	[ -z "${lines[1]}" ]
	[ "${lines[0]}" = "${lines[2]}" ]
	[[ "${lines[0]}" == *h-1.example* ]]
}

@test "reverse dns: a broken line is rejected with its place, addresses that are none are left alone" {
	serve
	printf '%s\n' '{"source.ip":"192.0.2.1"' '{"source.ip":"nonsense"}' '{"source.ip":17}' '{"source.ip":""}' > in
	run -3 --separate-stderr reverse in
	[ "$output" = "$(tail -n 3 in)" ]
	[[ "$stderr" == 'imq-reverse-dns: in:1: '* ]]
}

@test "reverse dns: options out of range are refused" {
	run -2 imq-reverse-dns --dns-tries 0 < /dev/null
	run -2 imq-reverse-dns --dns-timeout 0 < /dev/null
	run -2 imq-reverse-dns --concurrency 0 < /dev/null
}
