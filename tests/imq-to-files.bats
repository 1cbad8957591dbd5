load lib

@test "to-files: each event is a file, whole, without a line feed, named like IntelMQ's" {
	run -0 --separate-stderr imq-to-files --dir in --tmp tmp --stats <<< $'{"source.ip":"192.0.2.1","raw":"eA=="}\n{"comment":"b"}'
	[[ "$stderr" == *'"in":2,"created":0,"out":2,'*'"pending":0'* ]]
	[ "$(ls in | wc -l)" = 2 ]
	[ "$(ls tmp | wc -l)" = 0 ]
	[ "$(for file in in/*; do cat "$file"; echo; done | sort)" = $'{"comment":"b"}\n{"source.ip":"192.0.2.1"}' ]
	for file in in/*; do
		[[ "$file" =~ ^in/$(hostname)\.[0-9]+\.[0-9]+\.[0-9]{6}\.$(stat -c %d "$file")\.$(stat -c %i "$file")\.json$ ]]
		[ "$(stat -c %a "$file")" = 644 ]
	done
}

@test "to-files: one folder for both, a suffix, one field alone" {
	imq-to-files --dir in --tmp in --suffix '' --single-key output <<< '{"output":"{\"asdf\": \"ghjk\"}"}'
	[ "$(cat in/*)" = '{"asdf": "ghjk"}' ]
	imq-to-files --dir h --tmp t --hierarchical-output <<< '{"source.ip":"192.0.2.1"}'
	[ "$(cat h/*.json)" = '{"source":{"ip":"192.0.2.1"}}' ]
	run -3 imq-to-files --dir n --tmp t --single-key source.ip <<< '{"comment":"a"}'
	[ -z "$(ls n t)" ] || [ "$(ls n t)" = $'n:\n\nt:' ]
}

@test "to-files: a barrier comes out when its files are on disk and in their place" {
	need_program strace
	printf '{"comment":"a"}\n\n' | ASAN_OPTIONS=detect_leaks=0 strace -f -o trace -e trace=fsync,renameat,write imq-to-files --dir in --tmp tmp > barriers
	[ "$(od -An -c barriers | tr -d ' ')" = '\n' ]
	awk '/write\(.*comment/ { w = NR } /fsync/ && !s { s = NR } /renameat/ { r = NR } /fsync/ { d = NR } /write\(1, "\\n"/ { b = NR } END { exit !(w < s && s < r && r < d && d < b) }' trace
}

@test "to-files: events become files as soon as nothing more comes, many of them too" {
	mkfifo in
	imq-to-files --dir d --tmp t < in 3>&- &
	pid=$!
	exec 9> in
	seq 1000 | sed 's/.*/{"extra.n":&}/' >&9
	wait_until sh -c '[ "$(ls d | wc -l)" = 1000 ]'
	exec 9>&-
	wait "$pid"
	[ "$(cat d/* | jq '."extra.n"' | sort -n | uniq | wc -l)" = 1000 ]
}

@test "to-files: folders that cannot be are refused, a full one ends the command" {
	touch file
	run -2 --separate-stderr imq-to-files --dir file --tmp tmp < /dev/null
	[[ "$stderr" == *'file: Not a directory'* ]]
	run -2 imq-to-files --dir a/b --tmp tmp < /dev/null
	run -2 imq-to-files --dir a --tmp /proc < /dev/null
	run -2 imq-to-files --dir a < /dev/null
	run -2 imq-to-files --dir a --tmp t --suffix /../x < /dev/null
	mkfifo in
	imq-to-files --dir d --tmp t < in > out 2> err 3>&- &
	pid=$!
	exec 9> in
	printf '{}\n\n' >&9
	wait_until test -s out
	rm -r t d
	printf '{}\n\n' >&9
	status=0
	wait "$pid" || status=$?
	exec 9>&-
	[ "$status" -eq 4 ]
	[ "$(wc -c < out)" -eq 1 ]
}
