# Loaded by every .bats file: the built commands come first in PATH, each test has a folder of its own to work in.
bats_require_minimum_version 1.5.0
IMQ_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export IMQ_ROOT
PATH=${IMQ_BIN:-$IMQ_ROOT/bin}:$PATH
export LC_ALL=C.UTF-8 TZ=UTC
unset IMQ_BATCH IMQ_NOW IMQ_NAMESERVER IMQ_SHARE http_proxy https_proxy no_proxy

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	if declare -F setup_more > /dev/null; then
		setup_more
	fi
}

# A port on loopback that nobody listens on.
free_port() {
	python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# Waits until a command succeeds, ten seconds at most; for conditions, instead of sleeping.
wait_until() {
	local tries=0
	until "$@" > /dev/null 2>&1; do
		tries=$((tries + 1))
		[ "$tries" -lt 200 ] || return 1
		sleep 0.05
	done
}

# A server the test needs: missing, it fails the test under CI and skips it elsewhere.
need_program() {
	command -v "$1" > /dev/null && return
	[ -z "${CI:-}" ] || { echo "missing: $1" >&2; return 1; }
	skip "$1 is not installed"
}
