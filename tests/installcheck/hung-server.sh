# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# For the scenarios with a directory server that is there and does not answer: how long activations wait for it.

# A server that hangs: the kernel accepts, and nobody answers.
hang_directory() { run pkill -STOP -x slapd; }
unhang_directory() { run pkill -CONT -x slapd; }

# One that swallows packets, in place of the directory: whoever connects gets no answer from the kernel either.
black_hole() {
    run systemctl stop slapd.service
    run systemd-run -q --unit=black-hole python3 -c '
import socket, time
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", 389))
listener.listen(0)
fillers = [socket.socket() for i in range(4)]
for filler in fillers:
    filler.setblocking(False)
    filler.connect_ex(("127.0.0.1", 389))
open("/run/black-hole", "w").close()
time.sleep(3600)'
    wait_for "the black hole" run test -e /run/black-hole
}

# Milliseconds of one look-up past the memory cache, "" if it is not answered.
activation() {
    run bash -c 'start=${EPOCHREALTIME/./}
        SSS_NSS_USE_MEMCACHE=NO getent -s sss passwd alice | grep -q "^alice:[^:]*:10001:" || exit 0
        echo $(((${EPOCHREALTIME/./} - start) / 1000))'
}

# The first one, which finds out, in the engine's 6 s (ldap_network_timeout): first WHAT
first() {
    took=$(activation)
    note "$1, first activation: ${took:-not answered} ms"
    check "$1: the first activation is answered, once the engine has found out" test -n "$took"
}

# Five later ones, each from a rest of the caller's; `least` is the least, since others use the host, too.
later() { # WHAT
    local all=() try

    for try in 1 2 3 4 5; do
        rest
        all+=("$(activation)")
    done
    note "$1, later activations: ${all[*]} ms"
    is "$1: each later activation is answered" "$(printf '%s\n' "${all[@]}" | grep -c .)" 5
    least=$(printf '%s\n' "${all[@]}" | sort -n | head -n 1)
    check "$1: none of them waits for the server" test "$(printf '%s\n' "${all[@]}" | sort -n | tail -n 1)" -lt 3000
}

# What entry_cache_timeout = 1 asks for.
expire() { sleep 1.1; }
