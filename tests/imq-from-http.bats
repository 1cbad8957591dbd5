load lib
load nginx

setup_more() {
	export IMQ_NOW=2026-11-25T10:00:00+00:00
	mkdir -p www
}

teardown() {
	stop_nginx
	[ -z "${pid:-}" ] || kill "$pid" 2> /dev/null || true
	[ ! -d gpg ] || gpgconf --kill gpg-agent || true
}

members() {
	jq -c '[."extra.file_name", (.raw | @base64d)]' <<< "$output"
}

# make_zip FILE NAME=CONTENT...: names may repeat and be anything
make_zip() {
	python3 -W ignore -c 'import sys, zipfile
z = zipfile.ZipFile(sys.argv[1], "w", zipfile.ZIP_DEFLATED)
for a in sys.argv[2:]:
    n, _, c = a.partition("=")
    z.writestr(n, c)' "$@"
}

@test "from-http: a document is a report, byte for byte" {
	printf 'caf\xe9 \xff\0\r\n' > www/a.txt
	start_nginx
	run -0 --separate-stderr imq-from-http --http-url "$web/a.txt" --name F --provider P
	[ "$output" = "{\"time.observation\":\"2026-11-25T10:00:00+00:00\",\"feed.url\":\"$web/a.txt\",\"raw\":\"Y2Fm6SD/AA0K\",\"feed.name\":\"F\",\"feed.provider\":\"P\",\"feed.accuracy\":100.0,\"__type\":\"Report\"}" ]
	[ -z "$stderr" ]
}

@test "from-http: --http-url-formatting puts the time into the URL" {
	echo x > www/2026-11-24.txt
	echo y > www/2026.txt
	start_nginx
	run -0 imq-from-http --http-url "$web/{time[%Y-%m-%d]}.txt" --http-url-formatting '{"days":-1}'
	[ "$(jq -r '."feed.url"' <<< "$output")" = "$web/2026-11-24.txt" ]
	run -0 imq-from-http --http-url "$web/{time[%Y]}.txt" --http-url-formatting true
	[ "$(jq -r '.raw' <<< "$output")" = eQo= ]
	run -2 --separate-stderr imq-from-http --http-url "$web/{x}" --http-url-formatting true
	[ "$stderr" = 'imq-from-http: not {time[FORMAT]}: "{x}"' ]
	run -2 imq-from-http --http-url "$web/" --http-url-formatting '{"fortnights":1}'
	run -2 imq-from-http --http-url "$web/" --http-url-formatting 5
}

@test "from-http: a ZIP file is unpacked without being asked, --extract-files selects" {
	make_zip www/two.zip 'd/=' 'a=1' 'd/x=3' 'd/é=4' 'a=2' 'empty='
	start_nginx
	run -0 imq-from-http --http-url "$web/two.zip"
	[ "$(members)" = $'["a","1"]\n["d/x","3"]\n["d/é","4"]\n["a","2"]' ]
	run -0 imq-from-http --http-url "$web/two.zip" --extract-files d/x,nope
	[ "$(members)" = '["d/x","3"]' ]
	run -0 imq-from-http --http-url "$web/two.zip" --extract-files '["d/x"]'
	[ "$(members)" = '["d/x","3"]' ]
	run -0 --separate-stderr imq-from-http --http-url "$web/two.zip" --extract-files nope
	[ -z "$output" ]
	[ "$stderr" = "imq-from-http: $web/two.zip: nothing in it that is wanted" ]
}

@test "from-http: tar, packed or not, and single packed files" {
	mkdir t
	echo bar > t/bar
	echo foo > t/foo
	ln -s /etc/passwd t/link
	ln t/foo t/hard
	tar -C t -cf www/a.tar bar foo hard link
	gzip -k www/a.tar
	gzip -c t/bar t/foo > www/b.gz
	xz -c t/bar > www/c.xz
	bzip2 -c t/bar > www/d.bz2
	start_nginx
	for file in a.tar a.tar.gz; do
		run -0 imq-from-http --http-url "$web/$file" --extract-files true
		[ "$(members)" = $'["bar","bar\\n"]\n["foo","foo\\n"]' ]
	done
	run -0 imq-from-http --http-url "$web/b.gz" --extract-files true
	[ "$(members)" = '[null,"bar\nfoo\n"]' ]
	for file in c.xz d.bz2; do
		run -0 imq-from-http --http-url "$web/$file" --extract-files true
		[ "$(members)" = '[null,"bar\n"]' ]
	done
	run -0 imq-from-http --http-url "$web/b.gz"
	[ "$(jq -r .raw <<< "$output" | base64 -d | cmp - www/b.gz)" = '' ]
}

