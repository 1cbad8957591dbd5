load lib

gone() {
	[ -z "$(imq-rfc1918 "${@:2}" <<< "$1")" ]
}

stays() {
	[ "$(imq-rfc1918 "${@:2}" <<< "$1")" = "$1" ]
}

@test "rfc1918: by default a reserved destination goes, a reserved source or URL takes the event with it" {
	run -0 imq-rfc1918 <<< '{"destination.ip":"10.0.0.1","source.ip":"8.8.8.8"}'
	[ "$output" = '{"source.ip":"8.8.8.8"}' ]
	gone '{"source.ip":"10.0.0.2","destination.ip":"8.8.8.8"}'
	gone '{"source.url":"http://www.example.com/"}'
	stays '{"source.ip":"8.8.8.8","source.url":"http://example.at/","source.fqdn":"example.com"}'
}

@test "rfc1918: a deletion does not end the search" {
	gone '{"destination.ip":"10.0.0.1","source.ip":"10.0.0.2"}'
}

@test "rfc1918: all reserved networks are known, from the first to the last address" {
	for ip in 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255 127.0.0.1 169.254.1.1 172.16.0.0 172.31.255.255 192.0.0.1 192.0.2.255 \
		192.88.99.1 192.168.0.1 198.18.0.0 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 \
		fe80::1 2001:db8:ffff::1; do
		gone "{\"source.ip\":\"$ip\"}"
	done
	for ip in 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.0.3.0 198.17.255.255 198.20.0.0 \
		223.255.255.255 ::1 fc00::1 fe80:0:0:1::1 2001:db7::1 0.1.2.3; do
		stays "{\"source.ip\":\"$ip\"}"
	done
}

@test "rfc1918: names and AS numbers" {
	for name in example.com example.net example.org www.example.com a.test a.example a.invalid a.localhost; do
		gone "{\"source.fqdn\":\"$name\"}" -f source.fqdn -p drop
	done
	for name in fooexample.com example.at test localhost example; do
		stays "{\"source.fqdn\":\"$name\"}" -f source.fqdn -p drop
	done
	for asn in 64496 64511 65536 65551; do
		gone "{\"source.asn\":$asn}" -f source.asn -p drop
	done
	for asn in 64495 64512 65535 65552; do
		stays "{\"source.asn\":$asn}" -f source.asn -p drop
	done
}

@test "rfc1918: the host of a URL counts, whatever stands around it" {
	for url in http://u:p@10.0.0.1:81/x 'http://[2001:DB8::1]:80/' http://WWW.Example.COM:8080 http://3221225985/ 'http://[fe80::1%25eth0]/'; do
		gone "{\"source.url\":\"$url\"}"
	done
	stays '{"source.url":"http://example.at/?http://10.0.0.1/"}'
}

@test "rfc1918: of several values the reserved ones go, or one takes the event with it" {
	run -0 imq-rfc1918 <<< '{"destination.ip":["10.0.0.1","8.8.8.8"]}'
	[ "$output" = '{"destination.ip":"8.8.8.8"}' ]
	run -0 imq-rfc1918 <<< '{"destination.ip":["10.0.0.1","8.8.8.8","8.8.4.4"]}'
	[ "$output" = '{"destination.ip":["8.8.8.8","8.8.4.4"]}' ]
	run -0 imq-rfc1918 <<< '{"destination.ip":["10.0.0.1","10.0.0.2"],"comment":"x"}'
	[ "$output" = '{"comment":"x"}' ]
	gone '{"destination.ip":["10.0.0.1","10.0.0.2"]}'
	gone '{"source.ip":["8.8.8.8","10.0.0.1"]}'
}

@test "rfc1918: items are trimmed and in any case" {
	gone '{"source.ip":"10.0.0.2"}' --fields ' destination.ip , Source.IP ' --policy 'del, drop'
}

@test "rfc1918: lengths that differ are refused, other policies do nothing and say so" {
	run -2 --separate-stderr imq-rfc1918 --fields source.ip <<< '{}'
	[ "$stderr" = 'imq-rfc1918: --fields has 1 items and --policy 3' ]
	run -0 --separate-stderr imq-rfc1918 --fields source.ip --policy keep <<< '{"source.ip":"10.0.0.1"}'
	[ "$output" = '{"source.ip":"10.0.0.1"}' ]
	[[ "$stderr" == *'neither del nor drop: "keep"'* ]]
	run -0 --separate-stderr imq-rfc1918 --fields comment --policy drop <<< '{"comment":"10.0.0.1"}'
	[ "$output" = '{"comment":"10.0.0.1"}' ]
	[[ "$stderr" == *'never reserved'* ]]
}

@test "rfc1918: an address that is none is rejected" {
	run -3 --separate-stderr imq-rfc1918 <<< $'{"source.ip":"10.0.0"}\n{"comment":"x"}'
	[ "$output" = '{"comment":"x"}' ]
	[ "$stderr" = 'imq-rfc1918: -:1: source.ip: not an IP address' ]
}
