load lib
load nginx
load rest

teardown() {
	stop_nginx
}

serve() {
	start_nginx 'location = /data/abuse-contact-finder/data.json { try_files /stat/$arg_resource /stat/none =404; }
		location = /data/maxmind-geo-lite/data.json { try_files /geo/$arg_resource /geo/none =404; }
		location /db/ { error_page 404 @unknown; } location @unknown { return 404 "{\"message\":\"No abuse contact found for x\"}"; }
		location /slowdb/ { echo_sleep 0.4; echo "{\"abuse-contacts\":{\"email\":\"slow@x\"}}"; }
		location /broken/ { return 500; } location /gone/ { return 404 "{}"; }
		location ~ ^/bad(?<n>.)/ { try_files /bad/$n =404; } '"${1:-}"
	mkdir -p www/stat www/geo www/db
	echo '{"data_call_status":"supported","data":{"anti_abuse_contacts":{"abuse_c":[{"email":"Stat@x"},{"email":"second@x"}]}}}' > www/stat/192.0.2.1
	echo '{"data":{"anti_abuse_contacts":{"abuse_c":[{"email":"as@x,,noc@x"}]}}}' > www/stat/64500
	echo '{"data":{"abuse_contacts":["new@x","newer@x"]}}' > www/stat/192.0.2.5
	echo '{"data":{"anti_abuse_contacts":{"abuse_c":[]}}}' > www/stat/none
	echo '{"abuse-contacts":{"email":"db@x"},"parameters":{"primary-key":{"value":"192.0.2.0 - 192.0.2.127"}}}' > www/db/192.0.2.1.json
	echo '{"abuse-contacts":{"email":"STAT@x"}}' > www/db/192.0.2.200.json
	echo '{"abuse-contacts":{"email":"asdb@x"},"parameters":{"primary-key":{"value":"AS64500"}}}' > www/db/as64500.json
	echo '{"data":{"located_resources":[{"resource":"192.0.2.0/24","locations":[{"country":"AT","city":"Vienna","resources":["192.0.2.0/30"],"latitude":48.2,"longitude":16.37}]}]}}' > www/geo/192.0.2.1
	echo '{"data":{"located_resources":[{"locations":[{"country":"?","latitude":1.5}]}]}}' > www/geo/192.0.2.5
	echo '{"data":{}}' > www/geo/none
}

ripe() {
	imq-ripe --stat-url "$web/data/" --db-url "$web/db/" "$@"
}

contacts() {
	jq -r '."source.abuse_contact" // "-"' | paste -sd' '
}

@test "ripe: contacts of the AS, then of the address, and where it is" {
	serve
	run -0 --separate-stderr ripe <<< '{"source.ip":"192.0.2.1","source.asn":64500}'
	[ "$output" = '{"source.ip":"192.0.2.1","source.asn":64500,"source.geolocation.cc":"AT","source.geolocation.latitude":48.2,"source.geolocation.longitude":16.37,"source.geolocation.city":"Vienna","source.abuse_contact":"as@x,noc@x,asdb@x,stat@x,db@x"}' ]
	[ -z "$stderr" ]
	[ "$(requests)" -eq 5 ]
}

@test "ripe: the destination too, each for itself" {
	serve
	run -0 ripe --no-query-ripe-stat-geolocation <<< '{"source.asn":64500,"destination.ip":"192.0.2.1"}'
	[ "$output" = '{"source.asn":64500,"destination.ip":"192.0.2.1","source.abuse_contact":"as@x,noc@x,asdb@x","destination.abuse_contact":"stat@x,db@x"}' ]
}

@test "ripe: only what is wanted is asked for" {
	serve
	for query in db-asn db-ip stat-asn stat-ip stat-geolocation; do
		: > nginx.log
		others=$(printf -- '--no-query-ripe-%s\n' db-asn db-ip stat-asn stat-ip stat-geolocation | grep -v -- "-$query$")
		# shellcheck disable=SC2086
		run -0 ripe $others <<< '{"source.ip":"192.0.2.1","source.asn":64500}'
		[ "$(requests)" -eq 1 ]
	done
	[ "$(requests /data/maxmind-geo-lite/data.json?resource=192.0.2.1)" -eq 1 ]
}

