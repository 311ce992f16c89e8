# SPDX-License-Identifier: GPL-3.0-or-later
# The front door of sssd-ondemand. `make help` lists the targets.

VERSION := $(shell cat VERSION)
ENGINE ?= 2.8
DISTS ?= bookworm trixie
DIST ?= all
SCENARIO ?=
EXITS ?= 200
JOBS ?= $(shell nproc)

BUILD := $(CURDIR)/build
COMMON := $(BUILD)/common
ACTIVATION := $(BUILD)/activation
DAEMONS := $(BUILD)/daemons
# The daemons with the series: a tree of its own, since build/tree is for work.
PATCHED := $(BUILD)/patched
# Whose daemons scenarios run on: the distribution's, or ours.
ON := $(if $(filter own,$(ENGINE)),own,stock)
CONFIGURE_FLAGS ?= --enable-werror
# The daemons know the places of the distribution's SSSD.
PLACES := --prefix=/usr --sysconfdir=/etc --localstatedir=/var --libexecdir=/usr/libexec

# Several runs of tests as one, whose last line is their sum.
SUM = @tests/sum $(MAKE) --no-print-directory

.PHONY: all help deps need-build need-all units tree build check check-parts check-quick check-quick-parts check-unit-tests \
        check-sanitizers check-series check-hostile storm lint lint-quick deb rpm installcheck check-valgrind check-sanitized matrix \
        matrix-parts check-packages compare compare-parts bench demo soak soak-parts fuzz clean

all: build
	@echo
	@echo "Built in build/common, build/activation, build/daemons and build/patched. Next: make deb (or rpm), then apt install ./build/deb/*.deb;"
	@echo "make demo shows it in a throw-away container, make check tests all of it, make help lists the rest."
	@tests/need-packages --list || true

help:
	@echo "sssd-ondemand $(VERSION): SSSD's responders, running only while somebody asks"
	@echo
	@echo "  make                build launcher and tool, the daemons, and these with the patch series, in build/"
	@echo "  make demo           build, install and show it live in a throw-away container (root); ENGINE=own: our daemons"
	@echo "  make check          all tests: unit tests, sanitizers, lint, installcheck (root)"
	@echo "  make check-quick    unit tests and the lint that wants no packages: three minutes at most, as any user"
	@echo
	@echo "  make units          the unit set of ENGINE=2.8|2.10|own into build/units/ENGINE/, and its names"
	@echo "  make tree           src/daemons with the series pushed, in build/tree/, where quilt works"
	@echo "  make check-series   the daemons build and pass their tests before and after each patch"
	@echo "  make check-hostile  other users must not notice one who does what he can to an NSS responder (root)"
	@echo "  make storm          clients must not notice that their responder leaves EXITS=200 times (root)"
	@echo "  make deb            packages of DISTS=\"$(DISTS)\" into build/deb/; SERIES=none: the daemons"
	@echo "                      without the patch series, version ~base, into build/deb-base/; SANITIZE=yes: with ASan"
	@echo "                      and UBSan, version ~sanitized, into build/deb-sanitized/"
	@echo "  make rpm            packages into build/rpm/"
	@echo "  make lint           shellcheck, unit files, lintian, rpmlint"
	@echo "  make installcheck   scenarios on a real systemd in containers"
	@echo "                      DIST=bookworm|trixie|rpm|all|sid|rpm-sid  SCENARIO=\"name ...\"; ENGINE=own: on our own daemons"
	@echo "  make check-valgrind the unit tests under valgrind's memcheck, on Debian 13"
	@echo "  make check-sanitized  the scenarios of our own daemons where these are built with ASan and UBSan  SCENARIO=\"name ...\""
	@echo "  make matrix         install, upgrade, remove, migrate ... from each state, an hour or more; goes on where it"
	@echo "                      was stopped  DIST=...  CELLS='cell-stock-*-migrate ...'; then 300 sequences of such operations,"
	@echo "                      or only  SEEDS='17 200-299 now'"
	@echo "  make check-packages builds the same packages again and compares; piuparts, autopkgtest"
	@echo "  make compare        the same questions to the distribution's SSSD and to our daemons: bookworm, trixie, and a directory of"
	@echo "                      100,000 users  VARIANT=\"name ...\""
	@echo "  make bench          our daemons, SSSD 2.8.2 and the floor, measured in turns  BENCH=\"--rounds=40 --where\""
	@echo "  make soak           the long scenarios, those of sid (packages, too), check-valgrind, check-sanitized, compare, and"
	@echo "                      check-packages"
	@echo "  make fuzz           what reads foreign bytes, with libFuzzer and sanitizers  FUZZ_SECONDS=600  TARGET=nss/fuzz-dispatch"
	@echo "  make deps           install with apt what make check needs (root); make check and make demo do it too, all others say"
	@echo "                      what is missing, and install nothing"
	@echo "  make clean          remove build/; trees stay in $${SSSD_ONDEMAND_CACHE:-/var/cache/sssd-ondemand}"
	@echo
	@echo "The last line of each run of tests is: N passed, N failed, N skipped."

