# noselfconn: see README.md. Everything that is built goes to build/.

VERSION = 1.0.0
CFLAGS ?= -O2 -g
BUILD ?= build

# What the code is written for, whatever CFLAGS says.
STANDARD = -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
HARDENING = -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
COMPILE = $(CC) $(STANDARD) $(WARNINGS) $(HARDENING) $(CPPFLAGS) $(CFLAGS)
LINKING = -shared -Wl,-soname,libnoselfconn.so -Wl,--version-script=shim/exports.map \
	-Wl,-z,relro,-z,now,-z,noexecstack,-z,defs -Wl,--as-needed \
	-Wl,-z,noseparate-code

SOURCES = $(wildcard shim/*.c)
OBJECTS = $(SOURCES:shim/%.c=$(BUILD)/%.o)
LIBRARY = $(BUILD)/libnoselfconn.so

all: $(LIBRARY)

$(LIBRARY): $(OBJECTS) shim/exports.map
	$(CC) $(CFLAGS) $(LDFLAGS) $(LINKING) -o $@ $(OBJECTS) -ldl

$(BUILD)/%.o: shim/%.c $(wildcard shim/*.h) Makefile
	@mkdir -p $(@D)
	$(COMPILE) -fPIC -fno-plt -fvisibility=hidden -c -o $@ $<

# Tests: make test, or make test TESTS=tests/some.bats. Helper programs are single files,
# tests/NAME.c; the preloads among them are listed here, and those that need -pthread get it all.
TESTS ?= tests
TEST_PRELOADS = inject absent plugin
# For tests/faults.bats and tests/callers.bats.
TEST_PRELOADS += serve swap
# For tests/differ.bats.
TEST_PRELOADS += broken
TEST_SOURCES = $(wildcard tests/*.c)
TEST_PROGRAMS = $(patsubst tests/%.c,$(BUILD)/tests/%,$(filter-out \
	$(TEST_PRELOADS:%=tests/%.c),$(TEST_SOURCES))) $(TEST_PRELOADS:%=$(BUILD)/tests/%.so)
TEST_NEEDS = bats strace nc.openbsd ip readelf curl nginx python3
# For tests/alongside.bats, tests/kernels.bats and tests/preloaded.bats.
TEST_NEEDS += ip proxychains4 torsocks mptcpize libsocket_wrapper.so libeatmydata.so \
	faketime/libfaketime.so.1 cron
# For tests/wrapper.bats and tests/install.bats.
TEST_NEEDS += dash busybox mksh perl setcap setpriv script musl-gcc zsh \
	/usr/share/bash-completion/bash_completion \
	$(if $(filter x86_64,$(shell uname -m)),'gcc -m32')
JOBS ?= $(shell nproc)

test: all test-programs
	tests/setup.sh $(TEST_NEEDS) parallel
	BUILD=$(abspath $(BUILD)) bats --jobs $(JOBS) --print-output-on-failure $(TESTS)

test-programs: $(TEST_PROGRAMS)

$(BUILD)/tests/%.so: tests/%.c Makefile
	@mkdir -p $(@D)
	$(COMPILE) -fPIC -shared -o $@ $< -ldl

$(BUILD)/tests/%: tests/%.c Makefile
	@mkdir -p $(@D)
	$(COMPILE) -Wno-unused-result -pthread -o $@ $<

# What programs of the tests share.
$(addprefix $(BUILD)/tests/,callers signals threads): tests/attempt.h
$(addprefix $(BUILD)/tests/,client epoll outcome shared): tests/address.h

# For other C libraries and machines: built, and the tests of the repair run there.
check-abis: check-musl check-i386 check-aarch64 check-s390x

check-musl check-i386 check-aarch64 check-s390x: $(BUILD)/tests/netns
	BUILD=$(BUILD) tests/abi.sh $(@:check-%=%)

# What tests/clients.bats runs. Where one can't be had, only its own rows are skipped.
CLIENT_NEEDS = dash nc.openbsd nc.traditional ncat telnet socat curl wget python3 perl ruby php \
	node redis-cli psql mariadb ssh dropbear git openssl rsync nginx apache2 \
	pkg-config libevent.pc libuv.pc gio-2.0.pc javac rustc
ifneq ($(filter tests tests/clients.bats,$(TESTS)),)
test: client-needs
endif

client-needs:
	-@tests/setup.sh $(CLIENT_NEEDS)

# The table of affected programs in the README, in the words that clients.bats heard.
affected: all $(BUILD)/tests/client $(BUILD)/tests/netns client-needs
	@tests/setup.sh bats parallel
	@rm -rf $(BUILD)/affected && mkdir $(BUILD)/affected
	@BUILD=$(abspath $(BUILD)) AFFECTED=$(abspath $(BUILD))/affected \
		bats --jobs $(JOBS) tests/clients.bats >&2
	@printf '| %s | %s | %s |\n' program 'connected to itself' 'with noselfconn' --- --- ---
	@cat $(BUILD)/affected/*

# What the wrapper execs the command with.
all: $(BUILD)/start

$(BUILD)/start: scripts/start.c Makefile
	@mkdir -p $(@D)
	$(COMPILE) $(LDFLAGS) -Wl,-z,noseparate-code -o $@ $<

demo:
	@$(MAKE) -s all && scripts/noselfconn --self-test

# Installation. PRELOAD is what LD_PRELOAD is set to: where LIBDIR is that of a Debian
# architecture, with glibc's $LIB, so that one wrapper serves several architectures.
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
LIBDIR ?= $(PREFIX)/lib
MANDIR ?= $(PREFIX)/share/man
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR ?= $(PREFIX)/share/zsh/site-functions
MULTIARCH = $(shell $(CC) $(CFLAGS) -print-multiarch 2>/dev/null)
PRELOAD ?= $(if $(MULTIARCH),$(LIBDIR:%/lib/$(MULTIARCH)=%/$$LIB),$(LIBDIR))/libnoselfconn.so
PARTS = $(LIBDIR)/noselfconn
INSTALL ?= install

install: all
	$(INSTALL) -d "$(DESTDIR)$(BINDIR)" "$(DESTDIR)$(PARTS)" "$(DESTDIR)$(MANDIR)/man1" \
		"$(DESTDIR)$(MANDIR)/man7" "$(DESTDIR)$(BASHCOMPDIR)" "$(DESTDIR)$(ZSHCOMPDIR)"
	sed -e 's|^nsc_library=.*|nsc_library='\''$(LIBDIR)/libnoselfconn.so'\''|' \
		-e 's|^nsc_preload=.*|nsc_preload='\''$(PRELOAD)'\''|' \
		-e 's|^nsc_parts=.*|nsc_parts='\''$(PARTS)'\''|' scripts/noselfconn >"$(DESTDIR)$(BINDIR)/noselfconn"
	chmod 755 "$(DESTDIR)$(BINDIR)/noselfconn"
	$(INSTALL) -m 644 $(LIBRARY) "$(DESTDIR)$(LIBDIR)/libnoselfconn.so"
	$(INSTALL) -m 755 $(BUILD)/start scripts/demo "$(DESTDIR)$(PARTS)"
	$(INSTALL) -m 644 scripts/check "$(DESTDIR)$(PARTS)/check"
	for page in $(wildcard man/*.[17]); do \
		$(INSTALL) -m 644 $$page "$(DESTDIR)$(MANDIR)/man$${page##*.}" || exit; done
	$(INSTALL) -m 644 scripts/completion.bash "$(DESTDIR)$(BASHCOMPDIR)/noselfconn"
	$(INSTALL) -m 644 scripts/_noselfconn "$(DESTDIR)$(ZSHCOMPDIR)/_noselfconn"

uninstall:
	rm -f "$(DESTDIR)$(BINDIR)/noselfconn" "$(DESTDIR)$(LIBDIR)/libnoselfconn.so" \
		"$(DESTDIR)$(MANDIR)/man1/noselfconn.1" "$(DESTDIR)$(MANDIR)/man7/libnoselfconn.7" \
		"$(DESTDIR)$(BASHCOMPDIR)/noselfconn" "$(DESTDIR)$(ZSHCOMPDIR)/_noselfconn"
	rm -rf "$(DESTDIR)$(PARTS)"

# A tarball that needs nothing else.
DIST = noselfconn-$(VERSION)

dist:
	@mkdir -p $(BUILD)
	tar --transform='flags=r;s|^|$(DIST)/|' --sort=name --owner=0 --group=0 --numeric-owner -czf \
		$(BUILD)/$(DIST).tar.gz $(wildcard README.md) LICENSE Makefile .ci .clang-format .clang-tidy \
		.editorconfig .gitignore man scripts shim tests

# A package for the Debian release that it is made on.
DEB = $(BUILD)/deb

deb: all
	rm -rf $(DEB)
	$(MAKE) install DESTDIR=$(DEB) PREFIX=/usr LIBDIR=/usr/lib/$(MULTIARCH) \
		ZSHCOMPDIR=/usr/share/zsh/vendor-completions
	$(INSTALL) -D -m 644 LICENSE $(DEB)/usr/share/doc/noselfconn/copyright
	$(INSTALL) -d $(DEB)/DEBIAN
	glibc=$$(objdump -T $(LIBRARY) $(BUILD)/start | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1) && \
	printf '%s\n' 'Package: noselfconn' 'Version: $(VERSION)' 'Section: net' 'Priority: optional' \
		"Architecture: $$(dpkg --print-architecture)" "Depends: libc6 (>= $${glibc#GLIBC_})" \
		'Suggests: bash' 'Maintainer: noselfconn <noselfconn@localhost>' \
		'Description: keeps programs from being connected to themselves' \
		' A TCP client that connects to a local port where nothing listens can be given' \
		' that very port as its own, and then talks to itself. A program that is run with' \
		' noselfconn is never handed such a connection.' >$(DEB)/DEBIAN/control
	dpkg-deb --root-owner-group --build $(DEB) $(BUILD)

# Measurements, beside what a user would take instead: a table, or with BENCH_FLAGS=--json its
# JSON; bench.svg is drawn from that. BENCH_QUICK=1 only shows that it works.
BENCH = $(BUILD)/bench
BENCH_NEEDS = strace valgrind readelf proxychains4 torsocks mptcpize eatmydata
BENCH_PROGRAMS = $(patsubst tests/%.c,$(BUILD)/%,$(filter-out tests/bench/floor.c,$(wildcard tests/bench/*.c))) \
	$(BENCH)/forward.so $(BENCH)/forward-getsockname.so
BENCH_FLAGS ?=

bench: all $(BENCH_PROGRAMS) $(BUILD)/tests/netns $(BUILD)/tests/client
	@tests/setup.sh python3
	@for program in $(BENCH_NEEDS); do tests/setup.sh $$program || :; done
	@$(MAKE) -s install DESTDIR= PREFIX='$(abspath $(BENCH))/installed' LIBDIR='$(abspath $(BENCH))/installed/lib'
	@python3 tests/bench/bench.py $(BUILD) $(BENCH_FLAGS)
	@python3 tests/bench/plot.py $(BENCH)/bench.json >$(BENCH)/bench.svg

$(BENCH)/%: tests/bench/%.c Makefile
	@mkdir -p $(@D)
	$(COMPILE) -Wno-unused-result -pthread -o $@ $< -ldl

$(BENCH)/forward.so: tests/bench/floor.c Makefile
	@mkdir -p $(@D)
	$(COMPILE) -fPIC $(filter-out %.map %.so,$(LINKING)) -o $@ $< -ldl

$(BENCH)/forward-getsockname.so: tests/bench/floor.c Makefile
	@mkdir -p $(@D)
	$(COMPILE) -DGETSOCKNAME -fPIC $(filter-out %.map %.so,$(LINKING)) -o $@ $< -ldl

.PHONY: bench

# Random sequences of calls, with the library and without: see tests/differ.c. A quarter of an
# hour or so; what it finds can be run again by its number.
FUZZ_SEED ?= $(shell date +%s)000000
FUZZ_COUNT ?= 1000000

fuzz: all $(BUILD)/tests/differ
	LD_PRELOAD=$(abspath $(LIBRARY)) NOSELFCONN_LOG=$(abspath $(BUILD))/fuzz.log \
		$(BUILD)/tests/differ $(FUZZ_SEED) $(FUZZ_COUNT)

.PHONY: fuzz

# Connects by the million to closed ports, see tests/soak.c: with the ordinary range, where one in
# some 14,000 is connected to itself, and with a narrow one; from threads, and from processes.
SOAK_CONNECTS ?= 10000000

soak: all $(BUILD)/tests/soak $(BUILD)/tests/netns
	set -e; for run in '32768 60999 2 8 1' '32768 60999 2 1 4' '40000 40063 20 8 1' \
			'40000 40063 20 1 4'; do \
		set -- $$run; \
		LD_PRELOAD=$(abspath $(LIBRARY)) NOSELFCONN_LOG=$(abspath $(BUILD))/soak.log \
		$(BUILD)/tests/netns $$1 $$2 $(BUILD)/tests/soak \
			$$(($(SOAK_CONNECTS) / $$3)) $$4 $$5; \
	done

# The library's code under AddressSanitizer and UBSan: built into the programs that test it.
SANITIZERS = -fsanitize=address,undefined -fno-sanitize-recover=all
SANITIZED = client differ soak

sanitize: $(SANITIZED:%=$(BUILD)/sanitized/%)

$(BUILD)/sanitized/%: tests/%.c $(SOURCES) $(wildcard shim/*.h) Makefile
	@mkdir -p $(@D)
	$(CC) $(STANDARD) $(CPPFLAGS) -O1 -g $(SANITIZERS) -fno-omit-frame-pointer -pthread -w \
		-o $@ $< $(SOURCES) -ldl

.PHONY: soak sanitize

# For tests/memory.bats.
TEST_NEEDS += valgrind
ifneq ($(filter tests tests/memory.bats,$(TESTS)),)
test: sanitize
endif

# What the code is held to besides its tests.
lint:
	tests/setup.sh clang-format clang-tidy cppcheck shellcheck mandoc
	clang-format --dry-run --Werror shim/*.[ch] tests/*.[ch] tests/clients/*.c tests/bench/*.c scripts/*.c
	clang-tidy --quiet --warnings-as-errors='*' shim/*.c -- $(STANDARD)
	clang-tidy --quiet --warnings-as-errors='*' --checks=-cert-err33-c scripts/*.c -- $(STANDARD)
	cppcheck --quiet --std=c11 --enable=warning,style,performance,portability --inline-suppr \
		--suppress=missingIncludeSystem --suppress=unusedStructMember --error-exitcode=1 -Ishim shim scripts
	shellcheck --external-sources tests/*.sh tests/clients/*.sh $(wildcard scripts/noselfconn scripts/check scripts/demo scripts/*.bash) .ci/run
	shellcheck --shell=bash --exclude=SC2034,SC2154,SC1091 tests/helpers.bash
	# It can't know that each of the two pages will be there when the other is installed.
	! mandoc -T lint man/*.[17] 2>/dev/null | grep -v 'referenced manual not found'

clean:
	rm -rf $(BUILD)

.PHONY: check-abis check-musl check-i386 check-aarch64 check-s390x
.PHONY: demo install uninstall dist deb
.PHONY: all test test-programs client-needs affected lint clean