@test "ripe: contacts an event has stay in front, whatever their case, each once" {
	serve
	run -0 ripe --no-query-ripe-stat-geolocation <<< '{"source.ip":"192.0.2.1","source.abuse_contact":"old@x,DB@x,stat@x"}'
	[ "$(contacts <<< "$output")" = 'old@x,db@x,stat@x' ]
	run -0 ripe <<< '{"source.ip":"192.0.2.77","source.abuse_contact":"B@x,a@x"}'
	[ "$output" = '{"source.ip":"192.0.2.77","source.abuse_contact":"B@x,a@x"}' ]
}

@test "ripe: --mode replace puts found ones in their place, removes them where there are none, and asks first" {
	serve
	printf '%s\n' '{"source.ip":"192.0.2.1","source.abuse_contact":"old@x"}' '{"source.ip":"192.0.2.77","source.abuse_contact":"old@x"}' \
		'{"source.fqdn":"x.example","source.abuse_contact":"old@x"}' > events
	run -0 ripe --mode replace events
	[ "$(contacts <<< "$output")" = 'stat@x,db@x - old@x' ]
	run -0 ripe --mode replace --no-query-ripe-stat-ip --no-query-ripe-db-ip events
	[ "$(contacts <<< "$output")" = 'old@x old@x old@x' ]
	run -0 --separate-stderr imq-ripe --mode replace --stat-url "$web/data/" --db-url "$web/broken/" --http-timeout-max-tries 1 events
	[ "$(contacts <<< "$output")" = 'stat@x old@x old@x' ]
}

@test "ripe: a place is filled in where there is none, or replaces the old one" {
	serve
	event='{"source.ip":"192.0.2.1","source.geolocation.cc":"DE"}'
	run -0 ripe --no-query-ripe-stat-ip --no-query-ripe-db-ip <<< "$event"
	[ "$(jq -c '[."source.geolocation.cc",."source.geolocation.city"]' <<< "$output")" = '["DE","Vienna"]' ]
	run -0 ripe --mode replace <<< "$event"
	[ "$(jq -r '."source.geolocation.cc"' <<< "$output")" = AT ]
	run -0 ripe --no-query-ripe-stat-ip --no-query-ripe-db-ip <<< '{"source.ip":"192.0.2.5"}'
	[ "$output" = '{"source.ip":"192.0.2.5","source.geolocation.latitude":1.5}' ]
}

@test "ripe: RIPEstat's new form of answers" {
	serve
	run -0 ripe <<< '{"source.ip":"192.0.2.5"}'
	[ "$(contacts <<< "$output")" = 'new@x,newer@x' ]
}

@test "ripe: answers hold for the range they name, each kind for its own" {
	serve
	printf '{"source.ip":"%s"}\n' 192.0.2.1 192.0.2.2 192.0.2.100 192.0.2.200 > events
	run -0 ripe --window 1 --no-query-ripe-stat-ip events
	[ "$(contacts <<< "$output")" = 'db@x db@x db@x stat@x' ]
	[ "$(jq -r '."source.geolocation.cc" // "-"' <<< "$output" | paste -sd' ')" = 'AT AT - -' ]
	[ "$(requests /db/)" -eq 2 ]
	[ "$(requests /data/maxmind)" -eq 3 ]
	run -0 ripe --window 1 --no-query-ripe-stat-ip --no-ranges events
	[ "$(contacts <<< "$output")" = 'db@x - - stat@x' ]
}

@test "ripe: answers and their absence are remembered, in a file if told" {
	serve
	printf '{"source.ip":"%s"}\n' 192.0.2.1 192.0.2.77 > events
	ripe --cache cache.db events > first
	before=$(requests)
	run -0 ripe --cache cache.db events
	[ "$output" = "$(cat first)" ]
	[ "$(requests)" -eq "$before" ]
}

