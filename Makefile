# demo   shows what kubewitness does on a made-up fleet; needs no server and no Go
# check  format, lints, and the tests that need no server
# test   everything, on a machine with git, make, a C compiler, Rust and Go; installs and builds what else is missing
# tools  builds the servers and programs that the tests run against; once a machine
# test-agents  of that, two fleets applied by the real Flux and the real Argo CD
# test-oracle  of that, a generated fleet, applied by five appliers and changed at random
# test-repository  what a real repository says, named by KW_REPOSITORY=FOLDER, beside git, gpg, ssh-keygen and another reader of YAML
# bench  prints how long things take, beside a peer: a scan (and its memory) a raw list of the same objects and kubectl diff,
#        verification one git verify-commit, attribution git blame and git log (BENCH_REPO: in that repository)
# fuzz   feeds the readers of bytes from anybody at random, a quarter of an hour each; needs cargo-fuzz and a nightly compiler

.PHONY: demo check test test-agents test-oracle test-repository bench fuzz tools lint requirements requirements-go packages packages-servers

CARGO_FLAGS := --locked
# Every test target but those that need what Go builds; a new one is in it by itself.
SERVERLESS := $(filter-out integration programs agents oracle,$(patsubst tests/%.rs,%,$(wildcard tests/*.rs)) $(patsubst tests/%/main.rs,%,$(wildcard tests/*/main.rs)))

demo: packages
	cargo build $(CARGO_FLAGS)
	tests/demo/run.sh

check: packages lint
	cargo test $(CARGO_FLAGS) --lib --bins $(addprefix --test ,$(SERVERLESS))

test: requirements-go packages-servers lint
	RUSTDOCFLAGS="-D warnings" cargo doc $(CARGO_FLAGS) --no-deps
	tests/tools/cargo-deny.sh check bans licenses sources
	tests/tools/build.sh >/dev/null
	cargo test $(CARGO_FLAGS) --no-fail-fast

test-agents: requirements-go packages-servers
	tests/tools/build.sh >/dev/null
	cargo test $(CARGO_FLAGS) --test agents -- --nocapture

test-oracle: requirements-go packages
	tests/tools/build.sh >/dev/null
	cargo test $(CARGO_FLAGS) --test oracle -- --nocapture

test-repository: packages
	KW_REPOSITORY=$(KW_REPOSITORY) cargo test $(CARGO_FLAGS) --test source --test keyring -- real_repository --nocapture

bench: requirements-go packages
	tests/tools/build.sh >/dev/null
	cargo bench $(CARGO_FLAGS) --bench '*'

FUZZED := splitter packet allowed_signers yaml
FUZZ_SECONDS ?= 900
fuzz: packages
	set -e; for target in $(FUZZED); do \
	  cargo +nightly fuzz run --fuzz-dir tests/fuzz --sanitizer none $$target -- -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=4096; \
	done

tools: requirements-go
	tests/tools/build.sh

lint: packages
	cargo fmt --check
	cargo clippy $(CARGO_FLAGS) --all-targets -- -D warnings

requirements:
	@tests/requirements.sh

requirements-go:
	@tests/requirements.sh go

packages: requirements
	@tests/packages.sh

packages-servers: requirements
	@tests/packages.sh servers
