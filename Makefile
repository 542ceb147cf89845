# Everything a contributor or an operator does with this repository. `make` alone lists it.
SHELL := /bin/sh
.DEFAULT_GOAL := help

# Python comes from the machine, never from a download of uv's.
export UV_PYTHON_DOWNLOADS := never
# Compiled modules are kept, whatever the machine prefers: every start takes half as long.
export UV_COMPILE_BYTECODE := 1
unexport PYTHONDONTWRITEBYTECODE

# uv of the PATH if it works, else one of our own from the package registry.
UV := $(shell uv --version >/dev/null 2>&1 && command -v uv || echo .tools/bin/uv)
PYTHON ?= python3
RUN := $(UV) run --no-sync
INSTALLED := .venv/.installed

PORT ?= 8000
TEST_PROCESSES ?= 3
ARGS ?=
SEEDS ?= 500
FIRST ?= 0
EXAMPLES ?= 2000
COUNT ?= 1000
SEED ?= 1
REQUESTS ?= 50000
TEMPORAL_SERVER ?= v1.29.1
HELM ?= v3.22.0
STRIPE_MOCK ?= v0.203.0
SPECTRAL ?= 6.16.3
REDOCLY ?= 2.77.0
ADVISORIES ?= https://api.osv.dev

.PHONY: help install check lint types layers rules compose-check lock-check format test properties test-long test-deep answers corpus simulate money credits regress verify-many mail-wave chaos payments cluster histories site demo up status down mutate \
	documents pages stripe alerts temporal-server bench picture clean install-check clients examples refusals fuzz reference document sbom audit chart python-client

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {gsub(/\$$\$$/, "$$", $$2); printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED) ## Install the locked dependencies into .venv

.tools/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Fluxrate needs Python 3.11 or later; name one with PYTHON=… make install"; exit 1; }
	$(PYTHON) -m venv .tools
	.tools/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.13,<0.14'

$(INSTALLED): pyproject.toml uv.lock
	@test -x "$(UV)" || $(MAKE) --no-print-directory $(UV)
	$(UV) sync --quiet --locked --extra embedded --extra einvoice --extra otel
	$(RUN) python -m clients.generator
	@touch $@

check: $(INSTALLED) lint types layers rules compose-check lock-check ## Style, types, layers, rules, compose and lock file

lint: $(INSTALLED)
	$(RUN) ruff format --check .
	$(RUN) ruff check .

types: $(INSTALLED)
	$(RUN) python -m clients.generator
	$(RUN) mypy

layers: $(INSTALLED)
	$(RUN) lint-imports

rules: $(INSTALLED)
	$(RUN) pytest -q tests/architecture -k "not how_tos"

compose-check: $(INSTALLED)
	$(RUN) check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

lock-check: $(INSTALLED)
	$(UV) lock --check

format: $(INSTALLED) ## Rewrite the code in its one form
	$(RUN) ruff check --fix-only .
	$(RUN) ruff format .

test: $(INSTALLED) ## Tests on real servers, but for what takes long and for the rules of `make check`; ARGS="-k invoice" narrows it
	$(RUN) pytest -m "not long" --ignore=tests/architecture -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder $(ARGS)

test-long: $(INSTALLED) ## What takes long: whole installations, kills, stories through the whole product
	$(RUN) pytest -m long -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder $(ARGS)

properties: $(INSTALLED) ## Rules of money and time with ten times the generated cases of the suite
	FLUXRATE_HYPOTHESIS_PROFILE=gate $(RUN) pytest -n $(TEST_PROCESSES) --dist loadfile tests/billing $(ARGS)

test-deep: $(INSTALLED) ## The same with many times more generated cases
	FLUXRATE_HYPOTHESIS_PROFILE=deep $(RUN) pytest -n $(TEST_PROCESSES) --dist loadfile --no-loadscope-reorder $(ARGS)

answers: $(INSTALLED) ## Tests of the API, every answer compared with what the document says of it
	FLUXRATE_COMPARE_ANSWERS=1 $(RUN) pytest -n $(TEST_PROCESSES) --dist loadfile tests/api $(ARGS)

corpus: $(INSTALLED) ## Thousands of bad requests out of the document: is the field that is wrong named?
	FLUXRATE_CORPUS=1 $(RUN) pytest tests/api/transport/test_bad_requests.py

fuzz: $(INSTALLED) ## Every operation by requests that schemathesis makes; REQUESTS=3000 SEED=7 repeats a run
	$(RUN) python -m tests.api.fuzz --requests $(REQUESTS) --seed $(SEED) $(ARGS)

simulate: $(INSTALLED) ## Subscriptions' lives under faults; SEEDS=50000 tries more, FIRST=17 repeats one
	$(RUN) python -m tests.workflows.simulate --seeds $(SEEDS) --first $(FIRST)

