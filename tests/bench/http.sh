#!/bin/sh
# imq-http-status against nginx on loopback: distinct URLs a second with 100 in flight, and events a second from the cache.
# Usage: tests/bench/http.sh [URLS [EVENTS]], after `make bin/imq-http-status`.
set -eu
urls=${1:-50000} events=${2:-1000000}
root=$(cd "$(dirname "$0")/../.." && pwd)
folder=$(mktemp -d)
stop() {
	[ ! -s "$folder/pid" ] || kill "$(cat "$folder/pid")"
	rm -rf "$folder"
}
trap stop EXIT
cd "$folder"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir body www
echo hello > www/index.html
cat > conf << END
$([ "$(id -u)" -ne 0 ] || echo 'user root;')
pid $folder/pid;
error_log $folder/error.log;
worker_processes 1;
events { worker_connections 2048; }
http {
	access_log off;
	keepalive_requests 1000000;
	client_body_temp_path $folder/body; proxy_temp_path $folder/body; fastcgi_temp_path $folder/body; uwsgi_temp_path $folder/body;
	scgi_temp_path $folder/body;
	server { listen 127.0.0.1:$port; location / { return 200 "hello"; } }
}
END
nginx -q -p "$folder" -e "$folder/error.log" -c "$folder/conf"
while [ ! -s pid ]; do :; done
now() { date +%s%N; }
rate() { awk -v n="$1" -v from="$2" -v to="$3" -v what="$4" 'BEGIN { printf "%s: %.0f/s\n", what, n / (to - from) * 1e9 }'; }
status() { /usr/bin/env time -f 'memory: %M KiB, %U s user, %S s system' "$root/bin/imq-http-status" --allow-private --concurrency 100 "$@"; }

awk -v n="$urls" -v port="$port" 'BEGIN { for (i = 0; i < n; i++) printf "{\"source.url\":\"http://127.0.0.1:%d/%d\",\"source.port\":%d}\n", port, i, i }' > distinct
from=$(now)
status distinct > out
rate "$urls" "$from" "$(now)" "http-status, distinct URLs, 100 in flight"
[ "$(grep -c '"status":"online"' out)" -eq "$urls" ]

# Events as they are: some 700 bytes, with a hundred URLs.
awk -v n="$events" -v port="$port" 'BEGIN { for (i = 0; i < 600; i++) pad = pad "x"
	for (i = 0; i < n; i++) printf "{\"source.url\":\"http://127.0.0.1:%d/%d\",\"source.port\":%d,\"event_description.text\":\"%s\"}\n", port, i * 7919 % 100, i, pad }' > many
from=$(now)
status many > /dev/null
rate "$events" "$from" "$(now)" "http-status, events, all but 100 from the cache"
