# Makefile - the front door; Meson and Ninja do the work.
BUILD ?= build

.PHONY: all demo test bench install clean setup
all: $(BUILD)/build.ninja
	@sh scripts/refresh.sh $(BUILD)
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@sh scripts/setup.sh
	@meson setup $(BUILD)

clean:
	rm -rf $(BUILD)
