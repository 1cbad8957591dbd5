# Loaded by tests that need a web server: `load nginx`, then start_nginx in the test, stop_nginx in teardown.
# `echo_read_request_body; access_log FILE body;` in a location writes what is posted there.
# Documents are those in ./www; ./nginx.log has one line a request: status, method, path, and the headers tests ask about.

# start_nginx [CONFIGURATION]: an nginx of our own on a free port of loopback; sets $web to its URL. CONFIGURATION goes into
# its server block; echo_sleep (Debian: libnginx-mod-http-echo, which nginx-light brings) makes it slow. With $web_tls=1 it speaks TLS with the certificate ./server.pem and key ./server.key.
start_nginx() {
	local port echo=/usr/lib/nginx/modules/ngx_http_echo_module.so
	need_program nginx
	port=$(free_port)
	mkdir -p www nginx
	cat > nginx/conf <<- END
		$([ "$(id -u)" -ne 0 ] || echo 'user root;')
		$([ ! -e "$echo" ] || echo "load_module $echo;")
		daemon on;
		pid $PWD/nginx/pid;
		error_log $PWD/nginx/error.log;
		worker_processes 1;
		events { worker_connections 1024; }
		http {
			log_format test '\$status \$request_method \$request_uri agent=\$http_user_agent auth=\$http_authorization'
				' none=\$http_if_none_match since=\$http_if_modified_since';
			log_format body escape=none '\$request_body auth=\$http_authorization type=\$content_type';
			access_log $PWD/nginx.log test;
			client_body_temp_path $PWD/nginx/body;
			proxy_temp_path $PWD/nginx/proxy;
			fastcgi_temp_path $PWD/nginx/fastcgi;
			uwsgi_temp_path $PWD/nginx/uwsgi;
			scgi_temp_path $PWD/nginx/scgi;
			default_type application/octet-stream;
			types { application/json json; text/html html; text/plain txt; text/csv csv; application/zip zip; application/gzip gz; }
			server {
				listen 127.0.0.1:$port${web_tls:+ ssl http2};
				${web_tls:+ssl_certificate $PWD/server.pem; ssl_certificate_key $PWD/server.key;}
				root $PWD/www;
				${1:-}
			}
		}
	END
	: > nginx.log
	nginx -q -p "$PWD/nginx" -e "$PWD/nginx/error.log" -c "$PWD/nginx/conf" || { cat nginx/error.log >&2; return 1; }
	wait_until test -s nginx/pid
	web=http${web_tls:+s}://127.0.0.1:$port
}

stop_nginx() {
	local pid
	[ -s "$BATS_TEST_TMPDIR/nginx/pid" ] || return 0
	pid=$(cat "$BATS_TEST_TMPDIR/nginx/pid")
	kill "$pid" 2> /dev/null || return 0
	wait_until test ! -e "$BATS_TEST_TMPDIR/nginx/pid"
}

# How many requests the server has had whose log line matches a pattern.
requests() {
	grep -c -e "${1:-.}" nginx.log || true
}
