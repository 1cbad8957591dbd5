load lib

@test "type: a value, whether it is valid, and its canonical form" {
	run -0 imq-type ASN <<< '"AS64496"'
	[ "$output" = '{"value":"AS64496","valid":false,"sanitised":64496}' ]
}

@test "type: what the type refuses becomes null" {
	run -0 imq-type IPAddress <<< '"192.0.2.256"'
	[ "$output" = '{"value":"192.0.2.256","valid":false,"sanitised":null}' ]
}

@test "type: --list names all types, and each of them works" {
	run -0 imq-type --list
	[ "${#lines[@]}" -eq 21 ]
	for type in "${lines[@]}"; do
		imq-type "$type" <<< '"x"' > /dev/null
	done
}

@test "type: a line that is no JSON is reported with its place, the next one goes on" {
	printf '%s\n' '"x' '1' > values
	run -3 --separate-stderr imq-type Integer values
	[ "${lines[1]}" = '{"value":1,"valid":true,"sanitised":1}' ]
	[[ "$stderr" == 'imq-type: values:1: '* ]]
}

@test "type: no type, an unknown type" {
	run -2 --separate-stderr imq-type
	run -2 --separate-stderr imq-type Address < /dev/null
	[[ "$stderr" == *'no such type: "Address"'* ]]
}
