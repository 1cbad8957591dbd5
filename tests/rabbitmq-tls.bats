load lib
load rabbitmq
load tls

# RabbitMQ over TLS: $secure is a port of 127.0.0.1 and 127.0.0.2, with a certificate for localhost and 127.0.0.1.

setup_file() {
	export secure files=$BATS_FILE_TMPDIR
	secure=$(free_port)
	cd "$files" || return
	make_certificates
	start_rabbitmq "listeners.ssl.1 = 127.0.0.1:$secure" "listeners.ssl.2 = 127.0.0.2:$secure" "ssl_options.cacertfile = $files/ca.pem" \
		"ssl_options.certfile = $files/server.pem" "ssl_options.keyfile = $files/server.key" 'ssl_options.verify = verify_peer' \
		'ssl_options.fail_if_no_peer_cert = false'
}

teardown_file() {
	stop_rabbitmq
}

events() {
	seq -f '{"extra.number":%.0f,"classification.type":"scanner","__type":"Event"}' "$1" "$2"
}

# The URL of a queue at a host, with further settings.
at() { # HOST NAME [&SETTING=VALUE]...
	echo "amqps://$1:$secure?cafile=$files/ca.pem${3:-}#$2"
}

@test "rabbitmq-tls: records go through a queue, at a name and at an address" {
	events 1 5000 | imq-queue put "$(at localhost in)"
	run -0 --separate-stderr imq-pump --from "$(at 127.0.0.1 in)" --to "$(at localhost out)" --drain --stats -- imq-taxonomy
	[[ "$stderr" == *'"in":5000,'*'"out":5000,'* ]]
	imq-queue get "$(at localhost out)" > got
	events 1 5000 | imq-taxonomy | cmp - got
}

@test "rabbitmq-tls: a certificate that nobody known has signed, or of another host, is refused; verify=false takes it" {
	events 1 1 | imq-queue put "$(at localhost q)"
	for trust in '' "?cafile=$files/stranger.pem"; do
		run -2 imq-queue count "amqps://localhost:$secure$trust#q"
		[[ "$output" == 'imq-queue: amqps localhost: the server'\''s certificate is refused: '*certificate* ]]
	done
	run -2 imq-queue count "$(at 127.0.0.2 q)"
	[[ "$output" == 'imq-queue: amqps 127.0.0.2: the server'\''s certificate is refused: '*'IP address'* ]]
	run -2 imq-pump --from "$(at 127.0.0.2 q)" --to sqlite:q#q -- cat
	[ "$(imq-queue count "amqps://127.0.0.2:$secure?verify=false#q")" = 1 ]
}

@test "rabbitmq-tls: files that are missing, settings without TLS, and a port without TLS, are told" {
	run -2 imq-queue count "$(at localhost q "&certfile=$PWD/none")"
	[[ "$output" == *"certfile $PWD/none: No such file or directory" ]]
	run -2 imq-queue count "amqps://localhost:$secure?cafile=$PWD/none#q"
	[[ "$output" == *"cafile $PWD/none: No such file or directory" ]]
	run -2 imq-queue count "$(at localhost q '&verify=perhaps')"
	[[ "$output" == *'verify=perhaps: it is true or false' ]]
	run -2 imq-queue count "amqp://$rabbitmq?verify=true#q"
	[ "$output" = 'imq-queue: amqp: verify is a setting of amqps:' ]
	run -2 imq-queue count "amqps://$rabbitmq?cafile=$files/ca.pem#q"
	[[ "$output" == *'amqps 127.0.0.1: TLS: wrong version number' ]]
}

@test "rabbitmq-tls: imq-to-amqp and imq-from-amqp" {
	tls=(--use-ssl --connection-host localhost --connection-port "$secure" --ssl-ca-certificate "$files/ca.pem")
	own=(--ssl-client-certificate "$files/client.pem" --ssl-client-certificate-key "$files/client.key")
	events 1 1 | imq-queue put "$(at localhost bots)"
	events 2 3 | imq-to-amqp "${tls[@]}" "${own[@]}" --routing-key bots --message-with-type
	imq-from-amqp "${tls[@]}" --ssl-client-certificate "$files/both.pem" --queue-name bots --drain --expect-intelmq-message | cmp - <(events 1 3)
	run -2 imq-to-amqp "${tls[@]}" --ssl-client-certificate "$files/stranger.pem" --ssl-client-certificate-key "$files/stranger.key" --routing-key bots <<< '{}'
	[[ "$output" == *'TLS: '*alert* ]]
	run -2 imq-from-amqp --use-ssl --connection-host localhost --connection-port "$secure" --queue-name bots --drain
	[[ "$output" == *'certificate is refused: '* ]]
}

@test "rabbitmq-tls: a certificate of our own where the broker asks for one" {
	events 1 1 | imq-queue put "$(at localhost own)"
	ours="&certfile=$files/client.pem&keyfile=$files/client.key"
	run -2 imq-queue count "$(at localhost own "&certfile=$files/stranger.pem&keyfile=$files/stranger.key")"
	[[ "$output" == *'TLS: '*alert* ]]
	[ "$(imq-queue count "$(at localhost own "$ours")")" = 1 ]
	kill_rabbitmq
	sed -i 's/fail_if_no_peer_cert = false/fail_if_no_peer_cert = true/' "$rabbitmq_folder/rabbitmq.conf"
	run_rabbitmq
	run -2 imq-queue put "$(at localhost other)" <<< '{}'
	[[ "$output" == *'TLS: '*alert* ]]
	# A queue of its own: a broker that is killed so soon may have forgotten the first.
	events 1 1 | imq-queue put "$(at localhost other "$ours")"
	[ "$(imq-queue get "$(at localhost other "&certfile=$files/both.pem")")" = "$(events 1 1)" ]
}

@test "rabbitmq-tls: a broker that is killed and started again is waited for" {
	ours="&certfile=$files/both.pem"
	imq-pump --from "$(at localhost live "$ours")" --to sqlite:q#out -- cat 3>&- 2> log &
	pump=$!
	events 1 3 | imq-queue put "$(at localhost live "$ours")"
	wait_until sh -c '[ "$(imq-queue count sqlite:q#out)" = 3 ]'
	kill_rabbitmq
	wait_until grep -q 'amqps\{0,1\} localhost: ' log
	run_rabbitmq
	events 4 5 | imq-queue put "$(at localhost live "$ours")"
	wait_until sh -c '[ "$(imq-queue peek -n 99 sqlite:q#out | sort -u | wc -l)" = 5 ]'
	kill "$pump"
	wait "$pump"
}
