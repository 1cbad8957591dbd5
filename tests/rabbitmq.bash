# Loaded by tests that need RabbitMQ: `load rabbitmq`, then start_rabbitmq in setup_file (it takes some ten seconds), stop_rabbitmq in
# teardown_file. The node, its port, its folders and its port mapper are our own.

# start_rabbitmq [CONFIGURATION LINE...]: sets and exports $rabbitmq, host:port. With $rabbitmq_namespace it runs in that network
# namespace, for all its addresses.
start_rabbitmq() {
	need_program rabbitmq-server
	local folder=$BATS_FILE_TMPDIR/rabbitmq port
	port=$(free_port)
	mkdir -p "$folder"
	export rabbitmq=127.0.0.1:$port rabbitmq_folder=$folder
	export RABBITMQ_NODENAME=imq$$@localhost RABBITMQ_NODE_PORT=$port RABBITMQ_NODE_IP_ADDRESS=127.0.0.1
	[ -z "${rabbitmq_namespace:-}" ] || RABBITMQ_NODE_IP_ADDRESS=0.0.0.0
	export RABBITMQ_DIST_PORT ERL_EPMD_PORT ERL_EPMD_ADDRESS=127.0.0.1 HOME=$folder
	RABBITMQ_DIST_PORT=$(free_port)
	ERL_EPMD_PORT=$(free_port)
	export RABBITMQ_MNESIA_BASE=$folder/mnesia RABBITMQ_LOG_BASE=$folder/log RABBITMQ_ENABLED_PLUGINS_FILE=$folder/plugins
	export RABBITMQ_CONFIG_FILE=$folder/rabbitmq RABBITMQ_PID_FILE=$folder/pid
	echo '[].' > "$folder/plugins"
	printf '%s\n' 'disk_free_limit.absolute = 1MB' 'loopback_users = none' 'tcp_listen_options.keepalive = true' "$@" > "$folder/rabbitmq.conf"
	# A cookie of the node's own.
	(umask 077 && echo "imq$RANDOM$RANDOM" > "$folder/.erlang.cookie")
	run_rabbitmq
}

in_namespace() {
	${rabbitmq_namespace:+ip netns exec "$rabbitmq_namespace"} "$@"
}

# Starts the node, again if need be.
run_rabbitmq() {
	${rabbitmq_namespace:+ip netns exec "$rabbitmq_namespace"} setsid /usr/lib/rabbitmq/bin/rabbitmq-server > "$rabbitmq_folder/out" 2>&1 3>&- &
	echo "$!" > "$rabbitmq_folder/group"
	local tries=0
	until in_namespace python3 -c 'import socket, sys; s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 1); s.settimeout(2); s.sendall(b"AMQP\0\0\x09\1"); sys.exit(not s.recv(1))' \
		"${rabbitmq##*:}" 2> /dev/null; do
		tries=$((tries + 1))
		[ "$tries" -lt 400 ] || { cat "$rabbitmq_folder/out" "$rabbitmq_folder"/log/* >&2; return 1; }
		sleep 0.1
	done
}

# Ends the node with SIGKILL.
kill_rabbitmq() {
	kill -9 -- "-$(cat "$rabbitmq_folder/group")" 2> /dev/null || true
	wait_until sh -c "! kill -0 -- -$(cat "$rabbitmq_folder/group")"
}

# A daemon of its own, on a port that only we use; it lets itself be ended once it has noticed that its node is gone.
kill_port_mapper() {
	in_namespace epmd -port "$ERL_EPMD_PORT" -kill
	! in_namespace epmd -port "$ERL_EPMD_PORT" -names
}

stop_rabbitmq() {
	[ -s "${rabbitmq_folder:-}/group" ] || return 0
	kill_rabbitmq
	wait_until kill_port_mapper || true
}
