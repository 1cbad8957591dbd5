load lib
load nginx
load rest

teardown() {
	stop_nginx
}

serve() {
	start_nginx 'location = /q { try_files /a/$arg_ip =404; } location ~ ^/bad/(?<n>.)$ { try_files /bad/$n =404; } location = /broken { return 500; }'
	mkdir -p www/a
	echo '192.0.2.1;AT;AT;Cert@cert.example' > www/a/192.0.2.1
	echo '192.0.2.2;DE;DE;' > www/a/192.0.2.2
	: > www/a/192.0.2.3
	echo '192.0.2.4;??;x;cert@cert.example' > www/a/192.0.2.4
}

certat() {
	imq-national-cert-contact-certat --url "$web/q" "$@"
}

@test "national-cert-contact-certat: country and contact of source and destination" {
	serve
	run -0 --separate-stderr certat <<< '{"source.ip":"192.0.2.1","destination.ip":"192.0.2.2"}'
	[ "$output" = '{"source.ip":"192.0.2.1","destination.ip":"192.0.2.2","source.geolocation.cc":"AT","source.abuse_contact":"cert@cert.example","destination.geolocation.cc":"DE"}' ]
	[ -z "$stderr" ]
	[ "$(requests '/q?ip=192.0.2.1&bFilter=off&bShowNationalCERT=on&sep=semicolon ')" -eq 1 ]
	run -0 certat --filter <<< '{"source.ip":"192.0.2.3"}'
	[ "$output" = '{"source.ip":"192.0.2.3"}' ]
	[ "$(requests 'bFilter=on')" -eq 1 ]
}

@test "national-cert-contact-certat: a country stays unless told, contacts are added" {
	serve
	event='{"destination.ip":"192.0.2.1","destination.geolocation.cc":"DE","destination.abuse_contact":"x@y.example"}'
	run -0 certat <<< "$event"
	[ "$output" = '{"destination.ip":"192.0.2.1","destination.geolocation.cc":"DE","destination.abuse_contact":"x@y.example,cert@cert.example"}' ]
	run -0 certat --overwrite-cc <<< "$event"
	[[ "$output" == *'"destination.geolocation.cc":"AT"'* ]]
	run -0 certat <<< '{"source.ip":"192.0.2.2","source.abuse_contact":"x@y.example"}'
	[[ "$output" == *'"source.abuse_contact":"x@y.example"'* ]]
}

@test "national-cert-contact-certat: a country that is none is left out" {
	serve
	run -0 certat <<< '{"source.ip":"192.0.2.4"}'
	[ "$output" = '{"source.ip":"192.0.2.4","source.abuse_contact":"cert@cert.example"}' ]
}

@test "national-cert-contact-certat: equal questions are asked once, order stays, a barrier waits" {
	serve
	{ for i in 1 2 3 1 2; do echo "{\"source.ip\":\"192.0.2.$i\"}"; done; echo; } > events
	certat events > out
	[ "$(sed 's/.*192.0.2.\(.\)".*/\1/' out | paste -sd,)" = 1,2,3,1,2, ]
	[ "$(requests)" -eq 3 ]
}

@test "national-cert-contact-certat: errors and garbage are failures" {
	serve
	bad_answers
	rm www/bad/4
	printf '1;2;3' > www/bad/4
	printf '1;A;x;a@x\nb@x' > www/bad/9
	printf 'x;AT;x;\377' > www/bad/a
	for i in 1 2 3 4 5 6 7 8 9 a; do
		run -0 --separate-stderr imq-national-cert-contact-certat --url "$web/bad/$i" --stats <<< '{"source.ip":"192.0.2.1"}'
		[ "$output" = '{"source.ip":"192.0.2.1"}' ]
		[ "$(tail -n 1 <<< "$stderr" | jq .failed)" = 1 ]
	done
	run -3 imq-national-cert-contact-certat --url "$web/broken" --on-failure reject --http-timeout-max-tries 1 <<< '{"source.ip":"192.0.2.1"}'
	run -2 imq-national-cert-contact-certat --url nonsense < /dev/null
}
