# imq-parse: the parsers in C but for Shadowserver's, which has tests of its own. What they make of good input, the samples of
# their definitions say.

load lib

report() {
	printf '{"__type":"Report"%s,"raw":"%s"}\n' "${1:+,$1}" "$(base64 -w0)"
}

# Whether what was read, and created, is all accounted for.
balanced() {
	[ "$(tail -n 1 <<< "$stderr" | jq '.in + .created == .out + .dropped + .merged + .rejected + .pending')" = true ]
}

@test "cymru cap: the comment lines so far stand above each line in raw, and a report does not know the grammar of the last one" {
	{
		printf '#generated on 20260102\n# more\nspam|192.0.2.1|0|2026-01-02 03:04:05||AS, AT\n# late\nspam|192.0.2.2|0|2026-01-02 03:04:05||AS, AT\n' | report
		printf 'spam|192.0.2.3|0|2026-01-02 03:04:05||AS, AT\n' | report
	} > in
	run -3 --separate-stderr imq-parse cymru/cap --stats in
	[ "$(jq -r '.raw | @base64d' <<< "${lines[1]}")" = '#generated on 20260102
# more
# late
spam|192.0.2.2|0|2026-01-02 03:04:05||AS, AT' ]
	[ "${#lines[@]}" = 2 ]
	[[ "$stderr" = *'in:2: line 1 of raw: no line above says which grammar this is'* ]]
	balanced
}

@test "cymru cap: a line that fails is rejected with its comment lines, and parses when it has been mended" {
	printf '#generated on 20260102\nspam|192.0.2.1|0|2026-01-02 03:04:05|new: x|AS, AT\n' > in
	run -3 imq-parse cymru/cap --rejects rejects in
	[[ "$output" = *'in:2: unknown key in the notes: "new"'* ]]
	jq -c '.record | .raw |= (@base64d | sub("new: x"; "") | @base64)' rejects > again
	run -0 imq-parse cymru/cap again
	[ "$(jq -r '."source.ip"' <<< "$output")" = 192.0.2.1 ]
}

@test "cymru cap: hostile notes are rejected or read, and nothing is lost" {
	{
		echo '#generated on x'
		for notes in ';;;;' ':' 'hostname: ' 'hostname: port: 1' 'family:a;family:b' 'dest_port:,,,;' 'proxy_type: a-b-c' '"' \
			'additional_asns: 1,x' 'protocol: 999999999999999999999' "$(head -c 100000 /dev/zero | tr '\0' ';')"; do
			printf 'scanner|192.0.2.1|64500|2026-01-02 03:04:05|%s|AS, AT\n' "$notes"
		done
	} > in
	run -3 --separate-stderr imq-parse cymru/cap --stats in
	[ "$(tail -n 1 <<< "$stderr" | jq .in)" = 11 ]
	balanced
	jq -e . <<< "$output" > /dev/null
}

@test "shodan: banners on lines, pretty, or in pieces; what is no JSON is rejected alone" {
	printf '{"ip_str": "192.0.2.1",\n "ssh": {}}\n{"ip_str": broken}\n{}\n[1]\n{"ip_str": "192.0.2.2"}' > in
	run -3 --separate-stderr imq-parse shodan/banners --stats in
	[ "$(jq -r '[."source.ip", ."protocol.application", (."extra.shodan.unique_keys" | length)] | @csv' <<< "$output")" = '"192.0.2.1","ssh",1
,,0
"192.0.2.2",,0' ] || [ "$(jq -r '."source.ip" // "-"' <<< "$output" | tr '\n' ' ')" = '192.0.2.1 - 192.0.2.2 ' ]
	[[ "$stderr" = *'in:3: '* ]]
	balanced
	mkfifo pipe
	(printf '{"ip_str": "192.0.'; wait_until test -e go; printf '2.3"}') > pipe &
	imq-parse shodan/banners < pipe > out &
	touch go
	wait
	[ "$(jq -r '."source.ip"' out)" = 192.0.2.3 ]
}

@test "shodan: numbers of any length keep their digits" {
	run -0 imq-parse shodan/banners <<< '{"ssl": {"cert": {"serial": 123456789012345678901234567890123}}}'
	[ "$(jq -r '."extra.ssl.cert.serial"' <<< "$output")" = 123456789012345678901234567890123 ]
}

@test "fireeye: entities are not expanded, nothing is fetched" {
	cat > in <<-'END'
	<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
	<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]>
	<OpenIOC><criteria><Indicator><IndicatorItem><Context search="FileItem/Sha256sum"/><Content>&x;8c6976e5&d;</Content></IndicatorItem>
	</Indicator></criteria></OpenIOC>
	END
	run imq-parse fireeye/mas in
	[[ "$output" != *root:* ]]
	[ "${#output}" -lt 10000 ]
}

@test "fireeye: what cannot be an event is rejected, the hashes beside it come out" {
	cat > in <<-'END'
	<OpenIOC><criteria><Indicator>
	<IndicatorItem><Context search="FileItem/Sha256sum"/><Content>8c6976e5b5410415bde908bd4dee15dfb167a9c873fc4bb8a81f6f2ab448a918</Content></IndicatorItem>
	<Indicator><IndicatorItem><Context search="Network/Connection/RemotePort"/><Content>none</Content></IndicatorItem></Indicator>
	</Indicator></criteria></OpenIOC>
	END
	run -3 --separate-stderr imq-parse fireeye/mas --stats in
	[ "${#lines[@]}" = 1 ]
	[ "$(jq -r '."classification.type"' <<< "$output")" = malware ]
	balanced
}

@test "ctip: of several values for one field the last counts, without --overwrite the first" {
	event='{"DateTimeReceivedUtc":133537608000000000,"DataFeed":"F","HttpInfo":{"HttpHost":"a.example"},"Payload":"eyJIVFRQSG9zdCI6ImIuZXhhbXBsZSJ9"}'
	report '"feed.name":"Mine"' <<< "$event" > in
	run -0 --separate-stderr imq-parse microsoft/ctip in
	[ "$(jq -c '[."feed.name", ."extra.http.host"]' <<< "$output")" = '["F","b.example"]' ]
	run -0 --separate-stderr imq-parse microsoft/ctip --no-overwrite in
	[ "$(jq -c '[."feed.name", ."extra.http.host"]' <<< "$output")" = '["Mine","a.example"]' ]
}

@test "ctip: neither an array nor objects is rejected" {
	run -3 --separate-stderr imq-parse microsoft/ctip <<< 'text'
	[ -z "$output" ]
	run -3 --separate-stderr imq-parse microsoft/ctip --rejects bad <<< '{"a":1} 5'
	[ "$(jq -r .reason bad | tail -n 1)" = 'not an object' ]
}

@test "misp: attributes fail one by one, a broken event alone" {
	printf '{"id":"1","uuid":"x"}\n' > in
	printf '{"id":"1","uuid":"00000000-0000-4000-8000-000000000001","Attribute":[1,{"category":"Network activity","type":"ip-dst","value":"192.0.2.1","uuid":"00000000-0000-4000-8000-00000000000a","timestamp":"1767323045"}],"Tag":[3],"Object":{}}\n' >> in
	run -3 --separate-stderr imq-parse misp/events --stats in
	[ "$(jq -r '."source.ip"' <<< "$output")" = 192.0.2.1 ]
	balanced
}

@test "tweets: an odd number of substitutions does not start" {
	run -2 imq-parse twitter/tweets --substitutions 'a;b;c' <<< x
	[[ "$output" = *'--substitutions: pairs are wanted, not 3 texts'* ]]
}

@test "default fields and copied ones reach the events of all drivers" {
	echo '{"ip_str": "192.0.2.1"}' | report '"extra.a":"b"' > in
	run -0 imq-parse shodan/banners --default-fields '{"tlp":"RED","source.ip":"192.0.2.9"}' --copy-collector-provided-fields extra.a in
	[ "$(jq -c '[.tlp, ."source.ip", ."extra.a"]' <<< "$output")" = '["RED","192.0.2.1","b"]' ]
}