@test "ripe: order stays, equal questions are asked once, a barrier waits" {
	serve
	{ for i in 1 77 1 77 5; do echo "{\"source.ip\":\"192.0.2.$i\"}"; done; echo; } > events
	imq-ripe --stat-url "$web/data/" --db-url "$web/slowdb/" events > out
	[ "$(sed 's/^{"source.ip":"192.0.2.\([0-9]*\)".*/\1/' out | paste -sd,)" = 1,77,1,77,5, ]
	[ "$(requests slowdb)" -eq 3 ]
	[ "$(head -n 1 out | jq -r '."source.abuse_contact"')" = 'stat@x,slow@x' ]
}

@test "ripe: a 404 that says nothing is a failure, what the others say counts" {
	serve
	run -0 --separate-stderr imq-ripe --stat-url "$web/data/" --db-url "$web/gone/" <<< '{"source.ip":"192.0.2.1"}'
	[ "$(contacts <<< "$output")" = stat@x ]
	[[ "$stderr" == *'db_ip:192.0.2.1: HTTP status 404'* ]]
	run -3 imq-ripe --stat-url "$web/data/" --db-url "$web/gone/" --on-failure reject <<< '{"source.ip":"192.0.2.1"}'
	run -5 imq-ripe --stat-url "$web/data/" --db-url "$web/gone/" --on-failure stop <<< '{"source.ip":"192.0.2.1"}'
}

@test "ripe: maintenance is told, the answer counts" {
	serve
	echo '{"data_call_status":"maintenance - until tomorrow","data":{"abuse_contacts":["m@x"]}}' > www/stat/192.0.2.9
	run -0 --separate-stderr ripe <<< '{"source.ip":"192.0.2.9"}'
	[ "$(contacts <<< "$output")" = m@x ]
	[[ "$stderr" == *maintenance* ]]
}

@test "ripe: a range that does not hold the address is not believed" {
	serve
	echo '{"abuse-contacts":{"email":"all@x"},"parameters":{"primary-key":{"value":"0.0.0.0 - 255.255.255.255"}}}' > www/db/192.0.2.50.json
	echo '{"abuse-contacts":{"email":"liar@x"},"parameters":{"primary-key":{"value":"192.0.2.90 - 192.0.2.99"}}}' > www/db/192.0.2.51.json
	printf '{"source.ip":"%s"}\n' 192.0.2.50 192.0.2.51 192.0.2.95 > events
	run -0 ripe --window 1 --no-query-ripe-stat-ip --no-query-ripe-stat-geolocation events
	[ "$(contacts <<< "$output")" = 'all@x liar@x -' ]
}

@test "ripe: garbage, wrong types and deep answers are failures" {
	serve
	bad_answers
	printf '{"data":[],"abuse-contacts":[]}' > www/bad/9
	printf '{"data":{"anti_abuse_contacts":[],"located_resources":{}},"abuse-contacts":"x"}' > www/bad/a
	printf '{"data":{"anti_abuse_contacts":{"abuse_c":[{"email":7}]},"located_resources":[7]},"abuse-contacts":{"email":[]}}' > www/bad/b
	printf '{"data":{"abuse_contacts":["a\\u0001"],"located_resources":[{"locations":[[]]}]},"abuse-contacts":{"email":"a\\nb"}}' > www/bad/c
	for i in 1 2 3 4 5 6 7 8 9 a b c; do
		run -0 --separate-stderr imq-ripe --stat-url "$web/bad$i" --db-url "$web/bad$i" --stats <<< '{"source.ip":"192.0.2.1"}'
		[ "$output" = '{"source.ip":"192.0.2.1"}' ]
		[ "$(tail -n 1 <<< "$stderr" | jq -c '[.lookups,.failed]')" = '[3,3]' ]
	done
}
