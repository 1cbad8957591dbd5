load lib
load nginx

teardown() {
	stop_nginx
}

teams() {
	cat > teams.json <<- 'END'
		[{"emails":[{"usage":["other"],"address":"no@x"},{"usage":["media","contact"],"address":"One@x.example"}],"constituency":{"domains":["Example.com","*.wild.example","bad.*"],"asns":[]}},
		 {"emails":[{"usage":["contact"],"address":"str@x.example"}],"constituency":{"domains":["sub.example.com"],"asns":[64500,64501]}},
		 {"emails":[{"usage":["other"],"address":"x@x"}],"constituency":{"domains":["mute.example"],"asns":[64502]}},
		 {"emails":[{"usage":["contact"],"address":"later@x.example"}],"constituency":{"domains":[],"asns":[64501]}},
		 {"short_name":"no emails","constituency":{"domains":["none.example"],"asns":[1]}}]
	END
}

lookup() {
	imq-trusted-introducer-lookup --directory teams.json "$@"
}

contacts() {
	jq -r '."source.abuse_contact" // "-"' | paste -sd' '
}

@test "trusted-introducer-lookup: the team of the longest known part of a domain, else that of the AS" {
	teams
	run -0 --separate-stderr lookup <<- 'END'
		{"source.fqdn":"b.example.com"}
		{"source.fqdn":"a.sub.example.com"}
		{"source.fqdn":"example.com"}
		{"source.fqdn":"x.wild.example"}
		{"source.fqdn":"wild.example"}
		{"source.fqdn":"zz.com","source.asn":64500}
		{"source.fqdn":"b.example.com","source.asn":64500}
		{"source.asn":64501}
		{"source.fqdn":"notexample.com"}
		{"source.fqdn":"none.example","source.asn":1}
	END
	[ "$(contacts <<< "$output")" = 'one@x.example str@x.example one@x.example one@x.example one@x.example str@x.example one@x.example later@x.example - -' ]
	[ -z "$stderr" ]
}

@test "trusted-introducer-lookup: another order, one of them" {
	teams
	event='{"source.fqdn":"b.example.com","source.asn":64500}'
	run -0 lookup --order asn,domain <<< "$event"
	[ "$(contacts <<< "$output")" = str@x.example ]
	run -0 lookup --order domain <<< '{"source.asn":64500}'
	[ "$(contacts <<< "$output")" = - ]
	run -2 lookup --order ip < /dev/null
}

@test "trusted-introducer-lookup: a contact is replaced by a better one only" {
	teams
	printf '%s\n' '{"source.fqdn":"example.com","source.abuse_contact":"old@x"}' '{"source.fqdn":"zz.com","source.abuse_contact":"old@x"}' \
		'{"source.fqdn":"mute.example","source.asn":64500,"source.abuse_contact":"old@x"}' '{"source.ip":"192.0.2.1","source.abuse_contact":"old@x"}' > events
	run -0 lookup events
	[ "$(contacts <<< "$output")" = 'one@x.example old@x old@x old@x' ]
	run -0 lookup --no-overwrite events
	[ "$(contacts <<< "$output")" = 'old@x old@x old@x old@x' ]
	run -3 lookup --config <(echo 'overwrite: null') events
}

@test "trusted-introducer-lookup: the directory comes from the web, once, and again on SIGHUP" {
	teams
	start_nginx
	cp teams.json www/
	mkfifo in
	imq-trusted-introducer-lookup --directory "$web/teams.json" in > out &
	pid=$!
	exec 7> in
	echo '{"source.fqdn":"example.com"}' >&7
	wait_until grep -q one@x.example out
	sed 's/One@/New@/' teams.json > www/teams.json
	kill -HUP "$pid"
	wait_until test "$(requests)" -ge 1
	echo '{"source.fqdn":"example.com"}' >&7
	exec 7>&-
	wait "$pid"
	[ "$(contacts < out)" = 'one@x.example new@x.example' ]
	[ "$(requests)" -eq 2 ]
}

@test "trusted-introducer-lookup: without a directory it does not start" {
	start_nginx
	run -2 --separate-stderr imq-trusted-introducer-lookup --directory "$web/gone.json" < /dev/null
	[[ "$stderr" == *'HTTP status 404'* ]]
	run -2 imq-trusted-introducer-lookup --directory missing.json < /dev/null
	echo '{"a":1}' > teams.json
	run -2 --separate-stderr lookup < /dev/null
	[[ "$stderr" == *'not a list of teams'* ]]
	printf '[[[' > teams.json
	run -2 lookup < /dev/null
}

@test "trusted-introducer-lookup: teams of other forms are left out" {
	cat > teams.json <<- 'END'
		[null, 7, "x", [], {"emails":7}, {"emails":[]}, {"emails":[7,{"usage":"contact"},{"usage":[1]}],"constituency":7},
		 {"emails":[{"usage":["contact"],"address":{}}],"constituency":{"domains":[7,null,"","*.","a.example"],"asns":["64500",-1,4294967296,1.5,64503]}},
		 {"emails":[{"usage":["contact"],"address":"good@x"}],"constituency":{"domains":{"a":1},"asns":[64504]}}]
	END
	run -0 lookup <<< $'{"source.asn":64504}\n{"source.asn":64503}\n{"source.fqdn":"a.example"}\n{"source.fqdn":"x"}\n{"source.asn":-1}'
	[ "$(contacts <<< "$output")" = 'good@x - - - -' ]
}
