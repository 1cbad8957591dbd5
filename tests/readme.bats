load lib

@test "readme: the table of commands is that of the commands; make readme writes it" {
	run -0 "$IMQ_ROOT/tests/readme-table"
	diff <(echo "$output") "$IMQ_ROOT/README.md"
}

@test "readme: its examples print what it says" {
	ln -s "$IMQ_ROOT/share" share
	run -0 python3 "$IMQ_ROOT/tests/examples.py" "$IMQ_ROOT/README.md"
}

@test "readme: the table of the demo is the one the demo prints" {
	need_program nginx
	run -0 "$IMQ_ROOT/share/demo/run" events
	grep -qxF "$output" "$IMQ_ROOT/README.md"
	[ "$(grep -cxF "$output" "$IMQ_ROOT/README.md")" -eq "$(wc -l <<< "$output")" ]
}

@test "readme: what it tells to make can be made, and the files it names are there" {
	for target in $(grep -o '^    make *[a-z]*\|`make [a-z]*`' "$IMQ_ROOT/README.md" | tr -d '`' | sed 's/^ *make *//'); do
		run -0 make -n -C "$IMQ_ROOT" "$target"
	done
	for file in $(grep -o '](\([^)]*\))' "$IMQ_ROOT/README.md" | tr -d '()]'); do
		[ -e "$IMQ_ROOT/$file" ]
	done
}