money: $(INSTALLED) ## Customers' lives against the model of what they owe; EXAMPLES=50000 tries more
	FLUXRATE_MONEY_EXAMPLES=$(EXAMPLES) $(RUN) pytest -n $(TEST_PROCESSES) --dist load tests/money $(ARGS)

credits: $(INSTALLED) ## All movements of credit against a model that counts coins; EXAMPLES=50000 tries more
	FLUXRATE_CREDIT_EXAMPLES=$(EXAMPLES) $(RUN) pytest -n $(TEST_PROCESSES) --dist load tests/services/credits/machine $(ARGS)

chaos: $(INSTALLED) ## Every crash of every step on the real engines, and what else takes minutes
	FLUXRATE_CHAOS=1 $(RUN) pytest tests/faults tests/scenarios/test_year.py tests/scenarios/test_bounds.py $(ARGS)

payments: $(INSTALLED) ## Never twice: COUNT=10000 payments while everything fails; SEED=7 repeats one
	$(RUN) python -m tests.faults.payments --count $(COUNT) --seed $(SEED)

cluster: COUNT = 100
cluster: $(INSTALLED) .tools/temporal/server ## A wave on a whole installation of processes, parts of it killed (needs Go); COUNT=1000
	@$(RUN) python -m clients.generator
	$(RUN) python -m tests.faults.cluster --count $(COUNT) $(ARGS)

histories: $(INSTALLED) ## Record the histories again that replay tests run; review before committing
	$(RUN) python -m tests.workflows.record
	$(RUN) python -m tests.dunning.record

install-check: $(INSTALLED) ## The wheel as an application of its own, installed by uv and by pipx
	FLUXRATE_INSTALL_CHECK="$(UV)" $(RUN) pytest -q tests/cli/test_installed.py

examples: $(INSTALLED) ## Record again what the document shows of each operation; review before committing
	FLUXRATE_RECORD_EXAMPLES=1 $(RUN) pytest -q tests/api/examples tests/notifications/test_catalogue.py

refusals: $(INSTALLED) ## Record again by which codes operations refuse: runs the API's tests, takes minutes
	rm -f .tools/refusals; mkdir -p .tools
	FLUXRATE_RECORD_REFUSALS=$(CURDIR)/.tools/refusals $(RUN) pytest -q -n $(TEST_PROCESSES) --dist loadfile tests/api
	$(RUN) python -m tests.api.examples.refusals .tools/refusals

reference: $(INSTALLED) ## Write the pages again that are made of codes, document and inventory
	$(RUN) python -c 'from api.document.codes import write_reference; print(write_reference(), end="")' > docs/reference/errors.md
	$(RUN) python -c 'from api.app import describe; from api.document.roles import write_roles; print(write_roles(describe()), end="")' > docs/reference/roles.md
	$(RUN) python -c 'from pathlib import Path; from services.personal_data.inventory import write_page; page = Path("docs/operators/personal-data.md"); page.write_text(write_page(page.read_text()))'
	$(RUN) python -m deploy.helm.settings

document: $(INSTALLED) ## The OpenAPI document before Spectral and Redocly (needs Node)
	mkdir -p .tools/document
	$(RUN) fluxrate openapi > .tools/document/openapi.json
	echo 'extends: ["spectral:oas"]' > .tools/document/spectral.yaml
	npx --yes --prefix .tools/document @stoplight/spectral-cli@$(SPECTRAL) lint --fail-severity warn \
		--ruleset .tools/document/spectral.yaml .tools/document/openapi.json
	npx --yes --prefix .tools/document @redocly/cli@$(REDOCLY) lint --extends recommended .tools/document/openapi.json

sbom: $(INSTALLED) ## What the product consists of, with digests, as CycloneDX: dist/fluxrate.cdx.json
	mkdir -p dist
	$(UV) export --quiet --frozen --no-default-groups --all-extras --format cyclonedx1.5 \
		--preview-features sbom-export --output-file dist/fluxrate.cdx.json >/dev/null
	$(RUN) pytest -q tests/docs/test_supply_chain.py

audit: $(INSTALLED) ## Locked packages against known advisories: ADVISORIES=…, else what the package index tells
	@if $(PYTHON) -c 'import sys, urllib.error, urllib.request as r; r.urlopen(sys.argv[1], timeout=20)' $(ADVISORIES) 2>&1 | \
		grep -q "URLError\|timed out\|RemoteDisconnected\|ConnectionReset"; \
	then $(RUN) python -m tests.docs.advisories; \
	else $(UV) audit --frozen --preview-features audit --service-url $(ADVISORIES); fi

regress: $(INSTALLED) ## Receipts of every price model, computed again by this code
	$(RUN) fluxrate regress --files tests/services/invoicing/receipts/golden

