# noselfconn: see README.md. Everything that is built goes to build/.

CFLAGS ?= -O2 -g
BUILD ?= build

# What the code is written for, whatever CFLAGS says.
STANDARD = -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
HARDENING = -fstack-protector-strong -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
COMPILE = $(CC) $(STANDARD) $(WARNINGS) $(HARDENING) $(CPPFLAGS) $(CFLAGS)
LINKING = -shared -Wl,-soname,libnoselfconn.so -Wl,--version-script=shim/exports.map \
	-Wl,-z,relro,-z,now,-z,noexecstack,-z,defs -Wl,--as-needed

SOURCES = $(wildcard shim/*.c)
OBJECTS = $(SOURCES:shim/%.c=$(BUILD)/%.o)
LIBRARY = $(BUILD)/libnoselfconn.so

all: $(LIBRARY)

$(LIBRARY): $(OBJECTS) shim/exports.map
	$(CC) $(CFLAGS) $(LDFLAGS) $(LINKING) -o $@ $(OBJECTS) -ldl

$(BUILD)/%.o: shim/%.c $(wildcard shim/*.h) Makefile
	@mkdir -p $(@D)
	$(COMPILE) -fPIC -fvisibility=hidden -c -o $@ $<

# Tests: make test, or make test TESTS=tests/some.bats. Helper programs are single files,
# tests/NAME.c; the preloads among them are listed here, and those that need -pthread get it all.
TESTS ?= tests
TEST_PRELOADS = inject absent
# For tests/faults.bats and tests/callers.bats.
TEST_PRELOADS += serve
TEST_SOURCES = $(wildcard tests/*.c)
TEST_PROGRAMS = $(patsubst tests/%.c,$(BUILD)/tests/%,$(filter-out \
	$(TEST_PRELOADS:%=tests/%.c),$(TEST_SOURCES))) $(TEST_PRELOADS:%=$(BUILD)/tests/%.so)
TEST_NEEDS = bats strace nc.openbsd ip readelf curl nginx python3
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

# What the code is held to besides its tests.
lint:
	tests/setup.sh clang-format clang-tidy cppcheck shellcheck
	clang-format --dry-run --Werror shim/*.[ch] tests/*.c tests/clients/*.c
	clang-tidy --quiet --warnings-as-errors='*' shim/*.c -- $(STANDARD)
	cppcheck --quiet --std=c11 --enable=warning,style,performance,portability --inline-suppr \
		--suppress=missingIncludeSystem --suppress=unusedStructMember --error-exitcode=1 -Ishim shim
	shellcheck --external-sources tests/*.sh tests/clients/*.sh $(wildcard scripts/noselfconn scripts/*.sh) .ci/run
	shellcheck --shell=bash --exclude=SC2034,SC2154,SC1091 tests/helpers.bash

clean:
	rm -rf $(BUILD)

.PHONY: check-abis check-musl check-i386 check-aarch64 check-s390x
.PHONY: all test test-programs client-needs affected lint clean
