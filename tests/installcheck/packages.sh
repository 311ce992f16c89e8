# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# For scenarios that go up and down between versions, the same for both families.

# Puts the packages of three versions into the machine, before it boots: previous, this, next.
bring_versions() {
    local family=deb files='sssd-ondemand_[0-9]*~deb12_*.deb' next previous

    [ "$DIST" != rpm ] || { family=rpm files='sssd-ondemand-[0-9]*.rpm'; }
    previous=$("$TOP/tests/previous") && next=$("$TOP/tests/next") || return 1
    mkdir -p "$ROOT/srv/previous" "$ROOT/srv/this" "$ROOT/srv/next"
    rm -f "$ROOT"/srv/next/*
    # shellcheck disable=SC2086 # patterns
    cp "$previous/$family/"$files "$ROOT/srv/previous/" && cp "$ROOT/srv/repo/"$files "$ROOT/srv/this/" &&
        cp "$next/$family/"$files "$ROOT/srv/next/"
}

# What stands for the base system of the rpm family has to be there first.
bring_host() { [ "$DIST" != rpm ] || run dnf -y install host >/dev/null 2>&1; }

# The package manager's own words of the last transaction are in /run/said. $before: words before the command.
before=
manage() { # VERB VERSION
    local verb=$1 file

    file=$(run sh -c "ls /srv/$2/*")
    [ "$verb" != remove ] || file=sssd-ondemand
    case $DIST in
    rpm)
        # shellcheck disable=SC2086 # a command and its options
        run $before sh -c 'dnf -y "$@" >/run/said 2>&1' sh "$verb" "$file" &&
            ! complaints_of_dnf /run/said
        ;;
    *)
        case $verb in
        reinstall) verb="install --reinstall" ;;
        downgrade) verb="install --allow-downgrades" ;;
        upgrade) verb=install ;;
        esac
        # shellcheck disable=SC2086 # a command and its options, a verb and its option
        run $before sh -c 'apt-get -q -y -o APT::Sandbox::User=root "$@" >/run/said 2>&1' sh $verb "$file" &&
            ! run sh -c 'grep -v "^dpkg: warning: downgrading" /run/said | grep -iE "warning:|error"'
        ;;
    esac
}
transaction() { # VERB VERSION
    if manage "$@"; then
        ok true "$1 to $2"
    else
        ok false "$1 to $2"
    fi
    run cat /run/said >> "$OUT/transactions"
}

# How often the last transaction told of the services line and the way out of it.
hints() { run grep -c 'services line.*sss_activation migrate' /run/said || true; }

# "nss=enabled pam=disabled ..."
socket_states() {
    run systemctl list-unit-files --no-legend 'sss-*.socket' |
        sed -n 's/^sss-\([a-z-]*\)\.socket  *\([a-z]*\).*/\1=\2/p' | sort | tr '\n' ' ' | sed 's/ $//'
}
dangling_links() { run find /etc/systemd -xtype l -name 'sss-*' | tr '\n' ' '; }
