# --update-database, the same in every command that has one: of whatever the server sends, only a good file takes the place.
load lib
load nginx

teardown() {
	stop_nginx
}

mtime() {
	stat -c %Y "$1"
}

# The same server, answering everything with a fixed status.
answer() {
	start_nginx "location / { return $1; }"
}

@test "update-database: a list is fetched, directories are made, nothing else is left behind" {
	start_nginx
	printf '%s\n' 'ExitNode 0011' 'Published 2026-11-25 10:00:00' 'ExitAddress 192.0.2.1 2026-11-25 11:00:00' 'ExitAddress 2001:db8::1 x' 'ExitAddress 192.0.2.9' > www/exits
	run -0 --separate-stderr imq-tor-nodes --update-database --database var/lib/nodes --database-url "$web/exits"
	[ "$output$stderr" = '' ]
	[ "$(cat var/lib/nodes)" = $'192.0.2.1\n2001:db8::1\n192.0.2.9' ]
	[ "$(ls -A var/lib)" = nodes ]
	[ "$(stat -c %a var/lib/nodes)" = 644 ]
	run -0 imq-tor-nodes -d var/lib/nodes <<< '{"source.ip":"192.0.2.9"}'
	[ "$output" = '{"source.ip":"192.0.2.9","source.tor_node":true}' ]
}

@test "update-database: what is not newer is not fetched again, by the time the server gave" {
	start_nginx
	printf 'COM\nORG\n' > www/tlds
	touch -d '2026-01-02 03:04:05' www/tlds
	run -0 --separate-stderr imq-domain-valid --update-database --verbose -l tlds --database-url "$web/tlds"
	[ "$stderr" = 'imq-domain-valid: tlds: updated' ]
	[ "$(mtime tlds)" = "$(mtime www/tlds)" ]
	before=$(stat -c %i tlds)
	run -0 --separate-stderr imq-domain-valid --update-database --verbose -l tlds --database-url "$web/tlds"
	[ "$stderr" = 'imq-domain-valid: tlds: there is no newer one' ]
	[ "$(stat -c %i tlds)" = "$before" ]
	[ "$(requests '^304 ')" -eq 1 ]
	printf 'COM\nNET\n' > www/tlds
	run -0 imq-domain-valid --update-database -l tlds --database-url "$web/tlds"
	cmp tlds www/tlds
	[ "$(ls -A | grep -c tlds)" -eq 1 ]
}

@test "update-database: a broken old file is replaced even by one that is no newer" {
	start_nginx
	printf 'COM\n' > www/tlds
	touch -d '2026-01-02 03:04:05' www/tlds
	: > tlds
	run -0 imq-domain-valid --update-database -l tlds --database-url "$web/tlds"
	cmp tlds www/tlds
}

@test "update-database: the old file's mode stays" {
	start_nginx
	printf 'COM\n' > www/tlds
	printf 'ORG\n' > tlds
	chmod 640 tlds
	touch -d '2020-01-01' tlds
	run -0 imq-domain-valid --update-database -l tlds --database-url "$web/tlds"
	[ "$(stat -c %a tlds)" = 640 ]
}

@test "update-database: a MaxMind database comes out of its archive, by its name, the key is in the URL only" {
	start_nginx
	mkdir GeoLite2-City_20261124
	"$IMQ_ROOT/tests/mmdb.py" GeoLite2-City_20261124/GeoLite2-City.mmdb GeoLite2-City <<< '{"192.0.2.0/24":{"country":{"iso_code":"AT"}}}'
	echo license > GeoLite2-City_20261124/LICENSE.txt
	tar -czf www/geoip GeoLite2-City_20261124
	run -0 --separate-stderr imq-maxmind-geoip --update-database -d geo/GeoLite2-City.mmdb --license-key 'a b&c' --database-url "$web/geoip"
	[ "$output$stderr" = '' ]
	grep -q '^200 GET /geoip?license_key=a%20b%26c&edition_id=GeoLite2-City&suffix=tar.gz ' nginx.log
	run -0 imq-maxmind-geoip -d geo/GeoLite2-City.mmdb <<< '{"source.ip":"192.0.2.1"}'
	[ "$output" = '{"source.ip":"192.0.2.1","source.geolocation.cc":"AT"}' ]
	stop_nginx
	run -5 --separate-stderr imq-maxmind-geoip --update-database -d geo/GeoLite2-City.mmdb --license-key 'a b&c' --http-timeout-max-tries 1 --database-url "$web/geoip"
	[[ "$stderr" != *license_key* ]]
	[ "$(ls -A geo)" = GeoLite2-City.mmdb ]
}

