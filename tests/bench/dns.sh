#!/bin/bash
# imq-reverse-dns and imq-gethostbyname against an NSD on the same machine: distinct names from a cold cache beside what dnsperf
# gets from that server, then through a proxy that delays or loses packets, then from the cache.
# Usage: tests/bench/dns.sh [NAMES], after `make bin/imq-reverse-dns bin/imq-gethostbyname build/bench/dns_proxy`.
set -eu
names=${1:-200000}
root=$(cd "$(dirname "$0")/../.." && pwd)
O=${O:-build}
PATH=$root/bin:$PATH:/usr/sbin
for program in nsd dnsperf; do
	command -v $program > /dev/null || { echo "$program is not installed: no figures for the DNS"; exit 0; }
done
BATS_TEST_TMPDIR=$(mktemp -d)
cd "$BATS_TEST_TMPDIR"
# shellcheck source=tests/lib.bash disable=SC1091
bats_require_minimum_version() { :; }
. "$root/tests/lib.bash"
# shellcheck source=tests/nsd.bash disable=SC1091
. "$root/tests/nsd.bash"
finish() {
	exec 9>&-
	stop_nsd
	rm -rf "$BATS_TEST_TMPDIR"
}
trap finish EXIT

awk -v n="$names" 'BEGIN { for (i = 0; i < n; i++) printf "h%d A 10.%d.%d.%d\n", i, i / 65536, i / 256 % 256, i % 256 }' | zone bench.example
awk -v n="$names" 'BEGIN { for (i = 0; i < n; i++) printf "%d.%d.%d PTR h%d.bench.example.\n", i % 256, i / 256 % 256, i / 65536, i }' | zone 10.in-addr.arpa
start_nsd ""
awk -v n="$names" 'BEGIN { for (i = 0; i < n; i++) printf "{\"source.ip\":\"10.%d.%d.%d\",\"source.port\":%d}\n", i / 65536, i / 256 % 256, i % 256, i % 65536 }' > ptr.events
awk -v n="$names" 'BEGIN { for (i = 0; i < n; i++) printf "{\"source.fqdn\":\"h%d.bench.example\",\"source.port\":%d}\n", i, i % 65536 }' > a.events
awk -v n="$names" 'BEGIN { for (i = 0; i < n; i++) printf "%d.%d.%d.10.in-addr.arpa PTR\n", i % 256, i / 256 % 256, i / 65536 }' > queries
awk -v n="$names" 'BEGIN { for (i = 0; i < 5 * n; i++) printf "{\"source.ip\":\"10.0.%d.%d\",\"source.port\":%d}\n", i / 256 % 16, i % 256, i % 65536 }' > cached.events

# measure LABEL COMMAND...: rate, CPU per record, memory; sees that no record is missing. The last argument is the file of events.
measure() {
	local label=$1 events=${!#}
	shift
	/usr/bin/time -o time -f '%e %U %S %M' "$@" --stats > out 2> err
	awk -v label="$label" -v n="$(wc -l < "$events")" '{ printf "%-46s %8d/s %6.1f us CPU each (%.1f user, %.1f system) %7d KiB\n",
		label, n / ($1 > 0 ? $1 : 0.01), ($2 + $3) / n * 1e6, $2 / n * 1e6, $3 / n * 1e6, $4 }' time
	tail -n 1 err | jq -r '"    in \(.in) out \(.out) failed \(.failed) negative \(.negative) retries \(.dns.retries) timeouts \(.dns.timeouts)"'
	[ "$(wc -l < out)" -eq "$(wc -l < "$events")" ]
}

proxy() {
	exec 9>&- || true
	rm -f life port
	mkfifo life
	"$root/$O/bench/dns_proxy" "$dns_port" "$@" < life > port &
	exec 9> life
	wait_until test -s port
	proxy=127.0.0.1#$(cat port)
}

for _ in 1 2; do
	/usr/bin/time -o time -f '%U %S' dnsperf -c 1 -T 1 -s 127.0.0.1 -p "$dns_port" -d queries -n 1 2> /dev/null > dnsperf.out
	awk '/per second/ { printf "%-46s %8d/s", "dnsperf -c 1", $4 }' dnsperf.out
	awk -v n="$names" '{ printf " %6.1f us CPU each\n", ($1 + $2) / n * 1e6 }' time
	measure 'imq-reverse-dns, cold' imq-reverse-dns --nameserver "$dns" ptr.events
	measure 'imq-gethostbyname, cold' imq-gethostbyname --nameserver "$dns" a.events
done
proxy 20
measure 'imq-reverse-dns, 20 ms delay' imq-reverse-dns --nameserver "$proxy" ptr.events
proxy 0 1
measure 'imq-reverse-dns, 1 % loss each way, in order' imq-reverse-dns --nameserver "$proxy" ptr.events
[ "$(tail -n 1 err | jq .failed)" -eq 0 ]
jq -r '."source.ip"' out | cmp - <(jq -r '."source.ip"' ptr.events)
measure 'imq-reverse-dns, 4,096 names, else cached' imq-reverse-dns --nameserver "$dns" cached.events
