load lib

setup_more() {
	printf '%s\n' '# Version 1' COM INFO ' XN--P1AI ' '' > tlds
}

passes() {
	[ -n "$(imq-domain-valid --tlds-domains-list tlds <<< "{\"source.fqdn\":\"$1\"}")" ]
}

@test "domain-valid: names below known top-level domains pass unchanged, others are dropped" {
	for name in example.com 1.com ex.xn--p1ai x.info a-b.c-d.com 1.2.com; do
		passes "$name"
	done
	for name in com -a.com a-.com a_b.com x.infox 192.0.2.1 example.com. .com a..com 'a b.com' 1.2.c 'a.co m' _dmarc.example.com; do
		run -1 passes "$name"
	done
	run -0 imq-domain-valid -l tlds <<< $'{ "source.fqdn" : "example.com" }\n{}'
	[ "$output" = '{ "source.fqdn" : "example.com" }' ]
}

@test "domain-valid: case does not matter, other scripts are read as IDNA" {
	passes Example.COM
	passes bücher.com
	passes пример.рф
}

@test "domain-valid: labels have 63 characters at most" {
	label=$(printf 'a%.0s' {1..63})
	passes "$label.com"
	run -1 passes "a$label.com"
}

@test "domain-valid: another field, several values, values that are no text" {
	run -0 imq-domain-valid -l tlds -f extra.name <<< $'{"extra.name":"example.com"}\n{"extra.name":17}\n{"extra.name":["-","example.info"]}'
	[ "$output" = $'{"extra.name":"example.com"}\n{"extra.name":["-","example.info"]}' ]
}

@test "domain-valid: dropped events are counted as dropped" {
	run -0 --separate-stderr imq-domain-valid -l tlds --stats <<< $'{"source.fqdn":"x"}\n{}'
	[[ "$stderr" == *'"in":2,"created":0,"out":0,"dropped":2,'* ]]
}

@test "domain-valid: a list that is missing or empty, and no field, are refused" {
	run -2 --separate-stderr imq-domain-valid -l missing <<< '{}'
	[ "$stderr" = 'imq-domain-valid: missing: No such file or directory' ]
	echo '# nothing' > empty
	run -2 imq-domain-valid -l empty <<< '{}'
	run -2 imq-domain-valid -l tlds -f nonsense <<< '{}'
}
