load lib

# Whether the event passes: prints yes or no.
passes() {
	local event=$1
	shift
	if [ -n "$(imq-filter "$@" <<< "$event")" ]; then echo yes; else echo no; fi
}

@test "filter: keep passes what matches, drop what does not" {
	printf '%s\n' '{"comment":"x"}' '{"comment":"y"}' '{"feed.name":"x"}' > events
	run -0 imq-filter --filter-key comment --filter-value x --filter-action keep events
	[ "$output" = '{"comment":"x"}' ]
	run -0 imq-filter -k comment -v x -a drop events
	[ "$output" = $'{"comment":"y"}\n{"feed.name":"x"}' ]
}

@test "filter: a value is compared with its type, numbers by value, true is 1" {
	[ "$(passes '{"source.port":80}' -k source.port -v 80 -a keep)" = yes ]
	[ "$(passes '{"source.port":80}' -k source.port -v 80.0 -a keep)" = yes ]
	[ "$(passes '{"source.port":80}' -k source.port -v '"80"' -a keep)" = no ]
	[ "$(passes '{"extra.a":"80"}' -k extra.a -v '"80"' -a keep)" = yes ]
	[ "$(passes '{"extra.a":"80"}' -k extra.a -v 80 -a keep)" = no ]
	[ "$(passes '{"extra.a":true}' -k extra.a -v 1 -a keep)" = yes ]
	[ "$(passes '{"extra.a":0}' -k extra.a -v false -a keep)" = yes ]
	[ "$(passes '{"extra.a":{"b":[1,2],"c":1}}' -k extra.a -v '{"c":1.0,"b":[1,2]}' -a keep)" = yes ]
	[ "$(passes '{"extra.a":[1,2]}' -k extra.a -v '[1]' -a keep)" = no ]
	[ "$(passes '{"extra.a":123456789012345678901}' -k extra.a -v 123456789012345678901 -a keep)" = yes ]
}

@test "filter: a regular expression is searched for in the value's text" {
	[ "$(passes '{"source.port":80}' -k source.port -v ^8 -r true -a keep)" = yes ]
	[ "$(passes '{"source.port":18}' -k source.port -v ^8 -r true -a keep)" = no ]
	[ "$(passes '{"feed.name":"test-feed"}' -k feed.name -v feed -r search -a keep)" = yes ]
	[ "$(passes '{"extra.a":true}' -k extra.a -v '^True$' -r 1 -a keep)" = yes ]
	[ "$(passes '{"extra.a":[1,"b"]}' -k extra.a -v "^\[1, 'b'\]$" -r 1 -a keep)" = yes ]
	[ "$(passes '{"feed.name":"test-feed"}' -k feed.name -v 'f..d' -r false -a keep)" = no ]
	run -0 imq-filter -k source.port -v 8 -r true -a keep <<< '{"source.port":80}'
	[ "$output" = '{"source.port":80}' ]
}

@test "filter: the language of expressions is Python's" {
	[ "$(passes '{"comment":"abab"}' -k comment -v '^(?P<x>ab)(?P=x)\Z' -r 1 -a keep)" = yes ]
	run -2 --separate-stderr imq-filter -k comment -v '\Qx' -r 1 -a keep <<< '{}'
	[ "$stderr" = 'imq-filter: regular expression, character 0: no such escape' ]
}

@test "filter: of several values one is enough, a list in extra is one value" {
	[ "$(passes '{"source.ip":["192.0.2.1","192.0.2.2"]}' -k source.ip -v 192.0.2.2 -a keep)" = yes ]
	[ "$(passes '{"source.ip":["192.0.2.1","192.0.2.2"]}' -k source.ip -v 192.0.2.3 -a keep)" = no ]
	[ "$(passes '{"source.ip":["192.0.2.1","192.0.2.2"]}' -k source.ip -v 2$ -r 1 -a keep)" = yes ]
	[ "$(passes '{"extra.a":["x","y"]}' -k extra.a -v x -a keep)" = no ]
	[ "$(passes '{"extra.a":["x","y"]}' -k extra.a -v '["x","y"]' -a keep)" = yes ]
}

