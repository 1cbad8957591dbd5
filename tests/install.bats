load lib

# make in the project's folder, with objects and commands of our own: a copy of those that are there, but for what knows the
# place of share/.
own_make() {
	env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -C "$IMQ_ROOT" -j2 O="$PWD/build" BIN="$PWD/bin" PREFIX="$PWD/usr" "$@"
}

@test "install: commands, pages, completions and share/ go where they belong, work there, and go away again" {
	[ -z "${IMQ_BIN:-}" ] || skip "concerns the usual build"
	cp -a "$IMQ_ROOT/build" build
	rm -rf build/common/files.o build/libimq.a build/tests build/unit
	own_make DESTDIR="$PWD/root" install > log 2>&1 || { tail -n 20 log; false; }
	[ ! -e usr ]
	mv "root$PWD/usr" usr # as a package manager would

	# What is in bin/, man/ and share/ is there, and nothing else.
	(cd bin && ls) > wanted
	diff wanted <(cd usr/bin && ls)
	diff wanted <(cd usr/share/bash-completion/completions && ls)
	diff <(cd "$IMQ_ROOT/man" && find . -type f | sort) <(cd usr/share/man && find . -type f | sort)
	diff -r "$IMQ_ROOT/share" usr/share/imq
	[ -z "$(find usr -perm /002 ! -type l)" ]

	# Away from the build tree the commands find share/ by the path compiled in.
	mv build build.away
	mv bin bin.away
	run -0 usr/bin/imq-parse openphish --time-observation 2026-01-01T00:00:00Z <<< 'https://phish.example/'
	[ "$(jq -r '."feed.provider"' <<< "$output")" = OpenPhish ]
	run -0 usr/bin/imq list
	[ "$(wc -l <<< "$output")" -eq "$(grep -c imq- wanted)" ]
	run -0 bash -c 'set -e; for file in usr/share/bash-completion/completions/*; do . "$file"; done; complete -p imq-url'
	[[ "$output" == *--overwrite*'--help'*' imq-url' ]]
	mv build.away build
	mv bin.away bin

	own_make uninstall > log 2>&1 || { cat log; false; }
	run -0 find usr ! -type d
	[ -z "$output" ]
	[ ! -e usr/share/imq ]
}

@test "deps: what is installed is left alone, what is missing is told, and NO_INSTALL=1 keeps it so" {
	need_program dpkg-query
	run -0 "$IMQ_ROOT/tests/deps" bash coreutils
	[ -z "$output" ]
	NO_INSTALL=1 run -1 --separate-stderr "$IMQ_ROOT/tests/deps" bash no-such-package-of-imq
	[[ "$output" == *'apt-get install -y --no-install-recommends no-such-package-of-imq' ]]
	[[ "$stderr" == 'NO_INSTALL is set'* ]]
}
