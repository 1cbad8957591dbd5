load lib
load nginx

teardown() {
	stop_nginx
}

setup_more() {
	printf '%s\n' '; title' '' '# more' $'10.0.0.0/8\t64512' $'10.1.0.0/16\t64513' $'2001:db8::/32\t64514\r' > table
}

@test "asn-lookup: the longest network wins, IPv4 and IPv6" {
	run -0 imq-asn-lookup --database table <<< '{"source.ip":"10.1.2.3","destination.ip":"2001:db8::5"}'
	[ "$output" = '{"source.ip":"10.1.2.3","destination.ip":"2001:db8::5","source.asn":64513,"source.network":"10.1.0.0/16","destination.asn":64514,"destination.network":"2001:db8::/32"}' ]
	run -0 imq-asn-lookup -d table <<< '{"source.ip":"10.2.0.0"}'
	[ "$output" = '{"source.ip":"10.2.0.0","source.asn":64512,"source.network":"10.0.0.0/8"}' ]
}

@test "asn-lookup: what is found replaces what was there, without a find it stays" {
	run -0 imq-asn-lookup -d table <<< $'{"source.asn":1,"source.network":"192.0.2.0/24","source.ip":"10.0.0.1"}\n{"source.ip":"192.0.2.1","source.asn":1}'
	[ "$output" = $'{"source.asn":64512,"source.network":"10.0.0.0/8","source.ip":"10.0.0.1"}\n{"source.ip":"192.0.2.1","source.asn":1}' ]
}

