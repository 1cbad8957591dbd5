#!/bin/sh
# imq-parse beyond CSV rows: JSON lines against jq doing only the conversion, HTML, XML, key=value, and what it holds of documents of
# BYTES that come through a pipe. LINES sets how many JSON lines.
set -u
cd "$(dirname "$0")/../.." || exit 1
PATH=$PWD/bin:$PATH
LINES=${LINES:-500000}
BYTES=${BYTES:-1000000000}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# cpu RECORDS FILE COMMAND...: the records a second of CPU time, in $rate.
cpu() {
	records=$1 file=$2
	shift 2
	taskset -c 0 /usr/bin/time -o "$work/time" -f '%U %S %M' "$@" < "$file" > /dev/null 2> "$work/err" || cat "$work/err"
	rate=$(tail -n 1 "$work/time" | awk -v n="$records" '{ cpu = $1 + $2; printf "%.0f", n / (cpu > 0.01 ? cpu : 0.01) }')
	printf '%-44s %9d/s %21s KiB\n' "$(echo "$*" | cut -c1-44)" "$rate" "$(tail -n 1 "$work/time" | cut -d' ' -f3)"
}

# held LABEL COMMAND...: the memory of a command that reads stdin.
held() {
	label=$1
	shift
	/usr/bin/time -o "$work/time" -f '%M' "$@" > /dev/null 2> "$work/err" || cat "$work/err"
	printf '%-44s %33s KiB\n' "$label" "$(tail -n 1 "$work/time")"
}

object='{"ip_address":"198.51.100.%d","port":%d,"status":"online","hostname":"h%d.example.net","as_number":%d,"as_name":"EXAMPLE-AS","country":"AT","first_seen":"2026-02-03 04:05:06","last_online":"2026-03-04","malware":"Dridex"}'

# objects COUNT SEPARATOR
objects() {
	awk -v n="$1" -v f="$object" -v s="$2" 'BEGIN { for (i = 0; i < n; i++) printf (i ? s : "") f, i % 254 + 1, i % 65000 + 1, i, 64496 + i % 16 }'
}

sed -e 's/^format: json$/format: jsonl/' -e '/^records:/d' share/feeds/abusech/feodotracker.yaml > "$work/lines.yaml"
objects "$LINES" '\n' > "$work/lines"
head -n $((LINES / 10)) "$work/lines" > "$work/few"
cpu "$LINES" "$work/lines" imq-parse --input raw "$work/lines.yaml"
ours=$rate
cpu $((LINES / 10)) "$work/few" jq -c '{"classification.type": "c2-server", "source.ip": .ip_address, "source.port": .port,
	"time.source": (.first_seen | strptime("%Y-%m-%d %H:%M:%S") | strftime("%Y-%m-%dT%H:%M:%S+00:00")), "source.asn": .as_number,
	"source.as_name": .as_name, "source.geolocation.cc": .country, "source.reverse_dns": .hostname,
	"malware.name": (.malware | ascii_downcase), "extra.last_online": .last_online, status: .status, raw: ("[" + tojson + "]" | @base64)}'
awk -v a="$ours" -v b="$rate" 'BEGIN { printf "%44s %8.1f x jq\n", "", a / b }'

# Shadowserver's SIP report with the provider's own schema, where there is a copy of it.
schema=../shared/data/shadowserver-schema.json
if [ -e "$schema" ]; then
	head='timestamp,severity,ip,protocol,port,hostname,tag,asn,geo,region,city,hostname_source,naics,sector,sip,sip_code,user_agent,'
	head=${head}sip_via,sip_to,sip_from,content_length,content_type,server,contact,cseq,call_id,allow,amplification,response_size,device_vendor
	awk -v head="$head" -v rows="$LINES" 'BEGIN { print head; for (i = 0; i < rows; i++)
		printf "2026-01-02 03:04:%02d,medium,198.51.100.%d,udp,5060,h%d.example.net,sip,%d,AT,Wien,Vienna,ptr,517312,Communications," \
			"SIP/2.0,200,\"Agent, one\",SIP/2.0/UDP,nm@example.net,nm@example.net,0,text/plain,srv %d,sip:x,42 OPTIONS,%d," \
			"\"INVITE, ACK\",1.5,%d,Vendor\n", i % 60, i % 254 + 1, i, 64496 + i % 16, i, i, i % 900 }' > "$work/scan_sip.csv"
	cpu "$LINES" "$work/scan_sip.csv" imq-parse shadowserver --feedname Accessible-SIP --schema "$schema"
fi

rows=$((BYTES / 230))
{ printf '['; objects "$rows" ','; printf ']'; } | held "a JSON array of $BYTES bytes" imq-parse --input raw feodotracker
printf 'provider: Bench\nformat: json\nrecords: data.list\nfields: {source.ip: ip_address}\n' > "$work/below.yaml"
{ printf '{"data":{"list":['; objects "$rows" ','; printf ']}}'; } | held '  below a path' imq-parse --input raw "$work/below.yaml"
objects "$rows" '\n' | held '  as lines' imq-parse --input raw "$work/lines.yaml"
awk -v rows=$((BYTES / 130)) -f tests/bench/feed-csv.awk | held "CSV of $BYTES bytes" imq-parse \
	-c source.ip,time.source,source.port,source.asn,source.as_name,source.fqdn,source.url,source.geolocation.cc --type scanner
