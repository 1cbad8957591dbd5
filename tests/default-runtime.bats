load lib
load nginx
load nsd
load redis

# data/runtime.yaml has the bots of IntelMQ's default configuration. The Internet is a proxy, a web server and a name server here.

teardown() {
	[ ! -s pid ] || kill "$(cat pid)" 2> /dev/null || true
	[ ! -s pid ] || wait_until test ! -e "/proc/$(cat pid)"
	[ ! -s proxy.pid ] || kill "$(cat proxy.pid)" 2> /dev/null || true
	stop_nginx
	stop_nsd
	stop_redis
}

publish() {
	mkdir -p www/downloads www/drop
	cat > www/downloads/ipblocklist.json <<- 'END'
		[{"ip_address": "192.0.2.7", "port": 449, "status": "online", "hostname": null, "as_number": 1, "as_name": "X", "country": "AT",
		"first_seen": "2026-11-24 10:00:00", "last_online": "2026-11-25", "malware": "Dridex"},
		{"ip_address": "192.0.2.8", "port": 443, "status": "online", "hostname": null, "as_number": 1, "as_name": "X", "country": "AT",
		"first_seen": "2026-11-24 10:00:00", "last_online": "2026-11-25", "malware": "Emotet"},
		{"ip_address": "192.0.2.7", "port": 449, "status": "online", "hostname": null, "as_number": 1, "as_name": "X", "country": "AT",
		"first_seen": "2026-11-24 10:00:00", "last_online": "2026-11-25", "malware": "Dridex"}]
	END
	printf '%s\n' '; Spamhaus DROP List' '; Last-Modified: Tue, 24 Nov 2026 10:00:00 GMT' '198.51.100.0/24 ; SBL1' '203.0.113.0/24 ; SBL2' \
		> www/drop/drop.txt
	openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=test -addext 'subjectAltName=DNS:feodotracker.abuse.ch,DNS:www.spamhaus.org' \
		-keyout server.key -out server.pem 2> /dev/null
	web_tls=1 start_nginx
	python3 "$IMQ_ROOT/tests/connect-proxy.py" "${web##*:}" proxy.port 3>&- &
	echo $! > proxy.pid
	zone asn.cymru.com <<- 'END'
		*.2.0.192.origin TXT "64500 | 192.0.2.0/24 | DE | ripencc | 2012-02-03"
		AS64500 TXT "64500 | DE | ripencc | 2002-01-04 | EXAMPLE, DE"
	END
	start_nsd
	start_redis
	wait_until test -s proxy.port
}

@test "default runtime: it is checked and compiled as it is, shellcheck has nothing to say" {
	run -0 imq-compile --check "$IMQ_ROOT/tests/data/runtime.yaml"
	[ -z "$output" ]
	mkdir script
	run -0 imq-compile --output script "$IMQ_ROOT/tests/data/runtime.yaml"
	shellcheck script/pipeline.sh
}

@test "default runtime: it runs, from the two feeds to the file" {
	publish
	sed "s|http_proxy: null|http_proxy: http://127.0.0.1:$(cat proxy.port)|; s|https_proxy: null|https_proxy: http://127.0.0.1:$(cat proxy.port)|
		s|http_verify_cert: true|http_verify_cert: $PWD/server.pem|; s|redis_cache_port: 6379|redis_cache_port: $redis_port|
		s|/opt/intelmq/var/lib/bots/file-output|$PWD|" "$IMQ_ROOT/tests/data/runtime.yaml" > runtime.yaml
	IMQ_STATE=$PWD/state IMQ_NAMESERVER=$dns imq run runtime.yaml > log 2>&1 3>&- &
	echo $! > pid
	wait_until eval '[ "$(wc -l < events.txt)" -ge 4 ]' || { cat log state/*.rejects; return 1; }
	# Where there are too many, more may follow.
	wait_until eval '! imq-queue list sqlite:state/queues.db | awk "{ n += \$2 + \$3 } END { exit !n }"'
	[ "$(jq -c '[."source.ip", ."source.network", ."source.asn", ."malware.name", ."classification.taxonomy"]' events.txt | sort)" = "$(sort <<- 'END'
		["192.0.2.7","192.0.2.0/24",64500,"dridex","malicious-code"]
		["192.0.2.8","192.0.2.0/24",64500,"emotet","malicious-code"]
		[null,"198.51.100.0/24",null,null,"abusive-content"]
		[null,"203.0.113.0/24",null,null,"abusive-content"]
		END
	)" ]
	[ "$(jq -r '."feed.name"' events.txt | sort | uniq -c | xargs)" = '2 Drop 2 Feodo Tracker' ]
	[ "$(jq -r 'select(."source.ip" == "192.0.2.7") | ."source.as_name"' events.txt)" = 'EXAMPLE, DE' ]
	run -1 grep -h . state/*.rejects
}