@test "asn-lookup: the edges of networks, networks given twice, host bits" {
	printf '%s\n' $'10.0.0.7/24\t1' $'10.0.1.0/24\t2' $'10.0.0.0/24\t3' $'255.255.255.255/32\t4 x' $'10.0.0.255/32\t5' > table
	for pair in 9.255.255.255:null 10.0.0.0:3 10.0.0.254:3 10.0.0.255:5 10.0.1.0:2 10.0.2.0:null 255.255.255.255:4 255.255.255.254:null; do
		[ "$(imq-asn-lookup -d table <<< "{\"source.ip\":\"${pair%:*}\"}" | jq '."source.asn"')" = "${pair#*:}" ]
	done
}

@test "asn-lookup: a packed table is read too" {
	gzip table
	run -0 imq-asn-lookup -d table.gz <<< '{"source.ip":"10.2.0.0"}'
	[ "$output" = '{"source.ip":"10.2.0.0","source.asn":64512,"source.network":"10.0.0.0/8"}' ]
}

@test "asn-lookup: a MaxMind ASN database is read too" {
	"$IMQ_ROOT/tests/mmdb.py" asn.mmdb GeoLite2-ASN <<< '{"192.0.2.0/25":{"autonomous_system_number":64500},"2001:db8::/33":{"autonomous_system_number":4200000000},"198.51.100.0/24":{"x":1}}'
	run -0 imq-asn-lookup -d asn.mmdb <<< '{"source.ip":"192.0.2.1","destination.ip":"2001:db8::1"}'
	[ "$output" = '{"source.ip":"192.0.2.1","destination.ip":"2001:db8::1","source.asn":64500,"source.network":"192.0.2.0/25","destination.asn":4200000000,"destination.network":"2001:db8::/33"}' ]
	run -0 imq-asn-lookup -d asn.mmdb <<< '{"source.ip":"192.0.2.200","destination.ip":"198.51.100.1"}'
	[ "$output" = '{"source.ip":"192.0.2.200","destination.ip":"198.51.100.1"}' ]
	"$IMQ_ROOT/tests/mmdb.py" city.mmdb GeoLite2-City <<< '{"192.0.2.0/25":{}}'
	run -2 --separate-stderr imq-asn-lookup -d city.mmdb <<< '{}'
	[ "$stderr" = 'imq-asn-lookup: city.mmdb: not an ASN database but a GeoLite2-City' ]
}

@test "asn-lookup: one bad line refuses the whole table, with its place" {
	for line in ' ' '10.0.0.0/8 1' $'10.0.0.0\t1' $'10.0.0.0/8\t0' $'10.0.0.0/8\tx' $'0.0.0.0/0\t1' $'10.0.0/8\t1' $'10.0.0.0/33\t1' \
		$'10.0.0.0/8\t4294967296' $'10.0.0.0/8\t99999999999999999999999' $'10.0.0.0/8\t' "$(printf 'x%.0s' {1..600})"; do
		printf '%s\n' $'10.0.0.0/8\t1' "$line" > bad
		run -2 --separate-stderr imq-asn-lookup -d bad <<< '{}'
		[[ "$stderr" == 'imq-asn-lookup: bad:2: '* ]]
	done
	printf '%s\n' $'10.0.0.0/8\t4294967295' > good
	run -0 imq-asn-lookup -d good <<< '{"source.ip":"10.0.0.1"}'
	[ "$output" = '{"source.ip":"10.0.0.1","source.asn":4294967295,"source.network":"10.0.0.0/8"}' ]
}

@test "asn-lookup: no table, an empty one, a new one at a barrier" {
	run -2 imq-asn-lookup <<< '{}'
	run -2 --separate-stderr imq-asn-lookup -d missing <<< '{}'
	[[ "$stderr" == 'imq-asn-lookup: missing: '* ]]
	: > empty
	run -0 imq-asn-lookup -d empty <<< '{"source.ip":"10.0.0.1"}'
	[ "$output" = '{"source.ip":"10.0.0.1"}' ]
	mkfifo in
	IMQ_BATCH=1 imq-asn-lookup -d table < in > out 3>&- &
	pid=$!
	exec 7> in
	printf '{}\n\n' >&7
	wait_until test -s out
	printf '192.0.2.0/24\t7\n' > new
	mv new table
	printf '\n{"source.ip":"192.0.2.1"}\n\n' >&7
	exec 7>&-
	wait "$pid"
	grep -q '"source.asn":7' out
}

@test "asn-lookup: what is no address is left alone" {
	run -0 imq-asn-lookup -d table <<< '{"source.ip":"10.0.0","destination.ip":10}'
	[ "$output" = '{"source.ip":"10.0.0","destination.ip":10}' ]
}

@test "asn-lookup: --compile keeps a compiled form; made anew when the table changes, once it is there also without the option" {
	imq-asn-lookup -d table <<< '{}' > /dev/null
	[ ! -e table.compiled ]
	run -0 imq-asn-lookup -d table --compile <<< '{"source.ip":"10.1.2.3"}'
	first=$output
	[[ "$first" == *64513* ]]
	before=$(stat -c %i table.compiled)
	run -0 imq-asn-lookup -d table --compile <<< '{"source.ip":"10.1.2.3"}'
	[ "$output" = "$first" ]
	[ "$(stat -c %i table.compiled)" = "$before" ]
	run -0 imq-asn-lookup -d table <<< '{"source.ip":"2001:db8::1","destination.ip":"2001:db9::"}'
	[ "$output" = '{"source.ip":"2001:db8::1","destination.ip":"2001:db9::","source.asn":64514,"source.network":"2001:db8::/32"}' ]
	strace -e trace=openat -o trace imq-asn-lookup -d table <<< '{}' || skip 'strace does not work here'
	grep -q 'table.compiled' trace
	printf '10.0.0.0/8\t7\n' > table
	run -0 imq-asn-lookup -d table <<< '{"source.ip":"10.1.2.3"}'
	[ "$output" = '{"source.ip":"10.1.2.3","source.asn":7,"source.network":"10.0.0.0/8"}' ]
	[ "$(stat -c %i table.compiled)" != "$before" ]
	[ "$(ls -A | grep -c compiled)" -eq 1 ]
}

@test "asn-lookup: a damaged compiled form is not used but replaced; one that cannot be written is told" {
	imq-asn-lookup -d table --compile <<< '{}' > /dev/null
	cp table.compiled good
	for damage in cut empty noise longer prefix; do
		case $damage in
		cut) head -c 1000 good > table.compiled ;;
		empty) : > table.compiled ;;
		noise) head -c 300000 /dev/urandom > table.compiled ;;
		longer) { cat good; echo 1234567; } > table.compiled ;;
		prefix) python3 -c 'b = open("good", "rb").read(); open("table.compiled", "wb").write(b[:-8] + b"\xfe" * 8)' ;;
		esac
		run -0 --separate-stderr imq-asn-lookup -d table <<< '{"source.ip":"10.1.2.3"}'
		[ "$output$stderr" = '{"source.ip":"10.1.2.3","source.asn":64513,"source.network":"10.1.0.0/16"}' ]
		cmp table.compiled good
	done
	rm table.compiled
	mkdir table.compiled
	run -0 --separate-stderr imq-asn-lookup -d table <<< '{"source.ip":"10.1.2.3"}'
	[ "$stderr" = 'imq-asn-lookup: table.compiled: Is a directory' ]
	[ "$(ls -A | grep -c compiled)" -eq 1 ]
}

