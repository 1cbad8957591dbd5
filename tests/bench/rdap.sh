#!/bin/sh
# imq-rdap against a server that takes 50 ms for each answer: distinct lookups a second at --concurrency 100, and events a second
# from the cache. Usage: tests/bench/rdap.sh [LOOKUPS [EVENTS]], after `make bin/imq-rdap build/bench/slow_http`.
set -eu
lookups=${1:-10000} events=${2:-1000000}
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
trap 'exec 9>\&-; rm -rf "$folder"' EXIT
cd "$folder"
mkfifo life
"$root/build/bench/slow_http" 50 < life > port &
exec 9> life
while [ ! -s port ]; do :; done
mkdir boot
echo "{\"services\":[[[\"com\"],[\"http://127.0.0.1:$(cat port)/\"]]]}" > boot/dns.json
now() { date +%s%N; }
rate() { awk -v n="$1" -v from="$2" -v to="$3" -v what="$4" 'BEGIN { printf "%s: %.0f/s\n", what, n / (to - from) * 1e9 }'; }

awk -v n="$lookups" 'BEGIN { for (i = 0; i < n; i++) printf "{\"source.fqdn\":\"www.d%d.com\",\"source.port\":%d}\n", i, i }' > distinct
from=$(now)
"$root/bin/imq-rdap" --bootstrap boot --concurrency 100 --cache-size 64M distinct > out
rate "$lookups" "$from" "$(now)" "distinct lookups, 100 in flight"
[ "$(grep -c abuse@x.example out)" -eq "$lookups" ]

# Events as they are: some 700 bytes, of a hundred domains.
awk -v n="$events" 'BEGIN { for (i = 0; i < 600; i++) pad = pad "x"
	for (i = 0; i < n; i++) printf "{\"source.fqdn\":\"www.d%d.com\",\"source.port\":%d,\"event_description.text\":\"%s\"}\n", i * 7919 % 100, i, pad }' > many
from=$(now)
/usr/bin/env time -f 'memory: %M KiB, %U s user, %S s system' "$root/bin/imq-rdap" --bootstrap boot --concurrency 100 many > /dev/null
rate "$events" "$from" "$(now)" "events, all but 100 from the cache"