@test "filter: extra as a whole is a text of JSON, its members are found when nested" {
	[ "$(passes '{"extra.b":1,"extra.a.c":"ä"}' -k extra -v '"{\"b\": 1, \"a\": {\"c\": \"\\u00e4\"}}"' -a keep)" = yes ]
	[ "$(passes '{"extra":{"a":{"c":2}}}' -k extra -v '"c": 2' -r 1 -a keep)" = yes ]
	[ "$(passes '{"comment":"x"}' -k extra -v '' -r 1 -a keep)" = no ]
	[ "$(passes '{"extra":{"a":{"c":2}}}' -k extra.a.c -v 2 -a keep)" = yes ]
}

@test "filter: an absent, ignored or unknown field never matches" {
	[ "$(passes '{"comment":"-"}' -k comment -v '"-"' -a keep)" = no ]
	[ "$(passes '{"source.asn":123}' -k source.asn -v '' -a drop)" = yes ]
	run -0 --separate-stderr imq-filter -k source.nothing -v x -a drop <<< '{"source.nothing":"x"}'
	[ "$output" = '{"source.nothing":"x"}' ]
	[ "$stderr" = 'imq-filter: --filter-key: no such field: "source.nothing": nothing will match' ]
}

@test "filter: --paths prints what goes elsewhere, a kept event goes along two paths" {
	printf '%s\n' '{"comment":"x"}' '{"comment":"y"}' > events
	run -0 imq-filter -k comment -v x -a keep --paths filter_match,filter_no_match,action_other events
	[ "$output" = $'{"comment":"x","__path":["filter_match","_default"]}\n{"comment":"y","__path":["action_other","filter_no_match"]}' ]
	run -0 imq-filter -k comment -v x -a drop --paths filter_match,filter_no_match,action_other events
	[ "$output" = $'{"comment":"x","__path":["action_other","filter_match"]}\n{"comment":"y","__path":["filter_no_match","_default"]}' ]
	run -0 imq-filter -k comment -v x -a keep --paths action_other events
	[ "$output" = $'{"comment":"x"}\n{"comment":"y","__path":"action_other"}' ]
}

@test "filter: absolute times, the limit itself passes" {
	for time in 2015-09-12T06:22:11+00:00 '2015-09-12 08:22:11 +02:00' '2015-09-12 06:22:11'; do
		[ "$(passes '{"time.source":"2015-09-12T06:22:11+00:00"}' --not-after "$time")" = yes ]
		[ "$(passes '{"time.source":"2015-09-12T06:22:11.5+00:00"}' --not-after "$time")" = no ]
		[ "$(passes '{"time.source":"2015-09-12T06:22:12+00:00"}' --not-after "$time")" = no ]
		[ "$(passes '{"time.source":"2015-09-12T06:22:11+00:00"}' --not-before "$time")" = yes ]
		[ "$(passes '{"time.source":"2015-09-12T06:22:10+00:00"}' --not-before "$time")" = no ]
	done
	[ "$(passes '{"time.source":"2015-09-12T00:00:00+00:00"}' --not-after '12 Sep 2015')" = yes ]
	[ "$(passes '{"comment":"no time"}' --not-after '12 Sep 2015')" = yes ]
}

@test "filter: relative times count back from now" {
	export IMQ_NOW=2026-11-25T10:00:00+00:00
	[ "$(passes '{"time.source":"2026-11-24T10:00:00+00:00"}' --not-before '1 day')" = yes ]
	[ "$(passes '{"time.source":"2026-11-24T09:59:59+00:00"}' --not-before '1 day')" = no ]
	[ "$(passes '{"time.source":"2026-11-24T10:00:00+00:00"}' --not-after '24 hours')" = yes ]
	[ "$(passes '{"time.source":"2026-11-24T10:00:01+00:00"}' --not-after '1440 minutes')" = no ]
}

@test "filter: an event out of time goes along no path" {
	run -0 --separate-stderr imq-filter --not-after 2015-01-01 -k comment -v x -a keep --paths action_other --stats <<< \
		'{"time.source":"2020-01-01T00:00:00+00:00","comment":"y"}'
	[ -z "$output" ]
	[[ "$stderr" == *'"dropped":1,'* ]]
}

@test "filter: parameters from a file keep their types" {
	printf 'filter_key: extra.a\nfilter_value: "80"\nfilter_action: keep\n' > config
	run -0 imq-filter --config config <<< $'{"extra.a":"80"}\n{"extra.a":80}'
	[ "$output" = '{"extra.a":"80"}' ]
}

@test "filter: parameters that do nothing are refused" {
	run -2 imq-filter <<< '{}'
	run -2 imq-filter -k comment -v x <<< '{}'
	run -2 imq-filter -k comment -v x -a forget <<< '{}'
	run -2 imq-filter --not-after '3 days ago' <<< '{}'
	run -2 imq-filter --not-after nonsense <<< '{}'
	run -2 imq-filter --not-after '9223372036854775807 seconds' <<< '{}'
	run -2 imq-filter -r true --not-after 2015-01-01 <<< '{}'
	run -0 imq-filter --not-after 2015-01-01 --not-before '' <<< '{}'
}

@test "filter: a time that is none is rejected, reports are filtered too" {
	run -3 --separate-stderr imq-filter --not-after 2015-01-01 <<< $'{"time.source":"soon-ish"}\n{"__type":"Report","raw":"eA=="}'
	[ "$output" = '{"__type":"Report","raw":"eA=="}' ]
	[ "$stderr" = 'imq-filter: -:1: time.source: not a time' ]
}

@test "filter: an expression and a value that would never end do not match" {
	printf '{"comment":"%s"}\n' "$(head -c 200 /dev/zero | tr '\0' a)" > event
	run -0 timeout 20 imq-filter -k comment -v '^(a|aa|aaa)*b|(a+)+$b|(a*)*c' -r 1 -a keep event
	[ -z "$output" ]
}

@test "filter: an action that is none leaves the time limits" {
	run -0 --separate-stderr imq-filter -k comment -v x -a other --not-before 2020-01-01 <<< $'{"comment":"y","time.source":"2020-01-01T00:00:00+00:00"}\n{"comment":"x","time.source":"2019-01-01T00:00:00+00:00"}'
	[ "$output" = '{"comment":"y","time.source":"2020-01-01T00:00:00+00:00"}' ]
	[ "$stderr" = 'imq-filter: --filter-action is neither keep nor drop: "other": only the time counts' ]
	run -2 imq-filter -k comment -v x -a other <<< '{}'
}
