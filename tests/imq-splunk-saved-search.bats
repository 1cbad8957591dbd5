load lib
load nginx
load rest

teardown() {
	stop_nginx
}

# http://…/NAME starts a search NAME, whose results are www/results/NAME once there is such a file.
serve() {
	start_nginx 'location ~ ^/(?<n>[a-z0-9]+)/services/search/jobs$ { client_body_in_single_buffer on; echo_read_request_body;
			access_log '"$PWD"'/bodies body; echo "{\"sid\":\"$n\"}"; }
		location ~ ^/[a-z0-9]+/services/search/jobs/(?<n>[a-z0-9]+)/results/$ { try_files /results/$n @wait; } location @wait { return 204; }
		location = /denied/services/search/jobs { return 401; }
		location ~ ^/bad/(?<n>.)/services/search/jobs$ { error_page 405 =200 /bad/$n; return 405; } location ~ ^/bad/.$ { }'
	mkdir -p www/results
	echo '{"results":[{"username":"bob","x":"1"}]}' > www/results/one
	echo '{"results":[]}' > www/results/none
	echo '{"results":[{"username":"bob"},{"username":"eve"}]}' > www/results/two
	echo '{"results":[{"x":"1"}]}' > www/results/other
}

splunk() {
	local name=$1
	shift
	imq-splunk-saved-search --url "$web/$name" --auth-token abc --saved-search 'My "S"' --search-parameters '{"source.ip":"ip"}' \
		--result-fields '{"username":"source.account"}' "$@"
}

event='{"source.ip":"192.0.2.1"}'

@test "splunk-saved-search: the search is run with the event's values, its row fills fields" {
	serve
	run -0 --separate-stderr splunk one <<< "$event"
	[ "$output" = '{"source.ip":"192.0.2.1","source.account":"bob"}' ]
	[ -z "$stderr" ]
	[ "$(cat bodies)" = 'output_mode=json&search=%7Csavedsearch+%22My+%5C%22S%5C%22%22+%22ip%22%3D%22192.0.2.1%22 auth=Bearer abc type=application/x-www-form-urlencoded' ]
	[ "$(requests '^200 GET /one/services/search/jobs/one/results/?output_mode=json .*auth=Bearer abc')" -eq 1 ]
}

@test "splunk-saved-search: it waits until there are results" {
	serve
	splunk late --retry-interval 0.2 <<< "$event" > out &
	pid=$!
	wait_until grep -q '^204' nginx.log
	cp www/results/one www/results/new
	mv www/results/new www/results/late
	wait "$pid"
	[[ "$(cat out)" == *'"source.account":"bob"'* ]]
}

@test "splunk-saved-search: but not for ever" {
	serve
	run -0 --separate-stderr splunk never --retry-interval 0.2 --deadline 1.5 --stats <<< "$event"
	[ "$output" = "$event" ]
	[[ "$stderr" == *'not done in time'* ]]
	[ "$(tail -n 1 <<< "$stderr" | jq .failed)" = 1 ]
}

@test "splunk-saved-search: what to do without a row" {
	serve
	run -0 --separate-stderr splunk none <<< "$event"
	[ "$output" = "$event" ]
	[[ "$stderr" == *'found nothing'* ]]
	run -0 --separate-stderr splunk none --not-found send <<< "$event"
	[ -z "$stderr" ]
	run -0 --separate-stderr splunk none --not-found drop --stats <<< "$event"$'\n{"source.port":1}\n'"$event"
	[ "$output" = '{"source.port":1}' ]
	[ "$(tail -n 1 <<< "$stderr" | jq -c '[.in,.out,.dropped]')" = '[3,1,2]' ]
}

