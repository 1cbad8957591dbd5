load lib

AT='--time-observation=2026-01-02T03:04:05+00:00'

# What came out, without what the feed and the clock add.
plain() {
	jq -c 'del(.["feed.name"], .["feed.provider"], .["feed.url"], .["feed.documentation"], .["time.observation"], .raw)' <<< "$output"
}

raws() {
	jq -r .raw <<< "$output" | while read -r line; do base64 -d <<< "$line"; echo '|'; done
}

# A report with the text of stdin, and further members.
report() {
	printf '{"__type":"Report","time.observation":"2026-01-01T00:00:00+00:00"%s,"raw":"%s"}\n' "${1:+,$1}" "$(base64 -w0)"
}

counts() {
	tail -n 1 <<< "$stderr" | jq -r '[.in + .created, .out + .dropped + .merged + .rejected + .pending] | if .[0] == .[1] then "true" else tojson end'
}

@test "parse: a feed in, events out, with what the definition says of the feed" {
	run -0 imq-parse openphish "$AT" <<< 'https://phish.example/login'
	[ "$output" = '{"classification.type":"phishing","feed.documentation":"https://openphish.com/","feed.name":"Public feed","feed.provider":"OpenPhish","feed.url":"https://www.openphish.com/feed.txt","time.observation":"2026-01-02T03:04:05+00:00","source.url":"https://phish.example/login","raw":"aHR0cHM6Ly9waGlzaC5leGFtcGxlL2xvZ2lu"}' ]
}

@test "parse: every definition makes of its samples what it says" {
	run -0 imq-parse --test
	[ "$(wc -l <<< "$output")" -ge 10 ]
	run -1 grep -v '^ok' <<< "$output"
}

@test "parse: every definition is in order, has a sample and appears in the catalogue" {
	run -0 imq-parse --check
	[ -z "$output" ]
	run -0 imq-parse --list
	for file in "$IMQ_ROOT"/share/feeds/*/*.yaml; do
		grep -q '^samples:' "$file"
		grep -qF "$(sed -n 's/^provider: //p' "$file")" <<< "$output"
	done
	[ "$(cut -f 2 <<< "$output" | sort -u | wc -l)" -ge 41 ]
	[ "$(cut -f 1 <<< "$output" | sort | uniq -d)" = "" ]
	grep -qxF $'certstream\tCalidog\tCertStream\tjson\t\tdead' <<< "$output"
	grep -qxF $'cap\tTeam Cymru\tCAP\tcymru_cap\t' <<< "$output"
}

@test "parse: a feed is found by its name, its file, its module and its path" {
	for name in feodotracker abusech/feodotracker intelmq.bots.parsers.abusech.parser_feodotracker "$IMQ_ROOT/share/feeds/abusech/feodotracker.yaml"; do
		run -0 imq-parse "$name" <<< '[{"ip_address":"192.0.2.1"}]'
		[ "$(plain)" = '{"classification.type":"c2-server","source.ip":"192.0.2.1"}' ]
	done
}

@test "parse: an unknown feed is said, with a guess" {
	run -2 --separate-stderr imq-parse feodotraker < /dev/null
	[ "$stderr" = 'imq-parse: no feed is called "feodotraker": did you mean "feodotracker"?' ]
	run -2 --separate-stderr imq-parse < /dev/null
	[[ "$stderr" == 'imq-parse: the name of a feed is wanted'* ]]
	run -2 --separate-stderr imq-parse ./none.yaml < /dev/null
	[ "$stderr" = 'imq-parse: ./none.yaml: No such file or directory' ]
}

@test "parse: --describe names the modules of all definitions" {
	run -0 imq-parse --describe
	for module in abusech.parser_feodotracker blocklistde.parser generic.parser_csv spamhaus.parser_drop; do
		jq -e --arg m "intelmq.bots.parsers.$module" '.modules | index($m)' <<< "$output"
	done
}

@test "parse: reports are recognised, what the collector said goes into the events" {
	report '"feed.name":"mine","feed.accuracy":50,"rtir_id":7,"extra.x":1,"feed.url":"https://lists.blocklist.de/lists/ssh.txt?a=b"' <<< 192.0.2.1 > in
	run -0 imq-parse intelmq.bots.parsers.blocklistde.parser in
	[ "$(jq -c 'del(.raw, .["event_description.text"])' <<< "$output")" = '{"classification.type":"ids-alert","protocol.application":"ssh","feed.accuracy":50,"feed.name":"mine","feed.url":"https://lists.blocklist.de/lists/ssh.txt?a=b","rtir_id":7,"time.observation":"2026-01-01T00:00:00+00:00","source.ip":"192.0.2.1"}' ]
	run -0 imq-parse --copy-collector-provided-fields extra,feed.code ci-army in
	[ "$(jq -c '.["extra.x"]' <<< "$output")" = 1 ]
}

@test "parse: --input says what auto would have to guess" {
	run -3 --separate-stderr imq-parse --input report ci-army <<< 192.0.2.1
	[ "$stderr" = 'imq-parse: -:1: column 6: something follows the value' ] || [[ "$stderr" == 'imq-parse: -:1: column '* ]]
	report <<< 192.0.2.1 > in
	run -3 --separate-stderr imq-parse --input raw ci-army in
	[[ "$stderr" == 'imq-parse: in:1: source.ip: not an IP address: '* ]]
}

@test "parse: between reports an empty line is a barrier, in raw input it is nothing" {
	{ echo; report <<< 192.0.2.1; echo; report <<< 192.0.2.2; echo; } > in
	run -0 --keep-empty-lines imq-parse ci-army in
	[ "$(sed 's/^{.*/event/' <<< "$output" | tr '\n' ,)" = ',event,,event,,,' ]
	printf '\n192.0.2.1\n\n192.0.2.2\n\n' > raw
	run -0 --keep-empty-lines imq-parse ci-army raw
	[ "$(grep -c . <<< "$output")" = 2 ]
	[ "$(grep -c '^$' <<< "$output")" = 1 ] # that of the here-string
}

@test "parse: a report without raw is warned about and dropped" {
	run -0 --separate-stderr imq-parse --stats ci-army <<< '{"__type":"Report","feed.name":"x"}'
	[ -z "$output" ]
	[[ "$stderr" == *'a report without raw'* && "$stderr" == *'"in":1,"created":0,"out":0,"dropped":1'* ]]
}

@test "parse: a feed's url that no variant is for rejects the report" {
	report '"feed.url":"https://example.com/x"' <<< 192.0.2.0/24 > in
	run -3 --separate-stderr imq-parse drop in
	[ "$stderr" = 'imq-parse: in:1: the definition has no variant for this feed.url' ]
}

@test "parse: default fields fill what is missing only, and are checked at the start" {
	run -0 imq-parse --default-fields '{"classification.type":"scanner","source.port":80,"extra.a":[1]}' ci-army <<< 192.0.2.1
	[ "$(plain)" = '{"classification.type":"blacklist","source.port":80,"extra.a":[1],"source.ip":"192.0.2.1"}' ]
	run -2 --separate-stderr imq-parse --default-fields '{"source.prt":80}' ci-army
	[ "$stderr" = 'imq-parse: --default-fields: source.prt: no such field' ]
	run -2 --separate-stderr imq-parse --default-fields '{"source.ip":"x"}' ci-army
	[ "$stderr" = 'imq-parse: --default-fields: source.ip: not an IP address: "x"' ]
}

@test "parse: a rejected record can be parsed again, its header lines with it" {
	printf '; Last-Modified: Fri, 01 Mar 2024 10:00:00 GMT\n192.0.2.0/24 ; SBL1\nbad/24 ; SBL2\n198.51.100.0/24 ; SBL3\n' > feed
	run -3 --separate-stderr imq-parse --rejects rejects drop feed
	[ "$(wc -l <<< "$output")" = 2 ]
	[ "$stderr" = 'imq-parse: feed:3: source.network: not a network: "bad/24"' ] || [[ "$stderr" == 'imq-parse: feed:3: source.network: not '* ]]
	[ "$(jq -r '.record.raw' rejects | base64 -d)" = $'; Last-Modified: Fri, 01 Mar 2024 10:00:00 GMT\nbad/24 ; SBL2' ]
	jq -c '.record.raw = (.record.raw | @base64d | sub("bad"; "203.0.113.0") | @base64) | .record' rejects > again
	run -0 imq-parse drop again
	[ "$(plain)" = '{"classification.type":"spam","time.source":"2024-03-01T10:00:00+00:00","source.network":"203.0.113.0/24","extra.blocklist":"SBL2"}' ]
}

