# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# A machine for one scenario: a container with a real systemd, over an overlay of a cached tree.
# Sourced by `one`; scenarios use what is below "For scenarios".

# Set by `one`: where the machine's files are, where its upper layer is, where to keep what explains a failure.
: "${ROOT:?}" "${OUT:?}" "${DIST:?}" "${NAME:?}" "${ENGINE:?}"

SANITIZED=${SANITIZED:-no}    # are its programs built with sanitizers
GUARD_SEC=60
checks=0
failures=0
init=
environment=()
patience=1    # how many times as slow as it should be anything may be
# Its own, even if the same scenario runs in another clone.
group=/sys/fs/cgroup/ondemand-$DIST-$NAME-$$

note() { printf '# %s\n' "$*"; }

ok() { # TRUE|FALSE TEXT
    checks=$((checks + 1))
    if [ "$1" = true ]; then
        echo "ok $checks - $NAME: $2"
    else
        failures=$((failures + 1))
        echo "not ok $checks - $NAME: $2"
    fi
}

# What can't be shown on this host, and why. Root's runs are to skip nothing: .ci/run.
skip() { # TEXT REASON
    checks=$((checks + 1))
    echo "ok $checks - $NAME: $1 # SKIP $2"
}

# --- For scenarios -------------------------------------------------------------------------------------------------

# What responders there are, as responders_of_monitor and responder_counts say it. Ours knows no passwords yet.
listed="nss pam"
once="nss:1 pam:1"
sockets="sss-nss.socket sss-pam.socket sss-ssh.socket"
if [ "$ENGINE" = own ]; then
    listed=nss
    once=nss:1
    sockets=sss-nss.socket
