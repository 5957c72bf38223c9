# A thin front over meson and the scripts; `make build` leaves the binary at build/fairlead.
BUILD ?= build
PREFIX ?= /usr/local

# A build folder keeps the prefix that it has, unless one is given.
prefix_given = $(filter-out file,$(origin PREFIX))

.PHONY: build test asan lint fuzz bench install clean

build:
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) --prefix=$(PREFIX) -Dtests=false
	$(if $(prefix_given),meson configure $(BUILD) --prefix=$(PREFIX))
	ninja -C $(BUILD)

# All tests, under ASan and UBSan where they can be.
test:
	scripts/test

# The sanitized build alone: build-asan/fairlead.
asan:
	@test -f build-asan/build.ninja || meson setup build-asan -Db_sanitize=address,undefined -Doptimization=0 -Dcpp_args=-g1
	ninja -C build-asan

lint:
	scripts/lint

fuzz:
	scripts/fuzz

bench:
	scripts/bench tunnel

install: build
	meson install -C $(BUILD) --no-rebuild

clean:
	rm -rf build build-asan build-plain build-lint build-fuzz build-bench build-cache
