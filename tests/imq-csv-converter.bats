load lib

# The line of CSV, line ends as they are.
line() {
	imq-csv-converter "$@" | jq -r '.output | try fromjson catch .'
}

@test "csv-converter: the columns become a line in output" {
	run -0 imq-csv-converter <<< '{"source.ip":"192.0.2.1","time.source":"2026-11-25T10:00:00+00:00"}'
	[ "$output" = '{"source.ip":"192.0.2.1","time.source":"2026-11-25T10:00:00+00:00","output":"\"2026-11-25T10:00:00+00:00,,192.0.2.1\""}' ]
	run -0 line --fieldnames source.ip,comment --delimiter ';' <<< '{"comment":"x","source.ip":"192.0.2.1"}'
	[ "$output" = '192.0.2.1;x' ]
	run -0 line --fieldnames '["source.ip","comment"]' --delimiter ';' <<< '{"comment":"x","source.ip":"192.0.2.1"}'
	[ "$output" = '192.0.2.1;x' ]
}

@test "csv-converter: names are not trimmed, unknown ones are refused" {
	run -2 --separate-stderr imq-csv-converter --fieldnames 'source.ip, comment' <<< '{"comment":"x"}'
	[ "$stderr" = 'imq-csv-converter: no such field: " comment"' ]
	run -2 imq-csv-converter --fieldnames '' <<< '{"comment":"x"}'
	run -2 imq-csv-converter --fieldnames '["comment",1]' <<< '{"comment":"x"}'
	run -2 imq-csv-converter --fieldnames '[]' <<< '{"comment":"x"}'
}

@test "csv-converter: cells with delimiters, quotes and line ends are quoted" {
	run -0 line -f time.source,source.ip,extra,comment -d ';' <<< '{"comment":"a;b \"q\"","extra.x":1}'
	[ "$output" = ';;"{""x"": 1}";"a;b ""q"""' ]
	run -0 line -f comment,feed.name <<< '{"comment":"a\r\nb","feed.name":"x;y"}'
	[ "$output" = $'"a\r\nb",x;y' ]
}

@test "csv-converter: a line that is JSON stays as it is" {
	run -0 imq-csv-converter -f source.port <<< '{"source.port":80}'
	[ "$output" = '{"source.port":80,"output":"80"}' ]
	run -0 imq-csv-converter -f comment <<< '{}'
	[ "$output" = '{"output":"\"\""}' ]
}

@test "csv-converter: values that are no texts look as in IntelMQ" {
	run -0 line -f extra.a,extra.b,extra.c,extra.d,feed.accuracy -d '|' <<< '{"extra.a":true,"extra.b":[1,"a"],"extra.c":{"x":null},"extra.d":1e2,"feed.accuracy":90.0}'
	[ "$output" = "True|[1, 'a']|{'x': None}|100.0|90.0" ]
}

@test "csv-converter: several values share a cell" {
	run -0 line -f source.ip,comment <<< '{"source.ip":["192.0.2.1","192.0.2.2"],"comment":["a;b","c"]}'
	[ "$output" = '192.0.2.1;192.0.2.2,a%3Bb;c' ]
}

@test "csv-converter: white space at the end is data, a missing extra is empty" {
	run -0 imq-csv-converter -f comment,feed.name,extra -d $'\t' <<< '{"comment":"x"}'
	[ "$output" = '{"comment":"x","output":"\"x\\t\\t\""}' ]
	run -0 line -f comment,feed.name -d ' ' <<< '{"comment":"x","feed.name":"y"}'
	[ "$output" = 'x y' ]
}

@test "csv-converter: an event that has an output is rejected" {
	run -3 --separate-stderr imq-csv-converter <<< '{"output":"1"}'
	[ "$stderr" = 'imq-csv-converter: -:1: output: already there' ]
}

@test "csv-converter: wrong parameters are told" {
	run -2 imq-csv-converter -d ,, <<< '{}'
	run -2 imq-csv-converter -d '' <<< '{}'
	run -2 imq-csv-converter -d '"' <<< '{}'
	run -2 --separate-stderr imq-csv-converter -f source.ipp <<< '{}'
	[ "$stderr" = 'imq-csv-converter: no such field: "source.ipp"' ]
	run -0 line -d · -f comment,feed.name <<< '{"comment":"x·y","feed.name":"z"}'
	[ "$output" = '"x·y"·z' ]
}
