load lib

hash() {
	imq-geohash "${@:3}" <<< "{\"source.geolocation.latitude\":$1,\"source.geolocation.longitude\":$2}" | jq -r '."extra.source.geolocation.geohash"'
}

@test "geohash: both coordinates become a name" {
	run -0 imq-geohash <<< '{"source.geolocation.latitude":48.2,"source.geolocation.longitude":16.37}'
	[ "$output" = '{"source.geolocation.latitude":48.2,"source.geolocation.longitude":16.37,"extra.source.geolocation.geohash":"u2edhw8"}' ]
	[ "$(hash 48.2 16.37 --precision 12)" = u2edhw832ehx ]
	[ "$(hash 0 0)" = s000000 ]
	[ "$(hash 90 180)" = zzzzzzz ]
	[ "$(hash -90 -180)" = 0000000 ]
	run -0 imq-geohash <<< '{"destination.geolocation.latitude":-22.908333,"destination.geolocation.longitude":-43.196389}'
	[[ "$output" == *'"extra.destination.geolocation.geohash":"75cm9j9"}' ]]
}

@test "geohash: a name that is there stays, --overwrite replaces it" {
	event='{"extra.source.geolocation.geohash":"x","source.geolocation.latitude":0,"source.geolocation.longitude":0}'
	run -0 imq-geohash <<< "$event"
	[ "$output" = "$event" ]
	run -0 imq-geohash --overwrite <<< "$event"
	[[ "$output" == '{"extra.source.geolocation.geohash":"s000000",'* ]]
}

@test "geohash: half a place, or one in words, is none" {
	for event in '{"source.geolocation.latitude":1.0}' '{"source.geolocation.latitude":"1","source.geolocation.longitude":"2"}' '{}'; do
		run -0 imq-geohash <<< "$event"
		[ "$output" = "$event" ]
	done
}

@test "geohash: precision from none to the limit" {
	[ "$(hash 1 2 --precision 0)" = null ]
	[ "$(hash 1 2 --precision -3)" = null ]
	[ "$(hash 1 2 --precision 64 | wc -c)" -eq 65 ]
	run -2 imq-geohash --precision 65 <<< '{}'
}

@test "geohash: coordinates beyond the earth are in the cell at its border" {
	[ "$(hash 1e300 -1e300)" = bpbpbpb ]
	run -0 imq-geohash <<< '{"source.geolocation.latitude":1e999,"source.geolocation.longitude":0}'
	[ "$output" = '{"source.geolocation.latitude":1e999,"source.geolocation.longitude":0}' ]
}
