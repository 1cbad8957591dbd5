load lib

@test "to-blackhole: events vanish and count as delivered, barriers pass" {
	printf '{}\n\n{"source.ip":"192.0.2.1"}\n' > events
	run -0 --separate-stderr imq-to-blackhole --stats events
	[ -z "$output" ]
	[[ "$stderr" == *'"in":2,"created":0,"out":2,'* ]]
	[ "$(imq-to-blackhole events | od -An -c | tr -d ' ')" = '\n' ]
	run -3 --separate-stderr imq-to-blackhole <<< 'x'
}