# A web server with the folders of a route collector; the newest month is still empty.
collector() {
	mkdir -p www/bgp/20{25.12,26.01,26.02}/RIBS
	"$IMQ_ROOT/tests/mrt.py" < "$1" | bzip2 > www/bgp/2026.01/RIBS/rib.20260131.2200.bz2
	echo old > www/bgp/2026.01/RIBS/rib.20260130.0000.bz2
	echo old > www/bgp/2025.12/RIBS/rib.20251231.2200.bz2
	start_nginx 'autoindex on;'
}

@test "asn-lookup: --update-database makes the table of the newest dump, and compiles it" {
	cat > dump <<- 'END'
		{"networks": [
			["0.0.0.0/0", [[2, [10, 20]]]],
			["192.0.2.0/24", [[2, [10, 20, 30]]]],
			["192.0.2.0/24", [[2, [10, 99]]]],
			["198.51.100.0/24", [[2, [10, 20]], [1, [70, 64512]]]],
			["203.0.113.0/25", [[2, [10, 20, 64512, 4200000001, 65536]]]],
			["203.0.113.128/25", [[2, [64512]]]],
			["10.0.0.0/8", [[3, [10]]]],
			["11.0.0.0/8", null],
			["12.0.0.0/8", [[1, [10]]]],
			["2001:db8::/32", [[2, [10, 4199999999]]]],
			["::/0", [[2, [10]]]]
		]}
	END
	collector dump
	run -0 --separate-stderr imq-asn-lookup --update-database -d asn --database-url "$web/bgp/"
	[ "$output$stderr" = '' ]
	printf '%s\n' '; networks and the AS numbers that announce them' "; source: $web/bgp/2026.01/RIBS/rib.20260131.2200.bz2" \
		'; date: 2025-11-26T00:00:00Z' '; IPv4 networks: 3' '; IPv6 networks: 1' ';' $'192.0.2.0/24\t30' $'198.51.100.0/24\t70' \
		$'203.0.113.0/25\t20' $'2001:db8::/32\t4199999999' > expected
	cmp asn expected
	[ -s asn.compiled ]
	run -0 imq-asn-lookup -d asn <<< '{"source.ip":"192.0.2.1"}'
	[ "$output" = '{"source.ip":"192.0.2.1","source.asn":30,"source.network":"192.0.2.0/24"}' ]
	run -0 --separate-stderr imq-asn-lookup --update-database --verbose -d asn --database-url "$web/bgp/"
	[ "$stderr" = 'imq-asn-lookup: asn: there is no newer one' ]
}

@test "asn-lookup: --update-database reads the older TABLE_DUMP too" {
	echo '{"v1": true, "networks": [["192.0.2.0/24", [[2, [10, 20]]]], ["2001:db8::/32", [[2, [10, 30]]]]]}' > dump
	collector dump
	run -0 imq-asn-lookup --update-database -d asn --database-url "$web/bgp/"
	[ "$(grep -v ';' asn)" = $'192.0.2.0/24\t20\n2001:db8::/32\t30' ]
}

@test "asn-lookup: --update-database: no dumps, broken dumps, a MaxMind database" {
	echo '{"networks": [["192.0.2.0/24", [[2, [10, 20]]]], ["192.0.2.0/25", [[2, [10, 30]]]]]}' > dump
	collector dump
	cp table before
	run -5 --separate-stderr imq-asn-lookup --update-database -d table --database-url "$web/bgp/2026.02/"
	[ "$stderr" = "imq-asn-lookup: $web/bgp/2026.02/: no dumps of routing tables there" ]
	newest=www/bgp/2026.01/RIBS/rib.20260131.2200.bz2
	bunzip2 < $newest > whole
	for size in 0 5 17 40 70 -1; do
		head -c "$size" whole | bzip2 > $newest
		touch -d '2030-01-01' $newest
		run -5 --separate-stderr imq-asn-lookup --update-database -d table --database-url "$web/bgp/"
		[[ "$stderr" == *': not a database, the old one stays: '* ]]
		cmp table before
	done
	{ printf '\1\1\1\1\0\20\0\4\0\0\0\0'; cat whole; } | bzip2 > $newest
	touch -d '2030-01-01' $newest
	run -5 --separate-stderr imq-asn-lookup --update-database -d table --database-url "$web/bgp/"
	[[ "$stderr" == *': not a dump of a routing table: a record of type 16, 4' ]]
	run -2 --separate-stderr imq-asn-lookup --update-database -d GeoLite2-ASN.mmdb
	[ "$stderr" = "imq-asn-lookup: GeoLite2-ASN.mmdb: MaxMind's databases are updated by imq-maxmind-geoip" ]
	run -2 imq-asn-lookup --update-database
}