@test "from-http: what is no archive, or a broken one, is rejected and its good members kept" {
	echo plain > www/plain
	make_zip www/two.zip "a=$(seq 1000)" "b=$(seq 2000)"
	python3 -c 'd = bytearray(open("www/two.zip", "rb").read()); i = d.index(b"PK\3\4", 4) + 60; d[i:i+40] = b"x" * 40; open("www/broken.zip", "wb").write(d)'
	seq 100000 | gzip | head -c 1000 > www/short.gz
	head -c 1000 www/two.zip > www/short.zip
	start_nginx
	run -3 --separate-stderr imq-from-http --http-url "$web/plain" --extract-files true --rejects rej
	[ -z "$output" ]
	[[ "$stderr" == *'not an archive' ]]
	run -3 --separate-stderr imq-from-http --http-url "$web/broken.zip" --seen seen
	[ "$(jq -r '."extra.file_name"' <<< "$output" | head -n 1)" = a ]
	[ "${#lines[@]}" -eq 1 ]
	[ ! -e seen ]
	run -3 --separate-stderr imq-from-http --http-url "$web/short.gz" --extract-files true
	[ -z "$output" ]
	run -3 --separate-stderr imq-from-http --http-url "$web/short.zip"
}

@test "from-http: archives that unpack to too much are refused" {
	head -c 50M /dev/zero | tr '\0' x | xz > www/bomb.xz
	seq 3000 | gzip > www/small.gz
	make_zip www/many.zip a=1 b=2 c=3
	start_nginx
	run -3 --separate-stderr imq-from-http --http-url "$web/bomb.xz" --extract-files true
	[ -z "$output" ]
	[[ "$stderr" == *'unpacks to too much'* ]]
	run -3 --separate-stderr imq-from-http --http-url "$web/small.gz" --extract-files true --extract-max-size 9999
	[[ "$stderr" == *'unpacks to too much'* ]]
	run -3 --separate-stderr imq-from-http --http-url "$web/many.zip" --extract-max-files 2
	[[ "$stderr" == *'an archive of more than 2 files' ]]
}

@test "from-http: --seen fetches only what has changed" {
	echo one > www/a
	start_nginx
	run -0 imq-from-http --http-url "$web/a" --seen seen
	[ "${#lines[@]}" -eq 1 ]
	run -0 --separate-stderr imq-from-http --http-url "$web/a" --seen seen
	[ -z "$output$stderr" ]
	[ "$(requests '^304')" -eq 1 ]
	echo 'other' > www/a
	run -0 imq-from-http --http-url "$web/a" --seen seen
	[ "$(jq -r '.raw' <<< "$output" | base64 -d)" = other ]
	echo x > www/b
	run -0 imq-from-http --http-url "$web/b" --seen seen
	[ "${#lines[@]}" -eq 1 ]
	[ "$(ls seen*)" = seen ]
	echo '[]' > seen
	run -2 --separate-stderr imq-from-http --http-url "$web/b" --seen seen
	[ "$stderr" = 'imq-from-http: seen: not written by imq-from-http' ]
}

@test "from-http: what could not be written out has not been seen" {
	echo one > www/a
	start_nginx
	run -4 sh -c "imq-from-http --http-url $web/a --seen seen > /dev/full"
	[ ! -e seen ]
	run -4 --separate-stderr imq-from-http --http-url "$web/a" --seen nowhere/seen
	[ "${#lines[@]}" -eq 1 ]
	[ "$stderr" = 'imq-from-http: nowhere/seen: No such file or directory' ]
}

