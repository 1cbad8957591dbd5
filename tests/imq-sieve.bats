load lib

rules() {
	cat > rules.sieve
}

@test "sieve: the first branch that holds is taken, changes and paths follow" {
	rules <<- 'END'
		if :notexists source.abuse_contact || source.fqdn =~ '\.test$' { drop }
		if source.ip << ['198.51.100.0/24', '2001:db8::/32'] {
		  add! comment = 'doc net'   # a comment
		  path ['_default', 'review']
		} elif classification.type :in ['scanner', 'brute-force'] {
		  append! extra.tags 'noise' // another
		  keep
		} else { update feed.accuracy = 50 }
		add extra.checked = true
	END
	cat > events <<- 'END'
		{"source.abuse_contact":"a@example.com","source.ip":"198.51.100.7"}
		{"source.abuse_contact":"a@example.com","source.ip":"192.0.2.1","classification.type":"scanner","extra.tags":"old"}
		{"source.abuse_contact":"a@example.com","feed.accuracy":90}
		{"source.ip":"192.0.2.1"}
		{"source.abuse_contact":"a@example.com","source.fqdn":"a.test"}
	END
	run -0 --separate-stderr imq-sieve -f rules.sieve --paths review --stats events
	[ "$output" = '{"source.abuse_contact":"a@example.com","source.ip":"198.51.100.7","comment":"doc net","extra.checked":true,"__path":["_default","review"]}
{"source.abuse_contact":"a@example.com","source.ip":"192.0.2.1","classification.type":"scanner","extra.tags":["old","noise"]}
{"source.abuse_contact":"a@example.com","feed.accuracy":50.0,"extra.checked":true}' ]
	[[ "$stderr" == *'"in":5,"created":0,"out":3,"dropped":2,'* ]]
}

@test "sieve: the first operand is a condition, unless rules are given" {
	printf '%s\n' '{"source.port":22}' '{"source.port":80}' > events
	run -0 imq-sieve 'source.port == 22' events
	[ "$output" = '{"source.port":22}' ]
	run -0 imq-sieve -v 'source.port == 22' - < events
	[ "$output" = '{"source.port":80}' ]
	run -0 imq-sieve 'source.port == 22' < events
	[ "$output" = '{"source.port":22}' ]
	run -0 imq-sieve -e 'source.port == 80' events
	[ "$output" = '{"source.port":80}' ]
	echo 'if source.port == 22 { drop }' > rules
	run -0 imq-sieve -f rules events
	[ "$output" = '{"source.port":80}' ]
	run -2 --separate-stderr imq-sieve 'source.port =' events
	[[ "$stderr" == 'imq-sieve: '* ]]
	run -2 --separate-stderr imq-sieve -v -f rules events
	[ "$stderr" = 'imq-sieve: --invert goes with a condition only' ]
}

@test "sieve: --expression passes what it holds for, --invert the others" {
	printf '%s\n' '{"source.port":80}' '{"source.port":81}' '{}' > events
	run -0 imq-sieve -e 'source.port == 80' events
	[ "$output" = '{"source.port":80}' ]
	run -0 imq-sieve -v -e 'source.port == 80' events
	[ "$output" = $'{"source.port":81}\n{}' ]
}

@test "sieve: && binds tighter than ||, ! negates one condition or a group" {
	run -0 imq-sieve -e "comment == 'a' || comment == 'b' && extra.x == 'c'" <<< '{"comment":"a"}'
	[ "$output" = '{"comment":"a"}' ]
	run -0 imq-sieve -e "(comment == 'a' || comment == 'b') && extra.x == 'c'" <<< '{"comment":"a"}'
	[ "$output" = '' ]
	run -0 imq-sieve -e "!(comment == 'b') && ! comment == 'c'" <<< '{"comment":"a"}'
	[ "$output" = '{"comment":"a"}' ]
}

@test "sieve: of several values any may match, :all wants every one, != none" {
	event='{"source.ip":["192.0.2.1","198.51.100.1"]}'
	run -0 imq-sieve -e "source.ip << '192.0.2.0/24'" <<< "$event"
	[ "$output" = "$event" ]
	run -0 imq-sieve -e "source.ip :all << '192.0.2.0/24'" <<< "$event"
	[ "$output" = '' ]
	run -0 imq-sieve -e "source.ip != '192.0.2.1'" <<< "$event"
	[ "$output" = '' ]
	run -0 imq-sieve -e "source.ip != '192.0.2.9'" <<< "$event"
	[ "$output" = "$event" ]
}

@test "sieve: lists from files are read relative to the rules" {
	mkdir conf
	printf '%s\n' '# nets' '' '192.0.2.0/25' '192.0.2.128/25 ' '2001:db8::/32' > conf/nets
	printf '%s\n' 'a.example' 'b.example' > conf/names
	echo "if source.ip << file 'nets' && source.fqdn :in file 'names' { add comment = 'hit' }" > conf/rules
	run -0 imq-sieve -f conf/rules <<< '{"source.ip":"192.0.2.200","source.fqdn":"b.example"}'
	[ "$output" = '{"source.ip":"192.0.2.200","source.fqdn":"b.example","comment":"hit"}' ]
	echo 'not a net' >> conf/nets
	run -2 --separate-stderr imq-sieve -f conf/rules <<< '{}'
	[ "$stderr" = 'imq-sieve: conf/nets:6: a network or an address expected' ]
}

@test "sieve: times are compared with dates and spans before now" {
	export IMQ_NOW=2026-11-25T12:00:00+00:00
	event='{"time.source":"2026-11-25T01:00:00+00:00"}'
	for holds in ":after '2026-11-25'" ":before '10 h'" ":after '1 day'" "> '2026-W48'" "< 'now'" ":after 'PT12H'" \
		":before '06:00'" ">= '2026-11-25 02:00+01:00'" ":after '2026-328'"; do
		run -0 imq-sieve -e "time.source $holds" <<< "$event"
		[ "$output" = "$event" ] || { echo "$holds"; false; }
	done
	rules <<< "update time.source -= '2 days'"
	run -0 imq-sieve -f rules.sieve <<< "$event"
	[ "$output" = '{"time.source":"2026-11-23T01:00:00+00:00"}' ]
}

@test "sieve: variables carry values, and using one that has none rejects the event" {
	rules <<- 'END'
		$f = feed.name
		if comment == $f { update comment = 'same' }
		append extra.list $f
	END
	run -3 --separate-stderr imq-sieve -f rules.sieve <<< $'{"feed.name":"F","comment":"F"}\n{}'
	[ "$output" = '{"feed.name":"F","comment":"same","extra.list":["F"]}' ]
	[ "$stderr" = 'imq-sieve: -:2: feed.name: there is none to give to $f' ]
}

@test "sieve: :contains finds a text at every place, in numbers and lists too" {
	for part in '' h ht ttp p://a.ex .ex x1 1 http://a.ex1; do
		run -0 imq-sieve -e "source.url :contains '$part'" <<< '{"source.url":"http://a.ex1"}'
		[ "$output" = '{"source.url":"http://a.ex1"}' ] || { echo "$part"; false; }
	done
	for part in x11 httq http://a.ex11 xx; do
		run -0 imq-sieve -e "source.url :contains '$part'" <<< '{"source.url":"http://a.ex1"}'
		[ "$output" = '' ] || { echo "$part"; false; }
	done
	run -0 imq-sieve -e "extra.l :contains \"'b'\" && source.port :contains '4' && extra.t :contains 'ru'" \
		<<< '{"extra.l":["a","b"],"source.port":443,"extra.t":true}'
	[ "$output" != '' ]
}

@test "sieve: list conditions look at members, kinds kept apart" {
	event='{"extra.l":[1,"a",true]}'
	for holds in ":equals [1, 'a', true]" ":setequals [true, 'a', 1, 1]" ":overlaps ['a']" ":subsetof [true, 1, 'a', 2]" \
		":supersetof [1]" ":supersetof []"; do
		run -0 imq-sieve -e "extra.l $holds" <<< "$event"
		[ "$output" = "$event" ] || { echo "$holds"; false; }
	done
	run -0 imq-sieve -e "extra.l :overlaps ['1', false, 2]" <<< "$event"
	[ "$output" = '' ]
}

@test "sieve: --explain says what decided" {
	rules <<< "if comment == 'a' { drop }"
	run -0 --separate-stderr imq-sieve -f rules.sieve --explain <<< $'{"comment":"a"}\n{"comment":"b"}'
	[ "$stderr" = 'imq-sieve: -:1: dropped by rules.sieve:1:21, in branch rules.sieve:1:1
imq-sieve: -:2: passed, end of rules' ]
}

@test "sieve: what is wrong with rules is said with its place and what was expected" {
	check() {
		printf '%s\n' "$1" > rules.sieve
		run -2 --separate-stderr imq-sieve -f rules.sieve <<< '{}'
		[ "$stderr" = "imq-sieve: rules.sieve:$2" ] || { echo "$stderr"; false; }
	}
	check 'dropfoo' '1:1: a statement (if, add, update, path, drop ...) expected, found "dropfoo"'
	check $'\n  if a == "x" drop' '2:15: &&, || or { expected, found "drop"'
	check 'if source.ip == "x" {}' '1:17: an IP address expected for source.ip (=~ and :contains take any text)'
	check 'if source.fqdn == 2 {}' '1:19: a string expected: source.fqdn is a host name, not a number'
	check 'add source.ip = "foo"' '1:17: source.ip: not an IP address: "foo"'
	check 'if comment == "a' '1:15: string without end: " expected'
	check 'if comment == $x {}' '1:15: no statement before this one sets the variable $x'
	check 'keep ;' '1:6: a statement (if, add, update, path, drop ...) expected, found ";"'
	check 'if comment :in ["a",] {}' '1:21: a value (string, number, true, false or $variable) expected, found "]"'
}

@test "sieve: SIGHUP reads the rules again, wrong ones are refused" {
	rules <<< 'add comment = "one"'
	mkfifo in
	imq-sieve -f rules.sieve in > out 2> err &
	exec 5> in
	echo '{}' >&5
	wait_until grep -q one out
	rules <<< 'add comment = "two"'
	kill -HUP $!
	wait_until eval 'echo "{}" >&5; grep -q two out'
	rules <<< 'add comment ='
	kill -HUP $!
	wait_until grep -q expected err
	exec 5>&-
	wait $!
}

@test "sieve: an event of which nothing is left is dropped" {
	rules <<< 'remove comment'
	run -0 --separate-stderr imq-sieve -f rules.sieve --stats <<< '{"comment":"a"}'
	[ "$output" = '' ]
	[[ "$stderr" == *'"dropped":1,'* ]]
}

@test "sieve: an event goes along as many paths as a rule names" {
	names=$(seq 100 | sed "s/.*/'p&'/" | paste -sd,)
	echo "path [$names]" > rules.sieve
	run -0 --separate-stderr imq-sieve -f rules.sieve --paths "$(seq 100 | sed 's/^/p/' | paste -sd,)" <<< '{"comment":"x"}'
	[ "$(jq -c .__path <<< "$output")" = "[${names//\'/\"}]" ]
}

@test "sieve: nesting and pathological expressions have their limits" {
	{ printf '('; printf '(%.0s' {1..300}; } > deep
	run -2 --separate-stderr imq-sieve -e "$(cat deep)" <<< '{}'
	[[ "$stderr" == *'nested too deeply' ]]
	run -0 --separate-stderr imq-sieve -e "comment =~ '^(a+)+$'" <<< "{\"comment\":\"$(printf 'a%.0s' {1..60})b\"}"
	[ "$output" = '' ]
}