# Who asks for tests of the whole, or for the demonstration, wants them to run; all else installs nothing. What is there costs
# no time.
deps:
	@tests/need-packages

need-build:
	@tests/need-packages --list --build

need-all:
	@tests/need-packages --list

units:
	@rm -rf $(BUILD)/units/$(ENGINE)
	@units/make-units $(ENGINE) $(BUILD)/units/$(ENGINE)
	@echo "units for engine $(ENGINE), in build/units/$(ENGINE):"
	@cd $(BUILD)/units/$(ENGINE) && find . -type f | sed 's|^./|  |' | LC_ALL=C sort

# An automake tree of its own for each variant, beside the sources: SOURCE FOLDER FLAGS [LIBRARIES], these before the plain ones.
define configure
	@mkdir -p $(2)
	@echo "configuring in $(2:$(CURDIR)/%=%)"
	@cd $(1) && autoreconf -fi >$(2)/autoreconf.log 2>&1 || { cat $(2)/autoreconf.log; exit 1; }
	@cd $(2) && $(if $(4),PKG_CONFIG_PATH="$(4):$$PKG_CONFIG_PATH") $(abspath $(1))/configure -q $(CONFIGURE_FLAGS) $(3)
endef
make-in = $(MAKE) --no-print-directory -j$(JOBS) -C

# All others stand on its library.
COMMON_SOURCES = src/common/configure.ac src/common/Makefile.am
$(COMMON)/Makefile: $(COMMON_SOURCES) | need-build
	$(call configure,src/common,$(COMMON),)
	@$(make-in) $(COMMON) all

$(ACTIVATION)/Makefile: src/activation/configure.ac src/activation/Makefile.am $(wildcard src/activation/*/local.mk) | $(COMMON)/Makefile
	$(call configure,src/activation,$(ACTIVATION),)

$(DAEMONS)/Makefile: src/daemons/configure.ac src/daemons/Makefile.am $(wildcard src/daemons/*/local.mk) | $(COMMON)/Makefile
	$(call configure,src/daemons,$(DAEMONS),$(PLACES))

# Libraries are found where they were built: by patches that of src/activation, too.
export PKG_CONFIG_PATH := $(COMMON):$(ACTIVATION)$(addprefix :,$(PKG_CONFIG_PATH))

$(PATCHED)/tree: $(wildcard patches/* src/daemons/* src/daemons/*/* src/daemons/*/*/*) | need-build
	@tests/series-tree $@ || { rm -rf $@; exit 1; }
	@touch $@

$(PATCHED)/Makefile: $(PATCHED)/tree $(ACTIVATION)/Makefile
	$(call configure,$(PATCHED)/tree/src/daemons,$(PATCHED),$(PLACES))

build: need-build $(COMMON)/Makefile $(ACTIVATION)/Makefile $(DAEMONS)/Makefile $(PATCHED)/Makefile
	@$(make-in) $(COMMON) all
	@$(make-in) $(ACTIVATION) all
	@$(make-in) $(DAEMONS) all
	@$(make-in) $(PATCHED) all

UNIT_TESTED = $(COMMON) $(ACTIVATION) $(DAEMONS) $(PATCHED)
check-unit-tests: build
	@set -e; for folder in $(UNIT_TESTED); do $(make-in) $$folder check-programs; done
	@tests/unit-tests $(UNIT_TESTED)

$(BUILD)/sanitizers/common/Makefile: $(COMMON)/Makefile
	$(call configure,src/common,$(@D),--enable-sanitizers)
	@$(make-in) $(@D) all

$(BUILD)/sanitizers/activation/Makefile: $(ACTIVATION)/Makefile $(BUILD)/sanitizers/common/Makefile
	$(call configure,src/activation,$(@D),--enable-sanitizers,$(BUILD)/sanitizers/common)

# With the series, which is all of the daemons and more.
$(BUILD)/sanitizers/patched/Makefile: $(PATCHED)/Makefile $(BUILD)/sanitizers/activation/Makefile
	$(call configure,$(PATCHED)/tree/src/daemons,$(@D),--enable-sanitizers $(PLACES),$(BUILD)/sanitizers/common:$(BUILD)/sanitizers/activation)

check-sanitizers: $(BUILD)/sanitizers/activation/Makefile $(BUILD)/sanitizers/patched/Makefile
	@$(make-in) $(BUILD)/sanitizers/common all check-programs
	@$(make-in) $(BUILD)/sanitizers/activation all check-programs
	@$(make-in) $(BUILD)/sanitizers/patched all check-programs
	@tests/unit-tests $(addprefix $(BUILD)/sanitizers/,common activation patched)

