# The front door. `make demo` and `make test` need nothing but make and git on a fresh Debian 12, Debian 13 or Ubuntu 24.04.
BUILD  ?= build
TYPE   ?= RelWithDebInfo
PREFIX ?= /usr/local
JOBS   ?= $(shell nproc)

SUDO     := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
SYSTEM   := $(shell . /etc/os-release && echo $$ID-$$VERSION_ID)
PACKAGES  = $(shell cat cmake/packages/$(SYSTEM))

.PHONY: all demo test deps build bless bench fuzz format tidy install clean

all: build

# Compiles an example with clang, builds it ahead of time, runs the object and a C driver linked with it.
demo: build
	@tools/aot/example/demo $(BUILD)

# Everything that CTest knows, as root also against the kernel's own BPF.
test: build
	ctest --test-dir $(BUILD) --output-on-failure --no-tests=error -j $(JOBS)

# Installs the packages of this distribution that are missing; cmake/packages has a list for each.
deps:
	@test -f cmake/packages/$(SYSTEM) || { echo "no package list for $(SYSTEM); see cmake/packages/"; exit 1; }
	@dpkg-query -W -f='$${Status}\n' $(PACKAGES) >/tmp/.bpftime-deps.$$$$ 2>&1 \
	  && ! grep -qv 'ok installed' /tmp/.bpftime-deps.$$$$; status=$$?; rm -f /tmp/.bpftime-deps.$$$$; \
	if [ $$status != 0 ]; then \
	  $(SUDO) apt-get update -q && \
	  $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $(PACKAGES); fi

build: deps
	@cmake -S . -B $(BUILD) -G Ninja -DCMAKE_BUILD_TYPE=$(TYPE) --log-level=WARNING \
	  -DCMAKE_C_COMPILER_LAUNCHER=ccache -DCMAKE_CXX_COMPILER_LAUNCHER=ccache
	@cmake --build $(BUILD) -j $(JOBS)

# Rewrites the golden files from what the programs print now; read the diff before you commit it.
bless: build
	BLESS=1 ctest --test-dir $(BUILD) --output-on-failure -L golden

bench: build
	$(BUILD)/bin/bpftime-benchmark --json $(BUILD)/benchmark.json

# libFuzzer targets, SECONDS_EACH of each.
SECONDS_EACH ?= 60
fuzz: deps
	@cmake --preset fuzz --log-level=WARNING && cmake --build build-fuzz -j $(JOBS)
	@for target in build-fuzz/fuzz/fuzz-*; do echo "== $$target"; $$target -max_total_time=$(SECONDS_EACH) -timeout=10 || exit 1; done

format:
	git ls-files '*.h' '*.cpp' '*.c' | xargs clang-format-19 -i

tidy: build
	git ls-files 'vm/*.cpp' 'runtime/*.cpp' 'tools/*.cpp' | xargs clang-tidy-19 -p $(BUILD) --quiet

install: build
	$(SUDO) cmake --install $(BUILD) --prefix $(PREFIX)

clean:
	rm -rf $(BUILD)
