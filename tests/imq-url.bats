load lib

url() {
	imq-url "$@" <<< "{\"source.url\":\"$url\"}" | sed 's/^{"source.url":"[^"]*",\{0,1\}//; s/}$//'
}

@test "url: host, port, path, account and protocols come from the URL, the password does not" {
	url=https://user:pw@example.com:8443/
	run -0 url
	[ "$output" = '"source.fqdn":"example.com","source.port":8443,"source.urlpath":"/","source.account":"user","protocol.application":"http","protocol.transport":"tcp"' ]
}

@test "url: an address is an address, in decimal and with brackets and scope too" {
	url=ftp://192.0.2.1 run -0 url
	[ "$output" = '"source.ip":"192.0.2.1","source.port":21,"protocol.application":"ftp","protocol.transport":"tcp"' ]
	url=foo://3221225985/ run -0 url
	[ "$output" = '"source.ip":"192.0.2.1","source.urlpath":"/","protocol.application":"foo"' ]
	url='foo://[FE80::1%25eth0]:81' run -0 url
	[ "$output" = '"source.ip":"fe80::1","source.port":81,"protocol.application":"foo"' ]
}

@test "url: query, fragment and old parameters are no part of the path" {
	url='http://example.com/a;x/b%20c;d?e#f' run -0 url
	[[ "$output" == *'"source.urlpath":"/a;x/b%20c"'* ]]
	url='foo://example.com/a;x/b;d?e#f' run -0 url
	[[ "$output" == *'"source.urlpath":"/a;x/b;d"'* ]]
}

@test "url: each known scheme has its port and protocols, others have their name" {
	for row in http:80:http:tcp https:443:http:tcp ftp:21:ftp:tcp sftp:22:sftp:tcp ssh:22:ssh:tcp tftp:69:tftp:udp ws:80:ws:tcp wss:443:wss:tcp; do
		IFS=: read -r scheme port application transport <<< "$row"
		url=$scheme://example.com run -0 url
		[ "$output" = "\"source.fqdn\":\"example.com\",\"source.port\":$port,\"protocol.application\":\"$application\",\"protocol.transport\":\"$transport\"" ]
	done
	url=GOPHER://Example.COM run -0 url
	[ "$output" = '"source.fqdn":"example.com","protocol.application":"gopher"' ]
}

@test "url: the protocol is the source's, the destination's only where the source has none" {
	run -0 imq-url <<< '{"source.url":"https://a.example","destination.url":"ftp://b.example:81/q"}'
	[ "$output" = '{"source.url":"https://a.example","destination.url":"ftp://b.example:81/q","source.fqdn":"a.example","source.port":443,"protocol.application":"http","protocol.transport":"tcp","destination.fqdn":"b.example","destination.port":81,"destination.urlpath":"/q"}' ]
	run -0 imq-url <<< '{"destination.url":"ftp://b.example"}'
	[[ "$output" == *'"protocol.application":"ftp"'* ]]
	run -0 imq-url <<< '{"source.url":"//a.example","destination.url":"ftp://b.example"}'
	[[ "$output" == *'"protocol.application":"ftp"'* ]]
}

@test "url: what is there stays, --overwrite replaces it" {
	event='{"source.url":"http://example.com/x","source.fqdn":"old.example","source.port":1,"protocol.transport":"udp"}'
	run -0 imq-url <<< "$event"
	[ "$output" = "${event%\}}"',"source.urlpath":"/x","protocol.application":"http"}' ]
	run -0 imq-url --overwrite <<< "$event"
	[ "$output" = '{"source.url":"http://example.com/x","source.fqdn":"example.com","source.port":80,"protocol.transport":"tcp","source.urlpath":"/x","protocol.application":"http"}' ]
}

@test "url: --skip-fields leaves fields alone; a skipped address is no name" {
	url=http://192.0.2.1/ run -0 url --skip-fields source.ip,source.urlpath,protocol.application,protocol.transport
	[ "$output" = '"source.port":80' ]
	run -2 --separate-stderr imq-url --skip-fields source.ipp <<< '{}'
	[ "$stderr" = 'imq-url: no such field: "source.ipp"' ]
}

@test "url: names in other scripts are written as IDNA" {
	url=http://Bücher.example/ run -0 url
	[[ "$output" == '"source.fqdn":"xn--bcher-kva.example",'* ]]
}

@test "url: without a URL nothing happens, an escaped one is read" {
	run -0 imq-url <<< '{"source.url":""}'
	[ "$output" = '{"source.url":""}' ]
	run -0 imq-url <<< '{"source.url":"http:\/\/example.com\/"}'
	[[ "$output" == '{"source.url":"http:\/\/example.com\/","source.fqdn":"example.com",'* ]]
}

@test "url: what is no host is neither name nor address" {
	for host in 0.0.0.0 0 - 192.0.2.1. user@ ''; do
		url=foo://$host/ run -0 url
		[ "${output/\"source.account\":\"user\",/}" = '"source.urlpath":"/","protocol.application":"foo"' ]
	done
}

@test "url: a port that is none is left out and costs nothing else" {
	for port in 65536 99999999999999999999 x -1 '8 0'; do
		url=http://example.com:$port/ run -0 url
		[ "$output" = '"source.fqdn":"example.com","source.urlpath":"/","protocol.application":"http","protocol.transport":"tcp"' ]
	done
	url=http://example.com:0 run -0 url
	[[ "$output" == *'"source.port":80,'* ]]
}

@test "url: a URL of a megabyte is nothing special" {
	long=$(head -c 1000000 /dev/zero | tr '\0' /)
	printf '{"source.url":"foo://example.com%s"}\n' "$long" > event
	imq-url < event > out
	[ "$(wc -c < out)" -gt 2000000 ]
}

@test "url: a broken line is rejected with its place, the next one goes on" {
	run -3 --separate-stderr imq-url <<< $'{"source.url":"http://example.com"\n{}'
	[ "$output" = '{}' ]
	[[ "$stderr" == 'imq-url: -:1: '* ]]
}
