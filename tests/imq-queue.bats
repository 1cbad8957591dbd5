load lib

@test "queue: records go in and come out in order" {
	seq -f '{"n":%.0f}' 1 3000 | imq-queue put sqlite:q#a
	[ "$(imq-queue count sqlite:q#a)" = 3000 ]
	run -0 imq-queue get sqlite:q#a
	[ "$output" = "$(seq -f '{"n":%.0f}' 1 3000)" ]
	[ "$(imq-queue count sqlite:q#a)" = 0 ]
}

@test "queue: some are looked at, taken, moved, cleared" {
	seq 1 20 | imq-queue put sqlite:q#a
	[ "$(imq-queue peek sqlite:q#a | tail -n 1)" = 10 ]
	[ "$(imq-queue peek --count 2 sqlite:q#a)" = $'1\n2' ]
	[ "$(imq-queue get -n 3 sqlite:q#a)" = $'1\n2\n3' ]
	imq-queue move -n 3 sqlite:q#a sqlite:q#b
	imq-queue move -n 2 sqlite:q#a sqlite:other#c
	[ "$(imq-queue list sqlite:q)" = $'a\t12\t0\nb\t3\t0' ]
	[ "$(imq-queue get sqlite:q#b)" = $'4\n5\n6' ]
	[ "$(imq-queue get sqlite:other#c)" = $'7\n8' ]
	[ "$(imq-queue peek -n 1 sqlite:q#a)" = 9 ]
	imq-queue clear sqlite:q#a
	[ "$(imq-queue count sqlite:q#a)" = 0 ]
	echo 21 | imq-queue put sqlite:q#a
	[ "$(imq-queue get sqlite:q#a)" = 21 ]
}

@test "queue: what comes in slowly is stored as it comes" {
	mkfifo slow
	imq-queue put sqlite:q#a < slow 3>&- &
	exec 9> slow
	echo 1 >&9
	wait_until sh -c '[ "$(imq-queue count sqlite:q#a)" = 1 ]'
	echo 2 >&9
	exec 9>&-
	wait
	[ "$(imq-queue get sqlite:q#a)" = $'1\n2' ]
}

@test "queue: records of any size and no size, empty lines being none" {
	{ echo 1; echo; echo; head -c 3000000 /dev/zero | tr '\0' x; echo; printf 2; } | imq-queue put sqlite:q#a
	[ "$(imq-queue count sqlite:q#a)" = 3 ]
	[ "$(imq-queue get sqlite:q#a | md5sum)" = "$({ echo 1; head -c 3000000 /dev/zero | tr '\0' x; printf '\n2\n'; } | md5sum)" ]
}

@test "queue: a record over the limit is refused" {
	run -4 sh -c 'seq 1 2 | tr -d "\n" | imq-queue put --max-record 1 sqlite:q#a'
	[ "$output" = 'imq-queue: -:1: longer than --max-record' ]
}

@test "queue: names and files with odd characters" {
	mkdir 'a dir'
	echo 1 | imq-queue put 'sqlite:a%20dir/%23q%25#n a%3fm'
	[ -e 'a dir/#q%' ]
	[ "$(imq-queue list 'sqlite:a dir/%23q%25')" = $'n a?m\t1\t0' ]
}

@test "queue: what was not written is not taken out" {
	seq 1 5000 | imq-queue put sqlite:q#a
	run -4 sh -c 'imq-queue get sqlite:q#a > /dev/full'
	[ "$output" = 'imq-queue: stdout: No space left on device' ]
	[ "$(imq-queue count sqlite:q#a)" = 5000 ]
	run -0 imq-queue get sqlite:q#a
	[ "${#lines[@]}" = 5000 ]
}

@test "queue: looking makes no files and no queues" {
	run -2 imq-queue list sqlite:q
	[[ "$output" == *'unable to open database file'* ]]
	[ ! -e q ]
	echo 1 | imq-queue put sqlite:q#a
	run -2 imq-queue count sqlite:q#b
	[ "$output" = 'imq-queue: q: no queue "b"' ]
}

@test "queue: wrong words are said" {
	run -2 imq-queue
	[[ "$output" == 'imq-queue: usage: imq-queue list|count'* ]]
	run -2 imq-queue move sqlite:q#a
	run -2 imq-queue poke sqlite:q#a
	run -2 imq-queue put q
	[ "$output" = 'imq-queue: not the URL of a queue: "q"' ]
}

@test "queue: processes that make the file at the same time do not get into each other's way" {
	for i in $(seq 20); do
		rm -f q*
		imq-pump --drain --from sqlite:q#a -- cat > out 2> err &
		pump=$!
		echo '{}' | imq-queue put sqlite:q#b
		wait "$pump"
	done
}
