# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# What the demos share: a scenario that a person watches.

title() { printf '\n== %s\n' "$*"; }
# Types a command in the machine, as a person would, and says how long it took.
type_in() {
    local start=${EPOCHREALTIME/./} status=0

    printf '   # %s\n' "$*"
    run sh -c "$*" >"$OUT/said" 2>&1 || status=$?
    sed 's/.*\r//; s/^/   /' "$OUT/said" | tail -n "${LINES_MAX:-12}"
    printf '   (%d ms%s)\n' $(((${EPOCHREALTIME/./} - start) / 1000)) "$([ "$status" -eq 0 ] || echo ", status $status")"
}
processes() { printf '   processes of SSSD: %s\n' "$(sssd_processes | grep . || echo none)"; }
at_rest() { [ -z "$(sssd_processes)" ]; }
come_to_rest() {
    run systemctl stop sssd.service
    run systemctl stop 'sss-*.service'
    run systemctl start sss-activation.service
    run sss_activation apply    # that was us, not an administrator: it opens what the stop has closed
}