@test "parse: a split field makes several events, all of them or none" {
	printf '%s\n' '192.0.2.1#4#2#Spamming;Scanning Host#AT#Wien#1,2#3' '192.0.2.2#4#2#Spamming;C2Server#AUT#Wien#1,2#3' > feed
	run -3 --separate-stderr imq-parse --stats alienvault-reputation feed
	[ "$(plain | jq -r '.["classification.type"]' | tr '\n' ,)" = 'spam,scanner,' ]
	[ "$(counts)" = true ]
}

@test "parse: several files are several documents" {
	echo '[{"ip_address":"192.0.2.1"}]' > a
	gzip -c a > b
	run -0 imq-parse feodotracker a b a
	[ "$(wc -l <<< "$output")" = 3 ]
}

@test "parse: records come out as soon as they are there" {
	mkfifo in
	imq-parse ci-army < in > out &
	exec 5> in
	echo 192.0.2.1 >&5
	wait_until grep -q 192.0.2.1 out
	printf '[' > /dev/null
	exec 5>&-
	wait
}

@test "parse: elements of a JSON array come out while the array is still growing" {
	mkfifo in
	imq-parse feodotracker < in > out &
	exec 5> in
	printf '[{"ip_address":"192.0.2.1"},\n' >&5
	wait_until grep -q 192.0.2.1 out
	printf '{"ip_address":"192.0.2.2"}]' >&5
	exec 5>&-
	wait
	[ "$(wc -l < out)" = 2 ]
}

# ---- the generic CSV parser

@test "parse csv: columns, alternatives, ignored columns, values that stand for nothing" {
	printf '%s\n' '192.0.2.1,x,example.com' 'example.org,x,-' '"2001:DB8::1",x,N/A' > feed
	run -0 imq-parse -c 'source.ip|source.fqdn,__IGNORE__,destination.fqdn' feed
	[ "$(plain | tr '\n' ' ')" = '{"source.ip":"192.0.2.1","destination.fqdn":"example.com"} {"source.fqdn":"example.org"} {"source.ip":"2001:db8::1"} ' ]
}

@test "parse csv: optional columns leave bad values out, required ones reject the row" {
	printf '%s\n' '192.0.2.1,bad' 'bad,80' > feed
	run -3 --separate-stderr imq-parse -c source.ip,source.port --columns-required true,false feed
	[ "$(plain)" = '{"source.ip":"192.0.2.1"}' ]
	[ "$stderr" = 'imq-parse: feed:2: source.ip: not an IP address: "bad"' ]
}

@test "parse csv: header lines, comments, blank lines and raw" {
	printf '#c\n\nip,port\n \n  # c\n192.0.2.1,"80"\n"192.0.2.2","81",surplus\n192.0.2.3\n' > feed
	run -0 imq-parse -c source.ip,source.port --skip-header true feed
	[ "$(plain | tr '\n' ' ')" = '{"source.ip":"192.0.2.1","source.port":80} {"source.ip":"192.0.2.2","source.port":81} {"source.ip":"192.0.2.3"} ' ]
	[ "$(raws | head -n 6)" = $'ip,port\n192.0.2.1,80\n|\nip,port\n192.0.2.2,81,surplus\n|' ]
}

@test "parse csv: delimiter, raw is written with commas and quotes where they are needed" {
	printf '192.0.2.1\ta,b\t"c""d"\r\n' > feed
	run -0 imq-parse -c source.ip,extra.a,extra.b --delimiter '\t' feed
	[ "$(plain)" = '{"source.ip":"192.0.2.1","extra.a":"a,b","extra.b":"c\"d"}' ]
	[ "$(jq -r .raw <<< "$output" | base64 -d | od -An -c | tr -d ' \n')" = '192.0.2.1,"a,b","c""d"\r\n' ]
}

@test "parse csv: a quoted cell may hold line ends" {
	printf '192.0.2.1,"a\nb"\n192.0.2.2,c\n192.0.2.x,c\n' > feed
	run -3 --separate-stderr imq-parse -c source.ip,extra.a feed
	[ "$(plain | tr '\n' ' ')" = '{"source.ip":"192.0.2.1","extra.a":"a\nb"} {"source.ip":"192.0.2.2","extra.a":"c"} ' ]
	[[ "$stderr" == 'imq-parse: feed:4: '* ]]
}

@test "parse csv: time formats, URL protocols, types and their translation" {
	run -0 imq-parse -c time.source,source.url,classification.type --time-format timestamp --type-translation '{"bad":"malware-distribution"}' <<< '0,example.com/x,bad'
	[ "$(plain)" = '{"time.source":"1970-01-01T00:00:00+00:00","source.url":"http://example.com/x","classification.type":"malware-distribution"}' ]
	run -3 --separate-stderr imq-parse -c source.ip,classification.type --type-translation '{"bad":"malware-distribution"}' <<< '192.0.2.1,scanner'
	[[ "$stderr" == *'classification.type: no translation for the value' ]]
	run -0 imq-parse -c source.ip,classification.type --type-translation '{"bad":"malware-distribution"}' --type spam <<< '192.0.2.1,scanner'
	[ "$(plain)" = '{"source.ip":"192.0.2.1","classification.type":"scanner"}' ]
	run -0 imq-parse -c source.ip --type spam --default-fields '{"classification.type":"scanner"}' <<< '192.0.2.1'
	[ "$(plain)" = '{"classification.type":"spam","source.ip":"192.0.2.1"}' ]
	run -3 --separate-stderr imq-parse -c time.source --columns-required false --time-format timestamp <<< '-'
	[[ "$stderr" == *'time.source: cannot convert: not a time: "-"' ]]
}

@test "parse csv: regular expressions, JSON cells, composed fields" {
	run -0 imq-parse -c source.asn,extra.tags,source.ip --column-regex-search '{"source.asn":"[0-9]+"}' --data-type '{"extra.tags":"json"}' --compose-fields '{"source.url":"http://{2}/{0:>8}"}' <<< 'ASX64496,"[""a"",1]",192.0.2.1'
	[ "$(plain)" = '{"source.asn":64496,"extra.tags":["a",1],"source.ip":"192.0.2.1","source.url":"http://192.0.2.1/ASX64496"}' ]
	run -3 --separate-stderr imq-parse -c source.ip --compose-fields '{"source.url":"http://{7}/"}' <<< '192.0.2.1'
	[[ "$stderr" == *'source.url: the record has no value for it' ]]
	run -0 imq-parse -c source.ip,source.asn --column-regex-search '{"source.asn":"[0-9]+"}' <<< '192.0.2.1,none'
	[ "$(plain)" = '{"source.ip":"192.0.2.1"}' ]
}

@test "parse csv: rows are filtered by a text" {
	printf '%s\n' '192.0.2.1,keep' '192.0.2.2,"dr""op"' > feed
	run -0 --separate-stderr imq-parse --stats -c source.ip,extra.a --filter-text keep --filter-type whitelist feed
	[ "$(plain)" = '{"source.ip":"192.0.2.1","extra.a":"keep"}' ]
	[ "$(counts)" = true ]
	run -0 imq-parse -c source.ip,extra.a --filter-text 'dr"op' --filter-type blacklist feed
	[ "$(plain)" = '{"source.ip":"192.0.2.1","extra.a":"keep"}' ]
}

@test "parse csv: what cannot work is refused at the start" {
	while IFS='|' read -r arguments message; do
		eval "run -2 --separate-stderr imq-parse $arguments < /dev/null"
		[ "$stderr" = "imq-parse: $message" ]
	done <<- 'END'
	csv|--columns is missing: the names of the fields, column by column
	csv -c source.ipp|no such field: "source.ipp": did you mean "source.ip"?
	csv -c source.ip --columns-required true,false|--columns-required has 2 values, --columns has 1
	csv -c source.ip --delimiter ab|--delimiter: one character is wanted: "ab"
	csv -c source.ip --skip-header x|--skip-header: character 1: not a JSON value
	csv -c source.ip --type nonsense|--type: no classification.type: "nonsense"
	csv -c source.ip --data-type '{"source.ip":"xml"}' |--data-type: the only type is json, for "source.ip"
	END
	run -2 imq-parse csv -c source.ip --time-format nonsense
	run -2 imq-parse csv -c source.ip --filter-type greylist
	run -2 imq-parse csv -c source.ip --column-regex-search '{"source.ip":"("}'
}