verify-many: COUNT = 10000
verify-many: $(INSTALLED) ## COUNT=10000 invoices verified in one run, then five things changed and each named
	$(RUN) python -m tests.services.invoicing.receipts.many --count $(COUNT)

mail-wave: COUNT = 10000
mail-wave: $(INSTALLED) ## COUNT=10000 finalizations with a dead mail server beside as many with a living one
	BENCHMARK_INVOICES=$(COUNT) $(RUN) python -m benchmarks.mail_wave

site: $(INSTALLED) ## Build the documentation's site into site/
	$(RUN) python -m tests.docs.site.build

demo: $(INSTALLED) ## From nothing to an issued invoice of $$82.45: under a minute on a machine at rest
	@$(RUN) python -m clients.generator
	@exec .venv/bin/fluxrate demo

up: $(INSTALLED) ## Run everything in the foreground; Ctrl-C stops it; PORT=8001 moves the API
	@exec .venv/bin/fluxrate up --port $(PORT)

status: $(INSTALLED) ## Show what runs and where it answers
	@exec .venv/bin/fluxrate status

down: $(INSTALLED) ## Stop what runs
	@exec .venv/bin/fluxrate down

mutate: $(INSTALLED) ## Change the rules in thousands of small ways: do the tests notice nine in ten?
	$(UV) sync --quiet --locked --extra embedded --extra einvoice --extra otel --group mutate
	$(RUN) python -m tests.billing.mutation $(ONLY)

chart: $(INSTALLED) .tools/helm/helm ## The Helm chart before helm and the schemas of Kubernetes (needs Go)
	$(UV) sync --quiet --locked --extra embedded --extra einvoice --extra otel --group charts
	$(RUN) pytest -q tests/deploy $(ARGS)

.tools/helm/helm:
	GOBIN=$(CURDIR)/.tools/helm go install helm.sh/helm/v3/cmd/helm@$(HELM)

temporal-server: .tools/temporal/server ## Temporal's server for clusters, built from its source (needs Go)

.tools/temporal/server:
	GOBIN=$(CURDIR)/.tools/temporal go install go.temporal.io/server/cmd/server@$(TEMPORAL_SERVER)
	GOBIN=$(CURDIR)/.tools/temporal go install go.temporal.io/server/cmd/tools/sql@$(TEMPORAL_SERVER)
	cp -r "$$(go env GOMODCACHE)/go.temporal.io/server@$(TEMPORAL_SERVER)/schema/postgresql/v12" .tools/temporal/schema
	chmod -R u+w .tools/temporal

stripe: $(INSTALLED) .tools/stripe/stripe-mock ## What Stripe is asked before Stripe's own judge (needs Go)
	$(RUN) pytest -q tests/integrations/gateways/stripe/test_stripe_mock.py $(ARGS)

.tools/stripe/stripe-mock:
	GOBIN=$(CURDIR)/.tools/stripe go install github.com/stripe/stripe-mock@$(STRIPE_MOCK)

alerts: $(INSTALLED) .tools/prometheus/usr/bin/promtool ## Alerts on money: each fault for real, does its rule fire? (needs Debian)
	FLUXRATE_ALERTS=1 $(RUN) pytest -q tests/observability $(ARGS)

.tools/prometheus/usr/bin/promtool:
	mkdir -p .tools/prometheus
	cd .tools/prometheus && apt-get download --quiet prometheus && dpkg-deb --extract prometheus_*.deb .

documents: $(INSTALLED) ## Every kind of document before veraPDF (needs Java and Maven), and drawn again for docs
	$(RUN) python -m tests.services.documents.judge
	$(RUN) python -m tests.services.documents.pictures

pages: $(INSTALLED) ## Pages in a real browser (needs Chromium): themes, keyboard, axe; drawn again for docs
	$(UV) sync --quiet --locked --extra embedded --extra einvoice --extra otel --group pages
	FLUXRATE_DRAW_PAGES=1 $(RUN) pytest tests/console $(ARGS)

python-client: $(INSTALLED) ## The Python client and its wheel, in clients/python/dist
	$(RUN) python -m clients.generator
	$(UV) build --quiet --out-dir clients/python/dist clients/python

clients: python-client ## Make the clients of the API's document, and their packages (TypeScript needs Node)
	cd clients/typescript && npm ci --no-audit --no-fund && npm run generate && npm run build && npm pack --silent

bench: $(INSTALLED) ## Measure everything beside its limit; ONLY="rating closing" narrows it
	$(RUN) python -m benchmarks $(ONLY)

picture: $(INSTALLED) ## Draw the benchmarks' results into docs/images
	$(UV) sync --quiet --locked --extra embedded --extra einvoice --extra otel --group picture
	$(RUN) python -m benchmarks.picture

clean: ## Remove caches and the environment; data in .data stays
	rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
