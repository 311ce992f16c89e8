# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# For scenarios about a mistake that nobody mends: what it costs as long as somebody asks.

# Before boot: each of UNIT ... that fails sends an alarm, as by an OnFailure= for all services (systemd.unit(5)).
alarm_for() { # UNIT ...
    local unit

    for unit in "$@"; do
        mkdir -p "$ROOT/etc/systemd/system/$unit.d"
        printf '[Unit]\nOnFailure=alarm.service\n' > "$ROOT/etc/systemd/system/$unit.d/alarm.conf"
    done
    cat > "$ROOT/etc/systemd/system/alarm.service" <<'UNIT'
[Unit]
StartLimitIntervalSec=0
[Service]
Type=oneshot
LogLevelMax=notice
ExecStart=/bin/sh -c "echo >> /srv/alarms"
UNIT
}

# A drop-in that stands behind ours, and its end.
drop_in() { run sh -c 'mkdir -p "/run/systemd/system/$1.d"; printf "%b" "$2" > "/run/systemd/system/$1.d/60-test.conf"; systemctl daemon-reload' sh "$1" "$2"; } # UNIT TEXT
no_drop_in() { run sh -c 'rm -r "/run/systemd/system/$1.d"; systemctl daemon-reload' sh "$1"; } # UNIT

took_msec() { # COMMAND ...
    local start=${EPOCHREALTIME/./}

    "$@" >/dev/null 2>&1 || true
    echo $(((${EPOCHREALTIME/./} - start) / 1000))
}

# Look-ups, and log-ins, too.
ask_nss() { if look_up; then served=$((served + 1)); fi; }
ask_both() {
    ask_nss
    log_in >/dev/null 2>&1 || true
}

# Calls ASK each second, that long; what it costs is in $alarms, $starts (of UNIT) and $lines. What clients and the bus say themselves
# is theirs.
ask_for() { # SECONDS UNIT ASK
    local cursor end=$((SECONDS + $1))

    cursor=$(run journalctl -n 0 --show-cursor | sed -n 's/^-- cursor: //p')
    : > "$ROOT/srv/alarms"
    served=0
    while [ "$SECONDS" -lt "$end" ]; do
        "$3"
        sleep 1    # that is how often somebody asks
    done
    alarms=$(wc -l < "$ROOT/srv/alarms")
    starts=$(run journalctl --after-cursor="$cursor" -u "$2" -o cat | grep -c "^Starting $2" || true)
    lines=$(run journalctl --after-cursor="$cursor" -o cat | grep -vcE '^(pam_sss|alarm\.service|\[system\])' || true)
}

# The first minute, and a later one.
costs_little() { # UNIT ASK WHAT
    ask_for 60 "$1" "$2"
    within "$3: alarms in the first minute" "$alarms" 5 alarms
    within "$3: starts in the first minute" "$starts" 6 starts
    within "$3: lines in the journal in the first minute" "$lines" 60 lines
    is "$3: nobody is answered" "$served" 0
    ask_for 60 "$1" "$2"
    within "$3: starts in a later minute" "$starts" 2 starts
}
