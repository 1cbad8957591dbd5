load lib

setup_more() {
	mkdir d
	export IMQ_NOW=2026-11-25T10:00:00.5+00:00
}

raws() {
	imq-from-file --path d "$@" | jq -c '.raw | @base64d'
}

@test "from-file: each file is a report, in the order of names, with exact bytes" {
	printf 'h\n\0\xff\r\n' > d/b.csv
	printf ' x\n' > d/a.csv
	touch d/c.txt
	run -0 --separate-stderr imq-from-file --path d --name F --provider P --code C --documentation D
	[ "${lines[0]}" = "{\"time.observation\":\"2026-11-25T10:00:00+00:00\",\"feed.url\":\"file://localhost$PWD/d/a.csv\",\"extra.file_name\":\"a.csv\",\"raw\":\"IHgK\",\"feed.name\":\"F\",\"feed.code\":\"C\",\"feed.documentation\":\"D\",\"feed.provider\":\"P\",\"feed.accuracy\":100.0,\"__type\":\"Report\"}" ]
	[ "$(jq -r .raw <<< "${lines[1]}" | base64 -d | od -An -c | tr -d ' ')" = 'h\n\0377\r\n' ]
	[ "${#lines[@]}" -eq 2 ]
	[ -z "$stderr" ]
}

@test "from-file: a file is cut into chunks behind its lines, the header on each" {
	printf 'h1,h2\n1,a\n22,bb\n333,ccc\n4,d\n' > d/a.csv
	run -0 raws --chunk-size 9
	[ "$output" = $'"h1,h2\\n1,a\\n"\n"h1,h2\\n22,bb\\n"\n"h1,h2\\n333,ccc\\n"\n"h1,h2\\n4,d\\n"' ]
	run -0 raws --chunk-size 12
	[ "$output" = $'"h1,h2\\n1,a\\n22,bb\\n"\n"h1,h2\\n333,ccc\\n4,d\\n"' ]
	run -0 raws --chunk-size 22
	[ "${#lines[@]}" -eq 1 ]
	run -0 raws --chunk-size 10 --no-chunk-replicate-header
	[ "$output" = $'"h1,h2\\n1,a\\n"\n"22,bb\\n"\n"333,ccc\\n"\n"4,d\\n"' ]
	run -0 raws --chunk-size 1 --no-chunk-replicate-header
	[ "${#lines[@]}" -eq 5 ]
}

@test "from-file: a header alone is delivered, a line longer than the chunk stays whole, quoted line ends are avoided" {
	printf 'only\n' > d/a.csv
	run -0 raws --chunk-size 3
	[ "$output" = '"only\n"' ]
	printf 'aaaaaaaaaaaa\nbb\nc' > d/a.csv
	run -0 raws --chunk-size 5 --no-chunk-replicate-header
	[ "$output" = $'"aaaaaaaaaaaa\\n"\n"bb\\nc"' ]
	printf 'a\n"b\nc"\n' > d/a.csv
	run -0 raws --chunk-size 6 --no-chunk-replicate-header
	[ "$output" = $'"a\\n"\n"\\"b\\nc\\"\\n"' ]
}

@test "from-file: what is no lines travels whole without --chunk-size, lines are cut at 16 MiB" {
	{ echo '['; head -c 20M /dev/zero | tr '\0' '\n'; echo ']'; } > d/a.csv
	run -0 --separate-stderr imq-from-file --path d --stats
	[[ "$stderr" == *'"created":1,'* ]]
	{ echo 'x'; yes 192.0.2.1 | head -c 20M; } > d/a.csv
	imq-from-file --path d > out
	[ "$(wc -l < out)" -eq 2 ]
	[ "$(jq -r .raw out | sed -n 2p | base64 -d | head -n 2)" = $'x\n192.0.2.1' ]
}

