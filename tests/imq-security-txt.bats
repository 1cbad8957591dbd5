load lib
load nginx

teardown() {
	stop_nginx
}

# Hosts below localhost are ours, each with its own files: www/NAME for NAME.localhost.
serve() {
	need_program openssl
	openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=x -addext "subjectAltName=$(printf ',DNS:%s.localhost' a b c d e h s x old gone slow | cut -c2-)" \
		-keyout server.key -out server.pem 2> /dev/null
	export web_tls=1
	start_nginx 'location / { root '"$PWD"'/www/$host; default_type text/plain; } '"${1:-}"
	port=${web##*:}
	file a 'Contact: mailto:Security@a.example' 'Expires: 2030-01-01T00:00:00Z'
}

# file HOST LINE...
file() {
	mkdir -p "www/$1.localhost/.well-known"
	printf '%s\r\n' "${@:2}" > "www/$1.localhost/.well-known/security.txt"
}

security_txt() {
	IMQ_NOW=2026-11-25T10:00:00+00:00 imq-security-txt --allow-private --http-verify-cert server.pem --url "https://{}:$port/.well-known/security.txt" "$@"
}

events() {
	printf '{"source.fqdn":"%s.localhost"}\n' "$@"
}

contacts() {
	jq -r '."source.abuse_contact" // "-"' | paste -sd' '
}

@test "security-txt: the addresses a domain names are its contact" {
	serve
	run -0 --separate-stderr security_txt < <(events a)
	[ "$output" = '{"source.fqdn":"a.localhost","source.abuse_contact":"security@a.example"}' ]
	[ -z "$stderr" ]
	file b '# ours' 'contact:mailto:One@b.example?subject=x' 'Contact: https://b.example/form' 'Contact: tel:+1-201-555-0123' 'CONTACT:  MAILTO:two%2Btag@b.example' \
		'Contact: mailto:one@b.example' 'Expires: 2030-01-01T00:00:00Z'
	run -0 security_txt < <(events b)
	[ "$(contacts <<< "$output")" = 'one@b.example,two+tag@b.example' ]
}

@test "security-txt: a signed file, and one at the old place" {
	serve
	file s '-----BEGIN PGP SIGNED MESSAGE-----' 'Hash: SHA512' '' '- Contact: mailto:signed@s.example' 'Expires: 2030-01-01T00:00:00Z' '-----BEGIN PGP SIGNATURE-----' '' 'Contact: mailto:no@s.example' '-----END PGP SIGNATURE-----'
	mkdir -p www/old.localhost
	echo 'Contact: mailto:old@o.example' > www/old.localhost/security.txt
	run -0 security_txt < <(events s old)
	[ "$(contacts <<< "$output")" = 'signed@s.example old@o.example' ]
}

@test "security-txt: a file that has expired, or belongs elsewhere, names nobody" {
	serve
	file x 'Contact: mailto:x@x.example' 'Expires: 2026-11-25T09:59:59Z'
	file c 'Contact: mailto:c@c.example' 'Canonical: https://other.example/.well-known/security.txt'
	file d 'Contact: mailto:d@d.example' 'Canonical: https://other.example/x' "Canonical: https://d.localhost:$port/.well-known/security.txt"
	run -0 security_txt < <(events x c d)
	[ "$(contacts <<< "$output")" = '- - d@d.example' ]
	run -0 security_txt --expired < <(events x)
	[ "$(contacts <<< "$output")" = x@x.example ]
}

@test "security-txt: a contact there is stays unless told; another field" {
	serve
	event='{"source.fqdn":"a.localhost","source.abuse_contact":"old@x"}'
	run -0 security_txt <<< "$event"
	[ "$output" = "$event" ]
	[ "$(requests)" -eq 0 ]
	run -0 security_txt --overwrite <<< "$event"
	[ "$(contacts <<< "$output")" = security@a.example ]
	run -0 security_txt --contact-field extra.security_contact --field destination.fqdn <<< '{"destination.fqdn":"a.localhost"}'
	[ "$output" = '{"destination.fqdn":"a.localhost","extra.security_contact":"Security@a.example"}' ]
	run -2 security_txt --contact-field no.field < /dev/null
	run -2 imq-security-txt --url https://x/ < /dev/null
}

@test "security-txt: no file, an HTML page, a domain that is none: nothing, which is remembered" {
	serve
	file h '<html><body>Not here: https://h.example</body></html>'
	events gone h gone > list
	echo '{"source.fqdn":"a/../b?c#d@e"}' >> list
	echo '{"source.ip":"192.0.2.1"}' >> list
	run -0 --separate-stderr security_txt --window 1 list
	[ "$output" = "$(cat list)" ]
	[ -z "$stderr" ]
	[ "$(requests)" -eq 3 ]
}

@test "security-txt: an answer is remembered no longer than it holds" {
	serve
	file x 'Contact: mailto:x@x.example' 'Expires: 2026-11-25T10:30:00Z'
	run -0 security_txt --cache cache.db < <(events x)
	IMQ_NOW=2026-11-25T10:29:00+00:00 run -0 imq-security-txt --allow-private --http-verify-cert server.pem --url "https://{}:$port/.well-known/security.txt" --cache cache.db < <(events x)
	[ "$(contacts <<< "$output")" = x@x.example ]
	[ "$(requests)" -eq 1 ]
	IMQ_NOW=2026-11-25T10:31:00+00:00 run -0 imq-security-txt --allow-private --http-verify-cert server.pem --url "https://{}:$port/.well-known/security.txt" --cache cache.db < <(events x)
	[ "$(contacts <<< "$output")" = - ]
	[ "$(requests)" -eq 2 ]
}

@test "security-txt: order stays, equal questions are asked once, a barrier waits" {
	serve 'if ($host = slow.localhost) { rewrite ^ /slow last; } location = /slow { echo_sleep 0.4; echo "Contact: mailto:slow@s.example"; }'
	{ events slow a slow gone; echo; } > list
	security_txt list > out
	[ "$(head -n 4 out | contacts)" = 'slow@s.example security@a.example slow@s.example -' ]
	[ "$(tail -n 1 out)" = '' ]
	[ "$(requests /.well-known/)" -eq 3 ]
}

@test "security-txt: inside addresses are no domains, bad certificates no servers" {
	serve
	run -0 --separate-stderr imq-security-txt --url "https://{}:$port/.well-known/security.txt" < <(events a)
	[ "$(contacts <<< "$output")" = - ]
	[[ "$stderr" == *'private address'* ]]
	run -0 --separate-stderr imq-security-txt --allow-private --url "https://{}:$port/.well-known/security.txt" --http-timeout-max-tries 1 < <(events a)
	[[ "$stderr" == *certificate* ]]
	[ "$(requests)" -eq 0 ]
}

@test "security-txt: what pretends to be an address is none" {
	serve
	file e 'Contact: mailto:a@b.example,c@d.example' 'Contact: mailto:x%0aBcc:y@z.example' 'Contact: mailto:@' 'Contact: mailto:two@at@signs' 'Contact: mailto:a b@c' \
		"Contact: mailto:$(head -c 1000 /dev/zero | tr '\0' a)@b" 'Contact: mailto:%ff@x.example' 'Contact: mailto:%00@x' 'Contact:' 'Contact: mailto:%' 'Contact: mailto:real@e.example'
	head -c 1000000 /dev/zero > www/a.localhost/.well-known/security.txt
	run -0 --separate-stderr security_txt < <(events e a)
	[ "$(contacts <<< "$output")" = 'real@e.example -' ]
	[[ "$stderr" == *'longer than'* ]]
}
