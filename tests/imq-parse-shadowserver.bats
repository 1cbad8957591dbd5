# imq-parse shadowserver: the provider's schema at work.

load lib
load nginx

teardown() {
	stop_nginx
}

SCHEMA=$BATS_TEST_DIRNAME/../share/feeds/shadowserver/example-schema.json

report() {
	printf '{"__type":"Report","extra.file_name":"%s","raw":"%s"}\n' "$1" "$(base64 -w0)"
}

demo_schema() {
	cat > schema.json <<-'END'
	{"_meta": {"date_created": "2024-03-01", "change_log": ["demo"]},
	 "scan_demo": {"feed_name": "Demo-Scan", "file_name": "scan_demo", "url": "https://doc.example/demo",
	  "constant_fields": {"classification.identifier": "open-demo", "classification.type": "vulnerable-system", "protocol.transport": "tcp"},
	  "required_fields": [["time.source", "timestamp", "add_UTC_to_timestamp"], ["source.ip", "ip", "validate_ip"],
	   ["source.port", "port", "convert_int"]],
	  "optional_fields": [["source.reverse_dns", "hostname"], ["extra.", "tag"], ["extra.", "sic", "invalidate_zero"],
	   ["extra.source.naics", "naics", "invalidate_zero"], [false, "noise"], ["source.asn", "asn", "invalidate_zero"],
	   ["source.geolocation.cc", "geo"]]}}
	END
}

