# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# For scenarios of the rpm family.

# transaction TEXT WORDS-FOR-DNF ...: passes if dnf succeeds and no scriptlet failed or complained.
transaction() {
    local text=$1

    shift
    check "$text" run sh -c 'dnf -y "$@" >/run/dnf.log 2>&1 || { cat /run/dnf.log; false; }' sh "$@"
    run cat /run/dnf.log >> "$OUT/dnf"
    is "$text: no scriptlet failed or complained" "$(complaints_of_dnf /run/dnf.log)" ""
}
