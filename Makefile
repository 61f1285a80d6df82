# make demo    environment, then text in, schema-valid JSON out, with the model that the package carries
# make test    environment, then all tests
# make lint    ruff and mypy
# make checks  the core built with bounds checks and caches that forget, in a folder of its own, and its tests run with that build
# make bench   the comparison with other engines, on BENCH_DATA with BENCH_TOKENIZER (bench/README.md)
# make docs    the documentation as a site, in build/site
# make bench-speed   every figure of docs/speed.md measured anew, in about half an hour, and put there
# make clean   remove what was built, the environment too
#
# PYTHON=python3.12 chooses the interpreter (3.10 or newer), VENV=folder the environment. Nothing is done twice: stamp
# files in the environment remember what is installed.

PYTHON ?= python3
VENV ?= .venv
PIP_OPTIONS ?=
PYTEST_OPTIONS ?=
BENCH_DATA ?= ../shared/data/maskbench_dev.jsonl.gz
BENCH_TOKENIZER ?= ../shared/data/llama3
BENCH_OPTIONS ?=

RUN = $(VENV)/bin/python
CORE = setup.py $(wildcard _ext/*.pyx _ext/*.pxi _ext/*.hpp)
PACKAGING = pyproject.toml constraints.txt
FOLDERS = _ext decoding grammars samplers

.PHONY: demo test lint checks docs bench bench-speed clean
.DELETE_ON_ERROR:

demo: $(VENV)/.installed
	$(VENV)/bin/tokentrellis generate examples/order.schema.json --file examples/order.txt

test: $(VENV)/.installed-test
	$(RUN) -m pytest $(PYTEST_OPTIONS)

# mypy cannot see packages through the mapping in pyproject.toml, hence the folder of links.
lint: $(VENV)/.installed-dev
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	rm -rf build/typing && mkdir -p build/typing/tokentrellis
	for part in $(FOLDERS) $(wildcard _package/*); do \
		ln -s "$(CURDIR)/$$part" build/typing/tokentrellis/; done
	MYPYPATH=build/typing $(RUN) -m mypy -p tokentrellis

checks: $(VENV)/.installed-dev
	TOKENTRELLIS_CHECKS=1 $(RUN) setup.py --quiet build --build-base build/checks --build-lib build/checks/lib
	PYTHONPATH=build/checks/lib $(RUN) -m pytest $(PYTEST_OPTIONS) tests/decoding tests/properties \
		tests/grammars/test_lexeme_rows.py tests/grammars/test_lark.py tests/grammars/test_lalr.py

docs: $(VENV)/.installed-docs
	NO_MKDOCS_2_WARNING=1 $(RUN) -m mkdocs build --strict

bench: $(VENV)/.installed-bench
	$(RUN) -m bench.maskbench --data $(BENCH_DATA) --tokenizer $(BENCH_TOKENIZER) $(BENCH_OPTIONS)

# A folder of its own for each run; its figures come into the page.
bench-speed: SPEED_OUT = bench/results/$(shell date +%Y-%m-%d)_$(shell git rev-parse --short HEAD)
bench-speed: $(VENV)/.installed-bench
	$(RUN) -m bench.speed all --tokenizer $(BENCH_TOKENIZER) --data $(BENCH_DATA) --out $(SPEED_OUT) $(BENCH_OPTIONS)
	$(RUN) -m bench.speed page $(SPEED_OUT)

clean:
	rm -rf $(VENV) build dist *.egg-info _ext/*.so

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "$(PYTHON) must be Python 3.10 or newer; name another one with PYTHON=..."; exit 1; }
	test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	touch $@

# An editable installation: Python files are used where they lie, the core is compiled again when its sources change.
$(VENV)/.installed: EXTRA = transformers,lark
$(VENV)/.installed-test: EXTRA = test
$(VENV)/.installed-dev: EXTRA = dev
$(VENV)/.installed-docs: EXTRA = docs
$(VENV)/.installed-bench: EXTRA = bench
$(VENV)/.installed $(VENV)/.installed-test $(VENV)/.installed-dev $(VENV)/.installed-docs \
		$(VENV)/.installed-bench: \
		$(VENV)/.created $(PACKAGING) $(CORE)
	$(RUN) -m pip install --quiet $(PIP_OPTIONS) --constraint constraints.txt --editable '.[$(EXTRA)]'
	touch $@
