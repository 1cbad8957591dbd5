load lib
load web-sink

teardown() {
	stop_sink
}

elastic() {
	imq-to-elasticsearch --elastic-port "$port" "$@"
}

@test "to-elasticsearch: events become documents, in an index that is made where it is not there" {
	start_sink
	run -0 --separate-stderr elastic --stats <<< $'{"source.ip":"192.0.2.1","raw":"cg==","extra":{"a":{"b":1}},"comment":"é","__type":"Event","feed.name":"-"}\n{"source.asn":1}'
	[[ "$stderr" == *'"in":2,"created":0,"out":2,'*'"pending":0'* ]]
	[ "$(cat documents)" = $'intelmq - {"source.ip": "192.0.2.1", "raw": "cg==", "comment": "é", "extra.a.b": 1}\nintelmq - {"source.asn": 1}' ]
	[ "$(cat names)" = /intelmq ]
	[ "$(head -n 1 got | cut -f 1-3)" = $'POST\t/_bulk\tapplication/x-ndjson' ]
	elastic <<< '{"source.asn":2}'
	[ "$(cat names)" = /intelmq ]
}

@test "to-elasticsearch: an index for each day, week, month, year of events, whatever their names become" {
	start_sink
	echo /_template/i > names
	event='{"time.source":"2019-03-04T05:06:07.123456+00:00","time.observation":"2020-01-01T00:00:00+00:00"}'
	for rotation in daily weekly monthly yearly; do
		elastic --elastic-index i --rotate-index "$rotation" --replacement-char _ <<< "$event"
	done
	[ "$(cut -d ' ' -f 1 documents)" = $'i-2019-03-04\ni-2019-09\ni-2019-03\ni-2019' ]
	elastic --elastic-index i --rotate-index daily <<< $'{"time.source":"1869-12-02T00:00:00+00:00"}\n{"time.observation":"2024-02-03T23:59:59+00:00"}'
	IMQ_NOW=2031-05-06T00:00:00+00:00 elastic --elastic-index i --rotate-index daily <<< '{"comment":"a"}'
	[ "$(tail -n 3 documents | cut -d ' ' -f 1)" = $'i-1869-12-02\ni-2024-02-03\ni-2031-05-06' ]
	echo /_index_template/j > names
	elastic --elastic-index j --rotate-index daily <<< "$event"
	run -2 --separate-stderr elastic --elastic-index k --rotate-index daily <<< "$event"
	[[ "$stderr" == *'no template "k"'* ]]
}

@test "to-elasticsearch: objects in texts become fields, dots in names something else" {
	start_sink
	elastic --flatten-fields extra,output --replacement-char _ <<< '{"source.ip":"192.0.2.1","extra.a.b":"x","extra.c":[{"d.e":1}],"output":"{\"x\":1,\"y.z\":{\"p.q\":[{\"r.s\":1}]}}"}'
	[ "$(cut -d ' ' -f 3- documents | jq -S -c .)" = '{"extra_a_b":"x","extra_c":[{"d.e":1}],"output_x":1,"output_y_z":{"p_q":[{"r.s":1}]},"source_ip":"192.0.2.1"}' ]
	elastic --flatten-fields output <<< '{"output":"no JSON"}'
	[ "$(tail -n 1 documents)" = 'intelmq - {"output": "no JSON"}' ]
}

@test "to-elasticsearch: what the server refuses is rejected, what it has no room for is sent again, the others are there once" {
	start_sink
	printf '{"extra.n":%s,"comment":"%s"}\n' 1 good 2 bad 3 busy 4 good 5 busy > events
	run -3 --separate-stderr elastic --rejects rejects --stats events
	[[ "$stderr" == *'status 400: mapper_parsing_exception: failed to parse'* ]]
	[[ "$stderr" == *'"in":5,"created":0,"out":4,"dropped":0,"merged":0,"rejected":1,"pending":0'* ]]
	[ "$(jq -c '[.line, .record."extra.n"]' rejects)" = '[2,2]' ]
	[ "$(cut -d ' ' -f 3- documents | jq '."extra.n"' | sort | xargs)" = '1 3 4 5' ]
}

@test "to-elasticsearch: ids made of documents are the same for the same document" {
	start_sink
	elastic --document-id <<< $'{"comment":"a"}\n{"comment":"b"}'
	elastic --document-id <<< '{"comment":"a"}'
	[ "$(cut -d ' ' -f 2 documents | grep -c '^[0-9a-f]\{64\}$')" = 3 ]
	[ "$(cut -d ' ' -f 2 documents | sort -u | wc -l)" = 2 ]
}

@test "to-elasticsearch: many events are some requests, a barrier comes out behind all of them" {
	start_sink
	{ seq 1 3000 | sed 's/.*/{"extra.n":&}/'; echo; } > events
	run -0 --separate-stderr elastic --stats events
	[[ "$stderr" == *'"out":3000,'* ]]
	[ "$(wc -l < documents)" = 3000 ]
	[ "$(grep -c _bulk got)" -le 50 ]
	mkfifo in
	elastic < in > out 3>&- &
	pid=$!
	exec 9> in
	printf '{"comment":"last"}\n\n' >&9
	wait_until test -s out
	grep -q '"comment": "last"' documents
	exec 9>&-
	wait "$pid"
}

@test "to-elasticsearch: a server that is not there or goes away ends the command, a strange answer delivers nothing" {
	start_sink
	printf '{"comment":"a"}\n\n' > events
	for status in 503 401; do
		echo "$status" > answer
		run -5 --separate-stderr elastic --http-timeout-max-tries 1 events
		[ -z "$output" ]
	done
	echo 201 > answer
	run -3 --separate-stderr elastic --rejects rejects events
	[[ "$stderr" == *'does not say what became of it'* ]]
	[ "$(wc -l < rejects)" = 1 ]
	stop_sink
	run -5 --separate-stderr elastic --http-timeout-max-tries 1 events
	[ -z "$output" ]
	run -2 elastic --elastic-host a/b <<< '{}'
	run -2 elastic --elastic-index '' <<< '{}'
	run -2 elastic --rotate-index hourly <<< '{}'
}
