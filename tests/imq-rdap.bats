load lib
load nginx
load redis

teardown() {
	stop_nginx
	stop_redis
	[ -z "${silent:-}" ] || kill "$silent" 2> /dev/null || true
}

# An RDAP server with two domains, a network and an AS, and bootstrap files that point to it.
serve() {
	start_nginx "${1:-}"
	mkdir -p www/rdap/domain www/rdap/ip www/rdap/autnum boot
	cat > www/rdap/domain/a.com <<- 'END'
		{"objectClassName":"domain","entities":[
		 {"roles":["registrant"],"vcardArray":["vcard",[["version",{},"text","4.0"],["email",{},"text","Reg@x.example"]]]},
		 {"roles":["registrar"],"vcardArray":["vcard",[["email",{},"text","rr@x.example"]]],
		  "entities":[{"roles":["abuse"],"vcardArray":["vcard",[["email",{},"text","Abuse@x.example"]]]}]}]}
	END
	echo '{"entities":[{"roles":["registrar"],"vcardArray":["vcard",[["email",{},"text","only-registrar@x.example"]]]}]}' \
		> www/rdap/domain/b.com
	echo '{"entities":[]}' > www/rdap/domain/none.com
	cat > www/rdap/ip/192.0.2.1 <<- 'END'
		{"objectClassName":"ip network","startAddress":"192.0.2.0","endAddress":"192.0.2.127","country":"AT","port43":"whois.ripe.net",
		 "events":[{"eventAction":"registration","eventDate":"2001-02-03T04:05:06Z"}],
		 "entities":[{"roles":["abuse"],"vcardArray":["vcard",[["email",{},"text","net@x.example"]]]}]}
	END
	sed 's/192.0.2.1"/192.0.2.200"/; s/"startAddress.*127",//; s/net@/other@/' www/rdap/ip/192.0.2.1 > www/rdap/ip/192.0.2.200
	echo '{"startAutnum":64496,"endAutnum":64499,"name":"EXAMPLE-AS","entities":[
		{"roles":["abuse"],"vcardArray":["vcard",[["email",{},"text","as@x.example"]]]}]}' > www/rdap/autnum/64496
	echo "{\"services\":[[[\"com\",\"co.uk\"],[\"$web/rdap/\"]]]}" > boot/dns.json
	echo "{\"services\":[[[\"192.0.2.0/24\"],[\"$web/rdap/\"]],[[\"0.0.0.0/0\"],[\"http://127.0.0.1:1/\"]]]}" > boot/ipv4.json
	echo "{\"services\":[[[\"2001:db8::/32\"],[\"$web/rdap\"]]]}" > boot/ipv6.json
	echo "{\"services\":[[[\"64496-64511\"],[\"$web/rdap/\"]]]}" > boot/asn.json
}

rdap() {
	imq-rdap --bootstrap boot "$@"
}

contact() {
	jq -r '."source.abuse_contact" // "-"'
}

@test "rdap: the contact of the registered domain is the one of the best role" {
	serve
	run -0 --separate-stderr rdap <<< '{"source.fqdn":"www.a.com"}'
	[ "$output" = '{"source.fqdn":"www.a.com","source.abuse_contact":"abuse@x.example"}' ]
	[ -z "$stderr" ]
	run -0 rdap --rdap-order registrar,abuse <<< '{"source.fqdn":"a.com"}'
	[ "$output" = '{"source.fqdn":"a.com","source.abuse_contact":"rr@x.example"}' ]
	[ "$(requests '/rdap/domain/a.com ')" -eq 2 ]
}

@test "rdap: without a domain the address is asked for, without an address the AS" {
	serve
	run -0 rdap <<- 'END'
		{"source.ip":"192.0.2.1","source.asn":64496}
		{"source.asn":64496}
		{"source.fqdn":"a.com","source.ip":"192.0.2.1"}
		{"source.port":80}
	END
	[ "$(contact <<< "$output" | paste -sd' ')" = 'net@x.example as@x.example abuse@x.example -' ]
	run -0 rdap --ask asn,domain <<< '{"source.fqdn":"a.com","source.asn":64496}'
	[ "$(contact <<< "$output")" = as@x.example ]
}