@test "from-http: an empty document gives no report" {
	: > www/empty
	start_nginx
	for extract in true false; do
		run -0 --separate-stderr imq-from-http --http-url "$web/empty" --extract-files "$extract"
		[ -z "$output" ]
		[ "$stderr" = "imq-from-http: $web/empty: empty" ]
	done
}

@test "from-http: lines are cut into chunks, --max-reply limits the answer" {
	printf 'h\n1\n2\n' > www/a
	start_nginx
	run -0 imq-from-http --http-url "$web/a" --chunk-size 2
	[ "$(jq -c '.raw | @base64d' <<< "$output")" = $'"h\\n1\\n"\n"h\\n2\\n"' ]
	run -5 --separate-stderr imq-from-http --http-url "$web/a" --max-reply 3
	[ -z "$output" ]
}

@test "from-http: an error of the server, or no server, ends with 5" {
	start_nginx
	run -5 --separate-stderr imq-from-http --http-url "$web/nothing" --seen seen
	[ -z "$output" ]
	[ "$stderr" = "imq-from-http: $web/nothing: HTTP status 404" ]
	[ ! -e seen ]
	run -5 --separate-stderr imq-from-http --http-url "http://127.0.0.1:$(free_port)/" --http-timeout-max-tries 1
	[ -z "$output" ]
}

@test "from-http: only web addresses" {
	for url in file:///etc/passwd ftp://example.com/ gopher://x '' '<insert url of feed>'; do
		run -2 imq-from-http --http-url "$url"
	done
	run -2 --separate-stderr imq-from-http
	[ "$stderr" = 'imq-from-http: --http-url or --feed is missing' ]
}

@test "from-http: --feed takes URL and names from a definition" {
	printf 'ip\n' > www/a
	start_nginx
	printf 'provider: P\nfeeds:\n  p-x: {name: "X x", url: "%s/a"}\n  p-y: {name: Y, url: "%s/b"}\n' "$web" "$web" > p.yaml
	mkdir -p share/feeds/p
	cp p.yaml share/feeds/p/
	run -0 env IMQ_SHARE="$PWD/share" imq-from-http --feed p-x --code C
	[ "$(jq -r '[."feed.name", ."feed.provider", ."feed.url", ."feed.code"] | join(" ")' <<< "$output")" = "X x P $web/a C" ]
	run -2 --separate-stderr env IMQ_SHARE="$PWD/share" imq-from-http --feed p
	run -2 --separate-stderr env IMQ_SHARE="$PWD/share" imq-from-http --feed q
	[[ "$stderr" == *'no feed is called "q"'* ]]
}

# p.yaml in share/: a packed feed, one with a time in its URL, some that cannot be fetched.
definitions() {
	mkdir -p share/feeds/p
	cat > share/feeds/p/p.yaml <<- END
		provider: P
		fetch: {collector: http, rate_limit: 60, extract_files: true, accuracy: 50}
		feeds:
		  packed: {name: Packed, url: "$web/a.gz"}
		  plain: {name: Plain, url: "$web/a", fetch: {extract_files: false, name: Its own}}
		  dated: {name: Dated, fetch: {url: "$web/{time[%Y-%m-%d]}", extract_files: false, http_url_formatting: {days: -1}}}
		  keyed: {name: Keyed, url: "$web/{{ your key }}"}
		  mailed: {name: Mailed, fetch: {collector: mail, attach_regex: csv}}
		  signed: {name: Signed, url: "$web/a", fetch: {verify_everything: true}}
		  wrong: {name: Wrong, url: "$web/a", fetch: {http_timeout_sec: soon}}
	END
	printf 'provider: P\nfeeds: {only-one: {name: One, url: "%s/a"}}\n' "$web" > share/feeds/p/single.yaml
}

