load lib

teardown() {
	[ -z "${server:-}" ] || kill "$server" 2> /dev/null || true
}

serve() {
	mkdir -p whois
	printf 'whois for a.example\n\303\274\n' > whois/a.example
	printf 'inetnum:        192.0.2.0 - 192.0.2.127\nnetname: X\n' > whois/192.0.2.1
	printf 'other\n' > whois/192.0.2.200
	printf 'inet6num: 2001:db8::/32\n' > whois/2001:db8::1
	printf 'NetRange:       198.51.100.0 - 198.51.100.255\r\nCIDR:           198.51.100.0/25, 198.51.100.128/25\r\n' > whois/198.51.100.1
	printf 'as\n' > whois/AS64500
	printf 'slow\n' > whois/slow.example
	: > questions
	python3 "$IMQ_ROOT/tests/whois.py" port questions &
	server=$!
	wait_until test -s port
}

whois() {
	imq-uwhoisd --server 127.0.0.1 --port "$(cat port)" "$@"
}

@test "uwhoisd: domain, address and AS each have their answer" {
	serve
	run -0 --separate-stderr whois <<< '{"source.url":"http://user@A.example:81/x","source.ip":"192.0.2.200","source.asn":64500}'
	[ "$output" = '{"source.url":"http://user@A.example:81/x","source.ip":"192.0.2.200","source.asn":64500,"extra.whois.fqdn":"whois for a.example\nü\n","extra.whois.ip":"other\n","extra.whois.asn":"as\n"}' ]
	[ -z "$stderr" ]
}

@test "uwhoisd: the name beats the URL; without either nothing is asked, and never for the destination" {
	serve
	run -0 whois <<- 'END'
		{"source.fqdn":"a.example","source.url":"http://b.example/"}
		{"source.url":"http:///x"}
		{"destination.ip":"192.0.2.1","destination.fqdn":"a.example"}
	END
	[ "$(cat questions)" = a.example ]
	[ "${lines[1]}" = '{"source.url":"http:///x"}' ]
}

@test "uwhoisd: an empty answer is none, what an event has is in the way unless told" {
	serve
	: > whois/empty.example
	run -0 whois <<< '{"source.fqdn":"empty.example"}'
	[ "$output" = '{"source.fqdn":"empty.example"}' ]
	event='{"source.asn":64500,"extra.whois.asn":"old"}'
	run -3 whois <<< "$event"
	run -0 whois --overwrite <<< "$event"
	[ "$output" = '{"source.asn":64500,"extra.whois.asn":"as\n"}' ]
	: > questions
	run -0 whois --no-overwrite <<< "$event"
	[ "$output" = "$event" ]
	[ ! -s questions ]
}

@test "uwhoisd: an answer that names a range holds for all addresses in it" {
	serve
	printf '{"source.ip":"%s"}\n' 192.0.2.1 192.0.2.100 192.0.2.200 2001:db8::1 2001:db8:ffff::2 198.51.100.1 198.51.100.100 198.51.100.200 > events
	run -0 whois --window 1 events
	[ "$(paste -sd' ' questions)" = '192.0.2.1 192.0.2.200 2001:db8::1 198.51.100.1 198.51.100.200' ]
	[ "$(jq -r '."extra.whois.ip"' <<< "$output" | grep -c 192.0.2.127)" -eq 2 ]
	: > questions
	run -0 whois --window 1 --no-ranges events
	[ "$(wc -l < questions)" -eq 8 ]
}

@test "uwhoisd: a range that does not hold the address, or the whole net, is not believed" {
	serve
	printf 'inetnum: 192.0.2.90 - 192.0.2.99\n' > whois/192.0.2.50
	printf 'inetnum: 0.0.0.0 - 255.255.255.255\n' > whois/192.0.2.51
	printf '{"source.ip":"%s"}\n' 192.0.2.50 192.0.2.51 192.0.2.95 203.0.113.1 > events
	run -0 whois --window 1 events
	[ "$(wc -l < questions)" -eq 4 ]
}

