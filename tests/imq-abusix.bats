load lib
load nsd

teardown() {
	stop_nsd
}

serve() {
	zone abuse.one.example <<- 'END'
		1.2.0.192 TXT "Abuse@a.example"
		2.2.0.192 TXT "a@a.example,b@a.example"
		3.2.0.192 TXT "none"
		4.2.0.192 TXT "x@" "y.example"
		5.2.0.192 TXT "\"q@q.example\""
		6.2.0.192 A 127.0.0.2
		7.2.0.192 TXT "b\195\188ro@a.example"
		8.2.0.192 TXT "b\252ro@a.example"
		9.2.0.192 TXT "x@a.example\010y@b.example"
		10.2.0.192 TXT "@a.example"
		11.2.0.192 TXT "x@localhost"
		1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2 TXT "six@a.example"
	END
	zone abuse.two.example <<- 'END'
		20.2.0.192 TXT "old@a.example"
		1.2.0.192 TXT "not-asked@a.example"
	END
	start_nsd
}

abusix() {
	imq-abusix --nameserver "$dns" --zones abuse.one.example,abuse.two.example "$@"
}

events() {
	printf '{"source.ip":"192.0.2.%s"}\n' "$@"
}

contacts() {
	jq -r '."source.abuse_contact" // "-"' | paste -sd' '
}

@test "abusix: the contact of each address is added" {
	serve
	run -0 --separate-stderr abusix <<< '{"source.ip":"192.0.2.1","destination.ip":"2001:db8::1"}'
	[ "$output" = '{"source.ip":"192.0.2.1","destination.ip":"2001:db8::1","source.abuse_contact":"abuse@a.example","destination.abuse_contact":"six@a.example"}' ]
	[ -z "$stderr" ]
	run -0 abusix < <(events 2)
	[ "$(contacts <<< "$output")" = a@a.example,b@a.example ]
}

@test "abusix: the second zone is asked where the first has no contact" {
	serve
	run -0 --separate-stderr abusix --stats < <(events 20 1 3)
	[ "$(contacts <<< "$output")" = 'old@a.example abuse@a.example -' ]
	[ "$(jq -c '[.dns.questions,.failed]' <<< "$stderr")" = '[5,0]' ]
}

@test "abusix: no contact leaves the event as it is, and so does a second zone that is out of order" {
	serve
	run -0 --separate-stderr abusix --stats < <(events 3 6 99)
	[ "$output" = "$(events 3 6 99)" ]
	[ "$(jq -c '[.failed,.negative]' <<< "$stderr")" = '[0,3]' ]
	run -0 --separate-stderr imq-abusix --nameserver "$dns" --zones abuse.one.example,unknown.example < <(events 99)
	[ "$output" = "$(events 99)" ]
	run -3 --separate-stderr imq-abusix --nameserver "$dns" --zones unknown.example,abuse.one.example < <(events 1)
	[[ "$stderr" == *'-:1: abusix 192.0.2.1: the name server refused'* ]]
}

@test "abusix: a contact that is there stays, --overwrite asks" {
	serve
	event='{"source.ip":"192.0.2.1","source.abuse_contact":"old@x.example"}'
	run -0 abusix <<< "$event"
	[ "$output" = "$event" ]
	run -0 abusix --overwrite <<< "$event"
	[ "$(contacts <<< "$output")" = abuse@a.example ]
	run -0 abusix --overwrite <<< '{"source.ip":"192.0.2.99","source.abuse_contact":"old@x.example"}'
	[ "$(contacts <<< "$output")" = old@x.example ]
}

@test "abusix: strings of a record are joined, quotes go, what is no contact or no text is passed over" {
	serve
	run -0 abusix < <(events 4 5 7 8 9 10 11)
	[ "$(contacts <<< "$output")" = 'x@y.example q@q.example büro@a.example - - - -' ]
}

@test "abusix: a server that does not answer is a failure" {
	misbehave silent
	run -3 --separate-stderr imq-abusix --nameserver "$server_silent" --dns-timeout 0.1 --dns-tries 2 < <(events 1)
	[[ "$stderr" == *'abusix 192.0.2.1: no name server answered'* ]]
	run -0 --separate-stderr imq-abusix --nameserver "$server_silent" --dns-timeout 0.1 --dns-tries 2 --on-failure pass < <(events 1)
	[ "$output" = "$(events 1)" ]
	run -2 imq-abusix --zones '' < /dev/null
}
