load lib

@test "remove-affix: a prefix is cut once" {
	run -0 imq-remove-affix <<< '{"source.fqdn":"www.www.example.com"}'
	[ "$output" = '{"source.fqdn":"www.example.com"}' ]
	run -0 imq-remove-affix <<< '{"source.fqdn":"example.com"}'
	[ "$output" = '{"source.fqdn":"example.com"}' ]
}

@test "remove-affix: a suffix, another field" {
	run -0 imq-remove-affix --no-remove-prefix --affix .com --field extra.name <<< '{"extra.name":"www.example.com"}'
	[ "$output" = '{"extra.name":"www.example"}' ]
}

@test "remove-affix: without the field, or with an empty affix, nothing happens" {
	run -0 imq-remove-affix --affix '' <<< $'{"source.fqdn":"www.example.com"}\n{"raw":"eA=="}'
	[ "$output" = $'{"source.fqdn":"www.example.com"}\n{"raw":"eA=="}' ]
}

@test "remove-affix: raw is not encoded again where nothing was cut" {
	run -0 imq-remove-affix --field raw <<< '{"raw":"eA=="}'
	[ "$output" = '{"raw":"eA=="}' ]
}

@test "remove-affix: each of several values is cut, those left empty go" {
	run -0 imq-remove-affix <<< '{"source.fqdn":["www.example.com","example.net"]}'
	[ "$output" = '{"source.fqdn":["example.com","example.net"]}' ]
	run -0 imq-remove-affix --affix a --field comment <<< '{"comment":["a","ab"]}'
	[ "$output" = '{"comment":"b"}' ]
}

@test "remove-affix: a value left empty deletes the field" {
	run -0 imq-remove-affix --affix abc --field comment <<< '{"feed.name":"n","comment":"abc"}'
	[ "$output" = '{"feed.name":"n"}' ]
}

@test "remove-affix: what is no text, or refused once cut, is rejected" {
	run -3 --separate-stderr imq-remove-affix --field extra.a <<< $'{"extra.a":1}\n{"extra.a":"www.x"}'
	[ "$output" = '{"extra.a":"x"}' ]
	[ "$stderr" = 'imq-remove-affix: -:1: extra.a: not a text' ]
	run -3 --separate-stderr imq-remove-affix --affix http: --field source.url <<< '{"source.url":"http:example"}'
	[ "$stderr" = 'imq-remove-affix: -:1: source.url: not a URL: "example"' ]
	run -2 imq-remove-affix --field nonsense <<< '{}'
}
