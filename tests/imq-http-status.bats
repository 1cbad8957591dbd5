load lib
load nginx

teardown() {
	stop_nginx
}

serve() {
	start_nginx 'location /gone { return 404; } location /broken { return 500; } location /moved { return 302 /page; }
		location /loop { return 302 /loop; } location /teapot { return 418; } location = /inside { return 302 http://10.0.0.1/; }
		location /slow { echo_sleep 0.4; echo slow; } location /never { echo_sleep 30; echo never; } '"${1:-}"
	echo hello > www/page
}

# As a rule our servers are on loopback.
check() {
	imq-http-status --allow-private "$@"
}

urls() {
	printf "{\"source.url\":\"$web%s\"}\n" "$@"
}

states() {
	jq -r '.status // "-"' | paste -sd' '
}

@test "http-status: a page that is there is online, one that is not is offline, with the server's words" {
	serve
	run -0 --separate-stderr check <<< "{\"source.url\":\"$web/page\"}"
	[ "$output" = "{\"source.url\":\"$web/page\",\"status\":\"online\"}" ]
	[ -z "$stderr" ]
	run -0 check <<< "{\"source.url\":\"$web/gone\"}"
	[ "$output" = "{\"source.url\":\"$web/gone\",\"status\":\"offline\",\"extra.reason\":\"Not Found\"}" ]
}

@test "http-status: another field, an event without it" {
	serve
	run -0 check --field destination.url <<< "{\"source.url\":\"http://x.invalid/\",\"destination.url\":\"$web/page\"}"$'\n{"source.ip":"192.0.2.1"}'
	[ "$(states <<< "$output")" = 'online -' ]
	run -2 --separate-stderr check --field no.field < /dev/null
	[[ "$stderr" == *--field* ]]
}

@test "http-status: redirects are followed, not for ever" {
	serve
	urls /moved /loop > events
	run -0 check events
	[ "$(states <<< "$output")" = 'online offline' ]
	[[ "$output" == *'more than 10 redirects'* ]]
	[ "$(requests /loop)" -eq 11 ]
}

@test "http-status: a list of statuses decides" {
	serve
	urls /gone /page /teapot > events
	run -0 check --success-status-codes 404,418 events
	[ "$(states <<< "$output")" = 'online offline online' ]
	run -0 check --config <(echo 'success_status_codes: [200]') events
	[ "$(states <<< "$output")" = 'offline online offline' ]
	run -2 check --success-status-codes yes < /dev/null
}

@test "http-status: an old status and reason are replaced, --no-overwrite does not even ask" {
	serve
	event="{\"source.url\":\"$web/gone\",\"status\":\"up\",\"extra.reason\":\"old\"}"
	run -0 check <<< "$event"
	[ "$output" = "{\"source.url\":\"$web/gone\",\"status\":\"offline\",\"extra.reason\":\"Not Found\"}" ]
	run -0 check --no-overwrite <<< "$event"
	[ "$output" = "$event" ]
	[ "$(requests)" -eq 1 ]
}

@test "http-status: what prevents an answer is the reason" {
	serve
	printf '{"source.url":"%s"}\n' http://127.0.0.1:1/ http://name.invalid/ ftp://127.0.0.1/ "$web/never" > events
	run -0 --separate-stderr check --http-timeout-sec 0.3 --http-timeout-max-tries 1 events
	[ "$(states <<< "$output")" = 'offline offline offline offline' ]
	[ "$(jq -s 'map(."extra.reason" | length > 5) | all' <<< "$output")" = true ]
	[[ "$output" == *'imed out'* ]]
	[[ "$output" == *'not an http or https URL'* ]]
	[ -z "$stderr" ]
}

@test "http-status: an error of the server is tried again before it counts" {
	serve
	run -0 check <<< "{\"source.url\":\"$web/broken\"}"
	[ "$(jq -r '."extra.reason"' <<< "$output")" = 'Internal Server Error' ]
	[ "$(requests '^500')" -eq 3 ]
}

@test "http-status: the pause that a busy server asks for is kept" {
	serve 'location = /busy { limit_req zone=slow; limit_req_status 503; error_page 503 @later; try_files /page =404; }
		location @later { add_header Retry-After 1 always; return 503; }
		} limit_req_zone $binary_remote_addr zone=slow:1m rate=2r/s; server { listen 127.0.0.1:'"$(free_port)"';'
	urls /busy > events
	check events > /dev/null
	run -0 check events
	[ "$(states <<< "$output")" = online ]
	[ "$(requests '^503')" -eq 1 ]
}

@test "http-status: order stays, equal URLs are asked for once, answers remembered" {
	serve
	urls /slow /page /slow /gone /page > events
	run -0 --separate-stderr check --stats events
	[ "$(states <<< "$output")" = 'online online online offline online' ]
	[ "$(jq -r '."source.url"' <<< "$output" | sed "s|$web||" | paste -sd' ')" = '/slow /page /slow /gone /page' ]
	[ "$(requests)" -eq 3 ]
	[ "$(jq -c '[.lookups,.coalesced+.cached]' <<< "$stderr")" = '[3,2]' ]
	run -0 check --unordered --no-overwrite events
	[ "$(jq -r '."source.url"' <<< "$output" | sed "s|$web||" | tail -n 1)" = /slow ]
}

@test "http-status: a cache file serves the next run, for as long as told" {
	serve
	urls /page /gone > events
	run -0 check --cache cache.db events
	IMQ_NOW=2020-01-01T00:00:00+00:00 run -0 check --cache old.db events
	run -0 check --cache cache.db --success-status-codes 404 events
	[ "$(states <<< "$output")" = 'offline online' ]
	[ "$(requests)" -eq 4 ]
	IMQ_NOW=2020-01-01T00:04:00+00:00 run -0 check --cache old.db events
	[ "$(requests)" -eq 4 ]
	IMQ_NOW=2020-01-01T00:06:00+00:00 run -0 check --cache old.db events
	[ "$(requests)" -eq 6 ]
	# Other commands may share the file.
	[ "$(sqlite3 cache.db "SELECT DISTINCT substr(CAST(key AS TEXT), 1, 16) FROM cache")" = imq-http-status: ]
}

@test "http-status: a barrier waits for all before it" {
	serve
	mkfifo in
	check in > out &
	pid=$!
	exec 7> in
	{ urls /slow /page; echo; } >&7
	wait_until grep -q '^$' out
	[ "$(sed 's/.*"status":"\([a-z]*\)".*/\1/' out | paste -sd,)" = 'online,online,' ]
	exec 7>&-
	wait "$pid"
}

@test "http-status: inside addresses are no business of URLs from events" {
	serve
	port=${web##*:}
	printf '{"source.url":"%s"}\n' "$web/page" "http://localhost:$port/page" "http://[::ffff:127.0.0.1]:$port/page" \
		"http://2130706433:$port/page" "http://0x7f.1:$port/" http://169.254.169.254/latest/meta-data/ > events
	run -0 --separate-stderr imq-http-status --stats events
	[ "$output" = "$(cat events)" ]
	[ "$(tail -n 1 <<< "$stderr" | jq .failed)" = 6 ]
	[[ "$stderr" == *'private address'* ]]
	[ "$(requests)" -eq 0 ]
	run -3 --separate-stderr imq-http-status --on-failure reject --rejects rejects events
	[ "$(wc -l < rejects)" -eq 6 ]
	run -5 imq-http-status --on-failure stop events
}

@test "http-status: a name that leads inside is refused by the address it leads to" {
	serve
	name=$(getent hosts "$(hostname)" | head -n 1)
	case ${name%% *} in
	127.* | 10.* | 172.1[6-9].* | 172.2?.* | 172.3[01].* | 192.168.* | ::1 | f[cde]*) ;;
	*) skip 'this host has no name with a private address' ;;
	esac
	run -0 --separate-stderr imq-http-status <<< "{\"source.url\":\"http://$(hostname):${web##*:}/\"}"
	[[ "$stderr" == *'private address'* ]]
	[[ "$output" != *status* ]]
}

