# Makefile - the front door; Meson and Ninja do the work. `make help` lists what there is.
BUILD  ?= build
PREFIX ?= /usr/local

.PHONY: all help demo test quick tsan emulate aarch64 bench fuzz lib exporters install dist format clean
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
	@sh scripts/test.sh build-aarch64 $(patsubst tests/kernel/%.c,kernel/%,$(wildcard tests/kernel/*.c)) -t 20

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

install: all ## library, header, program, man page, completions; PREFIX, DESTDIR
	@DESTDIR=$(DESTDIR) meson install -C $(BUILD) --no-rebuild --quiet

dist: ## build/tenon-VERSION.tar.xz: the sources as a stranger gets them
	@sh scripts/dist.sh $(BUILD)

format: ## clang-format over all C files
	@find include src tests tools bench fuzz -name '*.[ch]' -exec clang-format -i {} +

clean: ## remove build folders
	rm -rf build build-*
