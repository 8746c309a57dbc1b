PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.DEFAULT_GOAL := help

help:            ## list what can be made
	@sed -n 's/^\([a-z-]*\): .*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

setup: $(VENV)/.ready  ## create the environment in .venv, with pinned and hashed packages

$(VENV)/.ready: requirements-dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

run: setup       ## the main job: the built-in LSTM on the bundled SPY prices, with its report
	$(BIN)/backtester run lstm

test: setup      ## the tests
	$(BIN)/pytest -n 2 --dist worksteal -m "not slow"

test-slow: setup ## the slow tests
	$(BIN)/pytest -n 2 --dist worksteal -m slow --durations=25

trust: setup     ## the tests of the catalogue, fast and slow, and what came of them into docs/trust.md
	-$(BIN)/pytest -n 2 --dist worksteal -m "catalogue and not slow" --catalogue=build/catalogue-fast.json
	-$(BIN)/pytest -m "catalogue and slow" --catalogue=build/catalogue-slow.json
	$(BIN)/python -m docs.trust build/catalogue-fast.json build/catalogue-slow.json

check: setup     ## lint, types, and whether the generated pages are fresh
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m docs.generate --check
	$(BIN)/python -m docs.trust --check

golden: setup    ## pin the figures of the golden runs anew; a change needs a line under Figures in CHANGELOG.md
	$(BIN)/python -m tests.golden.runs

audit-dependencies: setup  ## look up known flaws of the pinned packages, where pip-audit and the network are there
	@$(BIN)/python .ci/audit_dependencies.py

docs: setup      ## write the generated pages of docs/
	$(BIN)/python -m docs.generate

example: setup   ## run reports/example anew, on a shorter history to keep it small
	rm -rf build/example
	$(BIN)/backtester run lstm --set data.start=2010-01-04 --set execution.registry=build/example/trials --out build/example
	rm -rf reports/example
	cp -R build/example/lstm-SPY-* reports/example
	rm reports/example/.lock

bench: setup     ## measure: the naive Keras loop against this program, and how time and memory scale
	$(BIN)/python -m benchmarks.naive_keras
	$(BIN)/python -m benchmarks.scaling

lock: setup      ## pin the requirements anew, with hashes and without index addresses
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --extra dev pyproject.toml -o requirements-dev.txt

clean:           ## remove the environment and the reports
	rm -rf $(VENV) dist
	find reports -mindepth 1 -maxdepth 1 ! -name example -exec rm -rf {} +

.PHONY: help setup run test test-slow trust check golden audit-dependencies docs example bench lock clean
