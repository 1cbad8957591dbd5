load lib

@test "truncate-by-delimiter: pieces go from the left until the rest is short enough" {
	run -0 imq-truncate-by-delimiter --max-length 20 <<< '{"source.fqdn":"www.subdomain.web.secondsubomain.test.domain.com"}'
	[ "$output" = '{"source.fqdn":"test.domain.com"}' ]
	run -0 imq-truncate-by-delimiter <<< '{"source.fqdn":"www.example.com"}'
	[ "$output" = '{"source.fqdn":"www.example.com"}' ]
}

@test "truncate-by-delimiter: a long delimiter, characters and not bytes are counted" {
	run -0 imq-truncate-by-delimiter --delimiter -- --max-length 3 --field comment <<< '{"comment":"ab----"}'
	[ "$output" = '{"comment":"--"}' ]
	run -0 imq-truncate-by-delimiter --max-length 5 --field comment <<< '{"comment":"ä.äää"}'
	[ "$output" = '{"comment":"ä.äää"}' ]
}

@test "truncate-by-delimiter: without a delimiter the value stays long, with nothing behind it the field goes, and with its last an event" {
	run -0 imq-truncate-by-delimiter --max-length 2 --field comment <<< $'{"comment":"a.abcdef"}\n{"comment":"abc."}\n{"feed.name":"n"}'
	[ "$output" = $'{"comment":"abcdef"}\n{"feed.name":"n"}' ]
}

@test "truncate-by-delimiter: each of several values is shortened" {
	run -0 imq-truncate-by-delimiter --max-length 11 <<< '{"source.fqdn":["www.example.com","example.net"]}'
	[ "$output" = '{"source.fqdn":["example.com","example.net"]}' ]
}

@test "truncate-by-delimiter: no text is rejected, no delimiter and no field are refused" {
	run -3 --separate-stderr imq-truncate-by-delimiter --field extra.a <<< '{"extra.a":[1]}'
	[ "$stderr" = 'imq-truncate-by-delimiter: -:1: extra.a: not a text' ]
	run -2 imq-truncate-by-delimiter --delimiter '' <<< '{}'
	run -2 imq-truncate-by-delimiter --field nonsense <<< '{}'
}

@test "truncate-by-delimiter: a megabyte of delimiters takes no time" {
	printf '{"comment":"%s"}\n' "$(head -c 1000000 /dev/zero | tr '\0' .)" > event
	# AddressSanitizer's own memmem() looks at the whole rest each time.
	export ASAN_OPTIONS=${ASAN_OPTIONS:-}:intercept_memmem=0
	run -0 timeout 10 imq-truncate-by-delimiter --field comment event
	[ "${#output}" -eq 214 ]
}
