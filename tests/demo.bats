load lib

@test "demo: the pipeline runs without the Internet and leaves no server behind" {
	need_program nginx
	for command in imq-parse imq-rdap imq-aggregate; do
		[ -x "${IMQ_BIN:-$IMQ_ROOT/bin}/$command" ] || skip "$command is not built"
	done
	export TMPDIR=$PWD/scratch
	mkdir scratch
	run -0 --separate-stderr "$IMQ_ROOT/share/demo/run" events
	[ -z "$stderr" ]
	[ "$(jq -r '."source.asn"' events | sort -u | wc -l)" -eq 6 ]
	[ "$(jq -s 'map(."extra.count") | add' events)" -eq 30 ]
	[ "$(jq -r 'select(."source.asn" == 64497)."source.abuse_contact"' events | sort -u)" = abuse@cloud.example ]
	grep -q '192.0.2.128/25 .*64497 SAMPLE-CLOUD .*abuse@cloud.example' <<< "$output"
	grep -q '(none)' <<< "$output"
	[ -z "$(ls scratch)" ]
}