@test "required, optional, ignored and left-over columns go where the schema and the rules for each say" {
	demo_schema
	cat > rows.csv <<-'END'
	timestamp,ip,port,hostname,tag,sic,naics,noise,asn,geo,banner
	2024-03-01 10:00:00,192.0.2.1,80,Host.example.,demo,0,7,x,64500,at,hello
	2024-03-01 10:00:01,0.0.0.0,81,bad name:x,,,,,,???,-
	2024-03-01 10:00:02,192.0.2.3
	2024-03-01 10:00:03,192.0.2.4,http,,,,,,,,
	END
	report 2024-03-01-scan_demo-at.csv < rows.csv > in
	run -3 --separate-stderr imq-parse shadowserver --schema schema.json in
	jq -S 'del(.raw)' <<< "${lines[0]}" | diff - <(jq -S . <<-'END'
	{"classification.identifier": "open-demo", "classification.type": "vulnerable-system", "extra.banner": "hello",
	 "extra.source.naics": 7, "extra.tag": "demo", "feed.name": "Demo-Scan", "feed.documentation": "https://doc.example/demo",
	 "protocol.transport": "tcp", "source.asn": 64500, "source.geolocation.cc": "AT", "source.ip": "192.0.2.1",
	 "source.port": 80, "source.reverse_dns": "host.example", "time.source": "2024-03-01T10:00:00+00:00"}
	END
	)
	jq -S 'del(.raw)' <<< "${lines[1]}" | diff - <(jq -S . <<-'END'
	{"classification.identifier": "open-demo", "classification.type": "vulnerable-system", "extra.banner": "-",
	 "extra.geo": "???", "extra.hostname": "bad name:x", "extra.ip": "0.0.0.0", "extra.tag": "",
	 "feed.name": "Demo-Scan", "feed.documentation": "https://doc.example/demo", "protocol.transport": "tcp",
	 "source.port": 81, "time.source": "2024-03-01T10:00:01+00:00"}
	END
	)
	[ "$(jq -c '[."extra.banner", ."extra.port", has("extra.tag")]' <<< "${lines[2]}")" = '[null,null,false]' ]
	[ "${#lines[@]}" = 3 ]
	[ "$(jq -r .raw <<< "${lines[0]}" | base64 -d)" = '"timestamp","ip","port","hostname","tag","sic","naics","noise","asn","geo","banner"
2024-03-01 10:00:00,192.0.2.1,80,Host.example.,demo,0,7,x,64500,at,hello' ]
	[[ "$stderr" = *'-:1: line 5 of raw: port: cannot be converted: "http"'* || "$stderr" = *'in:1: line 5 of raw: port: cannot be converted: "http"'* ]]
}

@test "a rejected row is kept as a report that can be parsed again" {
	demo_schema
	printf 'timestamp,ip,port\n2024-03-01 10:00:03,192.0.2.4,http\n' | report scan_demo.csv |
		imq-parse shadowserver --schema schema.json --rejects rejects 2> /dev/null || true
	run -0 jq -r '.record | ."extra.file_name", (.raw | @base64d)' rejects
	[ "$output" = 'scan_demo.csv
timestamp,ip,port
2024-03-01 10:00:03,192.0.2.4,http' ]
}

@test "the report type: --feedname, the name of the file, or the columns of raw input" {
	printf 'timestamp,ip,port\n2026-01-02 03:04:05,192.0.2.1,80\n' > scan_example-geo.csv
	run -0 --separate-stderr imq-parse shadowserver --schema "$SCHEMA" scan_example-geo.csv
	[ "$(jq -r '."feed.name"' <<< "$output")" = Example-Scan ]
	run -0 --separate-stderr imq-parse shadowserver --schema "$SCHEMA" < scan_example-geo.csv
	[ "$(jq -r '."feed.name"' <<< "$output")" = Example-Scan ]
	run -3 --separate-stderr imq-parse shadowserver --schema "$SCHEMA" --feedname Example-Event < scan_example-geo.csv
	[[ "$stderr" = *'src_ip: the report has no such column, and it is required'* ]]
	printf 'a,b\n1,2\n' > other.csv
	run -3 --separate-stderr imq-parse shadowserver --schema "$SCHEMA" other.csv
	[[ "$stderr" = *'the columns are those of no report type'* ]]
}

@test "a report whose name says nothing is rejected, the next one goes on" {
	{
		printf 'x\n' | report 2020.wrong.csv
		printf 'x\n' | report unheard_of.csv
		printf 'timestamp,ip,port\n2026-01-02 03:04:05,192.0.2.1,80\n' | report scan_example.csv
	} > in
	run -3 --separate-stderr imq-parse shadowserver --schema "$SCHEMA" in
	[ "${#lines[@]}" = 1 ]
	[[ "$stderr" = *'not the name of a report: "2020.wrong.csv"'* ]]
	[[ "$stderr" = *'no report type for the file name "unheard_of.csv"'* ]]
}

@test "--overwrite: the schema's feed_name replaces that of the report" {
	printf 'timestamp,ip,port\n2026-01-02 03:04:05,192.0.2.1,80\n' | report scan_example.csv |
		jq -c '."feed.name" = "Mine"' > in
	run -0 --separate-stderr imq-parse shadowserver --schema "$SCHEMA" in
	[ "$(jq -r '."feed.name"' <<< "$output")" = Mine ]
	run -0 --separate-stderr imq-parse shadowserver --schema "$SCHEMA" --overwrite in
	[ "$(jq -r '."feed.name"' <<< "$output")" = Example-Scan ]
}

@test "copied and default fields give way to the row, and extra fields of all origins are merged" {
	printf 'timestamp,ip,port,tag,banner\n2026-01-02 03:04:05,192.0.2.1,80,a,b\n' | report scan_example.csv > in
	run -0 --separate-stderr imq-parse shadowserver --schema "$SCHEMA" --copy-collector-provided-fields extra.file_name \
		--default-fields '{"extra.tag":"no","extra.mine":1,"classification.type":"other","source.port":9}' in
	[ "$(jq -c '[."extra.file_name", ."extra.tag", ."extra.mine", ."extra.banner", ."classification.type", ."source.port"]' \
		<<< "$output")" = '["scan_example.csv","a",1,"b","vulnerable-system",80]' ]
}

@test "a row of several lines is in raw as a whole" {
	printf 'timestamp,ip,port,banner\r\n2026-01-02 03:04:05,192.0.2.1,80,"a\r\nb"\r\n' | report scan_example.csv > in
	run -0 --separate-stderr imq-parse shadowserver --schema "$SCHEMA" in
	[ "$(jq -r '.raw | @base64d' <<< "$output" | od -c)" = \
		"$(printf '"timestamp","ip","port","banner"\r\n2026-01-02 03:04:05,192.0.2.1,80,"a\r\nb"\n' | od -c)" ]
}

@test "a schema that the driver does not fully know: what is new is told, what is known works" {
	jq '.scan_example.optional_fields += [["no.such", "x"], ["extra.", "y", "convert_new"]] | .scan_example.colour = "blue"' \
		"$SCHEMA" > new.json
	printf 'timestamp,ip,port,x,y\n2026-01-02 03:04:05,192.0.2.1,80,1,2\n' > scan_example.csv
	run -0 --separate-stderr imq-parse shadowserver --schema new.json scan_example.csv
	[ "$(jq -c '[."extra.no.such", ."extra.y"]' <<< "$output")" = '["1","2"]' ]
	[[ "$stderr" = *'scan_example: unknown key "colour"'* ]]
	[[ "$stderr" = *'scan_example: unknown converter "convert_new"'* ]]
	[[ "$stderr" = *'scan_example: x: no such field: "no.such": goes to extra'* ]]
}

@test "without a schema, or with a broken one, it does not start" {
	run -2 --separate-stderr imq-parse shadowserver --schema ./none.json < /dev/null
	[[ "$stderr" = *'--update-schema gets one'* ]]
	echo '{"a":' > broken.json
	run -2 --separate-stderr imq-parse shadowserver --schema ./broken.json < /dev/null
	[[ "$stderr" = 'imq-parse: ./broken.json:'* ]]
}

@test "--update-schema installs another version, keeps the old one, and refuses what is no schema" {
	run -0 imq-parse shadowserver --schema state/schema.json --update-schema "$SCHEMA"
	cmp "$SCHEMA" state/schema.json
	[ ! -e state/schema.json.bak ]
	run -0 imq-parse shadowserver --schema state/schema.json --update-schema "$SCHEMA"
	[[ "$output" = *'is there already'* ]]
	jq '._meta.date_created = "2026-02-01"' "$SCHEMA" > newer.json
	imq-parse shadowserver --schema state/schema.json --update-schema - < newer.json
	cmp newer.json state/schema.json
	cmp "$SCHEMA" state/schema.json.bak
	for bad in '[]' '{"_meta":{}}' '{"scan_x":{"feed_name":"x"}}' '{"a":' ''; do
		printf '%s' "$bad" > bad.json
		run -2 imq-parse shadowserver --schema state/schema.json --update-schema bad.json
		cmp newer.json state/schema.json
	done
	[ "$(find state -type f | wc -l)" = 2 ]
}

@test "the schema is downloaded on request or at the start, at most once an hour, and a failure changes nothing" {
	start_nginx
	cp "$SCHEMA" www/schema
	imq-parse shadowserver --schema state/schema.json --schema-url "$web/schema" --update-schema
	cmp "$SCHEMA" state/schema.json
	jq '._meta.date_created = "2026-02-01"' "$SCHEMA" > www/schema
	run -0 imq-parse shadowserver --schema state/schema.json --schema-url "$web/schema" --auto-update < /dev/null
	cmp www/schema state/schema.json
	echo '{}' > www/schema
	run -0 imq-parse shadowserver --schema state/schema.json --schema-url "$web/schema" --auto-update < /dev/null
	[ "$(requests)" = 2 ]
	touch -d '2 hours ago' state/schema.check
	run -0 imq-parse shadowserver --schema state/schema.json --schema-url "$web/schema" --auto-update < /dev/null
	[ "$(requests)" = 3 ]
	[ "$(jq -r ._meta.date_created state/schema.json)" = 2026-02-01 ]
	run -5 imq-parse shadowserver --schema state/schema.json --schema-url "$web/none" --update-schema
	[ "$(jq -r ._meta.date_created state/schema.json)" = 2026-02-01 ]
}

@test "a schema that is replaced while it runs counts from the next report on" {
	cp "$SCHEMA" schema.json
	mkfifo in
	imq-parse shadowserver --schema ./schema.json --input report in > out &
	exec 7> in
	printf 'timestamp,ip,port\n2026-01-02 03:04:05,192.0.2.1,80\n' | report scan_example.csv >&7
	wait_until test -s out
	jq '.scan_example.feed_name = "Renamed"' "$SCHEMA" > next && mv next schema.json
	printf 'timestamp,ip,port\n2026-01-02 03:04:05,192.0.2.1,80\n' | report scan_example.csv >&7
	exec 7>&-
	wait
	[ "$(jq -r '."feed.name"' out | tr '\n' ' ')" = 'Example-Scan Renamed ' ]
}

@test "every report type of the provider's own schema makes an event of a row" {
	real=$BATS_TEST_DIRNAME/../../shared/data/shadowserver-schema.json
	[ -e "$real" ] || skip "no copy of the provider's schema here"
	jq -c 'del(._meta)[] | . as $t | [(.required_fields + .optional_fields)[] | {column: .[1], target: .[0], by: .[2]}]
		| group_by(.column) | map(.[0]) |
		{file: $t.file_name, head: map(.column | @json) | join(","), row: map(
			if .by == "add_UTC_to_timestamp" or (.by // "" | startswith("convert_date")) then "2026-01-02 03:04:05"
			elif .by == "validate_ip" or .target == "source.ip" or .target == "destination.ip" then "192.0.2.1"
			elif .by == "validate_network" then "192.0.2.0/24"
			elif .by == "convert_bool" then "Y"
			elif .by == "convert_float" then "1.5"
			elif .by == "convert_int" or .by == "invalidate_zero" then "7"
			elif .column == "severity" then "high"
			elif .column == "geo" then "AT"
			elif .column == "tag" then "cve-2026-1;x"
			else "text" end | @json) | join(",")} |
		{"__type": "Report", "extra.file_name": (.file + "-geo.csv"), "raw": (.head + "\n" + .row + "\n" | @base64)}' \
		"$real" > in
	run -0 --separate-stderr imq-parse shadowserver --schema "$real" in
	[ -z "$stderr" ]
	[ "${#lines[@]}" = "$(jq 'length - 1' "$real")" ]
	[ "$(jq -r 'select(has("time.source") and has("classification.type") and has("feed.name")) | .raw' <<< "$output" | wc -l)" = "${#lines[@]}" ]
}

@test "hostile rows: ten thousand columns, repeated and empty names, a quote never closed" {
	{
		printf 'timestamp,ip,port,x,x,,'
		seq -s, 1 10000
		printf '2026-01-02 03:04:05,192.0.2.1,80,one,two,three,'
		seq -s, 1 10000
		printf '2026-01-02 03:04:05,192.0.2.2,"80\n'
		printf '2026-01-02 03:04:05,192.0.2.3,80\n'
	} > scan_example.csv
	run -3 --separate-stderr imq-parse shadowserver --schema "$SCHEMA" scan_example.csv
	[ "$(jq -r '."extra.x"' <<< "${lines[0]}")" = two ]
	[ "$(jq -r '."source.ip"' <<< "${lines[-1]}")" = 192.0.2.3 ]
}