@test "splunk-saved-search: what to do with several rows" {
	serve
	run -0 --separate-stderr splunk two <<< "$event"
	[ "$output" = '{"source.ip":"192.0.2.1","source.account":"bob"}' ]
	[[ "$stderr" == *'several rows'* ]]
	run -0 --separate-stderr splunk two --multiple-result-handling ignore,send <<< "$event"
	[ "$output" = "$event" ]
	run -0 splunk two --multiple-result-handling drop <<< "$event"
	[ -z "$output" ]
	: > bodies
	run -0 --separate-stderr splunk two --multiple-result-handling limit <<< "$event"
	[ "$output" = '{"source.ip":"192.0.2.1","source.account":"bob"}' ]
	[[ "$(cat bodies)" == *'+%7C+head+1 '* ]]
}

@test "splunk-saved-search: a column that is missing rejects, and so does a field that is there, unless told" {
	serve
	run -3 splunk other <<< "$event"
	run -3 splunk one <<< '{"source.ip":"192.0.2.1","source.account":"old"}'
	run -0 splunk one --overwrite <<< '{"source.ip":"192.0.2.1","source.account":"old"}'
	[[ "$output" == *'"source.account":"bob"'* ]]
	run -0 splunk one --no-overwrite <<< '{"source.ip":"192.0.2.1","source.account":"old"}'
	[[ "$output" == *'"source.account":"old"'* ]]
}

@test "splunk-saved-search: values cannot become commands" {
	serve
	printf '%s\n' '{"source.account":"x\" | delete"}' '{"source.account":"[search index=*]"}' '{"source.account":"x\\"}' '{"source.account":"`m`"}' \
		'{"source.account":"a\nb"}' '{"source.account":"DOM\\eve"}' > events
	run -0 --separate-stderr splunk none --search-parameters '{"source.account":"u"}' events
	[ "$output" = "$(cat events)" ]
	[[ "$stderr" == *'could change the search'* ]]
	[ "$(wc -l < bodies)" -eq 1 ]
	[[ "$(cat bodies)" == *'%22u%22%3D%22DOM%5C%5Ceve%22 '* ]]
}

@test "splunk-saved-search: an event that lacks a field passes; equal searches are run once, in order, up to the barrier" {
	serve
	{ printf '%s\n' "$event" '{"source.port":1}' "$event" '{"source.ip":"192.0.2.2"}'; echo; } > events
	splunk one events > out 2> messages
	[ "$(sed 's/.*account":"\(.*\)".*/\1/' out | paste -sd,)" = 'bob,{"source.port":1},bob,bob,' ]
	[ "$(wc -l < bodies)" -eq 2 ]
	grep -q 'source.ip: not in the event' messages
}

@test "splunk-saved-search: settings that cannot be meant are refused" {
	export web=http://127.0.0.1:1
	# shellcheck disable=SC2089,SC2090 # the quotes are JSON's
	for wrong in '--not-found send,drop' '--not-found warn' '--not-found nonsense' '--multiple-result-handling send,drop' \
		'--multiple-result-handling limit,send' '--multiple-result-handling ignore,use_first,send' '--multiple-result-handling warn' \
		'--search-parameters []' '--result-fields {"a":"no.field"}' '--result-fields {"a":1}' '--url x' '--saved-search=' '--retry-interval 0'; do
		# shellcheck disable=SC2086
		run -2 splunk one $wrong < /dev/null
	done
	run -2 imq-splunk-saved-search --url http://x/ --saved-search x < /dev/null
}

@test "splunk-saved-search: errors and garbage are failures" {
	serve
	run -3 --separate-stderr splunk denied --on-failure reject <<< "$event"
	[[ "$stderr" == *'HTTP status 401'* ]]
	bad_answers
	printf '{"sid":{"a":1}}' > www/bad/9
	printf '{"sid":"a\\nb"}' > www/bad/a
	for i in 1 2 3 4 5 6 7 8 9 a; do
		run -3 splunk "bad/$i" --on-failure reject <<< "$event"
	done
	for i in 1 2 3 4 5 6 7 8; do cp "www/bad/$i" "www/results/bad$i"; done
	echo '{"results":{"a":1}}' > www/results/bad9
	echo '{"results":[7]}' > www/results/bada
	for i in 1 9 a; do
		run -3 splunk "bad$i" --on-failure reject <<< "$event"
	done
}
