# `make test` sets up what it needs and runs every test; `make lint` is everything else that CI asks.

CARGO ?= cargo
export INSTA_UPDATE ?= no

.PHONY: test test-rust test-python lint fmt snapshots-in-use bench fuzz

test: test-rust test-python

test-rust:
	$(CARGO) test --all-features
	$(CARGO) test --doc

# The wheel, in fresh virtual environments, on every CPython that is there.
test-python:
	sh tests/python/run.sh

lint: snapshots-in-use
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --all-features -- -D warnings
	$(CARGO) clippy --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps --all-features
	$(CARGO) check --no-default-features
	$(CARGO) check --no-default-features --features serde,triple

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