@test "parse csv: IntelMQ's parameters come by a configuration file as they stand there" {
	cat > config <<- 'END'
	columns: [time.source, "__IGNORE__", source.ip]
	columns_required: [true, true, false]
	delimiter: "|"
	type_translation: ""
	column_regex_search: {source.ip: "[0-9.]+"}
	default_fields: {classification.type: scanner}
	skip_header: 1
	time_format: null
	END
	printf 'a|b|c\n2026-01-02 03:04:05|x|<192.0.2.1>\n' > feed
	run -0 imq-parse --config config intelmq.bots.parsers.generic.parser_csv feed
	[ "$(plain)" = '{"classification.type":"scanner","time.source":"2026-01-02T03:04:05+00:00","source.ip":"192.0.2.1"}' ]
}

# ---- definitions

define() {
	printf 'provider: Test\nformat: %s\nfields:\n  source.ip: ip\n%s\n' "$1" "$2" > feed.yaml
}

@test "parse: a definition with a header row finds its columns by name, whatever their order" {
	define csv 'header: true'
	printf 'name,ip\nx,192.0.2.1\n' > a
	printf 'ip\r\n192.0.2.2\r\n' > b
	run -0 imq-parse feed.yaml a b
	[ "$(plain | tr '\n' ' ')" = '{"source.ip":"192.0.2.1"} {"source.ip":"192.0.2.2"} ' ]
	[ "$(raws | head -n 2)" = $'name,ip\nx,192.0.2.1' ]
}

@test "parse: under a header that must be complete and is not, each row is rejected alone" {
	define csv $'header: complete\nrequire:\n  port: {not: "0"}'
	printf 'ip,port\n192.0.2.1\n192.0.2.2,0\n' > a
	printf 'ip\n192.0.2.3\n192.0.2.4\n' > b
	printf 'port,ip\n1,192.0.2.5\n' > c
	run -3 --separate-stderr imq-parse feed.yaml a b c
	[ "$(plain | tr '\n' ' ')" = '{"source.ip":"192.0.2.1"} {"source.ip":"192.0.2.5"} ' ]
	[[ "$stderr" == *'b:2: the header lacks the column "port"'* ]]
	run -3 imq-parse --rejects rejected feed.yaml b
	[ "$(head -n 1 rejected | jq -r .record.raw | base64 -d)" = $'ip\n192.0.2.3' ]
	define csv $'header: [ip, seen]\nrequire:\n  port: {not: "0"}'
	printf 'seen,ip\n,192.0.2.6\n' > d
	run -3 --separate-stderr imq-parse feed.yaml c d
	[ "$(plain)" = '{"source.ip":"192.0.2.6"}' ]
	[[ "$stderr" == *'c:2: the header lacks the column "seen"'* ]]
}

@test "parse: a definition by regular expression takes named groups as columns in order" {
	define lines $'pattern: "from (\\\\S+) port (\\\\d+)"\ncolumns: [ip, port]\nunmatched: skip'
	printf 'attack from 192.0.2.1 port 22\nnothing\n' > feed
	run -0 --separate-stderr imq-parse --stats feed.yaml feed
	[ "$(plain)" = '{"source.ip":"192.0.2.1"}' ]
	[[ "$stderr" == *'"dropped":1'* ]]
}

@test "parse: JSON lines, one object each; a broken line is rejected alone, empty values are no records" {
	define jsonl
	printf '%s\n' '{"ip":"192.0.2.1"}' '{"ip":' '' '7' '{"ip":"192.0.2.2"}' ' { }' '[]' 0 '""' null > feed
	run -3 --separate-stderr imq-parse --input raw feed.yaml feed
	[ "$(plain | tr '\n' ' ')" = '{"source.ip":"192.0.2.1"} {"source.ip":"192.0.2.2"} ' ]
	[[ "$stderr" == *'feed:2: column 7: '* && "$stderr" == *'feed:4: not an object'* ]]
}

@test "parse: the records of a JSON document may stand below a name" {
	define json 'records: data.list'
	run -0 imq-parse feed.yaml <<< '{"data":{"list":[{"ip":"192.0.2.1"},{},{"ip":"192.0.2.2"}]}}'
	[ "$(wc -l <<< "$output")" = 2 ]
	run -3 imq-parse feed.yaml <<< '{"data":7}'
}

@test "parse: mistakes in definitions are found, with their line" {
	while IFS='~' read -r text message; do
		# shellcheck disable=SC2059 # a format: \n and quotes
		printf "$text" > bad.yaml
		run -1 --separate-stderr imq-parse --check bad.yaml
		[ "$stderr" = "imq-parse: bad.yaml$message" ] || { echo "$stderr"; false; }
	done <<- 'END'
	format: csv\nfildes:\n  a: b\n~:2: unknown key "fildes": did you mean "fields"?
	format: csv\ncolumns: [ip]\nfields:\n  source.ipp: ip\n~:4: no such field: "source.ipp": did you mean "source.ip"?
	format: csv\ncolumns: [ip]\nfields:\n  source.ip: ipp\n~:4: no column "ipp" in columns: did you mean "ip"?
	format: csv\ncolumns: [ip]\nfields:\n  source.ip: {from: ip, steps: [lowr]}\n~:4: unknown step "lowr": did you mean "lower"?
	format: csv\ncolumns: [ip]\nconstants:\n  classification.type: nonsense\n~:4: classification.type: not a classification type: "nonsense"
	format: csv\nformat: json\n~:2: key "format": given twice
	provider: x\n~: format is missing: csv, lines, json, jsonl, kv, html or xml
	format: xlm\n~:1: format: unknown word
	format: json\nfields:\n  source.ip: "a[x]"\n~:3: no index: [x]
	format: lines\npattern: "("\nfields:\n  source.ip: "@record"\n~:2: regular expression, character 1: missing closing parenthesis
	END
}

@test "parse: the example of imq-feed(5) does what it says" {
	sed -n '/^.Bd -literal/,/^.Ed/p' "$IMQ_ROOT/man/man5/imq-feed.5" | sed '1d;$d' > scans.yaml
	run -0 imq-parse --check scans.yaml
	run -0 imq-parse --test scans.yaml
	[ "$output" = $'ok\tscans\t1' ]
}

# ---- hostile input

@test "parse: a quote that nobody closes costs its own line only" {
	{ echo '192.0.2.1,"open'; yes '192.0.2.2,x' | head -n 100000; } > feed
	run -3 --separate-stderr imq-parse --stats -c source.ip,extra.a feed
	[ "$(wc -l <<< "$output")" = 100000 ]
	[[ "$stderr" == 'imq-parse: feed:1: a quote is never closed'* ]]
	[ "$(counts)" = true ]
	printf '192.0.2.1,"last' > feed
	run -0 imq-parse -c source.ip,extra.a feed
	[ "$(plain)" = '{"source.ip":"192.0.2.1","extra.a":"last"}' ]
}

@test "parse: quoted cells, a template, several events and a row written anew keep out of each other's way" {
	define csv $'columns: [ip, a, b]\nsplit: {from: a, at: ";"}\n'
	sed -i 's|^fields:|&\n  extra.t: {template: "{a}/{b}/{b}"}\n  extra.p: "@piece"\n  extra.b: b|' feed.yaml
	run -0 imq-parse feed.yaml <<< '"192.0.2.1","x""x;y","b,b"'
	[ "$(plain | tr '\n' ' ')" = '{"extra.t":"x\"x;y/b,b/b,b","extra.p":"x\"x","extra.b":"b,b","source.ip":"192.0.2.1"} {"extra.t":"x\"x;y/b,b/b,b","extra.p":"y","extra.b":"b,b","source.ip":"192.0.2.1"} ' ]
	[ "$(jq -r .raw <<< "$output" | sort -u | base64 -d)" = '192.0.2.1,"x""x;y","b,b"' ]
}