@test "from-http: --feed takes options from the definition, those that are given go before" {
	printf 'ip\n' > www/a
	printf 'day\n' > www/2026-01-01
	gzip -k www/a
	start_nginx
	definitions
	export IMQ_SHARE=$PWD/share IMQ_NOW=2026-01-02T12:00:00+00:00 TZ=UTC
	run -0 imq-from-http --feed packed
	[ "$(jq -r '[.raw, ."feed.name", ."feed.accuracy"] | join(" ")' <<< "$output")" = "$(printf 'ip\n' | base64) Packed 50" ]
	run -0 imq-from-http --feed plain
	[ "$(jq -r '[.raw, ."feed.name"] | join(" ")' <<< "$output")" = "$(printf 'ip\n' | base64) Its own" ]
	run -0 imq-from-http --feed dated
	[ "$(jq -r .raw <<< "$output")" = "$(printf 'day\n' | base64)" ]
	run -0 imq-from-http --feed packed --extract-files false --accuracy 70
	[ "$(jq -r '[.raw, ."feed.accuracy"] | join(" ")' <<< "$output")" = "$(base64 -w0 www/a.gz) 70" ]
	printf 'extract_files: false\nname: Mine\n' > config.yaml
	run -0 imq-from-http --config config.yaml --feed packed
	[ "$(jq -r '[.raw, ."feed.name"] | join(" ")' <<< "$output")" = "$(base64 -w0 www/a.gz) Mine" ]
	for name in single p/single only-one; do
		run -0 imq-from-http --feed "$name"
		[ "$(jq -r '."feed.name"' <<< "$output")" = One ]
	done
}

@test "from-http: --feed refuses what it cannot fetch as the definition says" {
	printf 'ip\n' > www/a
	start_nginx
	definitions
	export IMQ_SHARE=$PWD/share
	run -2 --separate-stderr imq-from-http --feed keyed
	[ "$stderr" = "imq-from-http: the URL of \"keyed\" is to be filled in: give --http-url '$web/{{ your key }}'" ]
	run -0 imq-from-http --feed keyed --http-url "$web/a" --extract-files false
	[ "$(jq -r '."feed.name"' <<< "$output")" = Keyed ]
	run -2 --separate-stderr imq-from-http --feed mailed
	[ "$stderr" = 'imq-from-http: the feed "mailed" does not come by HTTP, but: mail' ]
	run -2 --separate-stderr imq-from-http --feed signed
	[ "$stderr" = 'imq-from-http: the feed "signed" wants verify_everything, which is unknown here' ]
	run -2 --separate-stderr imq-from-http --feed wrong
	[[ "$stderr" == 'imq-from-http: --http-timeout-sec'* ]]
	printf 'a: [\n' > share/feeds/p/a-broken.yaml
	run -2 --separate-stderr imq-from-http --feed a-broken
	[[ "$stderr" == *a-broken.yaml* ]]
	run -0 imq-from-http --feed plain
}

@test "from-http: users' own definitions come before the catalogue's" {
	printf 'ip\n' > www/a
	start_nginx
	definitions
	mkdir -p config/imq/feeds
	printf 'provider: Mine\nfeeds: {packed: {name: Mine, url: "%s/a"}}\n' "$web" > config/imq/feeds/x.yaml
	run -0 env XDG_CONFIG_HOME="$PWD/config" IMQ_SHARE="$PWD/share" imq-from-http --feed packed
	[ "$(jq -r '[."feed.name", ."feed.provider"] | join(" ")' <<< "$output")" = 'Mine Mine' ]
}

@test "from-http: SIGTERM ends a waiting fetch quietly" {
	local port
	port=$(free_port)
	python3 -c 'import socket, sys
s = socket.socket(); s.bind(("127.0.0.1", int(sys.argv[1]))); s.listen(); c, _ = s.accept(); c.recv(9); open("asked", "w"); c.recv(9999999); c.recv(9)' "$port" 3>&- &
	pid=$!
	wait_until sh -c "ss -ltn | grep -q :$port || grep -q $(printf ':%04X' "$port") /proc/net/tcp"
	imq-from-http --http-url "http://127.0.0.1:$port/" > out 2> err 3>&- &
	collector=$!
	wait_until test -e asked
	kill "$collector"
	wait "$collector"
	[ ! -s out ]
	[ ! -s err ]
}

