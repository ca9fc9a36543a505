# SPDX-License-Identifier: MIT
# Measurements, beside what a user would take instead: a table, or with BENCH_FLAGS=--json its
# JSON. RESULTS.md and bench.svg, in tests/bench, are made anew from that; not with BENCH_QUICK=1,
# which only shows that it works.
BENCH = $(BUILD)/bench
BENCH_NEEDS = strace valgrind readelf proxychains4 torsocks mptcpize eatmydata
BENCH_PROGRAMS = $(patsubst tests/%.c,$(BUILD)/%,$(filter-out tests/bench/floor.c,$(wildcard tests/bench/*.c))) \
	$(BENCH)/forward.so $(BENCH)/forward-getsockname.so
BENCH_FLAGS ?=

bench: all $(BENCH_PROGRAMS) $(BUILD)/tests/netns $(BUILD)/tests/client
	@tests/lib/setup.sh python3
	@for program in $(BENCH_NEEDS); do tests/lib/setup.sh $$program || :; done
	@$(MAKE) -s install DESTDIR= PREFIX='$(abspath $(BENCH))/installed' LIBDIR='$(abspath $(BENCH))/installed/lib'
	@python3 tests/bench/bench.py $(BUILD) $(BENCH_FLAGS)
	@python3 tests/bench/plot.py $(BENCH)/bench.json >$(BENCH)/bench.svg
	@[ -n "$(BENCH_QUICK)" ] || cp $(BENCH)/bench.svg $(BENCH)/RESULTS.md tests/bench

$(BENCH)/%: tests/bench/%.c Makefile
	@mkdir -p $(@D)
	$(COMPILE) -Ishim -Wno-unused-result -pthread -o $@ $< -ldl

$(BENCH)/forward.so: tests/bench/floor.c Makefile
	@mkdir -p $(@D)
	$(COMPILE) -fPIC $(filter-out %.map %.so,$(LINKING)) -o $@ $< -ldl

$(BENCH)/forward-getsockname.so: tests/bench/floor.c Makefile
	@mkdir -p $(@D)
	$(COMPILE) -DGETSOCKNAME -fPIC $(filter-out %.map %.so,$(LINKING)) -o $@ $< -ldl

.PHONY: bench