@test "parse: NULs, bare CR, mixed line ends and a byte-order mark do no harm" {
	printf '\xef\xbb\xbf192.0.2.1\0,a\0b\r192.0.2.2,c\n192.0.2.3,d\r\n' > feed
	run -0 imq-parse -c source.ip,extra.a feed
	[ "$(plain | tr '\n' ' ')" = '{"source.ip":"192.0.2.1","extra.a":"ab"} {"source.ip":"192.0.2.2","extra.a":"c"} {"source.ip":"192.0.2.3","extra.a":"d"} ' ]
}

@test "parse: bytes that are no UTF-8 are left out, and said" {
	printf '192.0.2.1,a\xe4b\n192.0.2.2,\xc3\xa4\xf0\x9f\n' > feed
	run -0 --separate-stderr imq-parse -c source.ip,extra.a feed
	[ "$(plain | tr '\n' ' ')" = '{"source.ip":"192.0.2.1","extra.a":"ab"} {"source.ip":"192.0.2.2","extra.a":"ä"} ' ]
	[ "$stderr" = 'imq-parse: feed: 3 bytes are no utf-8 and were left out' ]
	report < feed > in
	run -0 --separate-stderr imq-parse -c source.ip,extra.a in
	[ "$stderr" = 'imq-parse: in:1: 3 bytes are no utf-8 and were left out' ]
}

@test "parse: other encodings, also cut anywhere" {
	printf '192.0.2.1,a\xe4\x80\n' > feed
	run -0 imq-parse -e windows-1252 -c source.ip,extra.a feed
	[ "$(plain)" = '{"source.ip":"192.0.2.1","extra.a":"aä€"}' ]
	run -0 imq-parse -e latin-1 -c source.ip,extra.a feed
	[ "$(jq -r '.["extra.a"] | explode | join(",")' <<< "$output")" = '97,228,128' ]
	for order in LE BE; do
		for file in 1 2 3 4 5 6 7 8 9; do printf '192.0.2.%d,ä😀%070000d\n' "$file" 0; done | { printf '\xef\xbb\xbf'; cat; } | iconv -f utf-8 -t "utf-16$order" > feed
		run -0 imq-parse -e utf-16 -c source.ip,extra.a feed
		[ "$(jq -r '.["extra.a"][0:2]' <<< "$output" | sort -u)" = 'ä😀' ]
		[ "$(wc -l <<< "$output")" = 9 ]
	done
}

@test "parse: a million columns and rows of 50 MB stay records among others" {
	{ printf 192.0.2.1; yes , | head -n 1000000 | tr -d '\n'; echo; printf 192.0.2.2,; head -c 50000000 /dev/zero | tr '\0' x; echo; echo 192.0.2.3,b; } > feed
	run -3 --separate-stderr imq-parse --stats --rejects rejects -c source.ip,extra.a feed
	[ "$(jq -r '.["source.ip"]' <<< "$output" | tr '\n' ,)" = 192.0.2.1,192.0.2.3, ]
	[[ "$stderr" == 'imq-parse: feed:2: longer than --max-record'* ]]
	[ "$(counts)" = true ]
	[ "$(wc -c < rejects)" -lt 200000 ]
	printf '192.0.2.1,%0140000d\n192.0.2.2,b\n' 0 > feed
	run -3 --separate-stderr imq-parse -c source.ip,extra.a feed
	[ "$stderr" = 'imq-parse: feed:1: a cell is longer than 131072 characters' ]
	[ "$(plain)" = '{"source.ip":"192.0.2.2","extra.a":"b"}' ]
}

@test "parse: broken JSON costs the broken element only" {
	run -3 --separate-stderr imq-parse --stats feodotracker <<< '[{"ip_address":"192.0.2.1"},{x},[7],"a]",5,null,{"ip_address":"192.0.2.2"},{"ip_address":'
	[ "$(plain | jq -r '.["source.ip"]' | tr '\n' ,)" = 192.0.2.1,192.0.2.2, ]
	[[ "$stderr" == *'the document ends inside this element'* && "$stderr" == *'"rejected":5'* ]]
	[ "$(counts)" = true ]
	for text in '[' ']' '{' '"' '[[[' '[1' 'x' '[{"ip_address":"192.0.2.1"}]]'; do
		run -3 imq-parse feodotracker <<< "$text"
	done
	run -0 imq-parse feodotracker <<< '[]'
	run -0 imq-parse feodotracker < /dev/null
}

@test "parse: a key that stands twice rejects its object, however many keys there are" {
	define jsonl
	for n in 1 31 32 33 64 200; do
		object='{"ip":"192.0.2.1"'$(for ((i = 1; i < n; i++)); do printf ',"k%d":{"ip":1}' "$i"; done)
		printf '%s}\n' "$object" "$object,\"ip\":1" "$object,\"\\u0069p\":1"
	done > feed
	run -3 --separate-stderr imq-parse --input raw --stats feed.yaml feed
	[ "$(wc -l <<< "$output")" = 6 ]
	[[ "$stderr" == *'duplicate key'*'"rejected":12'* ]]
}

@test "parse: deep nesting is refused, not followed" {
	{ printf '[{"ip_address":'; yes '[' | head -n 100000 | tr -d '\n'; yes ']' | head -n 100000 | tr -d '\n'; printf '},{"ip_address":"192.0.2.1"}]'; } > feed
	run -3 --separate-stderr imq-parse feodotracker feed
	[ "$(wc -l <<< "$output")" = 1 ]
	[[ "$stderr" == *'nested too deeply' ]]
}

@test "parse: no feed reaches __path or __type" {
	run -2 imq-parse -c __path < /dev/null
	run -2 imq-parse --default-fields '{"__type":"Report"}' ci-army < /dev/null
	report '"__path":"_default","extra.a":1' <<< 192.0.2.1 > in
	run -0 imq-parse --copy-collector-provided-fields __path,__type,extra ci-army in
	run -1 grep -q __ <<< "$output"
}

@test "parse: what an earlier command has routed elsewhere passes untouched" {
	report '"__path":"other"' <<< 192.0.2.1 > in
	run -0 imq-parse --input report ci-army in
	[ "$output" = "$(cat in)" ]
}

@test "parse: broken reports are rejected, the next go on" {
	{ echo '{"__type":"Report","raw":"MTkyLjAuMi4x"}'; echo '{"__type":"Report","raw":"x"}'; echo '{"__type":"Event"}'; echo '{"__type":"Report"'; echo '{"__type":"Report","raw":"MTkyLjAuMi4y"}'; } > in
	run -3 --separate-stderr imq-parse --stats ci-army in
	[ "$(wc -l <<< "$output")" = 2 ]
	[[ "$stderr" == *'in:2: raw is not base64'*'in:3: not a report'*'in:4: column '* ]]
	[ "$(counts)" = true ]
}

@test "parse: memory does not grow with the stream" {
	awk -v rows=300000 -f "$IMQ_ROOT/tests/bench/feed-csv.awk" > feed
	grep -q __asan_init "$(command -v imq-parse)" && skip "AddressSanitizer wants all of the address space"
	(ulimit -v 200000; imq-parse -c source.ip,time.source,source.port feed > out)
	[ "$(wc -l < out)" = 300000 ]
}

# ---- formats and mappings of definitions

@test "parse: key=value lines: quotes go, unused keys are passed on, a key that stands twice rejects the line" {
	define kv 'pass: {unused: true}'
	run -0 imq-parse feed.yaml <<< 'ip="192.0.2.1" word a=b =c z=-'
	[ "$(plain)" = '{"source.ip":"192.0.2.1","extra.a":"b"}' ]
	run -3 --separate-stderr imq-parse feed.yaml <<< 'ip=192.0.2.1 ip=192.0.2.2'
	[ "$stderr" = 'imq-parse: -:1: a key stands here twice' ]
	run -3 --separate-stderr imq-parse feed.yaml <<< 'ip=192.0.2.1 a=b=c'
	[ "$stderr" = 'imq-parse: -:1: extra.a=b: no such field' ]
}

