load lib

setup_more() {
	"$IMQ_ROOT/tests/mmdb.py" city.mmdb GeoLite2-City <<- 'END'
		{"192.0.2.0/25": {"country": {"iso_code": "AT"}, "registered_country": {"iso_code": "DE"},
			"location": {"latitude": 48.2, "longitude": 0.0}, "city": {"names": {"de": "Wien", "en": "Vienna"}}},
		 "192.0.2.128/25": {"registered_country": {"iso_code": "DE"}},
		 "2001:db8::/32": {"country": {"iso_code": "JP"}, "city": {"names": {"en": ""}}},
		 "198.51.100.0/24": {"country": {"iso_code": "XXX"}, "location": {"latitude": 1e300, "longitude": "east"}, "city": 7}}
	END
}

@test "maxmind-geoip: country, place and city of both addresses" {
	run -0 imq-maxmind-geoip --database city.mmdb <<< '{"source.ip":"192.0.2.1","destination.ip":"2001:db8::1"}'
	[ "$output" = '{"source.ip":"192.0.2.1","destination.ip":"2001:db8::1","source.geolocation.cc":"AT","source.geolocation.latitude":48.2,"source.geolocation.longitude":0.0,"source.geolocation.city":"Vienna","destination.geolocation.cc":"JP"}' ]
}

@test "maxmind-geoip: the country of registration where it is asked for, neither stands in for the other" {
	run -0 imq-maxmind-geoip -d city.mmdb --use-registered <<< '{"destination.ip":"192.0.2.200"}'
	[ "$output" = '{"destination.ip":"192.0.2.200","destination.geolocation.cc":"DE"}' ]
	run -0 imq-maxmind-geoip -d city.mmdb <<< '{"destination.ip":"192.0.2.200"}'
	[ "$output" = '{"destination.ip":"192.0.2.200"}' ]
	run -0 imq-maxmind-geoip -d city.mmdb --use-registered <<< '{"source.ip":"2001:db8::1"}'
	[ "$output" = '{"source.ip":"2001:db8::1"}' ]
}

@test "maxmind-geoip: what is there stays, --overwrite replaces it" {
	event='{"source.geolocation.cc":"ZZ","source.ip":"2001:db8::1"}'
	run -0 imq-maxmind-geoip -d city.mmdb <<< "$event"
	[ "$output" = "$event" ]
	run -0 imq-maxmind-geoip -d city.mmdb --overwrite <<< "$event"
	[ "$output" = '{"source.geolocation.cc":"JP","source.ip":"2001:db8::1"}' ]
}

@test "maxmind-geoip: several databases at once" {
	"$IMQ_ROOT/tests/mmdb.py" asn.mmdb GeoLite2-ASN <<< '{"2001:db8::/32":{"autonomous_system_number":64500,"autonomous_system_organization":"Example Org"}}'
	"$IMQ_ROOT/tests/mmdb.py" country.mmdb GeoLite2-Country <<< '{"2001:db8::/32":{"country":{"iso_code":"FR"}}}'
	run -0 imq-maxmind-geoip -d country.mmdb,asn.mmdb <<< '{"source.ip":"2001:db8::1"}'
	[ "$output" = '{"source.ip":"2001:db8::1","source.geolocation.cc":"FR","source.asn":64500,"source.as_name":"Example Org"}' ]
}

@test "maxmind-geoip: what is kept of a record is right for the next address of it" {
	for i in $(seq 1 100); do
		echo "{\"source.ip\":\"192.0.2.$i\",\"destination.ip\":\"192.0.2.$((i + 100))\"}"
	done > events
	run -0 imq-maxmind-geoip -d city.mmdb events
	[ "$(imq-maxmind-geoip -d city.mmdb events | grep -c '"source.geolocation.city":"Vienna"')" -eq 100 ]
	[ "$(imq-maxmind-geoip -d city.mmdb events | grep -c '"destination.geolocation.city":"Vienna"')" -eq 27 ]
}

@test "maxmind-geoip: an address that is not found, or is none, is left alone" {
	run -0 imq-maxmind-geoip -d city.mmdb <<< '{"source.ip":"203.0.113.1","destination.ip":"x"}'
	[ "$output" = '{"source.ip":"203.0.113.1","destination.ip":"x"}' ]
}

@test "maxmind-geoip: values of wrong kinds are left out" {
	run -0 imq-maxmind-geoip -d city.mmdb <<< '{"source.ip":"198.51.100.1"}'
	[ "$output" = '{"source.ip":"198.51.100.1"}' ]
}

@test "maxmind-geoip: what is no such database is refused" {
	run -2 imq-maxmind-geoip -d missing <<< '{}'
	echo text > text.mmdb
	run -2 imq-maxmind-geoip -d text.mmdb <<< '{}'
	"$IMQ_ROOT/tests/mmdb.py" other.mmdb GeoIP2-Anonymous-IP <<< '{"192.0.2.0/24":{}}'
	run -2 --separate-stderr imq-maxmind-geoip -d other.mmdb <<< '{}'
	[ "$stderr" = 'imq-maxmind-geoip: other.mmdb: a database of places or AS numbers is needed, not a GeoIP2-Anonymous-IP' ]
	run -2 imq-maxmind-geoip -d '' <<< '{}'
}

@test "maxmind-geoip: a database with holes in it makes no trouble" {
	for at in 0 100 200 300 400; do
		cp city.mmdb broken.mmdb
		head -c 60 /dev/urandom | dd of=broken.mmdb bs=1 seek="$at" conv=notrunc status=none
		run timeout 20 imq-maxmind-geoip -d broken.mmdb <<< '{"source.ip":"192.0.2.1"}'
		[ "$status" -eq 0 ] || [ "$status" -eq 2 ]
	done
}
