load lib

@test "field-reducer: a whitelist keeps only its fields, a blacklist all but its fields" {
	event='{"source.ip":"192.0.2.1", "comment":"x", "extra.a":1, "extra.b":2, "feed.name":"n"}'
	run -0 imq-field-reducer --type whitelist --keys 'source.ip, extra, comment' <<< "$event"
	[ "$output" = '{"source.ip":"192.0.2.1", "comment":"x", "extra.a":1, "extra.b":2}' ]
	run -0 imq-field-reducer --type blacklist --keys '["comment", "extra.b", "time.source"]' <<< "$event"
	[ "$output" = '{"source.ip":"192.0.2.1", "extra.a":1, "feed.name":"n"}' ]
	run -0 imq-field-reducer -t blacklist -k extra <<< "$event"
	[ "$output" = '{"source.ip":"192.0.2.1", "comment":"x", "feed.name":"n"}' ]
}

@test "field-reducer: what stays is not touched, byte for byte" {
	run -0 imq-field-reducer -t whitelist -k comment,extra <<< '{ "comment" : "\u0061" , "feed.name":"n","extra.n": 1e2,"extra.a.b":1,"extra.a":2 }'
	[ "$output" = '{ "comment" : "\u0061","extra.n": 1e2,"extra.a.b":1,"extra.a":2}' ]
}

@test "field-reducer: extra.a is one field and does not stand for extra.a.b" {
	run -0 imq-field-reducer -t whitelist -k extra.a <<< '{"extra.a.b":1,"extra.a":2}'
	[ "$output" = '{"extra.a":2}' ]
	run -0 imq-field-reducer -t blacklist -k extra.a <<< '{"extra.a.b":1,"extra.a":2}'
	[ "$output" = '{"extra.a.b":1}' ]
}

@test "field-reducer: members of a nested extra are fields" {
	event='{"extra":{"a":1,"b":{"c":2}},"comment":"x"}'
	run -0 imq-field-reducer -t whitelist -k extra.a,extra.b.c <<< "$event"
	[ "$output" = '{"extra.a":1,"extra.b.c":2}' ]
	run -0 imq-field-reducer -t whitelist -k extra <<< "$event"
	[ "$output" = '{"extra":{"a":1,"b":{"c":2}}}' ]
	run -0 imq-field-reducer -t blacklist -k extra.a <<< "$event"
	[ "$output" = '{"comment":"x","extra.b.c":2}' ]
	run -0 imq-field-reducer -t blacklist -k extra <<< "$event"
	[ "$output" = '{"comment":"x"}' ]
}

@test "field-reducer: an event left empty is dropped, kind and path are no fields" {
	run -0 --separate-stderr imq-field-reducer -t blacklist -k extra,comment --stats <<< $'{"comment":"x","extra.a":1}\n{"__type":"Event","comment":"y"}\n{}'
	[ -z "$output" ]
	[[ "$stderr" == *'"in":3,'*'"dropped":3,'* ]]
	run -0 imq-field-reducer -t whitelist -k raw <<< '{"__type":"Report","raw":"eA==","feed.name":"n"}'
	[ "$output" = '{"__type":"Report","raw":"eA=="}' ]
}

@test "field-reducer: parameters that are missing or wrong are told" {
	run -2 imq-field-reducer -k comment <<< '{}'
	run -2 imq-field-reducer -t greylist -k comment <<< '{}'
	run -2 imq-field-reducer -t whitelist <<< '{}'
	run -2 --separate-stderr imq-field-reducer -t whitelist -k source.ipp <<< '{}'
	[ "$stderr" = 'imq-field-reducer: no such field: "source.ipp"' ]
}

@test "field-reducer: names that nobody knows go, broken lines are rejected" {
	run -3 --separate-stderr imq-field-reducer -t whitelist -k comment <<< $'{"no such":1,"\\u0000":2,"comment":"x"}\n{"comment":"x","comment":"y"}'
	[ "$output" = '{"comment":"x"}' ]
	[[ "$stderr" == 'imq-field-reducer: -:2: '*'duplicate key' ]]
}
