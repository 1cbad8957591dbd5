load lib
load nginx
load rest

teardown() {
	stop_nginx
}

# The portal's questions are a query: nginx picks the document by the address in it.
serve() {
	start_nginx 'location = /api/1.0/ripe/contact { default_type application/json; error_page 404 /unknown; try_files /contacts/$arg_cidr =404; }
		location = /unknown { internal; }
		location = /other/api/1.0/ripe/contact { return 404 "{\"message\": \"other\"}"; }
		location = /broken/api/1.0/ripe/contact { return 500; }
		location ~ ^/bad(?<n>.)/api { try_files /bad/$n =404; } '"${1:-}"
	mkdir -p www/contacts
	echo "{\"message\": \"('no such cidr',)\"}" > www/unknown
	echo '{"abusecs": ["A@x.example", "noc@x.example"]}' > www/contacts/192.0.2.1
	echo '{"abusecs": []}' > www/contacts/192.0.2.2
	echo '{"abusecs": ["six@x.example"]}' > www/contacts/2001:db8::1
}

portal() {
	imq-do-portal --portal-url "$web" --portal-api-key abc "$@"
}

contacts() {
	jq -r '."source.abuse_contact" // "-"' | paste -sd' '
}

@test "do-portal: the contacts of an address go behind those an event has" {
	serve
	run -0 --separate-stderr portal <<- 'END'
		{"source.ip":"192.0.2.1"}
		{"source.ip":"192.0.2.1","source.abuse_contact":"old@x.example"}
		{"source.ip":"2001:db8::1"}
		{"source.fqdn":"x.example"}
	END
	[ "$(contacts <<< "$output")" = 'a@x.example,noc@x.example old@x.example,a@x.example,noc@x.example six@x.example -' ]
	[ -z "$stderr" ]
	[ "$(requests)" -eq 2 ]
}

@test "do-portal: --mode replace puts them in their place, and removes old ones where there are none" {
	serve
	printf '{"source.ip":"%s","source.abuse_contact":"old@x.example"}\n' 192.0.2.1 192.0.2.2 192.0.2.99 > events
	run -0 portal --mode replace events
	[ "$(contacts <<< "$output")" = 'a@x.example,noc@x.example - -' ]
	run -0 portal events
	[ "$(contacts <<< "$output")" = 'old@x.example,a@x.example,noc@x.example old@x.example old@x.example' ]
	run -2 portal --mode other < /dev/null
}

@test "do-portal: another 404 is a failure, and so is an error, which is tried again" {
	serve
	run -0 --separate-stderr imq-do-portal --portal-url "$web/other" --portal-api-key abc <<< '{"source.ip":"192.0.2.1"}'
	[ "$output" = '{"source.ip":"192.0.2.1"}' ]
	[[ "$stderr" == *'HTTP status 404'* ]]
	run -3 --separate-stderr imq-do-portal --portal-url "$web/broken" --portal-api-key abc --mode replace --on-failure reject \
		<<< '{"source.ip":"192.0.2.1","source.abuse_contact":"old@x.example"}'
	[ "$(requests '^500')" -eq 3 ]
	run -0 --separate-stderr imq-do-portal --portal-url "$web/broken" --portal-api-key abc --mode replace --http-timeout-max-tries 1 \
		<<< '{"source.ip":"192.0.2.1","source.abuse_contact":"old@x.example"}'
	[ "$(contacts <<< "$output")" = old@x.example ]
	run -5 imq-do-portal --portal-url "$web/broken" --portal-api-key abc --on-failure stop --http-timeout-max-tries 1 <<< '{"source.ip":"192.0.2.1"}'
}

@test "do-portal: URL and key must be there, and the key stays in its header" {
	run -2 --separate-stderr imq-do-portal --portal-api-key abc < /dev/null
	[[ "$stderr" == *--portal-url* ]]
	run -2 imq-do-portal --portal-url ftp://x/ --portal-api-key abc < /dev/null
	run -2 imq-do-portal --portal-url http://x/ < /dev/null
	run -2 imq-do-portal --portal-url http://x/ --config <(printf 'portal_api_key: "a\\r\\nb: c"') < /dev/null
}

@test "do-portal: order stays, equal questions are asked once, a cache file serves the next run" {
	serve 'location ~ /slow { echo_sleep 0.4; echo "{\"abusecs\":[\"slow@x.example\"]}"; }'
	printf '{"source.ip":"%s"}\n' 192.0.2.1 192.0.2.2 192.0.2.1 192.0.2.99 > events
	run -0 portal --cache cache.db events
	run -0 portal --cache cache.db events
	[ "$(contacts <<< "$output")" = 'a@x.example,noc@x.example - a@x.example,noc@x.example -' ]
	[ "$(requests)" -eq 3 ]
	{ cat events; echo; } | imq-do-portal --portal-url "$web/slow" --portal-api-key abc > out
	[ "$(tail -n 1 out)" = '' ]
	[ "$(grep -c slow@x.example out)" -eq 4 ]
}

@test "do-portal: answers that are garbage, of wrong types, deep or huge are failures" {
	serve
	bad_answers
	printf '{"abusecs":{"a":1}}' > www/bad/a
	printf '{"abusecs":["x@x.example",7]}' > www/bad/b
	printf '{"abusecs":["x@x.example\\nBcc: y"]}' > www/bad/c
	printf '{"abusecs":["%s"]}' "$(head -c 10000 /dev/zero | tr '\0' a)" > www/bad/d
	for i in 1 2 3 4 5 6 7 8 a b c d; do
		run -0 --separate-stderr imq-do-portal --portal-url "$web/bad$i" --portal-api-key abc --stats <<< '{"source.ip":"192.0.2.1"}'
		[ "$output" = '{"source.ip":"192.0.2.1"}' ]
		[ "$(tail -n 1 <<< "$stderr" | jq .failed)" = 1 ]
	done
	head -c 3000000 /dev/zero | tr '\0' ' ' > www/bad/e
	run -0 --separate-stderr imq-do-portal --portal-url "$web/bade" --portal-api-key abc <<< '{"source.ip":"192.0.2.1"}'
	[[ "$stderr" == *'longer than'* ]]
}

@test "do-portal: an event whose lookup fails goes along _on_error too where that is asked for" {
	run -3 --separate-stderr imq-do-portal --portal-url http://127.0.0.1:1 --portal-api-key x --http-timeout-max-tries 1 \
		--on-failure reject --paths _on_error --stats <<< $'{"source.ip":"192.0.2.1","extra":{"a":1}}\n{"comment":"x"}\nbroken'
	[ "$output" = $'{"source.ip":"192.0.2.1","extra":{"a":1},"__path":"_on_error"}\n{"comment":"x"}' ]
	tail -n 1 <<< "$stderr" | jq -e '.in == 3 and .created == 1 and .out == 2 and .rejected == 2'
}
