# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# What our units cost beside the distribution's own: SSSD 2.8.2 with either, in turns. Sourced by `run`.

# The distribution's daemons on both sides; ours has our units.
prepare_units() {
    prepare_stock
    units disable sssd.service
}

# Microseconds that a command took there.
usec() { # SIDE COMMAND ...
    # shellcheck disable=SC2016 # expanded there
    on "$1" bash -c 'start=${EPOCHREALTIME/./}; "$@" >/dev/null 2>&1; echo $((${EPOCHREALTIME/./} - start))' bash "${@:2}"
}

# The distribution's responder, confined like ours.
confine_stock() {
    sandbox_of units | sed '1i [Service]' | on stock tee /etc/systemd/system/sssd-nss.service.d/sandbox.conf >/dev/null
    on stock systemctl daemon-reload
}

service_of() { [ "$1" = stock ] && echo sssd-nss.service || echo sss-nss.service; }
start_of() { # SIDE
    on "$1" systemctl --quiet stop sssd.service
    quiet
    sample "start$more" "$1" "$(usec "$1" systemctl start sssd.service)"
}
restart_of() {
    on "$1" systemctl --quiet stop "$(service_of "$1")"
    quiet
    sample "restart$more" "$1" "$(usec "$1" systemctl restart sssd.service)"
}
look_up_at_rest_of() {
    on "$1" systemctl --quiet stop "$(service_of "$1")"
    quiet
    sample "rest$more" "$1" "$(once "$1")"
}
from_nothing_with_units() {
    on units systemctl --quiet stop sss-nss.service
    on units systemctl --quiet stop sssd.service
    on units sss_activation apply    # opens what the stop has closed
    quiet
    sample "all$more" units "$(once units)"
}

many_processes() { # SIDE
    on "$1" systemd-run --quiet --unit=many sh -c 'for i in $(seq 4000); do sleep 100000 & done; wait'
    sleep 3    # until they are there
}

measure_units() {
    local i side

    for ((i = 0; i < rounds; i++)); do
        for side in stock units; do
            start_of "$side"
            restart_of "$side"
            look_up_at_rest_of "$side"
        done
        from_nothing_with_units
    done
}

spread() { # ROW SIDE: the middle half of the samples, in milliseconds
    sort -n "$build/samples/$1.$2" | awk '{ v[NR] = $1 } END { printf "%.1f to %.1f", v[int(NR / 4) + 1] / 1000, v[int(NR * 3 / 4) + (NR < 4)] / 1000 }'
}
units_row() { # NAME ROW STOCK-MEDIAN AIM
    awk -v name="$1" -v stock="$3" -v ours="$(median "$2" units)" -v spread="$(spread "$2" units)" -v aim="$4" 'BEGIN {
        printf "| %s | %.1f ms | %.1f ms (%s) | %+.1f ms | %.2f | %s |\n", name, stock / 1000, ours / 1000, spread, (ours - stock) / 1000, ours / stock, aim }'
}
units_rows() { # SUFFIX WORDS
    local together

    together=$(echo "$(median "start$1" stock) $(median "rest$1" stock)" | awk '{ print $1 + $2 }')
    units_row "\`systemctl start sssd\`$2" "start$1" "$(median "start$1" stock)" "10 ms more"
    units_row "\`systemctl restart sssd\`$2" "restart$1" "$(median "restart$1" stock)" "20 ms more"
    units_row "first look-up, responder at rest, in the same sandbox$2" "rest$1" "$(median "rest$1" stock)" "5 ms more"
    units_row "first look-up, nothing runs (SSSD: start and look-up at rest)$2" "all$1" "$together" "15 ms more"
}

units_table() {
    echo "| | SSSD 2.8.2's units | ours (middle half) | difference | ours / SSSD's | aim |"
    echo "|---|---|---|---|---|---|"
    units_rows "" ""
    units_rows "-many" ", 4,000 processes more"
}

# Where the time of a start goes, in milliseconds after systemd began: from systemd's own stamps and the journal.
units_steps() {
    on units systemctl --quiet stop sssd.service
    quiet
    on units systemctl start sssd.service
    on units journalctl -b -o short-monotonic --no-pager -u sssd.service -n 12
    for control in ExecStartPre ExecStartPost; do
        on units systemctl show -P "$control" sssd.service | sed 's/.*start_time=\[\(.*\)\] ; stop_time=\[\(.*\)\] ; pid.*/'"$control"': \1 to \2/'
    done
}

more=
start_machine units "$tree" "$units_layer"
confine_stock
on units systemctl start sssd.service
on stock systemctl start sssd.service
measure_units
more=-many
for side in stock units; do many_processes "$side"; done
measure_units
units_table > "$build/units"
cat "$build/units"
