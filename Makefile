# Every target sets up what it needs: on a fresh machine it takes Python 3.11 or newer, and make.
#
# The environment lives in .venv. One stamp file in it for each extra of pyproject.toml says that
# the extra is installed; a changed pyproject.toml installs it again.
#   make test PYTHON=python3.12      the Python that .venv is made with
#   make test ARGS="-k softmax"      more arguments for the command that a target runs

PYTHON ?=
ARGS ?=
pythons := $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python)
python := .venv/bin/python

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench docs clean FORCE
# Two installs at once would trip over each other in .venv.
.NOTPARALLEL:

help: ## show this list
	@awk -F ': .*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' Makefile

demo: .venv/.installed-course ## train a network on handwritten digits, check its gradients, draw
	@.venv/bin/tinygrad-edu demo $(ARGS)

# Two workers with one thread each: more threads than cores would only wait for each other.
test: .venv/.installed-test ## run all tests
	@OPENBLAS_NUM_THREADS=1 $(python) -m pytest -n 2 --dist worksteal $(ARGS)

lint: .venv/.installed-dev ## check format, style and types
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy

bench: .venv/.installed-torch ## measure speed beside PyTorch, which this target installs
	@$(python) benchmarks/run.py $(ARGS)

docs: .venv/.installed-docs ## write docs/reference.md and docs/pytorch.md anew, and a site into build/site
	@$(python) docs/make_reference.py
	@$(python) docs/make_pytorch.py
	@.venv/bin/mkdocs build --quiet
	@echo build/site/index.html

clean: ## remove .venv, builds and caches (not the results in runs/)
	@rm -rf .venv build dist *.egg-info .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find . -name .git -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

# An environment holds absolute paths, and pip cannot mend what an interrupted install left behind.
# So .venv is made anew when the checkout has moved, when its Python is gone or not the PYTHON asked
# for, and when an install was not finished. While one is going on, .venv/.installing holds its pid.
usable = test "$$(cat .venv/.checkout)" = "$(CURDIR)" && test ! -e .venv/.installing && \
    case "$(PYTHON)" in "" | "$$(cat .venv/.made-with)") ;; *) false ;; esac && $(python) -V
unusable := $(shell { $(usable); } >/dev/null 2>&1 || echo FORCE)

suitable := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
begin = echo $$$$ >.venv/.installing
end = rm .venv/.installing
pip = $(python) -m pip install -qq --disable-pip-version-check

.venv/.checkout: $(unusable)
	@if kill -0 "$$(cat .venv/.installing 2>/dev/null)" 2>/dev/null; then \
	    echo "Process $$(cat .venv/.installing) is setting up .venv just now; wait for it and try again." >&2; \
	    exit 1; \
	fi
	@if test -e .venv && test ! -e .venv/.checkout && test ! -e .venv/.installing; then \
	    echo "There is a .venv that make did not make; move it away, or remove it with make clean." >&2; \
	    exit 1; \
	fi
	@rm -rf .venv; \
	for name in $(pythons); do \
	    if "$$name" -c '$(suitable)' 2>/dev/null; then \
	        mkdir .venv && $(begin) && "$$name" -m venv .venv || exit 1; \
	        echo "$$name" >.venv/.made-with; \
	        echo "$(CURDIR)" >$@; \
	        $(end); \
	        exit 0; \
	    fi; \
	done; \
	{ \
	    echo "tinygrad_edu needs Python 3.11 or newer with its modules venv and ensurepip. Looked at:"; \
	    for name in $(pythons); do \
	        echo "  $$name ($$("$$name" --version 2>/dev/null || echo not found))"; \
	    done; \
	    echo "On Debian and Ubuntu: apt install python3-venv. Another Python: make PYTHON=/path/to/python3"; \
	} >&2; \
	exit 1

# What each install brings along, so that nothing is installed twice.
contents_course := course
contents_docs := course docs
contents_test := course docs test
contents_dev := course docs test dev

.venv/.installed-%: .venv/.checkout pyproject.toml
	@echo "setting up .venv for tinygrad_edu[$*] (first time: about a minute)"
	@$(begin) && $(pip) --editable ".[$*]" && $(end)
	@touch $(contents_$*:%=.venv/.installed-%)

.venv/.installed-torch: | .venv/.installed-course
	@echo "setting up .venv for the comparison with PyTorch (first time: a large download)"
	@$(begin) && $(pip) torch==2.13.0 && $(end)
	@touch $@
