load lib

setup_more() {
	printf '%s\r\n' '"Name","Risk","RiskString","EvidenceDetails"' '"192.0.2.1","65","1/1","a ""quoted"", one' 'with a line end"' \
		'2001:DB8::1,99,x,y' '' > risks
}

@test "recordedfuture-iprisk: every address has a score, 0 where the list has none" {
	run -0 imq-recordedfuture-iprisk --database risks <<< $'{"source.ip":"192.0.2.1","destination.ip":"2001:db8::1"}\n{"source.ip":"192.0.2.9"}\n{}'
	[ "$output" = $'{"source.ip":"192.0.2.1","destination.ip":"2001:db8::1","extra.rf_iprisk.source":65,"extra.rf_iprisk.destination":99}\n{"source.ip":"192.0.2.9","extra.rf_iprisk.source":0}\n{}' ]
}

@test "recordedfuture-iprisk: a score that is there stays, --overwrite replaces it" {
	event='{"source.ip":"192.0.2.1","extra.rf_iprisk.source":10}'
	run -0 imq-recordedfuture-iprisk -d risks <<< "$event"
	[ "$output" = "$event" ]
	run -0 imq-recordedfuture-iprisk -d risks --overwrite <<< "$event"
	[ "$output" = '{"source.ip":"192.0.2.1","extra.rf_iprisk.source":65}' ]
}

@test "recordedfuture-iprisk: of several addresses the worst counts, columns may be in any order" {
	printf 'Risk,x,Name\n5,,192.0.2.1\n7,,192.0.2.2\n6,,192.0.2.2\n' > other
	run -0 imq-recordedfuture-iprisk -d other <<< '{"source.ip":["192.0.2.1","192.0.2.2","192.0.2.3"]}'
	[ "$output" = '{"source.ip":["192.0.2.1","192.0.2.2","192.0.2.3"],"extra.rf_iprisk.source":6}' ]
}

@test "recordedfuture-iprisk: a list that is none is refused with its place" {
	run -2 imq-recordedfuture-iprisk -d missing <<< '{}'
	printf 'Name,Score\n' > bad
	run -2 --separate-stderr imq-recordedfuture-iprisk -d bad <<< '{}'
	[ "$stderr" = 'imq-recordedfuture-iprisk: bad:1: no columns Name and Risk' ]
	printf 'Name,Risk\n192.0.2.1,1\n192.0.2.2,high\n' > bad
	run -2 --separate-stderr imq-recordedfuture-iprisk -d bad <<< '{}'
	[ "$stderr" = 'imq-recordedfuture-iprisk: bad:3: Risk is not an integer' ]
	: > bad
	run -2 imq-recordedfuture-iprisk -d bad <<< '{}'
	printf 'Name,Risk\n"192.0.2.1' > bad
	run -2 imq-recordedfuture-iprisk -d bad <<< '{}'
}

@test "recordedfuture-iprisk: rows without an address are told and left out" {
	printf 'Name,Risk\nexample.com,9\n192.0.2.1,8' > odd
	run -0 --separate-stderr imq-recordedfuture-iprisk -d odd <<< '{"source.ip":"192.0.2.1"}'
	[ "$output" = '{"source.ip":"192.0.2.1","extra.rf_iprisk.source":8}' ]
	[ "$stderr" = 'imq-recordedfuture-iprisk: odd:2: Name is not an IP address: the row is left out' ]
}