@test "http-status: URLs as feeds have them are asked for, not cut or split" {
	serve
	printf '{"source.url":"%s"}\n' "$web/page?a b|c" "$web/p\\u0000age" "$web/page#frag" "http://127.0.0.1\\u0000.example/" "$web/\\r\\nHost: x" > events
	run -0 check events
	[ "$(requests '^200 GET /page?a%20b%7Cc ')" -eq 1 ]
	[ "$(requests '^404 GET /p%00age ')" -le 1 ]
	[ "$(requests '^200 GET /page ')" -eq 1 ]
	[ "$(jq -r .status <<< "$output" | sed -n 4p)" = offline ]
	[ "$(wc -l <<< "$output")" -eq 5 ]
}

@test "http-status: huge pages cost no more than is read of them" {
	serve
	truncate -s 200M www/huge
	start=$(date +%s%N)
	run -0 check <<< "{\"source.url\":\"$web/huge\"}"
	[ "$(states <<< "$output")" = online ]
	[ $(($(date +%s%N) - start)) -lt 3000000000 ]
}

@test "http-status: certificates are checked" {
	need_program openssl
	openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 \
		-keyout server.key -out server.pem 2> /dev/null
	web_tls=1
	serve
	run -0 check --http-timeout-max-tries 1 <<< "{\"source.url\":\"$web/page\"}"
	[ "$(states <<< "$output")" = offline ]
	[[ "$output" == *certificate* ]]
	run -0 check --http-verify-cert server.pem <<< "{\"source.url\":\"$web/gone\"}"$'\n'"{\"source.url\":\"$web/page\"}"
	[ "$(states <<< "$output")" = 'offline online' ]
	[[ "$output" != *extra.reason* ]]
}

@test "http-status: a broken line is rejected with its place, the next one goes on" {
	serve
	printf '%s\n' '{"source.url":"x"' "{\"source.url\":\"$web/page\"}" > events
	run -3 --separate-stderr check events
	[ "$(states <<< "$output")" = online ]
	[[ "$stderr" == 'imq-http-status: events:1: '* ]]
}
