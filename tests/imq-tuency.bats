load lib
load nginx
load rest

teardown() {
	stop_nginx
}

serve() {
	start_nginx 'location = /intelmq/lookup { try_files /a/$arg_ip /a/default =404; } location = /broken/intelmq/lookup { return 500; }
		location ~ ^/bad/(?<n>.)/ { try_files /bad/$n =404; }'
	mkdir -p www/a
	answer 192.0.2.1 '"suppress":false,"interval":{"unit":"days","length":1}'
	echo '{}' > www/a/default
}

# answer ADDRESS MEMBERS
answer() {
	echo '{"ip":{"destinations":[{"contacts":[{"email":"A@x"},{"email":"b@x"}]}]},"domain":{"destinations":[{"contacts":[{"email":"c@x"}]}]},'"$2}" > "www/a/$1"
}

tuency() {
	imq-tuency --url "$web/" --authentication-token abc "$@"
}

event() {
	jq -nc --arg ip "$1" '{"classification.taxonomy":"availability","classification.type":"ddos","feed.provider":"Some & Provider","feed.name":"FTP","source.ip":$ip}'
}

added() {
	jq -cS 'del(.["classification.taxonomy","classification.type","feed.provider","feed.name","source.ip"])'
}

@test "tuency: contacts and interval" {
	serve
	run -0 --separate-stderr tuency < <(event 192.0.2.1)
	[ "$(added <<< "$output")" = '{"extra.ttl":86400,"source.abuse_contact":"a@x,b@x,c@x"}' ]
	[ -z "$stderr" ]
	[ "$(requests '/intelmq/lookup?classification_taxonomy=availability&classification_type=ddos&feed_provider=Some+%26+Provider&feed_name=FTP&feed_status=production&ip=192.0.2.1 .*auth=Bearer abc ')" -eq 1 ]
}

@test "tuency: the domain is asked for too" {
	serve
	run -0 tuency < <(event 192.0.2.1 | jq -c '. + {"source.fqdn":"x.example"}'; event 192.0.2.1 | jq -c 'del(.["source.ip"]) + {"source.fqdn":"x.example"}')
	[ "$(requests '&ip=192.0.2.1&domain=x.example ')" -eq 1 ]
	[ "$(requests 'production&domain=x.example ')" -eq 1 ]
}

@test "tuency: events that lack what tuency wants to know pass, nothing is asked" {
	serve
	run -0 tuency < <(for key in classification.taxonomy classification.type feed.provider feed.name source.ip; do event 192.0.2.1 | jq -c "del(.\"$key\")"; done)
	[ "$(wc -l <<< "$output")" -eq 5 ]
	[[ "$output" != *extra* ]]
	[ "$(requests)" -eq 0 ]
}

@test "tuency: no notification, at once, each unit; without an interval nothing" {
	serve
	answer 192.0.2.2 '"suppress":true,"interval":{"unit":"days","length":1}'
	answer 192.0.2.3 '"interval":{"unit":"immediate","length":1}'
	answer 192.0.2.4 '"interval":{"unit":"second","length":30}'
	answer 192.0.2.5 '"interval":{"unit":"weeks","length":2}'
	answer 192.0.2.6 '"suppress":false'
	answer 192.0.2.7 '"interval":null'
	run -0 tuency < <(for i in 2 3 4 5 6 7; do event "192.0.2.$i"; done)
	[ "$(added <<< "$output" | jq -r '."extra.notify" // ."extra.ttl" | tostring' | paste -sd' ')" = 'null 0 30 1209600 null null' ]
	[ "$(added <<< "$output" | head -n 1)" = '{"extra.notify":false,"source.abuse_contact":"a@x,b@x,c@x"}' ]
	[ "$(added <<< "$output" | tail -n 2 | paste -sd' ')" = '{} {}' ]
}

@test "tuency: contacts are replaced unless told, and stay where there are none" {
	serve
	echo '{"interval":{"unit":"day","length":1}}' > www/a/192.0.2.8
	run -0 tuency < <(for i in 1 8; do event "192.0.2.$i" | jq -c '. + {"source.abuse_contact":"old@x","extra.ttl":5}'; done)
	[ "$(jq -r '."source.abuse_contact"' <<< "$output" | paste -sd' ')" = 'a@x,b@x,c@x old@x' ]
	[ "$(jq '."extra.ttl"' <<< "$output" | paste -sd' ')" = '86400 86400' ]
	run -0 tuency --no-overwrite < <(event 192.0.2.1 | jq -c '. + {"source.abuse_contact":"old@x"}')
	[ "$(jq -r '."source.abuse_contact"' <<< "$output")" = old@x ]
}

@test "tuency: equal questions are asked once, order stays, a barrier waits" {
	serve
	{ for i in 1 9 1 9 1; do event "192.0.2.$i"; done; echo; } > events
	tuency events > out
	[ "$(sed 's/.*"192.0.2.\(.\)".*/\1/' out | paste -sd,)" = 1,9,1,9,1, ]
	[ "$(requests)" -eq 2 ]
}

@test "tuency: errors, garbage and wrong types are failures" {
	serve
	bad_answers
	printf '{"interval":{"unit":"fortnight","length":1}}' > www/bad/9
	printf '{"interval":{"unit":"years","length":9223372036854775807}}' > www/bad/a
	printf '{"interval":{"unit":"day","length":-1}}' > www/bad/b
	printf '{"interval":{"unit":"day","length":[]}}' > www/bad/c
	printf '{"interval":5}' > www/bad/d
	printf '{"suppress":true,"ip":[]}' > www/bad/e
	printf '{"suppress":true,"ip":{"destinations":[{"contacts":[{"email":7}]}]}}' > www/bad/f
	printf '{"suppress":true,"ip":{"destinations":{"a":1}}}' > www/bad/g
	for i in 1 2 3 4 5 6 7 8 9 a b c d e f g; do
		run -0 --separate-stderr imq-tuency --url "$web/bad/$i" --authentication-token abc --stats < <(event 192.0.2.1)
		[ "$output" = "$(event 192.0.2.1)" ]
		[ "$(tail -n 1 <<< "$stderr" | jq -c '[.lookups,.failed]')" = '[1,1]' ]
	done
	run -3 imq-tuency --url "$web/broken" --authentication-token abc --on-failure reject --http-timeout-max-tries 1 < <(event 192.0.2.1)
	run -2 imq-tuency --url "$web" < /dev/null
	run -2 imq-tuency --authentication-token abc < /dev/null
}