# Keys for a@x, e@x, which expired in 2020, b@x and r@x, which is revoked; keyring has those of a, e and r. www/a is the document.
make_keys() {
	need_program gpg
	need_program gpgv
	export GNUPGHOME=$PWD/gpg
	mkdir -m 700 gpg
	printf 'batch\nquiet\npinentry-mode loopback\nno-greeting\n' > gpg/gpg.conf
	for user in a b r; do
		gpg --passphrase '' --quick-gen-key "$user@x" ed25519 sign never 2> /dev/null
	done
	gpg --faked-system-time 20200101T000000 --passphrase '' --quick-gen-key e@x ed25519 sign 1d 2> /dev/null
	printf 'ip\n' > www/a
}

# sign USER FILE [OPTION]...: the detached signature of www/a.
sign() {
	gpg -u "$1@x" -b -a -o "www/$2" "${@:3}" www/a 2> /dev/null
}

make_keyring() {
	gpg --export a@x e@x r@x > keyring
}

signed() {
	imq-from-http --http-url "$web/a" --verify-pgp-signatures --signature-url "$web/$1" --gpg-keyring keyring "${@:2}"
}

# refused FILE REASON: the signature www/FILE of www/a is refused with that reason, and nothing comes out.
refused() {
	run -3 --separate-stderr signed "$1" --seen seen --rejects rejects
	[ -z "$output" ]
	[[ "$stderr" == "imq-from-http: $web/a: signature: "$2 ]] || { echo "$stderr"; return 1; }
	[ ! -e seen ]
	[ "$(jq -r .reason < rejects)" = "${stderr#*: *: }" ]
	[ -z "$(jq -r '.record // .record_base64' < rejects)" ]
	rm rejects
}

@test "from-http: a document with a good signature is delivered, and fetched again once it has changed" {
	make_keys
	make_keyring
	sign a a.asc
	gpg --dearmor < www/a.asc > www/a.sig
	sign b b.asc
	gpg --dearmor < www/b.asc | cat - www/a.sig > www/two.sig
	start_nginx
	for file in a.asc a.sig two.sig; do
		run -0 --separate-stderr signed "$file"
		[ "$(jq -r '.raw' <<< "$output" | base64 -d)" = ip ]
		[ -z "$stderr" ]
	done
	run -0 signed a.asc --seen seen
	[ "${#lines[@]}" -eq 1 ]
	: > nginx.log
	run -0 --separate-stderr signed a.asc --seen seen
	[ -z "$output$stderr" ]
	[ "$(requests)" -eq 1 ]
	printf 'other\n' > www/a
	run -3 --separate-stderr signed a.asc --seen seen
	[ -z "$output" ]
	rm www/a.asc
	sign a a.asc
	run -0 signed a.asc --seen seen
	[ "$(jq -r '.raw' <<< "$output" | base64 -d)" = other ]
}

@test "from-http: the signature is that of the document as it came, before it is unpacked" {
	make_keys
	make_keyring
	gzip www/a
	mv www/a.gz www/a
	sign a a.asc
	start_nginx
	run -0 --separate-stderr signed a.asc --extract-files true
	[ "$(members)" = '[null,"ip\n"]' ]
}

@test "from-http: without --gpg-keyring the keyring is that of GnuPG's user, which is left as it is" {
	make_keys
	sign b b.asc
	start_nginx
	before=$(cd gpg && find . -type f -exec md5sum {} +)
	run -0 --separate-stderr imq-from-http --http-url "$web/a" --verify-pgp-signatures --signature-url "$web/b.asc"
	[ "${#lines[@]}" -eq 1 ]
	mkdir home
	cp -r gpg home/.gnupg
	run -0 env -u GNUPGHOME HOME="$PWD/home" imq-from-http --http-url "$web/a" --verify-pgp-signatures --signature-url "$web/b.asc"
	[ "$before" = "$(cd gpg && find . -type f -exec md5sum {} +)" ]
	run -2 --separate-stderr env GNUPGHOME="$PWD/www" imq-from-http --http-url "$web/a" --verify-pgp-signatures --signature-url "$web/b.asc"
	[ "$stderr" = "imq-from-http: --gpg-keyring is missing, and there is no keyring of GnuPG: $PWD/www/pubring.gpg" ]
}