@test "update-database: of several MaxMind databases each is fetched by its edition, one that fails does not stop the others" {
	start_nginx
	mkdir x
	"$IMQ_ROOT/tests/mmdb.py" x/GeoLite2-ASN.mmdb GeoLite2-ASN <<< '{"192.0.2.0/24":{"autonomous_system_number":64500}}'
	tar -czf www/geoip x
	run -5 --separate-stderr imq-maxmind-geoip --update-database -d GeoLite2-Country.mmdb,GeoLite2-ASN.mmdb --license-key k --database-url "$web/geoip"
	[ "$stderr" = "imq-maxmind-geoip: $web/geoip: not a database, the old one stays: no GeoLite2-Country.mmdb in the archive" ]
	[ ! -e GeoLite2-Country.mmdb ]
	run -0 imq-asn-lookup -d GeoLite2-ASN.mmdb <<< '{"source.ip":"192.0.2.1"}'
	[[ "$output" == *64500* ]]
	grep -q 'edition_id=GeoLite2-Country' nginx.log
	grep -q 'edition_id=GeoLite2-ASN' nginx.log
}

@test "update-database: Recorded Future's list, with the token in a header, out of a tar or a single packed file" {
	start_nginx 'if ($http_x_rftoken != "secret") { return 401; }'
	mkdir x
	printf 'Name,Risk\n192.0.2.1,99\n' > x/rfiprisk.dat
	tar -czf www/list x
	run -0 --separate-stderr imq-recordedfuture-iprisk --update-database -d risks --api-token secret --database-url "$web/list"
	cmp risks x/rfiprisk.dat
	printf 'Name,Risk\n192.0.2.1,7\n' | gzip > www/list
	touch -d '2030-01-01' www/list
	run -0 imq-recordedfuture-iprisk --update-database -d risks --api-token secret --database-url "$web/list"
	run -0 imq-recordedfuture-iprisk -d risks <<< '{"source.ip":"192.0.2.1"}'
	[ "$output" = '{"source.ip":"192.0.2.1","extra.rf_iprisk.source":7}' ]
	run -2 --separate-stderr imq-recordedfuture-iprisk --update-database -d risks --api-token wrong --database-url "$web/list"
	[ "$stderr" = 'imq-recordedfuture-iprisk: the API token is not valid' ]
}

@test "update-database: the public suffix list" {
	start_nginx
	printf '%s\n' '// ===BEGIN ICANN DOMAINS===' com gv.at '// ===END ICANN DOMAINS===' > www/psl
	run -0 imq-domain-suffix --update-database -s psl --database-url "$web/psl"
	run -0 imq-domain-suffix -s psl -f fqdn <<< '{"source.fqdn":"a.gv.at"}'
	[ "$output" = '{"source.fqdn":"a.gv.at","source.domain_suffix":"gv.at"}' ]
}

@test "update-database: a running command picks the new file up at a barrier" {
	start_nginx
	echo 192.0.2.1 > nodes
	touch -d '2020-01-01' nodes
	echo 'ExitAddress 192.0.2.9 x' > www/exits
	mkfifo in
	IMQ_BATCH=1 imq-tor-nodes -d nodes < in > out 3>&- &
	pid=$!
	exec 7> in
	printf '{"source.ip":"192.0.2.9"}\n\n' >&7
	wait_until grep -q 9 out
	imq-tor-nodes --update-database -d nodes --database-url "$web/exits" 7>&-
	printf '\n{"source.ip":"192.0.2.9"}\n\n' >&7
	exec 7>&-
	wait "$pid"
	[ "$(tail -n 2 out)" = '{"source.ip":"192.0.2.9","source.tor_node":true}' ]
}

