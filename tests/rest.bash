# Loaded after nginx by tests of lookups by web services: what they all have to stand.

# Answers that no reader may believe or stumble over, as documents of ./www/bad/.
bad_answers() {
	mkdir -p www/bad
	printf 'no json' > www/bad/1
	printf '[1,2]' > www/bad/2
	printf '\377\376\000' > www/bad/3
	: > www/bad/4
	python3 -c 'print("[" * 100000)' > www/bad/5
	python3 -c 'print("{\"a\":" * 5000 + "1" + "}" * 5000)' > www/bad/6
	printf 'null' > www/bad/7
	printf '"%s"' "$(head -c 100000 /dev/zero | tr '\0' a)" > www/bad/8
}
