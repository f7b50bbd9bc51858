# `make test` sets up what it needs and runs every test; `make lint` is everything else that CI asks.

CARGO ?= cargo
export INSTA_UPDATE ?= no

.PHONY: test test-rust test-python lint lint-python fmt snapshots-in-use bench fuzz asan valgrind ports coverage mutants semver deny advisories hack msrv

test: test-rust test-python

test-rust:
	$(CARGO) test --all-features
	$(CARGO) test --doc

# The wheel, in fresh virtual environments, on every CPython that is there.
test-python:
	sh tests/python/run.sh

lint: snapshots-in-use lint-python
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --all-features -- -D warnings
	$(CARGO) clippy --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps --all-features
	$(CARGO) check --no-default-features
	$(CARGO) check --no-default-features --features serde,triple

# ruff checks and formats all Python files; mypy checks the package and its stubs. The versions are pinned, so that
# a new release of a linter does not fail an old commit.
lint-python: target/venv-lint
	$</bin/ruff check .
	$</bin/ruff format --check .
	$</bin/mypy crates/python/python/pep3118

target/venv-lint: tests/python/lint-requirements.txt
	rm -rf $@ && python3 -m venv $@
	$@/bin/python -m pip --disable-pip-version-check -q install -r $<
	touch $@

# A snapshot that no test names is rejected: insta lists what the tests named.
snapshots-in-use:
	mkdir -p target && rm -f target/snapshots-used
	INSTA_SNAPSHOT_REFERENCES_FILE=$(CURDIR)/target/snapshots-used $(CARGO) test --all-features --test it -q
	find $(CURDIR)/snapshots -name '*.snap' | LC_ALL=C sort > target/snapshots-there
	LC_ALL=C sort -u target/snapshots-used | LC_ALL=C comm -13 - target/snapshots-there > target/snapshots-orphaned
	@if [ -s target/snapshots-orphaned ]; then echo "no test names these snapshots:"; cat target/snapshots-orphaned; exit 1; fi

fmt:
	$(CARGO) fmt --all

# Instruction counts and times beside CPython, NumPy and RustPython; see tests/bench/README.md.
bench:
	python3 tests/bench/run.py

# Every fuzz target for TIME seconds.
TIME ?= 60
fuzz:
	sh fuzz/run.sh $(TIME)

# What the sanitizers and valgrind need of Python, beside the shared library of the interpreter.
target/venv-embedded: tests/python/requirements.txt
	rm -rf $@ && python3 -m venv $@
	$@/bin/python -m pip --disable-pip-version-check -q install -r tests/python/requirements.txt
	touch $@

EMBEDDED = PYTHONPATH=$$(target/venv-embedded/bin/python -c 'import site; print(site.getsitepackages()[0])') PYTHONMALLOC=malloc
HOST = $$(rustc -vV | sed -n 's/^host: //p')

# Rust tests and Python tests in one process under AddressSanitizer. CPython keeps memory on purpose, so
# leaks are not asked for; buffers of 2**60 bytes are refused by the allocator, as anywhere, and not by the
# sanitizer. Left out: one test that measures time. tests/it/embedded.rs names the Python tests left out.
asan: target/venv-embedded
	RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 PATIENCE=8 $(EMBEDDED) \
		$(CARGO) test --target $(HOST) --target-dir target/asan --all-features --test it -- --include-ignored \
		--skip time_grows_as_the_input_does

# The Python tests of PYTEST under valgrind, where instructions of libraries that no sanitizer saw are watched too:
# forty times as slow, so not all of them unless asked. Undefined values are not reported: valgrind 3.19 takes every
# small integer of CPython 3.11 for one (PYTHONMALLOC=malloc valgrind python3 -m pytest, without this package).
valgrind: export PYTEST ?= tests/python/test_format.py tests/python/test_exporter.py
valgrind: target/venv-embedded
	$(CARGO) test --all-features --test it --no-run
	$(EMBEDDED) valgrind --error-exitcode=9 --errors-for-leak-kinds=none --undef-value-errors=no -q \
		--suppressions=tests/python/valgrind.supp \
		$$(ls -t target/debug/deps/it-* | grep -v '\.d$$' | head -n 1) --ignored pytest_in_this_process

