load lib
load nginx
load rest

teardown() {
	stop_nginx
}

serve() {
	start_nginx 'location = /submit { client_body_in_single_buffer on; echo_read_request_body; access_log '"$PWD"'/bodies body; echo "\"abc-def\""; }
		location = /old/submit { echo "0b9c1dd4-1ae1-4df6-93a4-54e10c0c7a4e"; } location = /broken/submit { return 500; }
		location ~ ^/bad/(?<n>.)/ { error_page 405 =200 /bad/$n; return 405; } location ~ ^/bad/.$ { }'
}

@test "lookyloo: a capture is ordered and its place told" {
	serve
	run -0 --separate-stderr imq-lookyloo --instance-url "$web" --http-user-agent Agent <<< '{"source.url":"http://x.example/a?b=\"c\""}'
	[ "$output" = "{\"source.url\":\"http://x.example/a?b=\\\"c\\\"\",\"screenshot_url\":\"$web/tree/abc-def\"}" ]
	[ -z "$stderr" ]
	[ "$(cat bodies)" = '{"url":"http://x.example/a?b=\"c\"","user_agent":"Agent"} auth= type=application/json' ]
}

@test "lookyloo: a bare UUID will do, and an instance without a scheme" {
	serve
	run -0 imq-lookyloo --instance-url "${web#http://}/old/" <<< '{"source.url":"http://x.example/"}'
	[ "$(jq -r .screenshot_url <<< "$output")" = "$web/old/tree/0b9c1dd4-1ae1-4df6-93a4-54e10c0c7a4e" ]
	run -2 imq-lookyloo --instance-url ftp://x/ < /dev/null
}

@test "lookyloo: without a URL, or with a screenshot, nothing is ordered" {
	serve
	printf '%s\n' '{"source.fqdn":"x.example"}' '{"source.url":"http://x.example/","screenshot_url":"http://y.example/"}' > events
	run -0 imq-lookyloo --instance-url "$web" events
	[ "$output" = "$(cat events)" ]
	[ "$(requests)" -eq 0 ]
	run -0 imq-lookyloo --instance-url "$web" --overwrite events
	[ "$(jq -r '.screenshot_url // "-"' <<< "$output" | paste -sd' ')" = "- $web/tree/abc-def" ]
}

@test "lookyloo: the same URL is ordered once; order stays; a barrier waits" {
	serve
	{ for i in 1 2 1 2; do echo "{\"source.url\":\"http://x.example/$i\"}"; done; echo; } > events
	imq-lookyloo --instance-url "$web" events > out
	[ "$(sed 's/.*example\/\(.\)".*/\1/' out | paste -sd,)" = 1,2,1,2, ]
	[ "$(wc -l < bodies)" -eq 2 ]
}

@test "lookyloo: an error is not tried again, garbage is no UUID" {
	serve
	run -0 --separate-stderr imq-lookyloo --instance-url "$web/broken" <<< '{"source.url":"http://x.example/"}'
	[ "$output" = '{"source.url":"http://x.example/"}' ]
	[ "$(requests '^500')" -eq 1 ]
	[[ "$stderr" == *'HTTP status 500'* ]]
	bad_answers
	printf '"../../admin"' > www/bad/9
	printf 'abc def' > www/bad/7
	for i in 1 2 3 4 5 6 7 8 9; do
		run -3 imq-lookyloo --instance-url "$web/bad/$i" --on-failure reject <<< '{"source.url":"http://x.example/"}'
	done
}