fi
# What SSSD a machine has is asked of the machine, not of a release's name.
has_private_pam() { [ -e "$ROOT/lib/systemd/system/sssd-pam-priv.socket" ]; }
# The engine as the files in tests/data name it: 2.13 has no files provider.
engine_of_machine() {
    if has_private_pam; then
        echo 2.8
    elif ls "$ROOT"/usr/lib/*/sssd/libsss_files.so >/dev/null 2>&1; then
        echo 2.10
    else
        echo 2.13
    fi
}
# Before boot, of a unit whose processes the scenario will trace.
is_traced() { [ "$SANITIZED" = no ] || do_without_leaks "$1"; }
with_pam() { [ "$ENGINE" = own ] || "$@"; }

# Starts the machine and waits until its boot is over, whatever came of it: boot [NSPAWN-OPTION ...] [SYSTEMD-WORD ...]
boot() {
    local nspawn

    mkdir -p "$group"
    (
        echo "$BASHPID" > "$group/cgroup.procs"
        # a host without nspawn has these calls, too; a systemd as new as sid's knows only one hierarchy of control groups
        SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 exec systemd-nspawn -q -D "$ROOT" -M "${NAME:0:60}" -b --register=no --keep-unit --private-network \
            --system-call-filter="landlock_create_ruleset landlock_add_rule landlock_restrict_self pidfd_getfd" \
            --link-journal=no "$@" </dev/null >>"$OUT/console" 2>&1
    ) &
    nspawn=$!
    nspawn_pid=$nspawn
    wait_for "the container's systemd" find_init
    # is-system-running --wait needs D-Bus, which may come late.
    wait_for "the end of its boot" booted
}

# Not nspawn's other children, which come and go: the one that is process 1 inside.
find_init() {
    for init in $(pgrep -P "$nspawn_pid"); do
        grep -q '^NSpid:.*[[:space:]]1$' "/proc/$init/status" && [ -S "/proc/$init/root/run/systemd/private" ] && return 0
    done
    init=
    return 1
}

booted() {
    case $(run systemctl is-system-running 2>/dev/null) in
    running | degraded | maintenance) return 0 ;;
    *) return 1 ;;
    esac
}

power_off() {
    [ -n "$init" ] || return 0
    run systemctl --no-block poweroff >/dev/null 2>&1 || true
    wait_for "its end" ended || kill -KILL "$nspawn_pid"
    wait "$nspawn_pid" 2>/dev/null || true
    init=
    rmdir_cgroups "$group"
}

# The end of a machine whose shutdown nobody wants to see.
pull_the_plug() {
    kill -KILL "$init"
    wait "$nspawn_pid" 2>/dev/null || true
    init=
    rmdir_cgroups "$group"
}

ended() { ! kill -0 "$nspawn_pid" 2>/dev/null; }

rmdir_cgroups() {
    find "$1" -depth -type d -exec rmdir {} + 2>/dev/null || true
}

# Changes enable states of a machine that is not running: units enable sss-nss.socket
units() { systemctl --quiet --root="$ROOT" "$@"; }

# Runs a command in the files of a machine that is not running.
in_root() { chroot "$ROOT" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"; }

# Runs a command in the machine.
run() {
    nsenter -t "$init" -m -u -i -n -p -C -r -w env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
        LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "${environment[@]}" "$@"
}

# Warnings about units since the boot. One is the host's: where its controller of processes is in a hierarchy of version 1,
# systemd 262 finds no pids.max in a machine.
warnings() { # UNIT ...
    run journalctl -b --no-pager -o cat -p warning "${@/#/--unit=}" | sed -e '/^-- /d' -e '/Failed to read pids\.max/d'
}

# One by one, and nobody minds: of several, systemd 262 does none where one is missing. each_unit VERB UNIT ...
each_unit() {
    local verb=$1 unit

    shift
    for unit; do run systemctl "$verb" "$unit" 2>/dev/null || true; done
}

# Waits for an event, with a generous guard: wait_for WHAT COMMAND ...
wait_for() {
    local what=$1 end=$((SECONDS + GUARD_SEC))

    shift
    until "$@" >/dev/null 2>&1; do
        if [ "$SECONDS" -ge "$end" ]; then
            note "waited $GUARD_SEC s in vain for $what"
            return 1
        fi
        sleep 0.05
    done
}

# check TEXT COMMAND ...: passes if the command, run here, succeeds. Its output explains a failure.
check() {
    local text=$1 said

    shift
    if said=$("$@" 2>&1); then
        ok true "$text"
    else
        ok false "$text"
        sed 's/^/#   /' <<<"$said" | tail -n 30
    fi
}

# is TEXT GOT WANTED
is() {
    if [ "$2" = "$3" ]; then
        ok true "$1"
    else
        ok false "$1"
        note "  got:    $2"
        note "  wanted: $3"
    fi
}

within() { # TEXT TOOK LIMIT UNIT
    check "$1 ($2 of at most $(($3 * patience)) $4)" test "$2" -le "$(($3 * patience))"
}

# The LDAP domain of the test machine, with more lines for [sssd] and other sections: configure [SSSD-LINES [REST]]. For our
# own daemons the same entries are in a file.
configure() {
    if [ "$ENGINE" = own ]; then
        configure_own "$@"
        return
    fi
    install -m 0600 /dev/null "$ROOT/etc/sssd/sssd.conf"
    cat > "$ROOT/etc/sssd/sssd.conf" <<END
[sssd]
domains = example
${1:-}

[domain/example]
id_provider = ldap
auth_provider = ldap
sudo_provider = ldap
autofs_provider = ldap
ldap_autofs_map_object_class = automountMap
ldap_autofs_map_name = automountMapName
ldap_autofs_entry_object_class = automount
ldap_autofs_entry_key = automountKey
ldap_autofs_entry_value = automountInformation
ldap_uri = ldap://127.0.0.1
ldap_id_use_start_tls = false
ldap_search_base = dc=example,dc=test
ldap_auth_disable_tls_never_use_in_production = true
offline_timeout = 1
offline_timeout_random_offset = 0
cache_credentials = true
${2:-}
END
}

configure_own() {
    install -d "$ROOT/etc/sssd/ldif"
    install -m 0644 "$TOP/tests/trees.d/directory.ldif" "$ROOT/etc/sssd/ldif/"
    install -m 0600 /dev/null "$ROOT/etc/sssd/sssd.conf"
    cat > "$ROOT/etc/sssd/sssd.conf" <<END
[sssd]
domains = example
${1:-}

[domain/example]
id_provider = ldif
offline_timeout = 1
${2:-}
END
}

# One more in the directory of our own daemons, whom no cache knows yet: add_user UID. Called newUID.
add_user() {
    cat > "$ROOT/etc/sssd/ldif/$1.new" <<END
dn: uid=new$1,ou=people,dc=example,dc=test
objectClass: posixAccount
uid: new$1
cn: new$1
uidNumber: $1
gidNumber: 10001
homeDirectory: /home/new$1
END
    mv "$ROOT/etc/sssd/ldif/$1.new" "$ROOT/etc/sssd/ldif/$1.ldif"
}

# The machine's own directory server, and that it is there from boot on.
start_directory() { [ "$ENGINE" = own ] || run systemctl start slapd; }
directory_at_boot() { [ "$ENGINE" = own ] || units enable slapd.service; }

# One line of words: "nss pam" of the responders that run, by their control group.
responders_of_monitor() { responders_in sssd.service; }
responders_in() {
    local path=$1

    [ ! -e "/proc/$init/root/sys/fs/cgroup/system.slice/$path/cgroup.procs" ] ||
        run sh -c 'for pid in $(cat /sys/fs/cgroup/system.slice/'"$path"'/cgroup.procs); do
                       basename "$(readlink /proc/$pid/exe)"; done' |
        sed -n 's/^sssd_\([a-z]*\)$/\1/p' | grep -v '^be$' | sort | tr '\n' ' ' | sed 's/ $//'
}

# How many processes of each responder there are, as "nss:1 pam:1".
responder_counts() {
    run ps -eo comm= | sed -n 's/^sssd_\([a-z]*\)$/\1/p' | grep -v '^be$' | sort | uniq -c |
        awk '{ printf "%s%s:%s", n++ ? " " : "", $2, $1 }'
}

# SSSD's processes, "" at rest.
sssd_processes() { run ps -eo comm= | grep '^sssd' | sort | tr '\n' ' ' | sed 's/ $//'; }

failed_units() { run systemctl list-units --failed --plain --no-legend | awk '{print $1}' | tr '\n' ' ' | sed 's/ $//'; }

# Journal lines of sockets or units that did not come up.
failure_lines() {
    run journalctl -b --no-pager -o cat | grep -cE 'Failed to listen|Dependency failed' || true
}

nothing_failed() { # WHEN
    is "no unit failed $1" "$(failed_units)" ""
    is "no 'Failed to listen' or 'Dependency failed' in the journal $1" "$(failure_lines)" 0
}

# Milliseconds that a command in the machine took, which may fail: the least of three, since others use the host too.
msec() {
    run bash -c 'least=
        for try in 1 2 3; do
            start=${EPOCHREALTIME/./}
            "$@" >/dev/null 2>&1 || true
            took=$(((${EPOCHREALTIME/./} - start) / 1000))
            [ -n "$least" ] && [ "$least" -le "$took" ] || least=$took
        done
        echo "$least"' bash "$@"
}

# shellcheck disable=SC2120 # scenarios pass them
look_up() { [ "$(run env SSS_NSS_USE_MEMCACHE=NO getent -s sss passwd "${1:-alice}" | cut -d: -f3)" = "${2:-10001}" ]; }
not_answered() { ! look_up; }
not_let_in() { ! log_in; }
log_in() { run sh -c 'echo secret-alice | pamtester load alice authenticate'; }

# Load in the background: start_load [LOOKUPS AUTHS [LOOP ...]]; stop_load says what came of it. Our own daemons know
# no passwords.
start_load() {
    local auths=${2:-20} loops=("${@:3}")

    [ "$ENGINE" = stock ] || auths=0
    load_since=$(run date +%s.%N)
    load_began=${EPOCHREALTIME/./}
    run /srv/load alice 10001 secret-alice "$((${1:-50} / patience))" "$auths" "${loops[@]}" >"$OUT/load" 2>"$OUT/load.errors" &
    load_pid=$!
}
stop_load() {
    # On a fast host all it was to see may be over before it has asked enough.
    while [ "$((${EPOCHREALTIME/./} - load_began))" -lt 1000000 ]; do sleep 0.1; done
    run pkill -TERM -o -x load
    wait "$load_pid" || true
    load_line=$(cat "$OUT/load")
    note "${load_line//$'\n'/$'\n# '}"
    [ ! -s "$OUT/load.errors" ] || head -n 20 "$OUT/load.errors" | sed 's/^/#   /'
}
load_count() { # OUTCOME [LOOP]: of look-ups and authentications together, in that kind of loop only
    sed -n "/^${2:-.*}:/p" <<<"$load_line" | grep -oE "($1)=[0-9]+" | cut -d= -f2 | awk '{ n += $1 } END { print n + 0 }'
}

# How often the launcher began to refuse clients since the load began.
refusals() {
    run journalctl -b --no-pager -o cat --since "@${load_since%.*}" | grep -c 'are told "unavailable"' || true
}

# Nobody was refused, told wrong or left hanging. What the engine had accepted when it was stopped is the engine's to
# lose ("engine", and "dropped" if no launcher accepted anybody): the distribution's may, ours loses nothing.
#
# A path that changes hands is unlinked, bound and listened on, in three steps, by systemd as by an engine. Who connects
# in that instant is refused by the kernel, and a busy host may suspend whoever binds just then. So after HAND-OVERS one
# for each may have been, and two more: a path closed for a tenth of a second would show as seven for each.
load_was_served() { # WHEN [HAND-OVERS]
    if [ -n "${2:-}" ]; then
        check "$1: none refused but in the instant in which a path is bound anew ($(load_count refused))" \
            test "$(load_count refused)" -le "$(($2 + 2))"
    else
        is "$1: 0 refused" "$(load_count refused)" 0
    fi
    is "$1: the launcher refused nobody, so whoever was dropped was the engine's" "$(refusals)" 0
    [ "$ENGINE" = stock ] || is "$1: 0 lost by the engine" "$(($(load_count engine) + $(load_count dropped)))" 0
    is "$1: 0 wrong" "$(load_count wrong)" 0
    is "$1: 0 hung" "$(load_count hung)" 0
    check "$1: the load did ask" test "$(load_count answered)" -gt "$((20 / patience))"
}

# What packages may change and must bring back, by names, modes, owners and contents: fingerprint FOLDER ...
fingerprint() {
    run sh -c 'find "$@" -printf "%p %y %m %u %g %l\n" | sort; find "$@" -type f -print0 | sort -z | xargs -0 sha256sum' \
        sh "$@"
}

# apt as an administrator types it, from the repository in the machine.
apt() { run apt-get -q -y -o APT::Sandbox::User=root "$@" >>"$OUT/apt" 2>&1; }

# --- The end -------------------------------------------------------------------------------------------------------

keep_evidence() {
    run journalctl -b --no-pager -o short-monotonic > "$OUT/journal" 2>&1 || true
    run systemctl list-units --all --no-pager 'sss*' > "$OUT/units" 2>&1 || true
    run sss_activation status > "$OUT/status" 2>&1 || true
    note "journal and unit states are in ${OUT#"$TOP"/}"
}
