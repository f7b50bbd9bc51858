# `make test` installs what it needs into target/ and runs every test. `make lint` runs the other checks of CI.

CARGO ?= cargo
export INSTA_UPDATE ?= no

.PHONY: arrow-versions demo extension-size tasks test test-rust test-python unused-snapshots lint lint-python fmt bench fuzz reference asan valgrind ports coverage mutants semver deny advisories hack msrv

test: test-rust test-python

test-rust: export INSTA_SNAPSHOT_REFERENCES_FILE = $(CURDIR)/target/snapshots-used
test-rust:
	rm -f target/snapshots-used
	mkdir -p target
	$(CARGO) test --workspace --all-features
	$(MAKE) --no-print-directory unused-snapshots
	$(CARGO) test --doc

# Fails if no test uses a snapshot. The Rust tests write target/snapshots-used, the list of the snapshots that they use.
unused-snapshots:
	find $(CURDIR)/snapshots -name '*.snap' | LC_ALL=C sort > target/snapshots-present
	LC_ALL=C sort -u target/snapshots-used | LC_ALL=C comm -13 - target/snapshots-present > target/snapshots-unused
	@if [ -s target/snapshots-unused ]; then echo "no test uses these snapshots:"; cat target/snapshots-unused; exit 1; fi

# Tests the wheel in new virtual environments, on every installed CPython.
test-python:
	sh tests/python/run.sh

lint: lint-python
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --all-features -- -D warnings
	$(CARGO) clippy --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --all-features
	$(CARGO) check --no-default-features
	$(CARGO) check --no-default-features --features std
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

fmt:
	$(CARGO) fmt --all

# Installs the package into a virtual environment under target/ and runs examples/demo.py.
demo:
	python3 -m venv target/venv-demo
	target/venv-demo/bin/python -m pip --disable-pip-version-check install .
	target/venv-demo/bin/python examples/demo.py

# Shares batches with a program that has another version of the Arrow crates.
arrow-versions:
	$(CARGO) test --manifest-path tests/arrow-versions/Cargo.toml

# Runs common tasks in a crate of their own, with optimization. One task folds over 1 GB.
tasks:
	$(CARGO) test --release -p pep3118-tasks -- --include-ignored --nocapture

# Compares the sizes of two extension modules: with PyO3 only, and with this library.
extension-size:
	python3 tests/bench/extension_size.py

# Compares instruction counts and times with CPython and NumPy; see tests/bench/README.md.
bench:
	python3 tests/bench/run.py

# Runs every fuzz target for TIME seconds.
TIME ?= 60
fuzz:
	sh fuzz/run.sh $(TIME)

# Compares the package with the second reader in tests/reference for CASES random formats.
CASES ?= 1000000
SEED ?= 1
reference:
	python3 -m venv target/venv-demo
	target/venv-demo/bin/python -m pip --disable-pip-version-check install .
	target/venv-demo/bin/python tests/python/compare_reference.py --cases $(CASES) --seed $(SEED)

# Installs the Python packages for tests that embed the interpreter, under sanitizers and valgrind.
target/venv-embedded: tests/python/requirements.txt
	rm -rf $@ && python3 -m venv $@
	$@/bin/python -m pip --disable-pip-version-check -q install -r tests/python/requirements.txt
	touch $@

EMBEDDED = PYTHONPATH=$$(target/venv-embedded/bin/python -c 'import site; print(site.getsitepackages()[0])') PYTHONMALLOC=malloc
HOST = $$(rustc -vV | sed -n 's/^host: //p')

# Runs the Rust tests and the Python tests in one process under AddressSanitizer. CPython does not free all memory at
# exit, so the report of leaks is off. `allocator_may_return_null` is set because tests allocate 2**60 bytes. The option
# `--skip` excludes a test that measures time. crates/python/tests/embedded.rs lists the excluded Python tests.
asan: target/venv-embedded
	RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 $(EMBEDDED) \
		$(CARGO) test --target $(HOST) --target-dir target/asan --workspace --all-features --test it --test embedded -- --include-ignored \
		--skip time_is_linear_in_the_length_of_a_format

# Runs the Python tests in PYTEST under valgrind, which also checks libraries that are not instrumented. The tests take
# forty times as long, so the default is two files. The report of undefined values is off, because valgrind 3.19 reports
# every small integer of CPython 3.11, even without this package: PYTHONMALLOC=malloc valgrind python3 -m pytest
valgrind: export PYTEST ?= tests/python/test_format.py tests/python/test_exporter.py
valgrind: target/venv-embedded
	$(CARGO) test -p pep3118-python --test embedded --no-run
	$(EMBEDDED) valgrind --error-exitcode=9 --errors-for-leak-kinds=none --undef-value-errors=no -q \
		--suppressions=tests/python/valgrind.supp \
		$$(ls -t target/debug/deps/embedded-* | grep -v '\.d$$' | head -n 1) --ignored pytest_in_this_process

