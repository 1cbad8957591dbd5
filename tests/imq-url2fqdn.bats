load lib

@test "url2fqdn: the host of each URL becomes name or address" {
	run -0 imq-url2fqdn <<< '{"source.url":"http://U:p@X.example.com:81/","destination.url":"http://[2001:db8::1]/"}'
	[ "$output" = '{"source.url":"http://U:p@X.example.com:81/","destination.url":"http://[2001:db8::1]/","source.fqdn":"x.example.com","destination.ip":"2001:db8::1"}' ]
}

@test "url2fqdn: a name that is there stays and keeps the address away, --overwrite replaces it" {
	event='{"source.url":"http://example.com/","source.fqdn":"old.example"}'
	run -0 imq-url2fqdn <<< "$event"
	[ "$output" = "$event" ]
	run -0 imq-url2fqdn --overwrite <<< "$event"
	[ "$output" = '{"source.url":"http://example.com/","source.fqdn":"example.com"}' ]
	event='{"source.url":"http://192.0.2.1/","source.fqdn":"old.example"}'
	run -0 imq-url2fqdn <<< "$event"
	[ "$output" = "$event" ]
	run -0 imq-url2fqdn --overwrite <<< "$event"
	[ "$output" = '{"source.url":"http://192.0.2.1/","source.fqdn":"old.example","source.ip":"192.0.2.1"}' ]
}

@test "url2fqdn: an address that is there stays without --overwrite" {
	event='{"source.url":"http://192.0.2.1/","source.ip":"192.0.2.9"}'
	run -0 imq-url2fqdn <<< "$event"
	[ "$output" = "$event" ]
}

@test "url2fqdn: a decimal number is a name here" {
	run -0 imq-url2fqdn <<< '{"source.url":"http://3221225985/"}'
	[ "$output" = '{"source.url":"http://3221225985/","source.fqdn":"3221225985"}' ]
}

@test "url2fqdn: a URL without a host, or with one that is none, deletes nothing" {
	for url in http://user@/ http://-/ http://0.0.0.0/ http://192.0.2.1./ nonsense; do
		event="{\"source.url\":\"$url\",\"source.fqdn\":\"old.example\",\"source.ip\":\"192.0.2.9\"}"
		run -0 imq-url2fqdn --overwrite <<< "$event"
		[ "$output" = "$event" ]
	done
}

@test "url2fqdn: a broken line is rejected with its place, the next one goes on" {
	run -3 --separate-stderr imq-url2fqdn <<< $'[1]\n{}'
	[ "$output" = '{}' ]
	[[ "$stderr" == 'imq-url2fqdn: -:1: '* ]]
}
