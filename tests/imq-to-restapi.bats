load lib
load web-sink

teardown() {
	stop_sink
}

restapi() {
	imq-to-restapi --host "$sink/in?a=b" "$@"
}

bodies() {
	cut -f 5 got
}

@test "to-restapi: each event is posted as JSON, raw and all, flat or nested" {
	start_sink
	run -0 --separate-stderr restapi --stats <<< '{"source.ip":"192.0.2.1","source.asn":64496,"raw":"cg==","extra":{"x":[1]},"comment":"é","__type":"Event","feed.name":null}'
	[[ "$stderr" == *'"in":1,"created":0,"out":1,'*'"pending":0'* ]]
	restapi --hierarchical-output <<< '{"source.ip":"10.0.0.1"}'
	[ "$(bodies)" = $'{"source.ip":"192.0.2.1","source.asn":64496,"raw":"cg==","comment":"é","extra.x":[1]}\n{"source":{"ip":"10.0.0.1"}}' ]
	[ "$(cut -f 1-4 got | sort -u)" = $'POST\t/in?a=b\tapplication/json; charset=utf-8\t-' ]
}

@test "to-restapi: a form has a pair for each value, and its own content type" {
	start_sink
	restapi --no-use-json <<< '{"source.ip":"192.0.2.1","comment":"é &=","extra.x":[1,"b c"],"source.tor_node":true}'
	[ "$(bodies)" = 'source.ip=192.0.2.1&comment=%C3%A9+%26%3D&extra.x=1&extra.x=b+c&source.tor_node=True' ]
	[ "$(cut -f 3 got)" = application/x-www-form-urlencoded ]
	run -2 restapi --no-use-json --hierarchical-output <<< '{}'
}

@test "to-restapi: a password and a header let us in" {
	start_sink
	echo 'auth_token: p' > config
	restapi --auth-type http_basic_auth --auth-token-name u --config config <<< '{"comment":"a"}'
	restapi --auth-type http_header --auth-token-name X-Token --config config <<< '{"comment":"a"}'
	[ "$(cut -f 4 got)" = $'Basic dTpw\np' ]
	run -2 restapi --auth-type http_header --auth-token-name X-Token <<< '{}'
	run -2 restapi --auth-type http_header --auth-token-name $'X\nY' --config config <<< '{}'
	run -2 imq-to-restapi <<< '{}'
	run -2 imq-to-restapi --host ftp://x <<< '{}'
}

@test "to-restapi: an event that the server does not want is rejected, with what it says, and posted once" {
	start_sink
	echo 500 > answer
	run -3 --separate-stderr restapi --rejects rejects <<< '{"source.ip":"10.0.0.1","raw":"eA=="}'
	[[ "$stderr" == *'status 500: said the server'* ]]
	[ "$(jq -c .record rejects)" = '{"source.ip":"10.0.0.1","raw":"eA=="}' ]
	[ "$(wc -l < got)" = 1 ]
}

@test "to-restapi: a redirect delivers nothing" {
	start_sink
	for status in 301 302 303 307; do
		printf '%s\n' "$status" "Location: $sink/elsewhere" > answer
		run -3 --separate-stderr restapi --rejects rejects <<< '{"comment":"a"}'
		[[ "$stderr" == *"status $status"* ]]
	done
	[ "$(cut -f 1-2 got | sort -u)" = $'POST\t/in?a=b' ]
	[ "$(wc -l < rejects)" = 4 ]
}

@test "to-restapi: a server that is not there, or wants nobody, ends the command, or keeps the events as rejects" {
	start_sink
	for status in 401 429 503; do
		echo "$status" > answer
		run -5 --separate-stderr restapi --rejects rejects <<< '{"comment":"a"}'
		[ ! -s rejects ]
	done
	printf '{"comment":"a"}\n\n' > events
	run -5 --separate-stderr restapi events
	[ -z "$output" ]
	run -3 restapi --on-failure reject --rejects rejects events
	[ "$(wc -l < rejects)" = 1 ]
	stop_sink
	run -5 --separate-stderr restapi --http-timeout-max-tries 1 events
	[ -z "$output" ]
	[[ "$stderr" == *"$sink"* ]]
}

@test "to-restapi: a barrier comes out when all before it are answered" {
	start_sink
	{ seq 1 100 | sed 's/.*/{"extra.n":&}/'; echo; } > events
	run -0 --separate-stderr restapi --stats events
	[ "$(bodies | jq '."extra.n"' | sort -n | uniq | wc -l)" = 100 ]
	[[ "$stderr" == *'"out":100,'* ]]
	mkfifo in
	restapi < in > out 3>&- &
	pid=$!
	exec 9> in
	printf '{"comment":"a"}\n\n' >&9
	wait_until test -s out
	grep -q '"comment":"a"' got
	exec 9>&-
	wait "$pid"
}