@test "parse: rows of an HTML table, chosen by attribute, unclosed tags and entities included" {
	define html $'columns: [ip, when]\nskip_first: 1\ntable: {attribute: class, value: b}'
	echo '<table class=a><tr><td>x</table><TABLE class="c b"><tr><th>IP<tr><td>&nbsp;192.0.2.1 <td>x<br>y&amp;<script>z</script><tr><td>bad</table>' > page
	run -3 --separate-stderr imq-parse feed.yaml page
	[ "$(plain)" = '{"source.ip":"192.0.2.1"}' ]
	[ "$(jq -r .raw <<< "$output" | base64 -d)" = $'<tr><td>\u00a0192.0.2.1 </td><td>x<br/>y&amp;<script>z</script></td></tr>' ]
	[ "$stderr" = 'imq-parse: page:1: source.ip: not an IP address: "bad"' ]
	run -3 --separate-stderr imq-parse feed.yaml <<< '<p>none</p>'
	[ "$stderr" = 'imq-parse: -:1: the document has no such table' ]
}

@test "parse: elements of an XML document; a broken end costs nothing before it" {
	define xml $'records: entry\nothers: reject\nignore: line'
	sed -i $'s|^fields:|&\\\n  extra.href: link["@href"]\\\n  extra.ns: ns|' feed.yaml
	printf '<o>\n<entry><line>1</line><ip><![CDATA[192.0.2.1]]></ip><link href="a&amp;b"/><ns>1</ns><ns>2</ns></entry>\n<entry><x/></entry><entry><ip>192.0.2.2</ip></entry><entry>' > in
	run -3 --separate-stderr imq-parse feed.yaml in
	[ "$(plain | tr '\n' ' ')" = '{"extra.href":"a&b","extra.ns":["1","2"],"source.ip":"192.0.2.1"} {"source.ip":"192.0.2.2"} ' ]
	[[ "$stderr" == *'in:3: unknown key: x'*'in:3: not XML: '* ]]
	[ "$(raws | head -n 1)" = '<entry><line>1</line><ip>192.0.2.1</ip><link href="a&amp;b" /><ns>1</ns><ns>2</ns></entry>' ]
}

@test "parse: raw of XML leaves out comments and CDATA sections that are empty" {
	define xml 'records: entry'
	printf '<o><entry><ip>192.0.2.1</ip><a><![CDATA[]]></a><b><!-- x --></b><c>d<!-- x --></c></entry></o>' > in
	run -0 imq-parse feed.yaml in
	[ "$(raws | head -n 1)" = '<entry><ip>192.0.2.1</ip><a /><b /><c>d</c></entry>|' ]
}

@test "parse: an XML document's own entities are neither expanded nor fetched" {
	define xml 'records: entry'
	sed -i $'s|^fields:|&\\\n  extra.x: x|' feed.yaml
	{
		printf '<!DOCTYPE a [<!ENTITY e0 "lol">'
		for n in 1 2 3 4 5 6 7 8 9; do printf '<!ENTITY e%d "%s">' "$n" "$(printf "&e$((n - 1));%.0s" 1 2 3 4 5 6 7 8 9 10)"; done
		printf '<!ENTITY f SYSTEM "file:///etc/passwd">]><a><entry><ip>192.0.2.1</ip><x>&f;</x></entry><entry><ip>192.0.2.2</ip><x>&e9;</x></entry></a>'
	} > in
	run imq-parse feed.yaml in
	run -1 grep -q -e root -e lollol <<< "$output"
}

@test "parse: jq makes records of records; numbers keep their digits, one bad result takes the others with it" {
	define jsonl $'jq: ".n as $n | .list[] | {n: $n, ip: .}"\nraw: json'
	sed -i $'s|^fields:|&\\\n  extra.n: n|' feed.yaml
	printf '%s\n' '{"n":[12345678901234567890,1.10,-7],"list":["192.0.2.1","192.0.2.2"]}' '{"list":["192.0.2.3","x"]}' '{"list":7}' > in
	run -3 --separate-stderr imq-parse --input raw feed.yaml in
	[ "$(grep -o '"extra.n":[^]]*]' <<< "$output" | uniq -c | tr -s ' ')" = ' 2 "extra.n":[12345678901234567890,1.10,-7]' ]
	[ "$(wc -l <<< "$output")" = 2 ]
	[[ "$stderr" == *'in:2: source.ip: not an IP address: "x"'*'in:3: jq: Cannot iterate over number (7)'* ]]
	sed -i 's/^jq:.*/jq: ".a ]"/' feed.yaml
	run -1 --separate-stderr imq-parse --check feed.yaml
	[[ "$stderr" == 'imq-parse: feed.yaml:6: jq: '* ]]
}

@test "parse: one event for each value that paths lead to, a bad one rejected alone" {
	define json $'each: {from: "list[]", isolate: true}\nraw: piece_sorted'
	sed -i $'s|^  source.ip: ip|  source.ip: "@piece.ip"\\\n  extra.name: name\\\n  extra.number: "@number"|' feed.yaml
	run -3 --separate-stderr imq-parse --rejects rejects feed.yaml <<< '[{"name":"n","list":[{"z":1,"ip":"192.0.2.1"},{"ip":"x"},{"ip":"192.0.2.2"}]},{"name":"m"}]'
	[ "$(plain | tr '\n' ' ')" = '{"source.ip":"192.0.2.1","extra.name":"n","extra.number":1} {"source.ip":"192.0.2.2","extra.name":"n","extra.number":3} ' ]
	[ "$(raws | head -n 1)" = '{"ip": "192.0.2.1", "z": 1}|' ]
	[ "$(jq -r .record.raw rejects | base64 -d)" = '{"name":"n","list":[{"ip":"x"}]}' ]
}

@test "parse: a map of arrays, its keys, and records that are no objects" {
	define json $'records: "*[]"'
	sed -i $'s|^  source.ip: ip|  source.fqdn: "@record"\\\n  malware.name: "@key"|; s|^format.*|&\\\nraw: record|' feed.yaml
	run -0 imq-parse feed.yaml <<< '{"a":["one.example","two.example"],"b":["three.example"]}'
	[ "$(plain | tr '\n' ' ')" = '{"source.fqdn":"one.example","malware.name":"a"} {"source.fqdn":"two.example","malware.name":"a"} {"source.fqdn":"three.example","malware.name":"b"} ' ]
	[ "$(raws | head -n 1)" = 'one.example|' ]
}

@test "parse: several events by templates, fields chosen by a value, events dropped" {
	cat > feed.yaml <<- 'END'
	format: lines
	separator: ","
	columns: [ip, kind, to]
	choose:
	  - from: kind
	    cases:
	      ssh|telnet: {classification.type: brute-force, protocol.application: {from: kind}}
	      scan: {classification.type: scanner}
	      none: drop
	events:
	  one: {fields: {source.ip: ip}}
	  two: {fields: {destination.ip: to}, when: {to: {empty: false}}}
	discard: {"@event.source.ip": 192.0.2.9}
	END
	printf '%s\n' 192.0.2.1,ssh,192.0.2.2 192.0.2.3,scan, 192.0.2.4,none, 192.0.2.5,other, 192.0.2.9,scan, > in
	run -3 --separate-stderr imq-parse --stats feed.yaml in
	[ "$(plain | tr '\n' ' ')" = '{"classification.type":"brute-force","protocol.application":"ssh","source.ip":"192.0.2.1"} {"classification.type":"brute-force","protocol.application":"ssh","destination.ip":"192.0.2.2"} {"classification.type":"scanner","source.ip":"192.0.2.3"} ' ]
	[[ "$stderr" == *'in:4: unexpected value: "other"'* ]]
	[ "$(counts)" = true ]
}

@test "parse: a comment line chooses the variant for the lines below it" {
	cat > feed.yaml <<- 'END'
	format: lines
	separator: ","
	comments: "#"
	raw: comments
	variants:
	  old: {when_line: "old format", columns: [ip, x], fields: {source.ip: ip}}
	  new: {when_line: "new format", columns: [x, ip], fields: {destination.ip: ip}}
	END
	printf '%s\n' 1,2 '# new format' x,192.0.2.1 '# old format' 192.0.2.2,x > in
	run -3 --separate-stderr imq-parse feed.yaml in
	[ "$(plain | tr '\n' ' ')" = '{"destination.ip":"192.0.2.1"} {"source.ip":"192.0.2.2"} ' ]
	[ "$stderr" = 'imq-parse: in:1: no line above says how to read this one' ]
	[ "$(raws | tail -n 3)" = $'# new format\n# old format\n192.0.2.2,x|' ]
}

