load lib

@test "route: records go along their path, once stripped of it, the others to _default" {
	printf '%s\n' '{"source.ip":"192.0.2.1"}' '{"source.ip":"192.0.2.2","__path":"high"}' > events
	run -0 imq-route "_default=cat > default" "high=cat > high" < events
	[ -z "$output" ]
	[ "$(cat default)" = '{"source.ip":"192.0.2.1"}' ]
	[ "$(cat high)" = '{"source.ip":"192.0.2.2"}' ]
}

@test "route: branches of one name get copies" {
	run -0 imq-route "_default=cat > a" "_default=cat > b" <<< '{"status":"x"}'
	cmp a b
	[ "$(cat a)" = '{"status":"x"}' ]
}

@test "route: with --load-balance they take turns" {
	printf '{"status":"%s"}\n' 1 2 3 4 > events
	run -0 imq-route --load-balance "_default=cat > a" "_default=cat > b" < events
	[ "$(cat a)" = $'{"status":"1"}\n{"status":"3"}' ]
	[ "$(cat b)" = $'{"status":"2"}\n{"status":"4"}' ]
}

@test "route: what branches print is merged, whole lines only" {
	for i in $(seq 2000); do printf '{"status":"%s","comment":"%0500d"}\n' "$i" 0; done > events
	run -0 imq-route "_default=cat" "_default=cat" < events
	sort <<< "$output" > got
	sort events events > want
	cmp got want
}

@test "route: a record of several paths goes along each, one without a branch is dropped and counted" {
	printf '%s\n' '{"status":"x","__path":["a","b","nobody"]}' '{"status":"y","__path":"nobody"}' > events
	run -0 --separate-stderr imq-route --stats a=cat b=cat < events
	[ "$output" = $'{"status":"x"}\n{"status":"x"}' ]
	jq -e '.in == 2 and .created == 1 and .out == 2 and .dropped == 1' <<< "$stderr"
}

@test "route: records for _default go to stdout where no branch has that name" {
	printf '%s\n' '{"status":"x"}' '{"status":"y","__path":"a"}' > events
	run -0 imq-route "a=cat > a" < events
	[ "$output" = '{"status":"x"}' ]
}

@test "route: a barrier comes out when all branches have returned it, behind all their records" {
	printf '%s\n' '{"status":"1"}' '' '{"status":"2"}' '' > events
	run -0 imq-route "_default=cat" "_default=sleep 0.2; cat" < events
	[ "$output" = $'{"status":"1"}\n{"status":"1"}\n\n{"status":"2"}\n{"status":"2"}' ] # run cuts the last line feed
	imq-route "_default=cat" < events | tail -c 2 | od -An -c | grep -q '\\n *\\n'
}

@test "route: shows a record at once when no more are there" {
	mkfifo in
	imq-route "_default=imq-taxonomy" < in > out 9>&- &
	pid=$!
	exec 9> in
	echo '{"classification.type":"spam"}' >&9
	wait_until grep -q abusive out
	exec 9>&-
	wait "$pid"
}

@test "route: a branch that does not read holds up the input, in bounded memory" {
	mkfifo gate
	yes '{"comment":"0123456789012345678901234567890123456789"}' | head -n 400000 > events
	imq-route "_default=read -r line < gate; cat > /dev/null" --stats < events 2> stats &
	pid=$!
	wait_until test -e "/proc/$pid/status"
	echo go > gate
	wait "$pid"
	jq -e '.in == 400000 and .out == 400000' stats
}

@test "route: a branch that ends too early ends the route with a failure" {
	yes '{"status":"x"}' | head -n 100000 > events
	run -4 imq-route "_default=head -n 1 > /dev/null" < events
	[[ "$output" == *'imq-route: _default: head -n 1 > /dev/null: ended before its input did'* ]]
}

@test "route: the exit status of a branch is told and becomes ours; 3 stays 3" {
	run -3 imq-route "_default=cat; exit 3" <<< '{"status":"x"}'
	run -5 imq-route "_default=cat; exit 5" <<< '{"status":"x"}'
	[[ "$output" == *'exit status 5'* ]]
	run -4 imq-route "_default=cat; exit 99" <<< '{"status":"x"}'
}

@test "route: broken records are rejected, a line that a branch leaves unfinished is a failure" {
	printf '%s\n' 'nonsense' '{"status":"x"}' > events
	run -3 --separate-stderr imq-route --rejects rejects _default=cat < events
	[ "$output" = '{"status":"x"}' ]
	[[ "$stderr" == 'imq-route: -:1: column 1: '* ]]
	[ "$(jq -r .command rejects)" = imq-route ]
	run -4 imq-route "_default=cat; printf half" <<< '{"status":"x"}'
	[[ "$output" == *'ended in the middle of a line'* ]]
}

@test "route: operands that are no branches are refused" {
	run -2 imq-route
	run -2 imq-route name
	run -2 imq-route name=
	run -2 imq-route =cat
}

@test "route: a full disk is seen" {
	run -4 bash -c 'imq-route _default=cat > /dev/full <<< "{}"'
	[[ "$output" == *'No space left'* ]]
}

@test "route: a branch whose shell is killed is a failure, though what it started goes on" {
	mkfifo in
	imq-route "_default=echo \$\$ > shell; cat; :" < in > out 2> err 3>&- &
	route=$!
	exec 9> in
	wait_until test -s shell
	kill -9 "$(cat shell)"
	status=0
	wait "$route" || status=$?
	exec 9>&-
	[ "$status" = 4 ]
	[[ "$(cat err)" == *'_default: '*': Killed'* ]]
}