# The Rust tests for another machine: TARGET is its triple, CC its C compiler, RUNNER what starts its programs where
# this machine cannot, PYTHON its CPython if there is one (`struct` is asked only where it is for the same machine).
#   make ports TARGET=i686-unknown-linux-gnu CC=i686-linux-gnu-gcc
#   make ports TARGET=s390x-unknown-linux-gnu CC=s390x-linux-gnu-gcc RUNNER='qemu-s390x -L /usr/s390x-linux-gnu' PATIENCE=20
TRIPLE = $(shell echo '$(TARGET)' | tr 'a-z-' 'A-Z_')
PORTS = CARGO_TARGET_$(TRIPLE)_LINKER='$(CC)' $(if $(RUNNER),CARGO_TARGET_$(TRIPLE)_RUNNER='$(RUNNER)')
ports: export TARGET := $(TARGET)
ports: export CC := $(CC)
ports: export RUNNER := $(RUNNER)
ports:
	@test -n '$(TARGET)' || { echo 'name a TARGET' >&2; exit 1; }
	$(PORTS) $(CARGO) test --target $(TARGET) --features triple,serde,ndarray,derive,cli,arrow --lib --test it

# Lines of src/ that the Rust tests and, in the same process, the Python tests run. LLVM_BIN is a folder with
# llvm-profdata and llvm-cov of the LLVM that `rustc -vV` names. Programs of an earlier run would be counted with
# lines that are no longer there, so they go first. A test that fails ends it: what it did not run is not counted.
LLVM_BIN ?= $(shell rustc --print sysroot)/lib/rustlib/$(shell rustc -vV | sed -n 's/^host: //p')/bin
coverage: target/venv-embedded
	mkdir -p target/coverage && rm -f target/coverage/*.profraw target/coverage/debug/deps/it-* target/coverage/debug/deps/pep3118-*
	printf '#!/bin/sh\nexec "$$@" -Cinstrument-coverage\n' > target/coverage/rustc && chmod +x target/coverage/rustc
	LLVM_PROFILE_FILE=$(CURDIR)/target/coverage/%p-%m.profraw RUSTC_WORKSPACE_WRAPPER=$(CURDIR)/target/coverage/rustc $(EMBEDDED) \
		$(CARGO) test --target-dir target/coverage --all-features --lib --test it -- --include-ignored
	$(LLVM_BIN)/llvm-profdata merge -sparse target/coverage/*.profraw -o target/coverage/all.profdata
	$(LLVM_BIN)/llvm-cov report --instr-profile target/coverage/all.profdata \
		--ignore-filename-regex '/(tests|derive|registry|rustc|library)/' target/coverage/debug/pep3118 \
		$$(find target/coverage/debug/deps -type f -perm -u+x ! -name '*.so' \( -name 'it-*' -o -name 'pep3118-*' \) -printf '--object %p ')

# A sample of the mutants of the parser, the layouts and the views: one in 24, in random order, so that what was
# run before an interruption is a sample too. Needs cargo-mutants. Tests of more than half a second are left out,
# and those of memory and time: whoever finds a survivor runs `make test-rust` with it.
SHARD ?= 0/24
SLOW = budget decode::large decode::the decode::written driven oracle hostile rustc_agrees built_layouts \
	a_walk_over_every_index contiguity_and_structure buffers_of_cpythons slices_select no_field_reaches \
	scalars_are_read _accept floors every_row_conforms
mutants:
	CARGO_PROFILE_DEV_DEBUG=0 $(CARGO) mutants --shuffle --shard $(SHARD) --sharding round-robin --baseline skip --timeout 90 \
		--build-timeout 600 -f 'src/format/**' -f 'src/layout/**' -f 'src/view/**' -o target \
		--cargo-arg=--test=it -- -- $(SLOW:%=--skip %)

# No release breaks what its version promises. The baseline is the first release's tag, so this fails until
# there is one. Needs cargo-semver-checks.
semver:
	$(CARGO) semver-checks --baseline-rev v0.1.0

# Licences, sources and duplicate versions of dependencies. Needs cargo-deny.
deny:
	$(CARGO) deny check bans licenses sources

# Known faults of dependencies. Needs cargo-deny, and their database, which it fetches.
advisories:
	$(CARGO) deny check advisories

# Every pair of features compiles without a warning. Needs cargo-hack.
hack:
	RUSTFLAGS="-D warnings" $(CARGO) hack check --feature-powerset --depth 2 --exclude-features default

# No dependency asks for a newer Rust than we promise; with that toolchain installed, it compiles.
msrv:
	python3 tests/msrv.py
