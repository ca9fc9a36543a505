# SPDX-License-Identifier: MIT
# The tests of the repair on other kernels than this one; included by the Makefile.
#
# make check-kernels        Debian's 5.10, 6.1, 6.12 and newest, each in a machine of its own
# make check-kernels-quick  one old kernel, and the ways of connecting; for .ci/run
check-kernels check-kernels-quick: all test-programs $(BUILD)/tests/client-i386
	@BUILD='$(abspath $(BUILD))' JOBS=$(JOBS) tests/kernels/check.sh $(if $(filter %-quick,$@),quick,all)

# For tests/supervise/kernels.bats, if it can be.
$(BUILD)/tests/client-i386: tests/lib/client.c
	-gcc -m32 -static -w $(STANDARD) -Itests/lib -o $@ $< 2>/dev/null

.PHONY: check-kernels check-kernels-quick
