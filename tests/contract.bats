load lib

# What every command keeps, tried on all that are built; tests/contract.py says how. None of them may reach the network.
setup_more() {
	export IMQ_NAMESERVER=127.0.0.1#9 http_proxy=http://127.0.0.1:9 https_proxy=http://127.0.0.1:9
}

check() {
	python3 "$IMQ_ROOT/tests/contract.py" "$@"
}

@test "contract: help, version and description go to stdout, an unknown option ends with 2" {
	check answers
}

@test "contract: help and description have the same options" {
	check options
}

@test "contract: every command has tests and a page with examples, which has all options and no other" {
	check page
}

@test "contract: no input, no output" {
	check empty
}

@test "contract: a barrier comes out behind all records before it" {
	check barrier
}

@test "contract: SIGTERM lets a filter drain its input" {
	check term
}

@test "contract: a full disk ends with 4 and a message" {
	check full
}

@test "contract: a reader that goes away is no failure" {
	check reader_gone
}

@test "contract: hostile lines are rejected and counted, in bounded memory" {
	check hostile
}

@test "contract: a command that does not keep it is found" {
	mkdir bin
	cat > bin/imq-sloppy <<- 'END'
		#!/bin/sh
		case $1 in
		--describe) echo '{"name":"imq-sloppy","version":"1","kind":"filter","modules":[],"summary":"x","parameters":[]}' ;;
		*) echo out; echo '{"in":1,"created":0,"out":0,"dropped":0,"merged":0,"rejected":0,"pending":0}' >&2 ;;
		esac
	END
	chmod +x bin/imq-sloppy
	for what in answers options page empty barrier term full reader_gone hostile; do
		IMQ_BIN=$PWD/bin run -1 check "$what"
		[[ "$output" == *"imq-sloppy: $what: "* ]]
	done
}