@test "parse: between start and stop, two matching lines make a record" {
	define lines $'start: "^BEGIN$"\nstop: "^END$"\nlines_per_record: 2\npattern: "v=(\\\\S+)"\nunmatched: skip\ncolumns: [name, ip]'
	printf '%s\n' v=x BEGIN v=a - v=192.0.2.1 v=b v=bad v=c END v=192.0.2.2 > in
	run -3 --separate-stderr imq-parse feed.yaml in
	[ "$(plain)" = '{"source.ip":"192.0.2.1"}' ]
	[ "$(raws | head -n 1)" = 'v=av=192.0.2.1|' ]
	[ "$stderr" = 'imq-parse: in:7: source.ip: not an IP address: "bad"' ]
	run -3 --separate-stderr imq-parse feed.yaml <<< BEGIN
	[[ "$stderr" == *'no line is the one that stops the records' ]]
}

@test "parse: fields of the report are changed before anything sees them, rejects included" {
	define lines $'columns: [ip]\nseparator: ","\nreport: {feed.url: [{before: "key="}]}'
	report '"feed.url":"http://x/?key=secret"' <<< $'192.0.2.1\nbad' > in
	run -3 --separate-stderr imq-parse --rejects rejects feed.yaml in
	[ "$(jq -r '.["feed.url"]' <<< "$output")" = 'http://x/?' ]
	run -1 grep -q secret rejects
}

@test "parse: steps of all kinds" {
	while IFS='~' read -r steps in out; do
		printf 'format: jsonl\nfields:\n  extra.x: {from: x, keep_empty: true, steps: %s}\n' "$steps" > feed.yaml
		run -0 imq-parse --input raw feed.yaml <<< "{\"x\":$in,\"base\":\"http://h/a/b?q\",\"n\":50}"
		[ "$(jq -c '.["extra.x"]' <<< "$output")" = "$out" ] || { echo "$steps $in: $output"; false; }
	done <<- 'END'
	[{word: 1}]~"a  b c"~"b"
	[{word: -1}]~"a  b c "~"c"
	[unpad]~"192.000.002.061"~"192.0.2.61"
	[{multiply: n}, {divide: 100}]~21~10.5
	[{multiply: {from: none, default: 3}}]~20~60
	[{add: -1}]~"5"~4
	[boolean]~"Yes"~true
	[boolean]~"perhaps"~null
	[text]~12345678901234567890~"12345678901234567890"
	[{url: host}]~"HTTP://u:p@Ex.org:8080/x"~"Ex.org"
	[{url: port}]~"http://h:8080/"~"8080"
	[{url: port}]~"http://h/"~null
	[{url: whole}]~"HTTP://h/x?#"~"http://h/x"
	[{resolve: base}]~"c/../d"~"http://h/a/d"
	[{resolve: base}]~"/d"~"http://h/d"
	[{resolve: base}]~"http://z/"~"http://z/"
	[{none: [0, x]}]~0~null
	[{only: {valid: source.ip}}]~"192.0.2.300"~null
	[{only: {valid: source.ip}}]~"192.0.2.3"~"192.0.2.3"
	[{except: {starts: a}}]~"abc"~null
	[{first: {valid: source.fqdn}}]~["a/b","c.example","d.example"]~"c.example"
	[single]~["a"]~"a"
	[single]~["a","b"]~["a","b"]
	[list]~"a"~["a"]
	[keys]~{"a":{},"b":1}~["a","b"]
	[{entries: id}]~{"a":{"x":1},"b":{}}~[{"x":1,"id":"a"},{"id":"b"}]
	[{join: ", "}]~["a",1]~"a, 1"
	[{replace: {match: "(a+)(b)", with: "\\2\\1"}}]~"aab-ab"~"baa-ba"
	[{replace: {match: "a", with: "x", once: true}}]~"aa"~"xa"
	[base64]~"abc"~"YWJj"
	[unbase64]~"YWJj"~"abc"
	[{time: ["from_format|%d-%m-%Y", timestamp]}]~"02-01-2026"~"2026-01-02T00:00:00+00:00"
	[{time: ["from_format|%d-%m-%Y", timestamp]}]~"0"~"1970-01-01T00:00:00+00:00"
	[{map: {to: {a: null}, unmapped: keep}}]~"a"~null
	END
}

@test "parse: conditions of all kinds" {
	while IFS='~' read -r when in out; do
		printf 'format: jsonl\nfields:\n  extra.x: {value: 1, when: %s}\n  extra.y: y\n' "$when" > feed.yaml
		run -0 imq-parse --input raw feed.yaml <<< "$in"
		[ "$(jq -c 'has("extra.x")' <<< "$output")" = "$out" ] || { echo "$when $in: $output"; false; }
	done <<- 'END'
	{x: {not: [a, b]}}~{"x":"c"}~true
	{x: {not: [a, b]}}~{"x":"b"}~false
	{x: {not_is: a}}~{"y":1}~true
	{x: {not_starts: a}}~{"x":"ab"}~false
	{x: {present: true}}~{"x":null}~true
	{x: {present: false}}~{"y":1}~true
	{x: {true: true}}~{"x":[]}~false
	{x: {true: true}}~{"x":0.0}~false
	{x: {true: false}}~{"x":""}~true
	{x: {same: y}}~{"x":"a","y":"a"}~true
	{x: {not_same: y}}~{"x":"a","y":"a"}~false
	{x: {at_least: 4}}~{"x":"4"}~true
	{x: {at_least: y}}~{"x":3,"y":4}~false
	{x: {at_most: 4}}~{"x":4.5}~false
	{x: {count: 2}}~{"x":[1,2]}~true
	{x: {valid: source.ip}}~{"x":"x"}~false
	[{x: a}, {x: b, y: c}]~{"x":"b","y":"c"}~true
	[{x: a}, {x: b, y: c}]~{"x":"b","y":"d"}~false
	[{x: a}, {x: b, y: c}]~{"x":"a"}~true
	END
}

@test "parse: overwrite, keep, as_is, or_next" {
	cat > feed.yaml <<- 'END'
	format: jsonl
	constants: {protocol.application: none, extra.first: 1}
	fields:
	  malware.name: a
	  protocol.application: {from: b, overwrite: true}
	  source.fqdn: [{from: c, or_next: true, steps: [{only: {valid: source.fqdn}}]}, d]
	  source.as_name: {from: e, as_is: true}
	pass: {from: more, to: "", keep: true}
	END
	run -0 imq-parse --input raw feed.yaml <<< '{"a":"A","b":"HTTP","c":"192.0.2.1","d":"d.example","e":" n ","more":{"malware.name":"q","extra":{"z":1},"source.port":"80"}}'
	[ "$(plain)" = '{"extra.first":1,"malware.name":"a","protocol.application":"http","source.fqdn":"d.example","source.as_name":" n ","extra.z":1,"source.port":80}' ]
}

@test "parse: a name from the input that stands twice, is no field or has no form rejects the record" {
	printf 'format: jsonl\nfields: {extra.a: x}\npass: {from: more, lower: true}\n' > feed.yaml
	for more in '{"a":1}' '{"b":1,"B":2}' '{"b c":1}' '{"":1}'; do
		run -3 imq-parse --input raw feed.yaml <<< "{\"x\":1,\"more\":$more}"
	done
	printf 'format: jsonl\nfields: {extra.a: x}\npass: {from: more, to: ""}\n' > feed.yaml
	for more in '{"__path":"x"}' '{"__type":"Report"}' '{"source.ipp":1}' '{"source.ip":"x"}' '{"raw":"x"}'; do
		run -3 imq-parse --input raw feed.yaml <<< "{\"x\":1,\"more\":$more}"
	done
}

@test "parse: a map of a million names neither takes long nor memory for ever" {
	printf 'format: jsonl\npass: {from: more}\n' > feed.yaml
	{ printf '{"more":{"k":1'; seq -f ',"k%.0f":1' 300000 | tr -d '\n'; echo '}}'; echo '{"more":{"a":1}}'; } > in
	run -0 timeout 20 imq-parse --input raw feed.yaml in
	[ "$(wc -l <<< "$output")" = 2 ]
}

