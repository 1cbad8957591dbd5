load lib

@test "to-touch: the file's times become now when there are events, else they stay" {
	touch -d 2001-01-01 f
	imq-to-touch --path f < /dev/null
	printf '\n' | imq-to-touch --path f > /dev/null
	[ "$(date -r f +%Y)" = 2001 ]
	printf '{"a":1}\n\n' | imq-to-touch --path f > barriers
	[ "$(date -r f +%Y)" != 2001 ]
	[ -s barriers ]
	[ ! -s f ]
}

@test "to-touch: a file that is not there is refused, one that goes away ends the command" {
	run -2 --separate-stderr imq-to-touch --path nowhere <<< '{}'
	[ "$stderr" = 'imq-to-touch: nowhere: No such file or directory' ]
	[ ! -e nowhere ]
	run -2 imq-to-touch <<< '{}'
	touch f
	mkfifo in
	imq-to-touch --path f < in > out 2> err 3>&- &
	pid=$!
	exec 9> in
	printf '{}\n\n' >&9
	wait_until test -s out
	rm f
	printf '{}\n\n' >&9
	status=0
	wait "$pid" || status=$?
	exec 9>&-
	[ "$status" -eq 4 ]
	[ "$(od -An -c out | tr -d ' ')" = '\n' ]
}
