# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# For scenarios that remove the package, the same for both families.

# The distribution's sockets.
theirs="sssd-autofs.socket sssd-nss.socket sssd-pac.socket sssd-pam.socket sssd-ssh.socket sssd-sudo.socket"
[ ! -e "$ROOT/lib/systemd/system/sssd-pam-priv.socket" ] || theirs="$theirs sssd-pam-priv.socket"

# What the package manager said last is in /run/said.
manage_ours() { # install|remove|purge
    case $DIST in
    rpm)
        # shellcheck disable=SC2046 # a package or none
        run sh -c 'dnf -y "$@" >/run/said 2>&1' sh "$1" sssd-ondemand $([ "$1" != install ] || echo host) &&
            ! complaints_of_dnf /run/said
        ;;
    *)
        run sh -c 'apt-get -q -y -o APT::Sandbox::User=root "$@" >/run/said 2>&1' sh "$1" sssd-ondemand &&
            ! run sh -c 'grep -v "not empty so not removed" /run/said | grep -iE "warning:|error"'
        ;;
    esac
}
ours_comes() {
    [ "$DIST" = rpm ] || apt update
    check "ours is installed" manage_ours install
}
ours_goes() { # [purge]
    check "ours is removed" manage_ours "${1:-remove}"
    run cat /run/said >> "$OUT/removals"
    is "nothing of ours runs" "$(run systemctl list-units --plain --no-legend --state=active 'sss-*')" ""
    check "nothing is left in /run" run test ! -e /run/sssd-ondemand
    is "nor in /var/lib, but what presets decided and backups" \
        "$(run sh -c 'ls /var/lib/sssd-ondemand 2>/dev/null' | grep -vx -e sockets -e backup)" ""
    is "no drop-in of ours is left" "$(run find /etc/systemd /run/systemd -name handover.conf)" ""
}
migrates() { check "the line is migrated" run sss_activation migrate; }

# "disabled 7", "disabled 6, enabled 1": of these units, or the distribution's sockets.
# shellcheck disable=SC2086 # a list of units
states() { run systemctl is-enabled ${1:-$theirs} | sort | uniq -c | awk '{ printf "%s%s %s", n++ ? ", " : "", $2, $1 }'; }
count() { wc -w <<<"${1:-$theirs}"; }
each_state() { run sh -c 'systemctl list-unit-files --no-legend "sssd*.socket" "sssd*.service"' | awk '{ print $1, $2 }'; }

# apt has a terminal between dpkg and itself; dnf5 marks what scriptlets say.
said() { run sh -c 'tr -d "\r" < /run/said | sed "s/^>>> //" | grep "^sssd-ondemand: $1" | sed "s/^sssd-ondemand: //"' sh "$1"; }
told_of_enabling() { said "enabled, since without them nobody would answer:"; }

answers() { # WHEN
    check "$1: look-ups are answered" wait_for "an answer" look_up
    check "$1: log-ins too" log_in
    is "$1: no responder runs twice" "$(responder_counts | tr ' ' '\n' | grep -v ':1$')" ""
    is "$1: nothing of SSSD has failed" "$(failed_units | tr ' ' '\n' | grep sss)" ""
}
boots_anew() {
    power_off
    boot
}
