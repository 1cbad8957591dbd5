load lib
load nsd

teardown() {
	stop_nsd
}

serve() {
	zone a.example <<- 'END'
		www A 192.0.2.1
		two A 192.0.2.2
		two A 192.0.2.3
		two AAAA 2001:db8::2
		six AAAA 2001:db8::6
		zero A 0.0.0.0
		text TXT "no address"
		alias CNAME alias2
		alias2 CNAME alias3
		alias3 CNAME www
		away CNAME host.b.example.
		gone CNAME nothing.b.example.
		round CNAME about
		about CNAME round
		*.wild A 192.0.2.9
		deep.empty A 192.0.2.10
		xn--bcher-kva A 192.0.2.11
		_odd_ A 192.0.2.12
	END
	zone b.example <<< 'host A 192.0.2.20'
	start_nsd
}

resolve() {
	imq-gethostbyname --nameserver "$dns" "$@"
}

fqdns() {
	printf '{"source.fqdn":"%s"}\n' "$@"
}

addresses() {
	jq -r '."source.ip" // "-"' | paste -sd' '
}

@test "gethostbyname: the address of each name is added" {
	serve
	run -0 --separate-stderr resolve <<< '{"source.fqdn":"www.a.example","destination.fqdn":"host.b.example"}'
	[ "$output" = '{"source.fqdn":"www.a.example","destination.fqdn":"host.b.example","source.ip":"192.0.2.1","destination.ip":"192.0.2.20"}' ]
	[ -z "$stderr" ]
}

@test "gethostbyname: without fqdn the host of the URL is looked up, without port and user" {
	serve
	run -0 resolve <<- 'END'
		{"source.url":"http://www.a.example/x"}
		{"source.url":"https://me:secret@WWW.a.example:8443/x?y#z"}
		{"source.url":"http://192.0.2.77/"}
		{"source.url":"http://[2001:db8::77]:80/"}
		{"source.fqdn":"host.b.example","source.url":"http://www.a.example/x"}
		{"source.fqdn":"nothing.a.example","source.url":"http://www.a.example/x"}
		{"source.url":"mailto:x"}
	END
	[ "$(addresses <<< "$output")" = '192.0.2.1 192.0.2.1 - - 192.0.2.20 - -' ]
	run -0 resolve --no-fallback-to-url <<< '{"source.url":"http://www.a.example/x"}'
	[ "$(addresses <<< "$output")" = - ]
}

@test "gethostbyname: IPv6 where there is no IPv4, or as told" {
	serve
	run -0 resolve < <(fqdns six.a.example two.a.example text.a.example)
	[[ "$(addresses <<< "$output")" =~ ^'2001:db8::6 192.0.2.'[23]' -'$ ]]
	run -0 resolve --family ipv6 < <(fqdns six.a.example two.a.example www.a.example)
	[ "$(addresses <<< "$output")" = '2001:db8::6 2001:db8::2 -' ]
	run -0 resolve --family ipv4 < <(fqdns six.a.example www.a.example)
	[ "$(addresses <<< "$output")" = '- 192.0.2.1' ]
}

@test "gethostbyname: all addresses of all names with --multiple" {
	serve
	run -0 resolve --multiple < <(fqdns two.a.example www.a.example six.a.example)
	[ "$(jq -c '."source.ip" | if type == "array" then sort else . end' <<< "$output" | paste -sd' ')" = \
		'["192.0.2.2","192.0.2.3","2001:db8::2"] "192.0.2.1" "2001:db8::6"' ]
	run -0 resolve --multiple --family ipv4 <<< '{"source.fqdn":["www.a.example","nothing.a.example","alias.a.example","host.b.example"]}'
	[ "$(jq -c '."source.ip"' <<< "$output")" = '["192.0.2.1","192.0.2.20"]' ]
	run -0 resolve <<< '{"source.fqdn":["host.b.example","www.a.example"]}'
	[ "$(addresses <<< "$output")" = 192.0.2.20 ]
}

@test "gethostbyname: an address that is there stays, --overwrite asks" {
	serve
	event='{"source.fqdn":"www.a.example","source.ip":"198.51.100.1"}'
	run -0 resolve <<< "$event"
	[ "$output" = "$event" ]
	run -0 resolve --overwrite <<< "$event"
	[ "$(addresses <<< "$output")" = 192.0.2.1 ]
	run -0 resolve --overwrite <<< '{"source.fqdn":"nothing.a.example","source.ip":"198.51.100.1"}'
	[ "$(addresses <<< "$output")" = 198.51.100.1 ]
}