@test "rdap: more of the answer on request" {
	serve
	run -0 rdap --fields network,registry,geolocation.cc,allocated <<< '{"source.ip":"192.0.2.1"}'
	[ "$output" = '{"source.ip":"192.0.2.1","source.abuse_contact":"net@x.example","source.network":"192.0.2.0/25","source.registry":"RIPE","source.geolocation.cc":"AT","source.allocated":"2001-02-03T04:05:06+00:00"}' ]
	run -0 rdap --fields as_name <<< '{"source.asn":64496}'
	[ "$output" = '{"source.asn":64496,"source.abuse_contact":"as@x.example","source.as_name":"EXAMPLE-AS"}' ]
	run -2 rdap --fields nonsense < /dev/null
}

@test "rdap: an answer that names a range is for all addresses in it" {
	serve
	run -0 --separate-stderr rdap --stats --concurrency 1 --window 1 <<- 'END'
		{"source.ip":"192.0.2.1"}
		{"source.ip":"192.0.2.99"}
		{"source.ip":"192.0.2.200"}
		{"source.asn":64496}
		{"source.asn":64498}
	END
	[ "$(contact <<< "$output" | paste -sd' ')" = 'net@x.example net@x.example other@x.example as@x.example as@x.example' ]
	[ "$(jq -c '[.lookups,.cached]' <<< "$stderr")" = '[3,2]' ]
	run -0 rdap --no-ranges --concurrency 1 --window 1 <<< $'{"source.ip":"192.0.2.1"}\n{"source.ip":"192.0.2.99"}'
	[ "$(contact <<< "$output" | paste -sd' ')" = 'net@x.example -' ]
}

@test "rdap: contacts of one domain are never given to another" {
	serve
	run -0 rdap <<< $'{"source.fqdn":"a.com"}\n{"source.fqdn":"b.com"}\n{"source.fqdn":"none.com"}'
	[ "$(contact <<< "$output" | paste -sd' ')" = 'abuse@x.example only-registrar@x.example -' ]
}

@test "rdap: only the end of a name is its suffix, and a suffix alone is not asked for" {
	serve
	cp www/rdap/domain/a.com www/rdap/domain/community.com
	cp www/rdap/domain/a.com www/rdap/domain/a.co.uk
	run -0 rdap <<< $'{"source.fqdn":"my.community.com"}\n{"source.fqdn":"x.a.co.uk"}\n{"source.fqdn":"com"}\n{"source.fqdn":"a.example"}'
	[ "$(contact <<< "$output" | paste -sd' ')" = 'abuse@x.example abuse@x.example - -' ]
	[ "$(requests)" -eq 2 ]
}

@test "rdap: own servers beat the list, with a token where they want one" {
	serve
	echo "{\"services\":[[[\"com\"],[\"http://127.0.0.1:1/\"]]]}" > boot/dns.json
	run -0 rdap --rdap-bootstrapped-servers "{\"com\":{\"url\":\"$web/rdap\",\"auth\":{\"type\":\"jwt\",\"token\":\"abc\"}}}" \
		<<< '{"source.fqdn":"a.com"}'
	[ "$(contact <<< "$output")" = abuse@x.example ]
	[ "$(requests 'auth=Bearer abc')" -eq 1 ]
	run -2 rdap --rdap-bootstrapped-servers '{"com":{"url":"http://x/","auth":{"type":"basic"}}}' < /dev/null
	run -2 rdap --rdap-bootstrapped-servers '{"com":"ftp://x/"}' < /dev/null
	run -2 rdap --rdap-bootstrapped-servers '[]' < /dev/null
}

@test "rdap: overwrite is yes by default, no keeps, unset rejects" {
	serve
	event='{"source.fqdn":"a.com","source.abuse_contact":"old@x.example"}'
	run -0 rdap <<< "$event"
	[ "$(contact <<< "$output")" = abuse@x.example ]
	run -0 rdap --no-overwrite <<< "$event"
	[ "$output" = "$event" ]
	run -3 rdap --config <(echo 'overwrite: null') <<< "$event"
}

