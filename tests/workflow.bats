load lib
load nginx

teardown() {
	stop_nginx
}

@test "workflow: from a list of URLs to those who should know, as imq-tutorial(7) has it, on servers of our own" {
	start_nginx 'location / { root '"$PWD"'/www/$host; default_type text/plain; }'
	port=${web##*:}
	mkdir -p www/{a,b,d}.localhost/.well-known www/127.0.0.1/rdap/domain
	touch www/{a,b,d}.localhost/login
	echo 'Contact: mailto:security@b.example' > www/b.localhost/.well-known/security.txt
	echo '{"entities":[{"roles":["abuse"],"vcardArray":["vcard",[["email",{},"text","abuse@a.example"]]]}]}' > www/127.0.0.1/rdap/domain/a.localhost
	echo '[{"emails":[{"usage":["contact"],"address":"cert@d.example"}],"constituency":{"domains":["d.localhost"],"asns":[]}}]' > teams.json
	printf "http://%s.localhost:$port/%s\n" a login a gone b login d login c gone > urls
	imq-parse -c source.url --type phishing urls |
		imq-url |
		imq-http-status --allow-private |
		imq-sieve 'status == "online"' |
		imq-rdap --rdap-bootstrapped-servers "{\"localhost\":\"$web/rdap/\"}" --offline |
		imq-security-txt --allow-private --url "http://{}:$port/.well-known/security.txt" |
		imq-trusted-introducer-lookup --directory teams.json --no-overwrite > out
	[ "$(jq -r '."source.fqdn" + " " + ."source.abuse_contact"' out)" = $'a.localhost abuse@a.example\nb.localhost security@b.example\nd.localhost cert@d.example' ]
	# Nobody who was known already was asked for again.
	[ "$(requests 'GET /.well-known/security.txt')" -eq 2 ]
}
