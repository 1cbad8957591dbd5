load lib
load nginx

teardown() {
	stop_nginx
}

serve() {
	start_nginx 'location /gone { return 404; } charset_types text/html; location /latin { charset iso-8859-1; }
		location /sjis { default_type "text/html; charset=Shift_JIS"; } location /odd { default_type "text/html; charset=nonsense//IGNORE"; }
		location /quoted { default_type "text/html; foo=bar; Charset=\"WINDOWS-1252\""; } '"${1:-}"
	printf '<html>Hacked by nobody\n' > www/page.html
	printf 'gr\374n' > www/latin.html
	printf 'gr\303\274n' > www/utf8.html
	printf 'gr\374n' > www/none.html
	printf '\202\240' > www/sjis
	printf 'gr\374n needle' > www/odd
	printf '\200 10' > www/quoted
	printf '\377\376a\0b\0' > www/utf16.html
	printf '\357\273\277x\303\274' > www/bom.html
}

check() {
	imq-http-content --allow-private "$@"
}

urls() {
	printf "{\"source.url\":\"$web%s\"}\n" "$@"
}

states() {
	jq -r '.status // "-"' | paste -sd' '
}

@test "http-content: a page with the text is online, one without offline, and says so" {
	serve
	run -0 --separate-stderr check --needle 'Hacked by' <<< "{\"source.url\":\"$web/page.html\"}"
	[ "$output" = "{\"source.url\":\"$web/page.html\",\"status\":\"online\"}" ]
	[ -z "$stderr" ]
	run -0 check --needle 'hacked by' <<< "{\"source.url\":\"$web/page.html\"}"
	[ "$output" = "{\"source.url\":\"$web/page.html\",\"status\":\"offline\",\"extra.reason\":\"Text hacked by not found in response from $web/page.html\"}" ]
}

@test "http-content: errors of the server and on the way to it are offline" {
	serve
	printf '{"source.url":"%s"}\n' "$web/gone" http://127.0.0.1:1/ > events
	run -0 check --needle '' --http-timeout-max-tries 1 events
	[ "$(states <<< "$output")" = 'offline offline' ]
	[ "$(jq -r '."extra.reason"' <<< "$output" | head -n 1)" = 'Not Found' ]
}

@test "http-content: an empty text is everywhere, without one nothing is asked" {
	serve
	: > www/empty.html
	run -0 check --needle '' <<< "{\"source.url\":\"$web/empty.html\"}"
	[ "$(states <<< "$output")" = online ]
	before=$(requests)
	run -0 check <<< "{\"source.url\":\"$web/page.html\"}"
	[ "$output" = "{\"source.url\":\"$web/page.html\"}" ]
	[ "$(requests)" -eq "$before" ]
}

@test "http-content: a regular expression" {
	serve
	run -0 check --regex --needle '(?i)HACKED\s+by \w+$' <<< "{\"source.url\":\"$web/page.html\"}"
	[ "$(states <<< "$output")" = online ]
	run -2 --separate-stderr check --regex --needle '(' < /dev/null
	[[ "$stderr" == *--needle* ]]
}

@test "http-content: pages are read in their character set" {
	serve
	urls /latin.html /utf8.html /none.html /page.html > events
	run -0 check --needle grün events
	[ "$(states <<< "$output")" = 'online online online offline' ]
	run -0 check --needle あ <<< "{\"source.url\":\"$web/sjis\"}"
	[ "$(states <<< "$output")" = online ]
	run -0 check --needle '€ 10' <<< "{\"source.url\":\"$web/quoted\"}"
	[ "$(states <<< "$output")" = online ]
	run -0 check --needle ab <<< "{\"source.url\":\"$web/utf16.html\"}"
	[ "$(states <<< "$output")" = online ]
	run -0 check --regex --needle '^xü$' <<< "{\"source.url\":\"$web/bom.html\"}"
	[ "$(states <<< "$output")" = online ]
	run -0 check --needle needle <<< "{\"source.url\":\"$web/odd\"}"
	[ "$(states <<< "$output")" = online ]
}

@test "http-content: questions with another text are other questions" {
	serve
	urls /page.html > events
	run -0 check --cache cache.db --needle Hacked events
	run -0 check --cache cache.db --needle nothing events
	[ "$(states <<< "$output")" = offline ]
	run -0 check --cache cache.db --needle Hacked events
	[ "$(states <<< "$output")" = online ]
	[ "$(requests)" -eq 2 ]
	run -0 check --cache cache.db --regex --needle Hacked events
	[ "$(requests)" -eq 3 ]
}

@test "http-content: order stays, equal questions are asked once, a barrier waits" {
	serve 'location /slow { echo_sleep 0.4; echo slow; }'
	{ urls /slow /page.html /slow; echo; } > events
	run -0 check --needle slow events
	[ "$(sed 's/.*"status":"\([a-z]*\)".*/\1/' <<< "$output" | paste -sd,)" = 'online,offline,online' ]
	check --needle slow events | tail -n 1 | cmp - <(echo)
	[ "$(requests /slow)" -eq 2 ]
}

@test "http-content: of a page that is too long nothing is said, unless the text was seen" {
	serve
	{ echo early; head -c 3000000 /dev/zero | tr '\0' ' '; echo late; } > www/long.html
	run -0 --separate-stderr check --max-reply 1M --needle early <<< "{\"source.url\":\"$web/long.html\"}"
	[ "$(states <<< "$output")" = online ]
	run -0 --separate-stderr check --max-reply 1M --needle late <<< "{\"source.url\":\"$web/long.html\"}"
	[ "$output" = "{\"source.url\":\"$web/long.html\"}" ]
	[[ "$stderr" == *'longer than 1048576 bytes'* ]]
	run -0 check --needle late <<< "{\"source.url\":\"$web/long.html\"}"
	[ "$(states <<< "$output")" = online ]
}

@test "http-content: a packed page is unpacked, a bomb is not" {
	serve 'location /bomb { gzip_static on; add_header Content-Encoding gzip; }'
	head -c 100000000 /dev/zero | gzip > www/bomb
	run -0 --separate-stderr check --needle x --max-reply 1M <<< "{\"source.url\":\"$web/bomb\"}"
	[[ "$output" != *status* ]]
	[[ "$stderr" == *'longer than'* ]]
}

@test "http-content: inside addresses are no business of URLs from events, redirects included" {
	serve 'location /in { return 302 http://localhost:$server_port/page.html; }'
	run -0 --separate-stderr imq-http-content --needle Hacked <<< "{\"source.url\":\"$web/page.html\"}"
	[ "$output" = "{\"source.url\":\"$web/page.html\"}" ]
	[[ "$stderr" == *'private address'* ]]
	[ "$(requests)" -eq 0 ]
	run -0 check --needle Hacked <<< "{\"source.url\":\"$web/in\"}"
	[ "$(states <<< "$output")" = online ]
}
