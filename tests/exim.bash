# Loaded by tests that send mail: `load exim`, then start_exim in the test, stop_exim in teardown.

as_exim() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid Debian-exim --regid Debian-exim --clear-groups "$@"
	else
		"$@"
	fi
}

exim_settings() {
	cat << EOT
primary_hostname = mail.example
spool_directory = $1/spool
log_file_path = $1/log/%s
pid_file_path = $1/pid
deliver_drop_privilege
keep_environment =
local_interfaces = 127.0.0.1
smtp_accept_queue_per_connection = 0
daemon_smtp_ports = $smtp_port : $smtps_port
tls_on_connect_ports = $smtps_port
tls_advertise_hosts = ${exim_tls:+*}
tls_certificate = $1/server.pem
tls_privatekey = $1/server.key
auth_advertise_hosts = *
host_lookup =
rfc1413_hosts =
acl_smtp_mail = mail
acl_smtp_rcpt = recipient
acl_smtp_data = data
log_selector = +smtp_connection +received_recipients +tls_cipher
begin acl
mail:
  deny condition = \${if eq{\$sender_address}{sender@login.example}}
    !authenticated = *
    message = log in first
  accept
recipient:
  deny local_parts = refused
    message = no such mailbox
  defer local_parts = later
    message = come again
  accept
data:
  deny condition = \${if match{\$h_subject:}{refuse this}}
    message = not this one
  accept
begin routers
all:
  driver = accept
  transport = box
begin transports
box:
  driver = appendfile
  directory = $1/mail
  create_directory
  maildir_format
  envelope_to_add
  return_path_add
  batch_max = 100
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = \${if and {{eq{\$auth2}{imq}}{eq{\$auth3}{secret}}}}
  server_set_id = \$auth2
EOT
}

# start_exim: an Exim of our own on two free ports of loopback, $smtp_port and, with TLS from the start, $smtps_port. It offers TLS
# with tls.bash's server.pem, if that is there, and takes the login imq with the password secret, without which nobody may send as
# sender@login.example. It refuses the recipients refused@ and subjects with "refuse this", and puts off later@. Mails go to
# exim/mail/new, with Return-path and Envelope-to; await_mails waits for them.
start_exim() {
	need_program exim4
	[ "$(id -u)" = 0 ] || id -nG | grep -qw Debian-exim || skip "Exim is started by root and by the group Debian-exim only"
	local folder=$BATS_TEST_TMPDIR exim=$BATS_TEST_TMPDIR/exim
	while [ "$folder" != / ] && [ "$(id -u)" = 0 ]; do
		chmod o+x "$folder"
		folder=$(dirname "$folder")
	done
	mkdir "$exim" "$exim/spool" "$exim/log"
	smtp_port=$(free_port)
	smtps_port=$(free_port)
	exim_tls=
	if [ -e server.pem ]; then
		exim_tls=yes
		cp server.pem server.key "$exim"
	fi
	exim_settings "$exim" > "$exim/conf"
	[ "$(id -u)" != 0 ] || chown -R Debian-exim: "$exim"
	run_exim
}

run_exim() {
	local exim=$BATS_TEST_TMPDIR/exim
	(cd / && exec 3>&- && as_exim /usr/sbin/exim4 -C "$exim/conf" -bdf > "$exim/err" 2>&1 &)
	wait_until grep -q 'listening for SMTP' "$exim/log/main"
}

# The daemon's process is the one that it has written down itself.
stop_exim() {
	local log=$BATS_TEST_TMPDIR/exim/log/main pid
	[ -e "$log" ] || return 0
	pid=$(sed -n 's/.*daemon started: pid=\([0-9]*\),.*/\1/p' "$log" | tail -n 1)
	mv "$log" "$log.stopped"
	[ -z "$pid" ] || kill "$pid" 2> /dev/null || return 0
	wait_until test ! -e "/proc/$pid"
}

mail_count() {
	find "$BATS_TEST_TMPDIR/exim/mail/new" -type f 2> /dev/null | wc -l
}

# await_mails COUNT: so many have arrived, and the queue is empty.
await_mails() {
	wait_until eval "[ \"\$(mail_count)\" = $1 ] && [ -z \"\$(find '$BATS_TEST_TMPDIR/exim/spool/input' -name '*-D')\" ]"
}