@test "from-file: --delete-file deletes what was delivered, an empty file too" {
	echo x > d/a.csv
	touch d/b.csv d/c.txt
	run -0 raws --delete-file
	[ "$output" = '"x\n"' ]
	[ "$(ls d)" = c.txt ]
}

@test "from-file: a locked file is left alone" {
	echo x > d/a.csv
	echo y > d/b.csv
	run -0 --separate-stderr flock d/a.csv imq-from-file --path d --delete-file
	[ "${#lines[@]}" -eq 1 ]
	[ "$stderr" = 'imq-from-file: d/a.csv: locked by another program, skipped' ]
	[ "$(ls d)" = a.csv ]
}

@test "from-file: a full disk deletes nothing, nor does a reader that goes away" {
	echo x > d/a.csv
	run -4 --separate-stderr sh -c 'imq-from-file --path d --delete-file > /dev/full'
	[[ "$stderr" == *'No space left on device' ]]
	[ -e d/a.csv ]
	for i in $(seq 50); do head -c 100000 /dev/zero > "d/b$i.csv"; done
	imq-from-file --path d --delete-file | head -c 1 > first
	[ "$(find d -name 'b*' | wc -l)" -gt 0 ]
}

@test "from-file: neither FIFOs, dangling links, directories nor odd names harm" {
	mkfifo d/a.csv
	ln -s nowhere d/b.csv
	mkdir d/c.csv
	echo x > $'d/bad\xff"\n.csv'
	run -0 --separate-stderr timeout 10 imq-from-file --path d
	[ "$(jq -r '."extra.file_name"' <<< "$output")" = $'bad\uFFFD"\n.csv' ]
	[ "${#lines[@]}" -eq 1 ]
}

@test "from-file: a file over --max-record is rejected, the next one goes on" {
	head -c 100000 /dev/zero > d/a.csv
	echo x > d/b.csv
	run -3 --separate-stderr imq-from-file --path d --max-record 1000 --stats --rejects rej --delete-file
	[ "${#lines[@]}" -eq 1 ]
	[[ "$stderr" == *'d/a.csv: longer than --max-record allows'* ]]
	[[ "$stderr" == *'"in":1,"created":1,"out":1,"dropped":0,"merged":0,"rejected":1,"pending":0'* ]]
	[ "$(ls d)" = a.csv ]
}

@test "from-file: a directory that cannot be written is told when files are to be deleted" {
	[ "$(id -u)" -ne 0 ] || skip "root may do anything"
	echo x > d/a.csv
	chmod a-w d
	run -4 --separate-stderr imq-from-file --path d --delete-file
	chmod u+w d
	[[ "$stderr" == *'d/a.csv: Permission denied' ]]
}

@test "from-file: what cannot be meant is refused at the start" {
	run -2 --separate-stderr imq-from-file --path nowhere
	[ "$stderr" = 'imq-from-file: nowhere: No such file or directory' ]
	run -2 --separate-stderr imq-from-file --path d --postfix '' --delete-file
	run -2 --separate-stderr imq-from-file --path d --chunk-size -1
	run -2 --separate-stderr imq-from-file --path d --accuracy 101
	run -2 --separate-stderr imq-from-file --path d file
	[ -z "$output" ]
}

@test "from-file: with --to reports go to queues, and a file is done when they have them" {
	printf 'one\n' > d/a.csv
	printf 'two\n' > d/b.csv
	run -0 imq-from-file --path d --delete-file --to sqlite:q.db#one --to sqlite:q.db#two
	[ -z "$output" ]
	[ -z "$(ls d)" ]
	[ "$(imq-queue peek sqlite:q.db#one | jq -r '.raw | @base64d' | xargs)" = 'one two' ]
	[ "$(imq-queue count sqlite:q.db#two)" = 2 ]
	printf 'three\n' > d/a.csv
	run -4 imq-from-file --path d --delete-file --to sqlite:no/such/q.db#one
	[ -e d/a.csv ]
}
