load lib

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
