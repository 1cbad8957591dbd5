load lib

rules() {
	cat > rules.json
}

@test "modify: every rule that holds is applied, later ones see the changed event" {
	rules <<< '[{"rulename":"a","if":{"comment":""},"then":{"comment":"d"}},
		{"rulename":"b","if":{"comment":"^d$"},"then":{"extra.seen":1}},
		{"rulename":"c","if":{"extra.seen":2},"then":{"comment":"never"}}]'
	run -0 imq-modify -f rules.json <<< '{"source.ip":"192.0.2.1"}'
	[ "$output" = '{"source.ip":"192.0.2.1","comment":"d","extra.seen":1}' ]
	run -0 imq-modify -f rules.json --maximum-matches 1 <<< '{"source.ip":"192.0.2.1"}'
	[ "$output" = '{"source.ip":"192.0.2.1","comment":"d"}' ]
}

@test "modify: values take in fields, groups by number and name, braces" {
	rules <<< '[{"rulename":"r","if":{"malware.name":"^(?P<fam>[a-z]+)-(\\d+)(x)?$"},
		"then":{"classification.identifier":"{matches[malware.name][fam]}/{matches[malware.name][2]}/{matches[malware.name][3]}",
		"event_description.text":"|{msg[feed.name]:>4}|{{x}}|{msg[feed.name]!r}|{matches[malware.name][0]}"}}]'
	run -0 imq-modify -f rules.json <<< '{"malware.name":"abc-12","feed.name":"F"}'
	[ "$output" = '{"malware.name":"abc-12","feed.name":"F","classification.identifier":"abc/12/None","event_description.text":"|   F|{x}|'"'F'"'|abc-12"}' ]
}

@test "modify: conditions compare other values in kind, patterns see text forms" {
	rules <<< '[{"rulename":"t","if":{"source.tor_node":true},"then":{"extra.a":"true"}},
		{"rulename":"f","if":{"source.tor_node":"False"},"then":{"extra.a":"false"}},
		{"rulename":"n","if":{"feed.accuracy":100},"then":{"extra.n":[1,{"a":null}]}},
		{"rulename":"o","if":{"extra.one":1},"then":{"extra.a":"one"}}]'
	run -0 imq-modify -f rules.json <<< $'{"source.tor_node":true}\n{"source.tor_node":false}\n{"feed.accuracy":100.0}\n{"extra.one":true}'
	[ "$output" = '{"source.tor_node":true,"extra.a":"true"}
{"source.tor_node":false,"extra.a":"false"}
{"feed.accuracy":100.0,"extra.n":[1,{"a":null}]}
{"extra.one":true}' ]
}

@test "modify: null and empty texts remove, --no-overwrite leaves what is there" {
	rules <<< '[{"rulename":"x","if":{},"then":{"comment":null,"feed.name":"new"}}]'
	run -0 imq-modify -f rules.json <<< '{"source.ip":"192.0.2.1","comment":"x","feed.name":"old"}'
	[ "$output" = '{"source.ip":"192.0.2.1","feed.name":"new"}' ]
	run -0 imq-modify -f rules.json --no-overwrite <<< '{"comment":"x","feed.name":"old"}'
	[ "$output" = '{"comment":"x","feed.name":"old"}' ]
}

@test "modify: several values match with any of them, the groups are that one's" {
	rules <<< '[{"rulename":"x","if":{"source.fqdn":"^([a-z]+)\\.example$"},"then":{"comment":"{matches[source.fqdn][1]}"}}]'
	run -0 imq-modify -f rules.json <<< '{"source.fqdn":["a.test","b.example"]}'
	[ "$output" = '{"source.fqdn":["a.test","b.example"],"comment":"b"}' ]
}

@test "modify: rules may be YAML, and ignore case" {
	printf '%s\n' '- rulename: r' '  if: {feed.name: ^abuse$}' '  then: {comment: found}' > rules.yaml
	run -0 imq-modify -f rules.yaml --no-case-sensitive <<< '{"feed.name":"Abuse"}'
	[ "$output" = '{"feed.name":"Abuse","comment":"found"}' ]
	run -0 imq-modify -f rules.yaml <<< '{"feed.name":"Abuse"}'
	[ "$output" = '{"feed.name":"Abuse"}' ]
}

@test "modify: a rule found by the value that another has just set is applied, one above it is not" {
	rules <<< '[{"rulename":"1","if":{"comment":"^b$"},"then":{"extra.one":1}},
		{"rulename":"2","if":{"comment":"^a$"},"then":{"comment":"b"}},
		{"rulename":"3","if":{"comment":"^b$"},"then":{"comment":"c"}},
		{"rulename":"4","if":{"comment":"^a$"},"then":{"extra.four":1}}]'
	run -0 imq-modify -f rules.json <<< $'{"comment":"a"}\n{"comment":"b"}'
	[ "$output" = $'{"comment":"c"}\n{"comment":"c","extra.one":1}' ]
}

@test "modify: mistakes in rules are said at the start" {
	check() {
		echo "$1" > rules.json
		run -2 --separate-stderr imq-modify -f rules.json <<< '{}'
		[ "$stderr" = "imq-modify: rules.json: $2" ] || { echo "$stderr"; false; }
	}
	check '{}' 'a list of rules expected'
	check '[["x"]]' 'rule 1 "": a map with rulename (a text), if and then (maps) expected'
	check '[[], "x", 1]' 'rule 1 "": a map with rulename (a text), if and then (maps) expected'
	check '[{"rulename":"x","then":{}}]' 'rule 1 "x": a map with rulename (a text), if and then (maps) expected'
	check '[{"rulename":"x","if":{"comment":"("},"then":{}}]' 'rule 1 "x": if: comment: regular expression, character 1: missing closing parenthesis'
	check '[{"rulename":"x","if":{},"then":{"nope":"y"}}]' 'rule 1 "x": then: no such field: "nope"'
	check '[{"rulename":"x","if":{},"then":{"source.ip":"y"}}]' 'rule 1 "x": then: source.ip: not an IP address: "y"'
	check '[{"rulename":"x","if":{},"then":{"comment":"{}"}}]' 'rule 1 "x": then: comment: msg[FIELD] or matches[FIELD][GROUP] expected behind { (a brace itself is {{), at "}"'
	check '[{"rulename":"x","if":{"comment":"a"},"then":{"comment":"{matches[comment][1]}"}}]' 'rule 1 "x": then: comment: the pattern for comment has no group 1'
}

@test "modify: a value that a field refuses, or a field that is absent, rejects the event as it came" {
	rules <<< '[{"rulename":"x","if":{"comment":"."},"then":{"extra.a":"b","source.ip":"{msg[comment]}"}}]'
	run -3 --separate-stderr imq-modify -f rules.json --rejects rejects <<< $'{"comment":"no"}\n{"comment":"192.0.2.1"}'
	[ "$output" = '{"comment":"192.0.2.1","extra.a":"b","source.ip":"192.0.2.1"}' ]
	[ "$(jq -c .record rejects)" = '{"comment":"no"}' ]
}
