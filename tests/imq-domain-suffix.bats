load lib

setup_more() {
	cat > suffixes <<- 'END'
		// ===BEGIN ICANN DOMAINS===
		com
		gv.at
		*.ck
		!www.ck
		*.foo.jp
		jp
		uk
		a.b.uk
		公司.香港
		// ===END ICANN DOMAINS===
		// ===BEGIN PRIVATE DOMAINS===
		pages.example.com
		// ===END PRIVATE DOMAINS===
	END
}

suffix() {
	imq-domain-suffix --field fqdn --suffix-file suffixes "${@:2}" <<< "{\"source.fqdn\":\"$1\"}" | jq -r '."source.domain_suffix"'
}

@test "domain-suffix: the longest rule wins, exceptions beat wildcards" {
	[ "$(suffix www.example.com)" = com ]
	[ "$(suffix a.gv.at)" = gv.at ]
	[ "$(suffix a.foo.ck)" = foo.ck ]
	[ "$(suffix www.ck)" = ck ]
	[ "$(suffix a.www.ck)" = ck ]
	[ "$(suffix ck)" = ck ]
	[ "$(suffix a.b.foo.jp)" = b.foo.jp ]
	[ "$(suffix foo.jp)" = foo.jp ]
	[ "$(suffix x.b.uk)" = uk ]
	[ "$(suffix x.xn--55qx5d.xn--j6w193g)" = xn--55qx5d.xn--j6w193g ]
}

@test "domain-suffix: of an unknown name the top-level domain is the suffix, capitals do not matter" {
	[ "$(suffix a.zz)" = zz ]
	[ "$(suffix A.GV.AT)" = gv.at ]
}

@test "domain-suffix: private rules count where they are asked for" {
	[ "$(suffix a.pages.example.com)" = com ]
	[ "$(suffix a.pages.example.com --private)" = pages.example.com ]
}

@test "domain-suffix: source and destination, reverse names, a suffix that is there is replaced" {
	run -0 imq-domain-suffix -f reverse_dns -s suffixes <<< '{"source.domain_suffix":"old","source.reverse_dns":"r.example.com","destination.reverse_dns":"r.gv.at","source.fqdn":"x.jp"}'
	[ "$output" = '{"source.domain_suffix":"com","source.reverse_dns":"r.example.com","destination.reverse_dns":"r.gv.at","source.fqdn":"x.jp","destination.domain_suffix":"gv.at"}' ]
	run -0 imq-domain-suffix -f fqdn -s suffixes <<< '{"source.domain_suffix":"old"}'
	[ "$output" = '{"source.domain_suffix":"old"}' ]
}

@test "domain-suffix: missing parameters and lists without rules are told" {
	run -2 imq-domain-suffix -s suffixes <<< '{}'
	run -2 imq-domain-suffix -f fqdn <<< '{}'
	run -2 imq-domain-suffix -f url -s suffixes <<< '{}'
	run -2 --separate-stderr imq-domain-suffix -f fqdn -s missing <<< '{}'
	[ "$stderr" = 'imq-domain-suffix: missing: cannot be read' ]
	: > empty
	run -2 imq-domain-suffix -f fqdn -s empty <<< '{}'
}

@test "domain-suffix: names that are none, or too long, are left alone" {
	long=$(printf 'a.%.0s' {1..200})com
	for name in "$long" 'a\u0000.com' ...; do
		run -0 imq-domain-suffix -f fqdn -s suffixes <<< "{\"source.fqdn\":\"$name\"}"
		[ "$output" = "{\"source.fqdn\":\"$name\"}" ]
	done
}

@test "domain-suffix: the real list" {
	list=$IMQ_ROOT/../../shared/data/public_suffix_list.dat
	[ -r "$list" ] || skip "no list here"
	cp "$list" suffixes
	[ "$(suffix www.example.co.uk)" = co.uk ]
	[ "$(suffix a.b.kawasaki.jp)" = b.kawasaki.jp ]
	[ "$(suffix city.kawasaki.jp)" = kawasaki.jp ]
	[ "$(suffix a.github.io)" = io ]
	[ "$(suffix a.github.io --private)" = github.io ]
}
