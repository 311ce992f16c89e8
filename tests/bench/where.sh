# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# Where the time of a cold start goes, on each side. Sourced by `run`, when it has its figures.

# Microseconds, on the clock of the client.
stamp() { on "$1" systemctl show -P "$3TimestampMonotonic" "$2"; } # SIDE UNIT WHICH

timeline() { # SIDE UNIT: of an untraced start
    local took began

    on "$1" systemctl --quiet stop "$2"
    quiet
    read -r took began < <(once "$1")
    echo
    echo "$1: one cold start of $2, in milliseconds after the client asked"
    awk -v began="$began" -v took="$took" -v woke="$(stamp "$1" "$2" InactiveExit)" \
        -v forked="$(stamp "$1" "$2" ExecMainStart)" -v active="$(stamp "$1" "$2" ActiveEnter)" 'BEGIN {
            printf "  %7.2f  systemd starts the unit\n", (woke - began) / 1000
            if (forked > 0) printf "  %7.2f  its process is forked\n", (forked - began) / 1000
            if (active > 0) printf "  %7.2f  systemd calls it active\n", (active - began) / 1000
            printf "  %7.2f  the client has its answer\n", took / 1000 }'
}

# The calls after which a process was busy or asleep the longest. strace makes all of it slower, most of all what calls much.
traced() { # SIDE UNIT
    local command trace=$build/where.$1.trace

    command=$(on "$1" systemctl show -P ExecStart "$2" | sed 's/.*argv\[\]=//; s/ ; .*//')
    on "$1" mkdir -p "/run/systemd/system/$2.d"
    printf '[Service]\nExecStart=\nExecStart=/usr/bin/strace -D -f -ttt -s 80 %s\nStandardError=truncate:/run/trace\n' "$command" |
        on "$1" tee "/run/systemd/system/$2.d/where.conf" >/dev/null
    printf 'SystemCallFilter=\nMemoryDenyWriteExecute=no\nTimeoutStartSec=60\nType=simple\n' |
        on "$1" tee -a "/run/systemd/system/$2.d/where.conf" >/dev/null
    on "$1" systemctl daemon-reload
    on "$1" systemctl --quiet stop "$2"
    once "$1" >/dev/null
    quiet
    on "$1" cat /run/trace > "$trace"
    on "$1" rm "/run/systemd/system/$2.d/where.conf"
    on "$1" systemctl daemon-reload
    on "$1" systemctl --quiet stop "$2"

    echo
    echo "$1: calls of $2 until its first answer, and after which it took long (under strace)"
    awk '{ line = $0
           if (match(line, /^\[pid +[0-9]+\] /)) { pid = substr(line, 1, RLENGTH); line = substr(line, RLENGTH + 1) }
           split(line, word, " ")
           if (word[1] !~ /^[0-9]+\.[0-9]+$/) next
           if (!start) start = word[1]
           if (pid in last) printf "%.3f\t%.3f\t%s\n", (word[1] - last[pid]) * 1000, (last[pid] - start) * 1000, said[pid]
           last[pid] = word[1]; said[pid] = substr(line, length(word[1]) + 2, 90); n++ }
         END { printf "0\t0\t%d calls in all\n", n }' "$trace" | sort -rn | head -n 16 |
        awk -F '\t' '{ printf $1 ? "  %7.2f ms after %7.2f: %s\n" : "  %s %s %s\n", $1 ? $1 : "", $1 ? $2 : "", $3 }'
    grep -c ' openat(.*\.so' "$trace" | sed 's/^/  libraries looked for: /'
}

linking() { # SIDE PROGRAM
    echo
    echo "$1: what the dynamic linker does for ${2##*/}"
    on "$1" sh -c "LD_DEBUG=statistics $2 --help 2>&1 >/dev/null" | sed -n 's/^ *[0-9]*:/ /; /startup time\|relocation.*time\|time needed to load\|number of relocations:/p' | head -n 4
}

{
    for side in $sides; do
        timeline "$side" "$(nss_unit "$side")"
        traced "$side" "$(nss_unit "$side")"
        linking "$side" "/usr/libexec/sssd$([ "$side" = stock ] || echo -ondemand/engine)/sssd_nss"
    done
} | tee "$build/where"
