load lib
load tls
load exim
load smtp-server

teardown() {
	stop_exim
	stop_smtp_server
}

to_smtp() {
	imq-to-smtp --smtp-port "$smtp_port" --smtp-host 127.0.0.1 --no-starttls "$@"
}

# show WHAT...: of the only mail that Exim has.
show() {
	python3 "$IMQ_ROOT/tests/mail.py" exim/mail/new/* "$@"
}

@test "to-smtp: an event is a mail to its abuse contact, with a table of its fields" {
	start_exim
	export IMQ_NOW=2026-11-25T10:00:00+00:00
	run -0 --separate-stderr to_smtp --stats <<< '{"source.abuse_contact":"abuse@example.com","source.asn":64496,"source.ip":"192.0.2.1","classification.type":"phishing","feed.accuracy":80.0}'
	[ -z "$output" ]
	[[ "$stderr" == *'"in":1,"created":0,"out":1,"dropped":0,"merged":0,"rejected":0,"pending":0'* ]]
	await_mails 1
	[ "$(show Return-path)" = '<cert@localhost>' ]
	[ "$(show Envelope-to)" = abuse@example.com ]
	[ "$(show From)" = cert@localhost ]
	[ "$(show To)" = abuse@example.com ]
	[ "$(show Subject)" = 'Incident in your AS 64496' ]
	[ "$(show Date)" = 'Wed, 25 Nov 2026 10:00:00 +0000' ]
	[[ "$(show Message-ID)" =~ ^\<[0-9a-f]{32}@localhost\>$ ]]
	[ "$(show headers)" = 'Return-path Envelope-to Received Content-Type MIME-Version Subject From To Date Message-ID' ]
	[ "$(show parts)" = $'text/plain us-ascii 7bit None\ntext/csv us-ascii 7bit events.csv' ]
	[ "$(show part 0 | head -n 1)" = 'Dear network owner,' ]
	[ "$(show part 1)" = $'classification.taxonomy;classification.type;classification.identifier;source.ip;source.asn;source.port\n;phishing;;192.0.2.1;64496;' ]
}

@test "to-smtp: subject, text and addresses are made of the event, absent fields are None" {
	start_exim
	to_smtp --mail-from 'CERT <{ev[extra.who]}@example.com>' --mail-to 'a@example.com, Ms. Ö <b@example.com>,"c, d" <c@exämple.com>' \
		--subject 'type: {ev[classification.type]} {{1}}' --text $'{ev[extra]}\n{ev[extra.none]} {ev[source.port]:>4}\n' \
		<<< '{"extra":{"who":"cert","l":["é",1]},"source.port":80}'
	await_mails 1
	[ "$(show Return-path)" = '<cert@example.com>' ]
	[ "$(show Envelope-to | tr -d '\n')" = 'a@example.com, b@example.com, c@xn--exmple-cua.com' ]
	[ "$(show From)" = 'CERT <cert@example.com>' ]
	[ "$(show To)" = 'a@example.com, "Ms. Ö" <b@example.com>, "c, d" <c@xn--exmple-cua.com>' ]
	[ "$(show Subject)" = 'type: None {1}' ]
	[ "$(show part 0 | tr -d '\r')" = $'{"who": "cert", "l": ["\\u00e9", 1]}\nNone   80' ]
}

@test "to-smtp: the table is written as Python does it, the text may be left out, and the table too" {
	start_exim
	to_smtp --config <(echo 'text: null') --fieldnames 'comment,extra.list,extra.float,source.tor_node,no-such-field,raw' --mail-to a@example.com \
		<<< '{"comment":"a \"q\";\nline","extra.list":["a",1],"extra.float":1e2,"source.tor_node":false,"raw":"eA=="}'
	await_mails 1
	[ "$(show parts)" = 'text/csv us-ascii 7bit events.csv' ]
	[ "$(show part 0 | tr -d '\r')" = $'comment;extra.list;extra.float;source.tor_node;no-such-field;raw\n"a ""q"";\nline";[\'a\', 1];100.0;False;;eA==' ]
	rm exim/mail/new/*
	to_smtp --text 'nothing but this' --fieldnames '' --mail-to a@example.com <<< '{}'
	await_mails 1
	[ "$(show parts)" = 'text/plain us-ascii 7bit None' ]
	[ "$(show part 0)" = 'nothing but this' ]
	rm exim/mail/new/*
	to_smtp --fieldnames comment --text '' --mail-to a@example.com <<< '{}'
	await_mails 1
	[ "$(show part 0 | tr -d '\r')" = $'comment\n""' ]
}

@test "to-smtp: what is not ASCII, has long lines or blanks at their end arrives as it was" {
	start_exim
	printf '{"event_description.text":"%s","comment":"grüße; €"}' "$(printf 'lang %.0s' $(seq 500))" > event
	to_smtp --mail-to a@example.com --subject 'Vorfall: {ev[comment]} und noch einmal {ev[comment]}, {ev[comment]}' \
		--text $'.\n..\nFrom me \n{ev[event_description.text]}\n{ev[comment]}' --fieldnames comment event
	await_mails 1
	[ "$(show Subject)" = 'Vorfall: grüße; € und noch einmal grüße; €, grüße; €' ]
	[ "$(show parts)" = $'text/plain utf-8 base64 None\ntext/csv utf-8 base64 events.csv' ]
	[ "$(show part 0)" = $'.\r\n..\r\nFrom me \r\n'"$(printf 'lang %.0s' $(seq 500))"$'\r\ngrüße; €' ]
	[ "$(show part 1)" = $'comment\n"grüße; €"' ]
	[ "$(awk '{ if (length($0) > m) m = length($0) } END { print m }' exim/mail/new/*)" -lt 120 ]
	rm exim/mail/new/*
	to_smtp --mail-to a@example.com --text $'.\n..\n.dot\n' --fieldnames '' <<< '{}'
	await_mails 1
	[ "$(show parts)" = 'text/plain us-ascii 7bit None' ]
	[ "$(show part 0 | tr -d '\r')" = $'.\n..\n.dot' ]
}

@test "to-smtp: TLS after the greeting or from the start, the certificate is verified, a login" {
	make_certificates
	start_exim
	event='{"source.abuse_contact":"abuse@example.com"}'
	run -5 imq-to-smtp --smtp-host localhost -p "$smtp_port" <<< "$event"
	[[ "$output" == *"smtp://localhost:$smtp_port: "*certificate* ]]
	run -5 imq-to-smtp --smtp-host localhost -p "$smtp_port" --http-verify-cert stranger.pem <<< "$event"
	run -0 imq-to-smtp --smtp-host localhost -p "$smtp_port" --http-verify-cert ca.pem <<< "$event"
	run -0 imq-to-smtp --smtp-host 127.0.0.1 -p "$smtps_port" --ssl --http-verify-cert ca.pem <<< "$event"
	run -5 imq-to-smtp --smtp-host localhost -p "$smtps_port" --ssl <<< "$event"
	run -0 imq-to-smtp --smtp-host localhost -p "$smtps_port" --ssl --http-verify-cert false <<< "$event"
	await_mails 3
	run -3 --separate-stderr imq-to-smtp --smtp-host localhost -p "$smtp_port" --http-verify-cert ca.pem -f sender@login.example <<< "$event"
	[[ "$stderr" == *'550'*'log in first'* ]]
	printf 'smtp_password: secret\n' > config
	imq-to-smtp --smtp-host localhost -p "$smtp_port" --http-verify-cert ca.pem -f sender@login.example -u imq --config config <<< "$event"
	await_mails 4
	printf 'smtp_password: wrong\n' > config
	run -5 --separate-stderr imq-to-smtp --smtp-host localhost -p "$smtp_port" --http-verify-cert ca.pem -u imq --config config <<< "$event"
	[[ "$stderr" == *535* && "$stderr" != *wrong* ]]
	[ "$(mail_count)" = 4 ]
}

@test "to-smtp: a server that does not offer TLS gets no mail, unless it need not" {
	start_exim
	run -5 --separate-stderr imq-to-smtp --smtp-host 127.0.0.1 -p "$smtp_port" -t a@example.com <<< $'{}\n'
	[ -z "$output" ]
	[[ "$stderr" == *STARTTLS* ]]
	to_smtp -t a@example.com <<< '{}'
	await_mails 1
}

@test "to-smtp: one connection for many mails" {
	start_exim
	printf '{"extra.n":%d}\n' $(seq 30) > events
	to_smtp -t a@example.com --subject 'n {ev[extra.n]}' events
	await_mails 30
	[ "$(grep -c 'TCP/IP connection count' exim/log/main)" = 1 ]
	[ "$(cat exim/mail/new/* | grep -c '^Subject: n ')" = 30 ]
}

@test "to-smtp: a barrier goes on once the server has taken the mails before it" {
	start_smtp_server
	mkfifo in out
	to_smtp -t a@example.com < in > out 3>&- &
	writer=$!
	exec 7> in 8< out
	printf '%s\n' '{"source.ip":"192.0.2.1"}' '{"source.ip":"192.0.2.2"}' '' >&7
	read -r line <&8
	[ -z "$line" ]
	[ "$(grep -c '^MAIL$' mails)" = 2 ]
	exec 7>&- 8<&-
	wait "$writer"
}

@test "to-smtp: a mail that is made again has the same Message-ID, another one has another" {
	start_smtp_server
	to_smtp -t a@example.com <<< $'{"source.asn":1}\n{"source.asn":1}\n{"source.asn":2}'
	to_smtp -t b@example.com <<< '{"source.asn":1}'
	[ "$(grep '^Message-ID' mails | sort | uniq -c | awk '{ print $1 }' | sort | xargs)" = '1 1 2' ]
}

@test "to-smtp: recipients that are refused are told, the others get the mail, and the rest goes on" {
	start_exim
	printf '{"extra.to":"%s"}\n' a@example.com,refused@example.com,b@example.com refused@example.com c@example.com > events
	run -3 --separate-stderr to_smtp -t '{ev[extra.to]}' --rejects rejects --stats events
	[[ "$stderr" == *'"in":3,"created":0,"out":1,"dropped":0,"merged":0,"rejected":2,"pending":0'* ]]
	[ "$(jq -c '[.line, .reason]' rejects)" = '[1,"only some have it: <refused@example.com>: 550 no such mailbox"]
[2,"<refused@example.com>: 550 no such mailbox"]' ]
	await_mails 2
	[ "$(cat exim/mail/new/* | grep -A1 ^Envelope-to: | tr -d '\n' | grep -o '[abc]@example.com' | sort | xargs)" = 'a@example.com b@example.com c@example.com' ]
}

@test "to-smtp: a mail that is refused is rejected, the next one is sent" {
	start_exim
	run -3 --separate-stderr to_smtp -t a@example.com --subject '{ev[comment]}' --rejects rejects <<< $'{"comment":"please refuse this"}\n{"comment":"fine"}'
	[ "$(jq -r .reason rejects)" = '<a@example.com>: 550 not this one' ]
	[ "$(jq -r .record.comment rejects)" = 'please refuse this' ]
	await_mails 1
	[ "$(show Subject)" = fine ]
}

@test "to-smtp: what is put off is tried again, for those only who have not got it" {
	start_smtp_server 'RCPT 250 fine' 'RCPT 451 come again' 'DATA 451 not now' 'MAIL 421 too busy'
	to_smtp -t a@example.com,b@example.com --smtp-tries 4 <<< '{}'
	[ "$(grep -o 'MAIL FROM\|RCPT.*\|DATA' said)" = 'MAIL FROM
MAIL FROM
RCPT TO:<a@example.com>
RCPT TO:<b@example.com>
DATA
MAIL FROM
RCPT TO:<a@example.com>
RCPT TO:<b@example.com>
DATA' ]
	[ "$(grep -c '^MAIL$' mails)" = 1 ]
	stop_smtp_server
	start_smtp_server 'RCPT 250 fine' 'RCPT 451 come again'
	to_smtp -t a@example.com,b@example.com <<< '{}'
	[ "$(grep -o 'RCPT.*' said | xargs)" = 'RCPT TO:<a@example.com> RCPT TO:<b@example.com> RCPT TO:<b@example.com>' ]
	[ "$(grep -c '^MAIL$' mails)" = 2 ]
	[ "$(grep -c '^Message-ID' mails)" = 2 ]
	[ "$(grep '^Message-ID' mails | sort -u | wc -l)" = 1 ]
}

@test "to-smtp: who is put off for ever while others have the mail is told, and the event rejected" {
	start_exim
	run -3 --separate-stderr to_smtp -t a@example.com,later@example.com --smtp-tries 2 --rejects rejects <<< '{}'
	[ "$(jq -r .reason rejects)" = "only some have it: <later@example.com>: still not taken: smtp://127.0.0.1:$smtp_port: 451 come again" ]
	await_mails 1
}

@test "to-smtp: a server that is away or puts everything off: no barrier, status 5, or rejects" {
	start_exim
	run -5 --separate-stderr to_smtp -t later@example.com --smtp-tries 2 --stats <<< $'{}\n\n{}'
	[ -z "$output" ]
	[[ "$stderr" == *'451 come again'*'"out":0,'* ]]
	run -3 --separate-stderr to_smtp -t '{ev[extra.to]}' --smtp-tries 1 --on-failure reject --rejects rejects \
		<<< $'{"extra.to":"later@example.com"}\n\n{"extra.to":"a@example.com"}'
	[ "$(jq -r .reason rejects)" = "smtp://127.0.0.1:$smtp_port: 451 come again" ]
	await_mails 1
	stop_exim
	run -5 --separate-stderr imq-to-smtp --smtp-host 127.0.0.1 -p "$(free_port)" -t a@example.com --smtp-tries 2 <<< $'{}\n'
	[ -z "$output" ]
	[[ "$stderr" == *'imq-to-smtp: smtp://127.0.0.1:'*onnect* ]]
}

@test "to-smtp: a pump keeps the events of a server that is away, and they are mailed once it is back" {
	start_smtp_server '*MAIL 421 not now'
	printf '{"extra.n":%d}\n' 1 2 3 | imq-queue put sqlite:q#in
	imq-pump --from sqlite:q#in --drain -- imq-to-smtp --smtp-host 127.0.0.1 --smtp-port "$smtp_port" --no-starttls -t a@example.com \
		--subject 'n {ev[extra.n]}' --smtp-tries 1 2> pump.log 3>&- &
	pump=$!
	wait_until grep -q '421 not now' pump.log
	[ "$(imq-queue count sqlite:q#in)" = 3 ]
	: > plan
	wait "$pump"
	[ "$(grep '^Subject' mails | tr -d '\r')" = $'Subject: n 1\nSubject: n 2\nSubject: n 3' ]
	[ "$(imq-queue count sqlite:q#in)" = 0 ]
}

# numbered EVENT...: a batch, as number 5.
numbered() {
	printf '%s\n' "$@" '' | IMQ_BATCH=${batch:-5} to_smtp -t '{ev[extra.to]}' --subject '{ev[extra.n]}' --smtp-tries 1 --state state
}

@test "to-smtp: with --state a batch that comes again is not mailed again, nor what was refused" {
	events=('{"extra.to":"a@example.com","extra.n":1}' '{"extra.to":"b@example.com","extra.n":2}' '{"extra.to":"c@example.com","extra.n":3}')
	start_smtp_server 'RCPT 250 fine' 'RCPT 550 no' 'RCPT 451 later'
	run -5 --separate-stderr numbered "${events[@]}"
	[ -z "$output" ]
	run -3 --separate-stderr numbered "${events[@]}"
	[ "$output" = '' ]
	[[ "$stderr" == *':2: the mail was refused, or taken for some only, when the batch came before'* ]]
	[ "$(grep -o 'RCPT.*' said | xargs)" = 'RCPT TO:<a@example.com> RCPT TO:<b@example.com> RCPT TO:<c@example.com> RCPT TO:<c@example.com>' ]
	run -3 numbered "${events[@]}" # it was not acknowledged
	[ "$(said RCPT)" = 4 ]
	run -0 numbered "${events[0]}" "${events[0]}" # the second one is another event, though equal
	[ "$(said RCPT)" = 5 ]
	batch=6
	run -0 numbered "${events[0]}"
	[ "$(said RCPT)" = 6 ]
	batch=5
	run -0 numbered "${events[0]}" # of a new queue
	[ "$(said RCPT)" = 7 ]
	[ "$(stat -c %a state)" = 600 ]
}

@test "to-smtp: a state that was cut, that is none, or that another process has" {
	start_smtp_server
	event='{"extra.to":"a@example.com","extra.n":1}'
	numbered "$event"
	for size in $(seq $(($(stat -c %s state) - 1))); do
		cp state cut
		truncate -s "$size" cut
		printf '%s\n' "$event" '' | IMQ_BATCH=5 to_smtp -t '{ev[extra.to]}' --subject '{ev[extra.n]}' --state cut
		cmp cut state
	done
	echo 'my diary' > diary
	IMQ_BATCH=5 run -2 to_smtp --state diary < /dev/null
	[[ "$output" == *'diary: this is not a file of imq-to-smtp'* ]]
	[ "$(cat diary)" = 'my diary' ]
	IMQ_BATCH=5 run -2 flock state "$(command -v imq-to-smtp)" --state state < /dev/null
	[[ "$output" == *'state: another process is using this file'* ]]
	IMQ_BATCH=5 run -2 to_smtp --state /no/such/folder < /dev/null
}

@test "to-smtp: killed over and over in a pump, every event is mailed, and few twice" {
	start_smtp_server
	for n in $(seq 60); do
		printf '{"extra.n":%d}\n' $(seq $((n * 10 - 9)) $((n * 10)))
		echo
	done > batches
	seed=${IMQ_TEST_SEED:-$RANDOM}
	echo "IMQ_TEST_SEED=$seed"
	python3 "$IMQ_ROOT/tests/kill-pump.py" "$seed" batches imq-to-smtp --smtp-host 127.0.0.1 --smtp-port "$smtp_port" --no-starttls \
		-t a@example.com --subject 'n {ev[extra.n]}' --state state 2> kills
	[ "$(grep -a -o '^Subject: n [0-9]*' mails | sort -u | wc -l)" = 600 ]
	kills=$(grep -o '^[0-9]*' kills)
	[ "$kills" -gt 5 ]
	[ "$(grep -a -c '^Subject: n ' mails)" -le $((600 + kills)) ]
}

@test "to-smtp: a server that takes few recipients at a time gets the mail several times" {
	start_smtp_server 'RCPT 250 fine' 'RCPT 250 fine' 'RCPT 452 too many' 'RCPT 452 too many' 'RCPT 250 fine' 'RCPT 452 too many'
	to_smtp -t a@example.com,b@example.com,c@example.com,d@example.com --smtp-tries 1 <<< '{}'
	[ "$(grep -o 'RCPT.*' said | cut -c 9-10 | xargs)" = '<a <b <c <d <c <d <d' ]
	[ "$(grep -c '^MAIL$' mails)" = 3 ]
}

@test "to-smtp: a connection that breaks, before or in the middle of a mail, is made again" {
	start_smtp_server 'END drop' 'CONNECT 220 test' 'CONNECT 421 too many' 'RCPT drop'
	to_smtp -t a@example.com --smtp-tries 5 <<< $'{"extra.n":1}\n{"extra.n":2}'
	[ "$(grep -c '^MAIL$' mails)" = 3 ] # the one whose answer was lost comes twice
	[ "$(grep '^Message-ID' mails | sort -u | wc -l)" = 1 ]
}

@test "to-smtp: nothing of an event becomes a header, a line of SMTP or a part" {
	start_smtp_server
	cat > events << 'END'
{"comment":"a\r\nBcc: evil@example.com\r\n\r\nbody","source.abuse_contact":"a@example.com"}
{"comment":"=?utf-8?b?cGxhaW4=?=","source.abuse_contact":"a@example.com"}
{"comment":"\r\n.\r\nMAIL FROM:<evil@example.com>\u0000\u0007\u2028","source.abuse_contact":"a@example.com"}
{"source.abuse_contact":"a@example.com>\r\nRCPT TO:<evil@example.com"}
{"source.abuse_contact":"a b@example.com"}
{"source.abuse_contact":"a@example.com SIZE=1"}
{"source.abuse_contact":"<a@example.com> NOTIFY=NEVER"}
{"source.abuse_contact":"Evil\r\nBcc: b@example.com\r\n <a@example.com>"}
{"source.abuse_contact":"a@b@example.com"}
{"source.abuse_contact":"@example.com"}
{"source.abuse_contact":"a@"}
{"source.abuse_contact":"ö@example.com"}
{"source.abuse_contact":"\u0000@example.com"}
{"source.abuse_contact":" , ,"}
{"comment":"no contact"}
END
	run -3 --separate-stderr to_smtp --subject '{ev[comment]}' --text '{ev[comment]}' --fieldnames comment --rejects rejects events
	[ "$(jq -r .line rejects | xargs)" = '4 5 6 7 8 9 10 11 12 13 14 15' ]
	[ "$(jq -c .reason rejects | sed -n 1p)" = '"--mail-to: not a mail address: \"a@example.com>\r\nRCPT TO:<evil@example.com\""' ]
	[ "$(jq -c .reason rejects | sed -n 11p)" = '"--mail-to: no address"' ]
	[[ "$(jq -c .reason rejects | sed -n 12p)" == *'source.abuse_contact is absent"' ]]
	[ "$(said MAIL)" = 3 ]
	[ "$(said RCPT)" = 3 ]
	[ "$(grep -c '^MAIL$' mails)" = 3 ]
	csplit -s -z mails '/^MAIL$/' '{*}'
	for n in 0 1 2; do
		sed 1d "xx0$n" > "mail$n"
		[ "$(python3 "$IMQ_ROOT/tests/mail.py" "mail$n" headers)" = 'Content-Type MIME-Version Subject From To Date Message-ID' ]
		[ "$(python3 "$IMQ_ROOT/tests/mail.py" "mail$n" parts | wc -l)" = 2 ]
	done
	[ "$(python3 "$IMQ_ROOT/tests/mail.py" mail0 Subject)" = 'a  Bcc: evil@example.com    body' ]
	[ "$(python3 "$IMQ_ROOT/tests/mail.py" mail1 Subject)" = '=?utf-8?b?cGxhaW4=?=' ]
	jq -j .comment <(sed -n 3p events) | sed 's/\r//g' > wanted
	python3 "$IMQ_ROOT/tests/mail.py" mail2 part 0 | sed 's/\r//g' | cmp - wanted
}

@test "to-smtp: long subjects and many recipients fit into lines" {
	start_smtp_server
	printf '{"comment":"%s","event_description.text":"%s","extra.to":"%s"}\n' "$(printf 'word %.0s' $(seq 100))end" "$(printf 'x%.0s' $(seq 3000))" \
		"$(printf 'name%d@department.example.com,' $(seq 200))" > event
	to_smtp -t '{ev[extra.to]}' --subject '{ev[comment]}' --text - event
	to_smtp -t '{ev[extra.to]}' --subject '{ev[event_description.text]}' --text - event
	[ "$(said RCPT)" = 400 ]
	[ "$(tr -d '\r' < mails | awk '{ if (length($0) > m) m = length($0) } END { print m }')" -le 110 ]
	csplit -s -z mails '/^MAIL$/' '{*}'
	[ "$(sed 1d xx00 | python3 "$IMQ_ROOT/tests/mail.py" /dev/stdin Subject)" = "$(jq -r .comment event)" ]
	[ "$(sed 1d xx01 | python3 "$IMQ_ROOT/tests/mail.py" /dev/stdin Subject)" = "$(jq -r '."event_description.text"' event)" ]
	[ "$(sed 1d xx00 | python3 "$IMQ_ROOT/tests/mail.py" /dev/stdin To | tr -d ' ')," = "$(jq -r '."extra.to"' event)" ]
}

@test "to-smtp: a server that talks nonsense is away" {
	for plan in 'CONNECT HTTP/1.1 200 OK' 'CONNECT 554 not you' 'CONNECT drop' '*RCPT 99' '*MAIL drop' '*EHLO 250-\\r\\n250-\\0\\377\\r\\nxyz' '*DATA 250 what' \
		"*END $(printf 'x%.0s' $(seq 70000))"; do
		start_smtp_server "$plan" "*$plan"
		run -5 --separate-stderr to_smtp -t a@example.com --smtp-tries 1 --smtp-timeout 1 <<< $'{}\n'
		[ -z "$output" ]
		[[ "$stderr" == "imq-to-smtp: smtp://127.0.0.1:$smtp_port: "* ]]
		stop_smtp_server
	done
}

@test "to-smtp: what a server says need not be text" {
	start_smtp_server 'RCPT 550 n\xff\x01o' "RCPT 550 $(printf 'x%.0s' $(seq 195))\\xc3\\xa9"
	run -3 --separate-stderr to_smtp -t a@example.com --rejects rejects <<< $'{}\n{}'
	iconv -f utf-8 -t utf-8 rejects > /dev/null
	[ "$(jq -c .reason rejects | head -n 1)" = '"<a@example.com>: 550 n�\u0001o"' ]
}

@test "to-smtp: what cannot be meant is told" {
	run -2 imq-to-smtp --smtp-host ''
	run -2 imq-to-smtp --smtp-host a/b
	run -2 imq-to-smtp --smtp-port 0
	run -2 imq-to-smtp --smtp-tries 0
	run -2 imq-to-smtp --subject '{ev[source.ip}'
	[[ "$output" == 'imq-to-smtp: --subject: '* ]]
	run -2 imq-to-smtp --text '{ev[no.such.field]}'
	[[ "$output" == 'imq-to-smtp: --text: '* ]]
	run -2 imq-to-smtp --mail-to '{source.ip}'
	run -2 imq-to-smtp --mail-from '{msg[source.ip]}'
	run -2 imq-to-smtp --http-verify-cert /no/such/file
	[[ "$output" == *'/no/such/file: No such file or directory'* ]]
	start_smtp_server
	run -3 to_smtp -t a@example.com --subject '{ev[extra]}' <<< '{"source.asn":1}'
	[[ "$output" == *'extra is absent'* ]]
	run -3 to_smtp -t a@example.com --mail-from a@b.example,c@d.example <<< '{}'
}