@test "parse: records below a path come out while the document is still growing, other values are passed over" {
	define json 'records: data.list'
	mkfifo in
	imq-parse feed.yaml < in > out &
	exec 5> in
	{ printf '{"x":"'; head -c 20000000 /dev/zero | tr '\0' x; printf '","data":{"list":{"no":"list"},"other":[1,{"list":[{"ip":"192.0.2.9"}]}]},"data2":{"list":[{"ip":"192.0.2.8"}]},"data":{"list":[{"ip":"192.0.2.1"},\n'; } >&5
	wait_until grep -q 192.0.2.1 out
	printf '{"ip":"x"},{"ip":"192.0.2.2"}]},"y":[[[]]]}' >&5
	exec 5>&-
	wait
	[ "$(jq -r '.["source.ip"]' out | tr '\n' ,)" = 192.0.2.1,192.0.2.2, ]
	for text in '{"data":{"list":[{"ip":"192.0.2.1"}' '{"data":{"list":[,]}}' '{"data":7}' '{"data" 7}' '{"a":1}}' '{data:1}' 'x'; do
		run -3 imq-parse feed.yaml <<< "$text"
	done
	run -0 imq-parse feed.yaml <<< '[{"ip":"192.0.2.1"}]'
	[ "$(plain)" = '{"source.ip":"192.0.2.1"}' ]
}

@test "parse html: columns, split cells, ignored values, what stands for nothing" {
	echo '<table><tr><th>h</th></tr><tr><td>192.0.2.1</td><td>a [D]b.example/x</td><td>1700000000</td></tr><tr><td>none</td></tr><tr><td>-</td></tr></table>' > page
	run -3 --separate-stderr imq-parse html -c source.ip,source.url,time.source --split-column source.url --split-separator '[D]' --split-index 1 --time-format timestamp --ignore-values none,, page
	[ "$(plain)" = '{"classification.type":"c2-server","source.ip":"192.0.2.1","source.url":"http://b.example/x","time.source":"2023-11-14T22:13:20+00:00"}' ]
	[ "$stderr" = 'imq-parse: page:1: source.ip: no translation for the value' ]
	run -3 imq-parse html -c time.source page
	run -2 --separate-stderr imq-parse html -c source.ip --ignore-values a,b page
	[ "$stderr" = 'imq-parse: --ignore-values has 2 values, --columns has 1' ]
}

@test "parse json: events as they are, their fields above those of the report, raw kept" {
	echo '{"source.ip":"192.0.2.1","source.as_name":" x ","extra":{"a":1,"b":null},"raw":"YQ==","feed.name":"mine","__type":"Event"}' > doc
	report '"feed.name":"theirs"' < doc > in
	run -0 imq-parse json --default-fields '{"feed.name":"n","classification.type":"other"}' in
	[ "$output" = '{"source.ip":"192.0.2.1","source.as_name":" x ","extra.a":1,"raw":"YQ==","feed.name":"mine","time.observation":"2026-01-01T00:00:00+00:00","classification.type":"other"}' ]
	printf '%s\n' '{"source.ip":"192.0.2.1"}' '{"source.ipp":1}' '{"__type":"x"}' '[1]' > lines
	run -3 --separate-stderr imq-parse json --splitlines --input raw lines
	[ "$(raws)" = '{"source.ip":"192.0.2.1"}|' ]
	[ "$(wc -l <<< "$stderr")" = 3 ]
}

@test "parse kv and regex: what is in no map is left out, what does not match rejected or skipped" {
	run -0 imq-parse kv --keys '{"a":"source.ip","t":"time.source"}' <<< 'a="192.0.2.1" t=1700000000 z=1'
	[ "$(plain)" = '{"source.ip":"192.0.2.1","time.source":"2023-11-14T22:13:20+00:00"}' ]
	run -2 imq-parse kv
	run -3 imq-parse regex -p '(\S+)\s+(\d+)' -c source.ip,source.port <<< $'192.0.2.1  80\nx'
	run -0 imq-parse regex -p '(\S+)\s+(\d+)' --skip-unmatched -c source.ip,source.port <<< $'192.0.2.1  80\nx'
	[ "$(plain)" = '{"source.ip":"192.0.2.1","source.port":80}' ]
}

@test "parse: the last row of a CSV document has no line end in raw: header_line, however much blank follows it" {
	cat > feed.yaml <<- 'END'
		provider: Example
		feed: Rows
		format: csv
		header: true
		raw: header_line
		fields: {source.ip: ip}
		samples: [{input: "ip\n192.0.2.1\n", events: [{source.ip: 192.0.2.1}]}]
	END
	run -0 imq-parse ./feed.yaml < <(printf 'ip\r\n192.0.2.1\r\n192.0.2.2\r\n'; printf '\r\n %.0s' {1..40000})
	[ "$(raws)" = $'ip\n192.0.2.1\r\n|\nip\n192.0.2.2|' ]
}

@test "parse: one of a definition's feeds may be dead" {
	cat > feed.yaml <<- 'END'
		provider: Example
		feeds: {live: {name: Live}, gone: {name: Gone, status: dead}}
		format: lines
		fields: {source.ip: "@record"}
		samples: [{input: "192.0.2.1", events: [{source.ip: 192.0.2.1}]}]
	END
	mkdir -p config/imq/feeds/example
	cp feed.yaml config/imq/feeds/example/two.yaml
	XDG_CONFIG_HOME=$PWD/config run -0 imq-parse --list
	grep -q '^live	Example	Live	lines	$' <<< "$output"
	grep -q '^gone	Example	Gone	lines		dead$' <<< "$output"
	sed -i 's/dead/asleep/' feed.yaml
	run -1 --separate-stderr imq-parse --check ./feed.yaml
	[ "$stderr" = 'imq-parse: ./feed.yaml:2: status: dead, or nothing' ]
}

@test "parse: UTF-16 is recognised, other bytes may be Windows-1252, a definition may name its encoding" {
	printf '\xff\xfe1\x009\x002\x00.\x000\x00.\x002\x00.\x001\x00\n\x00' > le
	printf '\x001\x009\x002\x00.\x000\x00.\x002\x00.\x002\x00\n' > be
	printf '1\x009\x002\x00.\x000\x00.\x002\x00.\x003\x00' > bare
	run -0 imq-parse ci-army le be bare
	[ "$(jq -r '.["source.ip"]' <<< "$output" | tr '\n' ,)" = 192.0.2.1,192.0.2.2,192.0.2.3, ]
	printf '192.0.2.1,\xe4\xc3\xa4\x80\xff\n' > mixed
	run -0 --separate-stderr imq-parse -e mixed -c source.ip,extra.a mixed
	[ "$(plain)" = '{"source.ip":"192.0.2.1","extra.a":"ää€ÿ"}' ]
	[ -z "$stderr" ]
	define csv $'columns: [ip, a]\nencoding: latin-1'
	sed -i 's|^  source.ip: ip|&\n  extra.a: a|' feed.yaml
	printf '192.0.2.1,\xe4\n' > latin
	run -0 imq-parse feed.yaml latin
	[ "$(plain)" = '{"source.ip":"192.0.2.1","extra.a":"ä"}' ]
}

zip() { # FILE TEXT ARCHIVE
	python3 -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[3], "a", zipfile.ZIP_DEFLATED).writestr(sys.argv[1], sys.argv[2])' "$@"
}

@test "parse: archives are taken apart, as reports and as they are" {
	zip a $'192.0.2.1\nbad\n' in.zip
	zip b 192.0.2.2 in.zip
	run -3 --separate-stderr imq-parse --stats ci-army in.zip
	[ "$(jq -r '.["source.ip"]' <<< "$output" | tr '\n' ,)" = 192.0.2.1,192.0.2.2, ]
	[ "$(counts)" = true ]
	report '"feed.name":"x"' < in.zip > in
	report < <(gzip <<< 192.0.2.3) >> in
	run -3 --separate-stderr imq-parse --copy-collector-provided-fields extra.file_name ci-army in
	[ "$(jq -r '.["source.ip"] + (.["extra.file_name"] // "")' <<< "$output" | tr '\n' ,)" = 192.0.2.1a,192.0.2.2b,192.0.2.3, ]
}

