# The doors to everything. `make help` lists them.

.DEFAULT_GOAL := help
.PHONY: help run test build lint tidy bench gate fuzz model flame figures doc clean-data

# Handed to the program by `make run`, for example: make run ARGS="--bots 500"
ARGS ?=
# Where `make run` keeps its store; `make clean-data` removes it.
DATA ?= data
# Seconds for each fuzz target.
SECONDS_EACH ?= 60

# Where libclang is and whether sccache is used; written by scripts/setup.sh.
ENV := if [ -f target/setup.env ]; then . target/setup.env; fi;

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## Set up, build, start a server with 100 bots and a dashboard (ARGS go to `orrery up`)
	@scripts/setup.sh run
	@scripts/build.sh orrery
	@exec "$${CARGO_TARGET_DIR:-target}/release/orrery" up $(ARGS)

test: ## Set up, then every check: format, house rules, clippy, tests, instruction gate
	@scripts/setup.sh test
	@scripts/test.sh

build: ## Set up and build the server: target/release/orrery
	@scripts/setup.sh run
	@scripts/build.sh orrery

lint: ## The quick checks without tests: format, house rules, clippy, documentation, licences
	@scripts/setup.sh test
	@scripts/lint.sh

tidy: ## The house rules alone (file:line: reason)
	@$(ENV) cargo xtask tidy

bench: ## The benches beside their peers; results go to perf/results
	@scripts/setup.sh run
	@$(ENV) scripts/bench.sh

gate: ## Count instructions of the hot paths and compare with the committed budgets
	@scripts/setup.sh test
	@$(ENV) perf/gate.sh

fuzz: ## Fuzz every decoder for SECONDS_EACH seconds (needs a nightly Rust and cargo-fuzz)
	@scripts/fuzz.sh $(SECONDS_EACH)

model: ## Ten million operations of the economy beside a simple model (five minutes; MODEL_SEED)
	@$(ENV) MODEL_OPERATIONS=$${MODEL_OPERATIONS:-10000000} cargo nextest run --release \
		--workspace --lib --no-capture -E 'test(a_long_run_does_what_a_simple_model_does)'

flame: ## A flamegraph of the running server (15 seconds)
	@$(ENV) perf/flame.sh

figures: ## Write the measured values of perf/results into docs/figures.md
	@$(ENV) cargo xtask figures

doc: ## The documentation of every crate: target/doc
	@$(ENV) cargo doc --release --workspace --no-deps

clean-data: ## Remove the data folder of `make run` (asks first; FORCE=1 does not)
	@scripts/clean-data.sh "$(DATA)"
