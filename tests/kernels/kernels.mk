# SPDX-License-Identifier: MIT
# The tests of the repair on other kernels than this one; included by the Makefile.
#
# make check-kernels        Debian's 5.10, 6.1, 6.12 and newest, each in a machine of its own
# make check-kernels-quick  one old kernel: the ways of connecting, prevention; for .ci/run
# On machines of other kinds: make check-aarch64 and check-s390x, see abi.sh.
STATIC = $(BUILD)/tests/client-static $(BUILD)/tests/client-i386 $(BUILD)/tests/netns-static

check-kernels check-kernels-quick: all test-programs $(STATIC)
	@BUILD='$(abspath $(BUILD))' JOBS=$(JOBS) tests/kernels/check.sh $(if $(filter %-quick,$@),quick,all)

# The clients for tests/supervise/kernels.bats, if they can be; netns to be quick.
$(BUILD)/tests/client-i386: CC = gcc -m32
$(BUILD)/tests/client-static $(BUILD)/tests/client-i386: tests/lib/client.c
$(BUILD)/tests/netns-static: tests/lib/netns.c
$(STATIC):
	-$(CC) -static -w $(STANDARD) -Itests/lib -o $@ $< 2>/dev/null

.PHONY: check-kernels check-kernels-quick