@test "from-http: --signature-url-formatting puts the time into the signature's URL" {
	make_keys
	make_keyring
	sign a 2026-11-24.asc
	start_nginx
	run -0 signed '{time[%Y-%m-%d]}.asc' --signature-url-formatting '{"days":-1}'
	[ "${#lines[@]}" -eq 1 ]
	[ "$(requests 'GET /2026-11-24.asc')" -eq 1 ]
	run -2 signed '{x}' --signature-url-formatting true
	run -2 --separate-stderr signed x --signature-url-formatting 5
	[[ "$stderr" == 'imq-from-http: --signature-url-formatting: '* ]]
}

@test "from-http: the catalogue's signed feed is fetched with its signature" {
	make_keys
	make_keyring
	printf 'Address,Tags\n192.0.2.1,telnet\n' > www/a
	sign a a.asc
	start_nginx
	fetch_signed() {
		imq-from-http --feed turris-greylist-signed --http-url "$web/a" --signature-url "$web/$1" --gpg-keyring keyring
	}
	run -0 --separate-stderr fetch_signed a.asc
	[ "$(jq -r '."feed.name" + " " + ."feed.provider"' <<< "$output")" = 'Greylist Turris' ]
	[ "$(imq-parse turris-greylist-signed <<< "$output" | jq -r '."source.ip"')" = 192.0.2.1 ]
	run -5 --separate-stderr fetch_signed b.asc
	[ -z "$output" ]
}

@test "from-http: a document without a good signature is refused, and why is told" {
	local key
	make_keys
	sign b b.asc
	sign a a.asc
	sign r r.asc
	sign e e.asc --faked-system-time 20200101T010000
	key=$(gpg --list-keys --with-colons r@x | awk -F: '$1 == "fpr" { print $10; exit }')
	sed -i 's/^:---/---/' "gpg/openpgp-revocs.d/$key.rev"
	gpg --import "gpg/openpgp-revocs.d/$key.rev" 2> /dev/null
	make_keyring
	cp www/a kept
	printf 'other\n' > www/a
	sign a bad.asc
	mv kept www/a
	start_nginx
	refused bad.asc 'the document is not what was signed: ????????????????'
	refused b.asc "its key is not in the keyring: $(gpg --list-keys --with-colons b@x | awk -F: '$1 == "pub" { print $5 }')"
	refused e.asc 'its key has expired: ????????????????'
	refused r.asc 'its key has been revoked: ????????????????'
	# The signature itself ends, not its key.
	key=$(date -u -d '10 days ago' +%Y%m%dT%H%M%S)
	gpg --faked-system-time "$key" --passphrase '' --quick-gen-key o@x ed25519 sign never 2> /dev/null
	sign o o.asc --faked-system-time "$(date -u -d '9 days ago' +%Y%m%dT%H%M%S)" --default-sig-expire 1d
	gpg --export o@x > keyring
	refused o.asc 'expired: ????????????????'
	# One that no longer fits decides nothing beside a good one.
	gpg --export a@x e@x > keyring
	for file in a e bad; do gpg --dearmor < "www/$file.asc"; done > www/all
	run -0 signed all
	[ "${#lines[@]}" -eq 1 ]
}

@test "from-http: a signature that is missing, is none, or of something else is no signature" {
	make_keys
	make_keyring
	printf 'other\n' > other
	gpg -u a@x -s -o www/inline.gpg other
	gpg -u a@x --clear-sign -o www/clear.asc other
	gpg -u a@x -s -o www/whole.gpg www/a
	: > www/empty
	printf 'Not found\n' > www/text
	start_nginx
	run -5 --separate-stderr signed nothing --seen seen
	[ -z "$output" ]
	[ "$stderr" = "imq-from-http: $web/nothing: HTTP status 404" ]
	[ ! -e seen ]
	for file in inline.gpg clear.asc whole.gpg empty text a; do
		refused "$file" 'not a detached one'
	done
}

@test "from-http: a hostile signature takes neither memory nor time" {
	make_keys
	make_keyring
	sign a a.asc
	gpg --dearmor < www/a.asc > a.sig
	head -c 50M /dev/zero > www/huge
	# Longer than what is read of it, good signature or not; packets that promise 4 GiB; an armour that does not end; a packed packet.
	for i in {1..700}; do cat a.sig; done > www/many
	printf '\xc2\xff\xff\xff\xff\xff\x04' > www/long
	{ sed 3q www/a.asc; yes AAAA | head -n 9000; } > www/endless
	head -c 40M /dev/zero | gpg --compress-algo zlib --store -o - > www/packed
	start_nginx
	refused huge 'longer than 65536 bytes'
	refused many 'longer than 65536 bytes'
	for file in long endless packed; do
		refused "$file" '*'
	done
}

