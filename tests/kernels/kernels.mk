# The tests of the repair on other kernels than this one; included by the Makefile.
#
# make check-kernels        Debian's 5.10, 6.1, 6.12 and newest, each in a machine of its own
# make check-kernels-quick  one old kernel, and the ways of connecting; for .ci/run
check-kernels check-kernels-quick: all test-programs
	@BUILD='$(abspath $(BUILD))' JOBS=$(JOBS) tests/kernels/check.sh $(if $(filter %-quick,$@),quick,all)

.PHONY: check-kernels check-kernels-quick
