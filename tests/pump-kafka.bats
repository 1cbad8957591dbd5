load lib
load kafka
load tls

# imq-pump and imq-queue over Kafka: librdkafka's mock cluster.

setup_more() {
	start_kafka in out empty
}

teardown() {
	stop_kafka
}

events() {
	seq -f '{"extra.number":%.0f,"classification.type":"scanner"}' "$1" "$2"
}

queue() {
	echo "kafka://$kafka#$1"
}

@test "kafka: records go in, are counted and looked at, and come out once" {
	events 1 3000 | imq-queue put "$(queue in)"
	[ "$(imq-queue count "$(queue in)")" = 3000 ]
	[ "$(imq-queue peek -n 5 "$(queue in)" | grep -c number)" = 5 ]
	imq-queue get "$(queue in)" | sort > got
	events 1 3000 | sort | cmp - got
	[ "$(imq-queue count "$(queue in)")" = 0 ]
	[ "$(imq-queue count "kafka://$kafka?group=other#in")" = 3000 ]
}

@test "kafka: records go through a pipeline" {
	events 1 2500 | imq-queue put "$(queue in)"
	run -0 --separate-stderr imq-pump --from "$(queue in)" --to "$(queue out)" --drain --stats -- imq-taxonomy '|' cat
	[[ "$stderr" == *'"in":2500,"created":0,"out":2500,'* ]]
	imq-queue get "$(queue out)" | sort > got
	events 1 2500 | imq-taxonomy | sort | cmp - got
}

@test "kafka: absent brokers and wrong settings are told" {
	run -2 imq-queue put "kafka://$kafka?no.such.setting=1#in"
	[[ "$output" == *'No such configuration property: "no.such.setting"'* ]]
	run -4 imq-queue put "kafka://127.0.0.1:1?message.timeout.ms=500#in" <<< '{"a":1}'
	[[ "$output" == *'imq-queue: kafka 127.0.0.1:1: '* ]]
	[ -z "$(imq-queue get "$(queue empty)")" ]
}

@test "kafka: with --spool, a pump that is killed once a deduplicator has noted its events loses none" {
	printf '%s\n' '#!/usr/bin/python3' 'import os, sys' 'for line in sys.stdin.buffer:' \
		'    if line == b"\n" and (left := open("kills").readlines()):' '        open("kills", "w").writelines(left[1:])' \
		'        os.kill(os.getppid(), 9)' '        sys.exit()' '    sys.stdout.buffer.write(line)' \
		'    if line == b"\n":' '        sys.stdout.buffer.flush()' > killer
	chmod +x killer
	pump=(imq-pump --from "kafka://$kafka?session.timeout.ms=6000&heartbeat.interval.ms=500#in" --spool spool --to sqlite:q#out --drain --batch-size 200 --
		imq-deduplicator --state dedup --filter-type whitelist --filter-keys extra.number '|' ./killer)
	for i in 1 2; do events 1 500; done | imq-queue put "$(queue in)"
	printf 'kill\nkill\n' > kills
	run -137 "${pump[@]}"
	run -137 "${pump[@]}"
	run -0 "${pump[@]}"
	[ "$(imq-queue count sqlite:spool#in)" = 0 ]
	[ "$(imq-queue count "$(queue in)")" = 0 ]
	imq-queue get sqlite:q#out | jq '."extra.number"' | sort -n > got
	seq 500 | cmp - got
}

@test "kafka: a reader that is killed goes on from its last commit: nothing is lost, nothing is acknowledged before it is delivered" {
	events 1 3000 | imq-queue put "$(queue in)"
	# Delivers what it reads to a file. Takes the pump with it at the batches that ./kills names: `early`, before it has delivered any of it;
	# `late`, when all of it is delivered and nothing is acknowledged yet.
	cat > sink <<- 'END'
		#!/usr/bin/python3
		import os, sys
		out, batch = open("delivered", "ab", 0), []
		kills = [line.split() for line in open("kills")]
		number = 0
		def die(when):
		    if kills and kills[0] == [str(number), when]:
		        with open("kills", "w") as f:
		            f.writelines(" ".join(k) + "\n" for k in kills[1:])
		        os.kill(os.getppid(), 9)
		        os._exit(0)
		for line in sys.stdin.buffer:
		    if line != b"\n":
		        batch.append(line)
		        continue
		    number += bool(batch)
		    die("early")
		    out.write(b"".join(batch))
		    if batch:
		        open("last", "w").write(str(len(batch)))
		        die("late")
		    batch = []
		    sys.stdout.buffer.write(line)
		    sys.stdout.buffer.flush()
	END
	chmod +x sink
	printf '%s\n' '3 early' '4 late' > kills
	pump=(imq-pump --from "kafka://$kafka?session.timeout.ms=4000&heartbeat.interval.ms=500#in" --drain --batch-size 200 -- ./sink)
	run -137 "${pump[@]}"
	[ "$(imq-queue count "$(queue in)")" = $((3000 - $(wc -l < delivered))) ]
	run -137 "${pump[@]}"
	twice=$(cat last)
	[ "$(imq-queue count "$(queue in)")" = $((3000 - ($(wc -l < delivered) - twice))) ]
	run -0 "${pump[@]}"
	[ "$(imq-queue count "$(queue in)")" = 0 ]
	sort -u delivered > got
	events 1 3000 | sort | cmp - got
	# What was delivered and not acknowledged came again, nothing else.
	[ "$(wc -l < delivered)" = $((3000 + twice)) ]
}

@test "kafka: what a killed reader had goes to the other one of its group" {
	for n in 1 2; do
		imq-pump --from "kafka://$kafka?session.timeout.ms=4000&heartbeat.interval.ms=500#in" --to sqlite:q#$n --batch-size 50 -- cat 3>&- 8>&- 2> log$n &
		echo "$!" > pump$n.pid
	done
	count() {
		imq-queue count "sqlite:q#$1"
	}
	both_read() {
		events 1 30 | imq-queue put "$(queue in)"
		[ "$(count 1)" -gt 0 ] && [ "$(count 2)" -gt 0 ]
	}
	wait_until both_read || wait_until both_read
	kill -9 "$(cat pump1.pid)"
	events 1001 2000 | imq-queue put "$(queue in)"
	all_read() {
		for n in 1 2; do imq-queue peek -n 100000 sqlite:q#$n; done | sort -u > got
		[ "$(wc -l < got)" = 1030 ]
	}
	wait_until all_read || wait_until all_read
	kill "$(cat pump2.pid)"
	wait "$(cat pump2.pid)"
}

@test "kafka: over TLS, through a proxy before the mock cluster; a certificate that is refused is told" {
	stop_kafka
	make_certificates
	make_certificate two two IP:127.0.0.2
	rm kafka.life kafka.address
	KAFKA_TLS="two.pem two.key ca.pem" start_kafka in
	own="security.protocol=ssl&ssl.certificate.location=$PWD/client.pem&ssl.key.location=$PWD/client.key"
	events 1 500 | imq-queue put "kafka://$kafka?$own&ssl.ca.location=$PWD/ca.pem#in"
	imq-queue get "kafka://$kafka?$own&ssl.ca.location=$PWD/ca.pem#in" | sort > got
	events 1 500 | sort | cmp - got
	run -4 imq-queue put "kafka://$kafka?$own&ssl.ca.location=$PWD/stranger.pem&message.timeout.ms=1000#in" <<< '{}'
	[[ "$output" == *'certificate verify failed'* ]]
	run -4 imq-queue get "kafka://$kafka?$own&ssl.ca.location=$PWD/stranger.pem#in"
	[[ "$output" == *'certificate verify failed'* ]]
	# Signed well, but for another host.
	stop_kafka
	rm kafka.life kafka.address
	KAFKA_TLS="server.pem server.key ca.pem" start_kafka in
	run -4 imq-queue get "kafka://$kafka?$own&ssl.ca.location=$PWD/ca.pem#in"
	[[ "$output" == *'certificate verify failed'* ]]
	[ "$(imq-queue count "kafka://$kafka?$own&ssl.ca.location=$PWD/ca.pem&ssl.endpoint.identification.algorithm=none#in")" = 0 ]
}
