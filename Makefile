# demo   shows what kubewitness does on a made-up fleet; needs no server and no Go
# check  format, lints, and the tests that need no server
# test   everything, on a machine with git, make, a C compiler, Rust and Go; installs and builds what else is missing
# tools  builds the servers and programs that the tests run against; once a machine

.PHONY: demo check test tools lint requirements requirements-go packages packages-servers

CARGO_FLAGS := --locked
# Every test target but those that need what Go builds; a new one is in it by itself.
SERVERLESS := $(filter-out integration programs agents,$(patsubst tests/%.rs,%,$(wildcard tests/*.rs)) $(patsubst tests/%/main.rs,%,$(wildcard tests/*/main.rs)))

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
