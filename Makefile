# Everything runs from .venv, which the first target makes: `make run` needs Python 3.11 or later,
# make and a package index. Another Python: make PYTHON=python3.12 run. Arguments for the command
# behind a target: make run ARGS="--rate 200".

.DEFAULT_GOAL := help
.PHONY: help run test test-quick mutants test-kafka test-chaos test-deploy test-alerts \
	bench bench-latency bench-growth bench-soak bench-chores bench-scale bench-peers \
	bench-cells bench-churn bench-churn-fit bench-texts bench-detection bench-explanation coverage docs lint format lock clean
.DELETE_ON_ERROR:

VENV ?= .venv
BIN := $(VENV)/bin
ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
ifndef PYTHON
PYTHON := $(firstword $(shell for name in python3 python3.13 python3.12 python3.11 python; do \
	$$name -c '$(ENOUGH)' 2>/dev/null && echo $$name; done; true) python3)
endif
# Each process of tests has servers of its own; tests/conftest.py says how many there are. One
# process, for a debugger: make test ARGS="-n 0".
PARALLEL := --numprocesses=auto --maxprocesses=4 --dist=load --maxschedchunk=1
WITHOUT_SERVERS := not postgres and not broker and not slow \
	and not kafka and not chaos and not deploy and not alerts
COMPILE := $(BIN)/uv pip compile pyproject.toml --group pyproject.toml:build \
	--universal --python-version 3.11 --only-binary :all: \
	--generate-hashes --no-emit-index-url --no-annotate --no-header --quiet $(UPGRADE)

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/installed-run ## all on this machine: broker, database, worker, call centre
	@$(BIN)/voc-stream up $(ARGS)

test: $(VENV)/installed-test ## all tests that need nothing but Python
	$(BIN)/python -m pytest $(PARALLEL) $(ARGS)

test-quick: $(VENV)/installed-test ## tests without a server, under a minute: at each save
	$(BIN)/python -m pytest -m "$(WITHOUT_SERVERS)" \
		tests/unit tests/integration tests/contract voc_stream $(ARGS)

mutants: $(VENV)/installed-test ## mistakes on purpose, and which tests notice: ten minutes
	PYTHONPATH=tests $(BIN)/python -m mutants $(ARGS)

# Without those in which only PostgreSQL or a clock fails: another broker makes no difference to
# them.
test-kafka: $(VENV)/installed-test ## tests of Kafka, on Apache Kafka: needs Java 17, Maven
	$(BIN)/python -m pytest $(PARALLEL) --broker=apache -m "(broker or kafka) and not chaos" \
		-k "not forgets_everything and not stopped_under_load" \
		--ignore=tests/end_to_end/test_up.py \
		--ignore=tests/end_to_end/test_guilty_message.py \
		--ignore=tests/end_to_end/test_clocks.py \
		tests/end_to_end tests/apache $(ARGS)

test-chaos: $(VENV)/installed-test ## faults on purpose, half an hour: as test-kafka; as root
	$(BIN)/python -m pytest -m chaos tests/chaos tests/apache $(ARGS)
ifndef ARGS
	VOC_TEST_EVENTS=200000 VOC_TEST_KILLS=20 VOC_TEST_OUTAGE_SECONDS=60 \
		$(BIN)/python -m pytest tests/end_to_end/test_kills.py tests/end_to_end/test_outages.py
	VOC_TEST_CELLS=4 VOC_TEST_CELL_WORKERS=2 VOC_TEST_CELL_EVENTS=20000 VOC_TEST_CELL_KILLS=12 \
		$(BIN)/python -m pytest tests/end_to_end/test_cells.py
	VOC_TEST_GROWTH=1000000 $(BIN)/python -m pytest tests/integration/postgres/intake/test_growth.py
endif

test-deploy: $(VENV)/installed-test ## alert rules and routes: needs promtool and amtool
	$(BIN)/python -m pytest $(PARALLEL) -m deploy tests/deploy $(ARGS)

test-alerts: $(VENV)/installed-test ## alerts end to end, minutes: needs the same programs
	$(BIN)/python -m pytest -m alerts tests/alerting $(ARGS)

