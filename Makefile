# SPDX-License-Identifier: MIT
# noselfconn: see README.md. All that make builds goes to build/.
#
# make                builds the library and what the wrapper runs commands with
# make test           all tests; make test TESTS=tests/repair/connect.bats: some. tests/tests.mk
# make bench, lint    what it costs (tests/bench/bench.mk); what else the code is held to
# make install        scripts/packaging/install.mk; make dist, make deb, make rpm: packaging.mk there

CFLAGS ?= -O2 -g
BUILD = build
# The version stands there, and nowhere else.
VERSION = $(shell sed -n 's/^nsc_version=//p' scripts/noselfconn)

quoted = '$(subst ','\'',$1)'# as a word of the shell
absolute = $(if $(filter-out /%,$(firstword $1)),$(CURDIR)/)$1

# After make -f from another directory, build in that one.
ifeq ($(wildcard shim/exports.map),)
.PHONY: elsewhere $(or $(MAKECMDGOALS),all)
$(or $(MAKECMDGOALS),all): elsewhere ;
elsewhere:
	$(if $(word 2,$(subst :, ,$(abspath $(BUILD)))),$(error make builds in no directory whose path has a blank or \
		a colon: $(abspath $(BUILD))))
	@$(MAKE) -C $(call quoted,$(patsubst %/Makefile,%,$(strip $(MAKEFILE_LIST)))) $(foreach name,BUILD DESTDIR PREFIX,\
		$(if $($(name)),$(name)=$(call quoted,$(call absolute,$($(name)))))) $(MAKECMDGOALS)
else

# What the code needs, whatever CFLAGS says.
STANDARD = -std=gnu11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
# Ours come first, so that those of a packager win; not every compiler has all of them, and not
# every i386 machine has endbr32.
has = $(shell $(CC) -Werror $1 -x c -c -o /dev/null /dev/null 2>/dev/null && echo '$1')
is_i386 := $(findstring __i386__,$(shell $(CC) $(CFLAGS) -dM -E -x c /dev/null 2>/dev/null))
HARDENING := -fstack-protector-strong $(call has,-fstack-clash-protection) \
	$(if $(is_i386),,$(call has,-fcf-protection)) $(call has,-mbranch-protection=standard) \
	$(if $(findstring _FORTIFY_SOURCE,$(CPPFLAGS) $(CFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
# Makes the same of the code in every directory, also when it is linked, with -flto. Clang would end
# a directory's name at its first "=".
MAP := $(or $(call has,-ffile-compilation-dir=.),-ffile-prefix-map=$(call quoted,$(CURDIR)=.))
COMPILE = $(CC) $(STANDARD) $(WARNINGS) $(HARDENING) $(MAP) $(CPPFLAGS) $(CFLAGS)

# One file for every C library: it names none, and takes only what shim/symbols lists. So the
# compiler must add no calls of its own accord: last, to win over CFLAGS.
ANY_LIBC := -fPIC -fno-plt -fvisibility=hidden -fno-stack-protector -U_FORTIFY_SOURCE \
	$(call has,-mno-outline-atomics)
LINKING = -shared -nostdlib -Wl,-soname,libnoselfconn.so -Wl,--version-script=shim/exports.map \
	-Wl,-z,relro,-z,now,-z,noexecstack,-z,nodelete -Wl,-Bsymbolic -Wl,-z,noseparate-code

# The library; launch/start, with which the wrapper execs the command; and the supervisor.
SOURCES = $(sort $(wildcard shim/*.c $(addprefix shim/,$(addsuffix /*.c,base deepbind prevent replace report))))
HEADERS = $(wildcard shim/*.h shim/*/*.h)
OBJECTS = $(SOURCES:%.c=$(BUILD)/%.o)
LIBRARY = $(BUILD)/libnoselfconn.so
# Debian's musl-gcc has no headers of the kernel, and old systems' lack what the supervisor needs.
PROGRAMS := $(BUILD)/start $(if $(call has,$(CPPFLAGS) -Ishim -include shim/supervise/kernel.h),$(BUILD)/supervise)

say = $(if $(findstring s,$(firstword -$(MAKEFLAGS))),:,echo '$1';) # not with make -s

all: $(LIBRARY) $(PROGRAMS)
	@$(call say,$(LIBRARY): for LD_PRELOAD; scripts/noselfconn runs programs with it)

$(LIBRARY): $(OBJECTS) shim/exports.map
	$(CC) $(MAP) $(CFLAGS) $(LINKING) $(LDFLAGS) -o $@ $(OBJECTS) -lgcc

$(BUILD)/shim/%.o: shim/%.c $(HEADERS) Makefile
	@mkdir -p $(@D)
	$(COMPILE) $(ANY_LIBC) -Ishim -c -o $@ $<

$(BUILD)/start: $(wildcard shim/launch/*.c)
$(BUILD)/supervise: $(wildcard shim/supervise/*.c) shim/launch/execute.c
$(PROGRAMS): HARDENING += -fPIE -pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,noseparate-code
$(PROGRAMS): $(HEADERS) Makefile
	@mkdir -p $(@D)
	$(COMPILE) -Ishim $(LDFLAGS) -o $@ $(sort $(filter %.c,$^))

# In the build directory, whatever the user has set for another installation.
demo:
	@$(MAKE) -s install DESTDIR= $(foreach place,BINDIR=/bin LIBDIR=/lib LIBEXECDIR=/lib MANDIR=/man \
		BASHCOMPDIR=/bash ZSHCOMPDIR=/zsh,$(call quoted,$(subst =,=$(abspath $(BUILD))/demo,$(place))))
	@$(BUILD)/demo/bin/noselfconn --self-test

# What the code is held to besides its tests.
TIDY = clang-tidy --quiet --warnings-as-errors='*'
SCRIPTS = $(shell grep -rlE '^.( shellcheck shell=|!/(usr/)?bin/(env )?(ba)?sh$$)' .ci scripts tests)

lint:
	tests/lib/setup.sh clang-format clang-tidy cppcheck shellcheck mandoc
	clang-format --dry-run --Werror $(shell find shim tests -name '*.[ch]')
	$(TIDY) $(SOURCES) -- $(STANDARD) -Ishim
	$(TIDY) --checks=-cert-err33-c $(wildcard shim/launch/*.c shim/supervise/*.c) -- $(STANDARD) -Ishim
	cppcheck --quiet --std=c11 --enable=warning,style,performance,portability --inline-suppr \
		--suppress=missingIncludeSystem --suppress=unusedStructMember --error-exitcode=1 -Ishim shim
	shellcheck --external-sources $(SCRIPTS)
	shellcheck --shell=bash --exclude=SC2034,SC2154,SC1091 tests/lib/*.bash
	# It can't know that each of the two pages will be there when the other is installed.
	! mandoc -T lint man/*.[17] 2>/dev/null | grep -v 'referenced manual not found'

clean:
	rm -rf $(BUILD)

.PHONY: all demo lint clean
include tests/tests.mk tests/kernels/kernels.mk tests/bench/bench.mk \
	scripts/packaging/install.mk scripts/packaging/packaging.mk
endif
