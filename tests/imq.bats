load lib

@test "imq: a name runs the command of that name with its arguments and input" {
	run -0 imq taxonomy --overwrite <<< '{"classification.type":"spam","classification.taxonomy":"fraud"}'
	[ "$output" = '{"classification.type":"spam","classification.taxonomy":"abusive-content"}' ]
	run -0 imq url --version
	[[ "$output" == 'imq-url '* ]]
}

@test "imq: the exit status is that of the command" {
	run -3 --separate-stderr imq url <<< 'no event'
	[[ "$stderr" == 'imq-url: -:1: '* ]]
	run -2 --separate-stderr imq url --no-such
	[[ "$stderr" == *'unknown option "no-such"'* ]]
}

@test "imq: list names every command beside it with its summary" {
	run -0 --separate-stderr imq list
	[ -z "$stderr" ]
	[ "$(wc -l <<< "$output")" -eq "$(find "${IMQ_BIN:-$IMQ_ROOT/bin}" -name 'imq-*' | wc -l)" ]
	grep -qx 'url2fqdn  *take the host out of URLs' <<< "$output"
}

@test "imq: without arguments it says how it is used, help NAME shows the page" {
	run -0 imq
	[[ "$output" == 'usage: imq list'* ]]
	[ "$(imq help)" = "$output" ]
	mkdir fake
	printf '#!/bin/sh\necho "page of $1"\n' > fake/man
	chmod +x fake/man
	PATH=$PWD/fake:$PATH run -0 imq help url
	[ "$output" = 'page of imq-url' ]
}

@test "imq: a name that there is not is told, with what may have been meant" {
	run -2 --separate-stderr imq taxonmy
	[ -z "$output" ]
	[ "$stderr" = 'imq: no command "taxonmy": did you mean "taxonomy"?' ]
	run -2 --separate-stderr imq ../../bin/sh
	[ "$stderr" = 'imq: no command "../../bin/sh"' ]
	run -2 --separate-stderr imq ''
	run -2 --separate-stderr imq --no-such url
}

@test "imq: a full disk is seen" {
	run -4 --separate-stderr bash -c 'imq list > /dev/full'
	[ "$stderr" = 'imq: stdout: No space left on device' ]
	run -4 --separate-stderr bash -c 'imq --help > /dev/full'
}
