load lib
load nginx
load rest

teardown() {
	stop_nginx
}

# MISP is asked by POST; the answer does not depend on the body here, which is looked at in ./bodies.
serve() {
	start_nginx 'location = /attributes/restSearch { client_body_in_single_buffer on; echo_read_request_body; default_type application/json;
			access_log '"$PWD"'/bodies body; echo "$misp_answer"; }
		set $misp_answer '"'${1:-$found}'"'; location = /none/attributes/restSearch { echo "{\"response\":{\"Attribute\":[]}}"; }
		location = /denied/attributes/restSearch { return 403 "{\"name\":\"Authentication failed\"}"; }
		location ~ ^/bad/(?<n>.)/ { error_page 405 =200 /bad/$n; return 405; } location ~ ^/bad/.$ { }'
}

found='{"response":{"Attribute":[{"uuid":"5eb1c7cb-0000-4000-8000-00000000000A","Event":{"uuid":"5eb1c7cb-1111-4111-8111-111111111111"}},{"uuid":"x"}]}}'

misp() {
	imq-misp --misp-url "$web/" --misp-key abc "$@"
}

@test "misp: the first attribute and its event are named" {
	serve
	run -0 --separate-stderr misp <<< $'{"source.ip":"192.0.2.1"}\n{"source.fqdn":"x.example"}'
	[ "${lines[0]}" = '{"source.ip":"192.0.2.1","misp.attribute_uuid":"5eb1c7cb-0000-4000-8000-00000000000a","misp.event_uuid":"5eb1c7cb-1111-4111-8111-111111111111"}' ]
	[ "${lines[1]}" = '{"source.fqdn":"x.example"}' ]
	[ -z "$stderr" ]
	[ "$(cat bodies)" = '{"returnFormat":"json","page":1,"limit":1,"value":"192.0.2.1"} auth=abc type=application/json' ]
}

@test "misp: what MISP does not have changes nothing, and is remembered" {
	serve
	run -0 --separate-stderr imq-misp --misp-url "$web/none" --misp-key abc --window 1 --stats <<< $'{"source.ip":"192.0.2.1"}\n{"source.ip":"192.0.2.1"}'
	[ "${lines[0]}" = '{"source.ip":"192.0.2.1"}' ]
	[ "$(requests)" -eq 1 ]
	[ "$(jq -c '[.lookups,.cached,.negative]' <<< "$stderr")" = '[1,1,2]' ]
}

@test "misp: UUIDs an event has are in the way, unless told" {
	serve
	event='{"source.ip":"192.0.2.1","misp.event_uuid":"00000000-1111-4111-8111-111111111111"}'
	run -3 misp <<< "$event"
	run -0 misp --overwrite <<< "$event"
	[[ "$output" == *'"misp.event_uuid":"5eb1c7cb-1111'* ]]
	run -0 misp --no-overwrite <<< "$event"
	[[ "$output" == *'"misp.event_uuid":"00000000-1111'*'"misp.attribute_uuid":"5eb1'* ]]
}

@test "misp: a wrong key is a failure" {
	serve
	run -0 --separate-stderr imq-misp --misp-url "$web/denied" --misp-key abc <<< '{"source.ip":"192.0.2.1"}'
	[ "$output" = '{"source.ip":"192.0.2.1"}' ]
	[[ "$stderr" == *'HTTP status 403'* ]]
	run -2 imq-misp --misp-url "$web/" < /dev/null
	run -2 imq-misp --misp-key abc < /dev/null
}

@test "misp: answers that are garbage, of wrong types or deep are failures" {
	serve
	bad_answers
	printf '{"response":{"Attribute":{"errors":1}}}' > www/bad/9
	printf '{"response":{"Attribute":[{"uuid":"5eb1c7cb-0000-4000-8000-00000000000a"}]}}' > www/bad/a
	printf '{"response":{"Attribute":[{"uuid":"%%36","Event":{"uuid":7}}]}}' > www/bad/b
	printf '{"response":[]}' > www/bad/c
	for i in 1 2 3 4 5 6 7 8 9 a b c; do
		run -0 --separate-stderr imq-misp --misp-url "$web/bad/$i" --misp-key abc --stats <<< '{"source.ip":"192.0.2.1"}'
		[ "$output" = '{"source.ip":"192.0.2.1"}' ]
		[ "$(tail -n 1 <<< "$stderr" | jq .failed)" = 1 ]
		[[ "$stderr" == *answer* ]]
	done
}

@test "misp: order stays, a barrier waits" {
	serve
	{ printf '{"source.ip":"192.0.2.%d"}\n' $(seq 50); echo; } > events
	misp events > out
	[ "$(tail -n 1 out)" = '' ]
	[ "$(head -n 50 out | jq -r '."source.ip" | split(".")[3]' | paste -sd,)" = "$(seq -s, 50)" ]
}