# Runs the Rust tests for another machine. TARGET is the target triple, CC the C compiler for it, RUNNER the program that
# runs its programs, and PYTHON its CPython. Without PYTHON the tests do not compare results with `struct`.
#   make ports TARGET=i686-unknown-linux-gnu CC=i686-linux-gnu-gcc
#   make ports TARGET=s390x-unknown-linux-gnu CC=s390x-linux-gnu-gcc RUNNER='qemu-s390x -L /usr/s390x-linux-gnu'
TRIPLE = $(shell echo '$(TARGET)' | tr 'a-z-' 'A-Z_')
PORTS = CARGO_TARGET_$(TRIPLE)_LINKER='$(CC)' $(if $(RUNNER),CARGO_TARGET_$(TRIPLE)_RUNNER='$(RUNNER)')
ports: export TARGET := $(TARGET)
ports: export CC := $(CC)
ports: export RUNNER := $(RUNNER)
ports:
	@test -n '$(TARGET)' || { echo 'name a TARGET' >&2; exit 1; }
	$(PORTS) $(CARGO) test --target $(TARGET) -p pep3118 -p pep3118-cli --features pep3118/triple,pep3118/serde,pep3118/ndarray,pep3118/derive,pep3118/arrow --lib --test it

# Reports the lines that the Rust tests and the Python tests execute. Both run in one process. LLVM_BIN is a folder with
# llvm-profdata and llvm-cov of the LLVM version that `rustc -vV` prints. The first command removes the programs of an
# earlier run, because the report would include their lines. The first failing test ends the run.
LLVM_BIN ?= $(shell rustc --print sysroot)/lib/rustlib/$(shell rustc -vV | sed -n 's/^host: //p')/bin
coverage: target/venv-embedded
	mkdir -p target/coverage && rm -f target/coverage/*.profraw target/coverage/debug/deps/it-* target/coverage/debug/deps/embedded-* target/coverage/debug/deps/pep3118-*
	printf '#!/bin/sh\nexec "$$@" -Cinstrument-coverage\n' > target/coverage/rustc && chmod +x target/coverage/rustc
	LLVM_PROFILE_FILE=$(CURDIR)/target/coverage/%p-%m.profraw RUSTC_WORKSPACE_WRAPPER=$(CURDIR)/target/coverage/rustc $(EMBEDDED) \
		$(CARGO) test --target-dir target/coverage --workspace --all-features --lib --test it --test embedded -- --include-ignored
	$(LLVM_BIN)/llvm-profdata merge -sparse target/coverage/*.profraw -o target/coverage/all.profdata
	$(LLVM_BIN)/llvm-cov report --instr-profile target/coverage/all.profdata \
		--ignore-filename-regex '/(tests|crates/derive|registry|rustc|library)/' target/coverage/debug/pep3118 \
		$$(find target/coverage/debug/deps -type f -perm -u+x ! -name '*.so' \( -name 'it-*' -o -name 'embedded-*' -o -name 'pep3118-*' \) -printf '--object %p ')

# Tests one in 24 mutants of the parser, the layouts and the views. The order is random, so that an interrupted run is
# also a random sample. Needs cargo-mutants. SLOW excludes tests of memory and time, and tests that take more than half a
# second. Run `make test-rust` with each mutant that survives.
SHARD ?= 0/24
SLOW = budget decode::large decode::write_columns driven oracle hostile built_layouts a_loop_over_every_index \
	contiguity_and_structure buffers_of_cpythons slices_select no_field_reaches _accept architecture every_row_conforms
mutants:
	CARGO_PROFILE_DEV_DEBUG=0 $(CARGO) mutants --shuffle --shard $(SHARD) --sharding round-robin --baseline skip --timeout 90 \
		--build-timeout 600 -f 'src/format/**' -f 'src/layout/**' -f 'src/view/**' -o target \
		--cargo-arg=--test=it -- -- $(SLOW:%=--skip %)

# Fails if the public API has a breaking change since the tag of the first release, or if this tag does not exist. Needs
# cargo-semver-checks.
semver:
	$(CARGO) semver-checks --baseline-rev v0.1.0

# Checks licences, sources and duplicate versions of dependencies. Needs cargo-deny.
deny:
	$(CARGO) deny check bans licenses sources

# Checks for known faults of dependencies. Needs cargo-deny, which downloads the database of faults.
advisories:
	$(CARGO) deny check advisories

# Checks that every pair of features compiles without a warning. Needs cargo-hack.
hack:
	RUSTFLAGS="-D warnings" $(CARGO) hack check -p pep3118 --feature-powerset --depth 2 --exclude-features default

# Checks that no dependency needs a newer Rust than `rust-version`.
msrv:
	python3 tests/msrv.py
