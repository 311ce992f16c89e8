# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# A machine whose programs were built with ASan and UBSan: what these need there, and what they have said in the end.
# Sourced by `one` with SANITIZED=yes.

: "${ROOT:?}" "${OUT:?}" "${here:?}"

# What a command of a scenario has to report goes there, since its standard error may go nowhere. That of a unit's process goes
# to the journal, and our daemons are confined to files of their own.
reports=/srv/sanitizers
preload=$reports/traceable.so
common=log_path=$reports/report:log_exe_name=1
unit_environment=("ASAN_OPTIONS=verify_asan_link_order=0" "UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1")
environment=("${unit_environment[@]/=/=$common:}")

# Such programs are slower, and their reports and their search for leaks take time.
patience=5

# Where no package or administrator has anything, so that a scenario finds what it would without.
prepare_sanitized() {
    local system=$ROOT/usr/local/lib/systemd unit

    install -d -m 1777 "$ROOT$reports"
    gcc -std=gnu11 -O2 -Wall -Wextra -Werror -shared -fPIC -o "$ROOT$preload" "$here/traceable.c"
    install -d "$system/system.conf.d"
    printf '[Manager]\nDefaultEnvironment=%s\n' "${unit_environment[*]}" > "$system/system.conf.d/sanitized.conf"
    for unit in sssd sss-nss; do
        install -d "$system/system/$unit.service.d"
        cat > "$system/system/$unit.service.d/60-sanitized.conf" <<END
[Service]
# LeakSanitizer looks at its process from a thread that traces it.
SystemCallFilter=ptrace
Environment=LD_PRELOAD=$preload
END
    done
}

# Nobody can be traced twice: no search for leaks where a scenario traces itself.
do_without_leaks() { # UNIT
    printf '[Service]\nEnvironment=%s\n' "${unit_environment[0]}:detect_leaks=0" \
        > "$ROOT/usr/local/lib/systemd/system/$1.d/70-no-leaks.conf"
}

# A report that could not be written to its file stands where its process had its standard error.
said_by_sanitizers() {
    local say='ERROR: (Address|Leak)Sanitizer|LeakSanitizer has encountered|runtime error:|ERROR: Can.t open file'

    find "$ROOT$reports" -name 'report*' -exec cat {} +
    journalctl -D "$ROOT/var/log/journal" --no-pager -q -o cat | grep -E "$say"
    grep -rhE --exclude=journal --exclude=sanitizers "$say" "$OUT"
}

# The machine's end, which is that of processes whose leaks are still to be found.
check_sanitizers() {
    [ "$failures" -eq 0 ] || keep_evidence
    power_off
    said_by_sanitizers > "$OUT/sanitizers"
    if [ -s "$OUT/sanitizers" ]; then
        ok false "no sanitizer has reported anything"
        head -n 200 "$OUT/sanitizers" | sed 's/^/#   /'
    else
        ok true "no sanitizer has reported anything"
    fi
}