@test "from-http: gpgv is limited in time, and its absence is told" {
	make_keys
	make_keyring
	sign a a.asc
	start_nginx
	mkdir fake
	printf '#!/bin/sh\nkill -XCPU $$\n' > fake/gpgv
	chmod +x fake/gpgv
	PATH=$PWD/fake:$PATH refused a.asc 'gpgv broke off over it'
	# It has no folder, no environment but the language, and its limits.
	printf '#!/bin/sh\n{ echo "$@"; env; ulimit -t; ulimit -f; ulimit -v; ls /proc/self/fd; } > %s/seen-there\nexit 1\n' "$PWD" > fake/gpgv
	PATH=$PWD/fake:$PATH refused a.asc '*'
	grep -qe "--homedir /nonexistent --status-fd 1 --keyring $PWD/keyring --enable-special-filenames -- -&[0-9]* -" seen-there
	run -1 grep -q GNUPGHOME seen-there
	[ "$(grep -cx 60 seen-there)" -eq 1 ]
	[ "$(grep -cx 1048576 seen-there)" -eq 1 ]
	mkdir bare
	ln -s "$(command -v imq-from-http)" bare/
	run -2 --separate-stderr env PATH="$PWD/bare" imq-from-http --http-url "$web/a" --verify-pgp-signatures \
		--signature-url "$web/a.asc" --gpg-keyring keyring
	[ -z "$output" ]
	[ "$stderr" = 'imq-from-http: --verify-pgp-signatures: there is no gpgv (GnuPG)' ]
}

@test "from-http: SIGTERM while gpgv is at work ends both quietly" {
	make_keys
	make_keyring
	sign a a.asc
	start_nginx
	mkdir fake
	printf '#!/bin/sh\necho $$ > %s/gpgv-pid\nexec tail -f /dev/null\n' "$PWD" > fake/gpgv
	chmod +x fake/gpgv
	PATH=$PWD/fake:$PATH signed a.asc > out 2> err 3>&- &
	wait_until test -s gpgv-pid
	pkill_collector=$(ps -o ppid= -p "$(cat gpgv-pid)")
	kill "$pkill_collector"
	wait $!
	[ ! -s out ]
	[ ! -s err ]
	run ! kill -0 "$(cat gpgv-pid)"
}

@test "from-http: what is missing for the check is told before anything is fetched" {
	make_keys
	make_keyring
	sign a a.asc
	gpg -a --export a@x > keys.asc
	start_nginx
	run -2 --separate-stderr imq-from-http --http-url "$web/a" --verify-pgp-signatures
	[ "$stderr" = 'imq-from-http: --verify-pgp-signatures: --signature-url is missing' ]
	run -2 --separate-stderr signed a.asc --gpg-keyring nowhere
	[ "$stderr" = 'imq-from-http: --gpg-keyring: nowhere: No such file or directory' ]
	run -2 --separate-stderr signed a.asc --gpg-keyring "$PWD"
	[ "$stderr" = "imq-from-http: --gpg-keyring: $PWD: not a file that can be read" ]
	run -2 --separate-stderr signed a.asc --gpg-keyring keys.asc
	[ "$stderr" = 'imq-from-http: --gpg-keyring: keys.asc: keys as text; gpg --dearmor makes a keyring of them' ]
	run -2 --separate-stderr signed a.asc --signature-url file:///etc/passwd
	[ "$stderr" = 'imq-from-http: --signature-url: not an http: or https: URL: "file:///etc/passwd"' ]
	[ "$(requests)" -eq 0 ]
	# Without --verify-pgp-signatures the rest means nothing, as in IntelMQ.
	run -0 imq-from-http --http-url "$web/a" --signature-url "$web/nothing" --gpg-keyring nowhere
	[ "$(requests)" -eq 1 ]
}
