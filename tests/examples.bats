load lib

# Runs the examples of files, each file's in a folder of its own; what differs is shown.
run_examples() {
	local file wrong=0 ran=0
	for file; do
		mkdir -p "folder/${file##*/}"
		run bash -c 'cd "$1" && IMQ_SHARE=$IMQ_ROOT/share python3 "$2" "$3"' - "folder/${file##*/}" "$IMQ_ROOT/tests/examples.py" "$file"
		case $status in
		0) ran=$((ran + 1)) ;;
		2) ;;
		*) printf '%s\n' "$output" | grep -v '^ok'; wrong=1 ;;
		esac
	done
	[ "$ran" -gt 0 ] && [ "$wrong" -eq 0 ]
}

@test "examples: those of section 1 print what the pages say" {
	run_examples "$IMQ_ROOT"/man/man1/*.1
}

@test "examples: those of sections 5 and 7 print what the pages say" {
	run_examples "$IMQ_ROOT"/man/man[57]/*
}

@test "examples: one that is not true is found" {
	# shellcheck disable=SC1003
	printf '%s\n' '.Sh EXAMPLES' '.Bd -literal' '$ echo a' 'a' '$ echo b \' '  c' 'b c' '.Ed' > true.1
	run_examples "$PWD/true.1"
	printf '%s\n' '.Sh EXAMPLES' '.Bd -literal' '$ echo a' 'b' '.Ed' > false.1
	run ! run_examples "$PWD/false.1"
	[[ "$output" == *'not ok 1 echo a'* ]]
	printf '%s\n' '```console' '$ echo a' 'b' '```' > false.md
	run ! run_examples "$PWD/false.md"
}
