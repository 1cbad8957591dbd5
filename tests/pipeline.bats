load lib

# A whole botnet: a collector, a parser, experts in one pipeline, a fan-out into files and a database.
setup_more() {
	export IMQ_STATE=$PWD/state
	mkdir in
	cat > runtime.yaml <<- END
		file-collector:
		  group: Collector
		  name: Feodo Tracker
		  module: intelmq.bots.collectors.file.collector_file
		  parameters: {path: $PWD/in, postfix: .json, delete_file: true, rate_limit: 1, destination_queues: [parser-queue]}
		parser:
		  group: Parser
		  module: intelmq.bots.parsers.abusech.parser_feodotracker
		  parameters: {destination_queues: [dedup-queue]}
		dedup:
		  group: Expert
		  module: intelmq.bots.experts.deduplicator.expert
		  parameters: {filter_keys: source.ip, filter_type: whitelist, destination_queues: [filter-queue]}
		filter:
		  group: Expert
		  module: intelmq.bots.experts.filter.expert
		  parameters:
		    filter_key: source.geolocation.cc
		    filter_value: AT
		    filter_action: keep
		    destination_queues: {_default: [sql-queue, file-queue], filter_no_match: [rest-queue]}
		sql:
		  group: Output
		  module: intelmq.bots.outputs.sql.output
		  parameters: {engine: sqlite, database: $PWD/db, create_schema: true}
		file: {group: Output, module: intelmq.bots.outputs.file.output, parameters: {file: $PWD/at}}
		rest: {group: Output, module: intelmq.bots.outputs.file.output, parameters: {file: $PWD/rest}}
	END
}

teardown() {
	[ ! -s pid ] || kill "$(cat pid)" 2> /dev/null || true
	[ ! -s pid ] || wait_until test ! -e "/proc/$(cat pid)"
}

# feed NAME COUNTRY ADDRESS...
feed() {
	local name=$1 country=$2
	shift 2
	printf '{"ip_address":"%s","port":443,"country":"'"$country"'"}\n' "$@" | jq -s . > "new"
	mv new "in/$name.json"
}

start() {
	imq run runtime.yaml > log 2>&1 3>&- &
	echo $! > pid
}

lines() {
	[ -e "$1" ] && [ "$(wc -l < "$1")" -eq "$2" ]
}

@test "pipeline: a runtime.yaml runs from the collector to its outputs, and ends as a whole" {
	feed a AT 192.0.2.1 192.0.2.2 192.0.2.1
	feed b DE 198.51.100.1
	start
	wait_until lines at 2
	wait_until lines rest 1
	wait_until test -s db
	wait_until eval '[ "$(sqlite3 db "SELECT count(*) FROM events")" = 2 ]'
	run -0 imq status
	[[ "$output" == *'parser '*'running'* ]]
	pumps=$(awk '/^parser/ { print $3 }' <<< "$output")
	[ -e "/proc/$pumps" ]
	kill "$(cat pid)"
	wait "$(cat pid)"
	run -1 imq status
	[[ "$output" == *'parser '*'stopped'* ]]
	[ ! -e "/proc/$pumps" ]
	[ -z "$(ls in)" ]
}

@test "pipeline: a pump that is killed is started again, nothing is lost, nothing comes twice to the database" {
	feed a AT 192.0.2.1
	start
	wait_until lines at 1
	first=$(imq status | awk '/^parser/ { print $3 }')
	kill -9 "$first"
	feed b AT 192.0.2.2 192.0.2.1
	# What was in flight comes to a file again.
	wait_until eval '[ "$(sort -u at | wc -l)" = 2 ]'
	wait_until eval '[ "$(sqlite3 db "SELECT count(DISTINCT \"source.ip\") FROM events")" = 2 ]'
	[ "$(sqlite3 db 'SELECT count(*) FROM events')" = 2 ]
	[ "$(imq status | awk '/^parser/ { print $3 }')" != "$first" ]
	grep -q 'pipeline parser: exit status 137, again in 1 s' log
}

@test "pipeline: what is wrong with the file is told, and nothing runs" {
	sed -i 's/filter_keys/filter_key/' runtime.yaml
	run -2 imq run runtime.yaml
	[[ "$output" == *'unknown parameter "filter_key" of imq-deduplicator'* ]]
	run -2 imq check runtime.yaml
	[[ "$output" == *'did you mean "filter_keys"'* ]]
	run -2 imq run no-such.yaml
	[ ! -e at ]
}

@test "pipeline: status and top tell of pumps, hostile notes included" {
	run -2 imq status no-such
	run -2 imq status .
	mkdir notes
	printf '{"pid":%d,"in":5,"out":4,"waiting":3,"restarts":2,"error":"a\\u001b[31mb"}' $$ > notes/x.status
	echo '[1]' > notes/y.status
	echo 'nonsense' > notes/z.status
	run -1 imq status notes
	[ "${#lines[@]}" -eq 2 ]
	[[ "${lines[1]}" == 'x '*stopped*' 5 '*' 4 '*' 3 '*' 2 '*'a [31mb' ]]
	run -0 imq top notes
	[[ "${lines[0]}" == *'IN/S'* ]]
}
