load lib
load rabbitmq

# Two machines, network namespaces, that take from one queue of RabbitMQ on a third one.

setup_file() {
	need_program ip || return
	prefix=imq$$
	export prefix rabbitmq_namespace=${prefix}q
	if ! ip netns add "$rabbitmq_namespace" 2> /dev/null; then
		[ -z "${CI:-}" ] || [ "$(id -u)" != 0 ] || return 1
		skip 'network namespaces are not permitted'
	fi
	ip -n "$rabbitmq_namespace" link set lo up
	# A peer that does not answer any more is given up after some seconds.
	ip netns exec "$rabbitmq_namespace" sh -c 'cd /proc/sys/net/ipv4 && echo 1 > tcp_keepalive_time && echo 1 > tcp_keepalive_intvl &&
		echo 2 > tcp_keepalive_probes && echo 3 > tcp_retries2'
	machine a 192.0.2.1 192.0.2.2
	machine b 192.0.2.5 192.0.2.6
	start_rabbitmq
}

teardown_file() {
	stop_rabbitmq
	for machine in a b q; do
		ip netns del "$prefix$machine" 2> /dev/null || true
	done
}

teardown() {
	for machine in a b; do
		[ ! -s "$machine.pid" ] || kill -9 "$(cat $machine.pid)" 2> /dev/null || true
	done
	[ ! -e "/run/netns/${prefix}a" ] || ip -n "${prefix}a" link set eth0 up || true
}

# machine NAME BROKER'S-ADDRESS ADDRESS: a namespace joined with the broker's by a cable.
machine() {
	ip netns add "$prefix$1"
	ip -n "$prefix$1" link set lo up
	ip -n "$rabbitmq_namespace" link add "cable-$1" type veth peer name eth0 netns "$prefix$1"
	ip -n "$rabbitmq_namespace" address add "$2/30" dev "cable-$1"
	ip -n "$rabbitmq_namespace" link set "cable-$1" up
	ip -n "$prefix$1" address add "$3/30" dev eth0
	ip -n "$prefix$1" link set eth0 up
}

events() {
	seq -f '{"extra.number":%.0f}' 1 "$1"
}

# queue HOST NAME
queue() {
	echo "amqp://$1:${rabbitmq##*:}#$BATS_TEST_NUMBER-$2"
}

# imq-queue beside the broker: at VERB NAME.
at_broker() {
	in_namespace imq-queue "$1" "$(queue 127.0.0.1 "$2")"
}

# start_machine NAME BROKER'S-ADDRESS: a pump there, which says in each record where it was.
start_machine() {
	ip netns exec "$prefix$1" imq-pump --from "$(queue "$2" in)" --to "$(queue "$2" out)" --batch-size 50 -- \
		imq-taxonomy '|' sed -u "s/}\$/,\"extra.machine\":\"$1\"}/" 3>&- 2> "log-$1" &
	echo $! > "$1.pid"
}

more_than() {
	[ "$(at_broker count out)" -gt "$1" ]
}

# Takes what comes out until so many different events have come.
everything() {
	local tries=0
	until at_broker get out >> got && [ "$(jq '."extra.number"' got | sort -u | wc -l)" = "$1" ]; do
		tries=$((tries + 1))
		[ "$tries" -lt 120 ] || return 1
		sleep 0.5
	done
}

# Kills machine a by COMMAND in the midst of it: what it had in hand comes to b.
survives() {
	events 10000 | at_broker put in
	start_machine a 192.0.2.1
	start_machine b 192.0.2.5
	wait_until more_than 1000
	"$@"
	[ "$(at_broker count in)" -gt 0 ]
	everything 10000
	[ "$(jq -r '."extra.machine"' got | sort -u | xargs)" = 'a b' ]
	# Twice at most what was in flight on the machine that died.
	[ "$(wc -l < got)" -le 10050 ]
}

@test "namespaces: a machine's pump is killed: the other one takes over, nothing is lost" {
	kill_pump() {
		kill -9 "$(cat a.pid)"
	}
	survives kill_pump
}

@test "namespaces: a machine's cable is pulled: the other one takes over, nothing is lost" {
	survives ip -n "${prefix}a" link set eth0 down
}
