load lib

@test "taxonomy: what the event says stays, --overwrite derives it again" {
	event='{"classification.type":"spam","classification.taxonomy":"fraud"}'
	run -0 imq-taxonomy <<< "$event"
	[ "$output" = "$event" ]
	run -0 imq-taxonomy --overwrite <<< "$event"
	[ "$output" = '{"classification.type":"spam","classification.taxonomy":"abusive-content"}' ]
}

@test "taxonomy: an event without type or taxonomy is other, undetermined" {
	run -0 imq-taxonomy <<< '{}'
	[ "$output" = '{"classification.taxonomy":"other","classification.type":"undetermined"}' ]
}

@test "taxonomy: a given taxonomy stays when the type is missing" {
	run -0 imq-taxonomy <<< '{"classification.taxonomy": "fraud"}'
	[ "$output" = '{"classification.taxonomy": "fraud","classification.type":"undetermined"}' ]
}

@test "taxonomy: of several types the first decides" {
	run -0 imq-taxonomy <<< '{"classification.type":["scanner","spam"]}'
	[ "$output" = '{"classification.type":["scanner","spam"],"classification.taxonomy":"information-gathering"}' ]
}

@test "taxonomy: a broken line is rejected with its place, the next one goes on" {
	printf '%s\n' '{"classification.type":"spam"' '{"classification.type":"test"}' > events
	run -3 --separate-stderr imq-taxonomy < events
	[ "$output" = '{"classification.type":"test","classification.taxonomy":"test"}' ]
	[[ "$stderr" == 'imq-taxonomy: -:1: '* ]]
}