@test "update-database: switched off it does nothing; what it needs is asked for" {
	run -0 --separate-stderr imq-tor-nodes --update-database --verbose --no-autoupdate-cached-database -d nodes --database-url http://127.0.0.1:1/
	[ "$stderr" = 'imq-tor-nodes: autoupdate_cached_database is off: nothing is fetched' ]
	[ ! -e nodes ]
	run -2 --separate-stderr imq-maxmind-geoip --update-database
	[ "$stderr" = 'imq-maxmind-geoip: --license-key (or license_key in --config) is needed' ]
	run -2 imq-recordedfuture-iprisk --update-database
	run -2 imq-domain-suffix --update-database
}

@test "update-database: error pages, statuses and broken files do not replace a good file" {
	printf 'COM\n' > good
	touch -d '2020-01-01' good
	cp -p good tlds
	for reply in 403 404 500 '200 "<html>busy</html>"' '200 ""'; do
		answer "$reply"
		run -5 --separate-stderr imq-domain-valid --update-database -l tlds --http-timeout-max-tries 1 --database-url "$web/"
		[[ "$stderr" == "imq-domain-valid: $web/: "* ]]
		cmp tlds good
		stop_nginx
	done
	answer '401'
	run -2 --separate-stderr imq-maxmind-geoip --update-database -d x.mmdb --license-key k --database-url "$web/"
	[ "$stderr" = 'imq-maxmind-geoip: the license key is not valid' ]
	[ "$(ls -A | grep -c -e mmdb -e '^\.')" -eq 0 ]
}

@test "update-database: a download that breaks off, or is no archive, or holds a damaged database" {
	start_nginx
	mkdir x
	"$IMQ_ROOT/tests/mmdb.py" GeoLite2-City.mmdb GeoLite2-City <<< '{"192.0.2.0/24":{}}'
	touch -d '2020-01-01' GeoLite2-City.mmdb
	cp GeoLite2-City.mmdb x/whole
	head -c 300 x/whole > x/GeoLite2-City.mmdb
	tar -czf www/damaged x
	cp x/whole x/GeoLite2-City.mmdb
	head -c 200000 /dev/urandom >> x/GeoLite2-City.mmdb
	tar -czf www/whole x
	head -c 20000 www/whole > www/cut
	head -c 5000 /dev/urandom > www/noise
	for name in damaged cut noise; do
		run -5 --separate-stderr imq-maxmind-geoip --update-database -d GeoLite2-City.mmdb --license-key k --database-url "$web/$name"
		[[ "$stderr" == *': not a database, the old one stays: '* ]]
		cmp GeoLite2-City.mmdb x/whole
	done
	[ "$(ls -A | grep -c mmdb)" -eq 1 ]
}

# A server that promises more than it sends.
breaking_off() {
	python3 - "$1" 3>&- <<- 'END' &
		import socket, sys
		s = socket.socket()
		s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
		s.bind(("127.0.0.1", int(sys.argv[1])))
		s.listen()
		open("listening", "w").close()
		c = s.accept()[0]
		c.recv(65536)
		c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nCOM\nNET\n")
		c.close()
	END
	wait_until test -e listening
}

@test "update-database: a connection that ends early, and an answer longer than --max-reply" {
	printf 'COM\n' > tlds
	touch -d '2020-01-01' tlds
	port=$(free_port)
	breaking_off "$port"
	run -5 --separate-stderr imq-domain-valid --update-database -l tlds --http-timeout-max-tries 1 --database-url "http://127.0.0.1:$port/"
	[ "$(cat tlds)" = COM ]
	start_nginx
	printf 'COM\nNET\n' > www/tlds
	run -5 --separate-stderr imq-domain-valid --update-database -l tlds --max-reply 5 --database-url "$web/tlds"
	[ "$stderr" = 'imq-domain-valid: the answer is longer than 5 bytes (--max-reply)' ]
	[ "$(cat tlds)" = COM ]
}

@test "update-database: a place that cannot be written is told" {
	start_nginx
	printf 'COM\n' > www/tlds
	: > file
	run -4 --separate-stderr imq-domain-valid --update-database -l file/tlds --database-url "$web/tlds"
	[ "$stderr" = 'imq-domain-valid: file/tlds: Not a directory' ]
}