@test "gethostbyname: aliases are followed within and between zones, loops end" {
	serve
	run -0 --separate-stderr resolve --stats < <(fqdns alias.a.example away.a.example gone.a.example round.a.example)
	[ "$(addresses <<< "$output")" = '192.0.2.1 192.0.2.20 - -' ]
	[ "$(jq -c '[.failed,.negative]' <<< "$stderr")" = '[0,2]' ]
}

@test "gethostbyname: wildcards, empty non-terminals, names that do not exist" {
	serve
	run -0 --separate-stderr resolve --stats < <(fqdns x.wild.a.example y.z.wild.a.example empty.a.example deep.empty.a.example nothing.a.example)
	[ "$(addresses <<< "$output")" = '192.0.2.9 192.0.2.9 - 192.0.2.10 -' ]
	[ "$(jq -c '[.in,.out,.negative,.failed]' <<< "$stderr")" = '[5,5,2,0]' ]
}

@test "gethostbyname: names of other scripts, in capitals, with a dot at the end or underscores" {
	serve
	run -0 resolve < <(fqdns 'bücher.a.example' 'BÜCHER.A.EXAMPLE' xn--bcher-kva.a.example WWW.A.Example www.a.example. _odd_.a.example)
	[ "$(addresses <<< "$output")" = '192.0.2.11 192.0.2.11 192.0.2.11 192.0.2.1 192.0.2.1 192.0.2.12' ]
}

@test "gethostbyname: addresses that the field refuses are skipped" {
	serve
	run -0 resolve < <(fqdns zero.a.example)
	[ "$output" = "$(fqdns zero.a.example)" ]
}

@test "gethostbyname: a zone that is not the server's is refused, which is no failure; other codes as told" {
	serve
	misbehave servfail silent
	run -0 --separate-stderr resolve --stats < <(fqdns www.c.example)
	[ "$output" = "$(fqdns www.c.example)" ]
	[ "$(jq -c '[.failed,.negative]' <<< "$stderr")" = '[0,1]' ]
	for server in "$server_servfail" "$server_silent"; do
		try=(imq-gethostbyname --nameserver "$server" --dns-timeout 0.1 --dns-tries 2)
		run -3 --separate-stderr "${try[@]}" < <(fqdns www.c.example)
		[ -z "$output" ]
		[[ "$stderr" == *': any www.c.example: '* ]]
		run -0 --separate-stderr "${try[@]}" --on-failure pass < <(fqdns www.c.example)
		[ "$output" = "$(fqdns www.c.example)" ]
		for codes in -3 '-9, -3' '["-9",-3]'; do
			run -0 --separate-stderr "${try[@]}" --gaierrors-to-ignore "$codes" < <(fqdns www.c.example)
			[ "$output" = "$(fqdns www.c.example)" ]
			[ -z "$stderr" ]
		done
		run -0 "${try[@]}" --config <(echo 'gaierrors_to_ignore: -3') < <(fqdns www.c.example)
	done
	run -2 --separate-stderr resolve --gaierrors-to-ignore EAI_AGAIN < /dev/null
	[[ "$stderr" == *'"EAI_AGAIN"'* ]]
}

@test "gethostbyname: order stays and each record is accounted for, whatever becomes of its lookup" {
	serve
	misbehave second
	for i in $(seq 300); do
		case $((i % 4)) in
		0) fqdns www.a.example ;;
		1) fqdns "n$i.a.example" ;;
		2) fqdns "w$i.wild.a.example" ;;
		3) echo "{\"source.port\":$i}" ;;
		esac
	done > events
	run -0 --separate-stderr resolve --stats events
	[ "$(jq -c 'del(."source.ip")' <<< "$output")" = "$(jq -c . events)" ]
	[ "$(jq -c '[.in,.out,.dns.timeouts]' <<< "$stderr")" = '[300,300,0]' ]
	run -0 --separate-stderr imq-gethostbyname --nameserver "$server_second" --dns-timeout 0.3 --stats events
	[ "$(jq -c 'del(."source.ip")' <<< "$output")" = "$(jq -c . events)" ]
	[ "$(jq -c '[.in,.out,.failed]' <<< "$stderr")" = '[300,300,0]' ]
}

@test "gethostbyname: names that cannot be are not asked for" {
	misbehave good
	long=$(head -c 64 /dev/zero | tr '\0' a)
	longest=$(for i in $(seq 130); do printf 'a.'; done)
	fqdns "$long.example" a..example '.' 'a b.example' "${longest}example" '192.0.2.1' '' 'a\u0000b.example' 'a\nb.example' > events
	echo '{"source.fqdn":17}' >> events
	run -0 --separate-stderr imq-gethostbyname --nameserver "$server_good" --stats events
	[ "$output" = "$(cat events)" ]
	[ "$(jq .failed <<< "$stderr")" = 0 ]
	[ ! -s good.log ]
}