$(BUILD)/fuzz/common/Makefile: $(COMMON)/Makefile
	@tests/need-packages --list --build clang libclang-rt-dev
	$(call configure,src/common,$(@D),--enable-fuzzing CC=clang)
	@$(make-in) $(@D) all

$(BUILD)/fuzz/Makefile: $(DAEMONS)/Makefile $(BUILD)/fuzz/common/Makefile
	$(call configure,src/daemons,$(@D),--enable-fuzzing $(PLACES) CC=clang,$(BUILD)/fuzz/common)

fuzz: $(BUILD)/fuzz/Makefile
	@$(make-in) $(BUILD)/fuzz/common all fuzz-programs
	@$(make-in) $(BUILD)/fuzz fuzz-programs
	@JOBS=$(JOBS) tests/fuzz/run $(BUILD)/fuzz $(TARGET)

# patches/ joins src/daemons and src/activation, which know nothing of each other.
tree: need-build
	@tests/series-tree --careful $(BUILD)/tree
	@echo "the daemons with the series are in build/tree"

check-series: build
	@tests/series

storm: build
	@tests/storm/run $(EXITS)

check-hostile: build
	@tests/hostile/run

deb: need-all
	@SERIES=$(SERIES) SANITIZE=$(SANITIZE) packaging/build-deb $(DISTS)

rpm: need-all
	@packaging/build-rpm

lint: deb rpm
	@tests/lint

lint-quick:
	@tests/lint --quick

installcheck: deb $(if $(filter rpm all,$(DIST)),rpm)
	$(if $(filter own,$(ON)),@SERIES=none packaging/build-deb bookworm)
	$(if $(filter sid,$(DIST)),@packaging/build-deb sid)
	$(if $(filter rpm-sid,$(DIST)),@packaging/build-rpm sid)
	@tests/installcheck/run --engine=$(ON) --dist=$(DIST) $(SCENARIO)

soak:
	$(SUM) soak-parts

soak-parts: deb $(if $(filter rpm all,$(DIST)),rpm)
	$(if $(filter own,$(ON)),@SERIES=none packaging/build-deb bookworm)
	$(if $(SCENARIO)$(filter-out all,$(DIST)),,@tests/check-packages)
	$(if $(filter sid all,$(DIST)),@packaging/build-deb sid)
	$(if $(filter rpm-sid all,$(DIST)),@packaging/build-rpm sid)
	@status=0; for dist in $(DIST) $(if $(SCENARIO)$(filter-out all,$(DIST)),,sid rpm-sid); do \
	    SOAK=yes tests/installcheck/run --engine=$(ON) --dist=$$dist $(SCENARIO) || status=1; \
	done; exit $$status
	$(if $(SCENARIO)$(filter-out all,$(DIST)),,@$(MAKE) --no-print-directory check-valgrind check-sanitized compare storm EXITS=10000)

# With the series, which is all of the daemons and more.
check-valgrind: $(PATCHED)/Makefile
	@JOBS=$(JOBS) tests/valgrind/run

check-sanitized: need-all
	@SANITIZE=yes packaging/build-deb bookworm
	@SERIES=none packaging/build-deb bookworm
	@tests/installcheck/run --engine=own --sanitized --dist=bookworm $(SCENARIO)

check-packages: deb rpm
	@tests/check-packages

matrix:
	$(SUM) matrix-parts

matrix-parts: deb rpm
	@status=0; \
	[ -n "$(SEEDS)" ] || tests/matrix/run --dist=$(DIST) $(CELLS) || status=1; \
	[ -n "$(CELLS)" ] || tests/sequences/run --dist=$(DIST) $(SEEDS) || status=1; \
	exit $$status

compare:
	$(SUM) compare-parts

compare-parts: deb
	@tests/compare/run --dist=$(filter-out rpm,$(DIST)) $(VARIANT)
	$(if $(VARIANT),,@tests/compare/run --dist=bookworm --large)

bench: deb
	@tests/bench/run $(BENCH)

check: deps
	$(SUM) check-parts

# The daemons' are run after each patch of the series anyway.
check-parts: UNIT_TESTED = $(COMMON) $(ACTIVATION)
check-parts: check-unit-tests check-sanitizers check-series storm check-hostile lint deb rpm
	@tests/check-packages reproducible
	@tests/compare/run --dist=bookworm --gate
	@tests/installcheck/run --gate
	@SERIES=none packaging/build-deb bookworm
	@tests/installcheck/run --engine=own --gate

# While one writes: nothing that needs root or another machine. Of the daemons, those with the series, which is all of them.
check-quick:
	@tests/need-packages --list --lint || echo "What needs that is skipped."
	$(SUM) --keep-going check-quick-parts

check-quick-parts: UNIT_TESTED = $(COMMON) $(ACTIVATION) $(PATCHED)
check-quick-parts: check-unit-tests lint-quick

demo: deps
	@packaging/build-deb bookworm
	@tests/demo $(ON)

clean:
	rm -rf $(BUILD)