@test "rdap: bootstrap files come from the web, once, with their ETag when a folder keeps them" {
	serve
	mkdir www/boot kept
	cp boot/* www/boot/
	run -0 imq-rdap --bootstrap "$web/boot/" --bootstrap-cache kept <<< $'{"source.fqdn":"a.com"}\n{"source.fqdn":"b.com"}'
	[ "$(contact <<< "$output" | paste -sd' ')" = 'abuse@x.example only-registrar@x.example' ]
	[ "$(requests /boot/)" -eq 1 ]
	run -0 imq-rdap --bootstrap "$web/boot/" --bootstrap-cache kept <<< '{"source.fqdn":"a.com"}'
	[ "$(contact <<< "$output")" = abuse@x.example ]
	[ "$(requests '^304 GET /boot/dns.json')" -eq 1 ]
}

@test "rdap: bootstrap files that cannot be had are replaced by the copies, with a message" {
	run -0 --separate-stderr imq-rdap --bootstrap http://127.0.0.1:1/ --http-timeout-max-tries 1 <<< '{"source.fqdn":"a.invalid"}'
	[ "$output" = '{"source.fqdn":"a.invalid"}' ]
	[[ "$stderr" == *'using the copy of dns.json'* ]]
	run -0 --separate-stderr imq-rdap --offline <<< '{"source.fqdn":"a.invalid"}'
	[ "$output" = '{"source.fqdn":"a.invalid"}' ]
	[ -z "$stderr" ]
}

@test "rdap: the order of events stays, unless --unordered" {
	serve 'location /rdap/domain/slow { echo_sleep 0.4; echo "{}"; }'
	printf '{"source.fqdn":"%s"}\n' slow.com a.com slow2.com b.com > events
	run -0 rdap events
	[ "$(jq -r '."source.fqdn"' <<< "$output" | paste -sd' ')" = 'slow.com a.com slow2.com b.com' ]
	run -0 rdap --unordered events
	[ "$(jq -r '."source.fqdn"' <<< "$output" | paste -sd' ')" = 'a.com b.com slow.com slow2.com' ] ||
		[ "$(jq -r '."source.fqdn"' <<< "$output" | paste -sd' ')" = 'b.com a.com slow.com slow2.com' ]
}

@test "rdap: equal questions are asked once, answers and their absence remembered" {
	serve 'location = /rdap/domain/slow.com { echo_sleep 0.3; echo "{}"; }'
	for i in 1 2 3 4 5; do echo "{\"source.fqdn\":\"h$i.slow.com\"}"; done > events
	run -0 --separate-stderr rdap --stats events
	[ "$(requests)" -eq 1 ]
	[ "$(jq -c '[.in,.out,.lookups,.coalesced,.negative]' <<< "$stderr")" = '[5,5,1,4,1]' ]
	run -0 --separate-stderr rdap --stats --window 1 <<< $'{"source.fqdn":"gone.com"}\n{"source.fqdn":"x.gone.com"}\n{"source.fqdn":"a.com"}'
	[ "$(jq -c '[.lookups,.cached,.failed]' <<< "$stderr")" = '[2,1,0]' ]
}

@test "rdap: a cache file serves the next run" {
	serve
	run -0 rdap --cache cache.db <<< $'{"source.fqdn":"a.com"}\n{"source.fqdn":"gone.com"}\n{"source.ip":"192.0.2.1"}'
	before=$(requests)
	run -0 rdap --cache cache.db <<< $'{"source.fqdn":"a.com"}\n{"source.fqdn":"gone.com"}\n{"source.ip":"192.0.2.2"}'
	[ "$(contact <<< "$output" | paste -sd' ')" = 'abuse@x.example - net@x.example' ]
	[ "$(requests)" -eq "$before" ]
	IMQ_NOW=2030-01-01T00:00:00+00:00 run -0 rdap --cache cache.db <<< '{"source.fqdn":"a.com"}'
	[ "$(requests)" -eq $((before + 1)) ]
}

@test "rdap: a cache in Redis is shared by processes, answers for networks and negative ones too" {
	start_redis
	serve
	cat > events <<- 'END'
		{"source.fqdn":"a.com"}
		{"source.fqdn":"gone.com"}
		{"source.ip":"192.0.2.1"}
	END
	run -0 rdap --cache "redis://$redis/3" events
	before=$(requests)
	run -0 rdap --cache "redis://$redis/3" --cache-size 0 <<< $'{"source.fqdn":"a.com"}\n{"source.fqdn":"gone.com"}\n{"source.ip":"192.0.2.2"}'
	[ "$(contact <<< "$output" | paste -sd' ')" = 'abuse@x.example - net@x.example' ]
	[ "$(requests)" -eq "$before" ]
	redis-cli -p "$redis_port" -n 3 --scan | grep -q '^imq-rdap:'
	[ "$(redis-cli -p "$redis_port" -n 3 eval 'for _, k in ipairs(redis.call("keys", "*")) do if redis.call("ttl", k) <= 0 then return k end end' 0)" = '' ]
	IMQ_NOW=2030-01-01T00:00:00+00:00 run -0 rdap --cache "redis://$redis/3" <<< '{"source.fqdn":"a.com"}'
	[ "$(requests)" -eq $((before + 1)) ]
}

@test "rdap: without its Redis it goes on, and says so; at the start it must be there" {
	start_redis
	serve
	mkfifo in
	rdap --cache "redis://$redis" < in > out 2> err 3>&- &
	silent=$!
	exec 9> in
	echo '{"source.fqdn":"a.com"}' >&9
	wait_until grep -q abuse@ out
	stop_redis
	echo '{"source.ip":"192.0.2.1"}' >&9
	wait_until grep -q net@ out
	exec 9>&-
	wait "$silent"
	silent=
	grep -q 'going on without the cache for now' err
	run -5 --separate-stderr rdap --cache "redis://$redis" < /dev/null
	[[ "$stderr" == *refused* ]]
}

@test "rdap: no such domain leaves the event as it is" {
	serve
	run -0 --separate-stderr rdap <<< '{"source.fqdn": "www.gone.com"}'
	[ "$output" = '{"source.fqdn": "www.gone.com"}' ]
	[ -z "$stderr" ]
}

@test "rdap: an error of the server is tried again, then the event passes and is counted, is rejected, or ends the run" {
	serve 'location /rdap/domain/bad.com { return 500 oops; }'
	run -0 --separate-stderr rdap --stats <<< $'{"source.fqdn":"bad.com"}\n{"source.fqdn":"a.com"}'
	[ "$(contact <<< "$output" | paste -sd' ')" = '- abuse@x.example' ]
	[ "$(requests '^500')" -eq 3 ]
	[[ "$stderr" == 'imq-rdap: domain/bad.com: HTTP status 500'* ]]
	[ "$(tail -n 1 <<< "$stderr" | jq .failed)" = 1 ]
	run -3 --separate-stderr rdap --on-failure reject --rejects rejects --http-timeout-max-tries 1 \
		<<< $'{"source.fqdn":"bad.com"}\n{"source.fqdn":"a.com"}'
	[ "$(contact <<< "$output")" = abuse@x.example ]
	[ "$(jq -r .reason rejects)" = 'domain/bad.com: HTTP status 500' ]
	run -5 --separate-stderr rdap --stats --on-failure stop --http-timeout-max-tries 1 \
		<<< $'{"source.fqdn":"a.com"}\n{"source.fqdn":"bad.com"}\n{"source.fqdn":"b.com"}'
	[ "$(tail -n 1 <<< "$stderr" | jq '.in == .out + .pending')" = true ]
}

@test "rdap: a server that asks for patience gets it, for all that goes there" {
	serve 'location = /rdap/domain/busy.com { limit_req zone=slow; limit_req_status 429; add_header Retry-After 1 always; }
		} limit_req_zone $binary_remote_addr zone=slow:1m rate=2r/s; server { listen 127.0.0.1:'"$(free_port)"';'
	cp www/rdap/domain/a.com www/rdap/domain/busy.com
	printf '{"source.fqdn":"busy.com"}\n' > events
	rdap events > /dev/null
	run -0 --separate-stderr rdap events
	[ "$(contact <<< "$output")" = abuse@x.example ]
	[ "$(requests '^429')" -eq 1 ]
}

@test "rdap: a dead server costs its tries, not the run" {
	serve
	run -0 --separate-stderr rdap --stats <<< $'{"source.ip":"198.51.100.1"}\n{"source.fqdn":"a.com"}'
	[ "$(contact <<< "$output" | paste -sd' ')" = '- abuse@x.example' ]
	[ "$(tail -n 1 <<< "$stderr" | jq .failed)" = 1 ]
}

@test "rdap: a server that never answers ends with the timeout, tries and all with the deadline" {
	serve
	port=$(free_port)
	python3 -c "import socket,time; s=socket.socket(); s.bind(('127.0.0.1',$port)); s.listen(50); open('ready','w'); time.sleep(60)" &
	silent=$!
	wait_until test -e ready
	own="{\"net\":\"http://127.0.0.1:$port/\"}"
	run -0 --separate-stderr rdap --rdap-bootstrapped-servers "$own" --http-timeout-sec 0.3 --http-timeout-max-tries 1 \
		<<< $'{"source.fqdn":"x.net"}\n{"source.fqdn":"a.com"}'
	[ "$(contact <<< "$output" | paste -sd' ')" = '- abuse@x.example' ]
	[[ "$stderr" == *'domain/x.net: '*'imed out'* ]]
	start=$(date +%s%N)
	run -0 --separate-stderr rdap --rdap-bootstrapped-servers "$own" --deadline 0.5 <<< '{"source.fqdn":"x.net"}'
	[ $((($(date +%s%N) - start) / 1000000)) -lt 5000 ]
}

@test "rdap: a barrier comes out after all events before it" {
	serve 'location /rdap/domain/slow { echo_sleep 0.3; echo "{}"; }'
	run -0 --keep-empty-lines rdap <<< $'{"source.fqdn":"slow.com"}\n\n{"source.fqdn":"com"}'
	[ "${lines[0]}" = '{"source.fqdn":"slow.com"}' ]
	[ -z "${lines[1]}" ]
	[ "${lines[2]}" = '{"source.fqdn":"com"}' ]
}

@test "rdap: each event comes out as soon as it is answered" {
	serve
	mkfifo in
	rdap in > out &
	pid=$!
	exec 7> in
	echo '{"source.fqdn":"a.com"}' >&7
	wait_until grep -q abuse@x.example out
	exec 7>&-
	wait "$pid"
}

@test "rdap: what is finished comes out though the window is full" {
	serve 'location /rdap/domain/slow { echo_sleep 2; echo "{}"; }'
	printf '{"source.fqdn":"%s"}\n' a.com slow.com b.com > events
	rdap --window 1 events > out &
	pid=$!
	wait_until grep -q abuse@x.example out
	[ "$(requests slow)" -eq 0 ]
	wait "$pid"
	[ "$(contact < out | paste -sd' ')" = 'abuse@x.example - only-registrar@x.example' ]
}

@test "rdap: SIGHUP reads the bootstrap files again" {
	serve
	mkfifo in
	imq-rdap --bootstrap boot in > out &
	pid=$!
	exec 7> in
	echo '{"source.fqdn":"a.com"}' >&7
	wait_until grep -q abuse@x.example out
	sed 's/"com"/"net"/' boot/dns.json > boot/new
	mv boot/new boot/dns.json
	cp www/rdap/domain/a.com www/rdap/domain/a.net
	kill -HUP "$pid"
	echo '{"source.fqdn":"a.net"}' >&7
	exec 7>&-
	wait "$pid"
	[ "$(contact < out | paste -sd' ')" = 'abuse@x.example abuse@x.example' ]
}

@test "rdap: SIGTERM drains what is on its way" {
	serve 'location /rdap/domain/slow { echo_sleep 0.5; echo "{}"; }'
	mkfifo in
	imq-rdap --bootstrap boot in > out &
	pid=$!
	exec 7> in
	echo '{"source.fqdn":"slow.com"}' >&7
	echo '{"source.fqdn":"a.com"}' >&7
	wait_until grep -q a.com nginx.log
	kill "$pid"
	exec 7>&-
	wait "$pid"
	[ "$(contact < out | paste -sd' ')" = '- abuse@x.example' ]
}

@test "rdap: a full window waits, and nothing is lost" {
	serve
	for i in $(seq 300); do echo "{\"source.fqdn\":\"h$i.d$i.com\",\"source.port\":$i}"; done > events
	run -0 --separate-stderr rdap --stats --window 7 --concurrency 3 events
	[ "$(jq '."source.port"' <<< "$output" | paste -sd,)" = "$(seq -s, 300)" ]
	[ "$(jq -c '[.in,.out,.lookups]' <<< "$stderr")" = '[300,300,300]' ]
	run -0 --separate-stderr rdap --stats --window-size 100 events
	[ "$(jq .out <<< "$stderr")" = 300 ]
}

@test "rdap: a reader that goes away ends it quietly" {
	serve
	for i in $(seq 3000); do echo "{\"source.fqdn\":\"h$i.a.com\",\"source.port\":$i}"; done > events
	run -0 --separate-stderr bash -c 'set -o pipefail; imq-rdap --bootstrap boot events | head -n 1 > /dev/null; exit "${PIPESTATUS[0]}"'
	[ -z "$stderr" ]
}

@test "rdap: answers that are garbage, of wrong types or deep are failures or nothing" {
	serve
	cd www/rdap/domain
	echo 'no json' > g1.com
	printf '[1,2]' > g2.com
	printf '{"entities":{"a":1}}' > g3.com
	printf '{"entities":[1,null,"x",{"roles":5},{"roles":[7,null]},{"roles":["abuse"],"vcardArray":7},{"roles":["abuse"],"vcardArray":["vcard",[["email"],["email",{},"text",{}],[[[]]]]]}]}' > g4.com
	python3 -c 'print("[" * 100000)' > g5.com
	printf '{"entities":[{"roles":["abuse"],"vcardArray":["vcard",[["email",{},"text","%s"]]]}]}' "$(head -c 100000 /dev/zero | tr '\0' a)" > g6.com
	printf '\xff\xfe\x00' > g7.com
	: > g8.com
	printf '{"entities":[{"roles":["removed","abuse"],"vcardArray":["vcard",[["email",{},"text","gone@x.example"]]]}]}' > g9.com
	cd "$BATS_TEST_TMPDIR"
	for i in 1 2 3 4 5 6 7 8 9; do echo "{\"source.fqdn\":\"g$i.com\"}"; done > events
	run -0 --separate-stderr rdap --stats events
	[ "$output" = "$(cat events)" ]
	[ "$(tail -n 1 <<< "$stderr" | jq -c '[.failed,.negative]')" = '[5,4]' ]
}

@test "rdap: a range in an answer that does not hold the address is not believed" {
	serve
	printf '{"startAddress":"0.0.0.0","endAddress":"255.255.255.255","entities":[{"roles":["abuse"],"vcardArray":["vcard",[["email",{},"text","all@x.example"]]]}]}' \
		> www/rdap/ip/192.0.2.50
	printf '{"startAddress":"192.0.2.9","endAddress":"192.0.2.10","entities":[{"roles":["abuse"],"vcardArray":["vcard",[["email",{},"text","liar@x.example"]]]}]}' \
		> www/rdap/ip/192.0.2.51
	run -0 rdap --window 1 <<- 'END'
		{"source.ip":"192.0.2.50"}
		{"source.ip":"192.0.2.51"}
		{"source.ip":"192.0.2.9"}
		{"source.ip":"192.0.2.1"}
	END
	[ "$(contact <<< "$output" | paste -sd' ')" = 'all@x.example liar@x.example - net@x.example' ]
}

@test "rdap: a huge answer is refused" {
	serve
	head -c 3000000 /dev/zero | tr '\0' ' ' > www/rdap/domain/huge.com
	run -0 --separate-stderr rdap --max-reply 1M <<< '{"source.fqdn":"huge.com"}'
	[[ "$stderr" == *'longer than 1048576 bytes'* ]]
	[ "$(requests huge)" -eq 1 ]
}

@test "rdap: names from events cannot leave their place in the URL" {
	serve
	run rdap <<< '{"source.fqdn":"a/../../secret?x#y.com"}'
	[ "$(requests secret?)" -eq 0 ]
	[ "$(requests '%2F')" -le 1 ]
}

@test "rdap: redirects are followed, not for ever, and not with credentials to another host" {
	serve 'location = /rdap/domain/moved.com { return 302 /rdap/domain/a.com; }
		location = /rdap/domain/loop.com { return 302 /rdap/domain/loop.com; }
		location = /rdap/domain/away.com { return 302 http://localhost:$server_port/rdap/domain/a.com; }
		location = /rdap/domain/file.com { return 302 file:///etc/passwd; }'
	printf '{"source.fqdn":"%s"}\n' moved.com loop.com away.com file.com > events
	run -0 --separate-stderr rdap --http-username me --http-password you events
	[ "$(contact <<< "$output" | paste -sd' ')" = 'abuse@x.example - abuse@x.example -' ]
	[ "$(requests 'loop.com')" -eq 11 ]
	[ "$(requests '^200 GET /rdap/domain/a.com .*auth=Basic')" -eq 1 ]
	[ "$(requests '^200 GET /rdap/domain/a.com .*auth=- ')" -eq 1 ]
}

@test "rdap: a broken line is rejected with its place, the next one goes on" {
	serve
	printf '%s\n' '{"source.fqdn":"a.com"' '{"source.fqdn":"a.com"}' > events
	run -3 --separate-stderr rdap events
	[ "$(contact <<< "$output")" = abuse@x.example ]
	[[ "$stderr" == 'imq-rdap: events:1: '* ]]
}

@test "rdap: TLS certificates are checked, by the authority named if one is" {
	need_program openssl
	openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 \
		-keyout server.key -out server.pem 2> /dev/null
	web_tls=1
	serve
	run -0 --separate-stderr rdap --http-timeout-max-tries 1 <<< '{"source.fqdn":"a.com"}'
	[ "$output" = '{"source.fqdn":"a.com"}' ]
	[[ "$stderr" == *certificate* ]]
	run -0 rdap --http-verify-cert server.pem <<< $'{"source.fqdn":"a.com"}\n{"source.fqdn":"b.com"}\n{"source.ip":"192.0.2.1"}'
	[ "$(contact <<< "$output" | paste -sd' ')" = 'abuse@x.example only-registrar@x.example net@x.example' ]
	run -0 rdap --http-verify-cert false <<< '{"source.fqdn":"a.com"}'
	[ "$(contact <<< "$output")" = abuse@x.example ]
	run -2 rdap --http-verify-cert missing.pem < /dev/null
}

@test "rdap: headers, agent and credentials are sent as told" {
	serve
	run -0 rdap --http-user-agent tester --http-username me --config <(echo 'http_password: you') <<< '{"source.fqdn":"a.com"}'
	[ "$(requests "agent=tester auth=Basic $(printf me:you | base64)")" -eq 1 ]
	run -0 rdap --http-header '{"Authorization":"Token x"}' <<< '{"source.fqdn":"a.com"}'
	[ "$(requests 'auth=Token x')" -eq 1 ]
	run -2 rdap --http-header '["a"]' < /dev/null
	run -2 rdap --http-header '{"a":"b\r\nc: d"}' < /dev/null
}

@test "rdap: a rate limit waits" {
	serve
	for i in 1 2 3 4 5; do echo "{\"source.fqdn\":\"d$i.com\"}"; done > events
	start=$(date +%s%N)
	run -0 rdap --rate 10 --concurrency 5 events
	[ "$output" = "$(cat events)" ]
	[ $((($(date +%s%N) - start) / 1000000)) -ge 400 ]
	[ "$(requests)" -eq 5 ]
}
