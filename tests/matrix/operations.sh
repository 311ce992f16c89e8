# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# The operations of the matrix, as an administrator types them, and what is particular about each. Sourced by `cell`.

packages() { # WORD ...: for apt or dnf, whichever the machine has
    if [ "$DIST" = rpm ]; then
        transaction "dnf $1" "$@"
        return
    fi
    check "apt $1" apt "$@"
    # Of a masked unit deb-systemd-helper complains always, of a downgrade dpkg.
    is "apt $1: nothing to complain about" "$(grep -iE 'warning:|error' "$OUT/apt" |
        grep -v -e 'systemctl preset failed on .*-sudo.socket' -e 'dpkg: warning: downgrading')" ""
}

version_there() {
    if [ "$DIST" = rpm ]; then
        run rpm -q --qf '%{VERSION}' sssd-ondemand
    else
        run dpkg-query -W -f '${db:Status-Status} ${Version}' sssd-ondemand | sed -n 's/^installed \(.*\)-.*/\1/p'
    fi
}

version_wanted() {
    case $operation in
    remove) [ "$DIST" != rpm ] || echo "package sssd-ondemand is not installed" ;;
    downgrade) sed -n "s/^releases='\([^ ]*\) .*/\1/p" "$TOP/tests/previous" ;;
    *) cat "$TOP/VERSION" ;;
    esac
}

do_install() {
    if [ "$from" = nothing ]; then
        # shellcheck disable=SC2046 # a list of packages
        packages install sssd-ondemand $(run cat /srv/repo/sssd)
    else
        packages install sssd-ondemand
    fi
}

do_upgrade() {
    if [ "$DIST" = rpm ]; then
        packages upgrade sssd-ondemand
    else
        packages install --only-upgrade sssd-ondemand
    fi
}

do_downgrade() {
    if [ "$DIST" = rpm ]; then
        packages downgrade sssd-ondemand
    else
        packages install --allow-downgrades "sssd-ondemand=$(run cat /srv/repo/previous)"
    fi
}

do_remove() { packages remove sssd-ondemand; }

do_reinstall() {
    packages remove sssd-ondemand
    packages install sssd-ondemand
}

configuration() { run sh -c 'find /etc/sssd -type f | sort | xargs sha256sum'; }
monitor_since() { run systemctl show -P InvocationID sssd.service; }

# A responder on the line whose socket is off would have nobody: then nothing changes.
is_refused() { [ "$sockets" != untouched ] && [ "$line" = all ] && [ "$operation" = migrate ]; }

do_migrate() {
    local before since

    before=$(configuration)
    since=$(monitor_since)
    run sss_activation migrate >"$OUT/said" 2>&1
    is "migrate's exit status" "$?" "$(if is_refused; then echo 1; else echo 0; fi)"
    if is_refused; then
        check "it names the socket that is $sockets" grep -q "sss-$chosen.socket" "$OUT/said"
    elif [ "$line" = none ]; then
        check "it says that there is nothing to do" grep -q "nothing to do" "$OUT/said"
    else
        listed=
        check "it says where the backup is" grep -q "^backup: /" "$OUT/said"
        is "no services line is left" "$(run grep -rh '^services' /etc/sssd)" ""
        return
    fi
    is "no file of the configuration has changed" "$(configuration)" "$before"
    is "the monitor runs on" "$(monitor_since)" "$since"
}

prepare_revert() {
    lines_before=$(configuration)
    check "migrated" run sss_activation migrate
    case $sockets in
    disabled) run systemctl --quiet disable --now "sss-$chosen.socket" ;;
    masked) run systemctl --quiet mask --now "sss-$chosen.socket" ;;
    esac
    check "after the migration: a look-up is answered and a log-in works" served
}

do_revert() {
    check "reverted" run sss_activation revert
    is "the configuration is as before the migration" "$(configuration)" "$lines_before"
}

# --- What came of it -----------------------------------------------------------------------------------------------

