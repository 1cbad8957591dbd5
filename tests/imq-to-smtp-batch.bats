load lib
load tls
load exim
load smtp-server
load redis

teardown() {
	stop_exim
	stop_smtp_server
	stop_redis
	[ -z "${GNUPGHOME:-}" ] || gpgconf --kill gpg-agent || true
}

gather() {
	imq-to-smtp-batch --state "${state:-state}" "$@"
}

# mails OPTION...: on what is gathered, with the server that the test has started.
mails() {
	imq-to-smtp-batch --state "${state:-state}" --email-from cert@example.com --smtp-server "[\"127.0.0.1\", ${smtp_port:-1}]" "$@"
}

# The same, --send, by a process $sender of its own. What it prints is in the file sent.
send_meanwhile() {
	imq-to-smtp-batch --state "${state:-state}" --email-from cert@example.com --smtp-server "[\"127.0.0.1\", $smtp_port]" --send "$@" \
		> sent 2> /dev/null 3>&- 7>&- &
	sender=$!
}

event() {
	printf '{"source.abuse_contact":"%s","source.ip":"%s"}\n' "$1" "$2"
}

# show WHAT...: of the only mail that Exim has.
show() {
	python3 "$IMQ_ROOT/tests/mail.py" exim/mail/new/* "$@"
}

# What is in the table of the only mail.
table() {
	show part 1 > table.zip
	unzip -p table.zip
}

@test "to-smtp-batch: events of a contact are one mail, with a packed table" {
	start_exim
	export IMQ_NOW=2026-11-25T10:00:00+00:00
	printf 'Dear colleagues,\nsee below.\n' > template
	{
		event a@example.com 192.0.2.1
		event b@example.com 192.0.2.2
		echo '{"source.ip":"192.0.2.3"}'
		event a@example.com 192.0.2.4
	} > events
	run -0 --separate-stderr gather --stats events
	[ -z "$output" ]
	[[ "$stderr" == *'"in":4,"created":0,"out":3,"dropped":1,"merged":0,"rejected":0,"pending":0'* ]]
	[ "$(mails --list --mail-template template | jq -c '[.contact, .to, .subject, .events, .too_old, .bytes > 100]')" = \
		'["a@example.com","a@example.com","IntelMQ warning (2026-11-25) (a@example.com)",2,0,true]
["b@example.com","b@example.com","IntelMQ warning (2026-11-25) (b@example.com)",1,0,true]' ]
	[ "$(mails --send --only a@example.com --mail-template template | jq -c '[.contact, .events, .sent]')" = '["a@example.com",2,true]' ]
	await_mails 1
	[ "$(show From)" = cert@example.com ]
	[ "$(show To)" = a@example.com ]
	[ "$(show Envelope-to)" = a@example.com ]
	[ "$(show Subject)" = 'IntelMQ warning (2026-11-25) (a@example.com)' ]
	[ "$(show Date)" = 'Wed, 25 Nov 2026 10:00:00 +0000' ]
	[ "$(show parts)" = $'text/plain us-ascii 7bit None\napplication/zip None base64 intelmq_2026-11-25.zip' ]
	[ "$(show part 0 | tr -d '\r')" = $'Dear colleagues,\nsee below.' ]
	[ "$(table)" = $'time_detected,ip,class,type,time_delivered,country_code,asn,description,malware,feed_name,feed_url,raw\r
,192.0.2.1,,,,,,,,,,\r\n,192.0.2.4,,,,,,,,,,\r' ]
	[ "$(unzip -Z1 table.zip)" = 261125_2_events.csv ]
	[ "$(mails --list | jq -r .contact)" = b@example.com ]
	mails --send > sent
	await_mails 2
	[ -z "$(mails --list)" ]
	run -0 mails --send
	[ -z "$output" ]
}

@test "to-smtp-batch: columns, their titles, raw in one line, several values" {
	start_exim
	raw=$(printf ' l1\nl2\r\n' | base64)
	printf '%s\n' "{\"source.abuse_contact\":\"a@example.com\",\"event_description.text\":\"q \\\"x\\\", y\",\"raw\":\"$raw\",\"extra.l\":[\"a\",1]}" \
		'{"source.abuse_contact":"a@example.com","raw":"/w==","feed.accuracy":1e2}' > events
	gather events
	mails --test --tester t@example.com --allowed-fieldnames event_description.text,raw,extra.l,feed.accuracy > /dev/null
	await_mails 1
	[ "$(table | tr -d '\r')" = $'description,raw,extra.l,feed.accuracy\n"q ""x"", y",l1\\nl2,"[\'a\', 1]",\n,/w==,,100.0' ]
	rm exim/mail/new/*
	mails --test --tester t@example.com --allowed-fieldnames raw,source.ip --fieldnames-translation '["Roh", "Größe"]' > /dev/null
	await_mails 1
	[ "$(table | head -n 1 | tr -d '\r')" = 'Roh,Größe' ]
	rm exim/mail/new/*
	mails --test --tester t@example.com --allowed-fieldnames source.asn,source.ip --fieldnames-translation '{"source.ip":"address, of it"}' > /dev/null
	await_mails 1
	[ "$(table | head -n 1 | tr -d '\r')" = 'asn,"address, of it"' ]
	run -2 mails --list --allowed-fieldnames raw --fieldnames-translation a,b
	[[ "$output" == *'2 titles for 1 columns'* ]]
}

@test "to-smtp-batch: a tester gets the mails of others, and nothing is removed" {
	start_exim
	gather < <(event a@example.com 192.0.2.1)
	[ "$(mails --test --testing-to t@example.com --bcc c@example.com | jq -c '[.to, .tested]')" = '["t@example.com",true]' ]
	await_mails 1
	[ "$(show Envelope-to)" = t@example.com ]
	[[ "$(show Subject)" == *' (intended for a@example.com)' ]]
	[ "$(mails --list | jq .events)" = 1 ]
	run -2 mails --test
	[[ "$output" == *'--testing-to: '* ]]
}

@test "to-smtp-batch: copies are not in the headers, others get the mail instead of a contact" {
	start_exim
	printf '%s\n' original,replacement 'a@example.com,x@example.com;"Y" <y@example.com>' '"b@example.com,c@example.com", z@example.com' 'nobody at all,w@example.com' > others
	{
		event a@example.com 192.0.2.1
		event b@example.com,c@example.com 192.0.2.2
		event 'nobody at all' 192.0.2.3
	} > events
	gather --alternative-mails others events
	mails --send --alternative-mails others --bcc archive@example.com > /dev/null
	await_mails 6
	grep -h -A1 '^Envelope-to' exim/mail/new/* | grep -o '[a-z]*@example.com' | sort | uniq -c | awk '{ print $2, $1 }' > envelopes
	[ "$(cat envelopes)" = $'archive@example.com 3\nw@example.com 1\nx@example.com 1\ny@example.com 1\nz@example.com 1' ]
	run -1 grep -l '^To:.*archive\|^Bcc' exim/mail/new/*
	grep -q '^To: x@example.com,Y <y@example.com>' exim/mail/new/*
	run -3 --separate-stderr gather < <(event 'nobody at all' 192.0.2.3)
	[[ "$stderr" == *'source.abuse_contact: not a mail address: "nobody at all"'* ]]
}

@test "to-smtp-batch: events that are too old are left out and removed, many are several mails" {
	start_exim
	export IMQ_NOW=2026-11-25T10:00:00+00:00
	{
		for time in 2026-11-22T09:59:59+00:00 2026-11-22T11:00:01+00:00 2026-11-25T09:00:00+00:00; do
			printf '{"source.abuse_contact":"a@example.com","time.observation":"%s"}\n' "$time"
		done
		echo '{"source.abuse_contact":"a@example.com"}'
		printf '{"source.abuse_contact":"b@example.com","time.observation":"2026-01-01T00:00:00+00:00"}\n'
	} > events
	gather events
	run -0 --separate-stderr mails --list --ignore-older-than-days 3
	[ "$(jq -c '[.contact, .events, .too_old]' <<< "$output")" = '["a@example.com",3,1]
["b@example.com",0,1]' ]
	[[ "$stderr" == *'a@example.com: an event without time.observation is mailed'* ]]
	[ "$(mails --list --max-events 3 | jq -c '[.contact, .events]' | xargs)" = '[a@example.com,3] [a@example.com,1] [b@example.com,1]' ]
	[ "$(mails --list --max-table 1 | wc -l)" = 5 ]
	[ "$(mails --list --limit-results 1 | jq -r .contact)" = a@example.com ]
	mails --send --ignore-older-than-days 3 --max-events 2 > sent 2> /dev/null
	[ "$(jq -c '[.contact, .events, .too_old]' sent | xargs)" = '[a@example.com,2,1] [a@example.com,1,0] [b@example.com,0,1]' ]
	await_mails 2
	[ -z "$(mails --list)" ]
}

@test "to-smtp-batch: a mail that is refused keeps its events, the others are sent" {
	start_exim
	{
		event a@example.com 192.0.2.1
		event b@example.com,refused@example.com 192.0.2.2
		event c@example.com 192.0.2.3
	} | gather
	run -3 --separate-stderr mails --send
	[[ "$stderr" == *'b@example.com,refused@example.com: only some have it: <refused@example.com>: 550 no such mailbox'* ]]
	[ "$(jq -r .contact <<< "$output" | xargs)" = 'a@example.com c@example.com' ]
	await_mails 3
	[ "$(mails --list | jq -r .contact)" = b@example.com,refused@example.com ]
	[ "$(mails --clear | jq -c '[.contact, .removed]')" = '["b@example.com,refused@example.com",true]' ]
	[ -z "$(mails --list)" ]
}

@test "to-smtp-batch: a copy that is refused is told, the events have been delivered" {
	start_exim
	gather < <(event a@example.com 192.0.2.1)
	run -3 --separate-stderr mails --send --bcc refused@example.com
	[[ "$stderr" == *'a@example.com: the copy: <refused@example.com>: 550'* ]]
	await_mails 1
	[ -z "$(mails --list)" ]
}

@test "to-smtp-batch: a server that is away keeps everything" {
	start_smtp_server '*MAIL 421 not now'
	{
		event a@example.com 192.0.2.1
		event b@example.com 192.0.2.2
	} | gather
	run -5 --separate-stderr mails --send --smtp-tries 1
	[ -z "$output" ]
	[[ "$stderr" == *'a@example.com: smtp://127.0.0.1:'*'421 not now'* ]]
	[ "$(said MAIL)" = 1 ]
	[ "$(mails --list | jq .events | xargs)" = '1 1' ]
}

@test "to-smtp-batch: events that come while mails are sent are kept for the next time" {
	start_smtp_server
	mkfifo in out
	gather < in > out 3>&- &
	writer=$!
	exec 7> in 8< out
	event a@example.com 192.0.2.1 >&7
	echo >&7
	read -r line <&8
	[ "$(mails --list | jq .events)" = 1 ]
	mails --send > /dev/null
	event a@example.com 192.0.2.2 >&7
	echo >&7
	read -r line <&8
	[ "$(mails --list | jq .events)" = 1 ]
	[ "$(mails --send | jq .events)" = 1 ]
	exec 7>&- 8<&-
	wait "$writer"
}

@test "to-smtp-batch: SIGTERM ends sending after the mail in hand" {
	start_smtp_server 'END drop'
	{
		event a@example.com 192.0.2.1
		event b@example.com 192.0.2.2
	} | gather
	send_meanwhile
	wait_until grep -q '^MAIL$' mails # its answer is lost: there is a pause of a second
	kill "$sender"
	wait "$sender"
	[ "$(jq -c '[.contact, .sent]' sent)" = '["a@example.com",true]' ]
	[ "$(mails --list | jq -r .contact)" = b@example.com ]
}

@test "to-smtp-batch: two that gather, or two that send, at the same time: the second one is refused" {
	start_smtp_server '*END drop'
	mkfifo in
	gather < in 3>&- &
	writer=$!
	exec 7> in
	event a@example.com 192.0.2.1 >&7
	wait_until eval '[ -n "$(mails --list)" ]'
	run -2 gather < /dev/null
	[ "$output" = 'imq-to-smtp-batch: state: another process is gathering events there' ]
	send_meanwhile
	wait_until grep -q DATA said
	run -4 mails --send
	[ "$output" = 'imq-to-smtp-batch: state: another process is sending mails from there' ]
	kill -9 "$sender"
	exec 7>&-
	wait "$writer"
	wait "$sender" || true
	[ "$(mails --list | jq .events)" = 1 ]
}

@test "to-smtp-batch: in a pump a batch that comes again is there once, one that was not finished is not" {
	event a@example.com 192.0.2.1 > first
	event a@example.com 192.0.2.2 > second
	IMQ_BATCH=7 gather < <(cat first; echo) > barriers
	[ "$(mails --list | jq .events)" = 1 ]
	IMQ_BATCH=7 gather < <(cat first; echo; cat second) > barriers
	[ "$(wc -l < barriers)" = 1 ]
	[ "$(mails --list | jq .events)" = 1 ]
	IMQ_BATCH=8 gather < <(cat second; echo; yes "$(cat second)" | head -n 6000) > barriers
	[ "$(mails --list | jq .events)" = 2 ]
	IMQ_BATCH=9 gather < <(cat first; echo) > barriers
	[ "$(mails --list | jq .events)" = 3 ]
	IMQ_BATCH=12 IMQ_UNDO=9 gather < <(echo) > barriers
	[ "$(mails --list | jq .events)" = 2 ]
	IMQ_BATCH=1 gather < <(cat first; echo) > barriers # of a new queue
	[ "$(mails --list | jq .events)" = 3 ]
	[ "$(stat -c %a state)" = 600 ]
}

# batches COUNT: of 20 events each, numbered in extra.n, in the file batches.
batches() {
	local n
	for n in $(seq "$1"); do
		seq $((n * 20 - 19)) $((n * 20)) | awk '{ printf "{\"source.abuse_contact\":\"c%d@example.com\",\"extra.n\":%d}\n", $1 % 7, $1 }'
		echo
	done > batches
}

@test "to-smtp-batch: killed over and over while it gathers, it has every event once" {
	batches 150
	seed=${IMQ_TEST_SEED:-$RANDOM}
	echo "IMQ_TEST_SEED=$seed"
	python3 "$IMQ_ROOT/tests/kill-pump.py" "$seed" batches imq-to-smtp-batch --state state
	[ "$(sqlite3 state 'select count(*), count(distinct event) from events')" = '3000|3000' ]
	[ "$(mails --list | jq -s 'map(.events) | add')" = 3000 ]
}

# The numbers in the tables of all mails that the server has taken, but of one that was cut when the sender was killed.
mailed_numbers() {
	python3 - <<- 'END'
		import email, io, zipfile
		for part in open('mails', 'rb').read().split(b'MAIL\n')[1:]:
		    packed = [p for p in email.message_from_bytes(part).walk() if p.get_content_type() == 'application/zip']
		    if packed and part.endswith(b'--\r\n'):
		        archive = zipfile.ZipFile(io.BytesIO(packed[0].get_payload(decode=True)))
		        for line in archive.read(archive.namelist()[0]).decode().splitlines()[1:]:
		            print(line.split(',')[0])
	END
}

# loses_nothing COMMAND...: gathers and sends with kills; COMMAND lets the next sender in.
loses_nothing() {
	start_smtp_server
	batches 300
	seed=${IMQ_TEST_SEED:-$RANDOM}
	RANDOM=$seed
	echo "IMQ_TEST_SEED=$seed"
	python3 "$IMQ_ROOT/tests/kill-pump.py" "$seed" batches imq-to-smtp-batch --state "$state" > /dev/null 3>&- &
	writer=$!
	while [ -e "/proc/$writer" ]; do
		send_meanwhile --allowed-fieldnames extra.n,source.abuse_contact
		python3 -c "import time; time.sleep($((RANDOM % 100)) / 1000)" # the moment of the kill, not a condition to wait for
		kill -9 "$sender" 2> /dev/null || true
		wait "$sender" || true
		"$@" > /dev/null
	done
	wait "$writer"
	mails --send --allowed-fieldnames extra.n,source.abuse_contact > /dev/null
	[ -z "$(mails --list)" ]
	[ "$(mailed_numbers | sort -u | wc -l)" = 6000 ]
}

@test "to-smtp-batch: gathering and sending killed over and over, every event is mailed" {
	state=state
	loses_nothing true
}

@test "to-smtp-batch: gathering to Redis and sending from there killed over and over, every event is mailed" {
	start_redis
	state=redis://$redis/2#bot
	loses_nothing redis del imq-sender:bot
	[ -z "$(redis keys '*')" ]
}

@test "to-smtp-batch: killed between sending and removing, the mail goes again, under the same Message-ID" {
	start_smtp_server
	export IMQ_NOW=2026-11-25T10:00:00+00:00
	gather < <(event a@example.com 192.0.2.1)
	need_program strace
	export ASAN_OPTIONS=detect_leaks=0
	# What opening the file writes, --list shows; the next thing written is the removal.
	strace -f -o trace -e trace=pwrite64 imq-to-smtp-batch --state state --email-from cert@example.com --list > sent
	opening=$(grep -c pwrite64 trace)
	run -137 strace -f -o trace -e trace=pwrite64 -e "inject=pwrite64:signal=KILL:when=$((opening + 1))" imq-to-smtp-batch --state state \
		--email-from cert@example.com --smtp-server "[\"127.0.0.1\", $smtp_port]" --send
	[ -z "$output" ]
	[ "$(grep -c '^MAIL$' mails)" = 1 ]
	[ "$(mails --list | jq .events)" = 1 ]
	mails --send > sent
	[ "$(grep -c '^MAIL$' mails)" = 2 ]
	[ "$(grep '^Message-ID' mails | sort -u | wc -l)" = 1 ]
}

@test "to-smtp-batch: in Redis events are where IntelMQ's bot has them, and may come from there" {
	start_redis
	start_exim
	state=redis://$redis/2#batch-bot
	{
		event a@example.com 192.0.2.1
		event b@example.com 192.0.2.2
		event a@example.com 192.0.2.3
	} > events
	run -0 gather < <(cat events; echo)
	[ "$output" = '' ]
	[ "$(redis keys '*' | sort | xargs)" = 'batch-bot:a@example.com batch-bot:b@example.com' ]
	[ "$(redis lrange batch-bot:a@example.com 0 -1)" = "$(grep a@ events)" ]
	redis rpush batch-bot:a@example.com '{"source.abuse_contact": "a@example.com", "source.ip": "192.0.2.4"}' 'no event' > /dev/null
	redis rpush batch-bottle:c@example.com '{}' > /dev/null
	run -0 --separate-stderr mails --list
	[ "$(jq -c '[.contact, .events, .too_old]' <<< "$output" | xargs)" = '[a@example.com,3,1] [b@example.com,1,0]' ]
	[[ "$stderr" == *'a@example.com: what is no event is left out'* ]]
	[ "$(mails --send --max-events 2 2> /dev/null | jq -c '[.contact, .events]' | xargs)" = '[a@example.com,2] [a@example.com,1] [b@example.com,1]' ]
	await_mails 3
	[ "$(redis keys '*')" = batch-bottle:c@example.com ]
}

@test "to-smtp-batch: what was not sent goes back into Redis, in order, also after a process was killed" {
	start_redis
	state=redis://$redis/2#bot
	{
		event a@example.com 192.0.2.1
		event a@example.com 192.0.2.2
	} | gather
	start_smtp_server '*RCPT 550 no'
	run -3 mails --send
	[ "$(redis lrange bot:a@example.com 0 -1 | grep -o '192[0-9.]*' | xargs)" = '192.0.2.1 192.0.2.2' ]
	[ "$(redis keys '*')" = bot:a@example.com ]
	stop_smtp_server
	start_smtp_server '*END drop'
	send_meanwhile
	wait_until grep -q DATA said
	event a@example.com 192.0.2.3 | gather
	run -4 mails --send
	[[ "$output" == *'another process is sending mails from there'* ]]
	kill -9 "$sender"
	wait "$sender" || true
	[ "$(redis lrange bot:a@example.com 0 -1 | wc -l)" = 1 ]
	redis del imq-sender:bot > /dev/null # as it goes by itself, in time
	stop_smtp_server
	start_smtp_server
	[ "$(mails --send | jq .events)" = 3 ]
	[ -z "$(redis keys '*')" ]
}

@test "to-smtp-batch: a Redis that is away is status 5" {
	start_redis
	state=redis://$redis/2#bot
	stop_redis
	run -5 gather < <(event a@example.com 192.0.2.1)
	run -5 mails --list
	run -5 mails --send
}

@test "to-smtp-batch: mails are signed, and the signature is good" {
	need_program gpg
	start_exim
	export GNUPGHOME=$PWD/gpg
	mkdir -m 700 gpg
	gpg -q --batch --pinentry-mode loopback --passphrase secret --quick-gen-key 'CERT <cert@example.com>' ed25519 sign never 2> /dev/null
	fingerprint=$(gpg --list-keys --with-colons | awk -F: '/^fpr/ { print $10; exit }')
	gpgconf --kill gpg-agent
	printf 'From the CERT \n.\nGrüße\n' > template
	gather < <(event a@example.com 192.0.2.1)
	printf 'gpg_pass: wrong\n' > config
	run -2 mails --send --mail-template template --gpg-key "$fingerprint" --config config
	[[ "$output" == *"signing with the key $fingerprint: "* ]]
	printf 'gpg_pass: secret\n' > config
	mails --send --mail-template template --gpg-key "$fingerprint" --config config > /dev/null
	await_mails 1
	[[ "$(show Content-Type)" == 'multipart/signed; micalg="pgp-sha'*'"; protocol="application/pgp-signature"; boundary='* ]]
	[ "$(show parts)" = $'text/plain utf-8 base64 None\napplication/zip None base64 intelmq_'"$(date +%Y-%m-%d)"$'.zip\napplication/pgp-signature None None signature.asc' ]
	[ "$(show part 0)" = $'From the CERT \r\n.\r\nGrüße\r' ]
	show part 2 > signature
	boundary=$(show Content-Type | sed 's/.*boundary="//; s/"$//')
	# what stands between the first two boundaries, as it was on the wire
	python3 - "$boundary" exim/mail/new/* > signed <<- 'END'
		import sys
		mail = open(sys.argv[2], 'rb').read().replace(b'\r\n', b'\n').replace(b'\n', b'\r\n')
		sys.stdout.buffer.write(mail.split(b'--' + sys.argv[1].encode())[1][2:-2])
	END
	gpg --batch --verify signature signed
	echo x >> signed
	run ! gpg --batch --verify signature signed
	event a@example.com 192.0.2.1 | gather
	run -2 mails --test --tester t@example.com --gpg-key 0123456789012345678901234567890123456789
}

@test "to-smtp-batch: the server may be a map, with a login, and speak TLS" {
	make_certificates
	start_exim
	gather < <(event a@example.com 192.0.2.1)
	cat > config <<- END
		smtp_server: {host: 127.0.0.1, port: $smtp_port, user: imq, password: secret}
		email_from: sender@login.example
	END
	run -0 imq-to-smtp-batch --state state --config config --send
	await_mails 1
	for server in '["a", 25, "b", "c", "d"]' '{"host": "a", "prot": 1}' '["a", "b"]' '{}' ; do
		run -2 imq-to-smtp-batch --state state --email-from a@example.com --smtp-server "$server" --send
	done
}

@test "to-smtp-batch: nothing of an event becomes a header, an address or another column" {
	start_smtp_server
	cat > events << 'END'
{"source.abuse_contact":"a@example.com\r\nBcc: b@example.com"}
{"source.abuse_contact":"a@example.com>"}
{"source.abuse_contact":"\"a b\" <c@example.com>","event_description.text":"x,\"\r\n=cmd|' /C calc'!A0","malware.name":"\u0000"}
{"source.abuse_contact":["d@example.com","e@example.com"]}
no event
END
	run -3 --separate-stderr gather --rejects rejects events
	[ "$(jq .line rejects | xargs)" = '1 2 5' ]
	[ "$(mails --send | jq -r .to)" = $'"a b" <c@example.com>\nd@example.com' ]
	[ "$(grep -o 'RCPT.*' said | xargs)" = 'RCPT TO:<c@example.com> RCPT TO:<d@example.com>' ]
	csplit -s -z mails '/^MAIL$/' '{*}'
	sed 1d xx00 > mail
	[ "$(python3 "$IMQ_ROOT/tests/mail.py" mail headers)" = 'Content-Type MIME-Version Subject From To Date Message-ID' ]
	[ "$(python3 "$IMQ_ROOT/tests/mail.py" mail To)" = 'a b <c@example.com>' ]
	python3 "$IMQ_ROOT/tests/mail.py" mail part 1 > table.zip
	unzip -p table.zip > table.csv
	# Python's reader takes no NUL
	[ "$(tr '\0' 0 < table.csv | python3 -c 'import csv, sys; print([len(r) for r in csv.reader(open(0, newline=""))])')" = '[12, 12]' ]
}

@test "to-smtp-batch: a file that is none of ours, and what cannot be meant, is refused" {
	run -2 imq-to-smtp-batch
	[[ "$output" == *'--state is missing'* ]]
	sqlite3 other 'create table meta(name, value); create table events(id)'
	run -2 imq-to-smtp-batch --state other < /dev/null
	[[ "$output" == *'other: this is not a file of imq-to-smtp-batch'* ]]
	gather < /dev/null
	head -c 5000 /dev/urandom > noise
	run -2 imq-to-smtp-batch --state noise < /dev/null
	run -2 imq-to-smtp-batch --state /no/such/folder < /dev/null
	run -2 mails --list --send
	run -2 mails --send --email-from ''
	run -2 mails --send --email-from a@example.com,b@example.com
	run -2 mails --send --bcc 'a b'
	run -2 mails --list --mail-template /no/such/file
	run -2 mails --list --limit-results -1
	run -2 mails --list --state other
	run -2 mails --send --state not-there
	[[ "$output" == *'not-there: No such file or directory'* ]]
	[ ! -e not-there ]
	printf 'a@example.com,b@example.com\nc@example.com\n' > others
	run -2 mails --list --alternative-mails others
	[[ "$output" == *'others:2: two addresses expected'* ]]
	printf 'a@example.com,b@example.com\nc@example.com,d e\n' > others
	run -2 mails --list --alternative-mails others
	[[ "$output" == *'others:2: not a mail address: "d e"'* ]]
}
