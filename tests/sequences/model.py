# SPDX-License-Identifier: GPL-3.0-or-later
"""What must hold on a machine after each operation of an administrator, as the documents say it: who answers, which
sockets are open, which units have failed, whose enable states are what, what is left of a package that has gone.

It knows nothing of the code. Where the documents leave two answers open, either is right: a state of None, a socket
in `maybe`.
"""

RESPONDERS = ["autofs", "nss", "pac", "pam", "ssh", "sudo"]
MONITOR = "sssd.service"
THIS = "this"


class Machine:
    def __init__(self, dist, package, line, monitor):
        self.dist = dist
        # SSSD has two sockets for PAM up to 2.9.
        private = dist != "trixie"
        self.ours = {r: [f"sss-{r}.socket"] for r in RESPONDERS}
        self.theirs = {r: [f"sssd-{r}.socket"] for r in RESPONDERS}
        if private:
            self.ours["pam"].append("sss-pam-private.socket")
            self.theirs["pam"].append("sssd-pam-priv.socket")

        self.version = None         # of our package: None, "0.1", "0.2", "this"
        self.remembered = False     # Debian keeps our enable states after a removal
        self.backup = False         # migrate has left one
        self.good = True            # SSSD starts with sssd.conf
        self.line = set()           # whom the services line names
        self.commented = set()      # whom it named before migrate
        self.enabled = {MONITOR: True}
        self.masked = set()
        self.up = False             # the monitor
        self.runs = set()           # its responders
        self.flags = set()          # whose sockets of ours are skipped: they are the monitor's
        self.open = set()
        self.maybe = set()          # open or not
        self.failed = set()
        self.may_fail = set()       # theirs that the line makes fail, each or the other
        self.unserved = None        # what was off when ours came, though there was a line: somebody's choice
        self.held = False           # stopped with a version that has a flag for it
        self.code = 0               # exit status of the operation

        for socket in self.sockets(self.theirs):
            self.enabled[socket] = True
        if package == THIS:    # it was there before anything was configured
            self.install(package)
        if line == "listed":
            self.line = {"nss", "pam"}
        self.enabled[MONITOR] = monitor == "enabled"
        if package not in ("absent", THIS):
            self.install(package)
        self.boot()

    @staticmethod
    def sockets(family):
        return [socket for r in RESPONDERS for socket in family[r]]

    def has(self, unit):
        return unit not in self.masked and self.enabled.get(unit)

    def stopped(self):
        """Nobody runs, and no client would start anybody."""
        return not self.up and not self.open and not self.maybe

    # --- What follows from what ---------------------------------------------------------------------------------

    def open_ours(self):
        """Each enabled socket opens, unless its responder is the monitor's."""
        for r in RESPONDERS:
            if r in self.flags:
                self.open -= set(self.ours[r])
            elif all(self.has(socket) for socket in self.ours[r]):    # PAM's two belong together
                self.open |= set(self.ours[r])

    def apply(self):
        if self.up:
            self.flags = set(self.runs)
        elif self.good:
            self.flags = set(self.line)
        self.open_ours()

    def start_monitor(self):
        """sssd.service is started or restarted, whoever wants it."""
        if MONITOR in self.masked:
            return
        self.held = False
        self.up = self.good
        self.runs = set(self.line) if self.up else set()
        self.failed.discard(MONITOR)
        self.may_fail.discard(MONITOR)
        if not self.up and (self.version is None or self.enabled[MONITOR]):
            self.failed.add(MONITOR)    # of ours, nobody typed it: it is not left failed
        if self.version is not None:
            if self.up:
                self.flags = set(self.runs)
            self.open_ours()
            return
        self.open.clear()    # they are bound to it
        self.maybe.clear()
        for r in RESPONDERS if self.up else []:
            for socket in self.theirs[r]:
                if r in self.line and self.has(socket):
                    self.may_fail.add(socket)
                elif self.has(socket):
                    self.open.add(socket)
                    self.may_fail.discard(socket)

    def who(self, r):
        if r in self.runs:
            return "monitor"
        if self.version is not None and self.ours[r][0] in self.open:
            if self.up or (self.good and MONITOR not in self.masked):
                return "ours"
        if self.version is None and self.up:
            if set(self.theirs[r]) & self.maybe:
                return "any"
            if self.theirs[r][0] in self.open:
                return "vendor"
        return "nobody"

    def ask(self):
        """A look-up and a log-in: who answers each. Clients of ours have the monitor started."""
        if self.version is not None and not self.up and any(self.ours[r][0] in self.open for r in ("nss", "pam")):
            self.start_monitor()
        return self.who("nss"), self.who("pam")

    def why(self, r):
        """Why nobody answers, for people."""
        socket = (self.theirs if self.version is None else self.ours)[r][0]
        if MONITOR in self.masked:
            return "sssd.service is masked"
        if not self.good and not self.up:
            return "sssd.conf is broken"
        if self.stopped():
            return "stopped" if self.has(MONITOR) or self.version else "sssd.service is not started"
        if r in self.flags or not self.up:
            return "sssd.service is not started"
        return f"{socket} is {self.state(socket) if not self.has(socket) else 'closed'}"

    # --- Operations ---------------------------------------------------------------------------------------------

    def install(self, version):
        for socket in self.sockets(self.ours):
            if not self.remembered:
                # An rpm's presets can't enable what is masked; whether they count later is open.
                self.enabled[socket] = None if self.dist == "rpm" and socket in self.masked else True
        self.may_fail.clear()
        self.open.clear()
        self.maybe.clear()
        self.version = version
        self.remember_unserved()
        self.flags = set()
        self.apply()

    def remember_unserved(self):
        if self.version == THIS and self.unserved is None:
            off = {r for r in RESPONDERS if not all(self.has(socket) for socket in self.theirs[r])}
            self.unserved = off | ({MONITOR} if not self.enabled[MONITOR] else set()) if self.line else set()

    def change_version(self, version):
        """Upgrade, downgrade, reinstallation."""
        self.version = version
        self.remember_unserved()
        if self.held and version == THIS:    # a stop of 0.2 stays one; to 0.2, ours is none
            self.held = False
            return
        self.apply()

    def remove(self):
        was_stopped = self.stopped()
        served = [r for r in RESPONDERS if r not in self.line and self.has(self.ours[r][0])]
        took = [r for r in RESPONDERS if self.ours[r][0] in self.open]
        # Somebody answers afterwards, for whom ours did.
        wanted_off = self.unserved if self.line else set()
        for r in served:
            if r not in wanted_off and not any(socket in self.masked for socket in self.theirs[r]):
                self.enabled.update((socket, True) for socket in self.theirs[r])
        if served and MONITOR not in self.masked | wanted_off:
            self.enabled[MONITOR] = True
        self.unserved = None
        self.version = None
        self.remembered = self.dist != "rpm"
        self.flags = set()
        self.open.clear()
        self.maybe.clear()
        if not self.up:
            if not was_stopped and self.has(MONITOR):
                self.start_monitor()
            return
        for r in RESPONDERS:
            for socket in self.theirs[r]:
                if r in took and self.has(socket):
                    self.open.add(socket)
                elif r not in self.line and self.has(socket):
                    self.maybe.add(socket)    # nobody's path: at the next start of the monitor at the latest

    def purge(self):
        if self.version is not None:
            self.remove()
        self.remembered = False
        self.backup = self.backup and self.dist == "rpm"

    def migrate(self):
        if not all(self.has(socket) for r in self.line for socket in self.ours[r]):
            self.code = 1    # nobody would serve it
            return
        was_stopped = self.stopped()
        self.commented, self.line = self.line, set()
        self.backup = True
        if self.up:
            self.start_monitor()
        elif not was_stopped:
            self.apply()

    def revert(self):
        was_stopped = self.stopped()
        self.line, self.commented = self.commented, set()
        if not was_stopped:
            self.start_monitor()

    def edit(self, line):
        """The administrator writes the file anew, and restarts."""
        self.line = {"nss", "pam"} if line == "listed" else set()
        self.commented = set()
        self.restart()

    def restart(self):
        self.start_monitor()
        self.code = 0 if self.up else 1

    def start(self):
        self.restart()

    def stop(self):
        if self.version not in (None, THIS) and not self.up:
            return    # those did not notice a stop of what was at rest
        if self.version != THIS and self.up:
            # SSSD 2.8's monitor aborts when it is stopped, if a responder behind a socket has lived twice.
            self.may_fail.add(MONITOR)
        self.held = self.version not in (None, THIS)
        self.up = False
        self.runs = set()
        self.open.clear()
        self.maybe.clear()

    def boot(self):
        self.up = self.held = False
        self.runs = set()
        self.open.clear()
        self.maybe.clear()
        self.failed.clear()
        self.may_fail.clear()
        self.flags = set()
        if self.version is not None:
            self.apply()
        if self.has(MONITOR):
            self.start_monitor()

    def rest(self):
        """The monitor leaves by itself, and the responders: nobody needs them."""
        self.up = False

    def break_conf(self):
        self.good = False

    def repair(self):
        self.good = True

    def repair_restart(self):
        self.good = True
        self.restart()

    def reinstall_sssd(self):
        """Debian's script restarts what is enabled or runs. A responder that comes has our sockets opened."""
        if self.dist == "rpm":
            return    # there it is not done
        sockets = [] if self.version else [s for s in self.sockets(self.theirs) if self.has(s)]
        if self.up or self.has(MONITOR) or sockets:
            self.start_monitor()
        if self.version is not None:
            self.apply()

    # Of a unit, with --now. PAM's sockets go together: what is done to the first of ours is done to the second, too.
    def family(self, name):
        for r in RESPONDERS:
            if name == self.ours[r][0]:
                return r, self.ours[r]
            if name == self.theirs[r][0]:
                return r, self.theirs[r]
        return None, [name]

    def enable(self, name):
        r, units = self.family(name)
        for unit in units:
            self.enabled[unit] = True
        if name == MONITOR:
            return
        if self.version is None and not self.up:
            self.start_monitor()    # theirs are bound to it
        elif self.version is None or r not in self.flags:
            self.open |= {unit for unit in units if unit not in self.masked}
            self.maybe -= set(units)

    def disable(self, name):
        for unit in self.family(name)[1]:
            self.enabled[unit] = False
            self.open.discard(unit)
            self.maybe.discard(unit)

    def mask(self, name):
        r, units = self.family(name)
        if name == MONITOR:
            self.stop()
        self.masked |= set(units if name.startswith("sssd-") else units[:1])
        self.open -= set(units)
        self.maybe -= set(units)

    def unmask(self, name):
        self.masked -= set(self.family(name)[1])

    # --- What a machine is held against -------------------------------------------------------------------------

    def state(self, unit):
        if unit in self.masked:
            return "masked"
        return {True: "enabled", False: "disabled", None: "any"}[self.enabled[unit]]

    def status(self):
        """Exit status of sss_activation status: 3 when somebody can't be served."""
        # PAM's sockets belong together: one that is switched off is both.
        on = [r for r in RESPONDERS if r not in self.flags and all(self.has(socket) for socket in self.ours[r])]
        closed = [socket for r in on for socket in self.ours[r] if socket not in self.open]
        down = (self.flags or MONITOR in self.masked) and not self.up
        return 3 if closed or down or self.failed or not self.good else 0

    def facts(self):
        nss, pam = self.ask()
        ours = self.sockets(self.ours)
        units = self.sockets(self.theirs) + [MONITOR] + [u for u in ours if self.version or u in self.masked]
        yield "code", str(self.code)
        yield "package", self.version or "none"
        yield "nss", nss
        yield "pam", pam
        yield "status", str(self.status())
        yield "failed", " ".join(sorted(self.failed))
        yield "may-fail", " ".join(sorted(self.may_fail))
        # Up to 0.2 they stay open behind a flag.
        yield "open", "any" if self.version not in (None, THIS) else " ".join(sorted(self.open))
        yield "maybe", " ".join(sorted(self.maybe))
        yield "states", " ".join(f"{unit}={self.state(unit)}" for unit in sorted(units))
        left = "kept" if self.remembered or self.backup else "none"
        yield "left", "all" if self.version else left
        self.code = 0
