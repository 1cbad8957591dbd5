# Loaded by tests of TLS: `load tls`, then make_certificates in the test.

# make_certificate NAME SUBJECT ALTERNATIVE-NAMES: NAME.pem and NAME.key, signed by ca.pem.
make_certificate() {
	openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$2" -keyout "$1.key" -out "$1.csr" 2> /dev/null
	openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -out "$1.pem" \
		-extfile <(echo "subjectAltName=$3") 2> /dev/null
}

# In the current folder: ca.pem and server.pem of it, for localhost and 127.0.0.1; elsewhere.pem for another host; client.pem;
# and stranger.pem, an authority that has signed nothing.
make_certificates() {
	need_program openssl
	local name
	for name in ca stranger; do
		openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$name" -days 2 -keyout "$name.key" \
			-out "$name.pem" 2> /dev/null
	done
	make_certificate server server DNS:localhost,IP:127.0.0.1
	make_certificate elsewhere 127.0.0.1 DNS:elsewhere.example,IP:192.0.2.1
	make_certificate client client DNS:client.example
	cat client.pem client.key > both.pem
}