@test "uwhoisd: order stays, equal questions are asked once, a barrier waits, a cache file serves the next run" {
	serve
	{ printf '{"source.fqdn":"%s"}\n' slow.example a.example slow.example gone.example a.example; echo; } > events
	whois --cache cache.db events > out
	[ "$(sed 's/^{"source.fqdn":"\([a-z]*\).*/\1/' out | paste -sd,)" = slow,a,slow,gone,a, ]
	[ "$(wc -l < questions)" -eq 3 ]
	whois --cache cache.db events | cmp - out
	[ "$(wc -l < questions)" -eq 3 ]
}

@test "uwhoisd: hundreds are on their way at a time" {
	serve
	for i in $(seq 200); do
		cp whois/slow.example "whois/slow$i.example"
		echo "{\"source.fqdn\":\"slow$i.example\"}"
	done > events
	start=$(date +%s%N)
	run -0 --separate-stderr whois --concurrency 100 --stats events
	[ $(($(date +%s%N) - start)) -lt 8000000000 ]
	[ "$(jq -c '[.in,.out,.failed]' <<< "$stderr")" = '[200,200,0]' ]
	[ "$(grep -c '"extra.whois.fqdn":"slow' <<< "$output")" -eq 200 ]
}

@test "uwhoisd: a dead server, a silent one and one that breaks off are failures after all tries" {
	serve
	run -0 --separate-stderr imq-uwhoisd --server 127.0.0.1 --port 1 <<< '{"source.fqdn":"a.example"}'
	[ "$output" = '{"source.fqdn":"a.example"}' ]
	[[ "$stderr" == *'cannot connect'*refused* ]]
	run -0 --separate-stderr imq-uwhoisd --server name.invalid --tries 1 <<< '{"source.fqdn":"a.example"}'
	[[ "$stderr" == *name.invalid* ]]
	printf '{"source.fqdn":"%s"}\n' silent.example a.example broken > events
	run -0 --separate-stderr whois --timeout 0.3 --tries 2 events
	[ "$(jq -r '."extra.whois.fqdn" // "-" | length' <<< "$output" | paste -sd' ')" = '1 22 1' ]
	[[ "$stderr" == *'silent.example: timed out'* ]]
	[[ "$stderr" == *'broken: the connection broke'* ]]
	[ "$(grep -c broken questions)" -eq 2 ]
	start=$(date +%s%N)
	run -3 whois --deadline 0.5 --on-failure reject <<< '{"source.fqdn":"silent.example"}'
	[ $(($(date +%s%N) - start)) -lt 3000000000 ]
}

@test "uwhoisd: an endless answer is refused" {
	serve
	run -0 --separate-stderr whois --max-reply 1M <<< '{"source.fqdn":"endless"}'
	[ "$output" = '{"source.fqdn":"endless"}' ]
	[[ "$stderr" == *'longer than --max-reply'* ]]
	[ "$(wc -l < questions)" -eq 1 ]
}

@test "uwhoisd: answers are text that no terminal obeys" {
	serve
	printf 'a\033[2Jb\302\233c\tl\344tin\000\r\n\177' > whois/evil.example
	run -0 whois <<< '{"source.fqdn":"evil.example"}'
	[ "$(jq -r '."extra.whois.fqdn"' <<< "$output")" = $'a\ufffd[2Jb\ufffdc\tl\ufffdtin\ufffd\r\n\ufffd' ]
}

@test "uwhoisd: what is no name is no question" {
	serve
	printf '%s\n' '{"source.fqdn":"a.example\nb.example"}' '{"source.fqdn":"-B -T person x"}' '{"source.fqdn":"a\u0000b"}' '{"source.fqdn":"-h"}' '{"source.asn":-5}' > events
	run -0 --separate-stderr whois --stats events
	[ "$output" = "$(cat events)" ]
	[ ! -s questions ]
}

@test "uwhoisd: a rate limit waits" {
	serve
	for i in 1 2 3 4 5 6; do echo "{\"source.fqdn\":\"n$i.example\"}"; done > events
	start=$(date +%s%N)
	run -0 whois --rate 10 events
	[ $(($(date +%s%N) - start)) -ge 500000000 ]
	[ "$(wc -l < questions)" -eq 6 ]
	run -2 whois --port 0 < /dev/null
}
