# Copyright 2026 The Tenon authors. SPDX-License-Identifier: Apache-2.0
# Makefile - the front door; Meson and Ninja do the work. `make help` lists what there is.
BUILD  ?= build
PREFIX ?= /usr/local

.PHONY: all help demo test quick tsan emulate aarch64 bench fuzz lib exporters sweep mutants everywhere differential install dist format clean
all: ## build the library and the program into build/
	@sh scripts/setup.sh build
	@sh scripts/configure.sh $(BUILD) --prefix=$(abspath $(PREFIX))
	@ninja -C $(BUILD)

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## /{printf "make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## read text off pictures and speech off a recording, with real models
	@sh scripts/setup.sh demo
	@$(MAKE) --no-print-directory all
	@sh scripts/models.sh
	@sh scripts/demo.sh $(BUILD)

test: ## all tests; the last line counts them
	@sh scripts/setup.sh test
	@$(MAKE) --no-print-directory all
	@sh scripts/models.sh
	@sh scripts/test.sh $(BUILD)

quick: ## the tests that take seconds
	@sh scripts/setup.sh test
	@$(MAKE) --no-print-directory all
	@sh scripts/test.sh $(BUILD) --suite quick

tsan: ## the tests that use threads, under ThreadSanitizer
	@sh scripts/setup.sh test
	@sh scripts/tsan.sh

emulate: ## the program and the quick tests on other CPUs (qemu): CPUS="Nehalem Haswell", WHAT=some|all
	@sh scripts/setup.sh ci
	@$(MAKE) --no-print-directory all
	@sh scripts/emulate.sh $(BUILD) $(or $(WHAT),all) $(CPUS)

aarch64: ## cross-build for 64-bit Arm and the kernel tests under qemu (Debian's arm64 packages: scripts/aarch64.ini)
	@sh scripts/configure.sh build-aarch64 --cross-file scripts/aarch64.ini
	@ninja -C build-aarch64
	@TN_CHECK_SHARE=4 sh scripts/test.sh build-aarch64 $(patsubst tests/kernel/%.c,kernel/%,$(wildcard tests/kernel/*.c)) -t 20

bench: ## side by side with onnxruntime-node, on every model
	@sh scripts/setup.sh bench
	@$(MAKE) --no-print-directory all
	@sh scripts/models.sh
	@sh bench/run.sh $(BUILD)

fuzz: ## every parser under libFuzzer and sanitizers; TARGETS="onnx npy", SECONDS=600 each
	@sh scripts/setup.sh ci
	@sh scripts/fuzz.sh "$(TARGETS)" "$(or $(SECONDS),600)"

lib: ## the library alone, which needs no image libraries, into build-lib/
	@sh scripts/setup.sh lib
	@sh scripts/configure.sh build-lib --prefix=$(abspath $(PREFIX)) -Dprograms=false
	@ninja -C build-lib

exporters: ## models that today's exporters write, run and held against their frameworks; ALL=1: large packages, too
	@sh scripts/setup.sh build exporters
	@$(MAKE) --no-print-directory all
	@sh tests/exporters/run.sh $(BUILD) $(ALL)

sweep: ## every damage to every conformance model, under sanitizers (the suite runs a sample); CASE=test_reduce
	@sh scripts/setup.sh ci
	@sh scripts/configure.sh build-asan --buildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false -Dwerror=false -Ddefault_library=static
	@ninja -C build-asan --quiet tests/test_op_slow_sweep
	@ASAN_OPTIONS=allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1 TN_SWEEP=all TN_SWEEP_CASE=$(CASE) build-asan/tests/test_op_slow_sweep

mutants: ## small changes of the code, each of which some test must notice (tests/mutants/list.txt); NAMES="rnn topk"
	@sh scripts/setup.sh test
	@sh tests/mutants/run.sh build-mutants $(NAMES)

everywhere: ## the conformance cases in every way: threads 1 to 4, optimised or not, saved and reloaded, among other sizes
	@sh scripts/setup.sh test
	@$(MAKE) --no-print-directory all
	@sh tests/conformance/everywhere.sh $(BUILD)/src/tenon tests/conformance/tolerances.txt 1

differential: ## random models beside onnxruntime (from npm); CASES=2000 SEED=1
	@sh scripts/setup.sh bench
	@$(MAKE) --no-print-directory all
	@sh tests/peer/run.sh $(BUILD) --cases $(or $(CASES),2000) --seed $(or $(SEED),1)

install: all ## library, header, program, man page, completions; PREFIX, DESTDIR
	@DESTDIR=$(DESTDIR) meson install -C $(BUILD) --no-rebuild --quiet

dist: ## build/tenon-VERSION.tar.xz: the sources as a stranger gets them
	@sh scripts/dist.sh $(BUILD)

format: ## clang-format over all C files
	@find include src tests tools bench fuzz -name '*.[ch]' -exec clang-format -i {} +

clean: ## remove build folders
	rm -rf build build-*
