load lib

@test "format-field: characters are stripped off both ends" {
	run -0 imq-format-field --strip-columns 'comment, feed.name' --strip-chars '|ä' <<< '{"comment":"ä|a|b|ä","feed.name":"n","feed.code":"|"}'
	[ "$output" = '{"comment":"a|b","feed.name":"n","feed.code":"|"}' ]
	run -0 imq-format-field --strip-columns extra.a <<< '{"extra.a":"  a  "}'
	[ "$output" = '{"extra.a":"a"}' ]
}

@test "format-field: a text is replaced once, so many times, or everywhere" {
	run -0 imq-format-field --replace-column comment --old-value a --new-value bb <<< '{"comment":"aaa"}'
	[ "$output" = '{"comment":"bbaa"}' ]
	run -0 imq-format-field --replace-column comment --old-value a --new-value bb --replace-count 2 <<< '{"comment":"aaa"}'
	[ "$output" = '{"comment":"bbbba"}' ]
	run -0 imq-format-field --replace-column comment --old-value a --new-value bb --replace-count -1 <<< '{"comment":"aaa"}'
	[ "$output" = '{"comment":"bbbbbb"}' ]
	run -0 imq-format-field --replace-column comment --old-value a --replace-count 0 <<< '{"comment":"aaa"}'
	[ "$output" = '{"comment":"aaa"}' ]
	run -0 imq-format-field --replace-column comment --old-value . --new-value x <<< '{"comment":"a.b"}'
	[ "$output" = '{"comment":"axb"}' ]
}

@test "format-field: nothing replaced by something goes before each character" {
	run -0 imq-format-field --replace-column comment --new-value - --replace-count 2 <<< '{"comment":"äbc"}'
	[ "$output" = '{"comment":"-ä-bc"}' ]
	run -0 imq-format-field --replace-column comment --new-value - --replace-count -1 <<< '{"comment":"abc"}'
	[ "$output" = '{"comment":"-a-b-c-"}' ]
}

@test "format-field: a member of extra is split into a list, empty parts and all" {
	run -0 imq-format-field --split-column extra.tags <<< $'{"extra.tags":"a,b, c,"}\n{"extra.tags":"a"}\n{"extra.tags":["a,b"]}'
	[ "$output" = $'{"extra.tags":["a","b"," c",""]}\n{"extra.tags":["a"]}\n{"extra.tags":["a,b"]}' ]
}

@test "format-field: another field is split into several values, each of its type" {
	run -0 imq-format-field --split-column source.ip --split-separator ' / ' <<< $'{"source.ip":"192.0.2.1 / 2001:DB8::1"}\n{"source.ip":"192.0.2.1 / "}'
	[ "$output" = $'{"source.ip":["192.0.2.1","2001:db8::1"]}\n{"source.ip":"192.0.2.1"}' ]
	run -3 --separate-stderr imq-format-field --split-column source.ip <<< '{"source.ip":"192.0.2.1,x"}'
	[ "$stderr" = 'imq-format-field: -:1: source.ip: a part of it is refused' ]
}

@test "format-field: strip comes first, then replace, then split" {
	run -0 imq-format-field --strip-columns extra.a --strip-chars '|' --replace-column extra.a --old-value x --new-value '|' \
		--split-column extra.a --split-separator '|' <<< '{"extra.a":"|axb|c|"}'
	[ "$output" = '{"extra.a":["a","b","c"]}' ]
}

@test "format-field: extra as a whole is replaced in as a text" {
	run -0 imq-format-field --replace-column extra --old-value '"a"' --new-value '"b"' <<< '{"extra.a":1,"comment":"x"}'
	[ "$output" = '{"comment":"x","extra.b":1}' ]
	run -3 --separate-stderr imq-format-field --replace-column extra --old-value '{' <<< '{"extra.a":1}'
	[[ "$stderr" == 'imq-format-field: -:1: extra: not '* ]]
}

@test "format-field: what becomes empty goes, absent and other values are left alone" {
	run -0 imq-format-field --strip-columns comment,extra.a --strip-chars x --split-column extra.b <<< '{"comment":"xx","extra.a":1,"extra.b":{"c":1}}'
	[ "$output" = '{"extra.a":1,"extra.b":{"c":1}}' ]
	run -0 imq-format-field --strip-columns comment --replace-column comment --split-column extra.b <<< '{}'
	[ "$output" = '{}' ]
	run -0 imq-format-field <<< '{"comment":" x"}'
	[ "$output" = '{"comment":" x"}' ]
}

@test "format-field: a result that its field refuses is rejected, wrong parameters are told" {
	run -3 --separate-stderr imq-format-field --replace-column source.ip --old-value . --new-value x <<< '{"source.ip":"192.0.2.1"}'
	[ "$stderr" = 'imq-format-field: -:1: source.ip: not an IP address: "192x0.2.1"' ]
	run -2 imq-format-field --split-column extra.a --split-separator '' <<< '{}'
	run -2 imq-format-field --split-column extra <<< '{}'
	run -2 imq-format-field --strip-columns nonsense <<< '{}'
}