bench: $(VENV)/installed-test ## events per second, from a filled topic to the last row
	PYTHONPATH=tests $(BIN)/python -m benchmarks.throughput $(ARGS)

bench-latency: $(VENV)/installed-test ## how long until an event is visible, at half load
	PYTHONPATH=tests $(BIN)/python -m benchmarks.latency $(ARGS)

bench-growth: $(VENV)/installed-test ## throughput, delay, memory at growing size: an hour
	PYTHONPATH=tests $(BIN)/python -m benchmarks.growth $(ARGS)

bench-soak: $(VENV)/installed-test ## one worker under a steady load for an hour
	PYTHONPATH=tests $(BIN)/python -m benchmarks.soak $(ARGS)

bench-chores: $(VENV)/installed-test ## what merging and assessing cost
	PYTHONPATH=tests $(BIN)/python -m benchmarks.chores $(ARGS)

bench-churn: $(VENV)/installed-test ## how well risks order real customers, of a file of visits
	PYTHONPATH=tests $(BIN)/python -m benchmarks.churn_order $(ARGS)

bench-churn-fit: $(VENV)/installed-test ## whether the fit of the churn model finds what is true
	PYTHONPATH=tests $(BIN)/python -m benchmarks.churn_fit $(ARGS)

bench-detection: $(VENV)/installed-test ## false alarms, how soon a drop is found: 30 minutes
	PYTHONPATH=tests $(BIN)/python -m benchmarks.detection $(ARGS)

coverage: $(VENV)/installed-test ## how often intervals hold what is true: a minute
	PYTHONPATH=tests $(BIN)/python -m benchmarks.coverage $(ARGS)

bench-texts: $(VENV)/installed-test ## how often complaint texts are understood: seconds
	PYTHONPATH=tests $(BIN)/python -m benchmarks.texts $(ARGS)

bench-explanation: $(VENV)/installed-test ## whom alerts name, and how often wrongly: 5 minutes
	PYTHONPATH=tests $(BIN)/python -m benchmarks.explanation $(ARGS)

bench-cells: $(VENV)/installed-test ## a question to all of 16 cells in one database
	PYTHONPATH=tests $(BIN)/python -m benchmarks.cells $(ARGS)

bench-scale: $(VENV)/installed-test ## what 1,000,000 events/s would need, from measured costs
	PYTHONPATH=tests $(BIN)/python -m benchmarks.scale $(ARGS)

bench-peers: $(VENV)/installed-test ## the same job by peers: needs Java 17, Maven
	PYTHONPATH=tests $(BIN)/python -m benchmarks.peers $(ARGS)

docs: $(VENV)/installed-test ## write what is generated: schemas, pages, alert rules
	$(BIN)/python -m voc_stream.published.write
	PYTHONPATH=tests $(BIN)/python -m layers_page
	deploy/make-prometheusrule

lint: $(VENV)/installed-dev ## style, format and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(VENV)/installed-dev ## put the code in its format, and repair what can be repaired
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

UPGRADE ?= --upgrade
lock: $(VENV)/installed-dev ## lock files with newest versions; UPGRADE= only adds
	$(COMPILE) --extra embedded --extra test --extra dev --output-file requirements/dev.txt
	$(COMPILE) --extra embedded --extra test --constraint requirements/dev.txt \
		--output-file requirements/test.txt
	$(COMPILE) --extra embedded --constraint requirements/dev.txt --output-file requirements/run.txt
	$(COMPILE) --constraint requirements/dev.txt --output-file requirements/service.txt

clean: ## remove the environment and all caches, but no data
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage* build dist

# What is installed comes from the lock file, hash by hash; the package itself is built with pinned
# tools.
$(VENV)/installed-%: requirements/%.txt pyproject.toml | $(BIN)/pip
	@echo "Installing requirements/$*.txt into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		--only-binary :all: -r requirements/$*.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
		--no-build-isolation --editable .
	@$(BIN)/python -m pip check --quiet --disable-pip-version-check
	@touch $@

$(BIN)/pip:
	@$(PYTHON) -c '$(ENOUGH)' || { \
		echo "Python 3.11 or later is needed; name one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }
