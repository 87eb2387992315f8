# Two commands do all: `make run` and `make test`. Nothing but Python >= 3.11 has to be installed for either.
PYTHON ?= python3
export UV_PYTHON = $(PYTHON)
export UV_PYTHON_DOWNLOADS = never
export PYTHONDONTWRITEBYTECODE =

UV := .tools/bin/uv
UV_VERSION := 0.13.9
LAUNCH := $(UV) run --frozen --quiet python -m launcher
SERVICES := user_subgraph payment_subgraph gateway fake_stripe
SUITES := $(addprefix test-,$(SERVICES)) test-frontend test-bench test-faults test-system

.DEFAULT_GOAL := help
.PHONY: help run test check format schema bench bench-gateways bench-payments bench-users bench-logins faults install prepare clean test-schema $(SUITES)

help: ## say what can be made
	@awk -F ':.*## ' '/^[a-z_-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  make test-NAME    run one suite: $(SUITES:test-%=%)"

run: $(UV) ## set everything up and run the whole system; Ctrl-C stops it
	@$(LAUNCH) run

test: $(SUITES) ## set everything up and run every test

check: prepare ## lint, types and the direction of imports
	$(UV) run --frozen ruff check
	$(UV) run --frozen ruff format --check
	$(UV) run --frozen mypy --cache-dir .mypy_cache/root launcher schema
	$(foreach service,$(SERVICES),$(UV) run --frozen --project $(service) mypy --cache-dir .mypy_cache/$(service) $(service) &&) true
	$(UV) run --frozen --project payment_subgraph mypy --cache-dir .mypy_cache/faults --explicit-package-bases tests/faults
	$(UV) run --frozen --project gateway mypy --cache-dir .mypy_cache/bench --exclude "bench/(logins|payments|postgresql|user_database|users)" bench
	$(UV) run --frozen mypy --cache-dir .mypy_cache/bench-payments bench/payments
	$(UV) run --frozen --project user_subgraph mypy --cache-dir .mypy_cache/bench-users bench/logins bench/users
	$(UV) run --frozen --project gateway mypy --cache-dir .mypy_cache/examples examples
	$(UV) run --frozen lint-imports
	@$(LAUNCH) npm run typecheck --prefix frontend
	@$(LAUNCH) npm run lint --prefix frontend

format: $(UV) ## format the code and put what ruff can put right
	$(UV) run --frozen ruff format
	$(UV) run --frozen ruff check --fix

schema: install ## write schema/*.graphql from the code
	$(UV) run --frozen --quiet python -m schema

bench: bench-gateways bench-payments bench-users bench-logins ## measure all: gateways (needs wrk), payments, lists of users, logins

bench-gateways: $(UV) ## compare the gateway with others (needs wrk); ARGS="--only gateway" for ours alone
	@$(UV) run --frozen --quiet --project gateway python -m bench $(ARGS)

faults: prepare ## kill processes and lose answers while people pay; FAULT_SEED, FAULT_PAYMENTS, ARGS="--black-box"
	@$(UV) run --frozen --quiet --project payment_subgraph python -m tests.faults $(ARGS)

bench-payments: install ## what a payment costs when few and when many are stored; ARGS="--stored 1000"
	@$(UV) run --frozen --quiet python -m bench.payments $(ARGS)

bench-users: install ## how long lists of users take when few and when many are there; ARGS="--databases sqlite"
	@$(UV) run --frozen --quiet --project user_subgraph python -m bench.users $(ARGS)

bench-logins: install ## whether the time of a login tells who has an account; ARGS="--timings 100"
	@$(UV) run --frozen --quiet --project user_subgraph python -m bench.logins $(ARGS)

install: $(UV)
	@$(LAUNCH) install

prepare: $(UV) ## install all environments, build the web page
	@$(LAUNCH) prepare

clean: ## delete environments, builds and local data
	rm -rf .tools .venv .data $(addsuffix /.venv,$(SERVICES)) frontend/dist frontend/node_modules schema/node_modules tests/e2e/*/node_modules tests/gateway/npm_clients/node_modules bench/competitors/*/node_modules

$(addprefix test-,$(SERVICES)): test-%: prepare
	@echo "── $*"
	$(UV) run --frozen --project $* pytest tests/$*

test-frontend: prepare
	@echo "── frontend"
	@$(LAUNCH) npm test --prefix frontend

test-bench: prepare
	@echo "── bench"
	$(UV) run --frozen --project gateway pytest tests/bench --ignore tests/bench/logins
	$(UV) run --frozen --project user_subgraph pytest tests/bench/logins

test-faults: prepare
	@echo "── faults"
	$(UV) run --frozen --project payment_subgraph pytest tests/faults

test-schema: install ## run only the tests of schema/
	$(UV) run --frozen pytest tests/schema

test-system: prepare
	@echo "── the whole system"
	$(UV) run --frozen pytest

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "Python 3.11 or newer is needed, and '$(PYTHON)' is not: install it, or name it as in: make run PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv .tools > .tools.log 2>&1 \
		|| { echo "'$(PYTHON) -m venv' failed: on Debian and Ubuntu, install the package python3-venv."; rm -rf .tools .tools.log; exit 1; }
	@.tools/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION) > .tools.log 2>&1 \
		|| { echo "uv could not be installed from PyPI; pip said: $$(tail -n 1 .tools.log)"; rm -rf .tools .tools.log; exit 1; }
	@rm -f .tools.log