# Sockets of systemd take paths over, or give them back: who connects in the instant between unlink and listen is
# refused by the kernel.
paths_bound_anew() {
    case $operation in
    install | remove) echo 1 ;;
    reinstall) echo 2 ;;
    *) echo 0 ;;
    esac
}

# Where the services line takes from the monitor or gives to it, the monitor binds paths anew: then, and only then, may
# clients be lost, but not more than the distribution's SSSD loses when it does that.
monitor_binds_anew() {
    case $operation in
    migrate | revert) [ "$line" != none ] && ! is_refused ;;
    *) false ;;
    esac
}

lost() { echo $(($(load_count refused) + $(load_count dropped) + $(load_count engine))); }

report_load() {
    local bound lost

    bound=$(paths_bound_anew)
    lost=$(lost)
    if [ "$from-$operation" = nothing-install ]; then
        # Before, there was nobody to ask; it counts from the end of the installation.
        lost=$(awk -v since="$(awk "BEGIN { print $done_at - $load_since }")" '$2 == "s:" && $1 > since' \
            "$OUT/load.errors" | wc -l)
    elif monitor_binds_anew && [ "$lost" -gt 0 ]; then
        bound=$(stock_loses)
    fi
    check "$lost lost, at most $bound" test "$lost" -le "$bound"
    is "0 wrong" "$(load_count wrong)" 0
    is "0 hung" "$(load_count hung)" 0
    check "the load did ask" test "$(load_count answered)" -gt 20
    note "figures: lost=$lost wrong=$(load_count wrong) hung=$(load_count hung) longest_msec=$(
        grep -oE 'longest_msec=[0-9]+' <<<"$load_line" | cut -d= -f2 | sort -n | tail -n 1)"
}

# What the distribution's SSSD lost at most in one of three restarts, with its own units and the line in its file.
measure_restarts() {
    local worst=0 lost time

    for time in 1 2 3; do
        start_load 50 5
        sleep 0.5    # of load
        run systemctl reset-failed    # its sockets; and more restarts than its start limit has
        check "restart $time" run systemctl restart sssd.service
        check "a look-up is answered and a log-in works" wait_for "an answer" served
        stop_load
        lost=$(lost)
        [ "$lost" -le "$worst" ] || worst=$lost
    done
    note "stock loses at most $worst"
}

# The same, measured once in a run.
stock_loses() {
    local file=$TOP/build/matrix/stock/$DIST

    mkdir -p "${file%/*}"
    (
        flock 9
        if [ ! -s "$file" ]; then
            # It mounts what is mounted here already.
            # shellcheck disable=SC2016 # expanded by the inner shell
            unshare --mount --propagation private sh -c 'umount /sys/fs/cgroup && exec env -u ONE_IN_NAMESPACE "$@"' sh \
                "$here/one" "$DIST" cell-stock-main-untouched-enabled-restart "$tree" "${REPO:?}" "$OUT.stock" 9>&- \
                > "$file.log" 2>&1
            sed -n 's/^# stock loses at most //p' "$file.log" > "$file"
        fi
    ) 9> "$file.lock"
    grep . "$file" || echo "unknown, see ${file#"$TOP"/}.log"
}

# Lines of sockets that did not come up. What the distribution's own units say before ours are there is theirs.
complaints() {
    run journalctl -b --no-pager -o cat --since "@$load_since" | grep -E 'Failed to listen|Dependency failed' |
        if [ "$operation" = install ]; then grep 'sss-'; else cat; fi
}

# Where a choice can't stand: exception UNIT prints the state then.
exception() {
    case $line-$sssd-$operation-$1 in
    all-*) ;;    # none of ours serves
    *-disabled-remove-sssd.service | *-disabled-reinstall-sssd.service) echo enabled; return ;;    # nobody else would start it
    esac
    case $from-$operation-$sockets-$1 in
    nothing-install-disabled-sssd-*) echo enabled ;;    # Debian's SSSD asks no preset
    *-reinstall-disabled-sss-*) [ "$DIST" = rpm ] && echo enabled ;;    # rpm forgets what it removes: the preset decides anew
    *) return 1 ;;
    esac
}
