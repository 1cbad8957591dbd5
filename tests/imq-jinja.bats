load lib

# Renders one template into extra.out.
render() {
	run -0 imq-jinja -f "$(jq -cn --arg t "$1" '{"extra.out": $t}')" <<< "${2:-{\}}"
	output=$(jq -r '."extra.out" // ""' <<< "$output")
}

event='{"source.ip":"192.0.2.1","source.port":80,"comment":"hello world","extra.list":["b","a",3]}'

@test "jinja: fields are set in order, later templates see earlier results" {
	run -0 imq-jinja -f '{"comment":"a","event_description.text":"{{ msg.comment }}{{ msg[\"comment\"] }}"}' <<< '{}'
	[ "$output" = '{"comment":"a","event_description.text":"aa"}' ]
}

@test "jinja: results are written as the field's type has them" {
	run -0 imq-jinja -f '{"source.port":"{{ 1+1 }}"}' <<< '{}'
	[ "$output" = '{"source.port":2}' ]
}

@test "jinja: a field that is there stays, --overwrite replaces it, or removes it" {
	run -0 imq-jinja -f '{"comment":"new"}' <<< '{"comment":"old"}'
	[ "$output" = '{"comment":"old"}' ]
	run -0 imq-jinja -o -f '{"comment":"new"}' <<< '{"comment":"old"}'
	[ "$output" = '{"comment":"new"}' ]
	run -0 imq-jinja -o -f '{"comment":""}' <<< '{"comment":"old","source.port":1}'
	[ "$output" = '{"source.port":1}' ]
	run -0 imq-jinja -o -f '{"comment":""}' <<< '{"comment":"old"}'
	[ "$output" = '' ]
}

@test "jinja: filters, conditions, loops and white space control" {
	render '{{ msg.comment | upper | replace("L", "l") }}' "$event"
	[ "$output" = 'HEllO WORlD' ]
	render '{% if msg["source.port"] > 79 and "x" not in msg %}y{% elif true %}n{% endif %}' "$event"
	[ "$output" = 'y' ]
	render '{% for x in msg["extra.list"] %}{{ x }}{{ "," if not loop.last }}{% else %}none{% endfor %}' "$event"
	[ "$output" = 'b,a,3' ]
	render '{% set m = {"a": "comment"} %}{% for k, v in m.items() %}{{ k }}={{ msg[v] }}{% endfor %}' "$event"
	[ "$output" = 'a=hello world' ]
	render 'a  {%- if true -%}  b  {%- endif %} {# c #}{{ msg.nope | default("d") }}'
	[ "$output" = 'ab d' ]
	render '{{ msg["comment"] | title }} {{ msg["extra.list"] | length }} {{ msg.comment | tojson }}' "$event"
	[ "$output" = 'Hello World 3 "hello world"' ]
}

@test "jinja: absent fields print nothing and are false" {
	render '[{{ msg["source.fqdn"] }}{% if msg["source.fqdn"] %}x{% endif %}{{ msg.get("comment", "d") }}]'
	[ "$output" = '[d]' ]
}

@test "jinja: a template may stand in a file" {
	echo 'from a file: {{ msg.comment }}' > t.j2
	run -0 imq-jinja -f "{\"extra.out\":\"file://$PWD/t.j2\"}" <<< '{"comment":"c"}'
	[ "$output" = '{"comment":"c","extra.out":"from a file: c"}' ]
	run -2 --separate-stderr imq-jinja -f '{"extra.out":"file:///nowhere/t.j2"}' <<< '{}'
	[[ "$stderr" == *'/nowhere/t.j2: No such file or directory' ]]
}

@test "jinja: what is not understood is an error at the start, with its place" {
	check() {
		run -2 --separate-stderr imq-jinja -f "$(jq -cn --arg t "$1" '{"comment": $t}')" <<< '{}'
		[ "$stderr" = "imq-jinja: template of comment:$2" ] || { echo "$stderr"; false; }
	}
	check '{{ foo }}' '1:4: unknown name "foo": msg, or a variable that was set, expected'
	check $'a\n{% include "x" %}' '2:4: if, for or set expected, found include'
	check '{% if true %}' '1:14: the end of the if or for expected, found that of the template'
	check '{{ 1 | wordwrap }}' '1:8: unknown filter "wordwrap"'
	check '{{ msg.upper() }}' '1:14: there is no method "upper": get, items, keys or values expected'
	check '{{ 1 ' '1:6: }} expected'
	check '{% endif %}' '1:4: endif without its beginning'
	run -2 --separate-stderr imq-jinja -f '{"no.field":"x"}' <<< '{}'
	[ "$stderr" = 'imq-jinja: no such field: "no.field"' ]
}

@test "jinja: a template that fails rejects the event" {
	run -3 --separate-stderr imq-jinja -f '{"comment":"{{ 1 / msg[\"source.port\"] }}"}' <<< $'{"source.port":0}\n{"source.port":2}'
	[ "$output" = '{"source.port":2,"comment":"0.5"}' ]
	[[ "$stderr" == *'division by zero' ]]
}

@test "jinja: endless loops and deep nesting end" {
	render '{{ ((((((((((1)))))))))) }}'
	[ "$output" = 1 ]
	run -2 --separate-stderr imq-jinja -f "{\"comment\":\"{{ $(printf '(%.0s' {1..200})\"}" <<< '{}'
	[[ "$stderr" == *'nested too deeply' ]]
	l='{% for a in msg["extra.l"] %}'
	list=$(printf '1,%.0s' {1..200})1
	run -3 --separate-stderr imq-jinja -f "$(jq -cn --arg t "$l$l$l$l{% endfor %}{% endfor %}{% endfor %}{% endfor %}" '{"comment": $t}')" <<< "{\"extra.l\":[$list]}"
	[[ "$stderr" == *'goes on for too long' ]]
}
