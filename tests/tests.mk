# SPDX-License-Identifier: MIT
# Tests; included by the Makefile.
#
# make check          the repair and the command, in two minutes: installs nothing, needs no root
# make test           all tests; installs what they need, if it may. ALL=1: also what is large
# make test TESTS=tests/repair/connect.bats: some of them; a folder will do
#
# The shelves: repair, what a repair does; hostile, hard places for one; world, programs as they
# are installed; command, the wrapper, what is built and what is said; packaging, what others are
# handed; supervise, the supervisor.
# Test programs are single files beside their tests, or in lib; the libraries among them are in
# preloads. What a test needs to be installed, its line "need ..." says.
TESTS ?= tests
JOBS ?= $(shell nproc)
TEST_SOURCES = $(filter-out tests/bench/% tests/preloads/%,$(wildcard tests/*/*.c))
TEST_PROGRAMS = $(addprefix $(BUILD)/tests/,$(basename $(notdir $(TEST_SOURCES)))) \
	$(patsubst tests/preloads/%.c,$(BUILD)/tests/%.so,$(wildcard tests/preloads/*.c))
RUN_TESTS = BUILD=$(call quoted,$(abspath $(BUILD))) JOBS=$(JOBS) tests/lib/run.sh

# What another thread could see is looked for less often here.
check: TESTS = tests/repair tests/command
check: export TIMES ?= 4000
check: all test-programs
	@CI= $(RUN_TESTS) $(TESTS)

test: all test-programs
	@tests/lib/setup.sh bats parallel $(TESTS) || echo 'Tests that need these are skipped.'
	@$(RUN_TESTS) $(TESTS)

test-programs: $(TEST_PROGRAMS)

vpath %.c $(sort $(dir $(TEST_SOURCES)))

$(BUILD)/tests/%.so: tests/preloads/%.c Makefile tests/tests.mk
	@mkdir -p $(@D)
	$(COMPILE) -fPIC -shared -o $@ $< -ldl

$(BUILD)/tests/%: %.c $(wildcard tests/lib/*.h) Makefile tests/tests.mk
	@mkdir -p $(@D)
	$(COMPILE) -Itests/lib -Wno-unused-result -pthread -o $@ $< -ldl

# For other C libraries and machines: built, and the tests of the repair run there.
ABIS = musl glibc-2.17 i386 aarch64 armhf s390x

check-abis: $(ABIS:%=check-%)

# In roots of other Debian releases, see roots.sh: make check-roots, or ROOTS='bullseye sid'.
ROOTS ?= bullseye trixie sid

check-roots check-roots-quick: $(LIBRARY)
	BUILD=$(BUILD) tests/lib/roots.sh $(if $(filter %-quick,$@),quick,all) $(ROOTS)

$(ABIS:%=check-%): $(LIBRARY) $(BUILD)/tests/netns $(BUILD)/tests/lacking
	BUILD=$(BUILD) tests/lib/abi.sh $(@:check-%=%)

# The table of affected programs, tests/world/AFFECTED.md, in the words that clients.bats heard.
affected: all $(BUILD)/tests/client $(BUILD)/tests/netns
	-@ALL=1 tests/lib/setup.sh bats parallel tests/world/clients.bats
	@rm -rf $(BUILD)/affected && mkdir $(BUILD)/affected
	@AFFECTED='$(abspath $(BUILD))/affected' $(RUN_TESTS) tests/world/clients.bats >&2
	@sed '/^| --- /q' tests/world/AFFECTED.md >$(BUILD)/affected.md
	@cat $(BUILD)/affected/* >>$(BUILD)/affected.md
	@cp $(BUILD)/affected.md tests/world/AFFECTED.md

# Random sequences of calls, with the library and without: see tests/repair/differ.c. A quarter of
# an hour or so; what it finds can be run again by its number. With FUZZ_HOW=threads, in a program
# with two threads.
FUZZ_SEED ?= $(shell date +%s)000000
FUZZ_COUNT ?= 1000000

fuzz: all $(BUILD)/tests/differ
	LD_PRELOAD=$(abspath $(LIBRARY)) NOSELFCONN_LOG=$(abspath $(BUILD))/fuzz.log \
		$(BUILD)/tests/differ $(FUZZ_SEED) $(FUZZ_COUNT) $(FUZZ_HOW)

# Millions of connects to closed ports, see tests/hostile/soak.c: with the ordinary range, in which
# one in some 14,000 is connected to itself, and with a narrow one; from threads, and from
# processes.
SOAK_CONNECTS ?= 10000000

soak: all $(BUILD)/tests/soak $(BUILD)/tests/netns
	set -e; for run in '32768 60999 2 8 1' '32768 60999 2 1 4' '40000 40063 20 8 1' \
			'40000 40063 20 1 4'; do \
		set -- $$run; \
		LD_PRELOAD=$(abspath $(LIBRARY)) NOSELFCONN_LOG=$(abspath $(BUILD))/soak.log \
		$(BUILD)/tests/netns $$1 $$2 $(BUILD)/tests/soak \
			$$(($(SOAK_CONNECTS) / $$3)) $$4 $$5; \
	done

# The library's code under AddressSanitizer and UBSan: built into the programs that test it, for
# tests/hostile/memory.bats.
SANITIZERS = -fsanitize=address,undefined -fno-sanitize-recover=all
SANITIZED = client differ soak

sanitize: $(SANITIZED:%=$(BUILD)/sanitized/%)

$(BUILD)/sanitized/%: %.c tests/preloads/single.c $(SOURCES) $(HEADERS) $(wildcard tests/lib/*.h) Makefile tests/tests.mk
	@mkdir -p $(@D)
	$(CC) $(STANDARD) $(CPPFLAGS) -O1 -g $(SANITIZERS) -fno-omit-frame-pointer -pthread -w \
		-Ishim -Itests/lib -o $@ $< tests/preloads/single.c $(SOURCES) -ldl

ifneq ($(filter tests tests/hostile tests/hostile/memory.bats,$(TESTS)),)
test: sanitize
endif

.PHONY: check test test-programs check-roots check-roots-quick check-abis $(ABIS:%=check-%) affected fuzz soak sanitize