@test "parse: a bomb of an archive costs neither memory nor the next file" {
	python3 -c 'import zipfile; zipfile.ZipFile("bomb.zip", "w", zipfile.ZIP_DEFLATED).writestr("big", "\0" * 300000000)'
	echo 192.0.2.1 > good
	grep -q __asan_init "$(command -v imq-parse)" || limit='ulimit -v 300000;'
	run -3 --separate-stderr bash -c "${limit:-} imq-parse ci-army bomb.zip good"
	[ "$(plain)" = '{"classification.type":"blacklist","source.ip":"192.0.2.1"}' ]
	printf 'PK\003\004 broken' > broken.zip
	run -3 imq-parse ci-army broken.zip good
}

@test "parse: users' own definitions come before the catalogue's" {
	mkdir -p config/imq/feeds/mine home/.config/imq/feeds
	define csv 'columns: [ip]'
	sed 's/Test/Mine/' feed.yaml > config/imq/feeds/mine/ci-army.yaml
	sed 's/Test/Home/' feed.yaml > home/.config/imq/feeds/own.yaml
	XDG_CONFIG_HOME=$PWD/config run -0 imq-parse ci-army <<< 192.0.2.1
	[ "$(jq -r '.["feed.provider"]' <<< "$output")" = Mine ]
	HOME=$PWD/home run -0 env -u XDG_CONFIG_HOME imq-parse own <<< 192.0.2.1
	[ "$(jq -r '.["feed.provider"]' <<< "$output")" = Home ]
	XDG_CONFIG_HOME=$PWD/config run -0 imq-parse --list
	grep -q '^ci-army	Mine' <<< "$output"
	sed -i 's/^format/status: dead\n&/' config/imq/feeds/mine/ci-army.yaml
	XDG_CONFIG_HOME=$PWD/config run -0 imq-parse --list
	grep -q '^ci-army	Mine.*	dead$' <<< "$output"
}

@test "parse --guess: delimiter, header, columns by name and by content" {
	printf '# made today\nfirst_seen;ip;Port;C&C host;Country;what\n"2026-01-02 03:04:05";192.0.2.1;80;a.example.com;AT;x\n2026-01-03 03:04:05;192.0.2.2;81;b.example.com;DE;y\n' > feed
	imq-parse --guess feed > guess.yaml
	run -0 imq-parse --check guess.yaml
	run -0 imq-parse guess.yaml feed
	[ "$(plain | head -n 1)" = '{"classification.type":"undetermined","time.source":"2026-01-02T03:04:05+00:00","source.ip":"192.0.2.1","source.port":80,"source.fqdn":"a.example.com","source.geolocation.cc":"AT","extra.what":"x"}' ]
	[ "$(imq-parse guess feed | sed 's/"feed[^,]*,//g; s/"time.obs[^,]*,//')" = "$(sed 's/"feed[^,]*,//g; s/"time.obs[^,]*,//' <<< "$output")" ]
	printf '198.51.100.1\t1700000000\thttp://a.example/\td41d8cd98f00b204e9800998ecf8427e\tAS64496\t203.0.113.9\n' > bare
	run -0 imq-parse guess bare
	[ "$(plain)" = '{"classification.type":"undetermined","source.ip":"198.51.100.1","time.source":"2023-11-14T22:13:20+00:00","source.url":"http://a.example/","malware.hash.md5":"d41d8cd98f00b204e9800998ecf8427e","source.asn":64496,"destination.ip":"203.0.113.9"}' ]
}

@test "parse --guess: JSON documents, lines, and arrays in objects" {
	echo '{"meta":[1],"data":[{"ip":"192.0.2.1","ts":1700000000123,"x":{"domain":"a.example.com","N o":5}}]}' > doc
	run -0 imq-parse guess doc
	[ "$(plain)" = '{"classification.type":"undetermined","source.ip":"192.0.2.1","time.source":"2023-11-14T22:13:20+00:00","source.fqdn":"a.example.com","extra.x_n_o":5}' ]
	printf '{"ip":"192.0.2.1"}\n{"ip":"192.0.2.2","b":null}\n' > lines
	run -0 imq-parse --guess lines
	[[ "$output" == *'format: jsonl'* ]]
	run -0 imq-parse guess lines
	[ "$(wc -l <<< "$output")" = 2 ]
	for text in '' '{' '[' '[[' '"' ',,,' '{"a":{"a":{"a":{"a":{"a":1}}}}}'; do
		run imq-parse --guess <<< "$text"
		[ "$status" -le 1 ]
	done
}

@test "parse: rows below a header: too long ones, what is not looked at, header and row in raw" {
	cat > feed.yaml <<- 'END'
	format: csv
	header: true
	comments: "#"
	raw: csv_stripped
	long: reject
	split: {from: Tags, at: ","}
	choose: {from: "@piece", cases: {ftp: {classification.type: brute-force}, scan: {classification.type: scanner}}, default: drop}
	fields: {source.ip: Address}
	pass: {unused: true, lower: true}
	END
	printf '# note\r\n"Address",Tags,X\r\n192.0.2.1,"ftp,scan,haas","q"\r\n192.0.2.2,ftp,1,2\r\n192.0.2.3\r\n' > in
	run -3 --separate-stderr imq-parse --stats feed.yaml in
	[ "$(plain | tr '\n' ' ')" = '{"classification.type":"brute-force","source.ip":"192.0.2.1","extra.x":"q"} {"classification.type":"scanner","source.ip":"192.0.2.1","extra.x":"q"} ' ]
	[[ "$stderr" == 'imq-parse: in:4: too many columns'* ]]
	[ "$(raws | head -n 2)" = $'Address,Tags,X\r\n192.0.2.1,"ftp,scan,haas",q|' ]
	define csv $'header: true\nraw: header_line\nothers: reject_set'
	printf '"ip","b"\r\n"192.0.2.1",\r\n192.0.2.2,3' > in
	run -3 --separate-stderr imq-parse feed.yaml in
	[ "$(jq -r .raw <<< "$output" | base64 -d | od -An -c | tr -d ' \n')" = '"ip","b"\n"192.0.2.1",\r\n' ]
	[ "$stderr" = 'imq-parse: in:3: unknown key: b' ]
}

@test "parse: lines by number, the last ones left out, the parts of URLs" {
	define lines $'captures: {date: {line: 3}}\nskip_last: 1\npattern: "^(http.*)"\nunmatched: skip\ncolumns: [url]'
	sed -i $'s|^  source.ip: ip|  source.ip\\|source.fqdn: {from: url, steps: [{url: host}]}\\\n  source.port: {from: url, steps: [{url: port}]}\\\n  time.source: "@date"|' feed.yaml
	printf '<pre>\nVX Vault\nFri, 01 Mar 2024 10:00:00 +0000\n\nhttp://Evil.example:8080/x.exe\nhttps://192.0.2.1/y\nhttp://last.example/\n' > in
	run -0 imq-parse feed.yaml in
	[ "$(plain | tr '\n' ' ')" = '{"source.fqdn":"evil.example","source.port":8080,"time.source":"2024-03-01T10:00:00+00:00"} {"source.ip":"192.0.2.1","time.source":"2024-03-01T10:00:00+00:00"} ' ]
	run -0 imq-parse feed.yaml <<< 'http://only.example/'
	[ -z "$output" ]
}

@test "parse: a million elements, keys or nested tags are only work" {
	define json $'each: "list[]"\nraw: piece'
	sed -i 's|^  source.ip: ip|  extra.n: "@piece"|' feed.yaml
	{ printf '{"list":[0'; seq -f ',%.0f' 200000 | tr -d '\n'; echo ']}'; } > in
	run -0 timeout 20 imq-parse feed.yaml in
	[ "$(wc -l <<< "$output")" = 200001 ]
	sed -i 's/^raw: piece/raw: record/' feed.yaml
	run -3 --separate-stderr timeout 20 imq-parse feed.yaml in
	[ "$stderr" = 'imq-parse: in:1: its events are more than can be held' ]
	define xml 'records: entry'
	{ printf '<a><entry>'; seq -f '<k%.0f/>' 20000 | tr -d '\n'; printf '<ip>192.0.2.1</ip></entry>'; yes '<x>' | head -n 5000; } > in
	run -3 timeout 20 imq-parse feed.yaml in
	define html 'columns: [ip]'
	{ printf '<table><tr><td>192.0.2.1</td></tr><tr>'; yes '<td><b><table><tr>' | head -n 20000; } > in
	run timeout 20 imq-parse feed.yaml in
	[ "$status" -le 3 ]
}
